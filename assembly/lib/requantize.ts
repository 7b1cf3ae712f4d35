/**
 * From sums to 8 bits: the arithmetic of TFLite's reference kernels, with both of its roundings.
 *
 *     SRDHM(a, b)   = (a·b + 2³⁰) >> 31 in 64 bits; (MIN, MIN) → MAX                  to nearest, ties upwards
 *     RDBPOT(x, e)  = e ? (x + 2^(e−1) − (x < 0 ? 1 : 0)) >> e : x                    to nearest, ties away from zero
 *     MBQM(x, m, e) = RDBPOT(SRDHM(x · 2^max(−e, 0), m), max(e, 0))                   x · m/2³¹ · 2^−e, rounded twice
 *     y             = clamp(MBQM(x, m, e) + zy, qlo, qhi)
 *
 * `e` counts to the right, 8-bit networks have 1 ≤ e ≤ 12 almost everywhere. For these {@link quad} has a second form
 * of the same function, for outputs that nothing below their zero point can leave (a ReLU): then the threshold from
 * which y − zy is at least n > 0, seen from x·m, is
 *
 *     ((2n − 1)·2^e − 1)·2³⁰
 *
 * (RDBPOT passes n at SRDHM = n·2^e − 2^(e−1), SRDHM passes a whole number half of 2³¹ below it),
 *
 * so y − zy = ⌊u⌋, u = x·m·2^−(31+e) + ½ + 2^−(e+1), for u ≥ 0. In double precision every part of u is exact where it
 * matters, and adding 2⁵² rounds to nearest, so ⌊u⌋ = nearest(u − ½ + 2^−(32+e)): the last term is half of the smallest
 * step of x·m·2^−(31+e), so ties do not occur. It takes 8 + 1 + 32 + e bits, at most 53. Values beyond 8 bits may be
 * rounded, but stay beyond. For longer shifts the host compares both forms where it matters, before it sets a step's
 * flags (`src/engine/lower/requantize.ts`).
 * source: gemmlowp's fixed-point arithmetic as TFLite uses it
 */
import { addReals, highReals, linearReals, lowHalves, lowReals, splatReal } from "../simd/s8";

/** Rounding doubling high product. */
// @ts-ignore: decorator
@inline
export function srdhm(a: i32, b: i32): i32 {
  if (a == i32.MIN_VALUE && b == i32.MIN_VALUE) return i32.MAX_VALUE;
  return <i32>((<i64>a * <i64>b + (1 << 30)) >> 31);
}

/** x/2^e, 0 ≤ e ≤ 31, to the nearest, ties away from zero. */
// @ts-ignore: decorator
@inline
export function rdbpot(x: i32, e: i32): i32 {
  if (e == 0) return x;
  return <i32>((<i64>x + (<i64>1 << (e - 1)) - i64(x < 0)) >> e);
}

/** x · m/2³¹ · 2^−e; negative e shift to the left first. */
// @ts-ignore: decorator
@inline
export function mbqm(x: i32, m: i32, e: i32): i32 {
  return rdbpot(srdhm(e < 0 ? x << -e : x, m), max(e, 0));
}

/** One sum to 8 bits. */
// @ts-ignore: decorator
@inline
export function requantize(x: i32, m: i32, e: i32, zy: i32, lo: i32, hi: i32): i32 {
  return min(max(mbqm(x, m, e) + zy, lo), hi);
}

/** Bytes that {@link prepare} writes for four columns. */
export const QUAD_BYTES: usize = 64;

/**
 * Prepares the constants of four columns for {@link quad}, from their multipliers at m (i32) and shifts at e (i8):
 * scales m·2^−(31+e) (4 f64) and ½ − ½ + 2^−(e+1) + 2^−(32+e) (4 f64).
 */
export function prepare(d: usize, m: usize, e: usize): void {
  for (let i: usize = 0; i < 4; ++i) {
    const shift = <i64>load<i8>(e + i);
    // 2^−(31+e): 1023 − 31 − e in the exponent's place.
    store<f64>(d + 8 * i, <f64>load<i32>(m + 4 * i) * reinterpret<f64>((992 - shift) << 52));
    store<f64>(d + 8 * i, reinterpret<f64>((1022 - shift) << 52) + reinterpret<f64>((991 - shift) << 52), 32);
  }
}

/** Four sums by the fast form; zero is 1.5·2⁵² + zy. Unbounded: bounds are up to the caller. */
// @ts-ignore: decorator
@inline
export function quad(x: v128, constants: usize, zero: v128): v128 {
  const a = linearReals(lowReals(x), load<v128>(constants), load<v128>(constants, 32));
  const b = linearReals(highReals(x), load<v128>(constants, 16), load<v128>(constants, 48));
  return lowHalves(addReals(a, zero), addReals(b, zero));
}

/** What {@link quad} adds for a zero point. */
// @ts-ignore: decorator
@inline
export function zeroOf(zy: i32): v128 {
  return splatReal(6755399441055744.0 + <f64>zy);
}
