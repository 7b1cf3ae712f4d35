/**
 * y[oy,ox,o] = clamp(MBQM(b[o] + Σ_{ky,kx} (w[ky,kx,o] − zw)·(x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, c] − zx), m[o], e[o]) + zy, qlo, qhi), o = c·m + j
 * x i8 [n,inH,inW,C] NHWC · y i8 [n,outH,outW,C·m] · row units are the n·outH image rows; [y0,y1) are written; taps outside the image count as zx
 * w, with C8 = C·m rounded up to 8: [bias i32: C8][m i32: C8][e i8: C8, to a multiple of 16 bytes][kH·kW taps i8: C8]; bias folded as in pwconv_s8
 * any size, stride, dilation, multiplier · flags bit 0: the fast requantisation is exact for all channels (see requant_s8)
 * needs: all pointers % ALIGN = 0; writes nothing past y · exact: TFLite's reference kernels, to the bit, in every variant · scratch: s 352 bytes
 * source: Howard et al. 2017 §3.1
 *
 * 3×3 at one output per channel goes eight channels at a time: the first two rows' values are interleaved, so that one pairwise product covers two taps,
 * the third row's with a weight of 0. A column of x, once interleaved, serves all outputs that see it.
 */
import { QUAD_BYTES, prepare, quad, requantise, zeroOf } from "./requant_s8";
import { Step } from "./step";
import { SIMD } from "./vec";
import { up16 } from "./vec8";

/** Flag: the requantisation of the depthwise half (of the only one, in a depthwise step) may be the fast one. */
export const FAST_DEPTHWISE: i32 = 1;

/** Bytes of scratch: twelve vectors of weights, constants of two quads, one vector of zero points, one for a channel tail. */
const WEIGHTS: usize = 0;
const CONSTANTS: usize = 192;
const OUTSIDE: usize = CONSTANTS + 2 * QUAD_BYTES;
const TAIL: usize = OUTSIDE + 16;

export function dwconv_s8(step: usize, y0: i32, y1: i32): void {
  const s = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= s.rows && s.rows == s.n * s.outH);
  assert(((s.x | s.w | s.y | s.s) & 15) == 0);
  const channels = s.inC * s.multiplier;
  dwconv_s8_rows(step, y0, y1, s.y + <usize>(y0 * s.outW * channels), channels, false, s.s, s.zy, s.qlo, s.qhi);
}

/**
 * Output rows r0…r1 to d, `pitch` elements from pixel to pixel: 8 bits each, or 16 where `wide`. Exported, as those below, so that they stay functions of
 * their own (see pwconv_f32).
 */
export function dwconv_s8_rows(
  step: usize, r0: i32, r1: i32, d: usize, pitch: i32, wide: bool, scratch: usize, zy: i32, lo: i32, hi: i32,
): void {
  const s = changetype<Step>(step);
  const eight = s.kH == 3 && s.kW == 3 && s.multiplier == 1 && s.dilationH == 1 && s.dilationW == 1 && s.strideW <= 2;
  if (!SIMD || !eight || !(s.flags & FAST_DEPTHWISE)) return dwconv_s8_exact(step, r0, r1, d, pitch, wide, zy, lo, hi);
  const size = wide ? 2 : 1;
  const row = <usize>(s.outW * pitch * size);
  const c8 = (s.inC + 7) & ~7;
  const taps = s.w + <usize>(8 * c8) + up16(c8);
  v128.store(scratch + OUTSIDE, i8x16.splat(<i8>s.zx));
  for (let c = 0; c < s.inC; c += 8) {
    weights8(scratch + WEIGHTS, taps + c, c8, s.zw);
    prepare(scratch + CONSTANTS, s.w + <usize>(4 * (c8 + c)), s.w + <usize>(8 * c8 + c));
    prepare(scratch + CONSTANTS + QUAD_BYTES, s.w + <usize>(4 * (c8 + c + 4)), s.w + <usize>(8 * c8 + c + 4));
    for (let r = r0, y = d + c * size; r < r1; ++r, y += row) {
      const image = r / s.outH;
      const iy = (r - image * s.outH) * s.strideH - s.padT;
      const top = s.x + <usize>((image * s.inH + iy) * s.inW * s.inC + c);
      if (s.strideW == 1) dwconv_s8_columns1(step, top, iy, c, y, pitch, wide, scratch, zy, lo, hi);
      else dwconv_s8_columns2(step, top, iy, c, y, pitch, wide, scratch, zy, lo, hi);
    }
  }
}

