/**
 * Depthwise convolution of any size, stride, dilation and multiplier. What it asks of a step: docs/abi.md.
 * source: Howard et al. 2017 §3.1
 */
import { Step, expect_dwconv_f32 } from "../abi";
import { firstTap, lastTap } from "../lib/taps";
import { LANES, SIMD, clamp, loadSplat, madd, splat } from "../simd/f32";

export function dwconv_f32(s: Step, y0: i32, y1: i32): void {
  expect_dwconv_f32(s, y0, y1);
  const pitch = <usize>(s.outW * s.inC * s.multiplier) * sizeof<f32>();
  for (let r = y0; r < y1; ++r) dwconv_f32_row(s, r, s.y + <usize>r * pitch, s.lo, s.hi);
}

/**
 * Row unit r of the output to y [outW,C·m]. This and the functions below are exported so that they stay functions of
 * their own (see pwconv_f32).
 */
export function dwconv_f32_row(s: Step, r: i32, y: usize, lo: f32, hi: f32): void {
  const image = r / s.outH;
  const iy = (r - image * s.outH) * s.strideH - s.padT;
  const ky0 = firstTap(iy, s.dilationH);
  const rows = max(lastTap(iy, s.dilationH, s.kH, s.inH) - ky0, 0);
  const rowBytes = <usize>(s.inW * s.inC) * sizeof<f32>();
  const top = s.x + <usize>(image * s.inH + iy + ky0 * s.dilationH) * rowBytes;
  const outBytes = <usize>(s.inC * s.multiplier) * sizeof<f32>();
  const reach = 2 * s.strideW + (s.kW - 1) * s.dilationW;
  const blocked = s.multiplier == 1 ? s.inC & -(2 * LANES) : 0;
  for (let ox = 0; ox < s.outW; ) {
    const ix = ox * s.strideW - s.padL;
    let first = 0;
    let pixels = 1;
    if (blocked && ix >= 0 && ix + reach < s.inW && ox + 3 <= s.outW) {
      const x = top + <usize>(ix * s.inC) * sizeof<f32>();
      dwconv_f32_pixels3(s, x, s.w + <usize>(1 + ky0 * s.kW) * outBytes, rows, blocked, y, lo, hi);
      first = blocked;
      pixels = 3;
    }
    for (const end = ox + pixels; ox < end; ++ox, y += outBytes) {
      if (first == s.inC) continue;
      const ix = ox * s.strideW - s.padL;
      const kx0 = firstTap(ix, s.dilationW);
      const columns = max(lastTap(ix, s.dilationW, s.kW, s.inW) - kx0, 0);
      const x = top + <usize>((ix + kx0 * s.dilationW) * s.inC) * sizeof<f32>();
      dwconv_f32_pixel(s, x, s.w + <usize>(1 + ky0 * s.kW + kx0) * outBytes, rows, columns, first, y, lo, hi);
    }
  }
}

/**
 * Channels 0 … channels of three neighboring pixels that see all their columns. x and w are at the first pixel's first
 * tap inside the image, `rows` rows of taps lie inside; channels % (2·LANES) = 0.
 */
export function dwconv_f32_pixels3(
  s: Step, x: usize, w: usize, rows: i32, channels: i32, y: usize, lo: f32, hi: f32,
): void {
  if (SIMD) pixels3<v128>(s, x, w, rows, channels, y, lo, hi);
  else pixels3<f32>(s, x, w, rows, channels, y, lo, hi);
}

