/**
 * What each TFLite operator computes, as nodes.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { RELU, RELU_0_TO_1, RELU_N1_TO_1, RELU6 } from "../../graph/clamp.ts";
import { positiveAxis, sizeOf } from "../../graph/dimensions.ts";
import type { Clamp, Padding, Pair, Unary } from "../../graph/graph.ts";
import { alphaPerChannel } from "../../graph/ops/prelu.ts";
import type { Reduction } from "../../graph/ops/reduce.ts";
import { transposed } from "../common/decode.ts";
import { arithmetic } from "./arithmetic.ts";
import type { OperatorCall } from "./call.ts";
import { nameOf } from "./draft.ts";
import { TRANSPOSED_WITH_BIAS, transposedWithBias } from "./mediapipe.ts";
import {
  addAll,
  blocks,
  castOperator,
  mirrorPad,
  pack,
  resizeNearest,
  sizeAsked,
  slice,
  split,
  splitV,
  stridedSlice,
  tile,
  transpose,
  unpack,
} from "./moves.ts";
import { expandDims, reshape, squeeze } from "./reshape.ts";

/** Adds an operator's nodes and answers with the name of its value. */
type Emit = (call: OperatorCall) => string;

// Indices of fields in the tables of options, in the order of the schema.
const CONV = { padding: 0, strideW: 1, strideH: 2, activation: 3, dilationW: 4, dilationH: 5 } as const;
const DEPTHWISE = {
  padding: 0,
  strideW: 1,
  strideH: 2,
  multiplier: 3,
  activation: 4,
  dilationW: 5,
  dilationH: 6,
} as const;
const POOL = { padding: 0, strideW: 1, strideH: 2, width: 3, height: 4, activation: 5 } as const;
const TRANSPOSED = { padding: 0, strideW: 1, strideH: 2, activation: 3 } as const;
const DENSE = { activation: 0, format: 1, keepDims: 2 } as const;
const CONCAT = { axis: 0, activation: 1 } as const;
/** Reductions and SOFTMAX have a single option. */
const FIRST = 0;
/** Sizes and paddings are whole numbers of 32 bits. */
const MOST = 2 ** 31 - 1;

/** Whether there is such an operator here. */
export function hasOperator(op: string): boolean {
  return EMITTERS.has(op);
}

/** Adds the nodes of an operator that there is, and answers with the name of its value. */
export function emitOperator(call: OperatorCall): string {
  return EMITTERS.get(call.operator.op)!(call);
}

function padding(call: OperatorCall, index: number): Padding {
  const code = call.operator.options?.int8(index) ?? 0;
  if (code !== 0 && code !== 1)
    throw new FormatError(`${call.where}, padding: expected 0 (SAME) or 1 (VALID), got ${code}`);
  return code === 0 ? "same" : "valid";
}

function strides(call: OperatorCall, options: { strideH: number; strideW: number }): Pair {
  return [call.positive(options.strideH, "stride_h"), call.positive(options.strideW, "stride_w")];
}

function dilations(call: OperatorCall, options: { dilationH: number; dilationW: number }): Pair {
  return [call.positive(options.dilationH, "dilation_h", 1), call.positive(options.dilationW, "dilation_w", 1)];
}

/** The optional bias, one number for each of `channels`. */
function bias(call: OperatorCall, channels: number, input = 2): { bias?: string } {
  if (!call.tensor(input)) return {};
  if (call.byte) return { bias: call.byteBias(input, channels)! };
  const numbers = call.numbers(input);
  if (sizeOf(numbers.shape) !== channels) {
    throw new FormatError(`${call.where}, bias: expected [${channels}], got [${numbers.shape.join(",")}]`);
  }
  return { bias: call.constant(numbers, [channels], "as stored") };
}

function channelsOf(call: OperatorCall): number {
  const shape = call.shape(0);
  if (shape.length !== 4) throw new FormatError(`${call.where}: expected an image [n,h,w,c], got [${shape.join(",")}]`);
  return shape[3]!;
}