/** Weights of eight channels as vectors of pairs: for each kx, (ky 0, ky 1) of channels 0–3 and 4–7, then (ky 2, 0) of both. */
// @ts-ignore: decorator
@inline
function weights8(d: usize, taps: usize, pitch: usize, zw: i32): void {
  const z = i16x8.splat(<i16>zw);
  for (let kx = 0; kx < 3; ++kx) {
    const w0 = i16x8.sub(v128.load_ext<i8>(taps), z);
    const w1 = i16x8.sub(v128.load_ext<i8>(taps + 3 * pitch), z);
    const w2 = i16x8.sub(v128.load_ext<i8>(taps + 6 * pitch), z);
    v128.store(d, low(w0, w1));
    v128.store(d, high(w0, w1), 16);
    v128.store(d, low(w2, i16x8.splat(0)), 32);
    v128.store(d, high(w2, i16x8.splat(0)), 48);
    d += 64;
    taps += pitch;
  }
}

/** a0 b0 a1 b1 a2 b2 a3 b3 of 16-bit lanes. */
// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** a4 b4 a5 b5 a6 b6 a7 b7. */
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** acc + the taps of one column, of four channels: v01 with the weights at w, v2 with those 32 bytes on. */
// @ts-ignore: decorator
@inline
function column(acc: v128, v01: v128, v2: v128, w: usize): v128 {
  return i32x4.add(i32x4.add(acc, i32x4.dot_i16x8_s(v01, v128.load(w))), i32x4.dot_i16x8_s(v2, v128.load(w, 32)));
}

/** Eight sums, requantised, to y; `left` of them. */
// @ts-ignore: decorator
@inline
function finish(c0: v128, c1: v128, y: usize, left: i32, wide: bool, scratch: usize, zero: v128, l: v128, h: v128): void {
  const constants = scratch + CONSTANTS;
  const words = i16x8.narrow_i32x4_s(quad(c0, constants, zero), quad(c1, constants + QUAD_BYTES, zero));
  const y8 = i16x8.min_s(i16x8.max_s(words, l), h);
  if (left >= 8) {
    if (wide) v128.store(y, y8);
    else v128.store64_lane(y, i8x16.narrow_i16x8_s(y8, y8), 0);
    return;
  }
  v128.store(scratch + TAIL, y8);
  for (let i: usize = 0; i < <usize>left; ++i) {
    const value = load<i16>(scratch + TAIL + 2 * i);
    if (wide) store<i16>(y + 2 * i, value);
    else store<i8>(y + i, <i8>value);
  }
}

/** One output row of eight channels at stride 1; `top` is at column 0 of row iy. */
export function dwconv_s8_columns1(
  step: usize, top: usize, iy: i32, c: i32, y: usize, pitch: i32, wide: bool, scratch: usize, zy: i32, lo: i32, hi: i32,
): void {
  if (!SIMD) return;
  const s = changetype<Step>(step);
  const pixel = s.inC;
  const rowBytes = <usize>(s.inW * pixel);
  const outside = scratch + OUTSIDE;
  const i0 = <u32>iy < <u32>s.inH;
  const i1 = <u32>(iy + 1) < <u32>s.inH;
  const i2 = <u32>(iy + 2) < <u32>s.inH;
  const step8 = <usize>(wide ? 2 * pitch : pitch);
  const left = s.inC - c;
  const w = scratch + WEIGHTS;
  const zero = zeroOf(zy);
  const l = i16x8.splat(<i16>lo);
  const h = i16x8.splat(<i16>hi);
  const b0 = v128.load(s.w + 4 * c);
  const b1 = v128.load(s.w + 4 * c, 16);
  let next0 = b0;
  let next1 = b1;
  let after0 = b0;
  let after1 = b1;
  const d0 = i0 ? <usize>pixel : 0;
  const d1 = i1 ? <usize>pixel : 0;
  const d2 = i2 ? <usize>pixel : 0;
  let p0 = outside;
  let p1 = outside;
  let p2 = outside;
  let i = 0;
  // Columns left of the image, in it, right of it.
  for (let part = 0; part < 3; ++part) {
    const end = part == 0 ? s.padL : part == 1 ? min(s.padL + s.inW, s.outW + 2) : s.outW + 2;
    if (part == 1) {
      p0 = i0 ? top : outside;
      p1 = i1 ? top + rowBytes : outside;
      p2 = i2 ? top + 2 * rowBytes : outside;
    } else p0 = p1 = p2 = outside;
    const s0 = part == 1 ? d0 : 0;
    const s1 = part == 1 ? d1 : 0;
    const s2 = part == 1 ? d2 : 0;
    for (; i < end; ++i) {
      const x0 = v128.load_ext<i8>(p0);
      const x1 = v128.load_ext<i8>(p1);
      const x2 = v128.load_ext<i8>(p2);
      p0 += s0;
      p1 += s1;
      p2 += s2;
      const v0 = low(x0, x1);
      const v1 = high(x0, x1);
      const v2 = low(x2, x2);
      const v3 = high(x2, x2);
      if (i >= 2) {
        finish(column(next0, v0, v2, w + 128), column(next1, v1, v3, w + 144), y, left, wide, scratch, zero, l, h);
        y += step8;
      }
      next0 = column(after0, v0, v2, w + 64);
      next1 = column(after1, v1, v3, w + 80);
      after0 = column(b0, v0, v2, w);
      after1 = column(b1, v1, v3, w + 16);
    }
  }
}

