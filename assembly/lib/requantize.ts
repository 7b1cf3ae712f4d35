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
 *
 * Single precision takes half the operations, and is exact for nearly all channels that there are; which ones, is
 * proven when weights are packed. {@link quadFloats} computes trunc(fl(fl(fl(x)·scale) ± offset)), each step rounded,
 * near the M = m·2^−(31+e) and ½ + 2^−(e+1) of the formula. Each step grows with x, so the function is the formula's if
 * both pass each n within bounds at the same x: {@link prove} compares them on both sides of each threshold where that
 * is in doubt, and tries neighbors of scale and offset until one pair holds.
 * source: gemmlowp's fixed-point arithmetic as TFLite uses it
 */
import {
  addReals, highReals, linearFloats, linearReals, lowHalves, lowReals, splatReal, timesReals, truncated, withSigns,
} from "../simd/s8";

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
 * scales m·2^−(31+e) (4 f64) and ½ − ½ + 2^−(e+1) + 2^−(32+e) (4 f64); for {@link quadBelow} only the last of these
 * terms.
 */
export function prepare(d: usize, m: usize, e: usize, below: bool): void {
  for (let i: usize = 0; i < 4; ++i) {
    const shift = <i64>load<i8>(e + i);
    // 2^−(31+e): 1023 − 31 − e in the exponent's place.
    store<f64>(d + 8 * i, <f64>load<i32>(m + 4 * i) * reinterpret<f64>((992 - shift) << 52));
    const half = below ? 0 : reinterpret<f64>((1022 - shift) << 52);
    store<f64>(d + 8 * i, half + reinterpret<f64>((991 - shift) << 52), 32);
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

/**
 * As {@link quad} where results below the zero point count. There the formula is the same with the other sign, but for
 * sums right on a threshold: so 2^−(e+1) has the sign of the sum, and 2^−(32+e) has not.
 */
// @ts-ignore: decorator
@inline
export function quadBelow(x: v128, constants: usize, zero: v128): v128 {
  const a = realBelow(lowReals(x), load<v128>(constants), load<v128>(constants, 32));
  const b = realBelow(highReals(x), load<v128>(constants, 16), load<v128>(constants, 48));
  return lowHalves(addReals(a, zero), addReals(b, zero));
}

// @ts-ignore: decorator
@inline
function realBelow(x: v128, scale: v128, least: v128): v128 {
  // 2^−(e+1) is 2³¹ times 2^−(32+e).
  const half = withSigns(timesReals(least, splatReal(2147483648.0)), x, splatReal(-0.0));
  return addReals(linearReals(x, scale, least), half);
}

/** What {@link quad} adds for a zero point. */
// @ts-ignore: decorator
@inline
export function zeroOf(zy: i32): v128 {
  return splatReal(6755399441055744.0 + <f64>zy);
}

/** Of a mark, which pair of scale and offset is proven; 0 where none is. */
export const PROVEN: i32 = 63;
/** The same of eight marks. */
const PROVEN_EIGHT: u64 = 0x3f3f3f3f3f3f3f3f;

/** Neighbors that are tried: of the scale, so many units in its last place; of the offset, so many steps of 2⁻¹⁹. */
const SCALES: i32 = 1;
const OFFSETS: i32 = 10;
const EACH: i32 = 2 * SCALES + 1;
const MIDDLE: i32 = 1 + OFFSETS * EACH + SCALES;

/** The scale of pair `code`. */
// @ts-ignore: decorator
@inline
function scaleOf(m: i32, e: i32, code: i32): f32 {
  // 2^−(31+e): 127 − 31 − e in the exponent's place.
  const scale = <f32>m * reinterpret<f32>((96 - e) << 23);
  return reinterpret<f32>(reinterpret<i32>(scale) + ((code - 1) % EACH) - SCALES);
}

/** The offset of pair `code`. */
// @ts-ignore: decorator
@inline
function offsetOf(e: i32, code: i32): f32 {
  const steps = (code - 1) / EACH - OFFSETS;
  return <f32>0.5 + reinterpret<f32>((126 - e) << 23) + <f32>steps * <f32>1.9073486328125e-06;
}

/** Whether the next `columns` marks, at most eight, all have a proven pair. */
// @ts-ignore: decorator
@inline
function proven(marks: usize, columns: i32): bool {
  const absent: u64 = columns == 8 ? 0 : ~<u64>0 << (8 * columns);
  const eight = (load<u64>(marks) & PROVEN_EIGHT) | (absent & PROVEN_EIGHT);
  return ((eight + PROVEN_EIGHT) & 0x4040404040404040) == 0x4040404040404040;
}

/** Prepares the constants of four columns for {@link quadFloats}: scales (4 f32), offsets (4 f32). */
export function prepareFloats(d: usize, m: usize, e: usize, marks: usize): void {
  for (let i: usize = 0; i < 4; ++i) {
    const code = max(<i32>load<u8>(marks + i) & PROVEN, 1);
    const shift = <i32>load<i8>(e + i);
    store<f32>(d + 4 * i, scaleOf(load<i32>(m + 4 * i), shift, code));
    store<f32>(d + 4 * i, offsetOf(shift, code), 16);
  }
}

/** Four sums by single precision, the zero point not yet added; results below it are cut off later. */
// @ts-ignore: decorator
@inline
export function quadFloats(x: v128, scale: v128, offset: v128): v128 {
  return truncated(linearFloats(x, scale, offset));
}

/** As {@link quadFloats} where results below the zero point count, for which the offset has the sign of the sum. */
// @ts-ignore: decorator
@inline
export function quadFloatsBelow(x: v128, scale: v128, offset: v128, signs: v128): v128 {
  return truncated(linearFloats(x, scale, withSigns(offset, x, signs)));
}

/** How sums of a few columns become 8 bits. */
export namespace Way {
  /** By the formula, one by one. */
  export const FORMULA: i32 = 0;
  /** In double precision, where nothing below the zero point is asked for. */
  export const DOUBLES: i32 = 1;
  /** In double precision. */
  export const DOUBLES_BELOW: i32 = 2;
  /** In single precision, where nothing below the zero point is asked for. */
  export const FLOATS: i32 = 3;
  /** In single precision. */
  export const FLOATS_BELOW: i32 = 4;
}

/** The way for columns of these marks; `fast`: double precision would do, too; `floats`: single precision is there. */
// @ts-ignore: decorator
@inline
export function wayOf(marks: usize, columns: i32, below: bool, fast: bool, floats: bool): i32 {
  if (floats && proven(marks, columns)) return below ? Way.FLOATS_BELOW : Way.FLOATS;
  return fast ? (below ? Way.DOUBLES_BELOW : Way.DOUBLES) : Way.FORMULA;
}

/**
 * Marks those of n columns that have a proven pair for results between lo and hi, of which the zero point was taken
 * off. Their m, e and marks lie at these addresses.
 */
export function prove(m: usize, e: usize, marks: usize, n: i32, lo: i32, hi: i32): void {
  for (let o = 0; o < n; ++o) {
    const mo = load<i32>(m + 4 * o), eo = <i32>load<i8>(e + o);
    let code = 0;
    if (o > 0 && mo == load<i32>(m + 4 * o - 4) && eo == <i32>load<i8>(e + o - 1)) {
      code = <i32>load<u8>(marks + o - 1) & PROVEN;
    } else if (eo >= 1 && eo <= 12) {
      // A channel that has died is 0 whatever its sum.
      code = mo == 0 ? MIDDLE : mo >= 1 << 30 ? firstProven(mo, eo, lo, hi) : 0;
    }
    store<u8>(marks + o, (load<u8>(marks + o) & ~PROVEN) | code);
  }
}

/** Thresholds at which a pair may fail: the last x below each, and n, or −n where that is below zero. */
const RISKS: i32 = 100;
// @ts-ignore: decorator
@lazy const risks: usize = memory.data(8 * RISKS);

/**
 * The first pair that holds, from the middle on; 0 where none does. The first x·m that reaches n is T = ((2n − 1)·2^e −
 * 1)·2³⁰, the first below 0 that reaches −n lies beyond −T. All roundings, and what a pair differs from the formula's
 * numbers, move a result by less than 2⁻¹³: thresholds from which x and its neighbor are farther away are kept to.
 */
function firstProven(m: i32, e: i32, lo: i32, hi: i32): i32 {
  const unit = <i64>1 << (31 + e), risk = <i64>1 << (18 + e);
  const whole = unit / m, part = unit % m;
  let x = (unit / 2 - (1 << 30)) / m, rest = (unit / 2 - (1 << 30)) % m;
  let count = 0;
  for (let n = 1, last = max(hi, -lo); n <= last; ++n) {
    if (rest <= risk || m - rest <= risk) {
      // Of those above zero, x·m = T reaches n.
      if (n > lo && n <= hi) {
        if (count == RISKS) return 0;
        store<i32>(risks + 8 * count, <i32>x - i32(rest == 0));
        store<i32>(risks + 8 * count++, n, 4);
      }
      if (n > -hi && n <= -lo) {
        if (count == RISKS) return 0;
        store<i32>(risks + 8 * count, <i32>x);
        store<i32>(risks + 8 * count++, n, 4);
      }
    }
    x += whole;
    rest += part;
    if (rest >= m) {
      rest -= m;
      ++x;
    }
  }
  for (let away = 0; away <= OFFSETS; ++away) {
    for (let near = 0; near < EACH; ++near) {
      const code = 1 + near + EACH * (OFFSETS + away), other = code - 2 * EACH * away;
      if (holds(m, e, code, count)) return code;
      if (away > 0 && holds(m, e, other, count)) return other;
    }
  }
  return 0;
}

/** Whether a pair keeps to so many thresholds. */
function holds(m: i32, e: i32, code: i32, count: i32): bool {
  const scale = scaleOf(m, e, code);
  const offset = offsetOf(e, code);
  for (let p = risks, end = risks + 8 * <usize>count; p < end; p += 8) {
    const x = load<i32>(p);
    const n = <f32>load<i32>(p, 4);
    if (<f32>(x + 1) * scale + offset < n || <f32>x * scale + offset >= n) return false;
  }
  return true;
}
