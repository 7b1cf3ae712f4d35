/**
 * Bounds of values, and the names that networks have for them.
 * @module
 */

/** Bounds of a value: ReLU is [0, ∞], ReLU6 is [0, 6]. */
export interface Clamp {
  readonly lo: number;
  readonly hi: number;
}

/** No bounds. */
export const UNBOUNDED: Clamp = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

export const RELU: Clamp = { lo: 0, hi: Number.POSITIVE_INFINITY };

export const RELU6: Clamp = { lo: 0, hi: 6 };

/** TFLite's, between −1 and 1. */
export const RELU_N1_TO_1: Clamp = { lo: -1, hi: 1 };

/** TFLite's, between 0 and 1. */
export const RELU_0_TO_1: Clamp = { lo: 0, hi: 1 };

/** Whether two bounds are the same. */
export function sameClamp(a: Clamp, b: Clamp): boolean {
  return a.lo === b.lo && a.hi === b.hi;
}

/**
 * First one clamp, then the other, as one: the second clamps the bounds of the first, even where the two do not
 * overlap.
 */
export function joinedClamp(first: Clamp | undefined, { lo, hi }: Clamp): Clamp {
  const bound = (x: number) => Math.min(hi, Math.max(lo, x));
  return first === undefined ? { lo, hi } : { lo: bound(first.lo), hi: bound(first.hi) };
}
