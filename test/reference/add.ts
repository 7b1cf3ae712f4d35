/**
 * y = a + b, element by element. One rounding, relative to the sum.
 * @module
 */
import { errors, type Value } from "./value.ts";

/** Both of one shape. */
export function add(a: Value, b: Value): Value {
  if (a.values.length !== b.values.length)
    throw new RangeError(`add reference: expected [${a.shape}], got [${b.shape}]`);
  const values = a.values.map((v, i) => v + b.values[i]!);
  const [ea, eb] = [errors(a), errors(b)];
  if (!ea && !eb) return { shape: a.shape, values, terms: values.map(Math.abs), ops: 1 };
  const carried = values.map((_, i) => (ea?.[i] ?? 0) + (eb?.[i] ?? 0));
  return { shape: a.shape, values, terms: values.map((v, i) => Math.abs(v) + carried[i]!), ops: 1, carried };
}
