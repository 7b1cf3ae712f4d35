/**
 * Pointwise convolution and dense layer in 8 bits, with its packing. What it asks of a step: docs/abi.md.
 * source: gemmlowp's arithmetic; Howard et al. 2017 §3.1
 */
import { Flag, Product, Step, expect_dense_s8, expect_pwconv_s8, headS8, panelS8, rowsS8 } from "../abi";
import {
  QUAD_BYTES, Way, prepare, prepareFloats, prove, quad, quadBelow, quadFloatsBelow, requantize, wayOf, zeroOf,
} from "../lib/requantize";
import { SIMD } from "../simd/f32";
import {
  FOURS, addSaturated16, clamp8, dot, dot4, flipped, highBytes, highPairs16, loadTerms, lowBytes, lowPairs16, splat16,
  splat32, splat8, sub32, sum16, sum8, toBytes, toWords, widen,
} from "../simd/s8";

export function pwconv_s8(s: Step, y0: i32, y1: i32): void {
  expect_pwconv_s8(s, y0, y1);
  for (; y0 < y1; y0 += s.tile) {
    const rows = min(s.tile, y1 - y0);
    panelOf(s, s.x + <usize>(y0 * s.inC), rows, s.inC);
    matrix_s8(s, rows, s.inC, s.w, s.zw, s.y + <usize>(y0 * s.outC), 0, s.outC);
  }
}

/** One row, by panels of columns. */
export function dense_s8(s: Step, y0: i32, y1: i32): void {
  expect_dense_s8(s, y0, y1);
  if (y0 >= y1) return;
  panelOf(s, s.x, 1, s.inC);
  matrix_s8(s, 1, s.inC, s.w, s.zw, s.y, 16 * y0, min(16 * y1, s.outC));
}

/** Whether a step's products are of four bytes at a time. */
// @ts-ignore: decorator
@inline
export function byFours(s: Step): bool {
  return FOURS && s.product != Product.PAIRS;
}

/** What turns a signed byte into what a product takes: 128 where that is an unsigned byte, 128 higher. */
// @ts-ignore: decorator
@inline
export function flipOf(product: i32): i32 {
  return product == Product.UNSIGNED ? 128 : 0;
}

/**
 * x i8 [rows,k] in the step's scratch as its product takes it: in 16 bits, or in bytes; rows lie K4 values apart. What
 * lies between them meets weights of 0.
 */
// @ts-ignore: decorator
@inline
function panelOf(s: Step, x: usize, rows: i32, k: i32): void {
  const k4 = (k + 3) & ~3;
  let d = s.s;
  if (byFours(s)) {
    for (let r = 0; r < rows; ++r, d += k4, x += k) flipped(d, x, k, flipOf(s.product));
  } else {
    for (let r = 0; r < rows; ++r, d += 2 * k4, x += k) widen(d, x, k);
  }
}

/** Scratch of eight columns: constants of two quads, sums of a tile of six rows, then a panel of weights. */
const SUMS: usize = 2 * QUAD_BYTES;
const OTHER: usize = SUMS + 6 * 32;

/**
 * Multiplies the panel [rows,k] at the step's scratch by packed weights into the columns [from, to) of y i8
 * [rows,outC]; `from` is a multiple of 8, and so is `to`, or all. Exported, as all below, to stay a function.
 */
export function matrix_s8(s: Step, rows: i32, k: i32, w: usize, zw: i32, y: usize, from: i32, to: i32): void {
  const n = s.outC;
  const n8 = (n + 7) & ~7;
  const k4 = (k + 3) & ~3;
  const product = s.product;
  const fours = byFours(s);
  const a = s.s;
  const aPitch = fours ? k4 : 2 * k4;
  const rowSums = a + rowsS8(s.tile, k4);
  const scratch = a + panelS8(s.tile, k4);
  const marks = w + 9 * <usize>n8;
  let panel = w + headS8(n8) + <usize>(from * k4);
  for (let r = 0; r < rows; ++r) {
    let sum = 0;
    if (zw != 0) {
      const row = a + <usize>(r * aPitch);
      sum = zw * (fours ? sum8(row, k, flipOf(product) != 0) : sum16(row, k));
    }
    store<i32>(rowSums + <usize>r * sizeof<i32>(), sum);
  }
  for (let o = from; o < to; o += 8, panel += 8 * <usize>k4) {
    const columns = min(8, n - o);
    const bias = w + <usize>o * sizeof<i32>();
    if (!SIMD) {
      for (let c = 0; c < columns; ++c) {
        pwconv_s8_column(a, aPitch, rows, panel + 4 * c, bias + 4 * c, n8, o + c, rowSums, y + o + c, s);
      }
      continue;
    }
    const way = wayOf(marks + o, columns, s.qlo < s.zy, (s.flags & Flag.FAST_POINTWISE) != 0, true);
    const m = bias + 4 * <usize>n8;
    const e = w + 8 * <usize>n8 + o;
    for (let c = 0; c < 8; c += 4) {
      const constants = scratch + <usize>(c >> 2) * QUAD_BYTES;
      if (way <= Way.DOUBLES_BELOW) prepare(constants, m + 4 * c, e + c, way == Way.DOUBLES_BELOW);
      else prepareFloats(constants, m + 4 * c, e + c, marks + o + c);
    }
    const other = scratch + OTHER;
    if (!fours) widenPairs(other, panel, k4);
    const weights = fours ? panel : other;
    pwconv_s8_tiles(a, aPitch, rows, weights, k, bias, rowSums, y + o, columns, scratch, s, way, m, e);
  }
}

