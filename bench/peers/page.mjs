/**
 * One network in a browser's page; bundled by chromium.mjs, which serves it at this file's own place so that `../../dist/` means the same. sepconv is
 * served as it is, not bundled.
 */
import { build } from "../../dist/index.js";
import { measure } from "./measure.mjs";
import { networkOf } from "./network.mjs";
import { openLitert } from "./page-litert.mjs";
import { openTfjs } from "./page-tfjs.mjs";
import { toTflite } from "./tflite.mjs";

globalThis.measureNetwork = async ({ network: name, litertVersion, version, ...options }) => {
  const { graph, folded, input, macs } = networkOf(name);
  const candidates = [
    ...["simd", "relaxed", "scalar"].map((variant) => ({
      name: `sepconv ${variant}`,
      open: async () => {
        const session = await build(graph, { variant });
        return { run: () => session.run(input).output, version };
      },
    })),
    {
      name: "tfjs-wasm",
      open: async () => {
        const { run, version } = await openTfjs(folded);
        return { run: () => run(input), version };
      },
    },
    {
      name: "LiteRT.js",
      open: async () => {
        const run = await openLitert(toTflite(folded), folded.inputs[0].shape);
        return { run: () => run(input), version: litertVersion };
      },
    },
  ];
  return { network: name, macs, rows: await measure(candidates, options, (line) => console.log(line)) };
};
