/**
 * TFLite's arithmetic: sums of values, and a value and a constant as a factor and a term for each channel.
 * @module
 */

import { UnsupportedError } from "../../errors.ts";
import { sizeOf } from "../../graph/dimensions.ts";
import type { Clamp } from "../../graph/graph.ts";
import { affineForm } from "../../graph/ops/scale-shift.ts";
import type { OperatorCall } from "./call.ts";

type Operator = Parameters<typeof affineForm>[0];

/** The only option of all four operators. */
const FIRST = 0;

/** Two values of one shape, or a value and constants that are one number or one per channel. */
export function arithmetic(operator: Operator): (call: OperatorCall) => string {
  return (call) => {
    const fused = call.fused(FIRST);
    const constant = [0, 1].find((i) => call.isConstant(i));
    if (constant !== undefined && call.type(call.output).dtype) {
      throw new UnsupportedError(`${call.where}: expected two computed values in 8 bits, got a constant`);
    }
    if (constant !== undefined) return affine(call, operator, constant, fused);
    const [a, b] = [call.shape(0), call.shape(1)];
    if (operator !== "add" || a.join() !== b.join()) {
      throw new UnsupportedError(
        `${call.where}: expected a value and a constant${operator === "add" ? ", or two values of one shape" : ""}, got values [${a.join(",")}] and [${b.join(",")}]`,
      );
    }
    return call.node({ op: "add", ...fused }, [call.value(0), call.value(1)]);
  };
}

/** x·scale + shift per channel, as which all four operators with a constant can be written. */
function affine(call: OperatorCall, operator: Operator, constant: number, fused: { clamp?: Clamp }): string {
  const input = call.value(1 - constant);
  const channels = call.shape(1 - constant).at(-1) ?? 1;
  const numbers = call.numbers(constant);
  const { shape } = numbers;
  const count = sizeOf(shape);
  if (count !== 1 && !(count === channels && shape.at(-1) === channels)) {
    throw new UnsupportedError(
      `${call.where}: expected a constant of 1 or ${channels} numbers (one per channel), got [${shape.join(",")}]`,
    );
  }
  const form = affineForm(operator, constant === 0);
  if (!form) throw new UnsupportedError(`${call.where}: expected a constant divisor, got a constant dividend`);
  const [scale, shift] = form.map((of, i) => {
    const role = `${i === 0 ? "scale" : "shift"} of ${channels} for ${constant === 0 ? "first" : "second"} of ${operator}`;
    return call.constant(numbers, [channels], role, (data) =>
      (count === 1 ? new Float32Array(channels).fill(data[0]!) : data).map(of),
    );
  }) as [string, string];
  return call.node({ op: "scaleShift", scale, shift, ...fused }, [input]);
}
