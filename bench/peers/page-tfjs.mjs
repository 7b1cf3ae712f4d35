/** TensorFlow.js's WebAssembly backend in a page. */
import { setThreadsCount, setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { tfjsNetwork } from "../tfjs.mjs";

/** @param folded a graph without batch norms. @returns `run` and `version` */
export async function openTfjs(folded) {
  tf.env().set("PROD", true);
  // The page is isolated for the sake of its clock; that alone must not bring in the build with threads.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths("/tfjs/");
  setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("backend wasm: expected to start, got a refusal");
  await tf.ready();
  return { run: tfjsNetwork(tf, folded).run, version: version_wasm };
}
