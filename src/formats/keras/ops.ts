/**
 * What each Keras layer computes, as nodes. Settings are looked at before shapes, so that all that is not here is found
 * even behind a layer that isn't.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { positiveAxis, sizeOf } from "../../graph/dimensions.ts";
import type { Window } from "../../graph/graph.ts";
import { alphaPerChannel } from "../../graph/ops/prelu.ts";
import { activationOf, reluBounds } from "./activations.ts";
import { arithmetic, lambda, merge, normalization, rescaling } from "./arithmetic.ts";
import type { LayerCall } from "./call.ts";
import { describe, type Json } from "./json.ts";

/** Adds a layer's nodes and answers with the name of its value. */
type Emit = (call: LayerCall) => string;

/** @throws {UnsupportedError} There is no such layer here. */
export function emitLayer(call: LayerCall): string {
  const emit = LAYERS.get(call.className);
  if (!emit) {
    throw new UnsupportedError(
      `${call.where}: expected a layer that sepconv has, got ${describeClass(call.className)}`,
    );
  }
  requireFloat(call);
  return emit(call);
}

function describeClass(className: string): string {
  return className.length > 60 ? describe(className) : className;
}

/** Keras 3 stores quantized layers' kernels as integers, with scales of their own. */
function requireFloat(call: LayerCall): void {
  const policy = call.config.dtype;
  if (typeof policy !== "object" || policy === null) return;
  const { class_name: className, config } = policy as Json;
  if (typeof className === "string" && className.startsWith("Quantized")) {
    throw call.unsupported("dtype", "a float policy", (config as Json | undefined)?.mode ?? className);
  }
}

function window(call: LayerCall): Window {
  call.requireChannelsLast();
  const padding = call.setting("padding") ?? "valid";
  if (typeof padding !== "string") throw call.wrong("padding", "same or valid", padding);
  if (padding !== "same" && padding !== "valid") throw call.unsupported("padding", "same or valid", padding);
  return { strides: call.pair("strides", [1, 1]), dilations: call.pair("dilation_rate", [1, 1]), padding };
}

function conv2d(call: LayerCall): string {
  const size = call.pair("kernel_size");
  const filters = call.count("filters");
  const groups = call.count("groups", 1);
  if (groups !== 1) throw call.unsupported("groups", "1", groups);
  const settings = { op: "conv2d" as const, ...window(call) };
  const activation = activationOf(call);
  const weights = call.variable(["kernel"], [...size, call.channels, filters]);
  return call.activated({ ...settings, weights, ...bias(call, filters) }, activation);
}

function depthwiseConv2d(call: LayerCall): string {
  const size = call.pair("kernel_size");
  const multiplier = call.count("depth_multiplier", 1);
  const settings = { op: "depthwiseConv2d" as const, ...window(call) };
  const activation = activationOf(call);
  // Keras 3 calls it plainly "kernel".
  const weights = call.variable(["depthwise_kernel", "kernel"], [...size, call.channels, multiplier]);
  return call.activated({ ...settings, weights, ...bias(call, call.channels * multiplier) }, activation);
}

function separableConv2d(call: LayerCall): string {
  const size = call.pair("kernel_size");
  const filters = call.count("filters");
  const multiplier = call.count("depth_multiplier", 1);
  const settings = { op: "depthwiseConv2d" as const, ...window(call) };
  const activation = activationOf(call);
  const depthwise = call.variable(["depthwise_kernel"], [...size, call.channels, multiplier]);
  const weights = call.variable(["pointwise_kernel"], [1, 1, call.channels * multiplier, filters]);
  const inner = call.node({ ...settings, weights: depthwise }, [call.input], "depthwise");
  const pointwise = { op: "conv2d", strides: [1, 1], dilations: [1, 1], padding: "valid", weights } as const;
  return call.activated({ ...pointwise, ...bias(call, filters) }, activation, [inner]);
}

function dense(call: LayerCall): string {
  const units = call.count("units");
  const activation = activationOf(call);
  const weights = call.variable(["kernel"], [call.channels, units]);
  return call.activated({ op: "dense", weights, ...bias(call, units) }, activation);
}

function bias(call: LayerCall, size: number): { bias?: string } {
  return call.flag("use_bias", true) ? { bias: call.variable(["bias"], [size]) } : {};
}

function batchNorm(call: LayerCall): string {
  const epsilon = call.number("epsilon", 1e-3);
  if (epsilon < 0) throw call.wrong("epsilon", "a number ≥ 0", epsilon);
  const [scale, center] = [call.flag("scale", true), call.flag("center", true)];
  requireLastAxis(call);
  const shape = [call.channels];
  const gamma = scale ? { gamma: call.variable(["gamma"], shape) } : {};
  const beta = center ? { beta: call.variable(["beta"], shape) } : {};
  const mean = call.variable(["moving_mean"], shape);
  const variance = call.variable(["moving_variance"], shape);
  return call.node({ op: "batchNorm", ...gamma, ...beta, mean, variance, epsilon }, [call.input]);
}

/** Keras writes an axis as −1, 3 or [3]; statistics over others than the last have no counterpart. */
function requireLastAxis(call: LayerCall): void {
  const value = call.config.axis ?? -1;
  const axes: unknown[] = [value].flat();
  if (!axes.every((axis) => Number.isSafeInteger(axis))) throw call.wrong("axis", "whole numbers", value);
  if (axes.length === 1 && axes[0] === -1) return;
  if (axes.length !== 1 || axes[0] !== call.shape.length - 1) throw call.unsupported("axis", "the last", value);
}

