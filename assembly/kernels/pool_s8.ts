/**
 * Pools in 8 bits: maxpool_s8, avgpool_s8, and of whole images gap_s8. What they ask of a step: docs/abi.md.
 * source: TFLite's AVERAGE_POOL_2D, MAX_POOL_2D and MEAN
 */
import { Step, expect_avgpool_s8, expect_gap_s8, expect_maxpool_s8 } from "../abi";
import { requantize } from "../lib/requantize";
import { firstTap, lastTap } from "../lib/taps";
import { SIMD, add, div, splat } from "../simd/f32";
import {
  add32, addSaturated16, clamp16, highSums, loadWords, lowSums, max16, rescaled, splat16, splat32, storeBytes, sub16,
  toFloats, toWords, truncated, withSigns,
} from "../simd/s8";

export function maxpool_s8(s: Step, y0: i32, y1: i32): void {
  expect_maxpool_s8(s, y0, y1);
  pool(s, y0, y1, true);
}

export function avgpool_s8(s: Step, y0: i32, y1: i32): void {
  expect_avgpool_s8(s, y0, y1);
  pool(s, y0, y1, false);
}

// @ts-ignore: decorator
@inline
function pool(s: Step, y0: i32, y1: i32, largest: bool): void {
  const channels = s.inC;
  let y = s.y + <usize>(y0 * s.outW * channels);
  for (let r = y0; r < y1; ++r) {
    const image = r / s.outH;
    const iy = (r - image * s.outH) * s.strideH - s.padT;
    const ky0 = firstTap(iy, 1);
    const ky1 = lastTap(iy, 1, s.kH, s.inH);
    for (let ox = 0; ox < s.outW; ++ox) {
      const ix = ox * s.strideW - s.padL;
      const kx0 = firstTap(ix, 1);
      const kx1 = lastTap(ix, 1, s.kW, s.inW);
      const count = (ky1 - ky0) * (kx1 - kx0);
      if (SIMD && channels >= 8 && count <= 16384) {
        const x = s.x + <usize>(((image * s.inH + iy + ky0) * s.inW + ix + kx0) * channels);
        // The last eight channels may be some of those before them, too.
        for (let next = 0; next < channels; next += 8) {
          const c = <usize>min(next, channels - 8);
          eightOf(s, x + c, y + c, ky1 - ky0, kx1 - kx0, largest);
        }
        y += channels;
        continue;
      }
      for (let c = 0; c < channels; ++c, ++y) {
        let value = largest ? -128 : 0;
        for (let ky = ky0; ky < ky1; ++ky) {
          let x = s.x + <usize>(((image * s.inH + iy + ky) * s.inW + ix + kx0) * channels + c);
          for (let kx = kx0; kx < kx1; ++kx, x += channels) {
            const q = <i32>load<i8>(x);
            value = largest ? max(value, q) : value + q;
          }
        }
        if (!largest) {
          value += count * s.zx;
          value = (value > 0 ? value + count / 2 : value - count / 2) / count - s.zx;
        }
        store<i8>(y, <i8>min(max(value, s.qlo), s.qhi));
      }
    }
  }
}

/** Eight channels of the pixels of a window, rows × columns of them. */
// @ts-ignore: decorator
@inline
function eightOf(s: Step, x: usize, y: usize, rows: i32, columns: i32, largest: bool): void {
  let top = splat16(-128), low = splat32<v128>(0), high = low;
  for (let ky = 0; ky < rows; ++ky, x += s.inW * s.inC) {
    for (let kx = 0, p = x; kx < columns; ++kx, p += s.inC) {
      const words = loadWords(p);
      if (largest) top = max16(top, words);
      else {
        low = add32(low, lowSums(words));
        high = add32(high, highSums(words));
      }
    }
  }
  if (!largest) {
    const count = rows * columns;
    const offset = splat32<v128>(count * s.zx);
    top = sub16(toWords(mean(add32(low, offset), count), mean(add32(high, offset), count)), splat16(s.zx));
  }
  storeBytes(y, clamp16(top, splat16(s.qlo), splat16(s.qhi)));
}

/**
 * Sums ÷ count, to the nearest, ties away from zero. In single precision this is exact: up to 2¹⁴ counts a quotient
 * that is not whole is further than half a step from the next whole number.
 */
// @ts-ignore: decorator
@inline
function mean(sums: v128, count: i32): v128 {
  const x = toFloats(sums);
  const half = withSigns(splat<v128>(<f32>(count / 2)), x, splat32<v128>(i32.MIN_VALUE));
  return truncated(div<v128>(add<v128>(x, half), splat<v128>(<f32>count)));
}

export function gap_s8(s: Step, y0: i32, y1: i32): void {
  expect_gap_s8(s, y0, y1);
  const channels = s.inC;
  const pixels = s.inH * s.inW;
  const h = min(min(31 - clz(pixels), 32), 31 - s.e1);
  const m = <i32>((<i64>s.m1 << h) / pixels);
  const e = s.e1 + h;
  for (let image = y0; image < y1; ++image) {
    if (SIMD && channels >= 8 && e >= 0) {
      // The last eight channels may be some of those before them, too.
      for (let next = 0; next < channels; next += 8) {
        const c = <usize>min(next, channels - 8);
        eightMeans(s, s.x + <usize>(image * pixels * channels) + c, s.y + <usize>(image * channels) + c, pixels, m, e);
      }
      continue;
    }
    for (let c = 0; c < channels; ++c) {
      let x = s.x + <usize>(image * pixels * channels + c);
      let sum = -pixels * s.zx;
      for (let p = 0; p < pixels; ++p, x += channels) sum += <i32>load<i8>(x);
      store<i8>(s.y + <usize>(image * channels + c), <i8>requantize(sum, m, e, s.zy, s.qlo, s.qhi));
    }
  }
}

/** Of eight channels next to each other. */
// @ts-ignore: decorator
@inline
function eightMeans(s: Step, x: usize, y: usize, pixels: i32, m: i32, e: i32): void {
  const zero = splat16(s.zx), factor = splat32<v128>(m);
  let low = splat32<v128>(0), high = low;
  for (let p = 0; p < pixels; ++p, x += s.inC) {
    const words = sub16(loadWords(x), zero);
    low = add32(low, lowSums(words));
    high = add32(high, highSums(words));
  }
  const words = addSaturated16(toWords(rescaled(low, factor, e), rescaled(high, factor, e)), splat16(s.zy));
  storeBytes(y, clamp16(words, splat16(s.qlo), splat16(s.qhi)));
}
