/**
 * One network in a browser's page; bundled by chromium.mjs, which serves it at this file's own place so that `../../dist/` means the same. sepconv is
 * served as it is, not bundled.
 */
import { CompiledModel, loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { setThreadsCount, setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { build } from "../../dist/index.js";
import { tfjsNetwork } from "../tfjs.mjs";
import { measure } from "./measure.mjs";
import { networkOf } from "./network.mjs";
import { toTflite } from "./tflite.mjs";

globalThis.measureNetwork = async ({ network: name, litertVersion, version, ...options }) => {
  const network = networkOf(name);
  const candidates = [
    ...["simd", "relaxed", "scalar"].map((variant) => ({
      name: `sepconv ${variant}`,
      open: async () => {
        const session = await build(network.graph, { variant });
        return { run: () => session.run(network.input).output, version };
      },
    })),
    { name: "tfjs-wasm", open: () => tfjs(network) },
    { name: "LiteRT.js", open: () => litert(network, litertVersion) },
  ];
  const rows = await measure(candidates, options, (line) => console.log(line));
  return { network: name, macs: network.macs, rows };
};

async function tfjs({ folded, input }) {
  tf.env().set("PROD", true);
  // The page is isolated for the sake of its clock; that alone must not bring in the build with threads.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths("/tfjs/");
  setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("backend wasm: expected to start, got a refusal");
  await tf.ready();
  const { run } = tfjsNetwork(tf, folded);
  return { run: () => run(input), version: version_wasm };
}

let loaded;

async function litert({ folded, input }, version) {
  // Asks for its build without threads; it takes the one with relaxed SIMD by itself.
  loaded ??= loadLiteRt("/litert/", { threads: false });
  await loaded;
  const model = await loadAndCompile(toTflite(folded), { accelerator: "wasm", cpuOptions: { numThreads: 1 } });
  if (!(model instanceof CompiledModel)) throw new Error("LiteRT.js: expected a compiled model");
  const [{ shape }] = folded.inputs;
  const run = async () => {
    const tensor = new Tensor(input, [...shape]);
    const results = await model.run(tensor);
    const output = results[0].toTypedArray().slice();
    tensor.delete();
    for (const result of results) result.delete();
    return output;
  };
  return { run, version };
}
