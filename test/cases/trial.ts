/**
 * What the cases of all kernels share: bounds that bite, and values that matter.
 * @module
 */
import type { Clamp } from "../../src/graph/graph.ts";
import type { Value } from "../reference/value.ts";

/** A step of a kernel and its name; see `test/kernels/suite.ts`. */
export type { Case, Trial } from "../kernels/suite.ts";

/** No bounds. */
export const OPEN: Clamp = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/**
 * How a case is bounded: not at all, as ReLU, or from its own range so that about a fifth of the values lies beyond
 * either bound.
 */
export type Bounding = "open" | "relu" | "active";

/** The bounds for a value computed without any. */
export function boundsFor(value: Value, bounding: Bounding): Clamp {
  if (bounding === "open") return OPEN;
  if (bounding === "relu") return { lo: 0, hi: Number.POSITIVE_INFINITY };
  const sorted = value.values.filter((v) => Number.isFinite(v)).sort();
  const at = (part: number) => Math.fround(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return { lo: at(0.2), hi: at(0.8) };
}

/** NaN, infinities, zeros of both signs and the ends of the range, to be strewn over an input. */
export const SPECIAL = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  0,
  2 ** -149,
  -(2 ** -126),
  Math.fround(1e30),
  Math.fround(-1e30),
] as const;

/** Puts special values into data, one every `step` elements. */
export function strew(data: Float32Array, step: number, values: readonly number[] = SPECIAL): Float32Array {
  for (let i = 0, k = 0; i < data.length; i += step, ++k) data[i] = values[k % values.length]!;
  return data;
}