/** OHWI → HWIO. */
function conv2d(call: OperatorCall): string {
  const inputs = [call.value(0)];
  const bytes = call.byte ? call.byteWeights(1, 4, 0) : undefined;
  const numbers = bytes ?? call.numbers(1, 4);
  const [outC, kH, kW, inC] = numbers.shape as [number, number, number, number];
  const channels = channelsOf(call);
  if (inC !== channels) {
    if (channels % inC === 0) {
      throw new UnsupportedError(`${call.where}: expected one group, got ${channels / inC}`);
    }
    throw new FormatError(`${call.where}: expected weights for ${channels} channels, got [${numbers.shape.join(",")}]`);
  }
  const shape = [kH, kW, inC, outC];
  const columns = kH * kW * inC;
  return call.node(
    {
      op: "conv2d",
      weights: bytes
        ? call.byteConstant(bytes, shape, 3, (data, budget) => transposed(data, outC, columns, budget))
        : call.constant(numbers, shape, "HWIO", (data, budget) => transposed(data, outC, columns, budget)),
      ...bias(call, outC),
      strides: strides(call, CONV),
      dilations: dilations(call, CONV),
      padding: padding(call, CONV.padding),
      ...call.fused(CONV.activation),
    },
    inputs,
  );
}

/** [1, kH, kW, C·m] is [kH, kW, C, m] in memory: output channel c·m + i reads channel c. */
function depthwise(call: OperatorCall): string {
  const inputs = [call.value(0)];
  const bytes = call.byte ? call.byteWeights(1, 4, 3) : undefined;
  const numbers = bytes ?? call.numbers(1, 4);
  const [one, kH, kW, outC] = numbers.shape as [number, number, number, number];
  const channels = channelsOf(call);
  if (one !== 1 || outC % channels !== 0 || outC === 0) {
    throw new FormatError(
      `${call.where}: expected weights [1,h,w,a multiple of ${channels}], got [${numbers.shape.join(",")}]`,
    );
  }
  const shape = [kH, kW, channels, outC / channels];
  return call.node(
    {
      op: "depthwiseConv2d",
      weights: bytes ? call.byteConstant(bytes, shape, 2) : call.constant(numbers, shape, `HWC${channels}`),
      ...bias(call, outC),
      strides: strides(call, DEPTHWISE),
      dilations: dilations(call, DEPTHWISE),
      padding: padding(call, DEPTHWISE.padding),
      ...call.fused(DEPTHWISE.activation),
    },
    inputs,
  );
}

/** [out, in] → [in, out]. Without `keep_num_dims` the input counts as a matrix of rows of `in` numbers. */
function dense(call: OperatorCall): string {
  const bytes = call.byte ? call.byteWeights(1, 2, 0) : undefined;
  const numbers = bytes ?? call.numbers(1, 2);
  const [out, size] = numbers.shape as [number, number];
  const format = call.operator.options?.int8(DENSE.format) ?? 0;
  if (format !== 0) throw new UnsupportedError(`${call.where}, weights_format: expected 0, got ${format}`);
  const keepDims = call.operator.options?.int8(DENSE.keepDims) === 1;
  const shape = call.shape(0);
  let input = call.value(0);
  if (!keepDims && !(shape.length === 2 && shape[1] === size)) {
    if (size === 0 || sizeOf(shape) % size !== 0) {
      throw new FormatError(`${call.where}: expected rows of ${size}, got [${shape.join(",")}]`);
    }
    input = call.node({ op: "reshape", shape: [-1, size] }, [input], "rows");
  }
  const weights = bytes
    ? call.byteConstant(bytes, [size, out], 1, (data, budget) => transposed(data, out, size, budget))
    : call.constant(numbers, [size, out], "IO", (data, budget) => transposed(data, out, size, budget));
  return call.node({ op: "dense", weights, ...bias(call, out), ...call.fused(DENSE.activation) }, [input]);
}

function pool(op: "maxPool" | "averagePool"): Emit {
  return (call) => {
    channelsOf(call);
    const size: Pair = [call.positive(POOL.height, "filter_height"), call.positive(POOL.width, "filter_width")];
    const inputs = [call.value(0)];
    return call.node(
      { op, size, strides: strides(call, POOL), padding: padding(call, POOL.padding), ...call.fused(POOL.activation) },
      inputs,
    );
  };
}

