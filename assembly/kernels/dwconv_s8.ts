/**
 * Depthwise convolution in 8 bits, of any size, stride, dilation and multiplier. What it asks of a step: docs/abi.md.
 * source: Howard et al. 2017 §3.1
 *
 * 3×3 at one output per channel goes eight channels at a time, in products of pairs: with x0, x1, x2 the values of a
 * column in the three rows, P = (x0, x1) of one column and Q = (x2 of the column before, x2), an output is Σ_kx
 * P[kx]·(w0kx, w1kx) + Q[1]·(w20, w21) + Q[2]·(0, w22): five products, not nine. A column of x, once interleaved,
 * serves all outputs that see it.
 *
 * Where the host multiplies bytes by fours, a column is x0, x1, x2 and whatever, by w0kx, w1kx, w2kx and 0: three
 * products an output.
 *
 * Other sizes, strides and dilations go eight channels and four outputs at a time, in products of two taps next to each
 * other in a row.
 */
import { DEPTHWISE_S8, Flag, Product, Step, expect_dwconv_s8, headS8 } from "../abi";
import {
  QUAD_BYTES, Way, prepare, prepareFloats, quad, quadBelow, quadFloats, quadFloatsBelow, requantize, wayOf, zeroOf,
} from "../lib/requantize";
import { SIMD } from "../simd/f32";
import {
  FOURS, add16, addSaturated16, bytePairs, clamp16, dot, dot4, fitBytes, flipBytes, highPairs, highTimes128,
  loadEight, loadWords, lowPairs, lowTimes128, splat16, splat32, splat8, storeFlipped, sub16, sub32,
  toBytes, toWords,
} from "../simd/s8";

/**
 * Scratch: ten vectors of weights, constants of two quads, then 16 bytes each of what {@link quad} adds for the zero
 * point, of the zero point in words, of bounds, of values outside the image, of bits to flip in outputs and in inputs;
 * two vectors of biases; 48 bytes for a last column; whether single precision does for these channels.
 * Read from memory where they are used: kept in variables they would be moved to the stack and back.
 */
const WEIGHTS: usize = 0;
const CONSTANTS: usize = 160;
const ZERO: usize = CONSTANTS + 2 * QUAD_BYTES;
const ZERO_WORDS: usize = ZERO + 16;
const LOW: usize = ZERO_WORDS + 16;
const HIGH: usize = LOW + 16;
const OUTSIDE: usize = HIGH + 16;
const FLIP: usize = OUTSIDE + 16;
const FLIP_INPUT: usize = FLIP + 16;
const BIAS: usize = FLIP_INPUT + 16;
const EDGE: usize = BIAS + 32;
const WAY: usize = EDGE + 48;

export function dwconv_s8(s: Step, y0: i32, y1: i32): void {
  if (WAY + 16 != DEPTHWISE_S8) ERROR("the scratch of dwconv_s8 is not what the table says");
  expect_dwconv_s8(s, y0, y1);
  const channels = s.inC * s.multiplier;
  dwconv_s8_rows(s, y0, y1, s.y + <usize>(y0 * s.outW * channels), channels, false, 0, s.s, s.zy, s.qlo, s.qhi);
}

/**
 * Output rows r0…r1 to d, `pitch` elements from pixel to pixel: 16 bits each where `wide`, else 8, with the top bit
 * flipped where `flip` is 128. Exported, as those below, so that they stay functions of their own (see pwconv_f32).
 */