/** A panel of eight columns by fours of rows, widened to 16 bits and by pairs of rows. */
// @ts-ignore: decorator
@inline
function widenPairs(d: usize, w: usize, k4: i32): void {
  if (!SIMD) return;
  for (const end = w + 8 * <usize>k4; w < end; w += 32, d += 64) {
    const a = load<v128>(w), b = load<v128>(w, 16);
    store<v128>(d, lowPairs16(a));
    store<v128>(d, lowPairs16(b), 16);
    store<v128>(d, highPairs16(a), 32);
    store<v128>(d, highPairs16(b), 48);
  }
}

/**
 * Tiles of 8 columns, of which `columns` are written: of 6 rows by fours of bytes, of 4 rows by pairs, for which w is
 * widened to 16 bits, once for all rows. Rows that are not there repeat the last one. Sums go through memory: what
 * follows wants their registers.
 */
export function pwconv_s8_tiles(
  a: usize, aPitch: usize, rows: i32, w: usize, k: i32, bias: usize, rowSums: usize, y: usize, columns: i32,
  scratch: usize, s: Step, way: i32, m: usize, e: usize,
): void {
  if (!SIMD) return;
  if (FOURS && s.product != Product.PAIRS) {
    return pwconv_s8_fours(a, aPitch, rows, w, bias, rowSums, y, columns, scratch, s, way, m, e);
  }
  const pitch = <usize>s.outC;
  const sums = scratch + SUMS;
  const length = <usize>((k + 1) & ~1) * 2;
  for (; rows > 0; rows -= 4, a += 4 * aPitch, y += 4 * pitch, rowSums += 16) {
    tile(a, aPitch, rows, w, length, bias, rowSums, sums, false, 0);
    finish(sums, min(rows, 4), y, pitch, columns, scratch, s, way, m, e);
  }
}

/** {@link pwconv_s8_tiles} by fours; apart, since compilers give both the registers that one of them needs. */
export function pwconv_s8_fours(
  a: usize, aPitch: usize, rows: i32, w: usize, bias: usize, rowSums: usize, y: usize, columns: i32, scratch: usize,
  s: Step, way: i32, m: usize, e: usize,
): void {
  if (!FOURS) return;
  const pitch = <usize>s.outC;
  const sums = scratch + SUMS;
  const product = s.product;
  for (; rows > 0; rows -= 6, a += 6 * aPitch, y += 6 * pitch, rowSums += 24) {
    tile(a, aPitch, rows, w, aPitch, bias, rowSums, sums, true, product);
    finish(sums, min(rows, 6), y, pitch, columns, scratch, s, way, m, e);
  }
}

/**
 * Sums of 8 columns to `sums`, of 6 rows by fours, of 4 by pairs, whose sums of two products take a register more on
 * the way; `fours` is a literal. The test for an odd number between two pairs (or fours) keeps the second one's loads
 * out of the first one's block, as in pwconv_f32.
 */
