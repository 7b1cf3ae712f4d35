/**
 * What each TensorFlow op of a graph model becomes.
 * @module
 */
import { FormatError } from "../errors.ts";
import { RELU, RELU6 } from "../graph/clamp.ts";
import type { Clamp, Padding, Pair, Shape } from "../graph/graph.ts";
import { sizeOf } from "../graph/references.ts";
import { transposed } from "./decode.ts";
import { resolve } from "./integers.ts";
import type { Call, Emitted, Operand } from "./tfjs-call.ts";
import {
  booleanAttribute,
  numberAttribute,
  numbersAttribute,
  stringAttribute,
  stringsAttribute,
  where,
} from "./tfjs-graphdef.ts";
import { ONLY_KNOWN, onlyKnown, shapeOp } from "./tfjs-known.ts";
import {
  channelsOf,
  constant,
  type NamedWeight,
  numbers,
  operand,
  perChannel,
  unsupported,
  value,
  weight,
} from "./tfjs-operands.ts";

type Op = (call: Call) => Operand;

/** Bounds of the rectifiers by the op's name. */
const RECTIFIERS: ReadonlyMap<string, Clamp> = new Map([
  ["Relu", RELU],
  ["Relu6", RELU6],
]);

/** Every supported op but Const and Placeholder. */
export const OPS: ReadonlyMap<string, Op> = new Map<string, Op>([
  ["Conv2D", convolution],
  ["_FusedConv2D", convolution],
  ["DepthwiseConv2dNative", convolution],
  ["FusedDepthwiseConv2dNative", convolution],
  ["MatMul", matMul],
  ["_FusedMatMul", matMul],
  ["BiasAdd", biasAdd],
  ["Add", add],
  ["AddV2", add],
  ["Sub", subtract],
  ["Mul", multiply],
  ["FusedBatchNorm", batchNorm],
  ["FusedBatchNormV2", batchNorm],
  ["FusedBatchNormV3", batchNorm],
  ["Relu", activation],
  ["Relu6", activation],
  ["Minimum", bound],
  ["Maximum", bound],
  ["Sigmoid", activation],
  ["Softmax", activation],
  ["AvgPool", pool],
  ["MaxPool", pool],
  ["Mean", mean],
  ["Pad", pad],
  ["PadV2", pad],
  ["Reshape", reshape],
  ["Squeeze", squeeze],
  ["ConcatV2", concat],
  ["Identity", identity],
  ["StopGradient", identity],
  ["Shape", shapeOp],
  ...ONLY_KNOWN.map((op) => [op, onlyKnown] as const),
]);

// --- Layers --------------------------------------------------------------------------------------------------------------------------------

function requireNhwc(call: Call): void {
  const format = stringAttribute(call.node, "data_format", "NHWC");
  if (format !== "NHWC") throw unsupported(call, "data_format NHWC", format);
}

/** Height and width out of [1, height, width, 1]. */
function pair(call: Call, key: string): Pair {
  const list = numbersAttribute(call.node, key, [1, 1, 1, 1]);
  const [batch, height, width, channels] = list as [number, number, number, number];
  if (list.length !== 4 || list.some((n) => n < 1)) {
    throw new FormatError(`${where(call.node)}: expected ${key} [1, height, width, 1], each from 1 on, got [${list}]`);
  }
  if (batch !== 1 || channels !== 1) throw unsupported(call, `${key} [1, height, width, 1]`, `[${list}]`);
  return [height, width];
}

function padding(call: Call): Padding {
  const kind = stringAttribute(call.node, "padding", "VALID").toUpperCase();
  if (kind === "SAME" || kind === "VALID") return kind === "SAME" ? "same" : "valid";
  const list = numbersAttribute(call.node, "explicit_paddings", []);
  if (kind !== "EXPLICIT" || list.length !== 8) {
    throw unsupported(call, "padding SAME, VALID, or EXPLICIT with 8 explicit_paddings", `${kind} [${list}]`);
  }
  return sides(call, list);
}

/** [before, after] of each of the four axes. */
function sides(call: Call, list: readonly number[]) {
  const [n0, n1, top, bottom, left, right, c0, c1] = list;
  if (list.some((n) => n < 0)) {
    throw new FormatError(`${where(call.node)}: expected padding from 0 on, got [${list}]`);
  }
  if (list.length !== 8 || [n0, n1, c0, c1].some((n) => n !== 0)) {
    throw unsupported(call, "padding of height and width only", `[${list}]`);
  }
  return { top: top!, bottom: bottom!, left: left!, right: right! };
}

/** What a fused op appends to its sums: a bias or a batch norm, then an activation. */
interface Fused {
  readonly bias?: string;
  readonly batchNorm: boolean;
  readonly clamp?: Clamp;
  readonly sigmoid: boolean;
}

