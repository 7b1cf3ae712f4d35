/**
 * TFLite's operators of two operands, broadcast against each other: two values, or a value and a constant.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { broadcastShape, sizeOf } from "../../graph/dimensions.ts";
import type { Arithmetic, Clamp } from "../../graph/graph.ts";
import { affineForm } from "../../graph/ops/scale-shift.ts";
import type { Numbers, OperatorCall } from "./call.ts";

/** The only option of the operators that have one: the activation. */
const FIRST = 0;

/** What ADD, SUB, MUL, DIV, MAXIMUM and MINIMUM become. */
export function arithmetic(op: Arithmetic["op"]): (call: OperatorCall) => string {
  const options = op !== "maximum" && op !== "minimum";
  return (call) => {
    const fused = options ? call.fused(FIRST) : {};
    const [a, b] = [call.shape(0), call.shape(1)];
    if (broadcastShape(a, b) === undefined) {
      throw new FormatError(
        `${call.where}: expected operands to be broadcast, got [${a.join(",")}] and [${b.join(",")}]`,
      );
    }
    if (op === "div" && call.type(call.output).dtype) {
      throw new UnsupportedError(`${call.where}: expected a division of float32, got one of ${call.output.type}`);
    }
    const constant = [0, 1].find((i) => call.isConstant(i));
    if (constant === undefined) return call.node({ op, ...fused }, [call.value(0), call.value(1)]);
    if (call.type(call.output).dtype) return ofBytes(call, op, constant, fused);
    const numbers = call.numbers(constant);
    return affine(call, op, constant, numbers, fused) ?? general(call, op, constant, numbers, fused);
  };
}

function general(call: OperatorCall, op: Arithmetic["op"], constant: number, numbers: Numbers, fused: Fused): string {
  const operand = call.constant(numbers, numbers.shape, "as stored");
  return call.node({ op, operand, ...(constant === 0 && { operandFirst: true }), ...fused }, [
    call.value(1 - constant),
  ]);
}

/** In 8 bits the constant stays one of 8 bits. */
function ofBytes(call: OperatorCall, op: Arithmetic["op"], constant: number, fused: Fused): string {
  const operand = call.byteOperand(constant);
  return call.node({ op, operand, ...(constant === 0 && { operandFirst: true }), ...fused }, [
    call.value(1 - constant),
  ]);
}

type Fused = { readonly clamp?: Clamp };

/**
 * x·scale + shift per channel, as which most operators can be written with a constant of one number or one for each
 * channel. Undefined for others: those have a constant of another shape, or no such form.
 */
function affine(
  call: OperatorCall,
  op: Arithmetic["op"],
  constant: number,
  numbers: Numbers,
  fused: Fused,
): string | undefined {
  const form = op === "maximum" || op === "minimum" ? undefined : affineForm(op, constant === 0);
  const value = call.shape(1 - constant);
  const channels = value.at(-1) ?? 1;
  const { shape } = numbers;
  const count = sizeOf(shape);
  const fits = count === 1 || (count === channels && shape.at(-1) === channels);
  if (!form || !fits || shape.length > value.length || value.length === 0) return undefined;
  const [scale, shift] = form.map((of, i) => {
    const role = `${i === 0 ? "scale" : "shift"} of ${channels} for ${constant === 0 ? "first" : "second"} of ${op}`;
    return call.constant(numbers, [channels], role, (data) =>
      (count === 1 ? new Float32Array(channels).fill(data[0]!) : data).map(of),
    );
  }) as [string, string];
  return call.node({ op: "scaleShift", scale, shift, ...fused }, [call.value(1 - constant)]);
}
