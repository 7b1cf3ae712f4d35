/** `sepconv/worker` on every host that has workers; in a page, with the frames that it leaves alone. */
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answersIn } from "./browser.mjs";
import { ASSETS, bin, project, ROOT, run, tools } from "./tools.mjs";

const { initialize, mobilenetV1, toTflite } = await import(`${ROOT}dist/index.js`);

/** A picture's label, an error of its own class, a run that is given up. */
const SHARED = `
export async function shared({ classify, load, FormatError }, model, picture) {
  const seen = [];
  const net = await load(model, { onProgress: ({ phase }) => seen.push(phase) });
  const [{ classes }] = await classify(net, [picture]);
  const wrong = await load(new Uint8Array(40)).catch((error) => error instanceof FormatError && error.name);
  const given = classify(net, picture, { signal: AbortSignal.abort() }).catch(({ name }) => name);
  const answers = { label: classes[0].label, wrong, given: await given, told: seen.includes("read") };
  const last = net.run(new Float32Array(net.inputs[0].shape.reduce((a, b) => a * b)));
  net.worker.terminate();
  return { ...answers, ended: await last.then(String, ({ name }) => name) };
}`;

const PROGRAM = `
import * as worker from "sepconv/worker";
import { shared } from "./shared.mjs";
console.log(JSON.stringify(await shared(worker, "colors.tflite", "picture.jpg")));`;

function check(where, { label, wrong, given, told, ended }) {
  const right = typeof label === "string" && wrong === "FormatError" && given === "AbortError";
  if (right && told === true && ended === "StateError") return;
  throw new Error(`${where}: got ${JSON.stringify({ label, wrong, given, told, ended })}`);
}

async function ofProgram(name, command, flags = []) {
  const cwd = await project(`worker-${name}`, undefined, { "program.mjs": PROGRAM, "shared.mjs": SHARED });
  for (const file of ["colors.tflite", "picture.jpg"]) cpSync(join(ASSETS, file), join(cwd, file));
  check(name, JSON.parse((await run(command, [...flags, "program.mjs"], { cwd })).split("\n").at(-1)));
}

/**
 * A page that draws frames all the while: loading 17 MB, and classifying twenty pictures that take the worker longer
 * than a frame each.
 */
const PAGE = `<!doctype html><img id="picture" src="picture.jpg"><script type="module">
const gaps = [];
let last = performance.now();
const frame = (now) => { gaps.push(now - last); last = now; if (globalThis.answers === undefined) requestAnimationFrame(frame); };
const tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
const worker = await import("./worker.js");
const { shared } = await import("./shared.mjs");
const img = document.querySelector("#picture");
await img.decode();
const answers = { page: await shared(worker, "colors.tflite", img) };
requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
await new Promise((resolve) => setTimeout(resolve, 300));
const [idle, before] = [gaps.splice(0), tasks.splice(0)];
const start = performance.now();
const net = await worker.load("large.tflite");
const loaded = performance.now() - start;
const [loading, whileLoading] = [gaps.splice(0), tasks.splice(0)];
const times = [];
for (let i = 0; i < 20; i++) {
  const begun = performance.now();
  await worker.classify(net, img, { normalization: { mean: 127.5, std: 127.5 } });
  times.push(performance.now() - begun);
}
await new Promise((resolve) => setTimeout(resolve, 100));
globalThis.answers = { ...answers, loaded, times, idle, loading, running: gaps, before, tasks: [...whileLoading, ...tasks] };
</script>`;

export const workers = [
  { name: "Worker in Node", answers: () => ofProgram("node", process.execPath) },
  {
    name: "Worker in a current Node",
    answers: async () => ofProgram("node-24", bin(await tools("node-24", ["node@24"]), "node")),
  },
  {
    name: "Worker in Deno",
    async answers() {
      const flags = ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-read=."];
      await ofProgram("deno", bin(await tools("deno", ["deno@2"]), "deno"), flags);
    },
  },
  { name: "Worker in Bun", answers: async () => ofProgram("bun", bin(await tools("bun", ["bun@1"]), "bun")) },
  {
    name: "Worker of a page, which keeps its frames",
    async answers() {
      const cwd = await project("worker-page", undefined, { "index.html": PAGE, "shared.mjs": SHARED });
      cpSync(join(cwd, "node_modules/sepconv/dist/static/worker.js"), join(cwd, "worker.js"));
      writeFileSync(
        join(cwd, "large.tflite"),
        await toTflite(initialize(mobilenetV1({ alpha: 1, resolution: 224 }), 1)),
      );
      const { page, loaded, times, idle, loading, running, tasks } = await answersIn(cwd);
      check("page", page);
      const most = (list) => Math.max(0, ...list).toFixed(1);
      console.log(
        `  1.0_224 loaded in ${loaded.toFixed(0)} ms, classified in ${(times.reduce((a, b) => a + b) / times.length).toFixed(1)} ms; ` +
          `longest frame idle ${most(idle)} ms, loading ${most(loading)} ms, classifying ${most(running)} ms of ${running.length}; tasks over 50 ms: ${tasks.length}`,
      );
      if (running.length < 10) throw new Error(`expected a page that draws, got ${running.length} frames`);
      if (tasks.length > 0)
        throw new Error(`expected no task over 50 ms in the page, got ${tasks.map((ms) => ms.toFixed(0))}`);
      if (Math.max(...loading, ...running) > 50) throw new Error("expected no frame over 50 ms");
    },
  },
];