function fusedOps(call: Call, channels: number): Fused {
  const ops = stringsAttribute(call.node, "fused_ops");
  const rest = [...ops];
  const bias = rest[0] === "BiasAdd" && rest.shift() ? biasConstant(call, 2, channels) : undefined;
  const norm = rest[0] === "FusedBatchNorm" && rest.shift() !== undefined;
  const clamp = RECTIFIERS.get(rest[0] ?? "");
  const sigmoid = rest[0] === "Sigmoid";
  if (clamp || sigmoid) rest.shift();
  if (rest.length > 0) {
    throw unsupported(call, "fused_ops of BiasAdd or FusedBatchNorm, then Relu, Relu6 or Sigmoid", ops.join(", "));
  }
  return { ...(bias && { bias }), batchNorm: norm, ...(clamp && { clamp }), sigmoid };
}

function biasConstant(call: Call, index: number, channels: number): string {
  return channelConstant(call, weight(call, index), channels);
}

/** A weight as one number a channel, under its own name where it is just that. */
function channelConstant(call: Call, found: NamedWeight, channels: number): string {
  const { name, shape } = found;
  if (`${shape}` === `${[channels]}`) return constant(call, found);
  return perChannel(call, found, channels, { name: `${name}/${channels}`, key: name });
}

/** Adds the layer, then what is fused with it and cannot be part of it; the last takes the op's name. */
function emitFused(call: Call, layer: Emitted, fused: Fused): Operand {
  const { bias, clamp } = fused;
  const { name } = call.node;
  const plain = { ...layer, ...(bias && { bias }) };
  if (!fused.batchNorm && !fused.sigmoid) return { value: call.emit({ ...plain, ...(clamp && { clamp }) } as Emitted) };
  let last = call.emit({ ...plain, name: `${name}/sums` } as Emitted);
  if (fused.batchNorm) {
    const more = Boolean(clamp) || fused.sigmoid;
    last = emitBatchNorm(call, last, 2, more ? `${name}/normalised` : name);
    if (!more) return { value: last };
  }
  return { value: call.emit(clamp ? { op: "clamp", inputs: [last], ...clamp } : { op: "sigmoid", inputs: [last] }) };
}

function convolution(call: Call): Operand {
  requireNhwc(call);
  const [x, filter] = [value(call, 0), weight(call, 1)];
  const depthwise = call.node.op.includes("Depthwise");
  const [, , inputs = 0, filters = 0] = filter.shape;
  const fused = fusedOps(call, depthwise ? inputs * filters : filters);
  const window = { strides: pair(call, "strides"), dilations: pair(call, "dilations"), padding: padding(call) };
  const op = depthwise ? "depthwiseConv2d" : "conv2d";
  return emitFused(call, { op, inputs: [x], weights: constant(call, filter), ...window }, fused);
}

function matMul(call: Call): Operand {
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
  const [gamma, beta, mean, variance] = [0, 1, 2, 3].map((i) => biasConstant(call, first + i, channels)) as [
    string,
    string,
    string,
    string,
  ];
  const epsilon = numberAttribute(call.node, "epsilon", 0.0001);
  return call.emit({ op: "batchNorm", name, inputs: [x], gamma, beta, mean, variance, epsilon });
}

function batchNorm(call: Call): Operand {
  requireNhwc(call);
  if (booleanAttribute(call.node, "is_training", false)) throw unsupported(call, "is_training false", "true");
  return { value: emitBatchNorm(call, value(call, 0), 1, call.node.name) };
}

function activation(call: Call): Operand {
  const inputs = [value(call, 0)];
  const clamp = RECTIFIERS.get(call.node.op);
  if (clamp) return { value: call.emit({ op: "clamp", inputs, ...clamp }) };
  if (call.node.op === "Sigmoid") return { value: call.emit({ op: "sigmoid", inputs }) };
  return { value: call.emit({ op: "softmax", inputs, beta: 1 }) };
}

/** ReLU6 as Keras 2 exports it: Relu, Minimum by 6, Maximum by 0; one clamp where nobody else reads those in between. */
function bound(call: Call): Operand {
  const index = "constant" in operand(call, 1) ? 1 : 0;
  const { name, shape, data } = weight(call, index);
  if (data.length !== 1) throw unsupported(call, `"${name}" to be one number`, `shape [${shape}]`);
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

function pool(call: Call): Operand {
  requireNhwc(call);
  const op = call.node.op === "MaxPool" ? "maxPool" : "averagePool";
  const [size, strides] = [pair(call, "ksize"), pair(call, "strides")];
  return { value: call.emit({ op, inputs: [value(call, 0)], size, strides, padding: padding(call) }) };
}

function mean(call: Call): Operand {
  const x = value(call, 0);
  const rank = call.shape(x).length;
  const axes = numbers(call, 1).map((axis) => (axis < 0 ? axis + rank : axis));
  if (rank !== 4 || axes.length !== 2 || !axes.includes(1) || !axes.includes(2)) {
    throw unsupported(call, "the mean over height and width", `axes [${axes}] of a value of rank ${rank}`);
  }
  const keepDims = booleanAttribute(call.node, "keep_dims", false);
  return { value: call.emit({ op: "globalAveragePool", inputs: [x], keepDims }) };
}

// --- Arithmetic ----------------------------------------------------------------------------------------------------------------------------

function biasAdd(call: Call): Operand {
  requireNhwc(call);
  return addConstant(call, value(call, 0), weight(call, 1));
}

function add(call: Call): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if ("constant" in b) return addConstant(call, value(call, 0), weight(call, 1));
  if ("constant" in a) return addConstant(call, value(call, 1), weight(call, 0));
  if (`${call.shape(a.value)}` !== `${call.shape(b.value)}`) {
    throw unsupported(call, "two values of one shape", `[${call.shape(a.value)}] and [${call.shape(b.value)}]`);
  }
  return { value: call.emit({ op: "add", inputs: [a.value, b.value] }) };
}

