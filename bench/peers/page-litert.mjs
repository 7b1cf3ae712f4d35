/** LiteRT.js in a page: its build without threads; it takes the one with relaxed SIMD by itself. */
import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

let loaded;

/** @param model a TFLite file's bytes. @param shape of the input */
export async function openLitert(model, shape) {
  loaded ??= loadLiteRt("/litert/", { threads: false });
  await loaded;
  const compiled = await loadAndCompile(model, { accelerator: "wasm", cpuOptions: { numThreads: 1 } });
  return async (input) => {
    const tensor = new Tensor(input, [...shape]);
    const results = await compiled.run(tensor);
    const output = results[0].toTypedArray().slice();
    tensor.delete();
    for (const result of results) result.delete();
    return output;
  };
}
