/**
 * TensorFlow's arithmetic: sums of values, and a value and a constant as a bias, or as a factor and a term for each
 * channel.
 * @module
 */
import { affineForm } from "../../graph/ops/scale-shift.ts";
import type { Call, Operand } from "./call.ts";
import {
  channelConstant,
  channelsOf,
  type NamedWeight,
  operand,
  perChannel,
  unsupported,
  value,
  weight,
} from "./operands.ts";
import { requireNhwc } from "./windows.ts";

/** BiasAdd: a weight of one number per channel, added. */
export function biasAdd(call: Call): Operand {
  requireNhwc(call);
  return addConstant(call, value(call, 0), weight(call, 1));
}

/** Add, AddV2: of two values, or of a value and a weight. */
export function add(call: Call): Operand {
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
  const isConvolution = layer?.op === "conv2d" || layer?.op === "depthwiseConv2d" || layer?.op === "transposedConv2d";
  if (isConvolution || layer?.op === "dense") {
    if (layer.bias === undefined && layer.clamp === undefined) {
      const bias = channelConstant(call, found, channels);
      return { value: call.replace(x, { ...layer, name: call.node.name, bias }) };
    }
  }
  return scaleShift(call, x, found, "add");
}

/** Sub: of a value and a weight, in either order. */
export function subtract(call: Call): Operand {
  return withConstant(call, "sub");
}

/** Mul: of a value and a weight, in either order. */
export function multiply(call: Call): Operand {
  return withConstant(call, "mul");
}

/** RealDiv, Div: of a value by a weight. */
export function divide(call: Call): Operand {
  return withConstant(call, "div");
}

/** AddN: of values, one after the other. */
export function addAll(call: Call): Operand {
  const [first, ...others] = call.inputs.map((_, i) => value(call, i));
  const { name } = call.node;
  const last = others.reduce(
    (sum, next, i) =>
      call.emit({ op: "add", name: i === others.length - 1 ? name : `${name}/${i}`, inputs: [sum, next] }),
    first ?? value(call, 0),
  );
  return { value: others.length > 0 ? last : call.emit({ op: "identity", inputs: [last] }) };
}

/** A value and a constant, in either order. */
function withConstant(call: Call, operator: "sub" | "mul" | "div"): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if ("value" in a && "value" in b) {
    throw unsupported(call, "one of its inputs to be constant", `the computed values "${a.value}" and "${b.value}"`);
  }
  const index = "constant" in b ? 1 : 0;
  if (operator === "div" && index === 0) throw unsupported(call, "a constant divisor", "a constant dividend");
  return scaleShift(call, value(call, 1 - index), weight(call, index), operator, index === 0);
}

/** y = x·scale + shift, the constant one number for all channels or one per channel. */
function scaleShift(
  call: Call,
  x: string,
  found: NamedWeight,
  operator: "add" | "sub" | "mul" | "div",
  constantFirst = false,
): Operand {
  const channels = channelsOf(call, x);
  const { name } = call.node;
  const form = affineForm(operator, constantFirst)!;
  const [scale, shift] = form.map((of, i) =>
    perChannel(call, found, channels, { name: `${name}/${i === 0 ? "scale" : "shift"}`, key: name }, of),
  ) as [string, string];
  return { value: call.emit({ op: "scaleShift", inputs: [x], scale, shift }) };
}