export function dwconv_s8_rows(
  s: Step, r0: i32, r1: i32, d: usize, pitch: i32, wide: bool, flip: i32, scratch: usize, zy: i32, lo: i32, hi: i32,
): void {
  if (!SIMD || s.inC < 8 || s.multiplier != 1 || !(s.flags & Flag.FAST_DEPTHWISE)) {
    return dwconv_s8_exact(s, r0, r1, d, pitch, wide, flip, zy, lo, hi);
  }
  const small =
    s.kH == 3 && s.kW == 3 && s.dilationH == 1 && s.dilationW == 1 && s.strideW <= 2 && s.padL <= 1;
  const size = wide ? 2 : 1;
  const row = <usize>(s.outW * pitch * size);
  const c8 = (s.inC + 7) & ~7;
  const taps = s.w + headS8(c8);
  store<v128>(scratch + ZERO, zeroOf(zy));
  store<v128>(scratch + ZERO_WORDS, splat16(zy));
  store<v128>(scratch + LOW, splat16(lo));
  store<v128>(scratch + HIGH, splat16(hi));
  store<v128>(scratch + OUTSIDE, splat8(s.zx));
  store<v128>(scratch + FLIP, splat8(flip));
  const product = s.product;
  const flipInput = product == Product.UNSIGNED ? 128 : 0;
  store<v128>(scratch + FLIP_INPUT, splat8(flipInput));
  // The last eight channels may be some of those before them, too.
  for (let next = 0; next < s.inC; next += 8) {
    const c = min(next, s.inC - 8);
    store<v128>(scratch + BIAS, load<v128>(s.w + 4 * c));
    store<v128>(scratch + BIAS, load<v128>(s.w + 4 * c, 16), 16);
    const fours =
      FOURS && small && !wide && product != Product.PAIRS && weights8ByFours(scratch, taps + c, c8, s.zw, product);
    if (small && !fours) weights8(scratch + WEIGHTS, taps + c, c8, s.zw);
    const m = s.w + <usize>(4 * (c8 + c)), e = s.w + <usize>(8 * c8 + c), marks = e + c8;
    const way = wayOf(marks, 8, lo < zy, true, fours || !small);
    store<i32>(scratch + WAY, way);
    for (let i: usize = 0; i < 8; i += 4) {
      const constants = scratch + CONSTANTS + (i >> 2) * QUAD_BYTES;
      if (way >= Way.FLOATS) prepareFloats(constants, m + 4 * i, e + i, marks + i);
      else prepare(constants, m + 4 * i, e + i, way == Way.DOUBLES_BELOW);
    }
    for (let r = r0, y = d + c * size; r < r1; ++r, y += row) {
      const image = r / s.outH;
      const iy = (r - image * s.outH) * s.strideH - s.padT;
      const top = s.x + <usize>((image * s.inH + iy) * s.inW * s.inC + c);
      if (!small) dwconv_s8_taps(s, top, iy, y, pitch * size, wide, scratch, taps + c);
      else if (FOURS && fours) {
        if (s.strideW == 1) dwconv_s8_fours1(s, top, iy, y, pitch, scratch);
        else dwconv_s8_fours2(s, top, iy, y, pitch, scratch);
      } else if (s.strideW == 1) dwconv_s8_columns1(s, top, iy, y, pitch * size, wide, scratch);
      else dwconv_s8_columns2(s, top, iy, y, pitch * size, wide, scratch);
    }
  }
}

/** Weights of eight channels as pairs, each of channels 0–3 and 4–7: (w0kx, w1kx) for each kx, (w20, w21), (0, w22). */
// @ts-ignore: decorator
@inline
function weights8(d: usize, taps: usize, pitch: usize, zw: i32): void {
  const z = splat16(zw);
  for (let kx: usize = 0; kx < 3; ++kx) {
    const w0 = sub16(loadWords(taps + kx * pitch), z);
    const w1 = sub16(loadWords(taps + (3 + kx) * pitch), z);
    store<v128>(d + 32 * kx, lowPairs(w0, w1));
    store<v128>(d + 32 * kx, highPairs(w0, w1), 16);
  }
  const w20 = sub16(loadWords(taps + 6 * pitch), z);
  const w21 = sub16(loadWords(taps + 7 * pitch), z);
  const w22 = sub16(loadWords(taps + 8 * pitch), z);
  store<v128>(d, lowPairs(w20, w21), 96);
  store<v128>(d, highPairs(w20, w21), 112);
  store<v128>(d, lowPairs(splat16(0), w22), 128);
  store<v128>(d, highPairs(splat16(0), w22), 144);
}

