import { answers } from "./answers.js";

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const ofWorker = new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => resolve(`worker: ${event.message}`);
});
answers(new URL("/", location.origin)).then(async (page) => {
  globalThis.answers = { page, worker: await ofWorker };
});
