/**
 * Which kernel computes which node in floats, and what it needs: packed weights, scratch, the fields of its record.
 * Those whose results are whole numbers of 32 bits are here too.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Arithmetic, Clamp, Node, Op, Shape, Window } from "../../graph/graph.ts";
import { isByte, typeOf } from "../../graph/quant.ts";
import { sizeOf } from "../../graph/references.ts";
import { covers, scratchOf } from "../footprint.ts";
import { FLAGS, type Kernel, type StepFields } from "../step.ts";
import { operatorFields } from "./broadcast.ts";
import { gathered } from "./gather.ts";
import {
  type Context,
  columnUnits,
  copies,
  dims,
  elementwise,
  globalPoolFields,
  isPointwise,
  type Lowered,
  type Lowerings,
  lastOf,
  type PanelSize,
  padFields,
  panelRows,
  resizeFields,
  shapeOf,
} from "./lowering.ts";
import { type Packed, part, rows } from "./packed.ts";
import { reduced } from "./reduce.ts";
import { strided } from "./strided.ts";
import { poolFields, windowFields } from "./windows.ts";

/** Ops whose results are floats or whole numbers of 32 bits, but for `dequantize`, which begins with bytes. */
type FloatOp = Exclude<Op, "quantize" | "dequantize">;

/** The steps of a node in floats, by its op; none for one that only renames its input. */
export const FLOATS: Lowerings<FloatOp> = {
  conv2d(node, context) {
    const [kH, kW, inC, outC] = dims(node.weights, context);
    const k = kH! * kW! * inC!;
    const w = matrix(node, k, outC!);
    const y = shapeOf(node.name, context);
    const window = windowFields(node, [kH!, kW!], node.inputs[0]!, y, context);
    if (isPointwise(node, window, context)) {
      return [pointwise(node.inputs[0]!, node.clamp, w, sizeOf(y) / outC!, k, outC!)];
    }
    const tile = panelRows(PANEL, k, k * outC!, y[0]! * y[1]! * y[2]!);
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
    const tile = panelRows(PANEL, midC, midC * outC, y[0]! * y[1]! * y[2]!, y[2]!);
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

  normalize(node, context) {
    const y = shapeOf(node.name, context);
    const inC = lastOf(y);
    const w = rows(part(node.gamma, inC, 1), part(node.beta, inC, 0));
    const [x, x2] = node.inputs as readonly [string, string];
    return [{ kernel: "normalize_f32", x, x2, w, fields: { rows: sizeOf(y) / inC, inC, a: node.epsilon } }];
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

  prelu(node, context) {
    const y = shapeOf(node.name, context);
    const inC = lastOf(y);
    const w = rows(part(node.alpha, inC));
    return [{ kernel: "prelu_f32", x: node.inputs[0]!, w, inPlace: true, fields: { rows: sizeOf(y) / inC, inC } }];
  },

  leakyRelu(node, context) {
    const y = shapeOf(node.name, context);
    const inC = lastOf(y);
    const w = rows(part(undefined, inC, node.alpha));
    return [{ kernel: "prelu_f32", x: node.inputs[0]!, w, inPlace: true, fields: { rows: sizeOf(y) / inC, inC } }];
  },

  clamp: (node, context) => [elementwise("clamp_f32", node, context, bounds(node))],
  sigmoid: (node, context) => [elementwise("sigmoid_f32", node, context, {})],
  hardSwish: (node, context) => [elementwise("hardswish_f32", node, context, {})],
  softmax: (node, context) => [elementwise("softmax_f32", node, context, { a: node.beta })],

  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  div: arithmetic,
  maximum: arithmetic,
  minimum: arithmetic,

  maxPool: (node, context) => [pool("maxpool_f32", node, context)],
  averagePool: (node, context) => [pool("avgpool_f32", node, context)],

  globalAveragePool(node, context) {
    const [x] = node.inputs as readonly [string];
    return [{ kernel: "gap_f32", x, fields: globalPoolFields(x, context) }];
  },

  concat: (node, context) => copies("copy", 4, node, context),

  argMax(node, context) {
    const x = node.inputs[0]!;
    const shape = shapeOf(x, context);
    const outC = sizeOf(shape.slice(node.axis + 1));
    const inC = shape[node.axis]!;
    const kernel = isByte(typeOf(x, context.graph).dtype) ? "argmax_s8" : "argmax_f32";
    return [
      { kernel, x, fields: { rows: sizeOf(shape) / (inC * outC), inC, outC, flags: node.last ? FLAGS.LAST : 0 } },
    ];
  },

  resizeBilinear: (node, context) => [
    { kernel: "resize_f32", x: node.inputs[0]!, fields: resizeFields(node, context) },
  ],

  pad(node, context) {
    return [{ kernel: "pad_f32", x: node.inputs[0]!, fields: { ...padFields(node, context), a: node.value } }];
  },

  transpose: (node, context) => strided("copy_strided", node, context),
  slice: (node, context) => strided("copy_strided", node, context),
  tile: (node, context) => strided("copy_strided", node, context),
  resizeNearest: (node, context) => gathered("gather", node, context),
  mirrorPad: (node, context) => gathered("gather", node, context),
  reduce: reduced,
  unary: (node, context) => [elementwise("unary_f32", node, context, { flags: FUNCTION[node.of] })],

  transposedConv2d(node) {
    throw new UnsupportedError(
      `node ${node.name}: expected transposed convolutions made convolutions by the passes, got transposedConv2d`,
    );
  },

  cast: (node, context) => [elementwise("cast_s32", node, context, {})],

  // It reads no value: its own stands for one.
  constant(node, context) {
    const inC = sizeOf(shapeOf(node.name, context));
    return [{ kernel: "constant", x: node.name, w: rows(part(node.operand, inC)), fields: { rows: 1, inC } }];
  },

  gatherNd(node, context) {
    const [x, x2] = node.inputs as readonly [string, string];
    const [shape, places] = [shapeOf(x, context), shapeOf(x2, context)];
    const kW = lastOf(places);
    const [n, inH, inW, inC] = [...[1, 1, 1].slice(kW - 1), ...shape.slice(0, kW)] as [number, number, number, number];
    const fields = { rows: sizeOf(places) / kW, n, inH, inW, inC, kW, outC: sizeOf(shape.slice(kW)) };
    return [{ kernel: "gather_nd", x, x2, fields }];
  },

  matMul(node, context) {
    const [x, x2] = node.inputs as readonly [string, string];
    const [inH, inC] = shapeOf(x, context).slice(-2) as [number, number];
    const n = sizeOf(shapeOf(x, context).slice(0, -2));
    const fields = { rows: n * inH, n, inH, inC, outC: lastOf(shapeOf(x2, context)) };
    return [{ kernel: "matmul_f32", x, x2, fields }];
  },

  reshape: () => [],
  identity: () => [],
};

/** Sums of two values of one shape are what residual networks are full of: they have a kernel of their own. */
function arithmetic(node: Arithmetic, context: Context): readonly Lowered[] {
  const [x, x2] = node.inputs as readonly [string, string?];
  if (x2 !== undefined && node.op === "add" && `${shapeOf(x, context)}` === `${shapeOf(x2, context)}`) {
    return [{ ...elementwise("add_f32", node, context, bounds(node.clamp)), x2 }];
  }
  const w = node.operand === undefined ? undefined : rows(part(node.operand, sizeOf(dims(node.operand, context))));
  const fields = { ...operatorFields(node, context), ...bounds(node.clamp) };
  return [{ kernel: "binary_f32", x, ...(x2 !== undefined && { x2 }), ...(w && { w }), inPlace: true, fields }];
}

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
  const fields = { inC, outC, ...bounds(clamp) };
  if (rowCount === 1) return { kernel: "dense_f32", x, w, fields: { ...fields, rows: columnUnits(outC) } };
  return { kernel: "pwconv_f32", x, w, fields: { ...fields, rows: rowCount } };
}

/**
 * Fields and weights of a depthwise convolution as the first half of a separable step: its bounds at lo2 and hi2, its
 * channels at midC.
 */
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

function pool(kernel: Kernel, node: Extract<Node, { op: "maxPool" | "averagePool" }>, context: Context): Lowered {
  const y = shapeOf(node.name, context);
  const fields = poolFields(node, node.inputs[0]!, y, context);
  return { kernel, x: node.inputs[0]!, fields: { ...fields, outC: y[3]!, ...bounds(node.clamp) } };
}

const FUNCTION = {
  abs: FLAGS.ABSOLUTE,
  neg: FLAGS.NEGATIVE,
  square: FLAGS.SQUARE,
  sqrt: FLAGS.SQUARE_ROOT,
  rsqrt: FLAGS.RECIPROCAL_ROOT,
  reciprocal: FLAGS.RECIPROCAL,
  exp: FLAGS.EXPONENTIAL,
  tanh: FLAGS.TANGENT,
  floor: FLAGS.FLOOR,
  ceil: FLAGS.CEILING,
  round: FLAGS.NEAREST,
  truncate: FLAGS.TRUNCATE,
  log: FLAGS.LOGARITHM,
} as const;

/** Scratch panels shall stay in the caches next to the weights that pass by. */
const PANEL: PanelSize = { least: 16 * 1024, most: 256 * 1024, element: 4 };
