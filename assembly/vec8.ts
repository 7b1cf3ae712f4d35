/**
 * The one file of the 8-bit kernels that names an intrinsic of their inner loops. Kernels are generic over `V`: a `v128` of four 32-bit sums, or a
 * single `i32`. Values are widened to 16 bits and multiplied in pairs along k, which no value of 8 bits, nor a difference of two, can overflow.
 */
import { SIMD } from "./vec";

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

/** Pairs of 8-bit weights, one pair for each sum, as they are kept by {@link dot}. */
// @ts-ignore: decorator
@inline
export function loadWeights<V>(p: usize, offset: usize = 0): V {
  if (isVector<V>()) return v128.load_ext<i8>(p + offset) as V;
  return (<i32>load<u16>(p + offset)) as V;
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

/** Widens `count` 8-bit values to 16 bits; returns the address behind them. Reads up to 7 bytes past x, writes nothing past d. */
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

/** Writes `count` times the 16-bit `value`; returns the address behind them. */
// @ts-ignore: decorator
@inline
export function fill16(d: usize, value: i32, count: i32): usize {
  for (; count > 0; --count) {
    store<i16>(d, <i16>value);
    d += 2;
  }
  return d;
}

/** Sum of `count` 16-bit values; count is even. */
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
    total =
      i32x4.extract_lane(four, 0) + i32x4.extract_lane(four, 1) + i32x4.extract_lane(four, 2) + i32x4.extract_lane(four, 3);
  }
  for (; count > 0; --count) {
    total += <i32>load<i16>(x);
    x += 2;
  }
  return total;
}
