/**
 * The one file of the 8-bit kernels that names an intrinsic. Kernels are generic over `V`: a `v128` of four 32-bit
 * sums, or a single `i32`; what has no scalar form is for builds with vectors only. Values are widened to 16 bits and
 * multiplied in pairs along k, which no value of 8 bits, nor a difference of two, can overflow.
 *
 * Of a `v128`, bytes are sixteen values of 8 bits, words eight of 16, sums four of 32, reals two of f64. All are
 * signed.
 */
import { Product } from "../abi";
import { SIMD } from "./f32";

/**
 * Whether this build multiplies bytes four at a time, by an instruction whose result depends on the host. The debug
 * build has no such instruction and computes what each host would answer, so that each can be tested on any machine.
 */
// @ts-ignore: ASC_NO_ASSERT is the compiler's
export const FOURS: bool = ASC_FEATURE_RELAXED_SIMD || (ASC_FEATURE_SIMD && !ASC_NO_ASSERT);

/** Sums per V: 4 for v128, 1 for i32. */
// @ts-ignore: decorator
@inline
export function sums<V>(): i32 {
  return <i32>(sizeof<V>() / sizeof<i32>());
}

// @ts-ignore: decorator
@inline
export function splat32<V>(x: i32): V {
  if (isVector<V>()) return i32x4.splat(x) as V;
  return x as V;
}

// @ts-ignore: decorator
@inline
export function sub32<V>(a: V, b: V): V {
  if (isVector<V>()) return i32x4.sub(a as v128, b as v128) as V;
  return ((a as i32) - (b as i32)) as V;
}

/** A pair of 16-bit values in all sums: the terms k and k+1 of one row. */
// @ts-ignore: decorator
@inline
export function loadTerms<V>(p: usize, offset: usize = 0): V {
  if (isVector<V>()) return v128.load32_splat(p + offset) as V;
  return load<i32>(p + offset) as V;
}

/** acc + x[k]·w[k] + x[k+1]·w[k+1], modulo 2³². */
// @ts-ignore: decorator
@inline
export function dot<V>(x: V, w: V, acc: V): V {
  if (isVector<V>()) return i32x4.add(acc as v128, i32x4.dot_i16x8_s(x as v128, w as v128)) as V;
  const x0 = <i32>(<i16>(x as i32));
  const x1 = (x as i32) >> 16;
  const w0 = <i32>(<i8>(w as i32));
  const w1 = <i32>(<i8>((w as i32) >> 8));
  return ((acc as i32) + x0 * w0 + x1 * w1) as V;
}

/**
 * Widens `count` 8-bit values to 16 bits; returns the address behind them. Reads up to 7 bytes past x, writes nothing
 * past d.
 */
// @ts-ignore: decorator
@inline
export function widen(d: usize, x: usize, count: i32): usize {
  if (SIMD) {
    for (; count >= 8; count -= 8) {
      v128.store(d, v128.load_ext<i8>(x));
      d += 16;
      x += 8;
    }
  }
  for (; count > 0; --count) {
    store<i16>(d, <i16>load<i8>(x));
    d += 2;
    ++x;
  }
  return d;
}

/** As {@link widen}, but writes up to 7 values past the last one. */
// @ts-ignore: decorator
@inline
export function widenPast(d: usize, x: usize, count: i32): usize {
  if (!SIMD) return widen(d, x, count);
  const end = d + <usize>count * sizeof<i16>();
  for (; d < end; d += 16, x += 8) v128.store(d, v128.load_ext<i8>(x));
  return end;
}

/** `count` bytes at x to d, each with its top bit flipped where `flip` is 128; reads and writes up to 15 bytes more. */
// @ts-ignore: decorator
@inline
export function flipped(d: usize, x: usize, count: i32, flip: i32): void {
  if (!SIMD) return;
  const f = splat8(flip);
  for (const end = d + <usize>count; d < end; d += 16, x += 16) v128.store(d, v128.xor(v128.load(x), f));
}

/** Sum of `count` bytes, signed or not. */
// @ts-ignore: decorator
@inline
export function sum8(x: usize, count: i32, unsigned: bool): i32 {
  if (!SIMD) return 0;
  let total = 0;
  let four = i32x4.splat(0);
  for (; count >= 16; count -= 16, x += 16) {
    const b = v128.load(x);
    const words = unsigned ? i16x8.extadd_pairwise_i8x16_u(b) : i16x8.extadd_pairwise_i8x16_s(b);
    four = i32x4.add(four, i32x4.extadd_pairwise_i16x8_s(words));
  }
  total = lane32(four, 0) + lane32(four, 1) + lane32(four, 2) + lane32(four, 3);
  for (; count > 0; --count, ++x) total += unsigned ? <i32>load<u8>(x) : <i32>load<i8>(x);
  return total;
}

