import { answers } from "./answers.js";

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const ofWorker = new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => resolve(`worker: ${event.message}`);
});
globalThis.answers = { page: await answers(new URL("/", location.origin)), worker: await ofWorker };
