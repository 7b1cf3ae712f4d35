/**
 * What each Keras layer computes, as nodes.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import type { Clamp, Shape, Window } from "../graph/graph.ts";
import { describe, type Json } from "./keras-config.ts";
import { type Activation, type LayerCall, shapeOf } from "./keras-draft.ts";

/** Adds a layer's nodes and answers with the name of its value. */
type Emit = (call: LayerCall) => string;

const RELU: Clamp = { lo: 0, hi: Number.POSITIVE_INFINITY };
const RELU6: Clamp = { lo: 0, hi: 6 };

/** Keras's `epsilon()`, below which Normalization lets no deviation fall. */
const KERAS_EPSILON = 1e-7;

/** @throws {UnsupportedError} There is no such layer here. */
export function emitLayer(call: LayerCall): string {
  const emit = LAYERS.get(call.className);
  if (!emit) throw new UnsupportedError(`${call.where}: expected a layer that sepconv has, got ${call.className}`);
  return emit(call);
}

function window(call: LayerCall): Window {
  call.requireChannelsLast();
  const padding = call.config.padding ?? "valid";
  if (padding !== "same" && padding !== "valid") throw call.unsupported("padding", "same or valid", padding);
  return { strides: call.pair("strides", [1, 1]), dilations: call.pair("dilation_rate", [1, 1]), padding };
}

/** A name, or `{ class_name, config }` as Keras 3 writes functions and layers. */
function activation(call: LayerCall, value: unknown): Activation {
  if (typeof value === "object" && value !== null) {
    const { class_name: className, config } = value as Json;
    if (className === "ReLU") return { clamp: reluBounds(call, (config ?? {}) as Json) };
    return activation(call, typeof config === "string" ? config : className);
  }
  switch (value ?? "linear") {
    case "linear":
      return undefined;
    case "relu":
      return { clamp: RELU };
    case "relu6":
      return { clamp: RELU6 };
    case "softmax":
    case "Softmax":
      return { op: "softmax" };
    case "sigmoid":
      return { op: "sigmoid" };
    case "hard_swish":
    case "hard_silu":
      return { op: "hardSwish" };
    default:
      throw call.unsupported("activation", "linear, relu, relu6, softmax, sigmoid or hard_swish", value);
  }
}

function reluBounds(call: LayerCall, config: Json): Clamp {
  for (const setting of ["negative_slope", "threshold"]) {
    const value = [config[setting] ?? 0].flat()[0];
    if (value !== 0) throw call.unsupported(setting, "0", value);
  }
  const hi = [config.max_value ?? Number.POSITIVE_INFINITY].flat()[0];
  if (typeof hi !== "number" || !(hi >= 0)) throw call.unsupported("max_value", "a number ≥ 0", hi);
  return { lo: 0, hi };
}

function conv2d(call: LayerCall): string {
  const [kH, kW] = call.pair("kernel_size", [1, 1]);
  const filters = call.number("filters", -1);
  const groups = call.number("groups", 1);
  if (groups !== 1) throw call.unsupported("groups", "1", groups);
  const weights = call.variable(["kernel"], [kH, kW, -1, filters]);
  return call.activated(
    { op: "conv2d", ...window(call), weights, ...bias(call, filters) },
    activation(call, call.config.activation),
  );
}

function depthwiseConv2d(call: LayerCall): string {
  const [kH, kW] = call.pair("kernel_size", [1, 1]);
  // Keras 3 calls it plainly "kernel".
  const weights = call.variable(["depthwise_kernel", "kernel"], [kH, kW, -1, call.number("depth_multiplier", 1)]);
  const node = { op: "depthwiseConv2d" as const, ...window(call), weights, ...bias(call, -1) };
  return call.activated(node, activation(call, call.config.activation));
}

function separableConv2d(call: LayerCall): string {
  const [kH, kW] = call.pair("kernel_size", [1, 1]);
  const filters = call.number("filters", -1);
  const depthwise = call.variable(["depthwise_kernel"], [kH, kW, -1, call.number("depth_multiplier", 1)]);
  const weights = call.variable(["pointwise_kernel"], [1, 1, -1, filters]);
  const inner = call.node({ op: "depthwiseConv2d", ...window(call), weights: depthwise }, [call.input], "depthwise");
  const pointwise = { op: "conv2d", strides: [1, 1], dilations: [1, 1], padding: "valid", weights } as const;
  return call.activated({ ...pointwise, ...bias(call, filters) }, activation(call, call.config.activation), [inner]);
}

function dense(call: LayerCall): string {
  const units = call.number("units", -1);
  const weights = call.variable(["kernel"], [-1, units]);
  return call.activated({ op: "dense", weights, ...bias(call, units) }, activation(call, call.config.activation));
}

function bias(call: LayerCall, size: number): { bias?: string } {
  return call.flag("use_bias", true) ? { bias: call.variable(["bias"], [size]) } : {};
}