/**
 * Weights of eight channels by fours, (w0kx, w1kx, w2kx, 0) for each kx, each of channels 0–3 and 4–7; and biases
 * without what flipped inputs add. Answers false, the biases untouched, where weights do not fit.
 */
// @ts-ignore: decorator
@inline
function weights8ByFours(scratch: usize, taps: usize, pitch: usize, zw: i32, product: i32): bool {
  const z = splat16(zw), zero = splat16(0);
  let sum = zero;
  for (let kx: usize = 0; kx < 3; ++kx) {
    const w0 = sub16(loadWords(taps + kx * pitch), z);
    const w1 = sub16(loadWords(taps + (3 + kx) * pitch), z);
    const w2 = sub16(loadWords(taps + (6 + kx) * pitch), z);
    if (!fitBytes(w0) || !fitBytes(w1) || !fitBytes(w2)) return false;
    sum = add16(add16(sum, w0), add16(w1, w2));
    const first = bytePairs(toBytes(w0, w0), toBytes(w1, w1));
    const second = bytePairs(toBytes(w2, w2), zero);
    const low = lowPairs(first, second), high = highPairs(first, second);
    store<v128>(scratch + WEIGHTS + 32 * kx, low);
    store<v128>(scratch + WEIGHTS + 32 * kx, high, 16);
  }
  if (product != Product.SIGNED) {
    const bias = scratch + BIAS;
    store<v128>(bias, sub32<v128>(load<v128>(bias), lowTimes128(sum)));
    store<v128>(bias, sub32<v128>(load<v128>(bias, 16), highTimes128(sum)), 16);
  }
  return true;
}

/** acc + the pairs v with the weights at w. */
// @ts-ignore: decorator
@inline
function taps2(acc: v128, v: v128, w: usize): v128 {
  return dot<v128>(v, load<v128>(w), acc);
}

/** Eight sums, requantized, to y, in 8 bits or in 16 where `wide`; `floats`, a literal: single precision may do. */
// @ts-ignore: decorator
@inline
function finish(c0: v128, c1: v128, y: usize, wide: bool, floats: bool, scratch: usize): void {
  const constants = scratch + CONSTANTS;
  const way = load<i32>(scratch + WAY);
  let words: v128;
  if (way == Way.DOUBLES_BELOW || way == Way.FLOATS_BELOW) {
    words = below(c0, c1, scratch);
  } else if (floats && way == Way.FLOATS) {
    const a = quadFloats(c0, load<v128>(constants), load<v128>(constants, 16));
    const next = constants + QUAD_BYTES;
    const b = quadFloats(c1, load<v128>(next), load<v128>(next, 16));
    words = addSaturated16(toWords(a, b), load<v128>(scratch + ZERO_WORDS));
  } else {
    const zero = load<v128>(scratch + ZERO);
    words = toWords(quad(c0, constants, zero), quad(c1, constants + QUAD_BYTES, zero));
  }
  const y8 = clamp16(words, load<v128>(scratch + LOW), load<v128>(scratch + HIGH));
  if (wide) store<v128>(y, y8);
  else storeFlipped(y, y8, load<v128>(scratch + FLIP));
}

/** Eight sums to words, where results below the zero point count. */
function below(c0: v128, c1: v128, scratch: usize): v128 {
  const constants = scratch + CONSTANTS, next = constants + QUAD_BYTES;
  if (load<i32>(scratch + WAY) == Way.DOUBLES_BELOW) {
    const zero = load<v128>(scratch + ZERO);
    return toWords(quadBelow(c0, constants, zero), quadBelow(c1, next, zero));
  }
  const signs = splat32<v128>(i32.MIN_VALUE);
  const a = quadFloatsBelow(c0, load<v128>(constants), load<v128>(constants, 16), signs);
  const b = quadFloatsBelow(c1, load<v128>(next), load<v128>(next, 16), signs);
  return addSaturated16(toWords(a, b), load<v128>(scratch + ZERO_WORDS));
}

