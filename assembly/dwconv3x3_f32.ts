/**
 * y[oy,ox,c] = clamp(b[c] + Σ_{kx,ky} x[oy·s+ky−padT, ox·s+kx−padL, c]·w[ky,kx,c], lo, hi)
 * x f32 [n,inH,inW,C] NHWC · y f32 [n,outH,outW,C] · w [bias: C][9 taps: C]
 * row units are the n·outH image rows; [y0,y1) are written; taps outside the image count as 0
 * needs: strideH = strideW = s ∈ {1,2}, padL ∈ {0,1}, no column tap beyond column inW, all pointers % ALIGN = 0; writes nothing past y
 * scratch: none · error: |Δ| ≤ 10·2⁻²⁴·(|b| + Σ|x·w|)
 * source: Howard et al. 2017 §3.1
 *
 * Each column of x is loaded once: it updates the sums of the outputs that see it, so padding left and right is a column never loaded. Rows outside
 * the image are read from one vector of zeros with a column step of 0.
 */
import { dwconv_f32_row } from "./dwconv_f32";
import { Step, expect_dwconv3x3_f32 } from "./abi";
import { SIMD, clamp, madd, splat } from "./vec";

/**
 * Channels from which on stride 2 is left to dwconv_f32: a sweep of columns that lie far apart falls into few sets of the first-level cache, and
 * with little reuse between columns to gain, a few pixels with all their channels do better.
 */
const WIDE: i32 = 64;

// @ts-ignore: decorator
@lazy
const ZEROS: usize = memory.data(16, 16);

export function dwconv3x3_f32(s: Step, y0: i32, y1: i32): void {
  expect_dwconv3x3_f32(s, y0, y1);
  const pitch = <usize>(s.outW * s.inC) * sizeof<f32>();
  for (let r = y0; r < y1; ++r) dwconv3x3_f32_row(s, r, s.y + <usize>r * pitch, s.lo, s.hi);
}

/** Row unit r of the output to y [outW,C]. This and the functions below are exported so that they stay functions of their own (see pwconv_f32). */
export function dwconv3x3_f32_row(s: Step, r: i32, y: usize, lo: f32, hi: f32): void {
  if (s.strideW == 2 && s.inC >= WIDE) return dwconv_f32_row(s, r, y, lo, hi);
  const image = r / s.outH;
  const iy = (r - image * s.outH) * s.strideH - s.padT;
  const rowBytes = <usize>(s.inW * s.inC) * sizeof<f32>();
  const top = s.x + <usize>(image * s.inH + iy) * rowBytes;
  const i0 = <u32>iy < <u32>s.inH;
  const i1 = <u32>(iy + 1) < <u32>s.inH;
  const i2 = <u32>(iy + 2) < <u32>s.inH;
  const c = <usize>s.inC;
  const x0 = i0 ? top : ZEROS;
  const x1 = i1 ? top + rowBytes : ZEROS;
  const x2 = i2 ? top + 2 * rowBytes : ZEROS;
  if (s.strideW == 1) dwconv3x3_f32_row_s1(x0, x1, x2, i0, i1, i2, c, s.w, y, s.inW, s.outW, s.padL, lo, hi);
  else dwconv3x3_f32_row_s2(x0, x1, x2, i0, i1, i2, c, s.w, y, s.inW, s.outW, s.padL, lo, hi);
}

/** x0 x1 x2: the three rows; i0 i1 i2: whether each lies in the image (1) or is ZEROS (0). */
export function dwconv3x3_f32_row_s1(
  x0: usize, x1: usize, x2: usize, i0: i32, i1: i32, i2: i32,
  channels: usize, w: usize, y: usize, inW: i32, outW: i32, padL: i32, lo: f32, hi: f32,
): void {
  let c: usize = 0;
  if (SIMD) {
    for (; c + 4 <= channels; c += 4) columns1<v128>(x0, x1, x2, i0, i1, i2, c, channels, w, y, inW, outW, padL, lo, hi);
  }
  for (; c < channels; ++c) columns1<f32>(x0, x1, x2, i0, i1, i2, c, channels, w, y, inW, outW, padL, lo, hi);
}

/** As above, at stride 2. */
export function dwconv3x3_f32_row_s2(
  x0: usize, x1: usize, x2: usize, i0: i32, i1: i32, i2: i32,
  channels: usize, w: usize, y: usize, inW: i32, outW: i32, padL: i32, lo: f32, hi: f32,
): void {
  let c: usize = 0;
  if (SIMD) {
    for (; c + 4 <= channels; c += 4) columns2<v128>(x0, x1, x2, i0, i1, i2, c, channels, w, y, inW, outW, padL, lo, hi);
  }
  for (; c < channels; ++c) columns2<f32>(x0, x1, x2, i0, i1, i2, c, channels, w, y, inW, outW, padL, lo, hi);
}

/** Three taps of one column: acc + x0·w0 + x1·w1 + x2·w2, in that order. */
// @ts-ignore: decorator
@inline
function taps<V>(acc: V, x0: V, x1: V, x2: V, w0: V, w1: V, w2: V): V {
  return madd<V>(x2, w2, madd<V>(x1, w1, madd<V>(x0, w0, acc)));
}

