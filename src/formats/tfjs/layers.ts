/**
 * TensorFlow's layers: convolutions and matrices with what is fused to them, batch norms, activations, pools.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { RELU, RELU6 } from "../../graph/clamp.ts";
import { positiveAxis } from "../../graph/dimensions.ts";
import type { Clamp, Unary } from "../../graph/graph.ts";
import type { Reduction } from "../../graph/ops/reduce.ts";
import { transposed } from "../common/decode.ts";
import { operator } from "./arithmetic.ts";
import type { Call, Emitted, Operand } from "./call.ts";
import { booleanAttribute, numberAttribute, stringsAttribute, where } from "./graphdef.ts";
import {
  channelConstant,
  channelsOf,
  constant,
  type NamedWeight,
  numbers,
  operand,
  unsupported,
  value,
  weight,
} from "./operands.ts";
import { padding, pair, requireNhwc } from "./windows.ts";

/** Bounds of the rectifiers by the op's name. */
const RECTIFIERS: ReadonlyMap<string, Clamp> = new Map([
  ["Relu", RELU],
  ["Relu6", RELU6],
]);

/** An activation that is a node of its own. */
type Behind = { readonly op: "sigmoid" } | { readonly op: "prelu"; readonly alpha: string };

/** What a fused op appends to its sums: a bias or a batch norm, then an activation, a clamp or a node behind. */
interface Fused {
  readonly bias?: string;
  readonly batchNorm: boolean;
  readonly clamp?: Clamp;
  readonly behind?: Behind;
}

function fusedOps(call: Call, channels: number): Fused {
  const ops = stringsAttribute(call.node, "fused_ops");
  const rest = [...ops];
  const bias = rest[0] === "BiasAdd" && rest.shift() ? channelConstant(call, weight(call, 2), channels) : undefined;
  const norm = rest[0] === "FusedBatchNorm" && rest.shift() !== undefined;
  const [last = ""] = rest;
  const clamp = RECTIFIERS.get(last);
  const known = clamp || last === "Sigmoid" || (last === "Prelu" && bias !== undefined) || last === "LeakyRelu";
  if (rest.length > (known ? 1 : 0)) {
    const activations = "Relu, Relu6, Sigmoid, Prelu or LeakyRelu";
    throw unsupported(call, `fused_ops of BiasAdd or FusedBatchNorm, then ${activations}`, ops.join(", "));
  }
  const behind = (): Behind => {
    if (last === "Sigmoid") return { op: "sigmoid" };
    // Converters fuse it behind a bias only; its alpha is the next input.
    if (last === "Prelu") return { op: "prelu", alpha: channelConstant(call, weight(call, 3), channels) };
    return { op: "prelu", alpha: slopes(call, "leakyrelu_alpha", channels) };
  };
  return { ...(bias && { bias }), batchNorm: norm, ...(clamp ? { clamp } : known && { behind: behind() }) };
}

/** One number for all channels, as a constant. */
function slopes(call: Call, attribute: string, channels: number): string {
  const slope = numberAttribute(call.node, attribute, 0.2);
  const recipe = { key: "slopes", shape: [channels], bytes: 4 * channels };
  return call.constant(`${call.node.name}/alpha`, recipe, () => new Float32Array(channels).fill(slope));
}

/** Adds the layer, then what is fused with it and cannot be part of it; the last takes the op's name. */
function emitFused(call: Call, layer: Emitted, fused: Fused): Operand {
  const { bias, clamp, behind } = fused;
  const { name } = call.node;
  const plain = { ...layer, ...(bias && { bias }) };
  if (!fused.batchNorm && !behind) return { value: call.emit({ ...plain, ...(clamp && { clamp }) } as Emitted) };
  let last = call.emit({ ...plain, name: `${name}/sums` } as Emitted);
  if (fused.batchNorm) {
    const more = Boolean(clamp ?? behind);
    last = emitBatchNorm(call, last, 2, more ? `${name}/normalized` : name);
    if (!more) return { value: last };
  }
  const after = clamp ? { op: "clamp" as const, ...clamp } : behind!;
  return { value: call.emit({ ...after, inputs: [last] }) };
}