/**
 * One output row of eight channels, of any window; as columns1. Four outputs go together where all their columns are in
 * the image; the others find taps outside of it in a vector of zero points. Taps of a row go by twos, the last one of
 * an odd number beside a weight of 0.
 */
export function dwconv_s8_taps(
  s: Step, top: usize, iy: i32, y: usize, pitch: usize, wide: bool, scratch: usize, taps: usize,
): void {
  if (!SIMD) return;
  const kW = s.kW, inW = s.inW, outW = s.outW, strideW = s.strideW, dilationW = s.dilationW;
  const wPitch = <usize>((s.inC + 7) & ~7);
  const column = <usize>(dilationW * s.inC), next = <usize>(strideW * s.inC);
  const row = <usize>(s.dilationH * inW * s.inC);
  const zw = splat16(s.zw), zero = splat16(0);
  const outside = scratch + OUTSIDE;
  for (let ox = 0; ox < outW; ) {
    const ix = ox * strideW - s.padL;
    const four = ix >= 0 && outW - ox >= 4 && ix + 3 * strideW + (kW - 1) * dilationW < inW;
    let c00 = load<v128>(scratch + BIAS), c01 = load<v128>(scratch + BIAS, 16);
    let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
    let w = taps;
    for (let ky = 0, from = top + <usize>(ix * s.inC), at = iy; ky < s.kH; ++ky, from += row, at += s.dilationH) {
      const inside = isRow(s, at);
      for (let kx = 0, p = from, ax = ix; kx < kW; kx += 2, w += wPitch) {
        const w0 = sub16(loadWords(w), zw);
        let w1 = zero;
        // Where there is no second tap, its weight is 0, and any value will do for it.
        let second: usize = 0;
        if (kx + 1 < kW) {
          w += wPitch;
          w1 = sub16(loadWords(w), zw);
          second = column;
        }
        const b0 = lowPairs(w0, w1), b1 = highPairs(w0, w1);
        if (four && inside) {
          let x0 = loadWords(p), x1 = loadWords(p + second);
          c00 = dot<v128>(lowPairs(x0, x1), b0, c00);
          c01 = dot<v128>(highPairs(x0, x1), b1, c01);
          x0 = loadWords(p + next);
          x1 = loadWords(p + next + second);
          c10 = dot<v128>(lowPairs(x0, x1), b0, c10);
          c11 = dot<v128>(highPairs(x0, x1), b1, c11);
          x0 = loadWords(p + 2 * next);
          x1 = loadWords(p + 2 * next + second);
          c20 = dot<v128>(lowPairs(x0, x1), b0, c20);
          c21 = dot<v128>(highPairs(x0, x1), b1, c21);
          x0 = loadWords(p + 3 * next);
          x1 = loadWords(p + 3 * next + second);
          c30 = dot<v128>(lowPairs(x0, x1), b0, c30);
          c31 = dot<v128>(highPairs(x0, x1), b1, c31);
        } else {
          const x0 = loadWords(inside && <u32>ax < <u32>inW ? p : outside);
          const x1 = loadWords(inside && <u32>(ax + dilationW) < <u32>inW ? p + second : outside);
          const v0 = lowPairs(x0, x1), v1 = highPairs(x0, x1);
          c00 = dot<v128>(v0, b0, c00);
          c01 = dot<v128>(v1, b1, c01);
          // Of four outputs a row outside the image is the same to each.
          c10 = dot<v128>(v0, b0, c10);
          c11 = dot<v128>(v1, b1, c11);
          c20 = dot<v128>(v0, b0, c20);
          c21 = dot<v128>(v1, b1, c21);
          c30 = dot<v128>(v0, b0, c30);
          c31 = dot<v128>(v1, b1, c31);
        }
        p += 2 * column;
        ax += 2 * dilationW;
      }
    }
    // By way of the place where other ways have their weights.
    const sums = scratch + WEIGHTS;
    store<v128>(sums, c00);
    store<v128>(sums, c01, 16);
    store<v128>(sums, c10, 32);
    store<v128>(sums, c11, 48);
    store<v128>(sums, c20, 64);
    store<v128>(sums, c21, 80);
    store<v128>(sums, c30, 96);
    store<v128>(sums, c31, 112);
    const count = four ? 4 : 1;
    for (let p = sums, end = sums + 32 * <usize>count; p < end; p += 32, y += pitch) {
      finish(load<v128>(p), load<v128>(p, 16), y, wide, true, scratch);
    }
    ox += count;
  }
}