// @ts-ignore: decorator
@inline
function tile(
  a: usize, aPitch: usize, rows: i32, w: usize, length: usize, bias: usize, rowSums: usize, sums: usize, fours: bool,
  product: i32,
): void {
  const end = a + length;
  const odd = end - 4;
  let a1 = rows > 1 ? a + aPitch : a;
  let a2 = rows > 2 ? a1 + aPitch : a1;
  let a3 = rows > 3 ? a2 + aPitch : a2;
  let a4 = rows > 4 ? a3 + aPitch : a3;
  let a5 = rows > 5 ? a4 + aPitch : a4;
  let c00 = start(bias, rowSums), c01 = start(bias + 16, rowSums);
  let c10 = start(bias, rowSums + 4), c11 = start(bias + 16, rowSums + 4);
  let c20 = start(bias, rowSums + 8), c21 = start(bias + 16, rowSums + 8);
  let c30 = start(bias, rowSums + 12), c31 = start(bias + 16, rowSums + 12);
  let c40 = start(bias, rowSums + 16), c41 = start(bias + 16, rowSums + 16);
  let c50 = start(bias, rowSums + 20), c51 = start(bias + 16, rowSums + 20);
  do {
    let b0 = load<v128>(w);
    let b1 = load<v128>(w, 16);
    let x = loadTerms<v128>(a);
    c00 = times(b0, x, c00, fours, product);
    c01 = times(b1, x, c01, fours, product);
    x = loadTerms<v128>(a1);
    c10 = times(b0, x, c10, fours, product);
    c11 = times(b1, x, c11, fours, product);
    x = loadTerms<v128>(a2);
    c20 = times(b0, x, c20, fours, product);
    c21 = times(b1, x, c21, fours, product);
    x = loadTerms<v128>(a3);
    c30 = times(b0, x, c30, fours, product);
    c31 = times(b1, x, c31, fours, product);
    if (fours) {
      x = loadTerms<v128>(a4);
      c40 = times(b0, x, c40, fours, product);
      c41 = times(b1, x, c41, fours, product);
      x = loadTerms<v128>(a5);
      c50 = times(b0, x, c50, fours, product);
      c51 = times(b1, x, c51, fours, product);
    }
    if (a == odd) break;
    b0 = load<v128>(w, 32);
    b1 = load<v128>(w, 48);
    x = loadTerms<v128>(a, 4);
    c00 = times(b0, x, c00, fours, product);
    c01 = times(b1, x, c01, fours, product);
    x = loadTerms<v128>(a1, 4);
    c10 = times(b0, x, c10, fours, product);
    c11 = times(b1, x, c11, fours, product);
    x = loadTerms<v128>(a2, 4);
    c20 = times(b0, x, c20, fours, product);
    c21 = times(b1, x, c21, fours, product);
    x = loadTerms<v128>(a3, 4);
    c30 = times(b0, x, c30, fours, product);
    c31 = times(b1, x, c31, fours, product);
    if (fours) {
      x = loadTerms<v128>(a4, 4);
      c40 = times(b0, x, c40, fours, product);
      c41 = times(b1, x, c41, fours, product);
      x = loadTerms<v128>(a5, 4);
      c50 = times(b0, x, c50, fours, product);
      c51 = times(b1, x, c51, fours, product);
      a4 += 8;
      a5 += 8;
    }
    w += 64;
    a += 8;
    a1 += 8;
    a2 += 8;
    a3 += 8;
  } while (a < end);
  store<v128>(sums, c00);
  store<v128>(sums, c01, 16);
  store<v128>(sums, c10, 32);
  store<v128>(sums, c11, 48);
  store<v128>(sums, c20, 64);
  store<v128>(sums, c21, 80);
  store<v128>(sums, c30, 96);
  store<v128>(sums, c31, 112);
  if (fours) {
    store<v128>(sums, c40, 128);
    store<v128>(sums, c41, 144);
    store<v128>(sums, c50, 160);
    store<v128>(sums, c51, 176);
  }
}

// @ts-ignore: decorator
@inline
function times(w: v128, x: v128, acc: v128, fours: bool, product: i32): v128 {
  return fours ? dot4(w, x, acc, product) : dot<v128>(x, w, acc);
}

/** What sums of four columns start from in one row. */
// @ts-ignore: decorator
@inline
function start(bias: usize, rowSum: usize): v128 {
  return sub32<v128>(load<v128>(bias), loadTerms<v128>(rowSum));
}

/**
 * Rows of eight sums, 32 bytes from one to the next, to 8 bits in `columns` of y. Two rows at a time; the second one's
 * sums are there, if of no use.
 */
