/**
 * ONNX's arithmetic of two operands, broadcast against each other; a value and a constant where that is possible as a
 * bias, or as a factor and a term for each channel.
 * @module
 */

import type { NodeFields } from "../../graph/builder.ts";
import { broadcastShape } from "../../graph/dimensions.ts";
import type { Arithmetic, Shape } from "../../graph/graph.ts";
import { affineForm } from "../../graph/ops/scale-shift.ts";
import { arranged } from "./arrange.ts";
import type { NodeCall } from "./call.ts";
import { perChannel } from "./channels.ts";
import { heldValue } from "./draft.ts";
import { channelsLast, isHeld, isInnermost, sameLayout } from "./layout.ts";
import type { Operand, Value } from "./operand.ts";

type Operator = Arithmetic["op"];

/** Operators of two operands, broadcast against each other: two values, or a value and a constant. */
export function arithmetic(operator: Operator): (call: NodeCall) => Operand {
  return (call) => {
    if (call.hasAttribute("broadcast")) throw call.unsupported("broadcasting by the shapes alone", "a setting for it");
    const constant = [1, 0].find((i) => "tensor" in call.operand(i));
    if (constant !== undefined) return withConstant(call, operator, constant);
    const [a, b] = [call.value(0), call.value(1)];
    if (operator === "mul") {
      for (const [x, factor] of [
        [a, b],
        [b, a],
      ] as const) {
        const whole = call.draft.hardSigmoids.get(factor.name) === x.name && sameLayout(x.layout, factor.layout);
        if (whole) return call.like(x, { op: "hardSwish" });
      }
    }
    return ofValues(call, operator, [a, b]);
  };
}

/** Max and Min: of two values, or of several. */
export function extreme(operator: "maximum" | "minimum"): (call: NodeCall) => Operand {
  return (call) => {
    const values = call.node.inputs.map((_, i) => call.value(i));
    const [first] = values;
    if (first === undefined) throw call.wrong("an input", "none");
    return values.length === 1 ? { value: first } : ofValues(call, operator, values);
  };
}

/** One value after the other, under the dimensions of all. */
function ofValues(call: NodeCall, operator: Operator, values: readonly Value[]): Operand {
  const shapes = values.map(({ layout }) => layout.dims);
  const dims = shapes.reduce<Shape | undefined>((all, own) => all && broadcastShape(all, own), []);
  if (dims === undefined) {
    throw call.wrong("operands that can be broadcast", shapes.map((own) => `[${own}]`).join(" and "));
  }
  const aligned = values.map((value) => ({
    ...value,
    layout: { ...value.layout, dims: alignedTo(dims, value.layout.dims) },
  }));
  const held = commonOrder(aligned);
  const names = aligned.map((value) => call.draft.held(value, held, call.where));
  let result = names[0]!;
  for (const [i, name] of names.entries()) {
    if (i === 0) continue;
    const last = i === names.length - 1;
    result = call.emit({ op: operator } as NodeFields, [result, name], last ? undefined : `${operator} of ${i + 1}`);
  }
  return call.of(result, dims, held);
}

/** Dimensions with as many of 1 in front of them as another shape has more. */
function alignedTo(dims: Shape, own: Shape): Shape {
  return [...new Array<number>(dims.length - own.length).fill(1), ...own];
}

/** Sum: of any number of values. */
export function sum(call: NodeCall): Operand {
  const values = call.node.inputs.map((_, i) => call.value(i));
  const [first] = values;
  if (first === undefined) throw call.wrong("an input", "none");
  return values.length === 1 ? { value: first } : ofValues(call, "add", values);
}

/** The order in which all values can be held without any number moving; where there is none, that of images. */
export function commonOrder(values: readonly Value[]): number[] {
  const rank = values[0]!.layout.dims.length;
  const images = channelsLast(rank);
  const written = images.map((_, axis) => axis);
  return [images, written].find((held) => values.every(({ layout }) => isHeld(layout, held))) ?? images;
}

function withConstant(call: NodeCall, operator: Operator, constant: number): Operand {
  const x = call.value(1 - constant);
  const form = operator === "maximum" || operator === "minimum" ? undefined : affineForm(operator, constant === 0);
  if (!form || !isPerChannel(call.tensor(constant).dims, x)) return { value: general(call, operator, x, constant) };
  const bias = operator === "add" && biased(call, 1 - constant, constant);
  if (bias) return bias;
  const { x: value, constants } = perChannel(call, x, constant, ["scale", "shift"], form);
  const [scale, shift] = constants as [string, string];
  return call.like(value, { op: "scaleShift", scale, shift });
}

/** Whether a constant is one number, or one for each index of the axis that is held innermost. */
export function isPerChannel(own: Shape, { layout }: Value): boolean {
  const { dims } = layout;
  const wide = own.flatMap((n, i) => (n === 1 ? [] : [i + dims.length - own.length]));
  return (
    own.length <= dims.length &&
    dims.length > 0 &&
    wide.length <= 1 &&
    wide.every((axis) => own.at(axis - dims.length) === dims[axis] && isInnermost(layout, [axis]))
  );
}

/** A value and a constant of any shape, whose numbers are brought into the order of the value's. */
export function general(call: NodeCall, operator: Operator, x: Value, constant: number, as?: string): Value {
  const tensor = call.tensor(constant);
  const dims = broadcastShape(x.layout.dims, tensor.dims);
  if (dims === undefined) {
    throw call.wrong("operands that can be broadcast", `[${x.layout.dims}] and [${tensor.dims}]`);
  }
  const value = { ...x, layout: { ...x.layout, dims: alignedTo(dims, x.layout.dims) } };
  const own = alignedTo(dims, tensor.dims);
  const held = commonOrder([value]);
  const name = call.draft.held(value, held, call.where);
  const operand = call.draft.constant(tensor, {
    shape: held.map((axis) => own[axis]!),
    layout: `operand ${held}`,
    arrange: (data, budget) => arranged(data, own, held, budget),
  });
  const first = constant === 0 && { operandFirst: true };
  return heldValue(call.emit({ op: operator, operand, ...first } as NodeFields, [name], as), dims, held);
}

/** What is added to a layer's sums is its bias, where nobody else reads the sums. */
function biased(call: NodeCall, value: number, constant: number): Operand | undefined {
  const layer = call.replaceable(value);
  if (layer?.op !== "conv2d" && layer?.op !== "depthwiseConv2d" && layer?.op !== "dense") return undefined;
  const channels = call.draft.shapeOf(layer.name).at(-1)!;
  const { dims } = call.tensor(constant);
  const x = call.value(value);
  // For the axis of the channels, and no other: the last of a dense layer, the second of an image.
  const behind = layer.op === "dense" ? 0 : x.layout.dims.length - 2;
  const axis = dims.length - 1 - behind;
  const fits = dims.length <= x.layout.dims.length && dims.every((n, i) => n === (i === axis ? channels : 1));
  if (layer.bias !== undefined || !fits || channels === 1) return undefined;
  const bias = call.perChannel(constant, channels);
  return { value: { ...x, name: call.replace(layer, { ...layer, bias }) } };
}