/** Whether the image has a row iy. */
// @ts-ignore: decorator
@inline
function isRow(s: Step, iy: i32): bool {
  return <u32>iy < <u32>s.inH;
}

/**
 * One output row of eight channels at stride 1; `top` is at column 0 of row iy, `pitch` is in bytes. Rows outside the
 * image are read from one vector of zero points, by a step of 0. The loop keeps the sums of the three outputs that a
 * column takes part in, and runs a second time for columns right of the image.
 */
export function dwconv_s8_columns1(
  s: Step, top: usize, iy: i32, y: usize, pitch: usize, wide: bool, scratch: usize,
): void {
  if (!SIMD) return;
  const outside = scratch + OUTSIDE;
  const end = y + <usize>s.outW * pitch;
  const row = <usize>(s.inW * s.inC);
  let p0 = isRow(s, iy) ? top : outside;
  let p1 = isRow(s, iy + 1) ? top + row : outside;
  let p2 = isRow(s, iy + 2) ? top + 2 * row : outside;
  let d0 = isRow(s, iy) ? <usize>s.inC : 0;
  let d1 = isRow(s, iy + 1) ? <usize>s.inC : 0;
  let d2 = isRow(s, iy + 2) ? <usize>s.inC : 0;
  let start0 = load<v128>(scratch + BIAS);
  let start1 = load<v128>(scratch + BIAS, 16);
  let middle0 = start0;
  let middle1 = start1;
  let before = start0;
  for (let column = -s.padL; column < 2 - s.padL; ++column) {
    const inside = <u32>column < <u32>s.inW;
    const x0 = loadWords(inside ? p0 : outside);
    const x1 = loadWords(inside ? p1 : outside);
    const x2 = loadWords(inside ? p2 : outside);
    if (inside) {
      p0 += d0;
      p1 += d1;
      p2 += d2;
    }
    const v0 = lowPairs(x0, x1);
    const v1 = highPairs(x0, x1);
    middle0 = taps2(taps2(start0, v0, scratch + 32), lowPairs(before, x2), scratch + 96);
    middle1 = taps2(taps2(start1, v1, scratch + 48), highPairs(before, x2), scratch + 112);
    start0 = taps2(load<v128>(scratch + BIAS), v0, scratch);
    start1 = taps2(load<v128>(scratch + BIAS, 16), v1, scratch + 16);
    before = x2;
  }
  for (let count = min(s.inW + s.padL - 2, s.outW); ; count = <i32>((end - y) / pitch)) {
    for (; count > 0; --count) {
      const x0 = loadWords(p0);
      const x1 = loadWords(p1);
      const x2 = loadWords(p2);
      p0 += d0;
      p1 += d1;
      p2 += d2;
      const q0 = lowPairs(before, x2);
      const q1 = highPairs(before, x2);
      const v0 = lowPairs(x0, x1);
      const v1 = highPairs(x0, x1);
      before = x2;
      const sum0 = taps2(taps2(middle0, v0, scratch + 64), q0, scratch + 128);
      const sum1 = taps2(taps2(middle1, v1, scratch + 80), q1, scratch + 144);
      middle0 = taps2(taps2(start0, v0, scratch + 32), q0, scratch + 96);
      middle1 = taps2(taps2(start1, v1, scratch + 48), q1, scratch + 112);
      start0 = taps2(load<v128>(scratch + BIAS), v0, scratch);
      start1 = taps2(load<v128>(scratch + BIAS, 16), v1, scratch + 16);
      finish(sum0, sum1, y, wide, false, scratch);
      y += pitch;
    }
    if (y >= end) break;
    p0 = p1 = p2 = outside;
    d0 = d1 = d2 = 0;
  }
}

