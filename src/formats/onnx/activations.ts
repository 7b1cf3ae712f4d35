/**
 * ONNX's activations: what is done to each number for itself, and softmax.
 * @module
 */

import { RELU } from "../../graph/clamp.ts";
import { sizeOf } from "../../graph/dimensions.ts";
import type { Clamp, Unary } from "../../graph/graph.ts";
import { arithmetic, commonOrder, extreme, general, isPerChannel } from "./arithmetic.ts";
import type { NodeCall } from "./call.ts";
import { perChannel } from "./channels.ts";
import { asWritten, channelsLast, isHeld, isInnermost } from "./layout.ts";
import type { Operand, Value } from "./operand.ts";

/** y = max(0, x) */
export function relu(call: NodeCall): Operand {
  return call.like(call.value(0), { op: "clamp", ...RELU });
}

/** Bounds are settings until opset 10, inputs from then on. */
export function clip(call: NodeCall): Operand {
  const inputs = call.opset >= 11;
  const bound = (key: string, i: number, otherwise: number) =>
    inputs ? (call.has(i) ? call.number(i) : otherwise) : call.float(key, otherwise);
  const [lo, hi] = [bound("min", 1, Number.NEGATIVE_INFINITY), bound("max", 2, Number.POSITIVE_INFINITY)];
  if (Number.isNaN(lo) || Number.isNaN(hi)) throw call.wrong("bounds that are numbers", `${lo} and ${hi}`);
  return call.like(call.value(0), { op: "clamp", ...within(lo, hi) });
}

/** Where the lower bound is above the upper one, all that is left is the upper one. */
function within(lo: number, hi: number): Clamp {
  return { lo: Math.min(lo, hi), hi };
}

/** The greater or smaller one of a value and a number. */
export function bound(call: NodeCall): Operand {
  const operator = call.op === "Max" ? "maximum" : "minimum";
  const constants = call.node.inputs.flatMap((_, i) => ("tensor" in call.operand(i) ? [i] : []));
  const [index] = constants;
  if (index === undefined) return extreme(operator)(call);
  if (call.node.inputs.length !== 2) throw call.unsupported("values, or two inputs", `${call.node.inputs.length}`);
  const { values, dims } = call.tensor(index);
  const x = call.value(1 - index);
  if (values?.length !== 1 || dims.length > x.layout.dims.length) return arithmetic(operator)(call);
  const [limit] = values as [number];
  if (Number.isNaN(limit)) throw call.wrong("a bound that is a number", "NaN");
  const infinity = Number.POSITIVE_INFINITY;
  const bounds = call.op === "Max" ? { lo: limit, hi: infinity } : { lo: -infinity, hi: limit };
  return call.like(x, { op: "clamp", ...bounds });
}

/** Functions of one number. */
export function mapped(of: Unary["of"]): (call: NodeCall) => Operand {
  return (call) => call.like(call.value(0), { op: "unary", of });
}

/** Functions of one number that are ops of their own. */
export function unary(op: "sigmoid" | "hardSwish"): (call: NodeCall) => Operand {
  return (call) => call.like(call.value(0), { op });
}

/** y = max(0, min(1, alpha·x + beta)) */
export function hardSigmoid(call: NodeCall): Operand {
  const x = call.value(0);
  const [alpha, beta] = [call.float("alpha", 0.2), call.float("beta", 0.5)];
  const channels = innermost(call, x.name);
  const [scale, shift] = [
    call.draft.filled(call.output, "scale", channels, alpha),
    call.draft.filled(call.output, "shift", channels, beta),
  ];
  const result = call.like(x, { op: "scaleShift", scale, shift, clamp: { lo: 0, hi: 1 } });
  const sixth = Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5;
  if (sixth && "value" in result) call.draft.hardSigmoids.set(result.value.name, x.name);
  return result;
}

/** y = x < 0 ? alpha·x : x, one alpha for all. */
export function leakyRelu(call: NodeCall): Operand {
  const x = call.value(0);
  const slope = call.float("alpha", 0.01);
  if (!Number.isFinite(slope)) throw call.wrong("alpha to be a number", `${slope}`);
  const alpha = call.draft.filled(call.output, "alpha", innermost(call, x.name), slope);
  return call.like(x, { op: "prelu", alpha });
}

/** Slopes are one number, or one for each index of an axis. */
export function prelu(call: NodeCall): Operand {
  const x = call.value(0);
  if (!isPerChannel(call.tensor(1).dims, x)) return bySlopes(call, x);
  const { x: value, constants } = perChannel(call, x, 1, ["alpha"]);
  return call.like(value, { op: "prelu", alpha: constants[0]! });
}

/** Slopes of any shape: max(x, 0) + slope·min(x, 0). */
function bySlopes(call: NodeCall, x: Value): Operand {
  const infinity = Number.POSITIVE_INFINITY;
  const part = (lo: number, hi: number, as: string) => ({
    ...x,
    name: call.emit({ op: "clamp", lo, hi }, [x.name], as),
  });
  const sloping = general(call, "mul", part(-infinity, 0, "below"), 1, "sloping");
  if (`${sloping.layout.dims}` !== `${x.layout.dims}`) {
    throw call.wrong("slopes of no more dimensions than the value", `[${call.tensor(1).dims}]`);
  }
  const above = call.draft.held(part(0, infinity, "above"), commonOrder([x]), call.where);
  return { value: { ...sloping, name: call.emit({ op: "add" }, [above, sloping.name]) } };
}

/**
 * Over one axis; until opset 12, over all axes from one on. What is summed over must lie innermost, in whatever order.
 */
export function softmax(call: NodeCall): Operand {
  const x = call.value(0);
  const { dims } = x.layout;
  const rank = dims.length;
  const together = call.opset < 13;
  const axis = call.axis(call.integer("axis", together ? 1 : -1), rank);
  const over = together ? asWritten(rank).filter((i) => i >= axis) : [axis];
  const count = sizeOf(over.map((i) => dims[i]!));
  if (!isInnermost(x.layout, over)) {
    const held = [...asWritten(rank).filter((i) => !over.includes(i)), ...over];
    const name = call.draft.held(x, held, call.where, [sizeOf(dims) / count, count]);
    const rows = call.emit({ op: "softmax", beta: 1 }, [name], "rows");
    const shape = held.map((i) => dims[i]!);
    const moved = call.of(call.draft.reshape(rows, shape, {}), dims, held);
    // An image stays one.
    const images = channelsLast(rank);
    if (!("value" in moved) || !isHeld(x.layout, images)) return moved;
    return call.of(call.draft.held(moved.value, images, call.where), dims, images);
  }
  const shape = call.draft.shapeOf(x.name);
  if (shape.at(-1) === count) return call.like(x, { op: "softmax", beta: 1 });
  const flat = call.draft.reshape(x.name, [sizeOf(dims) / count, count], {});
  const rows = call.emit({ op: "softmax", beta: 1 }, [flat], "rows");
  return { value: { ...x, name: call.draft.reshape(rows, shape, {}, call.output) } };
}

function innermost(call: NodeCall, name: string): number {
  const last = call.draft.shapeOf(name).at(-1);
  if (last === undefined) throw call.unsupported("a value with dimensions", "a scalar");
  return last;
}