/** MEAN, SUM and their like along any axes; the mean over height and width, which there is in 8 bits too, is a pool. */
function reduction(by: Reduction): Emit {
  return (call) => {
    const rank = call.shape(0).length;
    const axes = [...new Set(call.integers(1).map((axis) => positiveAxis(axis, rank)))];
    const outside = axes.find((axis) => axis < 0 || axis >= rank);
    if (outside !== undefined) {
      throw new FormatError(`${call.where}, axes: expected some below ${rank}, got ${outside}`);
    }
    const keepDims = call.operator.options?.int8(FIRST) === 1;
    if (by === "mean" && rank === 4 && axes.length === 2 && axes.includes(1) && axes.includes(2)) {
      return call.node({ op: "globalAveragePool", keepDims }, [call.value(0)]);
    }
    call.requireFloat(call.output);
    return call.node({ op: "reduce", by, axes, keepDims }, [call.value(0)]);
  };
}

/** A function of each number. In 8 bits there are those that TFLite looks up in a table. */
function unary(of: Unary["of"]): Emit {
  return (call) => {
    if (of !== "tanh" && of !== "exp") call.requireFloat(call.output);
    return call.node({ op: "unary", of }, [call.value(0)]);
  };
}

/** Output sizes, weights OHWI → HWIO, the value, an optional bias. */
function transposedConv2d(call: OperatorCall): string {
  const [, height = 0, width = 0] = call.integers(0);
  const inputs = [call.value(2)];
  const bytes = call.byte ? call.byteWeights(1, 4, 0) : undefined;
  const numbers = bytes ?? call.numbers(1, 4);
  const [outC, kH, kW, inC] = numbers.shape as [number, number, number, number];
  if (height < 1 || width < 1 || call.integers(0).length !== 4) {
    throw new FormatError(`${call.where}: expected the sizes of an image, got [${call.integers(0)}]`);
  }
  const shape = [kH, kW, inC, outC];
  const columns = kH * kW * inC;
  const weights = bytes
    ? call.byteConstant(bytes, shape, 3, (data, budget) => transposed(data, outC, columns, budget))
    : call.constant(numbers, shape, "HWIO", (data, budget) => transposed(data, outC, columns, budget));
  const window = { strides: strides(call, TRANSPOSED), padding: padding(call, TRANSPOSED.padding) };
  const node = { op: "transposedConv2d", weights, ...bias(call, outC, 3), size: [height, width], ...window } as const;
  return call.node({ ...node, ...call.fused(TRANSPOSED.activation) }, inputs);
}

function concat(call: OperatorCall): string {
  const rank = call.shape(0).length;
  const axis = call.operator.options?.int32(CONCAT.axis) ?? 0;
  const positive = positiveAxis(axis, rank);
  if (!(positive >= 0 && positive < rank))
    throw new FormatError(`${call.where}, axis: expected 0 … ${rank - 1}, got ${axis}`);
  const inputs = call.operator.inputs.map((_, i) => call.valueOrConstant(i));
  const { clamp } = call.fused(CONCAT.activation);
  if (!clamp) return call.node({ op: "concat", axis: positive }, inputs);
  return call.node({ op: "clamp", ...clamp }, [call.node({ op: "concat", axis: positive }, inputs, "concat")]);
}

/** BATCH_MATMUL: as many matrices of each, some turned before. */
function batchMatMul(call: OperatorCall): string {
  call.requireFloat(call.output);
  const shapes = [call.shape(0), call.shape(1)] as const;
  const [a, b] = shapes;
  if (a.length < 2 || `${a.slice(0, -2)}` !== `${b.slice(0, -2)}`) {
    const got = shapes.map((shape) => `[${shape.join(",")}]`).join(" and ");
    throw new UnsupportedError(`${call.where}: expected as many matrices of each, got ${got}`);
  }
  const turned = [0, 1].map((i) => (call.operator.options?.int8(i) ?? 0) !== 0);
  if (a.at(turned[0] ? -2 : -1) !== b.at(turned[1] ? -1 : -2)) {
    throw new FormatError(`${call.where}: expected matrices that can be multiplied, got [${a}] and [${b}]`);
  }
  const inputs = shapes.map((shape, i) => {
    const value = call.valueOrConstant(i);
    if (!turned[i]) return value;
    const axes = shape.map((_, axis) => axis);
    const permutation = [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!];
    return call.node({ op: "transpose", permutation }, [value], i === 0 ? "a" : "b");
  });
  return call.node({ op: "matMul" }, inputs);
}

