/**
 * One network in a browser's page; bundled by chromium.mjs, which serves it at this file's own place so that
 * `../../dist/` means the same. sepconv is served as it is, not bundled.
 */
import { build, load, quantize, toTflite } from "../../dist/index.js";
import { measure } from "./measure.mjs";
import { networkOf } from "./network.mjs";
import { openLitert } from "./page-litert.mjs";
import { openTfjs } from "./page-tfjs.mjs";

/**
 * LiteRT.js computes 8-bit layers by other roundings than TFLite's reference kernels, which moves single values by a
 * step, and those behind them by some: relative to the largest logit.
 */
const EIGHT_BIT = { kind: "8-bit", tolerance: 0.1 };

/** The network in 8 bits between floats, up to its logits: probabilities of random weights are all 0 in 8 bits. */
async function eightBit({ graph, input, litertVersion, version }) {
  const logits = graph.nodes.find(({ op }) => op === "softmax")?.inputs[0] ?? graph.outputs[0];
  const quantized = await quantize({ ...graph, outputs: [logits] }, [input]);
  return [
    ...["simd", "relaxed"].map((variant) => ({
      ...{ name: `sepconv ${variant}, 8-bit`, ...EIGHT_BIT },
      open: async () => {
        const session = await build(quantized, { variant });
        return { run: () => session.run(input).output, version };
      },
    })),
    {
      ...{ name: "LiteRT.js, 8-bit", ...EIGHT_BIT },
      open: async () => {
        const run = await openLitert(await toTflite(quantized), quantized.inputs[0].shape);
        return { run: () => run(input), version: litertVersion };
      },
    },
  ];
}

/** One TFLite file, float or 8-bit, given as base64: sepconv beside LiteRT.js. */
globalThis.measureModel = async ({ model, litertVersion, version, ...options }) => {
  const bytes = Uint8Array.from(atob(model), (c) => c.charCodeAt(0));
  let input;
  const candidates = [
    ...["simd", "relaxed", "scalar"].map((variant) => ({
      ...{ name: `sepconv ${variant}`, tolerance: 0 },
      open: async () => {
        const session = await load(bytes, { variant });
        const [{ shape, dtype }] = session.inputs;
        const length = shape.reduce((a, b) => a * b, 1);
        const noise = (i) => (Math.imul(i + 1, 2654435761) >>> 16) & 255;
        if (dtype === "float32") input = Float32Array.from({ length }, (_, i) => noise(i) / 127.5 - 1);
        else
          input = new (dtype === "int8" ? Int8Array : Uint8Array)(
            Uint8Array.from({ length }, (_, i) => noise(i)).buffer,
          );
        return { run: () => session.run(input).output, version };
      },
    })),
    {
      ...{ name: "LiteRT.js", tolerance: 0.1 },
      open: async () => {
        const { inputs } = await load(bytes);
        const run = await openLitert(bytes, inputs[0].shape);
        return { run: () => run(input), version: litertVersion };
      },
    },
  ];
  return { rows: await measure(candidates, options, (line) => console.log(line)) };
};

/** One network on one thread and on several. The page's main thread is one of sepconv's; it may not sleep. */
function threaded({ graph, folded, input, threads, litertVersion, version }) {
  return [
    ...[1, threads].map((count) => ({
      name: `sepconv simd${count > 1 ? `, ${count} threads` : ""}`,
      open: async () => {
        const session = await build(graph, { variant: "simd", threads: count });
        if (session.threads !== count) throw new Error(session.fewerThreads);
        return { run: () => session.run(input).output, version };
      },
    })),
    {
      name: `LiteRT.js, ${threads} threads`,
      open: async () => {
        const run = await openLitert(await toTflite(folded), folded.inputs[0].shape, threads);
        return { run: () => run(input), version: litertVersion };
      },
    },
  ];
}

globalThis.measureNetwork = async ({ network: name, threads = 1, only, litertVersion, version, ...options }) => {
  const { graph, folded, input, macs } = networkOf(name);
  if (threads > 1) {
    const candidates = threaded({ graph, folded, input, threads, litertVersion, version });
    return { network: name, macs, rows: await measure(candidates, options, (line) => console.log(line)) };
  }
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
        const run = await openLitert(await toTflite(folded), folded.inputs[0].shape);
        return { run: () => run(input), version: litertVersion };
      },
    },
    ...(await eightBit({ graph, input, litertVersion, version })),
  ];
  const asked = candidates.filter((one) => only === undefined || only.includes(one.name));
  return { network: name, macs, rows: await measure(asked, options, (line) => console.log(line)) };
};
