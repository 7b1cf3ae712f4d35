/**
 * One contender from a cold process to its first answer at 0.25_128: `cold.mjs NAME FOLDER STEADY`. Prints JSON:
 * milliseconds from before the import to the answer, resident memory right after it, the first inference by itself, and
 * the steady one where STEADY is 1. FOLDER holds what a user would have on disk: the model in the contender's format.
 */
import { readFile } from "node:fs/promises";

const [, , name, folder, steady] = process.argv;

const [RESOLUTION, ALPHA] = [128, 0.25];

const STARTS = {
  /** Nothing: what the process itself takes. */
  empty: async () => () => [],
  /** Architecture from code, weights from a seed. */
  "sepconv build": async () => {
    const { build, mobilenetV1 } = await import("../../dist/index.js");
    const session = await build(mobilenetV1({ alpha: ALPHA, resolution: RESOLUTION }));
    return (input) => session.run(input).output;
  },
  /** A TFLite file. */
  "sepconv load": async () => {
    const { load } = await import("../../dist/index.js");
    const session = await load(`${folder}/model.tflite`);
    return (input) => session.run(input).output;
  },
  /** Shards as bytes and the graph as JSON, like its own format, without the converter package that would read that. */
  "tfjs-wasm": async () => {
    const { startTfjs, tfjsNetwork } = await import("../tfjs.mjs");
    const { tf } = await startTfjs();
    const { graphOf } = await import("./shards.mjs");
    const description = JSON.parse(await readFile(`${folder}/tfjs.json`, "utf8"));
    const bytes = await readFile(`${folder}/tfjs.bin`);
    const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    return tfjsNetwork(tf, graphOf(description, data)).run;
  },
  "onnxruntime-web": async () => {
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    return onnxruntime(ort, "wasm");
  },
  "onnxruntime-node": async () => onnxruntime((await import("onnxruntime-node")).default, "cpu"),
};

async function onnxruntime(ort, provider) {
  const bytes = await readFile(`${folder}/model.onnx`);
  const options = { executionProviders: [provider], intraOpNumThreads: 1, interOpNumThreads: 1 };
  const session = await ort.InferenceSession.create(new Uint8Array(bytes), options);
  const dims = [1, 3, RESOLUTION, RESOLUTION];
  return async (input) => {
    const results = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", input, dims) });
    return results[session.outputNames[0]].data;
  };
}

const start = performance.now();
const run = await STARTS[name]();
const input = new Float32Array(RESOLUTION * RESOLUTION * 3).fill(0.5);
const ready = performance.now();
const output = await run(input);
const end = performance.now();
const { rss } = process.memoryUsage();
const sum = output.reduce((total, value) => total + value, 0);
if (name !== "empty" && !(Math.abs(sum - 1) < 1e-3))
  throw new Error(`${name}: expected probabilities, got numbers that sum to ${sum}`);

const result = { ms: end - start, first: end - ready, rss };
if (steady === "1" && name !== "empty") {
  const times = [];
  for (const begin = performance.now(); performance.now() - begin < 1500; ) {
    const before = performance.now();
    await run(input);
    times.push(performance.now() - before);
  }
  const late = times.slice(times.length >> 1).sort((a, b) => a - b);
  result.steady = late[late.length >> 1];
}
await new Promise((resolve) => process.stdout.write(`\n${JSON.stringify(result)}\n`, resolve));
process.exit(0);
