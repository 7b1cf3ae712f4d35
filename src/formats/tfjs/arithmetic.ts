/**
 * TensorFlow's arithmetic of two operands, broadcast against each other; a value and a constant where that is possible
 * as a bias, or as a factor and a term for each channel.
 * @module
 */
import { broadcastShape } from "../../graph/dimensions.ts";
import type { Arithmetic, Shape, Unary } from "../../graph/graph.ts";
import { affineForm } from "../../graph/ops/scale-shift.ts";
import type { Call, Operand } from "./call.ts";
import {
  channelConstant,
  channelsOf,
  constant,
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
  return operator(call, "add");
}

/** The bias of the layer before, where that is possible; else a shift. */
function addConstant(call: Call, x: string, found: NamedWeight): Operand {
  const channels = channelsOf(call, x);
  if (!isPerChannel(found, call.shape(x))) return general(call, x, found, "add", false);
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

/** Sub, Mul, RealDiv, Maximum, Minimum: of two values, or of a value and a weight, in either order. */
export function operator(call: Call, op: Arithmetic["op"]): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if ("value" in a && "value" in b) {
    const inputs = [call.floats(a.value), call.floats(b.value)];
    const shapes = [call.shape(a.value), call.shape(b.value)] as const;
    if (broadcastShape(...shapes) === undefined) {
      throw unsupported(call, "operands that can be broadcast", `[${shapes[0]}] and [${shapes[1]}]`);
    }
    return { value: call.emit({ op, inputs }) };
  }
  const index = "constant" in b ? 1 : 0;
  const [x, found] = [value(call, 1 - index), weight(call, index)];
  const affine = op !== "maximum" && op !== "minimum" && !(op === "div" && index === 0);
  if (affine && isPerChannel(found, call.shape(x))) return scaleShift(call, x, found, op, index === 0);
  return general(call, x, found, op, index === 0);
}

/** An operator by its name. */
export const arithmetic = (op: Arithmetic["op"]) => (call: Call) => operator(call, op);

/** SquaredDifference: a difference, and its square. */
export function squaredDifference(call: Call): Operand {
  return then(call, "square", (inner) => operator(inner, "sub"));
}

/**
 * FloorDiv: a quotient, and the whole number below it; exact for whole numbers below 2²⁴, which a product with the
 * reciprocal of a constant would not be.
 */
export function floorDivision(call: Call): Operand {
  const by = operand(call, 1);
  if ("value" in by) return then(call, "floor", (inner) => operator(inner, "div"));
  return then(call, "floor", (inner) => general(inner, value(inner, 0), weight(inner, 1), "div", false));
}

/** A function of what an operator comes to, which gets another name than the node's. */
function then(call: Call, of: Unary["of"], first: (call: Call) => Operand): Operand {
  const inner: Call = { ...call, emit: (node) => call.emit({ ...node, name: `${call.node.name}/of` }) };
  const found = first(inner);
  return "value" in found ? { value: call.emit({ op: "unary", inputs: [found.value], of }) } : found;
}

/** Whether a weight is one number, or one for each channel of a value. */
function isPerChannel({ shape, data }: NamedWeight, of: Shape): boolean {
  const significant = shape.slice(shape.findIndex((n) => n !== 1));
  const fits = data.length === 1 || (significant.length === 1 && significant[0] === of.at(-1));
  return fits && shape.length <= of.length && of.length > 0;
}

/** A value and a weight of any shape. */
function general(call: Call, x: string, found: NamedWeight, op: Arithmetic["op"], constantFirst: boolean): Operand {
  const { shape } = found;
  const of = call.shape(x);
  if (broadcastShape(of, shape) === undefined) {
    throw unsupported(
      call,
      `"${found.name}" to be one number or ${of.at(-1) ?? 1}, one per channel`,
      `shape [${shape}]`,
    );
  }
  const name = constant(call, found);
  return { value: call.emit({ op, inputs: [x], operand: name, ...(constantFirst && { operandFirst: true }) }) };
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