// @ts-ignore: decorator
@inline
function finish(
  sums: usize, rows: i32, y: usize, pitch: usize, columns: i32, constants: usize, s: Step, way: i32, m: usize, e: usize,
): void {
  if (way == Way.FORMULA) {
    for (; rows > 0; --rows, sums += 32, y += pitch) pwconv_s8_formula(sums, y, columns, m, e, s.zy, s.qlo, s.qhi);
    return;
  }
  const lo = splat8(s.qlo), hi = splat8(s.qhi);
  const next = constants + QUAD_BYTES;
  if (way == Way.DOUBLES_BELOW) {
    const zero = zeroOf(s.zy);
    for (; rows > 0; --rows, sums += 32, y += pitch) {
      const words = toWords(
        quadBelow(load<v128>(sums), constants, zero), quadBelow(load<v128>(sums, 16), next, zero),
      );
      put(y, lowBytes(clamp8(toBytes(words, words), lo, hi)), columns);
    }
  } else if (way == Way.DOUBLES) {
    const zero = zeroOf(s.zy);
    for (; rows > 0; rows -= 2, sums += 64, y += 2 * pitch) {
      const y0 = toWords(quad(load<v128>(sums), constants, zero), quad(load<v128>(sums, 16), next, zero));
      const y1 = toWords(quad(load<v128>(sums, 32), constants, zero), quad(load<v128>(sums, 48), next, zero));
      putRows(y, pitch, rows, clamp8(toBytes(y0, y1), lo, hi), columns);
    }
  } else {
    const zero = splat16(s.zy);
    const signs = way == Way.FLOATS_BELOW ? splat32<v128>(i32.MIN_VALUE) : splat32<v128>(0);
    const f0 = load<v128>(constants), f1 = load<v128>(next);
    const o0 = load<v128>(constants, 16), o1 = load<v128>(next, 16);
    for (; rows > 0; rows -= 2, sums += 64, y += 2 * pitch) {
      const y0 = toWords(
        quadFloatsBelow(load<v128>(sums), f0, o0, signs), quadFloatsBelow(load<v128>(sums, 16), f1, o1, signs),
      );
      const y1 = toWords(
        quadFloatsBelow(load<v128>(sums, 32), f0, o0, signs), quadFloatsBelow(load<v128>(sums, 48), f1, o1, signs),
      );
      const bytes = toBytes(addSaturated16(y0, zero), addSaturated16(y1, zero));
      putRows(y, pitch, rows, clamp8(bytes, lo, hi), columns);
    }
  }
}

// @ts-ignore: decorator
@inline
function putRows(y: usize, pitch: usize, rows: i32, bytes: v128, columns: i32): void {
  put(y, lowBytes(bytes), columns);
  if (rows > 1) put(y + pitch, highBytes(bytes), columns);
}

/** One row of sums to 8 bits by the formula. */
export function pwconv_s8_formula(
  sums: usize, y: usize, columns: i32, m: usize, e: usize, zy: i32, lo: i32, hi: i32,
): void {
  for (let c: usize = 0; c < <usize>columns; ++c) {
    const sum = load<i32>(sums + 4 * c);
    store<i8>(y + c, <i8>requantize(sum, load<i32>(m + 4 * c), <i32>load<i8>(e + c), zy, lo, hi));
  }
}

/** Stores the lowest `columns` of eight bytes. */
// @ts-ignore: decorator
@inline
function put(y: usize, bytes: i64, columns: i32): void {
  if (columns == 8) store<i64>(y, bytes);
  else {
    for (let c: usize = 0; c < <usize>columns; ++c, bytes >>= 8) store<i8>(y + c, <i8>bytes);
  }
}

/** One column, row by row, for builds without vectors; bias is that of column o of n8. */
export function pwconv_s8_column(
  a: usize, aPitch: usize, rows: i32, w: usize, bias: usize, n8: usize, o: usize, rowSums: usize, y: usize,
  s: Step,
): void {
  const m = bias + 4 * n8;
  const e = bias - 4 * o + 8 * n8 + o;
  for (; rows > 0; --rows, y += s.outC, rowSums += 4, a += aPitch) {
    const sum = sums1(a, aPitch, w, load<i32>(bias) - load<i32>(rowSums));
    store<i8>(y, <i8>requantize(sum, load<i32>(m), <i32>load<i8>(e), s.zy, s.qlo, s.qhi));
  }
}

/** acc + one row × one column. */
// @ts-ignore: decorator
@inline
function sums1(a: usize, aPitch: usize, w: usize, acc: i32): i32 {
  for (const end = a + aPitch; a < end; a += 8, w += 32) {
    acc += <i32>load<i16>(a) * <i32>load<i8>(w) + <i32>load<i16>(a, 2) * <i32>load<i8>(w, 1);
    acc += <i32>load<i16>(a, 4) * <i32>load<i8>(w, 2) + <i32>load<i16>(a, 6) * <i32>load<i8>(w, 3);
  }
  return acc;
}