/**
 * One output row of eight channels at stride 2, as columns1; an output's third column is the next one's first. An
 * output whose second column alone is in the image finds it beside zero points in the scratch.
 */
export function dwconv_s8_columns2(
  s: Step, top: usize, iy: i32, y: usize, pitch: usize, wide: bool, scratch: usize,
): void {
  if (!SIMD) return;
  const outside = scratch + OUTSIDE;
  const end = y + <usize>s.outW * pitch;
  const row = <usize>(s.inW * s.inC);
  let p0 = isRow(s, iy) ? top : outside;
  let p1 = isRow(s, iy + 1) ? top + row : outside;
  let p2 = isRow(s, iy + 2) ? top + 2 * row : outside;
  let d0 = isRow(s, iy) ? <usize>s.inC : 0;
  let d1 = isRow(s, iy + 1) ? <usize>s.inC : 0;
  let d2 = isRow(s, iy + 2) ? <usize>s.inC : 0;
  const inside = s.padL == 0;
  const x0 = loadWords(inside ? p0 : outside);
  const x1 = loadWords(inside ? p1 : outside);
  let before = loadWords(inside ? p2 : outside);
  if (inside) {
    p0 += d0;
    p1 += d1;
    p2 += d2;
  }
  let v0 = lowPairs(x0, x1);
  let v1 = highPairs(x0, x1);
  let left = s.inW + s.padL - 1;
  for (let count = min(left >> 1, s.outW); ; ) {
    left -= 2 * count;
    for (; count > 0; --count) {
      let sum0 = taps2(load<v128>(scratch + BIAS), v0, scratch);
      let sum1 = taps2(load<v128>(scratch + BIAS, 16), v1, scratch + 16);
      let x0 = loadWords(p0);
      let x1 = loadWords(p1);
      const x2 = loadWords(p2);
      sum0 = taps2(taps2(sum0, lowPairs(x0, x1), scratch + 32), lowPairs(before, x2), scratch + 96);
      sum1 = taps2(taps2(sum1, highPairs(x0, x1), scratch + 48), highPairs(before, x2), scratch + 112);
      x0 = loadWords(p0 + d0);
      x1 = loadWords(p1 + d1);
      before = loadWords(p2 + d2);
      p0 += 2 * d0;
      p1 += 2 * d1;
      p2 += 2 * d2;
      v0 = lowPairs(x0, x1);
      v1 = highPairs(x0, x1);
      sum0 = taps2(taps2(sum0, v0, scratch + 64), lowPairs(x2, before), scratch + 128);
      sum1 = taps2(taps2(sum1, v1, scratch + 80), highPairs(x2, before), scratch + 144);
      finish(sum0, sum1, y, wide, false, scratch);
      y += pitch;
    }
    if (y >= end) break;
    if (left > 0) {
      edge(scratch, p0, p1, p2);
      p0 = scratch + EDGE;
      p1 = p0 + 16;
      p2 = p0 + 32;
      d0 = d1 = d2 = 8;
      count = 1;
      left = 2;
    } else {
      p0 = p1 = p2 = outside;
      d0 = d1 = d2 = 0;
      count = <i32>((end - y) / pitch);
    }
  }
}

/** Four times eight bytes of a column: its three rows, and the third again. */
// @ts-ignore: decorator
@inline
function lowFours(x0: v128, x1: v128, x2: v128, flip: v128): v128 {
  return flipBytes(lowPairs(bytePairs(x0, x1), bytePairs(x2, x2)), flip);
}