/** Tiles of 3 pixels × 2 vectors: every weight loaded serves three sums, and all fit into 16 registers. */
// @ts-ignore: decorator
@inline
function pixels3<V>(s: Step, x: usize, w: usize, rows: i32, channels: i32, y: usize, lo: f32, hi: f32): void {
  const T = sizeof<V>();
  const outBytes = <usize>s.inC * sizeof<f32>();
  const xStep = <usize>s.dilationW * outBytes;
  const xRow = <usize>(s.dilationH * s.inW) * outBytes - <usize>s.kW * xStep;
  const apart = <usize>s.strideW * outBytes;
  const l = splat<V>(lo);
  const h = splat<V>(hi);
  let bias = s.w;
  for (let c = channels; c > 0; c -= 2 * LANES) {
    let c00 = load<V>(bias);
    let c01 = load<V>(bias, T);
    let c10 = c00;
    let c11 = c01;
    let c20 = c00;
    let c21 = c01;
    let x0 = x;
    let x1 = x + apart;
    let x2 = x1 + apart;
    let p = w;
    for (let i = rows; i > 0; --i) {
      let j = s.kW;
      do {
        const w0 = load<V>(p);
        const w1 = load<V>(p, T);
        c00 = madd<V>(load<V>(x0), w0, c00);
        c01 = madd<V>(load<V>(x0, T), w1, c01);
        c10 = madd<V>(load<V>(x1), w0, c10);
        c11 = madd<V>(load<V>(x1, T), w1, c11);
        c20 = madd<V>(load<V>(x2), w0, c20);
        c21 = madd<V>(load<V>(x2, T), w1, c21);
        p += outBytes;
        x0 += xStep;
        x1 += xStep;
        x2 += xStep;
      } while (--j > 0);
      x0 += xRow;
      x1 += xRow;
      x2 += xRow;
    }
    let q = y;
    store<V>(q, clamp<V>(c00, l, h));
    store<V>(q, clamp<V>(c01, l, h), T);
    q += outBytes;
    store<V>(q, clamp<V>(c10, l, h));
    store<V>(q, clamp<V>(c11, l, h), T);
    q += outBytes;
    store<V>(q, clamp<V>(c20, l, h));
    store<V>(q, clamp<V>(c21, l, h), T);
    bias += 2 * T;
    x += 2 * T;
    w += 2 * T;
    y += 2 * T;
  }
}

/**
 * Input channels from `first` on of one pixel: x and w are at its first tap inside the image, `rows` × `columns` taps
 * lie inside.
 */
export function dwconv_f32_pixel(
  s: Step, x: usize, w: usize, rows: i32, columns: i32, first: i32, y: usize, lo: f32, hi: f32,
): void {
  const channels = s.inC;
  const multiplier = s.multiplier;
  const outBytes = <usize>(channels * multiplier) * sizeof<f32>();
  const xStep = <usize>(s.dilationW * channels) * sizeof<f32>();
  const xRow = <usize>(s.dilationH * s.inW * channels) * sizeof<f32>() - <usize>columns * xStep;
  const wRow = <usize>(s.kW - columns) * outBytes;
  if (multiplier == 1) {
    let c = first;
    if (SIMD) {
      for (; c + 4 <= channels; c += 4) {
        const o = <usize>c * sizeof<f32>();
        sum<v128>(x + o, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, false);
      }
    }
    for (; c < channels; ++c) {
      const o = <usize>c * sizeof<f32>();
      sum<f32>(x + o, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, false);
    }
    return;
  }
  let o: usize = 0;
  for (let c = first; c < channels; ++c) {
    let m = 0;
    if (SIMD) {
      for (; m + 4 <= multiplier; m += 4) {
        sum<v128>(x, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, true);
        o += 4 * sizeof<f32>();
      }
    }
    for (; m < multiplier; ++m) {
      sum<f32>(x, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, true);
      o += sizeof<f32>();
    }
    x += sizeof<f32>();
  }
}

/** One vector of outputs over all its taps; `broadcast`: its lanes share one input channel. */
// @ts-ignore: decorator
@inline
function sum<V>(
  x: usize, xStep: usize, xRow: usize, w: usize, wStep: usize, wRow: usize,
  rows: i32, columns: i32, bias: usize, y: usize, lo: f32, hi: f32, broadcast: bool,
): void {
  let acc = load<V>(bias);
  for (let i = rows; i > 0; --i) {
    for (let j = columns; j > 0; --j) {
      acc = madd<V>(broadcast ? loadSplat<V>(x) : load<V>(x), load<V>(w), acc);
      x += xStep;
      w += wStep;
    }
    x += xRow;
    w += wRow;
  }
  store<V>(y, clamp<V>(acc, splat<V>(lo), splat<V>(hi)));
}