function batchNorm(call: LayerCall): string {
  requireLastAxis(call, -1);
  const gamma = call.flag("scale", true) ? { gamma: call.variable(["gamma"], [-1]) } : {};
  const beta = call.flag("center", true) ? { beta: call.variable(["beta"], [-1]) } : {};
  const mean = call.variable(["moving_mean"], [-1]);
  const variance = call.variable(["moving_variance"], [-1]);
  return call.node({ op: "batchNorm", ...gamma, ...beta, mean, variance, epsilon: call.number("epsilon", 1e-3) }, [
    call.input,
  ]);
}

/** Keras writes an axis as −1, 3 or [3]; statistics and concatenation over others than the last have no counterpart. */
function requireLastAxis(call: LayerCall, fallback: number): void {
  const axes = [call.config.axis ?? fallback].flat();
  const rank = axes[0] === -1 ? 0 : shapeOf(call.draft, call.input).length;
  if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== rank - 1)) {
    throw call.unsupported("axis", "the last", call.config.axis);
  }
}

function reluLayer(call: LayerCall): string {
  return call.node({ op: "clamp", ...reluBounds(call, call.config) }, [call.input]);
}

function activationLayer(call: LayerCall): string {
  const chosen = activation(call, call.config.activation);
  if (chosen === undefined) return call.node({ op: "identity" }, [call.input]);
  if ("clamp" in chosen) return call.node({ op: "clamp", ...chosen.clamp }, [call.input]);
  return call.node(chosen.op === "softmax" ? { op: "softmax", beta: 1 } : { op: chosen.op }, [call.input]);
}

function softmax(call: LayerCall): string {
  requireLastAxis(call, -1);
  return call.node({ op: "softmax", beta: 1 }, [call.input]);
}

function zeroPadding2d(call: LayerCall): string {
  call.requireChannelsLast();
  const value = call.config.padding ?? [1, 1];
  const [rows, columns = rows] = Array.isArray(value) ? value : [value];
  const [top, bottom = top] = [rows].flat();
  const [left, right = left] = [columns].flat();
  for (const side of [top, bottom, left, right]) {
    if (!Number.isSafeInteger(side) || side < 0) {
      throw new FormatError(`${call.where}, padding: expected whole numbers ≥ 0, got ${describe(value)}`);
    }
  }
  return call.node({ op: "pad", padding: { top, bottom, left, right }, value: 0 }, [call.input]);
}

function globalAveragePooling(call: LayerCall): string {
  call.requireChannelsLast();
  return call.node({ op: "globalAveragePool", keepDims: call.flag("keepdims", false) }, [call.input]);
}

function pooling(op: "maxPool" | "averagePool"): Emit {
  return (call) => {
    const size = call.pair("pool_size", [2, 2]);
    return call.node({ op, size, strides: call.pair("strides", size), padding: window(call).padding }, [call.input]);
  };
}

function flatten(call: LayerCall): string {
  call.requireChannelsLast();
  const [, ...shape] = shapeOf(call.draft, call.input);
  return call.node({ op: "reshape", shape: [-1, product(shape)] }, [call.input]);
}

function reshape(call: LayerCall): string {
  const target = call.config.target_shape;
  if (!Array.isArray(target) || !target.every((n) => Number.isSafeInteger(n) && n >= -1)) {
    throw new FormatError(`${call.where}, target_shape: expected whole numbers, got ${describe(target)}`);
  }
  const [, ...from] = shapeOf(call.draft, call.input);
  // The batch takes the −1 that a shape may have, so the layer's own is written out.
  const rest = product(from) / product(target.filter((n) => n !== -1));
  return call.node({ op: "reshape", shape: [-1, ...target.map((n) => (n === -1 ? rest : n))] }, [call.input]);
}

