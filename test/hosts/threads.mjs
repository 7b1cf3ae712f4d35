/** Threads, on the hosts that have them, and the word of those that do not. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { answersIn } from "./browser.mjs";
import { bin, project, run, tools } from "./tools.mjs";

/** One network on one thread and on two: whether the bits are the same, waited for or not. */
const SHARED = `
export async function shared({ build, mobilenetV1 }) {
  const graph = mobilenetV1({ alpha: 0.25, resolution: 96 });
  const one = await build(graph, { variant: "simd", seed: 1 });
  const two = await build(graph, { variant: "simd", seed: 1, threads: 2 });
  const x = Float32Array.from({ length: 96 * 96 * 3 }, (_, i) => Math.sin(i));
  const right = [...one.run(x).output].join();
  const answers = [];
  for (let i = 0; i < 50; i++) answers.push(two.run(x).output);
  for (let i = 0; i < 5; i++) answers.push((await two.runAsync(x)).output);
  const same = answers.every((each) => [...each].join() === right);
  const { threads, fewerThreads = "" } = two;
  two.dispose();
  const after = await two.runAsync(x).catch(({ name }) => name);
  return { threads, why: fewerThreads, same, after };
}`;

const PROGRAM = `
import * as sepconv from "sepconv";
import { shared } from "./shared.mjs";
console.log(JSON.stringify(await shared(sepconv)));`;

const PAGE = `<!doctype html><script type="module">
import * as sepconv from "./sepconv.js";
import { shared } from "./shared.mjs";
const worker = new Worker("./worker.js", { type: "module" });
const inWorker = new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => resolve(message);
});
globalThis.answers = { page: await shared(sepconv), worker: await inWorker };
</script>`;

const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

function check(where, answers, threads, why = /^$/) {
  const { threads: got, why: said, same, after } = answers;
  if (got === threads && same === true && why.test(said) && after === "StateError") return;
  throw new Error(`${where}: expected ${threads} threads with the same bits (${why}), got ${JSON.stringify(answers)}`);
}

async function ofProgram(name, command, flags = []) {
  const cwd = await project(`threads-${name}`, undefined, { "program.mjs": PROGRAM, "shared.mjs": SHARED });
  check(name, JSON.parse((await run(command, [...flags, "program.mjs"], { cwd })).split("\n").at(-1)), 2);
}

async function ofPage(name, headers, threads, why) {
  const cwd = await project(`threads-${name}`, undefined, {
    ...{ "index.html": PAGE, "shared.mjs": SHARED },
    "worker.js": `import * as sepconv from "./sepconv.js";
      import { shared } from "./shared.mjs";
      shared(sepconv).then(postMessage, (error) => postMessage(String(error)));`,
  });
  cpSync(join(cwd, "node_modules/sepconv/dist/static/index.js"), join(cwd, "sepconv.js"));
  for (const [where, each] of Object.entries(await answersIn(cwd, headers))) {
    check(`${name}, ${where}`, each, threads, why);
  }
}

export const threads = [
  { name: "Threads in Node", answers: () => ofProgram("node", process.execPath) },
  {
    name: "Threads in a current Node",
    answers: async () => ofProgram("node-24", bin(await tools("node-24", ["node@24"]), "node")),
  },
  {
    name: "Threads in Deno",
    async answers() {
      const flags = ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual"];
      await ofProgram("deno", bin(await tools("deno", ["deno@2"]), "deno"), flags);
    },
  },
  { name: "Threads in Bun", answers: async () => ofProgram("bun", bin(await tools("bun", ["bun@1"]), "bun")) },
  { name: "Threads in an isolated page", answers: () => ofPage("isolated", ISOLATED, 2) },
  { name: "Threads in a page that is not isolated", answers: () => ofPage("alone", {}, 1, /cross-origin isolated/) },
  {
    name: "Threads under a content security policy",
    async answers() {
      const script = "'self' 'unsafe-inline' 'wasm-unsafe-eval'";
      const policy = (more) => ({ ...ISOLATED, "content-security-policy": `script-src ${script}; ${more}` });
      await ofPage("policy", policy("worker-src 'self' blob:"), 2);
      await ofPage("policy-refused", policy("worker-src 'self'"), 1, /worker-src blob:/);
    },
  },
];
