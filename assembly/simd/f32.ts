/**
 * The one float file that names an intrinsic or a compiler feature. Kernels are generic over `V`, a `v128` of four
 * floats or a single `f32`; the `f32` instance of a body is its channel tail, and all of it in the scalar build.
 *
 * NaN: every operation here passes it on, `clamp`, `larger` and `smaller` too (as `std::max(x, lo)` does in C++), in
 * every variant; a test holds it.
 */

/** What this build is: 0 scalar, 1 simd, 2 relaxed. */
export const VARIANT: i32 = ASC_FEATURE_RELAXED_SIMD ? 2 : ASC_FEATURE_SIMD ? 1 : 0;

/** Whether this build has vectors: static, so that a scalar build never compiles the `v128` instance behind it. */
export const SIMD: bool = ASC_FEATURE_SIMD;

/** Lanes of the widest V of this build. */
export const LANES: i32 = ASC_FEATURE_SIMD ? 4 : 1;

/** f32 lanes per V: 4 for v128, 1 for f32. */
// @ts-ignore: decorator
@inline
export function lanes<V>(): i32 {
  return <i32>(sizeof<V>() / sizeof<f32>());
}

// @ts-ignore: decorator
@inline
export function splat<V>(x: f32): V {
  if (isVector<V>()) return f32x4.splat(x) as V;
  return x as V;
}

/** Loads one float into all lanes. */
// @ts-ignore: decorator
@inline
export function loadSplat<V>(p: usize, offset: usize = 0): V {
  if (isVector<V>()) return v128.load32_splat(p + offset) as V;
  return load<f32>(p + offset) as V;
}

/** Stores those floats of a V that lie within so many bytes: kernels with long bodies have one, for tails as well. */
// @ts-ignore: decorator
@inline
export function storeWithin<V>(p: usize, x: V, bytes: usize): void {
  if (bytes >= sizeof<V>()) store<V>(p, x);
  else if (isVector<V>()) {
    v128.store32_lane(p, x as v128, 0);
    if (bytes > 4) v128.store32_lane(p, x as v128, 1, 4);
    if (bytes > 8) v128.store32_lane(p, x as v128, 2, 8);
  }
}

// @ts-ignore: decorator
@inline
export function add<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.add(a as v128, b as v128) as V;
  return ((a as f32) + (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function sub<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.sub(a as v128, b as v128) as V;
  return ((a as f32) - (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function mul<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.mul(a as v128, b as v128) as V;
  return ((a as f32) * (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function div<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.div(a as v128, b as v128) as V;
  return ((a as f32) / (b as f32)) as V;
}

/** a·b + c; one rounding only under relaxed SIMD: never rely on either. */
// @ts-ignore: decorator
@inline
export function madd<V>(a: V, b: V, c: V): V {
  if (isVector<V>()) {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a as v128, b as v128, c as v128) as V;
    return f32x4.add(f32x4.mul(a as v128, b as v128), c as v128) as V;
  }
  return ((a as f32) * (b as f32) + (c as f32)) as V;
}

/** b where a < b, else a: NaN in `a` stays, one instruction on x86 and ARM alike. */
// @ts-ignore: decorator
@inline
export function larger<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.pmax(a as v128, b as v128) as V;
  return ((a as f32) < (b as f32) ? b : a) as V;
}

/** b where b < a, else a: NaN in `a` stays. */
// @ts-ignore: decorator
@inline
export function smaller<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.pmin(a as v128, b as v128) as V;
  return ((b as f32) < (a as f32) ? b : a) as V;
}

/** x held within [lo, hi]. */
// @ts-ignore: decorator
@inline
export function clamp<V>(x: V, lo: V, hi: V): V {
  return smaller<V>(larger<V>(x, lo), hi);
}

/** a where x < 0, else b: −0 and NaN are not below 0. */
// @ts-ignore: decorator
@inline
export function whereNegative<V>(x: V, a: V, b: V): V {
  if (isVector<V>()) return v128.bitselect(a as v128, b as v128, f32x4.lt(x as v128, f32x4.splat(0))) as V;
  return ((x as f32) < 0 ? (a as f32) : (b as f32)) as V;
}

/** g where lo < x < hi, else 0; 0 for a NaN in x. */
// @ts-ignore: decorator
@inline
export function whereWithin<V>(x: V, lo: V, hi: V, g: V): V {
  if (isVector<V>()) {
    const inside = v128.and(f32x4.gt(x as v128, lo as v128), f32x4.lt(x as v128, hi as v128));
    return v128.and(g as v128, inside) as V;
  }
  return ((x as f32) > (lo as f32) && (x as f32) < (hi as f32) ? (g as f32) : 0) as V;
}

/** The larger of both; NaN in either one passes. Slower than {@link larger} on x86. */
// @ts-ignore: decorator
@inline
export function maximum<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.max(a as v128, b as v128) as V;
  return max<f32>(a as f32, b as f32) as V;
}

/** The smaller of both; NaN in either one passes. */
// @ts-ignore: decorator
@inline
export function minimum<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.min(a as v128, b as v128) as V;
  return min<f32>(a as f32, b as f32) as V;
}

