/**
 * Which kernel computes which node, and what it needs: packed weights, scratch, the fields of its record. The one table that joins ops to kernels.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import type { Clamp, Node, Op, Shape, Window } from "../graph/graph.ts";
import { isByte } from "../graph/quant.ts";
import { sizeOf } from "../graph/references.ts";
import { covers, scratchOf } from "./footprint.ts";
import { lowerBytes } from "./kernels-s8.ts";
import {
  type Context,
  dims,
  type Lowered,
  lastOf,
  type Packed,
  part,
  poolFields,
  resizeFields,
  rows,
  sameImage,
  shapeOf,
  windowFields,
} from "./lowering.ts";
import type { Kernel, StepFields } from "./step.ts";

/** The steps that compute a node; none for one that only renames its input. */
export function lower(node: Node, context: Context): readonly Lowered[] {
  if (isByte(node.dtype) || node.op === "dequantise") return lowerBytes(node, context);
  const lowering = LOWERINGS[node.op] as (node: Node, context: Context) => readonly Lowered[];
  return lowering(node, context);
}

type Lowerings = { [O in Op]: (node: Extract<Node, { op: O }>, context: Context) => readonly Lowered[] };

const LOWERINGS: Lowerings = {
  conv2d(node, context) {
    const [kH, kW, inC, outC] = dims(node.weights, context);
    const k = kH! * kW! * inC!;
    const w = matrix(node, k, outC!);
    const y = shapeOf(node.name, context);
    const window = windowFields(node, [kH!, kW!], node.inputs[0]!, y, context);
    if (
      kH === 1 &&
      kW === 1 &&
      node.strides.every((s) => s === 1) &&
      !window.padT &&
      !window.padL &&
      sameImage(node, context)
    ) {
      return [pointwise(node.inputs[0]!, node.clamp, w, sizeOf(y) / outC!, k, outC!)];
    }
    const tile = panelRows(k, k * outC!, y[0]! * y[1]! * y[2]!, 1);
    const fields = { ...window, ...bounds(node.clamp), outC: outC!, tile };
    return [{ kernel: "conv_f32", x: node.inputs[0]!, w, scratchBytes: scratchOf("conv_f32", fields), fields }];
  },

  depthwiseConv2d(node, context) {
    const half = depthwise(node, node.inputs[0]!, shapeOf(node.name, context), context);
    const { lo2: lo, hi2: hi, midC: outC, ...fields } = half.fields;
    const kernel = covers("dwconv3x3_f32", fields) ? "dwconv3x3_f32" : "dwconv_f32";
    return [{ kernel, x: node.inputs[0]!, w: half.w, fields: { ...fields, lo: lo!, hi: hi!, outC: outC! } }];
  },

  dense(node, context) {
    const [k, n] = dims(node.weights, context);
    return [
      pointwise(node.inputs[0]!, node.clamp, matrix(node, k!, n!), sizeOf(shapeOf(node.name, context)) / n!, k!, n!),
    ];
  },

  separable(node, context) {
    const y = shapeOf(node.name, context);
    const half = depthwise(node.depthwise, node.inputs[0]!, y, context);
    const midC = half.fields.midC!;
    const outC = y[3]!;
    const tile = panelRows(midC, midC * outC, y[0]! * y[1]! * y[2]!, y[2]!);
    const fields = { ...half.fields, ...bounds(node.pointwise.clamp), outC, tile };
    const w2 = matrix(node.pointwise, midC, outC);
    const scratchBytes = scratchOf("separable_f32", fields);
    return [{ kernel: "separable_f32", x: node.inputs[0]!, w: half.w, w2, scratchBytes, fields }];
  },

  batchNorm(node) {
    throw new UnsupportedError(
      `node ${node.name}: expected batch norms folded or made scaleShift by the passes, got batchNorm`,
    );
  },

  moments(node, context) {
    const x = shapeOf(node.inputs[0]!, context);
    const inC = lastOf(x);
    return [{ kernel: "moments_f32", x: node.inputs[0]!, fields: { rows: 1, inH: sizeOf(x) / inC, inC } }];
  },

  normalise(node, context) {
    const y = shapeOf(node.name, context);
    const inC = lastOf(y);
    const w = rows(part(node.gamma, inC, 1), part(node.beta, inC, 0));
    const [x, x2] = node.inputs as readonly [string, string];
    return [{ kernel: "normalise_f32", x, x2, w, fields: { rows: sizeOf(y) / inC, inC, a: node.epsilon } }];
  },

  movingAverage(node, context) {
    const inC = shapeOf(node.name, context)[1]!;
    const w = rows(part(node.mean, inC), part(node.variance, inC));
    const fields = { rows: 1, inC, a: node.momentum, b: node.varianceFactor };
    return [{ kernel: "moving_average_f32", x: node.inputs[0]!, w, fields }];
  },

  scaleShift(node, context) {
    const y = shapeOf(node.name, context);
    const inC = lastOf(y);
    const w = rows(part(node.scale, inC), part(node.shift, inC));
    const fields = { rows: sizeOf(y) / inC, inC, ...bounds(node.clamp) };
    return [{ kernel: "scale_shift_f32", x: node.inputs[0]!, w, inPlace: true, fields }];
  },

  clamp: (node, context) => [elementwise("clamp_f32", node, context, bounds(node))],
  sigmoid: (node, context) => [elementwise("sigmoid_f32", node, context, {})],
  hardSwish: (node, context) => [elementwise("hardswish_f32", node, context, {})],
  softmax: (node, context) => [elementwise("softmax_f32", node, context, { a: node.beta })],

  add(node, context) {
    const x2 = node.inputs[1]!;
    return [{ ...elementwise("add_f32", node, context, bounds(node.clamp)), x2 }];
  },

  maxPool: (node, context) => [pool("maxpool_f32", node, context)],
  averagePool: (node, context) => [pool("avgpool_f32", node, context)],

  globalAveragePool(node, context) {
    const [n, inH, inW, inC] = shapeOf(node.inputs[0]!, context) as readonly [number, number, number, number];
    return [{ kernel: "gap_f32", x: node.inputs[0]!, fields: { rows: n, n, inH, inW, inC, outC: inC } }];
  },

  concat(node, context) {
    const y = shapeOf(node.name, context);
    const outer = sizeOf(y.slice(0, node.axis));
    const yPitch = sizeOf(y) / outer;
    let at = 0;
    return node.inputs.map((x) => {
      const inC = sizeOf(shapeOf(x, context)) / outer;
      const yOffset = 4 * at;
      at += inC;
      return { kernel: "copy", x, yOffset, fields: { rows: outer, inC, xPitch: inC, yPitch } };
    });
  },

  resizeBilinear: (node, context) => [
    { kernel: "resize_f32", x: node.inputs[0]!, fields: resizeFields(node, context) },
  ],

  pad(node, context) {
    const [n, outH, outW, outC] = shapeOf(node.name, context) as readonly [number, number, number, number];
    const [, inH, inW, inC] = shapeOf(node.inputs[0]!, context) as readonly [number, number, number, number];
    const { top: padT, left: padL } = node.padding;
    const fields = { rows: n * outH, n, inH, inW, inC, outH, outW, outC, padT, padL, a: node.value };
    return [{ kernel: "pad_f32", x: node.inputs[0]!, fields }];
  },

  reshape: () => [],
  identity: () => [],
  quantise: lowerBytes,
  dequantise: lowerBytes,
};

