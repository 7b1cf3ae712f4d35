/**
 * Convolution in 8 bits, as conv_f32: the windows of a tile of output pixels, as its product takes them, go to the
 * scratch, and the matrix kernel of pwconv_s8 multiplies them. What it asks of a step: docs/abi.md.
 * source: Chellapilla et al. 2006 (windows to matrix rows), a tile at a time
 */
import { Step, expect_conv_s8 } from "../abi";
import { firstTap, lastTap } from "../lib/taps";
import { SIMD } from "../simd/f32";
import { FOURS, fill16, flipped, flippedExactly, widen, widenPast, widenSixteen } from "../simd/s8";
import { byFours, flipOf, matrix_s8 } from "./pwconv_s8";

export function conv_s8(s: Step, y0: i32, y1: i32): void {
  expect_conv_s8(s, y0, y1);
  const k = s.kH * s.kW * s.inC;
  const k4 = (k + 3) & ~3;
  const last = y1 * s.outW;
  for (let p = y0 * s.outW; p < last; p += s.tile) {
    const pixels = min(s.tile, last - p);
    if (byFours(s)) conv_s8_bytes(s, p, pixels, k4);
    else conv_s8_windows(s, p, pixels, k4);
    matrix_s8(s, pixels, k, s.w, s.zw, s.y + <usize>(p * s.outC), 0, s.outC);
  }
}

/** Widens the windows of `pixels` output pixels from pixel p on (counted over the whole batch) into the scratch. */
export function conv_s8_windows(s: Step, p: i32, pixels: i32, k4: i32): void {
  windows<i16>(s, p, pixels, k4, 0);
}

/** As {@link conv_s8_windows}, of bytes. */
export function conv_s8_bytes(s: Step, p: i32, pixels: i32, k4: i32): void {
  if (FOURS) windows<i8>(s, p, pixels, k4, flipOf(s.product));
}

/** Windows lie k4 values apart; what is between them meets weights of 0. */
// @ts-ignore: decorator
@inline
function windows<T>(s: Step, p: i32, pixels: i32, k4: i32, flip: i32): void {
  const channels = s.inC;
  const rowBytes = s.inW * channels;
  const size = <i32>sizeof<T>();
  let d = s.s;
  const run = s.kW * channels;
  const down = <usize>(s.dilationH * rowBytes);
  let r = p / s.outW;
  let ox = p - r * s.outW;
  let image = r / s.outH;
  let iy = (r - image * s.outH) * s.strideH - s.padT;
  for (let next = d + <usize>(k4 * size); pixels > 0; --pixels, ++ox, d = next, next += k4 * size) {
    if (ox == s.outW) {
      ox = 0;
      image = ++r / s.outH;
      iy = (r - image * s.outH) * s.strideH - s.padT;
    }
    const ix = ox * s.strideW - s.padL;
    if (s.dilationW == 1 && ix >= 0 && ix + s.kW <= s.inW && iy >= 0 && iy + (s.kH - 1) * s.dilationH < s.inH) {
      // What is written past a run of values is written anew by the next one, or belongs to the row sums, which come
      // later.
      let x = s.x + <usize>((image * s.inH + iy) * rowBytes + ix * channels);
      if (sizeof<T>() == 1) {
        for (let ky = s.kH; ky > 0; --ky, x += down, d += run) flipped(d, x, run, flip);
      } else if (SIMD && run <= 16) {
        for (let ky = s.kH; ky > 0; --ky, x += down, d += 2 * run) widenSixteen(d, x);
      } else {
        for (let ky = s.kH; ky > 0; --ky, x += down) d = widenPast(d, x, run);
      }
      continue;
    }
    const kx0 = min(firstTap(ix, s.dilationW), s.kW);
    const kx1 = max(lastTap(ix, s.dilationW, s.kW, s.inW), kx0);
    for (let ky = 0, y = iy; ky < s.kH; ++ky, y += s.dilationH) {
      if (<u32>y >= <u32>s.inH) {
        d = fill<T>(d, s.zx, s.kW * channels, flip);
        continue;
      }
      d = fill<T>(d, s.zx, kx0 * channels, flip);
      let x = s.x + <usize>((image * s.inH + y) * rowBytes + (ix + kx0 * s.dilationW) * channels);
      if (s.dilationW == 1) d = values<T>(d, x, (kx1 - kx0) * channels, flip);
      else {
        for (let kx = kx0; kx < kx1; ++kx, x += s.dilationW * channels) d = values<T>(d, x, channels, flip);
      }
      d = fill<T>(d, s.zx, (s.kW - kx1) * channels, flip);
    }
  }
}

// @ts-ignore: decorator
@inline
function values<T>(d: usize, x: usize, count: i32, flip: i32): usize {
  return sizeof<T>() == 1 ? flippedExactly(d, x, count, flip) : widen(d, x, count);
}

// @ts-ignore: decorator
@inline
function fill<T>(d: usize, value: i32, count: i32, flip: i32): usize {
  if (sizeof<T>() == 2) return fill16(d, value, count);
  memory.fill(d, <u8>(value ^ flip), count);
  return d + count;
}