function pad(call: OperatorCall): string {
  channelsOf(call);
  const pads = call.integers(1);
  if (pads.length !== 8 || pads.some((n) => n < 0 || n > MOST)) {
    throw new FormatError(
      `${call.where}, paddings: expected [4,2] of numbers from 0 to ${MOST}, got [${pads.join(",")}]`,
    );
  }
  const [n0, n1, top, bottom, left, right, front, back] = pads as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (n0 || n1) {
    throw new UnsupportedError(`${call.where}, paddings: expected none of the batch, got [${pads.join(",")}]`);
  }
  const padding = { top, bottom, left, right, ...(front && { front }), ...(back && { back }) };
  // In 8 bits the numbers are brought back to what they mean; without any, it is 0.
  const value = call.tensor(2) ? call.number(2, "constant_values") : 0;
  return call.node({ op: "pad", padding, value }, [call.value(0)]);
}

function resizeBilinear(call: OperatorCall): string {
  channelsOf(call);
  const size = sizeAsked(call);
  const flag = (index: number) => (call.operator.options?.int8(index) ?? 0) !== 0;
  const [alignCorners, halfPixelCenters] = [flag(2), flag(3)];
  if (alignCorners && halfPixelCenters) {
    throw new FormatError(`${call.where}: expected align_corners or half_pixel_centers, got both`);
  }
  return call.node({ op: "resizeBilinear", size, alignCorners, halfPixelCenters }, [call.value(0)]);
}

function softmax(call: OperatorCall): string {
  const beta = call.operator.options?.float32(FIRST) ?? 1;
  if (!Number.isFinite(beta)) throw new FormatError(`${call.where}, beta: expected a number, got ${beta}`);
  return call.node({ op: "softmax", beta }, [call.value(0)]);
}

/** QUANTIZE and DEQUANTIZE: between floats they change nothing. */
function cast(call: OperatorCall): string {
  const to = call.type(call.output);
  if (to.dtype) return call.node({ op: "quantize" }, [call.value(0)]);
  return call.node({ op: call.byte ? "dequantize" : "identity" }, [call.value(0)]);
}

function clamp(bounds: Clamp): Emit {
  return (call) => call.node({ op: "clamp", ...bounds }, [call.value(0)]);
}

/** The axis may be negative; the result is of 32 bits or of 64, which says the same here. */
function argMax(call: OperatorCall): string {
  const [axis, ...more] = call.integers(1);
  const rank = call.shape(0).length;
  const positive = positiveAxis(axis ?? rank, rank);
  if (more.length > 0 || !(positive >= 0 && positive < rank)) {
    throw new FormatError(`${call.where}, axis: expected ${-rank} … ${rank - 1}, got ${[axis, ...more].join(",")}`);
  }
  if (!/^int(32|64)$/.test(call.output.type)) {
    throw new FormatError(`${call.where}: expected a result in int32 or int64, got ${call.output.type}`);
  }
  return call.node({ op: "argMax", axis: positive, keepDims: false }, [call.value(0)]);
}

function activation(op: "sigmoid" | "hardSwish"): Emit {
  return (call) => call.node({ op }, [call.value(0)]);
}

/** Files hold alpha as [C], [1,1,C] or [H,W,C]; what is the same at each pixel becomes [C]. */
function prelu(call: OperatorCall): string {
  const input = call.value(0);
  const channels = call.shape(0).at(-1) ?? 1;
  const shape = call.shape(1);
  const last = shape.at(-1) ?? 1;
  if (last !== 1 && last !== channels) {
    throw new FormatError(`${call.where}, alpha: expected [${channels}], got [${shape.join(",")}]`);
  }
  if (call.byte) {
    const spread = (data: Int8Array | Uint8Array) => alphaPerChannel(data, last, channels, call.where);
    return call.node({ op: "prelu", alpha: call.byteOperand(1, [channels], spread) }, [input]);
  }
  call.requireFloat(call.output);
  const alpha = call.constant(call.numbers(1), [channels], `alpha of ${channels}`, (data) =>
    alphaPerChannel(data, last, channels, call.where),
  );
  return call.node({ op: "prelu", alpha }, [input]);
}