/** The bias of the layer before, where that is possible; else a shift. */
function addConstant(call: Call, x: string, found: NamedWeight): Operand {
  const channels = channelsOf(call, x);
  const layer = call.replaceable(x);
  if (layer && (layer.op === "conv2d" || layer.op === "depthwiseConv2d" || layer.op === "dense")) {
    if (layer.bias === undefined && layer.clamp === undefined) {
      const bias = channelConstant(call, found, channels);
      return { value: call.replace(x, { ...layer, name: call.node.name, bias }) };
    }
  }
  return scaleShift(call, x, 1, { of: found });
}

function subtract(call: Call): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if ("constant" in b) return scaleShift(call, value(call, 0), 1, { of: weight(call, 1), negative: true });
  if ("constant" in a) return scaleShift(call, b.value, -1, { of: weight(call, 0) });
  throw unsupported(call, "one of its inputs to be constant", `the computed values "${a.value}" and "${b.value}"`);
}

function multiply(call: Call): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  const index = "constant" in b ? 1 : 0;
  if ("value" in a && "value" in b) {
    throw unsupported(call, "one of its inputs to be constant", `the computed values "${a.value}" and "${b.value}"`);
  }
  const x = value(call, 1 - index);
  return scaleShift(call, x, { of: weight(call, index) }, 0);
}

/** One number for all channels, or a weight. */
type Term = number | { readonly of: NamedWeight; readonly negative?: true };

/** y = x·scale + shift, each one number for all channels or one a channel. */
function scaleShift(call: Call, x: string, scale: Term, shift: Term): Operand {
  const channels = channelsOf(call, x);
  const { name } = call.node;
  const term = (role: string, n: Term): string => {
    const as = { name: `${name}/${role}`, key: name };
    if (typeof n !== "number") return perChannel(call, n.of, channels, as, n.negative ? (m) => -m : undefined);
    const recipe = { key: as.key, shape: [channels], bytes: 4 * channels };
    return call.constant(as.name, recipe, () => new Float32Array(channels).fill(n));
  };
  return {
    value: call.emit({ op: "scaleShift", inputs: [x], scale: term("scale", scale), shift: term("shift", shift) }),
  };
}

// --- Shapes --------------------------------------------------------------------------------------------------------------------------------

function pad(call: Call): Operand {
  const amounts = sides(call, numbers(call, 1));
  const fill = call.node.op === "PadV2" ? weight(call, 2).data[0]! : 0;
  return { value: call.emit({ op: "pad", inputs: [value(call, 0)], padding: amounts, value: fill }) };
}

function reshape(call: Call): Operand {
  const target = numbers(call, 1);
  const found = operand(call, 0);
  const from = "constant" in found ? found.constant.shape : call.shape(found.value);
  const shape = resolve(sizeOf(from), target);
  if (!shape) {
    throw new FormatError(`${where(call.node)}: expected a shape of ${sizeOf(from)} elements, got [${target}]`);
  }
  if ("constant" in found) return { name: call.node.name, constant: { ...found.constant, shape } };
  return { value: emitReshape(call, found.value, shape) };
}

/** Leaves the batch open, where the first dimension is the batch before and after. */
function emitReshape(call: Call, x: string, shape: Shape): string {
  const batch = call.shape(x)[0] === shape[0];
  return call.emit({ op: "reshape", inputs: [x], shape: batch ? [-1, ...shape.slice(1)] : shape });
}

function squeeze(call: Call): Operand {
  const x = value(call, 0);
  const shape = call.shape(x);
  const axes = numbersAttribute(call.node, "squeeze_dims", []).map((axis) => (axis < 0 ? axis + shape.length : axis));
  if (axes.length === 0 || axes.includes(0) || axes.some((axis) => shape[axis] !== 1)) {
    throw unsupported(call, "squeeze_dims of size 1, the batch not among them", `[${axes}] of [${shape}]`);
  }
  const rest = shape.filter((_, axis) => !axes.includes(axis));
  return { value: emitReshape(call, x, rest) };
}

function concat(call: Call): Operand {
  const last = call.inputs.length - 1;
  const inputs = call.inputs.slice(0, last).map((_, i) => value(call, i));
  const axis = numbers(call, last)[0]!;
  const rank = call.shape(inputs[0] ?? value(call, 0)).length;
  return { value: call.emit({ op: "concat", inputs, axis: axis < 0 ? axis + rank : axis }) };
}

function identity(call: Call): Operand {
  const found = operand(call, 0);
  if ("constant" in found) return found;
  return { value: call.emit({ op: "identity", inputs: [found.value] }) };
}