/** Channels c … c+lanes of an output row at stride 1. Weights are named w<kx><ky>: a column of x meets w<kx>0 … w<kx>2. */
// @ts-ignore: decorator
@inline
function columns1<V>(
  x0: usize, x1: usize, x2: usize, i0: i32, i1: i32, i2: i32, c: usize,
  channels: usize, w: usize, y: usize, inW: i32, outW: i32, padL: i32, lo: f32, hi: f32,
): void {
  const first = c * sizeof<f32>();
  const pixel = channels * sizeof<f32>();
  let p0 = x0 + (i0 ? first : 0);
  let p1 = x1 + (i1 ? first : 0);
  let p2 = x2 + (i2 ? first : 0);
  const d0 = i0 ? pixel : 0;
  const d1 = i1 ? pixel : 0;
  const d2 = i2 ? pixel : 0;
  let q = w + first;
  const bias = load<V>(q);
  const w00 = load<V>((q += pixel));
  const w10 = load<V>((q += pixel));
  const w20 = load<V>((q += pixel));
  const w01 = load<V>((q += pixel));
  const w11 = load<V>((q += pixel));
  const w21 = load<V>((q += pixel));
  const w02 = load<V>((q += pixel));
  const w12 = load<V>((q += pixel));
  const w22 = load<V>((q += pixel));
  const l = splat<V>(lo);
  const h = splat<V>(hi);
  // `next` waits for its last column, `after` for its last two.
  let v0 = load<V>(p0);
  let v1 = load<V>(p1);
  let v2 = load<V>(p2);
  let next = bias;
  let after = taps<V>(bias, v0, v1, v2, w00, w01, w02);
  if (padL) {
    next = taps<V>(bias, v0, v1, v2, w10, w11, w12);
  } else {
    v0 = load<V>((p0 += d0));
    v1 = load<V>((p1 += d1));
    v2 = load<V>((p2 += d2));
    next = taps<V>(after, v0, v1, v2, w10, w11, w12);
    after = taps<V>(bias, v0, v1, v2, w00, w01, w02);
  }
  y += first;
  const inside = min(outW, inW - 2 + padL);
  for (let ox = 0; ox < inside; ++ox) {
    v0 = load<V>((p0 += d0));
    v1 = load<V>((p1 += d1));
    v2 = load<V>((p2 += d2));
    store<V>(y, clamp<V>(taps<V>(next, v0, v1, v2, w20, w21, w22), l, h));
    next = taps<V>(after, v0, v1, v2, w10, w11, w12);
    after = taps<V>(bias, v0, v1, v2, w00, w01, w02);
    y += pixel;
  }
  if (inside < outW) store<V>(y, clamp<V>(next, l, h));
}

/** Channels c … c+lanes of an output row at stride 2. */
// @ts-ignore: decorator
@inline
function columns2<V>(
  x0: usize, x1: usize, x2: usize, i0: i32, i1: i32, i2: i32, c: usize,
  channels: usize, w: usize, y: usize, inW: i32, outW: i32, padL: i32, lo: f32, hi: f32,
): void {
  const first = c * sizeof<f32>();
  const pixel = channels * sizeof<f32>();
  let p0 = x0 + (i0 ? first : 0);
  let p1 = x1 + (i1 ? first : 0);
  let p2 = x2 + (i2 ? first : 0);
  const d0 = i0 ? pixel : 0;
  const d1 = i1 ? pixel : 0;
  const d2 = i2 ? pixel : 0;
  let q = w + first;
  const bias = load<V>(q);
  const w00 = load<V>((q += pixel));
  const w10 = load<V>((q += pixel));
  const w20 = load<V>((q += pixel));
  const w01 = load<V>((q += pixel));
  const w11 = load<V>((q += pixel));
  const w21 = load<V>((q += pixel));
  const w02 = load<V>((q += pixel));
  const w12 = load<V>((q += pixel));
  const w22 = load<V>((q += pixel));
  const l = splat<V>(lo);
  const h = splat<V>(hi);
  let next = bias;
  if (!padL) {
    next = taps<V>(bias, load<V>(p0), load<V>(p1), load<V>(p2), w00, w01, w02);
    p0 += d0;
    p1 += d1;
    p2 += d2;
  }
  y += first;
  const inside = min(outW, (inW - 1 + padL) >> 1);
  for (let ox = 0; ox < inside; ++ox) {
    next = taps<V>(next, load<V>(p0), load<V>(p1), load<V>(p2), w10, w11, w12);
    p0 += d0;
    p1 += d1;
    p2 += d2;
    const v0 = load<V>(p0);
    const v1 = load<V>(p1);
    const v2 = load<V>(p2);
    store<V>(y, clamp<V>(taps<V>(next, v0, v1, v2, w20, w21, w22), l, h));
    next = taps<V>(bias, v0, v1, v2, w00, w01, w02);
    p0 += d0;
    p1 += d1;
    p2 += d2;
    y += pixel;
  }
  if (inside < outW) {
    store<V>(y, clamp<V>(taps<V>(next, load<V>(p0), load<V>(p1), load<V>(p2), w10, w11, w12), l, h));
  }
}