// @ts-ignore: decorator
@inline
function highFours(x0: v128, x1: v128, x2: v128, flip: v128): v128 {
  return flipBytes(highPairs(bytePairs(x0, x1), bytePairs(x2, x2)), flip);
}

/** As {@link dwconv_s8_columns1}, by fours of bytes. */
export function dwconv_s8_fours1(s: Step, top: usize, iy: i32, y: usize, pitch: usize, scratch: usize): void {
  if (!FOURS) return;
  const outside = scratch + OUTSIDE;
  const product = s.product;
  const end = y + <usize>s.outW * pitch;
  const row = <usize>(s.inW * s.inC);
  let p0 = isRow(s, iy) ? top : outside;
  let p1 = isRow(s, iy + 1) ? top + row : outside;
  let p2 = isRow(s, iy + 2) ? top + 2 * row : outside;
  let d0 = isRow(s, iy) ? <usize>s.inC : 0;
  let d1 = isRow(s, iy + 1) ? <usize>s.inC : 0;
  let d2 = isRow(s, iy + 2) ? <usize>s.inC : 0;
  const flip = load<v128>(scratch + FLIP_INPUT);
  let start0 = load<v128>(scratch + BIAS);
  let start1 = load<v128>(scratch + BIAS, 16);
  let middle0 = start0;
  let middle1 = start1;
  for (let column = -s.padL; column < 2 - s.padL; ++column) {
    const inside = <u32>column < <u32>s.inW;
    const x0 = loadEight(inside ? p0 : outside);
    const x1 = loadEight(inside ? p1 : outside);
    const x2 = loadEight(inside ? p2 : outside);
    if (inside) {
      p0 += d0;
      p1 += d1;
      p2 += d2;
    }
    const v0 = lowFours(x0, x1, x2, flip);
    const v1 = highFours(x0, x1, x2, flip);
    middle0 = dot4(load<v128>(scratch, 32), v0, start0, product);
    middle1 = dot4(load<v128>(scratch, 48), v1, start1, product);
    start0 = dot4(load<v128>(scratch), v0, load<v128>(scratch + BIAS), product);
    start1 = dot4(load<v128>(scratch, 16), v1, load<v128>(scratch + BIAS, 16), product);
  }
  for (let count = min(s.inW + s.padL - 2, s.outW); ; count = <i32>((end - y) / pitch)) {
    for (; count > 0; --count) {
      const x0 = loadEight(p0);
      const x1 = loadEight(p1);
      const x2 = loadEight(p2);
      p0 += d0;
      p1 += d1;
      p2 += d2;
      const v0 = lowFours(x0, x1, x2, flip);
      const v1 = highFours(x0, x1, x2, flip);
      const sum0 = dot4(load<v128>(scratch, 64), v0, middle0, product);
      const sum1 = dot4(load<v128>(scratch, 80), v1, middle1, product);
      middle0 = dot4(load<v128>(scratch, 32), v0, start0, product);
      middle1 = dot4(load<v128>(scratch, 48), v1, start1, product);
      start0 = dot4(load<v128>(scratch), v0, load<v128>(scratch + BIAS), product);
      start1 = dot4(load<v128>(scratch, 16), v1, load<v128>(scratch + BIAS, 16), product);
      finish(sum0, sum1, y, false, true, scratch);
      y += pitch;
    }
    if (y >= end) break;
    p0 = p1 = p2 = outside;
    d0 = d1 = d2 = 0;
  }
}

