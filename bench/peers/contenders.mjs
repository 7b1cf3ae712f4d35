/**
 * The contenders that any JavaScript host with Node's modules can run. Each takes a Float32Array and answers one, one
 * thread, batch 1; what its user would do for every image is inside of `run`, what is done once is outside.
 * onnxruntime's models have channels first, and so has its input, turned round beforehand: its users hold it that way.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { build } from "../../dist/index.js";
import { startTfjs, tfjsNetwork } from "../tfjs.mjs";
import { channelsFirst } from "./network.mjs";
import { toOnnx } from "./onnx.mjs";

const require = createRequire(import.meta.url);

/**
 * sepconv's variants, or, where threads are measured, one of them on one thread and on several; the first is the one
 * that all outputs are compared with.
 */
export function sepconvs({ graph, input }, threads = 1) {
  const builds =
    threads === 1
      ? ["simd", "relaxed", "scalar"].map((variant) => ({ variant }))
      : [{ variant: "simd" }, { variant: "simd", threads }];
  return builds.map((options) => ({
    name: `sepconv ${options.variant}${on(options.threads)}`,
    open: async () => {
      const session = await build(graph, options);
      if (session.threads !== (options.threads ?? 1)) throw new Error(session.fewerThreads);
      return {
        run: () => session.run(input).output,
        version: versionOf(new URL("../../package.json", import.meta.url)),
      };
    },
  }));
}

const on = (threads = 1) => (threads === 1 ? "" : `, ${threads} threads`);

/** The peers of Node; tfjs-wasm has no threads there. */
export function peers(network, threads = 1) {
  return [
    ...(threads === 1 ? [{ name: "tfjs-wasm", open: () => tfjs(network) }] : []),
    { name: `onnxruntime-web${on(threads)}`, open: () => onnxruntimeWeb(network, threads) },
    { name: `onnxruntime-node${on(threads)}`, open: () => onnxruntimeNode(network, threads) },
  ];
}

async function tfjs({ folded, input }) {
  const { tf, version } = await startTfjs();
  const { run } = tfjsNetwork(tf, folded);
  return { run: () => run(input), version };
}

async function onnxruntimeWeb(network, threads) {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = threads;
  return onnxruntime(ort, network, "onnxruntime-web", { executionProviders: ["wasm"] });
}

async function onnxruntimeNode(network, intraOpNumThreads) {
  const { default: ort } = await import("onnxruntime-node");
  return onnxruntime(ort, network, "onnxruntime-node", { executionProviders: ["cpu"], intraOpNumThreads });
}

async function onnxruntime(ort, { folded, input }, name, options) {
  const session = await ort.InferenceSession.create(toOnnx(folded), {
    graphOptimizationLevel: "all",
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    ...options,
  });
  const [{ name: inputName, shape }] = folded.inputs;
  const [n, h, w, c] = shape;
  const data = channelsFirst(input, shape);
  const [output] = folded.outputs;
  const run = async () => {
    const results = await session.run({ [inputName]: new ort.Tensor("float32", data, [n, c, h, w]) });
    return results[output].data;
  };
  return { run, version: versionOf(packageFile(name)) };
}

/** A package's own `package.json`, which its exports may hide: found from the folder that its entry lies in. */
function packageFile(name) {
  const entry = require.resolve(name);
  return `${entry.slice(0, entry.lastIndexOf(name) + name.length)}/package.json`;
}

function versionOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).version;
}