/** Of the fours of bytes of four columns, the first two of each, widened: pairs, as {@link dot} multiplies them. */
// @ts-ignore: decorator
@inline
export function lowPairs16(fours: v128): v128 {
  return i16x8.extend_low_i8x16_s(v128.shuffle<i16>(fours, fours, 0, 2, 4, 6, 1, 3, 5, 7));
}

/** The last two of each. */
// @ts-ignore: decorator
@inline
export function highPairs16(fours: v128): v128 {
  return i16x8.extend_high_i8x16_s(v128.shuffle<i16>(fours, fours, 0, 2, 4, 6, 1, 3, 5, 7));
}

/** Sums of four bytes each. */
// @ts-ignore: decorator
@inline
export function fourSums(x: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(x));
}

/** Sum of `count` 16-bit values. */
// @ts-ignore: decorator
@inline
export function sum16(x: usize, count: i32): i32 {
  let total = 0;
  if (SIMD) {
    let four = i32x4.splat(0);
    for (; count >= 8; count -= 8) {
      four = i32x4.add(four, i32x4.dot_i16x8_s(v128.load(x), i16x8.splat(1)));
      x += 16;
    }
    total = lane32(four, 0) + lane32(four, 1) + lane32(four, 2) + lane32(four, 3);
  }
  for (; count > 0; --count) {
    total += <i32>load<i16>(x);
    x += 2;
  }
  return total;
}

/** One of four sums; `at` is a literal, so that one instruction is left of this. */
// @ts-ignore: decorator
@inline
export function lane32(x: v128, at: i32): i32 {
  if (at == 0) return i32x4.extract_lane(x, 0);
  if (at == 1) return i32x4.extract_lane(x, 1);
  return at == 2 ? i32x4.extract_lane(x, 2) : i32x4.extract_lane(x, 3);
}

/** One value in all bytes. */
// @ts-ignore: decorator
@inline
export function splat8(x: i32): v128 {
  return i8x16.splat(<i8>x);
}

/** One value in all words. */
// @ts-ignore: decorator
@inline
export function splat16(x: i32): v128 {
  return i16x8.splat(<i16>x);
}

/** Eight bytes, widened to words. */
// @ts-ignore: decorator
@inline
export function loadWords(p: usize): v128 {
  return v128.load_ext<i8>(p);
}

/** Sixteen bytes at x, widened to words at d. */
// @ts-ignore: decorator
@inline
export function widenSixteen(d: usize, x: usize): void {
  v128.store(d, v128.load_ext<i8>(x));
  v128.store(d, v128.load_ext<i8>(x, 8), 16);
}

/** Eight bytes. */
// @ts-ignore: decorator
@inline
export function loadEight(p: usize): v128 {
  return v128.load64_zero(p);
}

/** a0 b0 a1 b1 … a7 b7 of bytes. */
// @ts-ignore: decorator
@inline
export function bytePairs(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
export function flipBytes(x: v128, flip: v128): v128 {
  return v128.xor(x, flip);
}

/** Whether words are within 8 bits. */
// @ts-ignore: decorator
@inline
export function fitBytes(words: v128): bool {
  return !v128.any_true(v128.xor(i16x8.extend_low_i8x16_s(toBytes(words, words)), words));
}

/** The lower four words, in 32 bits. */
// @ts-ignore: decorator
@inline
export function lowSums(words: v128): v128 {
  return i32x4.extend_low_i16x8_s(words);
}

/** The upper four. */
// @ts-ignore: decorator
@inline
export function highSums(words: v128): v128 {
  return i32x4.extend_high_i16x8_s(words);
}

/** 128 times each of the lower four words, in 32 bits. */
// @ts-ignore: decorator
@inline
export function lowTimes128(words: v128): v128 {
  return i32x4.shl(lowSums(words), 7);
}

/** 128 times each of the upper four. */
// @ts-ignore: decorator
@inline
export function highTimes128(words: v128): v128 {
  return i32x4.shl(highSums(words), 7);
}

// @ts-ignore: decorator
@inline
export function add32(a: v128, b: v128): v128 {
  return i32x4.add(a, b);
}

// @ts-ignore: decorator
@inline
export function times32(a: v128, b: v128): v128 {
  return i32x4.mul(a, b);
}

/** MBQM of four sums, 0 ≤ e ≤ 31; the host's `x · m/2³¹ · 2^−e`, rounded twice. Results lie within 31 bits. */
// @ts-ignore: decorator
@inline
export function rescaled(x: v128, m: v128, e: i32): v128 {
  const half = i64x2.splat(1 << 30);
  // Of the quotients, the lower 32 bits are wanted, which come out the same without regard to the sign.
  const low = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_s(x, m), half), 31);
  const high = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_s(x, m), half), 31);
  const r = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
  if (e == 0) return r;
  const away = i32x4.add(i32x4.splat(1 << (e - 1)), i32x4.shr_s(r, 31));
  return i32x4.shr_s(i32x4.add(r, away), e);
}

