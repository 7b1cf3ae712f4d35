/**
 * y = a ∘ b, element by element, both broadcast to one shape as NumPy does it. One rounding, relative to the result.
 * @module
 */
import { count, errors, type Value } from "./value.ts";

/** Named as the ops are. */
export type Operator = "add" | "sub" | "mul" | "div" | "maximum" | "minimum";

/** The shape that both are broadcast to. */
export function broadcastShape(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [p, q] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (p !== q && p !== 1 && q !== 1) throw new RangeError(`broadcast reference: [${a}] and [${b}]`);
    return p === 1 ? q : p;
  });
}

/** Which element of an operand each element of `shape` reads. */
export function broadcastIndices(operand: readonly number[], shape: readonly number[]): number[] {
  return Array.from({ length: count(shape) }, (_, to) => {
    let [rest, at, stride] = [to, 0, 1];
    for (let axis = 1; axis <= shape.length; axis++) {
      const index = rest % shape.at(-axis)!;
      rest = Math.floor(rest / shape.at(-axis)!);
      const size = operand.length < axis ? 1 : operand.at(-axis)!;
      if (size > 1) at += index * stride;
      stride *= size;
    }
    return at;
  });
}

/** Of two numbers. NaN in either one passes, and of two zeros that of the sign is taken. */
export function applied(operator: Operator, a: number, b: number): number {
  switch (operator) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "div":
      return a / b;
    case "maximum":
      return Math.max(a, b);
    case "minimum":
      return Math.min(a, b);
  }
}

/** How far the result may be off where the operands are by ea and eb. */
function carriedBy(operator: Operator, a: number, b: number, ea: number, eb: number): number {
  switch (operator) {
    case "add":
    case "sub":
      return ea + eb;
    case "mul":
      return Math.abs(a) * eb + Math.abs(b) * ea + ea * eb;
    case "div":
      return eb < Math.abs(b) ? (ea + Math.abs(a / b) * eb) / (Math.abs(b) - eb) : Number.POSITIVE_INFINITY;
    default:
      return Math.max(ea, eb);
  }
}

/** a ∘ b. */
export function arithmetic(operator: Operator, a: Value, b: Value): Value {
  const shape = broadcastShape(a.shape, b.shape);
  const [from, from2] = [broadcastIndices(a.shape, shape), broadcastIndices(b.shape, shape)];
  const values = Float64Array.from(from, (i, to) => applied(operator, a.values[i]!, b.values[from2[to]!]!));
  const [ea, eb] = [errors(a), errors(b)];
  const ops = operator === "maximum" || operator === "minimum" ? 0 : 1;
  if (!ea && !eb) return { shape, values, terms: values.map(Math.abs), ops };
  const carried = Float64Array.from(from, (i, to) => {
    const j = from2[to]!;
    return carriedBy(operator, a.values[i]!, b.values[j]!, ea?.[i] ?? 0, eb?.[j] ?? 0);
  });
  return { shape, values, terms: values.map((v, i) => Math.abs(v) + carried[i]!), ops, carried };
}
