/**
 * What TensorFlow.js answers, on its CPU backend and on its WebAssembly backend.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Control flow alone asks for the asynchronous way. */
async function ran(model, isGraph, tensors, outputs) {
  if (!isGraph) return model.predict(Object.values(tensors));
  try {
    return model.execute(tensors, outputs);
  } catch {
    return model.executeAsync(tensors, outputs);
  }
}

/**
 * Starts the reference.
 * @param cache a folder for answers, which are the same as long as its version is
 */
export async function openReference(cache) {
  const require = createRequire(import.meta.url);
  const tf = require("@tensorflow/tfjs-core");
  require("@tensorflow/tfjs-backend-cpu");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  wasm.setThreadsCount(1);
  const { loadGraphModel } = require("@tensorflow/tfjs-converter");
  const { loadLayersModel } = require("@tensorflow/tfjs-layers");
  tf.env().set("PROD", true);
  if (cache) mkdirSync(cache, { recursive: true });

  /** The outputs of these names (of a layers model, all of them in their order) for the inputs by name. */
  async function answers(backend, { name, files }, shapes, inputs, outputs) {
    await tf.setBackend(backend);
    await tf.ready();
    const file = cache && join(cache, `${name.replaceAll(" ", "-")}-${backend}-${tf.version_core}.json`);
    const kept = file && existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
    if (kept && outputs.every((output) => output in kept)) {
      return Object.fromEntries(Object.entries(kept).map(([key, list]) => [key, Float32Array.from(list)]));
    }
    const { modelTopology, weightsManifest, format, ...rest } = JSON.parse(Buffer.from(files["model.json"]));
    const data = weightsManifest.flatMap(({ paths }) => paths.map((path) => files[path]));
    const artifacts = {
      ...{ ...rest, modelTopology, format },
      weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
      weightData: new Uint8Array(Buffer.concat(data)).buffer,
    };
    const handler = { load: async () => artifacts };
    const isGraph = Array.isArray(modelTopology.node);
    const model = await (isGraph ? loadGraphModel(handler) : loadLayersModel(handler));
    const types = isGraph ? Object.fromEntries(model.inputs.map((input) => [input.name, input.dtype])) : {};
    const tensors = Object.fromEntries(
      shapes.map((input) => [
        input.name,
        tf.cast(tf.tensor(inputs[input.name], input.shape), types[input.name] ?? "float32"),
      ]),
    );
    const results = await ran(model, isGraph, tensors, outputs);
    const list = Array.isArray(results) ? results : [results];
    const answer = Object.fromEntries(outputs.map((output, i) => [output, Float32Array.from(list[i].dataSync())]));
    if (file) {
      const text = Object.fromEntries(Object.entries(answer).map(([key, numbers]) => [key, [...numbers]]));
      writeFileSync(file, JSON.stringify(text));
    }
    tf.disposeVariables();
    model.dispose();
    return answer;
  }
  return { version: tf.version_core, answers };
}