/** As {@link dwconv_s8_columns2}, by fours of bytes. */
export function dwconv_s8_fours2(s: Step, top: usize, iy: i32, y: usize, pitch: usize, scratch: usize): void {
  if (!FOURS) return;
  const outside = scratch + OUTSIDE;
  const product = s.product;
  const end = y + <usize>s.outW * pitch;
  const row = <usize>(s.inW * s.inC);
  let p0 = isRow(s, iy) ? top : outside;
  let p1 = isRow(s, iy + 1) ? top + row : outside;
  let p2 = isRow(s, iy + 2) ? top + 2 * row : outside;
  let d0 = isRow(s, iy) ? <usize>s.inC : 0;
  let d1 = isRow(s, iy + 1) ? <usize>s.inC : 0;
  let d2 = isRow(s, iy + 2) ? <usize>s.inC : 0;
  const flip = load<v128>(scratch + FLIP_INPUT);
  const inside = s.padL == 0;
  let x0 = loadEight(inside ? p0 : outside);
  let x1 = loadEight(inside ? p1 : outside);
  let x2 = loadEight(inside ? p2 : outside);
  if (inside) {
    p0 += d0;
    p1 += d1;
    p2 += d2;
  }
  let v0 = lowFours(x0, x1, x2, flip);
  let v1 = highFours(x0, x1, x2, flip);
  let left = s.inW + s.padL - 1;
  for (let count = min(left >> 1, s.outW); ; ) {
    left -= 2 * count;
    for (; count > 0; --count) {
      let sum0 = dot4(load<v128>(scratch), v0, load<v128>(scratch + BIAS), product);
      let sum1 = dot4(load<v128>(scratch, 16), v1, load<v128>(scratch + BIAS, 16), product);
      x0 = loadEight(p0);
      x1 = loadEight(p1);
      x2 = loadEight(p2);
      sum0 = dot4(load<v128>(scratch, 32), lowFours(x0, x1, x2, flip), sum0, product);
      sum1 = dot4(load<v128>(scratch, 48), highFours(x0, x1, x2, flip), sum1, product);
      x0 = loadEight(p0 + d0);
      x1 = loadEight(p1 + d1);
      x2 = loadEight(p2 + d2);
      p0 += 2 * d0;
      p1 += 2 * d1;
      p2 += 2 * d2;
      v0 = lowFours(x0, x1, x2, flip);
      v1 = highFours(x0, x1, x2, flip);
      sum0 = dot4(load<v128>(scratch, 64), v0, sum0, product);
      sum1 = dot4(load<v128>(scratch, 80), v1, sum1, product);
      finish(sum0, sum1, y, false, true, scratch);
      y += pitch;
    }
    if (y >= end) break;
    if (left > 0) {
      edge(scratch, p0, p1, p2);
      p0 = scratch + EDGE;
      p1 = p0 + 16;
      p2 = p0 + 32;
      d0 = d1 = d2 = 8;
      count = 1;
      left = 2;
    } else {
      p0 = p1 = p2 = outside;
      d0 = d1 = d2 = 0;
      count = <i32>((end - y) / pitch);
    }
  }
}

/** A last column, and beside it values outside the image. */
// @ts-ignore: decorator
@inline
function edge(scratch: usize, p0: usize, p1: usize, p2: usize): void {
  const at = scratch + EDGE;
  store<i64>(at, load<i64>(p0));
  store<i64>(at, load<i64>(p1), 16);
  store<i64>(at, load<i64>(p2), 32);
  for (let i: usize = 8; i < 48; i += 16) store<i64>(at + i, load<i64>(scratch + OUTSIDE));
}

/** Any depthwise convolution, with the requantization of the formula. */
export function dwconv_s8_exact(
  s: Step, r0: i32, r1: i32, d: usize, pitch: i32, wide: bool, flip: i32, zy: i32, lo: i32, hi: i32,
): void {
  const multiplier = s.multiplier;
  const channels = s.inC * multiplier;
  const c8 = (channels + 7) & ~7;
  const taps = s.w + headS8(c8);
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
          const y = requantize(sum, load<i32>(s.w + 4 * (c8 + o)), <i32>load<i8>(s.w + 8 * c8 + o), zy, lo, hi);
          if (wide) store<i16>(d + 2 * o, <i16>y);
          else store<i8>(d + o, <i8>(y ^ flip));
        }
      }
    }
  }
}