function product(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

function add(call: LayerCall): string {
  const constant = call.args.find((arg) => typeof arg === "number");
  if (constant !== undefined) return affine(call, 1, constant);
  const [first, second, ...rest] = call.inputs;
  if (first === undefined || second === undefined) {
    throw new FormatError(`${call.where}: expected at least 2 inputs, got ${call.inputs.length}`);
  }
  const last = rest.pop();
  if (last === undefined) return call.node({ op: "add" }, [first, second]);
  let sum = call.node({ op: "add" }, [first, second], "sum");
  for (const term of rest) sum = call.node({ op: "add" }, [sum, term], "sum");
  return call.node({ op: "add" }, [sum, last]);
}

function concatenate(call: LayerCall): string {
  const first = call.inputs[0];
  if (first === undefined) throw new FormatError(`${call.where}: expected inputs, got none`);
  const rank = shapeOf(call.draft, first).length;
  const axis = call.number("axis", -1);
  const positive = axis < 0 ? axis + rank : axis;
  if (!(positive > 0 && positive < rank)) throw call.unsupported("axis", `1 … ${rank - 1}`, axis);
  return call.node({ op: "concat", axis: positive }, call.inputs);
}

/** x·scale + shift; numbers, or one of each a channel. */
function affine(call: LayerCall, scale: number | readonly number[], shift: number | readonly number[]): string {
  const channels = shapeOf(call.draft, call.input).at(-1) ?? 1;
  const constants = [scale, shift].map((values, i) => {
    const list = typeof values === "number" ? new Array<number>(channels).fill(values) : values;
    return call.constant(`${call.name}/${i === 0 ? "scale" : "shift"}`, [channels], Float32Array.from(list));
  });
  return call.node({ op: "scaleShift", scale: constants[0]!, shift: constants[1]! }, [call.input]);
}

function numbers(call: LayerCall, setting: string, fallback: number): number | number[] {
  const value = call.config[setting] ?? fallback;
  const flat = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : value;
  const all = [flat].flat();
  if (!all.every((n) => typeof n === "number")) {
    throw new FormatError(`${call.where}, ${setting}: expected numbers, got ${describe(value)}`);
  }
  return all.length === 1 ? all[0]! : all;
}

function rescaling(call: LayerCall): string {
  return affine(call, numbers(call, "scale", 1), numbers(call, "offset", 0));
}

/** (x − mean)/max(√variance, ε); the statistics stand in the configuration or, after `adapt`, in the weights. */
function normalization(call: LayerCall): string {
  requireLastAxis(call, -1);
  if (call.config.invert === true) throw call.unsupported("invert", "false", true);
  const given = call.config.mean !== undefined && call.config.mean !== null;
  const statistic = (name: string): number[] => {
    if (given) return [numbers(call, name, 0)].flat();
    return Array.from(call.draft.constants.get(call.variable([name], [-1]))?.data ?? []);
  };
  const mean = statistic("mean");
  const deviation = statistic("variance").map((v) => Math.max(Math.sqrt(v), KERAS_EPSILON));
  if (mean.length !== deviation.length) {
    throw new FormatError(
      `${call.where}: expected as many variances as means, ${mean.length}, got ${deviation.length}`,
    );
  }
  const scale = deviation.map((d) => 1 / d);
  const shift = mean.map((m, i) => -m / deviation[i]!);
  return mean.length === 1 ? affine(call, scale[0]!, shift[0]!) : affine(call, scale, shift);
}

/** Arithmetic with one constant, as `preprocess_input` leaves it in a model. */
function arithmetic(call: LayerCall, operator: string): string {
  if (call.inputs.length === 2 && operator === "add") return add(call);
  const constant = call.args.find((arg) => typeof arg === "number");
  const constantFirst = typeof call.args[0] === "number";
  if (constant !== undefined && call.inputs.length === 1) {
    if (operator === "add") return affine(call, 1, constant);
    if (operator === "multiply") return affine(call, constant, 0);
    if (operator === "subtract") return constantFirst ? affine(call, -1, constant) : affine(call, 1, -constant);
    if (operator === "divide" && !constantFirst) return affine(call, 1 / constant, 0);
  }
  throw call.unsupported(operator, "a value and a number", call.args);
}

const OPERATORS: ReadonlyMap<string, string> = new Map([
  ["math.add", "add"],
  ["__operators__.add", "add"],
  ["math.subtract", "subtract"],
  ["math.multiply", "multiply"],
  ["math.truediv", "divide"],
  ["math.divide", "divide"],
]);

/** A TensorFlow function that a Keras 2 model calls between its layers. */
function lambda(call: LayerCall): string {
  const name = call.config.function;
  if (name === "nn.relu") return call.node({ op: "clamp", ...RELU }, [call.input]);
  if (name === "nn.relu6") return call.node({ op: "clamp", ...RELU6 }, [call.input]);
  const operator = OPERATORS.get(String(name));
  if (operator === undefined) throw call.unsupported("function", [...OPERATORS.keys()].join(", "), name);
  return arithmetic(call, operator);
}

/** Layers that do something in training only. */
const identity: Emit = (call) => call.node({ op: "identity" }, [call.input]);

const LAYERS: ReadonlyMap<string, Emit> = new Map<string, Emit>([
  ["Conv2D", conv2d],
  ["Convolution2D", conv2d],
  ["DepthwiseConv2D", depthwiseConv2d],
  ["SeparableConv2D", separableConv2d],
  ["SeparableConvolution2D", separableConv2d],
  ["Dense", dense],
  ["BatchNormalization", batchNorm],
  ["BatchNormalizationV1", batchNorm],
  ["ReLU", reluLayer],
  ["Activation", activationLayer],
  ["Softmax", softmax],
  ["ZeroPadding2D", zeroPadding2d],
  ["GlobalAveragePooling2D", globalAveragePooling],
  ["AveragePooling2D", pooling("averagePool")],
  ["MaxPooling2D", pooling("maxPool")],
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Add", add],
  ["Concatenate", concatenate],
  ["Rescaling", rescaling],
  ["Normalization", normalization],
  ["TFOpLambda", lambda],
  ["Subtract", (call) => arithmetic(call, "subtract")],
  ["Multiply", (call) => arithmetic(call, "multiply")],
  ["TrueDivide", (call) => arithmetic(call, "divide")],
  ["Divide", (call) => arithmetic(call, "divide")],
  ...[
    "Dropout",
    "SpatialDropout2D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "Identity",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomContrast",
    "RandomBrightness",
    "RandomTranslation",
  ].map((name): [string, Emit] => [name, identity]),
]);