function reluLayer(call: LayerCall): string {
  return call.node({ op: "clamp", ...reluBounds(call, call.config) }, [call.input]);
}

/** Its variable has the input's sizes, 1 along the axes that share it; what is the same at each pixel becomes [C]. */
function preluLayer(call: LayerCall): string {
  const value = call.setting("shared_axes") ?? [];
  const shared: unknown[] = [value].flat();
  if (!shared.every((axis) => Number.isSafeInteger(axis))) throw call.wrong("shared_axes", "whole numbers", value);
  const { channels, draft, shape: input } = call;
  const shape = input.slice(1).map((size, i) => (shared.includes(i + 1) ? 1 : size));
  const last = shape.at(-1) ?? 1;
  const need = call.need(["alpha"], shape);
  let alpha = draft.variables.get(need);
  if (alpha === undefined) {
    draft.budget.unpack(4 * channels, call.where);
    const make = ([numbers]: readonly Float32Array[]) => alphaPerChannel(numbers!, last, channels, call.where);
    alpha = draft.addConstant(`${call.key.path.join("/")}/alpha`, [channels], { needs: [need], make });
    draft.variables.set(need, alpha);
  }
  return call.node({ op: "prelu", alpha }, [call.input]);
}

/** Keras 2 calls the slope alpha. */
function leakyReluLayer(call: LayerCall): string {
  const slope = call.number("negative_slope", call.number("alpha", 0.3));
  const { channels } = call;
  call.draft.budget.unpack(4 * channels, call.where);
  const make = () => new Float32Array(channels).fill(slope);
  const alpha = call.draft.addConstant(`${call.name}/alpha`, [channels], { needs: [], make });
  return call.node({ op: "prelu", alpha }, [call.input]);
}

function activationLayer(call: LayerCall): string {
  const chosen = activationOf(call);
  if (chosen === undefined) return call.node({ op: "identity" }, [call.input]);
  if ("clamp" in chosen) return call.node({ op: "clamp", ...chosen.clamp }, [call.input]);
  return call.node(chosen.op === "softmax" ? { op: "softmax", beta: 1 } : { op: chosen.op }, [call.input]);
}

function softmax(call: LayerCall): string {
  requireLastAxis(call);
  return call.node({ op: "softmax", beta: 1 }, [call.input]);
}

function zeroPadding2d(call: LayerCall): string {
  call.requireChannelsLast();
  const value = call.setting("padding") ?? [1, 1];
  const [rows, columns = rows] = Array.isArray(value) ? value : [value];
  const [top, bottom = top] = [rows].flat();
  const [left, right = left] = [columns].flat();
  for (const side of [top, bottom, left, right]) {
    if (!Number.isSafeInteger(side) || side < 0) throw call.wrong("padding", "whole numbers ≥ 0", value);
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
  const [, ...shape] = call.shape;
  return call.node({ op: "reshape", shape: [-1, sizeOf(shape)] }, [call.input]);
}

function reshape(call: LayerCall): string {
  const target = call.setting("target_shape");
  const isSize = (n: unknown) => Number.isSafeInteger(n) && (n === -1 || (n as number) >= 1);
  const open = Array.isArray(target) ? target.filter((n) => n === -1).length : 0;
  if (!Array.isArray(target) || !target.every(isSize) || open > 1) {
    throw call.wrong("target_shape", "whole numbers ≥ 1, and at most one −1", target);
  }
  const [, ...from] = call.shape;
  // The batch takes the −1 that a shape may have, so the layer's own is written out.
  const rest = sizeOf(from) / sizeOf(target.filter((n) => n !== -1));
  if (open === 1 ? !Number.isSafeInteger(rest) : rest !== 1) {
    throw call.wrong("target_shape", `${sizeOf(from)} elements, like the input [${from.join(",")}]`, target);
  }
  return call.node({ op: "reshape", shape: [-1, ...target.map((n) => (n === -1 ? rest : n))] }, [call.input]);
}

function concatenate(call: LayerCall): string {
  const first = call.inputs[0];
  if (first === undefined) throw new FormatError(`${call.where}: expected inputs, got none`);
  const axis = call.number("axis", -1);
  if (!Number.isSafeInteger(axis)) throw call.wrong("axis", "a whole number", axis);
  const rank = call.draft.shapeOf(first).length;
  const positive = positiveAxis(axis, rank);
  if (!(positive > 0 && positive < rank)) throw call.unsupported("axis", `1 … ${rank - 1}`, axis);
  return call.node({ op: "concat", axis: positive }, call.inputs);
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
  ["BatchNormalizationV2", batchNorm],
  ["SyncBatchNormalization", batchNorm],
  ["ReLU", reluLayer],
  ["PReLU", preluLayer],
  ["LeakyReLU", leakyReluLayer],
  ["Activation", activationLayer],
  ["Softmax", softmax],
  ["ZeroPadding2D", zeroPadding2d],
  ["GlobalAveragePooling2D", globalAveragePooling],
  ["AveragePooling2D", pooling("averagePool")],
  ["MaxPooling2D", pooling("maxPool")],
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Add", merge("add")],
  ["Multiply", merge("mul")],
  ["Maximum", merge("maximum")],
  ["Minimum", merge("minimum")],
  ["Concatenate", concatenate],
  ["Rescaling", rescaling],
  ["Normalization", normalization],
  ["TFOpLambda", lambda],
  ["Subtract", (call) => arithmetic(call, "sub")],
  ["TrueDivide", (call) => arithmetic(call, "div")],
  ["Divide", (call) => arithmetic(call, "div")],
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
