/** LiteRT.js in a page: without threads or with them; it takes the build with relaxed SIMD by itself. */
import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

let loaded;

/** @param model a TFLite file's bytes. @param shape of the input. @param threads the same for all models of a page */
export async function openLitert(model, shape, threads = 1) {
  loaded ??= loadLiteRt("/litert/", { threads: threads > 1 });
  await loaded;
  const compiled = await loadAndCompile(model, { accelerator: "wasm", cpuOptions: { numThreads: threads } });
  return async (input) => {
    const tensor = new Tensor(input, [...shape]);
    const results = await compiled.run(tensor);
    const output = results[0].toTypedArray().slice();
    tensor.delete();
    for (const result of results) result.delete();
    return output;
  };
}