/** Sums of 2⁻²⁰ to the nearest whole numbers, ties away from zero. */
// @ts-ignore: decorator
@inline
export function nearestOf20(x: v128): v128 {
  // What is below zero is one less behind a shift, unless it is whole.
  const below = i32x4.shr_s(x, 31);
  return i32x4.shr_s(i32x4.add(i32x4.add(x, i32x4.splat(1 << 19)), below), 20);
}

/** Words times 2²⁰: the lower four of them. */
// @ts-ignore: decorator
@inline
export function lowTimes20(words: v128): v128 {
  return i32x4.shl(lowSums(words), 20);
}

/** The upper four. */
// @ts-ignore: decorator
@inline
export function highTimes20(words: v128): v128 {
  return i32x4.shl(highSums(words), 20);
}

/** Products of words: the lower four of them. */
// @ts-ignore: decorator
@inline
export function lowProducts(a: v128, b: v128): v128 {
  return i32x4.extmul_low_i16x8_s(a, b);
}

/** The upper four. */
// @ts-ignore: decorator
@inline
export function highProducts(a: v128, b: v128): v128 {
  return i32x4.extmul_high_i16x8_s(a, b);
}

// @ts-ignore: decorator
@inline
export function add16(a: v128, b: v128): v128 {
  return i16x8.add(a, b);
}

// @ts-ignore: decorator
@inline
export function sub16(a: v128, b: v128): v128 {
  return i16x8.sub(a, b);
}

/** a + b, saturated. */
// @ts-ignore: decorator
@inline
export function addSaturated16(a: v128, b: v128): v128 {
  return i16x8.add_sat_s(a, b);
}

/** The larger words. */
// @ts-ignore: decorator
@inline
export function max16(a: v128, b: v128): v128 {
  return i16x8.max_s(a, b);
}

/** Words held within [lo, hi]. */
// @ts-ignore: decorator
@inline
export function clamp16(x: v128, lo: v128, hi: v128): v128 {
  return i16x8.min_s(i16x8.max_s(x, lo), hi);
}

/** Bytes held within [lo, hi]. */
// @ts-ignore: decorator
@inline
export function clamp8(x: v128, lo: v128, hi: v128): v128 {
  return i8x16.min_s(i8x16.max_s(x, lo), hi);
}

/** a0 b0 a1 b1 a2 b2 a3 b3 of words: pairs, as {@link dot} multiplies them. */
// @ts-ignore: decorator
@inline
export function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** a4 b4 a5 b5 a6 b6 a7 b7 of words. */
// @ts-ignore: decorator
@inline
export function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Eight sums to words, saturated. */
// @ts-ignore: decorator
@inline
export function toWords(a: v128, b: v128): v128 {
  return i16x8.narrow_i32x4_s(a, b);
}

/** Sixteen words to bytes, saturated. */
// @ts-ignore: decorator
@inline
export function toBytes(a: v128, b: v128): v128 {
  return i8x16.narrow_i16x8_s(a, b);
}

/** The lower eight bytes. */
// @ts-ignore: decorator
@inline
export function lowBytes(x: v128): i64 {
  return i64x2.extract_lane(x, 0);
}

/** The upper eight bytes. */
// @ts-ignore: decorator
@inline
export function highBytes(x: v128): i64 {
  return i64x2.extract_lane(x, 1);
}

/** Writes eight words as bytes, saturated. */
// @ts-ignore: decorator
@inline
export function storeBytes(p: usize, x: v128): void {
  v128.store64_lane(p, toBytes(x, x), 0);
}