/** One output row of eight channels at stride 2; the third column of an output is the first one of the next. */
export function dwconv_s8_columns2(
  step: usize, top: usize, iy: i32, c: i32, y: usize, pitch: i32, wide: bool, scratch: usize, zy: i32, lo: i32, hi: i32,
): void {
  if (!SIMD) return;
  const s = changetype<Step>(step);
  const pixel = s.inC;
  const rowBytes = <usize>(s.inW * pixel);
  const outside = scratch + OUTSIDE;
  const i0 = <u32>iy < <u32>s.inH;
  const i1 = <u32>(iy + 1) < <u32>s.inH;
  const i2 = <u32>(iy + 2) < <u32>s.inH;
  const step8 = <usize>(wide ? 2 * pitch : pitch);
  const left = s.inC - c;
  const w = scratch + WEIGHTS;
  const zero = zeroOf(zy);
  const l = i16x8.splat(<i16>lo);
  const h = i16x8.splat(<i16>hi);
  const b0 = v128.load(s.w + 4 * c);
  const b1 = v128.load(s.w + 4 * c, 16);
  let next0 = b0;
  let next1 = b1;
  const d0 = i0 ? <usize>pixel : 0;
  const d1 = i1 ? <usize>pixel : 0;
  const d2 = i2 ? <usize>pixel : 0;
  let p0 = outside;
  let p1 = outside;
  let p2 = outside;
  let i = 0;
  // Columns left of the image, in it, right of it.
  for (let part = 0; part < 3; ++part) {
    const end = part == 0 ? s.padL : part == 1 ? min(s.padL + s.inW, 2 * s.outW + 1) : 2 * s.outW + 1;
    if (part == 1) {
      p0 = i0 ? top : outside;
      p1 = i1 ? top + rowBytes : outside;
      p2 = i2 ? top + 2 * rowBytes : outside;
    } else p0 = p1 = p2 = outside;
    const s0 = part == 1 ? d0 : 0;
    const s1 = part == 1 ? d1 : 0;
    const s2 = part == 1 ? d2 : 0;
    for (; i < end; ++i) {
      const x0 = v128.load_ext<i8>(p0);
      const x1 = v128.load_ext<i8>(p1);
      const x2 = v128.load_ext<i8>(p2);
      p0 += s0;
      p1 += s1;
      p2 += s2;
      const v0 = low(x0, x1);
      const v1 = high(x0, x1);
      const v2 = low(x2, x2);
      const v3 = high(x2, x2);
      if (i & 1) {
        next0 = column(next0, v0, v2, w + 64);
        next1 = column(next1, v1, v3, w + 80);
        continue;
      }
      if (i > 0) {
        finish(column(next0, v0, v2, w + 128), column(next1, v1, v3, w + 144), y, left, wide, scratch, zero, l, h);
        y += step8;
      }
      next0 = column(b0, v0, v2, w);
      next1 = column(b1, v1, v3, w + 16);
    }
  }
}

/** Any depthwise convolution, with the requantisation of the formula. */
export function dwconv_s8_exact(step: usize, r0: i32, r1: i32, d: usize, pitch: i32, wide: bool, zy: i32, lo: i32, hi: i32): void {
  const s = changetype<Step>(step);
  const multiplier = s.multiplier;
  const channels = s.inC * multiplier;
  const c8 = (channels + 7) & ~7;
  const taps = s.w + <usize>(8 * c8) + up16(c8);
  for (let r = r0; r < r1; ++r) {
    const image = r / s.outH;
    const iy = (r - image * s.outH) * s.strideH - s.padT;
    for (let ox = 0; ox < s.outW; ++ox, d += wide ? 2 * pitch : pitch) {
      const ix = ox * s.strideW - s.padL;
      for (let c = 0, o = 0; c < s.inC; ++c) {
        for (let j = 0; j < multiplier; ++j, ++o) {
          let sum = load<i32>(s.w + 4 * o);
          let w = taps + o;
          for (let ky = 0, y = iy; ky < s.kH; ++ky, y += s.dilationH) {
            const x = s.x + <usize>((image * s.inH + y) * s.inW * s.inC + c);
            const inside = <u32>y < <u32>s.inH;
            for (let kx = 0, ax = ix; kx < s.kW; ++kx, ax += s.dilationW, w += c8) {
              const value = inside && <u32>ax < <u32>s.inW ? <i32>load<i8>(x + <usize>(ax * s.inC)) : s.zx;
              sum += (<i32>load<i8>(w) - s.zw) * value;
            }
          }
          const y = requantise(sum, load<i32>(s.w + 4 * (c8 + o)), <i32>load<i8>(s.w + 8 * c8 + o), zy, lo, hi);
          if (wide) store<i16>(d + 2 * o, <i16>y);
          else store<i8>(d + o, <i8>y);
        }
      }
    }
  }
}
