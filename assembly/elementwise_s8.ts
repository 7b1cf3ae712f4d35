/**
 * Kernels of 8-bit values one by one; rows × inC of them, row units are rows; [y0,y1) are written; y may be x (or x2), but for the two casts.
 *
 * add_s8: y = clamp(MBQM'(a1 + a2, m3, e3) + zy, qlo, qhi), a_i = MBQM'((x_i − zx_i)·2²⁰, m_i, e_i), all e ≥ 0
 * lut_s8: y = w[x as an unsigned byte], w 256 bytes: any function of one 8-bit value
 * quantise_s8: x f32 → y i8 = clamp(round(x/a) + zy, qlo, qhi), ties away from zero, in float32; NaN gives zy
 * dequantise_s8: x i8 → y f32 = a·(x − zx)
 * needs: all pointers % ALIGN = 0; writes nothing past y · exact: TFLite's reference kernels, in every variant · scratch: none
 * source: TFLite's ADD, QUANTIZE and DEQUANTIZE
 */
import { mbqm } from "./requant_s8";
import { Step, expect_add_s8, expect_dequantise_s8, expect_lut_s8, expect_quantise_s8 } from "./abi";
import { SIMD } from "./vec";

export function add_s8(s: Step, y0: i32, y1: i32): void {
  expect_add_s8(s, y0, y1);
  const end = <usize>(y1 * s.inC);
  for (let i = <usize>(y0 * s.inC); i < end; ++i) {
    const a1 = mbqm((<i32>load<i8>(s.x + i) - s.zx) << 20, s.m1, s.e1);
    const a2 = mbqm((<i32>load<i8>(s.x2 + i) - s.zx2) << 20, s.m2, s.e2);
    const y = mbqm(a1 + a2, s.m3, s.e3) + s.zy;
    store<i8>(s.y + i, <i8>min(max(y, s.qlo), s.qhi));
  }
}

export function lut_s8(s: Step, y0: i32, y1: i32): void {
  expect_lut_s8(s, y0, y1);
  const end = <usize>(y1 * s.inC);
  for (let i = <usize>(y0 * s.inC); i < end; ++i) store<u8>(s.y + i, load<u8>(s.w + load<u8>(s.x + i)));
}

export function quantise_s8(s: Step, y0: i32, y1: i32): void {
  expect_quantise_s8(s, y0, y1);
  const end = <usize>(y1 * s.inC);
  let i = <usize>(y0 * s.inC);
  if (SIMD) {
    const zero = i16x8.splat(<i16>s.zy);
    const lo = i16x8.splat(<i16>s.qlo);
    const hi = i16x8.splat(<i16>s.qhi);
    for (; i + 8 <= end; i += 8) {
      const q = i16x8.narrow_i32x4_s(rounded(s.x + 4 * i, s.a), rounded(s.x + 4 * i + 16, s.a));
      const y = i16x8.min_s(i16x8.max_s(i16x8.add_sat_s(q, zero), lo), hi);
      v128.store64_lane(s.y + i, i8x16.narrow_i16x8_s(y, y), 0);
    }
  }
  for (; i < end; ++i) {
    const v = load<f32>(s.x + 4 * i) / s.a;
    // Rounded in double precision, where ½ added is exact; what is far out of range saturates, NaN becomes 0.
    const r = <i32>trunc(min<f64>(max<f64>(<f64>v + copysign<f64>(0.5, <f64>v), -65536), 65536));
    const q = v == v ? r : 0;
    store<i8>(s.y + i, <i8>min(max(q + s.zy, s.qlo), s.qhi));
  }
}

/** Four quotients x/a to the nearest, ties away from zero: what a quotient has behind its point is exact in float32. NaN becomes 0. */
// @ts-ignore: decorator
@inline
function rounded(x: usize, a: f32): v128 {
  const v = f32x4.div(v128.load(x), f32x4.splat(a));
  const whole = f32x4.trunc(v);
  const far = f32x4.ge(f32x4.abs(f32x4.sub(v, whole)), f32x4.splat(0.5));
  const away = v128.or(v128.and(far, f32x4.splat(1)), v128.and(v, f32x4.splat(-0.0)));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(whole, away));
}

export function dequantise_s8(s: Step, y0: i32, y1: i32): void {
  expect_dequantise_s8(s, y0, y1);
  const end = <usize>(y1 * s.inC);
  for (let i = <usize>(y0 * s.inC); i < end; ++i) store<f32>(s.y + 4 * i, s.a * <f32>(<i32>load<i8>(s.x + i) - s.zx));
}