/** A convolution, depthwise or not, with what was fused to it. */
export function convolution(call: Call): Operand {
  requireNhwc(call);
  const [x, filter] = [value(call, 0), weight(call, 1)];
  const depthwise = call.node.op.includes("Depthwise");
  const [, , inputs = 0, filters = 0] = filter.shape;
  const fused = fusedOps(call, depthwise ? inputs * filters : filters);
  const window = { strides: pair(call, "strides"), dilations: pair(call, "dilations"), padding: padding(call) };
  const op = depthwise ? "depthwiseConv2d" : "conv2d";
  return emitFused(call, { op, inputs: [x], weights: constant(call, filter), ...window }, fused);
}

/** MatMul by a weight, with what was fused to it: a dense layer. */
export function matMul(call: Call): Operand {
  const [x, matrix] = [value(call, 0), weight(call, 1)];
  if (booleanAttribute(call.node, "transpose_a", false)) throw unsupported(call, "transpose_a false", "true");
  if (call.shape(x).length !== 2 || matrix.shape.length !== 2) {
    throw unsupported(call, "two matrices", `[${call.shape(x)}] and [${matrix.shape}]`);
  }
  const turned = booleanAttribute(call.node, "transpose_b", false);
  const [rows, columns] = matrix.shape as [number, number];
  const fused = fusedOps(call, turned ? rows : columns);
  const weights = turned ? transposedConstant(call, matrix, rows, columns) : constant(call, matrix);
  return emitFused(call, { op: "dense", inputs: [x], weights }, fused);
}

function transposedConstant(call: Call, { name, data }: NamedWeight, rows: number, columns: number): string {
  const recipe = { key: "transposed", shape: [columns, rows], bytes: 4 * data.length };
  return call.constant(`${name}/transposed`, recipe, () =>
    transposed(Float32Array.from(data), rows, columns, call.budget),
  );
}

function emitBatchNorm(call: Call, x: string, first: number, name: string): string {
  const channels = channelsOf(call, x);
  const [gamma, beta, mean, variance] = [0, 1, 2, 3].map((i) =>
    channelConstant(call, weight(call, first + i), channels),
  ) as [string, string, string, string];
  const epsilon = numberAttribute(call.node, "epsilon", 0.0001);
  return call.emit({ op: "batchNorm", name, inputs: [x], gamma, beta, mean, variance, epsilon });
}

export function batchNorm(call: Call): Operand {
  requireNhwc(call);
  if (booleanAttribute(call.node, "is_training", false)) throw unsupported(call, "is_training false", "true");
  return { value: emitBatchNorm(call, value(call, 0), 1, call.node.name) };
}

export function activation(call: Call): Operand {
  const inputs = [value(call, 0)];
  const clamp = RECTIFIERS.get(call.node.op);
  if (clamp) return { value: call.emit({ op: "clamp", inputs, ...clamp }) };
  if (call.node.op === "Sigmoid") return { value: call.emit({ op: "sigmoid", inputs }) };
  return { value: call.emit({ op: "softmax", inputs, beta: 1 }) };
}

/** Its alpha is an input, or, of LeakyRelu, an attribute. */
export function prelu(call: Call): Operand {
  const x = value(call, 0);
  const channels = channelsOf(call, x);
  const leaky = call.node.op === "LeakyRelu";
  const alpha = leaky ? slopes(call, "alpha", channels) : channelConstant(call, weight(call, 1), channels);
  return { value: call.emit({ op: "prelu", inputs: [x], alpha }) };
}

/**
 * ReLU6 as Keras 2 exports it: Relu, Minimum by 6, Maximum by 0; one clamp where nobody else reads those in between.
 */
export function bound(call: Call): Operand {
  const index = "constant" in operand(call, 1) ? 1 : 0;
  const by = operand(call, index);
  if ("value" in by || by.constant.data.length !== 1) {
    return operator(call, call.node.op === "Minimum" ? "minimum" : "maximum");
  }
  const { data } = weight(call, index);
  const limit = data[0]!;
  const within = (n: number) => (call.node.op === "Minimum" ? Math.min(n, limit) : Math.max(n, limit));
  const x = value(call, 1 - index);
  const before = call.replaceable(x);
  if (before?.op === "clamp") {
    const { inputs, lo, hi } = before;
    return { value: call.replace(x, { op: "clamp", inputs, lo: within(lo), hi: within(hi) }) };
  }
  const [lo, hi] = [within(Number.NEGATIVE_INFINITY), within(Number.POSITIVE_INFINITY)];
  return { value: call.emit({ op: "clamp", inputs: [x], lo, hi }) };
}