function matrix(node: { weights: string; bias?: string | undefined }, k: number, n: number): Packed {
  return { layout: "matrix", weights: node.weights, bias: node.bias, k, n };
}

function bounds(clamp: Clamp | undefined): { lo: number; hi: number } {
  return clamp ? { lo: clamp.lo, hi: clamp.hi } : { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
}

function pointwise(
  x: string,
  clamp: Clamp | undefined,
  w: Packed,
  rowCount: number,
  inC: number,
  outC: number,
): Lowered {
  return { kernel: "pwconv_f32", x, w, fields: { rows: rowCount, inC, outC, ...bounds(clamp) } };
}

/** Fields and weights of a depthwise convolution as the first half of a separable step: its bounds at lo2 and hi2, its channels at midC. */
function depthwise(
  half: Window & { weights: string; bias?: string; clamp?: Clamp },
  input: string,
  y: Shape,
  context: Context,
): { w: Packed; fields: StepFields } {
  const [kH, kW, inC, multiplier] = dims(half.weights, context) as readonly [number, number, number, number];
  const midC = inC * multiplier;
  const { lo: lo2, hi: hi2 } = bounds(half.clamp);
  return {
    w: rows(part(half.bias, midC, 0), part(half.weights, kH * kW * midC)),
    fields: { ...windowFields(half, [kH, kW], input, y, context), multiplier, midC, lo2, hi2 },
  };
}

function elementwise(kernel: Kernel, node: Node, context: Context, fields: StepFields): Lowered {
  const y = shapeOf(node.name, context);
  const inC = lastOf(y);
  return { kernel, x: node.inputs[0]!, inPlace: true, fields: { rows: sizeOf(y) / inC, inC, ...fields } };
}

function pool(kernel: Kernel, node: Extract<Node, { op: "maxPool" | "averagePool" }>, context: Context): Lowered {
  const y = shapeOf(node.name, context);
  const fields = poolFields(node, node.inputs[0]!, y, context);
  return { kernel, x: node.inputs[0]!, fields: { ...fields, outC: y[3]!, ...bounds(node.clamp) } };
}

/** Bytes of a scratch panel at the least and at the most: it shall stay in the caches next to the weights that pass by. */
const PANEL_LEAST = 16 * 1024;
const PANEL_MOST = 256 * 1024;

/**
 * How many rows (pixels) of `k` floats a scratch panel gets: weights pass through the caches once a panel, so large weights want large panels, small
 * networks small ones. A multiple of `unit`, at least one unit, and even over the `total` rows, so that the last panel is not a sliver.
 */
function panelRows(k: number, weights: number, total: number, unit: number): number {
  const bytes = Math.min(PANEL_MOST, Math.max(PANEL_LEAST, weights / 4));
  const units = Math.ceil(total / unit);
  const most = Math.max(1, Math.floor(bytes / (4 * k * unit)));
  const panels = Math.ceil(units / most);
  return Math.ceil(units / panels) * unit;
}
