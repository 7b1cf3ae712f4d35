/**
 * Convolution in 8 bits, as conv_f32: the windows of a tile of output pixels, as its product takes them, go to the
 * scratch, and the matrix kernel of pwconv_s8 multiplies them. What it asks of a step: docs/abi.md.
 * source: Chellapilla et al. 2006 (windows to matrix rows), a tile at a time
 */
import { Step, expect_conv_s8 } from "../abi";
import { firstTap, lastTap } from "../lib/taps";
import { SIMD } from "../simd/f32";
import { flipped, splat16, splat8, widenPast, widenSixteen } from "../simd/s8";
import { byFours, flipOf, matrix_s8 } from "./pwconv_s8";

export function conv_s8(s: Step, y0: i32, y1: i32): void {
  expect_conv_s8(s, y0, y1);
  const k = s.kH * s.kW * s.inC;
  const k4 = (k + 3) & ~3;
  const last = y1 * s.outW;
  for (let p = y0 * s.outW; p < last; p += s.tile) {
    const pixels = min(s.tile, last - p);
    conv_s8_windows(s, p, pixels, k4);
    matrix_s8(s, pixels, k, s.w, s.zw, s.y + <usize>(p * s.outC), 0, s.outC);
  }
}

/**
 * The windows of `pixels` output pixels from pixel p on (counted over the whole batch) to the scratch, as the step's
 * product takes them; they lie k4 values apart, and what is between them meets weights of 0.
 */
export function conv_s8_windows(s: Step, p: i32, pixels: i32, k4: i32): void {
  const bytes = byFours(s);
  const flip = bytes ? flipOf(s.product) : 0;
  const channels = s.inC;
  const rowBytes = s.inW * channels;
  const size = bytes ? 1 : 2;
  let d = s.s;
  const run = s.kW * channels;
  const down = <usize>(s.dilationH * rowBytes);
  let r = p / s.outW;
  let ox = p - r * s.outW;
  let image = r / s.outH;
  let iy = (r - image * s.outH) * s.strideH - s.padT;
  const pitch = <usize>(k4 * size);
  for (let next = d + pitch; pixels > 0; --pixels, ++ox, d = next, next += pitch) {
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
      if (bytes) {
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
      const inside = <u32>y < <u32>s.inH;
      const from = inside ? kx0 : s.kW, to = inside ? kx1 : s.kW;
      d = fillPast(d, s.zx, from * channels, bytes, flip);
      let x = s.x + <usize>((image * s.inH + y) * rowBytes + (ix + from * s.dilationW) * channels);
      const each = s.dilationW == 1 ? max(to - from, 1) : 1;
      for (let kx = from; kx < to; kx += each, x += s.dilationW * channels) {
        if (bytes) {
          flipped(d, x, each * channels, flip);
          d += each * channels;
        } else d = widenPast(d, x, each * channels);
      }
      d = fillPast(d, s.zx, (s.kW - to) * channels, bytes, flip);
    }
  }
}

/** Writes `count` times a value, and what else there is room for in a vector; returns the address behind the last. */
function fillPast(d: usize, value: i32, count: i32, bytes: bool, flip: i32): usize {
  const end = d + (bytes ? <usize>count : 2 * <usize>count);
  if (SIMD) {
    const many = bytes ? splat8(value ^ flip) : splat16(value);
    for (; d < end; d += 16) store<v128>(d, many);
  } else {
    for (; d < end; d += 2) store<i16>(d, <i16>value);
  }
  return end;
}
