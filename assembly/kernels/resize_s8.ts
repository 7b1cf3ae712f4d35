/**
 * Bilinear resizing in 8 bits. What it asks of a step: docs/abi.md.
 * source: TFLite's reference kernels, one for signed numbers and one for unsigned ones
 */
import { Flag, Step, expect_resize_s8 } from "../abi";
import { first, last, position } from "../lib/positions";
import { SIMD, add, mul, splat } from "../simd/f32";
import {
  add16, add32, dot, highPairs, highSums, loadWords, lowPairs, lowSums, nearestOf20, splat16, splat32,
  storeBytes, sub16, times32, toFloats, toWords, truncated,
} from "../simd/s8";

export function resize_s8(s: Step, y0: i32, y1: i32): void {
  expect_resize_s8(s, y0, y1);
  const half = (s.flags & Flag.HALF_PIXELS) != 0;
  const float = (s.flags & Flag.UNSIGNED) != 0;
  const channels = s.inC;
  for (let r = y0; r < y1; ++r) {
    const image = r / s.outH;
    const oy = r - image * s.outH;
    const p = oy * s.m1 + (half ? s.m1 / 2 - 512 : 0);
    const u = position(oy, s.a, half);
    const top = float ? first(u, s.inH) : min(max(p / 1024, 0), s.inH - 1);
    const bottom = float ? last(u, s.inH) : max(min((p + 1023) / 1024, s.inH - 1), 0);
    const rows = s.x + <usize>((image * s.inH + top) * s.inW * channels);
    const down = (bottom - top) * s.inW * channels;
    let y = s.y + <usize>(r * s.outW * channels);
    for (let ox = 0; ox < s.outW; ++ox) {
      const q = ox * s.m2 + (half ? s.m2 / 2 - 512 : 0);
      const v = position(ox, s.b, half);
      const left = float ? first(v, s.inW) : min(max(q / 1024, 0), s.inW - 1);
      const right = ((float ? last(v, s.inW) : max(min((q + 1023) / 1024, s.inW - 1), 0)) - left) * channels;
      let x = rows + <usize>(left * channels);
      if (SIMD && channels >= 8) {
        const a = float ? u - <f32>top : <f32>(p - 1024 * top), b = float ? v - <f32>left : <f32>(q - 1024 * left);
        // The last eight channels may be some of those before them, too.
        for (let c = 0; c < channels; c += 8) {
          const i = <usize>min(c, channels - 8);
          if (float) eightFloats(y + i, x + i, down, right, a, b);
          else eightWhole(y + i, x + i, down, right, <i32>a, <i32>b);
        }
        y += channels;
        continue;
      }
      for (let c = 0; c < channels; ++c, ++x, ++y) {
        const x00 = <i32>load<i8>(x);
        const x10 = <i32>load<i8>(x + down);
        const x01 = <i32>load<i8>(x + right);
        const x11 = <i32>load<i8>(x + down + right);
        if (float) {
          const dy = u - <f32>top;
          const dx = v - <f32>left;
          const sum =
            <f32>(x00 + 128) * (1 - dy) * (1 - dx) +
            <f32>(x10 + 128) * dy * (1 - dx) +
            <f32>(x01 + 128) * (1 - dy) * dx +
            <f32>(x11 + 128) * dy * dx;
          store<i8>(y, <i8>(<i32>(sum + 0.5) - 128));
        } else {
          const dy = p - 1024 * top;
          const dx = q - 1024 * left;
          const sum = x00 * (1024 - dy) * (1024 - dx) + x10 * dy * (1024 - dx) + x01 * (1024 - dy) * dx + x11 * dy * dx;
          store<i8>(y, <i8>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20)));
        }
      }
    }
  }
}

/** Eight channels as the loop for unsigned numbers has them: each product and each sum rounded. */
// @ts-ignore: decorator
@inline
function eightFloats(y: usize, x: usize, down: i32, right: i32, dy: f32, dx: f32): void {
  const offset = splat16(128);
  const x00 = add16(loadWords(x), offset), x10 = add16(loadWords(x + down), offset);
  const x01 = add16(loadWords(x + right), offset), x11 = add16(loadWords(x + down + right), offset);
  const up = splat<v128>(1 - dy), west = splat<v128>(1 - dx), lower = splat<v128>(dy), east = splat<v128>(dx);
  const low = blended(lowSums(x00), lowSums(x10), lowSums(x01), lowSums(x11), up, lower, west, east);
  const high = blended(highSums(x00), highSums(x10), highSums(x01), highSums(x11), up, lower, west, east);
  storeBytes(y, sub16(toWords(low, high), offset));
}

// @ts-ignore: decorator
@inline
function blended(
  x00: v128, x10: v128, x01: v128, x11: v128, up: v128, lower: v128, west: v128, east: v128,
): v128 {
  let sum = mul<v128>(mul<v128>(toFloats(x00), up), west);
  sum = add<v128>(sum, mul<v128>(mul<v128>(toFloats(x10), lower), west));
  sum = add<v128>(sum, mul<v128>(mul<v128>(toFloats(x01), up), east));
  sum = add<v128>(sum, mul<v128>(mul<v128>(toFloats(x11), lower), east));
  return truncated(add<v128>(sum, splat<v128>(0.5)));
}

/** Eight channels in whole numbers of 2⁻²⁰: along the row first, which gives the same sums. */
// @ts-ignore: decorator
@inline
function eightWhole(y: usize, x: usize, down: i32, right: i32, dy: i32, dx: i32): void {
  const pair = splat32<v128>((1024 - dx) | (dx << 16)), zero = splat32<v128>(0);
  const up = splat32<v128>(1024 - dy), lower = splat32<v128>(dy);
  const x00 = loadWords(x), x01 = loadWords(x + right), x10 = loadWords(x + down), x11 = loadWords(x + down + right);
  const low = add32(
    times32(dot<v128>(lowPairs(x00, x01), pair, zero), up), times32(dot<v128>(lowPairs(x10, x11), pair, zero), lower),
  );
  const high = add32(
    times32(dot<v128>(highPairs(x00, x01), pair, zero), up), times32(dot<v128>(highPairs(x10, x11), pair, zero), lower),
  );
  storeBytes(y, toWords(nearestOf20(low), nearestOf20(high)));
}