/** |x|: the sign's bit taken off, of NaN too. */
// @ts-ignore: decorator
@inline
export function abs<V>(x: V): V {
  if (isVector<V>()) return f32x4.abs(x as v128) as V;
  return f32.abs(x as f32) as V;
}

// @ts-ignore: decorator
@inline
export function neg<V>(x: V): V {
  if (isVector<V>()) return f32x4.neg(x as v128) as V;
  return -(x as f32) as V;
}

// @ts-ignore: decorator
@inline
export function floor<V>(x: V): V {
  if (isVector<V>()) return f32x4.floor(x as v128) as V;
  return f32.floor(x as f32) as V;
}

// @ts-ignore: decorator
@inline
export function sqrt<V>(x: V): V {
  if (isVector<V>()) return f32x4.sqrt(x as v128) as V;
  return Mathf.sqrt(x as f32) as V;
}

// @ts-ignore: decorator
@inline
export function ceil<V>(x: V): V {
  if (isVector<V>()) return f32x4.ceil(x as v128) as V;
  return f32.ceil(x as f32) as V;
}

// @ts-ignore: decorator
@inline
export function trunc<V>(x: V): V {
  if (isVector<V>()) return f32x4.trunc(x as v128) as V;
  return f32.trunc(x as f32) as V;
}

/** The nearest integer, of two equally near ones the even one. */
// @ts-ignore: decorator
@inline
export function nearest<V>(x: V): V {
  if (isVector<V>()) return f32x4.nearest(x as v128) as V;
  return f32.nearest(x as f32) as V;
}

/**
 * 2^n for an integral n in [-126, 127]; any other n gives an arbitrary number, without a trap. The sum puts n + 127
 * into the lowest bits of its mantissa, from where the shift moves it into the exponent; all other bits fall out at the
 * top.
 */
// @ts-ignore: decorator
@inline
export function pow2<V>(n: V): V {
  if (isVector<V>()) return i32x4.shl(f32x4.add(n as v128, f32x4.splat(8388608 + 127)), 23) as V;
  return reinterpret<f32>(reinterpret<i32>((n as f32) + (8388608 + 127)) << 23) as V;
}

/** The bits of √½: where the mantissas of {@link mantissa} begin. */
// @ts-ignore: decorator
@inline
const HALF_ROOT: i32 = 0x3f3504f3;

/** e, as a float, of a normal x = m·2^e with m from √½ on and below √2; of any other x an arbitrary number. */
// @ts-ignore: decorator
@inline
export function exponent<V>(x: V): V {
  if (isVector<V>()) {
    const bits = i32x4.shr_s(i32x4.sub(x as v128, i32x4.splat(HALF_ROOT)), 23);
    return f32x4.convert_i32x4_s(bits) as V;
  }
  return (<f32>((reinterpret<i32>(x as f32) - HALF_ROOT) >> 23)) as V;
}

/** m of the same. */
// @ts-ignore: decorator
@inline
export function mantissa<V>(x: V): V {
  if (isVector<V>()) {
    const bits = i32x4.shr_s(i32x4.sub(x as v128, i32x4.splat(HALF_ROOT)), 23);
    return i32x4.sub(x as v128, i32x4.shl(bits, 23)) as V;
  }
  const bits = reinterpret<i32>(x as f32);
  return reinterpret<f32>(bits - (((bits - HALF_ROOT) >> 23) << 23)) as V;
}

/** Unsigned bytes as floats: four for v128, one for f32; reads no more than those. */
// @ts-ignore: decorator
@inline
export function loadBytes<V>(p: usize): V {
  if (isVector<V>()) {
    const words = i16x8.extend_low_i8x16_u(v128.load32_zero(p));
    return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(words)) as V;
  }
  return (<f32>load<u8>(p)) as V;
}
