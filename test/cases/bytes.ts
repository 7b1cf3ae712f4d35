/**
 * What the cases of all 8-bit kernels share: sizes, data at the ends of its range, bounds that bite.
 * @module
 */
import type { Problem } from "../kernels/harness.ts";
import { count, exact } from "../reference/value.ts";
import { random } from "./random.ts";
import type { Trial } from "./trial.ts";

/** Channel counts below, at, above and prime to eight and sixteen. */
export const CHANNELS8 = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33] as const;

/** Rows of elements: every remainder of a vector, one row and many. */
export const SIZES8: readonly (readonly [rows: number, c: number])[] = [
  ...CHANNELS8.map((c) => [3, c] as const),
  ...CHANNELS8.filter((rows) => rows !== 3).map((rows) => [rows, 1] as const),
  [1, 100],
  [13, 37],
  [64, 8],
];

/** Zero points: in the middle and at the ends of the range. */
export const ZEROS8 = [-128, -1, 0, 1, 127] as const;

/** What a tensor is full of: anything, the least number, the largest, one of both. */
export type Filling = "random" | "low" | "high" | "ends";

/** `length` bytes, seeded by a name. */
export function bytes8(name: string, length: number, filling: Filling = "random"): Int8Array {
  const numbers = random(name);
  if (filling === "random") return numbers.bytes(length);
  const ends = filling === "low" ? [-128] : filling === "high" ? [127] : [-128, 127];
  return Int8Array.from({ length }, () => ends[numbers.int(0, ends.length - 1)]!);
}

/** How a case is bounded: not at all, so that about a fifth of the values lies beyond either bound, or to a single number. */
export type Bounding8 = "open" | "active" | "one";

/** The bounds for results computed without any. */
export function bounds8(open: readonly number[], bounding: Bounding8): { qlo: number; qhi: number } {
  if (bounding === "open") return { qlo: -128, qhi: 127 };
  const sorted = [...open].sort((a, b) => a - b);
  const at = (part: number) => within(sorted[Math.floor(part * (sorted.length - 1))]!, -128, 127);
  return bounding === "one" ? { qlo: at(0.5), qhi: at(0.5) } : { qlo: at(0.2), qhi: at(0.8) };
}

/** x, held within lo … hi. */
export function within(x: number, lo: number, hi: number): number {
  return Math.min(hi, Math.max(lo, x));
}

/** A trial of bytes; `open`: the results before they are bounded. */
export function bounded8(
  problem: Omit<Problem, "outputs">,
  shape: readonly number[],
  open: readonly number[],
  bounding: Bounding8 = "open",
): Trial {
  const bounds = bounds8(open, bounding);
  const values = open.map((y) => within(y, bounds.qlo, bounds.qhi));
  const fields = { ...problem.fields, ...bounds };
  return { expected: exact(shape, values), problem: { ...problem, fields, outputs: count(shape), outputBytes: 1 } };
}
