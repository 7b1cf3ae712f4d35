/**
 * What an array of numbers holds, in a few of them.
 * @module
 */
import type { Numbers } from "../index.ts";

/** Of all numbers but NaN; of no numbers at all, and of those that are not finite, JSON makes null. */
export interface Statistics {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Index of the largest number, of several the first; `null` when there is none. */
  readonly argmax: number | null;
  /** How many are NaN. */
  readonly nans: number;
}

/** One pass over the numbers, in float64. */
export function statisticsOf(numbers: Numbers): Statistics {
  let [min, max, sum, nans] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  let argmax: number | null = null;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    if (Number.isNaN(value)) {
      nans++;
      continue;
    }
    sum += value;
    if (value < min) min = value;
    if (argmax === null || value > max) {
      max = value;
      argmax = i;
    }
  }
  const count = numbers.length - nans;
  if (count === 0) return { min: Number.NaN, max: Number.NaN, mean: Number.NaN, argmax, nans };
  return { min, max, mean: sum / count, argmax, nans };
}