/** Writes eight words as bytes, saturated, with the bits of `flip` flipped. */
// @ts-ignore: decorator
@inline
export function storeFlipped(p: usize, x: v128, flip: v128): void {
  v128.store64_lane(p, v128.xor(toBytes(x, x), flip), 0);
}

/** One value in both reals. */
// @ts-ignore: decorator
@inline
export function splatReal(x: f64): v128 {
  return f64x2.splat(x);
}

/** The lower two sums as reals. */
// @ts-ignore: decorator
@inline
export function lowReals(x: v128): v128 {
  return f64x2.convert_low_i32x4_s(x);
}

/** The upper two sums as reals. */
// @ts-ignore: decorator
@inline
export function highReals(x: v128): v128 {
  return f64x2.convert_low_i32x4_s(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
export function addReals(a: v128, b: v128): v128 {
  return f64x2.add(a, b);
}

// @ts-ignore: decorator
@inline
export function timesReals(a: v128, b: v128): v128 {
  return f64x2.mul(a, b);
}

/** x·scale + offset of reals, never fused: the host checks unusual scales against these very roundings. */
// @ts-ignore: decorator
@inline
export function linearReals(x: v128, scale: v128, offset: v128): v128 {
  return f64x2.add(f64x2.mul(x, scale), offset);
}

/** Sums as floats. */
// @ts-ignore: decorator
@inline
export function toFloats(x: v128): v128 {
  return f32x4.convert_i32x4_s(x);
}

/** Sums as floats, ·scale + offset, each step rounded and none fused: the host has proven these very roundings. */
// @ts-ignore: decorator
@inline
export function linearFloats(x: v128, scale: v128, offset: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x), scale), offset);
}

/** Numbers that are positive, with those bits of x that are in `signs`: the signs, or none. */
// @ts-ignore: decorator
@inline
export function withSigns(positive: v128, x: v128, signs: v128): v128 {
  return v128.or(positive, v128.and(x, signs));
}

/** What floats within 31 bits have before their point. */
// @ts-ignore: decorator
@inline
export function truncated(x: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_trunc_f32x4_s(x);
  return i32x4.trunc_sat_f32x4_s(x);
}

/** The lower halves of four reals. */
// @ts-ignore: decorator
@inline
export function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

/**
 * Four floats to the nearest whole numbers, ties away from zero; what a float has behind its point is exact. NaN
 * becomes 0, what is out of range the nearest number that is not.
 */
// @ts-ignore: decorator
@inline
export function roundAway(v: v128): v128 {
  const whole = f32x4.trunc(v);
  const far = f32x4.ge(f32x4.abs(f32x4.sub(v, whole)), f32x4.splat(0.5));
  const away = v128.or(v128.and(far, f32x4.splat(1)), v128.and(v, f32x4.splat(-0.0)));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(whole, away));
}

/**
 * acc + Σ w[k]·x[k] of four bytes each, modulo 2³², as the host multiplies them: {@link Product} says how, and the
 * caller has asked.
 */
// @ts-ignore: decorator
@inline
export function dot4(w: v128, x: v128, acc: v128, product: i32): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, x, acc);
  return dotEmulated(w, x, acc, product);
}

/** A kind of host that no step is made for: sums of two products are cut to 16 bits. */
const SATURATING: i32 = 3;

/** {@link dot4} on a host of each kind. */
function dotEmulated(w: v128, x: v128, acc: v128, product: i32): v128 {
  if (product == Product.SIGNED) {
    return addFours(
      acc,
      i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w), i16x8.extend_low_i8x16_s(x)),
      i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w), i16x8.extend_high_i8x16_s(x)),
    );
  }
  let low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w), i16x8.extend_low_i8x16_u(x));
  let high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w), i16x8.extend_high_i8x16_u(x));
  if (product == SATURATING) {
    const least = i32x4.splat(i16.MIN_VALUE), most = i32x4.splat(i16.MAX_VALUE);
    low = i32x4.min_s(i32x4.max_s(low, least), most);
    high = i32x4.min_s(i32x4.max_s(high, least), most);
  }
  return addFours(acc, low, high);
}

// @ts-ignore: decorator
@inline
function addFours(acc: v128, low: v128, high: v128): v128 {
  const even = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
  return i32x4.add(acc, i32x4.add(even, v128.shuffle<i32>(low, high, 1, 3, 5, 7)));
}

/** Whether two vectors differ in a bit. */
// @ts-ignore: decorator
@inline
export function differs(a: v128, b: v128): bool {
  return v128.any_true(v128.xor(a, b));
}
