/**
 * Lays a network out, with fused and with separate depthwise and pointwise steps, and in 8 bits, as plain data for
 * measure.mjs.
 */
import { readFile } from "node:fs/promises";
import { plan } from "../../dist/engine/plan/plan.js";
import { ENTRY_BYTES, writeEntry } from "../../dist/engine/plan/schedule.js";
import { STEP_BYTES, writeStep } from "../../dist/engine/step.js";
import {
  dropIdentities,
  foldBatchNorm,
  foldPad,
  fuseActivation,
  optimize,
  prune,
} from "../../dist/graph/passes/index.js";
import { initialize, mobilenetV1, quantize } from "../../dist/index.js";
import { buildPeak } from "../peak/build.mjs";

const base64 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** The networks of one bench run; `wasm` names another build of the kernels than the package's own. */
export async function makeJob({ alpha, resolution, variant, rounds, warm, wasm }) {
  const graph = initialize(mobilenetV1({ alpha, resolution }), 1);
  const apart = [prune, dropIdentities, foldBatchNorm, fuseActivation, foldPad, prune];
  const url = wasm ?? new URL(`../../build/sepconv.${variant}.wasm`, import.meta.url);
  return {
    ...{ variant, rounds, warm },
    wasm: base64(await readFile(url)),
    peak: base64(await buildPeak(variant)),
    networks: [
      layOut("fused", laid(optimize(graph))),
      layOut("apart", laid(apart.reduce((result, pass) => pass(result, new Set()), graph))),
      layOut("8-bit", laid(optimize(await eightBit(graph, resolution)))),
      // A second and more per run, and nothing new, by scalar code.
      ...(variant === "scalar" ? [] : [fullTwin(alpha, resolution)]),
    ],
  };
}

/** The same network in 8 bits; any sample will do, since no kernel's time depends on the numbers. */
function eightBit(graph, resolution) {
  const sample = Float32Array.from({ length: resolution ** 2 * 3 }, (_, i) => Math.sin(i * 12.9898) % 1);
  return quantize(graph, [sample], { io: "int8" });
}

/** The same network with full 3×3 convolutions in place of the separable blocks; timed as a whole only. */
function fullTwin(alpha, resolution) {
  const graph = initialize(mobilenetV1({ alpha, resolution, convolution: "full" }), 1);
  return { ...layOut("full", laid(optimize(graph))), whole: true };
}

/** Each step whole, one after the other, so that it can be timed by itself. */
const laid = (graph) => plan(graph, new Set(), { memory: "fast" });

function layOut(name, { steps, lanes: [schedule], memory, stepsAt, scheduleAt }) {
  if (schedule.length !== steps.length) throw new Error(`expected one entry a step, got ${schedule.length}`);
  const table = new Uint8Array(scheduleAt - stepsAt + schedule.length * ENTRY_BYTES);
  const view = new DataView(table.buffer);
  for (const [i, { fields }] of steps.entries()) writeStep(view, i * STEP_BYTES, fields);
  for (const [i, entry] of schedule.entries()) {
    writeEntry(view, scheduleAt - stepsAt + i * ENTRY_BYTES, (step) => stepsAt + step * STEP_BYTES, entry);
  }
  return {
    ...{ name, bytes: memory.total, at: stepsAt, scheduleAt, table: base64(table) },
    random: [stepsAt + table.length, memory.total - 16],
    steps: steps.map(({ node, kernel, fields }) => ({
      name: node.name,
      kernel,
      flops: 2 * macsOf(kernel, fields),
      ...workOf(fields),
    })),
  };
}

/** What a reader wants to see of a step's geometry. */
function workOf({ inH, inW, inC, outH, outW, outC, strideW, rows }) {
  return { inH, inW, inC, outH, outW, outC, strideW, rows };
}

/** Multiply-adds of a step. */
function macsOf(kernel, f) {
  const pixels = f.rows * (f.outW ?? 0);
  switch (kernel) {
    case "conv_f32":
    case "conv_s8":
      return pixels * f.kH * f.kW * f.inC * f.outC;
    case "pwconv_f32":
    case "pwconv_s8":
      return f.rows * f.inC * f.outC;
    case "dwconv3x3_f32":
    case "dwconv_f32":
      return pixels * f.kH * f.kW * f.outC;
    case "separable_f32":
    case "separable_s8":
      return pixels * f.midC * (f.kH * f.kW + f.outC);
    default:
      return 0;
  }
}
