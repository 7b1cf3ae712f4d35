/**
 * Numbers along some axes brought together.
 * @module
 */
import { count, errors, gamma, type Value } from "./value.ts";

export type By = "sum" | "mean" | "max" | "min" | "product";

/** One number for all along `axes`, which are left out. */
export function reduce(x: Value, by: By, axes: readonly number[]): Value {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const shape = kept.map((axis) => x.shape[axis]!);
  const groups = Array.from({ length: count(shape) }, () => [] as number[]);
  for (let from = 0; from < x.values.length; ++from) {
    const at = (axis: number) => Math.floor(from / count(x.shape.slice(axis + 1))) % x.shape[axis]!;
    groups[kept.reduce((sum, axis) => sum * x.shape[axis]! + at(axis), 0)]!.push(from);
  }
  const size = groups[0]!.length;
  const e = errors(x);
  const of = (i: number) => x.values[i]!;
  const sum = (group: readonly number[], f: (i: number) => number) => group.reduce((total, i) => total + f(i), 0);
  const over = by === "mean" ? size : 1;
  const result = (values: number[], terms: number[], ops: number, carried?: number[]): Value => ({
    shape,
    values: Float64Array.from(values),
    terms: Float64Array.from(terms),
    ops,
    ...(carried && { carried: Float64Array.from(carried) }),
  });
  if (by === "max" || by === "min") {
    const further = by === "max" ? Math.max : Math.min;
    const values = groups.map((group) => group.map(of).reduce((a, b) => further(a, b)));
    // The extreme of numbers that are off by e at most is off by the largest e at most.
    const carried = e && groups.map((group) => Math.max(...group.map((i) => e[i]!)));
    return result(values, values.map(Math.abs), 0, carried);
  }
  if (by === "product") {
    const values = groups.map((group) => group.reduce((product, i) => product * of(i), 1));
    const most = (group: readonly number[], f: (i: number) => number) => group.reduce((all, i) => all * f(i), 1);
    const carried = e && groups.map((group, g) => most(group, (i) => Math.abs(of(i)) + e[i]!) - Math.abs(values[g]!));
    const larger = values.map((y, g) => Math.abs(y) + (carried?.[g] ?? 0));
    return result(
      values,
      larger,
      size + 1,
      carried?.map((c) => c * (1 + gamma(size))),
    );
  }
  const values = groups.map((group) => sum(group, of) / over);
  const terms = groups.map((group) => sum(group, (i) => Math.abs(of(i)) + (e?.[i] ?? 0)) / over);
  return result(values, terms, size + 2, e && groups.map((group) => sum(group, (i) => e[i]!) / over));
}
