/**
 * Kernels of 8-bit values one by one: add_s8, lut_s8, quantize_s8, dequantize_s8. What they ask of a step:
 * docs/abi.md.
 * source: TFLite's ADD, QUANTIZE and DEQUANTIZE
 */
import { Step, expect_add_s8, expect_dequantize_s8, expect_lut_s8, expect_quantize_s8 } from "../abi";
import { SIMD, div, mul, splat } from "../simd/f32";
import {
  addSaturated16, clamp16, highSums, loadWords, lowSums, roundAway, splat16, storeBytes, sub16, toFloats, toWords,
} from "../simd/s8";
import { sum_s8 } from "./binary_s8";

export function add_s8(s: Step, y0: i32, y1: i32): void {
  expect_add_s8(s, y0, y1);
  const at = <usize>(y0 * s.inC);
  sum_s8(s, s.x + at, s.x2 + at, s.y + at, (y1 - y0) * s.inC);
}

export function lut_s8(s: Step, y0: i32, y1: i32): void {
  expect_lut_s8(s, y0, y1);
  const end = <usize>(y1 * s.inC);
  for (let i = <usize>(y0 * s.inC); i < end; ++i) store<u8>(s.y + i, load<u8>(s.w + load<u8>(s.x + i)));
}

export function quantize_s8(s: Step, y0: i32, y1: i32): void {
  expect_quantize_s8(s, y0, y1);
  const end = <usize>(y1 * s.inC);
  let i = <usize>(y0 * s.inC);
  if (SIMD) {
    const zero = splat16(s.zy);
    const lo = splat16(s.qlo);
    const hi = splat16(s.qhi);
    for (; i + 8 <= end; i += 8) {
      const q = toWords(rounded(s.x + 4 * i, s.a), rounded(s.x + 4 * i + 16, s.a));
      storeBytes(s.y + i, clamp16(addSaturated16(q, zero), lo, hi));
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

/** Four quotients x/a to the nearest, ties away from zero. */
// @ts-ignore: decorator
@inline
function rounded(x: usize, a: f32): v128 {
  return roundAway(div<v128>(load<v128>(x), splat<v128>(a)));
}

export function dequantize_s8(s: Step, y0: i32, y1: i32): void {
  expect_dequantize_s8(s, y0, y1);
  const end = <usize>(y1 * s.inC);
  let i = <usize>(y0 * s.inC);
  if (SIMD) {
    const zero = splat16(s.zx), scale = splat<v128>(s.a);
    for (; i + 8 <= end; i += 8) {
      const x = sub16(loadWords(s.x + i), zero);
      store<v128>(s.y + 4 * i, mul<v128>(toFloats(lowSums(x)), scale));
      store<v128>(s.y + 4 * i, mul<v128>(toFloats(highSums(x)), scale), 16);
    }
  }
  for (; i < end; ++i) store<f32>(s.y + 4 * i, s.a * <f32>(<i32>load<i8>(s.x + i) - s.zx));
}
