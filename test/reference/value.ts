/**
 * What a naive reference answers with, and how far an implementation in f32 may be from it.
 *
 * The model of rounding: with u = 2⁻²⁴ every f32 operation gives fl(a ∘ b) = (a ∘ b)(1 + δ), |δ| ≤ u, so a term that
 * passes through k operations is multiplied by 1 + θ with |θ| ≤ γ(k) = k·u/(1 − k·u) (Higham, Accuracy and Stability of
 * Numerical Algorithms, §3.1). A result that is a sum of terms, each of which passes through at most `ops` operations
 * in whatever order, is then off by at most γ(ops)·Σ|terms|. A fused multiply-add rounds once where two roundings were
 * counted, so the bound holds for it too. Clamping moves two numbers no further apart than they were.
 * @module
 */

/** Unit roundoff of float32, rounding to nearest. */
export const UNIT = 2 ** -24;

/** Half the spacing of float32 below its normal range, doubled: what one operation may lose to underflow. */
export const UNDERFLOW = 2 ** -149;

/** A tensor computed in f64, with what is needed to bound an f32 computation of it. */
export interface Value {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  /** The exact results, as far as f64 goes. */
  readonly values: Float64Array;
  /** Σ|terms| of each element. */
  readonly terms: Float64Array;
  /** The largest number of roundings that a term passes through on its way to the result. */
  readonly ops: number;
  /** What the inputs' own errors may have added to each element; absent where the inputs were exact. */
  readonly carried?: Float64Array;
}

/** Constant data of a layer: exact, as stored. */
export interface Weights {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** The largest relative error of a term after `k` roundings. */
export function gamma(k: number): number {
  return (k * UNIT) / (1 - k * UNIT);
}

/** A value without error: an input, a constant, something measured. */
export function exact(shape: readonly number[], values: ArrayLike<number>): Value {
  const copy = Float64Array.from(values);
  return { shape, values: copy, terms: copy.map(Math.abs), ops: 0 };
}

/** How far each element of an f32 computation may be from `value.values`. */
export function bounds(value: Value): Float64Array {
  const { terms, carried, ops } = value;
  const factor = gamma(ops);
  return terms.map((t, i) => factor * t + (carried?.[i] ?? 0) + ops * UNDERFLOW);
}

/** The same, or undefined where every element is exact: what a consumer has to carry on. */
export function errors(value: Value): Float64Array | undefined {
  return value.ops === 0 && value.carried === undefined ? undefined : bounds(value);
}

/** How many numbers a shape holds. */
export function count(shape: readonly number[]): number {
  return shape.reduce((product, d) => product * d, 1);
}

/** The same numbers under another shape. */
export function reshape(x: Value, shape: readonly number[]): Value {
  return { ...x, shape };
}

/** Reads the four dimensions of an NHWC shape. */
export function nhwc(shape: readonly number[]): { n: number; h: number; w: number; c: number } {
  if (shape.length !== 4) throw new RangeError(`reference: expected a shape [n, h, w, c], got [${shape}]`);
  const [n, h, w, c] = shape as [number, number, number, number];
  return { n, h, w, c };
}