/** A PRELU whose alpha is one number, an option. */
function leakyRelu(call: OperatorCall): string {
  const slope = call.operator.options?.float32(FIRST) ?? 0;
  if (!Number.isFinite(slope)) throw new FormatError(`${call.where}, alpha: expected a number, got ${slope}`);
  if (call.byte) return call.node({ op: "leakyRelu", alpha: slope }, [call.value(0)]);
  call.requireFloat(call.output);
  const channels = call.shape(0).at(-1) ?? 1;
  const stored = { shape: [channels], dtype: "float32", bytes: 4 * channels } as const;
  const named = { ...call.output, name: `${nameOf(call.output)}/alpha` };
  const alpha = call.draft.store(named, "alpha", stored, () => new Float32Array(channels).fill(slope));
  return call.node({ op: "prelu", alpha }, [call.value(0)]);
}

const EMITTERS: ReadonlyMap<string, Emit> = new Map<string, Emit>([
  ["CONV_2D", conv2d],
  ["DEPTHWISE_CONV_2D", depthwise],
  ["FULLY_CONNECTED", dense],
  ["ADD", arithmetic("add")],
  ["SUB", arithmetic("sub")],
  ["MUL", arithmetic("mul")],
  ["DIV", arithmetic("div")],
  ["MAXIMUM", arithmetic("maximum")],
  ["MINIMUM", arithmetic("minimum")],
  ["ARG_MAX", argMax],
  ["AVERAGE_POOL_2D", pool("averagePool")],
  ["MAX_POOL_2D", pool("maxPool")],
  ["TRANSPOSE_CONV", transposedConv2d],
  [TRANSPOSED_WITH_BIAS, transposedWithBias],
  ["MEAN", reduction("mean")],
  ["SUM", reduction("sum")],
  ["REDUCE_MAX", reduction("max")],
  ["REDUCE_MIN", reduction("min")],
  ["REDUCE_PROD", reduction("product")],
  ["BATCH_MATMUL", batchMatMul],
  ["CONCATENATION", concat],
  ["PAD", pad],
  ["PADV2", pad],
  ["RESIZE_BILINEAR", resizeBilinear],
  ["RESIZE_NEAREST_NEIGHBOR", resizeNearest],
  ["TRANSPOSE", transpose],
  ["STRIDED_SLICE", stridedSlice],
  ["SLICE", slice],
  ["SPLIT", split],
  ["SPLIT_V", splitV],
  ["UNPACK", unpack],
  ["PACK", pack],
  ["TILE", tile],
  ["MIRROR_PAD", mirrorPad],
  ["DEPTH_TO_SPACE", blocks("space")],
  ["SPACE_TO_DEPTH", blocks("depth")],
  ["CAST", castOperator],
  ["ADD_N", addAll],
  ["ABS", unary("abs")],
  ["NEG", unary("neg")],
  ["SQUARE", unary("square")],
  ["SQRT", unary("sqrt")],
  ["RSQRT", unary("rsqrt")],
  ["EXP", unary("exp")],
  ["TANH", unary("tanh")],
  ["FLOOR", unary("floor")],
  ["CEIL", unary("ceil")],
  ["ROUND", unary("round")],
  ["LOG", unary("log")],
  ["RESHAPE", reshape],
  ["SQUEEZE", squeeze],
  ["EXPAND_DIMS", expandDims],
  ["SOFTMAX", softmax],
  ["QUANTIZE", cast],
  ["DEQUANTIZE", cast],
  ["LOGISTIC", activation("sigmoid")],
  ["HARD_SWISH", activation("hardSwish")],
  ["PRELU", prelu],
  ["LEAKY_RELU", leakyRelu],
  ["RELU", clamp(RELU)],
  ["RELU_N1_TO_1", clamp(RELU_N1_TO_1)],
  ["RELU_0_TO_1", clamp(RELU_0_TO_1)],
  ["RELU6", clamp(RELU6)],
]);
