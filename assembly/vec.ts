/**
 * The one float file that names an intrinsic or a compiler feature. Kernels are generic over `V`, a `v128` of four floats or a single `f32`; the
 * `f32` instance of a body is its channel tail, and all of it in the scalar build.
 *
 * NaN: every operation here passes it on, `clamp`, `larger` and `smaller` too (as `std::max(x, lo)` does in C++), in every variant; a test holds it.
 */

/** Whether this build has vectors: static, so that a scalar build never compiles the `v128` instance behind it. */
export const SIMD: bool = ASC_FEATURE_SIMD;

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