/** ArgMax along an axis: whole numbers, which are of 32 bits here. */
export function argMax(call: Call): Operand {
  const x = value(call, 0);
  const rank = call.shape(x).length;
  const [axis = 0] = numbers(call, 1);
  const positive = positiveAxis(axis, rank);
  if (!(positive >= 0 && positive < rank)) {
    throw new FormatError(`${where(call.node)}: expected an axis below ${rank}, got ${axis}`);
  }
  return { value: call.emit({ op: "argMax", inputs: [x], axis: positive, keepDims: false, dtype: "int32" }) };
}

export function pool(call: Call): Operand {
  requireNhwc(call);
  const op = call.node.op === "MaxPool" ? "maxPool" : "averagePool";
  const [size, strides] = [pair(call, "ksize"), pair(call, "strides")];
  return { value: call.emit({ op, inputs: [value(call, 0)], size, strides, padding: padding(call) }) };
}

const REDUCTIONS: ReadonlyMap<string, Reduction> = new Map<string, Reduction>([
  ["Mean", "mean"],
  ["Sum", "sum"],
  ["Max", "max"],
  ["Min", "min"],
  ["Prod", "product"],
]);

/** Mean, Sum, Max, Min, Prod along axes; the mean over height and width is a pool. */
export function reduction(call: Call): Operand {
  const x = value(call, 0);
  const rank = call.shape(x).length;
  const axes = [...new Set(numbers(call, 1).map((axis) => positiveAxis(axis, rank)))];
  if (axes.some((axis) => axis < 0 || axis >= rank)) {
    throw new FormatError(`${where(call.node)}: expected axes below ${rank}, got [${numbers(call, 1)}]`);
  }
  const keepDims = booleanAttribute(call.node, "keep_dims", false);
  const by = REDUCTIONS.get(call.node.op)!;
  if (by === "mean" && rank === 4 && axes.length === 2 && axes.includes(1) && axes.includes(2)) {
    return { value: call.emit({ op: "globalAveragePool", inputs: [x], keepDims }) };
  }
  return { value: call.emit({ op: "reduce", inputs: [x], by, axes, keepDims }) };
}

/** Functions of one number, which are called like ours but for their first letter. */
export function unary(call: Call): Operand {
  const of = call.node.op.toLowerCase() as Unary["of"];
  return { value: call.emit({ op: "unary", inputs: [value(call, 0)], of }) };
}

/** Conv2DBackpropInput: the output's sizes, a filter [kH, kW, outC, inC], the value. */
export function transposedConvolution(call: Call): Operand {
  requireNhwc(call);
  const [sizes, filter, x] = [numbers(call, 0), weight(call, 1), value(call, 2)];
  const [kH = 0, kW = 0, outC = 0, inC = 0] = filter.shape;
  // Some files give height and width alone.
  const size = sizes.slice(sizes.length === 4 ? 1 : 0, sizes.length === 4 ? 3 : 2);
  const dilations = pair(call, "dilations");
  if (Math.max(...dilations) > 1) throw unsupported(call, "no dilation", `[${dilations}]`);
  if (filter.shape.length !== 4 || size.length !== 2 || size.some((n) => n < 1)) {
    const got = `[${sizes}] and [${filter.shape}]`;
    throw new FormatError(`${where(call.node)}: expected sizes of an image and a filter of four axes, got ${got}`);
  }
  const { name, data } = filter;
  const recipe = { key: name, shape: [kH, kW, inC, outC], bytes: 4 * data.length };
  const weights = call.constant(`${name}/turned`, recipe, () => {
    const turned = new Float32Array(data.length);
    const matrix = outC * inC;
    for (let i = 0; i < data.length; i++) {
      const [o, c] = [Math.floor((i % matrix) / inC), i % inC];
      turned[i - (i % matrix) + c * outC + o] = data[i]!;
    }
    return turned;
  });
  const window = { strides: pair(call, "strides"), padding: padding(call), size: [size[0]!, size[1]!] } as const;
  return { value: call.emit({ op: "transposedConv2d", inputs: [x], weights, ...window }) };
}
