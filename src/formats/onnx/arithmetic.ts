/**
 * ONNX's arithmetic: sums of values, and a value and a constant as a factor and a term for each channel.
 * @module
 */

import { affineForm } from "../../graph/ops/scale-shift.ts";
import type { NodeCall } from "./call.ts";
import { perChannel } from "./channels.ts";
import { channelsLast, isHeld, sameLayout } from "./layout.ts";
import type { Operand, Value } from "./operand.ts";

type Operator = Parameters<typeof affineForm>[0];

/** Two values of one shape, or a value and a constant of one number or one for each channel. */
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
    if (operator !== "add" || `${a.layout.dims}` !== `${b.layout.dims}`) {
      const other = operator === "add" ? ", or two values of one shape" : "";
      throw call.unsupported(`a value and a constant${other}`, `values [${a.layout.dims}] and [${b.layout.dims}]`);
    }
    return sumOf(call, [a, b]);
  };
}

/** Sum: of any number of values of one shape. */
export function sum(call: NodeCall): Operand {
  const values = call.node.inputs.map((_, i) => call.value(i));
  const [first] = values;
  if (first === undefined) throw call.wrong("an input", "none");
  const { dims } = first.layout;
  if (values.some(({ layout }) => `${layout.dims}` !== `${dims}`)) {
    throw call.unsupported("values of one shape", values.map(({ layout }) => `[${layout.dims}]`).join(", "));
  }
  return values.length === 1 ? { value: first } : sumOf(call, values);
}

function sumOf(call: NodeCall, values: readonly Value[]): Operand {
  const { dims } = values[0]!.layout;
  const held = commonOrder(values);
  const names = values.map((value) => call.draft.held(value, held, call.where));
  let total = names[0]!;
  for (const [i, name] of names.entries()) {
    if (i === 0) continue;
    const last = i === names.length - 1;
    total = call.emit({ op: "add" }, [total, name], last ? undefined : `sum of ${i + 1}`);
  }
  return call.of(total, dims, held);
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
  const form = affineForm(operator, constant === 0);
  if (!form) throw call.unsupported("a constant divisor", "a constant dividend");
  const bias = operator === "add" && biased(call, 1 - constant, constant);
  if (bias) return bias;
  const { name, constants } = perChannel(call, x, constant, ["scale", "shift"], form);
  const [scale, shift] = constants as [string, string];
  return call.like({ ...x, name }, { op: "scaleShift", scale, shift });
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
