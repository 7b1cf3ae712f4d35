/**
 * Pointwise convolution and dense layer in 8 bits, with its packing. What it asks of a step: docs/abi.md.
 * source: gemmlowp's arithmetic; Howard et al. 2017 §3.1
 */
import { Flag, Product, Step, expect_dense_s8, expect_pwconv_s8, headS8, panelS8, rowsS8 } from "../abi";
import { QUAD_BYTES, prepare, quad, requantize, zeroOf } from "../lib/requantize";
import { SIMD } from "../simd/f32";
import {
  FOURS, clamp8, differs, dot, dot4, flipped, halfOf, highBytes, highPairs16, lane32, loadTerms, lowBytes, lowPairs16,
  otherHalf, splat16, splat32, splat8, sub32, sum16, sum8, toBytes, toWords, widen,
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
  return product == Product.UNSIGNED || product == Product.SATURATING ? 128 : 0;
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

/**
 * Multiplies the panel [rows,k] at the step's scratch by packed weights into the columns [from, to) of y i8
 * [rows,outC]; `from` is a multiple of 8, and so is `to`, or all. Exported, as all below, to stay a function.
 */
export function matrix_s8(s: Step, rows: i32, k: i32, w: usize, zw: i32, y: usize, from: i32, to: i32): void {
  const n = s.outC;
  const n4 = (n + 3) & ~3;
  const k4 = (k + 3) & ~3;
  const product = s.product;
  const fours = byFours(s);
  const a = s.s;
  const aPitch = fours ? k4 : 2 * k4;
  const rowSums = a + rowsS8(s.tile, k4);
  const constants = a + panelS8(s.tile, k4);
  const m = w + <usize>n4 * sizeof<i32>();
  const e = m + <usize>n4 * sizeof<i32>();
  let panel = w + headS8(n4) + <usize>(from * k4);
  const fast = (s.flags & Flag.FAST_POINTWISE) != 0;
  for (let r = 0; r < rows; ++r) {
    let sum = 0;
    if (zw != 0) {
      const row = a + <usize>(r * aPitch);
      sum = zw * (fours ? sum8(row, k, flipOf(product) != 0) : sum16(row, k));
    }
    store<i32>(rowSums + <usize>r * sizeof<i32>(), sum);
  }
  for (let o = from; o < to; ) {
    const width = n - o > 4 ? 8 : 4;
    const columns = min(width, n - o);
    const bias = w + <usize>o * sizeof<i32>();
    if (SIMD && fast) {
      for (let c = 0; c < width; c += 4) {
        prepare(constants + <usize>(c >> 2) * QUAD_BYTES, m + <usize>(o + c) * 4, e + o + c);
      }
      const other = constants + 2 * QUAD_BYTES;
      if (width == 4) {
        pwconv_s8_columns4(a, aPitch, rows, panel, k4, bias, rowSums, y + o, n, columns, constants, s);
      } else if (!fours) {
        widenPairs(other, panel, k4);
        pwconv_s8_pairs8(a, aPitch, rows, other, k, bias, rowSums, y + o, n, columns, constants, s);
      } else if (product == Product.SATURATING && (load<u64>(e + n4 + o) & 0x4040404040404040) != 0) {
        splitHalves(other, panel, k4);
        pwconv_s8_halves8(a, rows, other, k4, bias, rowSums, y + o, n, columns, constants, s);
      } else pwconv_s8_quads8(a, rows, panel, k4, bias, rowSums, y + o, n, columns, constants, s);
    } else {
      for (let c = 0; c < columns; c += 4) {
        const p = panel + 4 * c;
        pwconv_s8_exact(
          a, aPitch, rows, p, 4 * width, k4, bias + 4 * c, rowSums, y + o + c, n, min(4, columns - c), n4, o + c, s,
        );
      }
    }
    panel += <usize>width * k4;
    o += width;
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

/** A panel of eight columns, each of its weights in two halves. */
// @ts-ignore: decorator
@inline
function splitHalves(d: usize, w: usize, k4: i32): void {
  if (!SIMD) return;
  for (const end = w + 8 * <usize>k4; w < end; w += 32, d += 64) {
    const a = load<v128>(w), b = load<v128>(w, 16);
    store<v128>(d, halfOf(a));
    store<v128>(d, halfOf(b), 16);
    store<v128>(d, otherHalf(a, halfOf(a)), 32);
    store<v128>(d, otherHalf(b, halfOf(b)), 48);
  }
}

/**
 * Tiles of 4 rows × 8 columns, of which `columns` are written, with the fast requantization; w is widened to 16 bits,
 * once for all rows. Rows that are not there repeat the last one. The test for an odd number of pairs between two pairs
 * keeps the second one's loads out of the first one's block, as in pwconv_f32.
 */
export function pwconv_s8_pairs8(
  a: usize, aPitch: usize, rows: i32, w: usize, k: i32, bias: usize, rowSums: usize, y: usize, pitch: usize,
  columns: i32, constants: usize, s: Step,
): void {
  if (!SIMD) return;
  const zero = zeroOf(s.zy);
  const l = splat8(s.qlo);
  const h = splat8(s.qhi);
  const length = <usize>((k + 1) & ~1) * 2;
  for (; rows > 0; rows -= 4) {
    const next = a + aPitch;
    const end = a + length;
    const odd = end - 4;
    let a1 = rows > 1 ? next : a;
    let a2 = rows > 2 ? a1 + aPitch : a1;
    let a3 = rows > 3 ? a2 + aPitch : a2;
    let c00 = load<v128>(bias);
    let c01 = load<v128>(bias, 16);
    let s = loadTerms<v128>(rowSums + (rows > 1 ? 4 : 0));
    let c10 = sub32<v128>(c00, s);
    let c11 = sub32<v128>(c01, s);
    s = loadTerms<v128>(rowSums + (rows > 2 ? 8 : 0));
    let c20 = sub32<v128>(c00, s);
    let c21 = sub32<v128>(c01, s);
    s = loadTerms<v128>(rowSums + (rows > 3 ? 12 : 0));
    let c30 = sub32<v128>(c00, s);
    let c31 = sub32<v128>(c01, s);
    s = loadTerms<v128>(rowSums);
    c00 = sub32<v128>(c00, s);
    c01 = sub32<v128>(c01, s);
    rowSums += 16;
    let p = w;
    do {
      let b0 = load<v128>(p);
      let b1 = load<v128>(p, 16);
      let x = loadTerms<v128>(a);
      c00 = dot<v128>(x, b0, c00);
      c01 = dot<v128>(x, b1, c01);
      x = loadTerms<v128>(a1);
      c10 = dot<v128>(x, b0, c10);
      c11 = dot<v128>(x, b1, c11);
      x = loadTerms<v128>(a2);
      c20 = dot<v128>(x, b0, c20);
      c21 = dot<v128>(x, b1, c21);
      x = loadTerms<v128>(a3);
      c30 = dot<v128>(x, b0, c30);
      c31 = dot<v128>(x, b1, c31);
      if (a == odd) break;
      b0 = load<v128>(p, 32);
      b1 = load<v128>(p, 48);
      x = loadTerms<v128>(a, 4);
      c00 = dot<v128>(x, b0, c00);
      c01 = dot<v128>(x, b1, c01);
      x = loadTerms<v128>(a1, 4);
      c10 = dot<v128>(x, b0, c10);
      c11 = dot<v128>(x, b1, c11);
      x = loadTerms<v128>(a2, 4);
      c20 = dot<v128>(x, b0, c20);
      c21 = dot<v128>(x, b1, c21);
      x = loadTerms<v128>(a3, 4);
      c30 = dot<v128>(x, b0, c30);
      c31 = dot<v128>(x, b1, c31);
      p += 64;
      a += 8;
      a1 += 8;
      a2 += 8;
      a3 += 8;
    } while (a < end);
    a = next + 3 * aPitch;
    const constants1 = constants + QUAD_BYTES;
    const y0 = toWords(quad(c00, constants, zero), quad(c01, constants1, zero));
    const y1 = toWords(quad(c10, constants, zero), quad(c11, constants1, zero));
    const y2 = toWords(quad(c20, constants, zero), quad(c21, constants1, zero));
    const y3 = toWords(quad(c30, constants, zero), quad(c31, constants1, zero));
    const y01 = clamp8(toBytes(y0, y1), l, h);
    const y23 = clamp8(toBytes(y2, y3), l, h);
    put(y, lowBytes(y01), columns);
    if (rows > 1) put(y + pitch, highBytes(y01), columns);
    if (rows > 2) put(y + 2 * pitch, lowBytes(y23), columns);
    if (rows > 3) put(y + 3 * pitch, highBytes(y23), columns);
    y += 4 * pitch;
  }
}

/** As {@link pwconv_s8_pairs8}, of bytes, whose products the host sums by fours. */
export function pwconv_s8_quads8(
  a: usize, rows: i32, w: usize, k4: i32, bias: usize, rowSums: usize, y: usize, pitch: usize, columns: i32,
  constants: usize, s: Step,
): void {
  if (FOURS) fours8(a, rows, w, k4, bias, rowSums, y, pitch, columns, constants, s, false);
}

/**
 * As {@link pwconv_s8_quads8} where pairs of the products may saturate: each weight is split into two halves, of which
 * the sums of all pairs stay within 16 bits; w has four rows of first halves, then of second ones, and so on.
 */
export function pwconv_s8_halves8(
  a: usize, rows: i32, w: usize, k4: i32, bias: usize, rowSums: usize, y: usize, pitch: usize, columns: i32,
  constants: usize, s: Step,
): void {
  if (FOURS) fours8(a, rows, w, k4, bias, rowSums, y, pitch, columns, constants, s, true);
}

// @ts-ignore: decorator
@inline
function fours8(
  a: usize, rows: i32, w: usize, k4: i32, bias: usize, rowSums: usize, y: usize, pitch: usize, columns: i32,
  constants: usize, s: Step, halves: bool,
): void {
  const zero = zeroOf(s.zy);
  const l = splat8(s.qlo);
  const h = splat8(s.qhi);
  const product = s.product;
  const aPitch = <usize>k4;
  for (; rows > 0; rows -= 4) {
    const end = a + aPitch;
    const odd = end - 4;
    let a1 = rows > 1 ? end : a;
    let a2 = rows > 2 ? a1 + aPitch : a1;
    let a3 = rows > 3 ? a2 + aPitch : a2;
    let c00 = load<v128>(bias);
    let c01 = load<v128>(bias, 16);
    let s = loadTerms<v128>(rowSums + (rows > 1 ? 4 : 0));
    let c10 = sub32<v128>(c00, s);
    let c11 = sub32<v128>(c01, s);
    s = loadTerms<v128>(rowSums + (rows > 2 ? 8 : 0));
    let c20 = sub32<v128>(c00, s);
    let c21 = sub32<v128>(c01, s);
    s = loadTerms<v128>(rowSums + (rows > 3 ? 12 : 0));
    let c30 = sub32<v128>(c00, s);
    let c31 = sub32<v128>(c01, s);
    s = loadTerms<v128>(rowSums);
    c00 = sub32<v128>(c00, s);
    c01 = sub32<v128>(c01, s);
    rowSums += 16;
    let p = w;
    do {
      let b0 = load<v128>(p);
      let b1 = load<v128>(p, 16);
      let x = loadTerms<v128>(a);
      c00 = dot4(b0, x, c00, product);
      c01 = dot4(b1, x, c01, product);
      x = loadTerms<v128>(a1);
      c10 = dot4(b0, x, c10, product);
      c11 = dot4(b1, x, c11, product);
      x = loadTerms<v128>(a2);
      c20 = dot4(b0, x, c20, product);
      c21 = dot4(b1, x, c21, product);
      x = loadTerms<v128>(a3);
      c30 = dot4(b0, x, c30, product);
      c31 = dot4(b1, x, c31, product);
      if (!halves && a == odd) break;
      b0 = load<v128>(p, 32);
      b1 = load<v128>(p, 48);
      const second: usize = halves ? 0 : 4;
      x = loadTerms<v128>(a, second);
      c00 = dot4(b0, x, c00, product);
      c01 = dot4(b1, x, c01, product);
      x = loadTerms<v128>(a1, second);
      c10 = dot4(b0, x, c10, product);
      c11 = dot4(b1, x, c11, product);
      x = loadTerms<v128>(a2, second);
      c20 = dot4(b0, x, c20, product);
      c21 = dot4(b1, x, c21, product);
      x = loadTerms<v128>(a3, second);
      c30 = dot4(b0, x, c30, product);
      c31 = dot4(b1, x, c31, product);
      p += 64;
      a += 4 + second;
      a1 += 4 + second;
      a2 += 4 + second;
      a3 += 4 + second;
    } while (a < end);
    a = end + 3 * aPitch;
    const constants1 = constants + QUAD_BYTES;
    const y0 = toWords(quad(c00, constants, zero), quad(c01, constants1, zero));
    const y1 = toWords(quad(c10, constants, zero), quad(c11, constants1, zero));
    const y2 = toWords(quad(c20, constants, zero), quad(c21, constants1, zero));
    const y3 = toWords(quad(c30, constants, zero), quad(c31, constants1, zero));
    const y01 = clamp8(toBytes(y0, y1), l, h);
    const y23 = clamp8(toBytes(y2, y3), l, h);
    put(y, lowBytes(y01), columns);
    if (rows > 1) put(y + pitch, highBytes(y01), columns);
    if (rows > 2) put(y + 2 * pitch, lowBytes(y23), columns);
    if (rows > 3) put(y + 3 * pitch, highBytes(y23), columns);
    y += 4 * pitch;
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

/** acc + one row × four columns of which four rows of weights are `step` bytes from the next four. */
// @ts-ignore: decorator
@inline
function sums4(a: usize, aPitch: usize, w: usize, step: usize, acc: v128, product: i32): v128 {
  const end = a + aPitch;
  if (FOURS && product != Product.PAIRS) {
    for (; a < end; a += 4, w += step) {
      const x = loadTerms<v128>(a);
      const b = load<v128>(w);
      if (product == Product.SATURATING) {
        const half = halfOf(b);
        acc = dot4(half, x, dot4(otherHalf(b, half), x, acc, product), product);
      } else acc = dot4(b, x, acc, product);
    }
  } else {
    for (; a < end; a += 8, w += step) {
      const b = load<v128>(w);
      acc = dot<v128>(loadTerms<v128>(a), lowPairs16(b), acc);
      acc = dot<v128>(loadTerms<v128>(a, 4), highPairs16(b), acc);
    }
  }
  return acc;
}

/** One row × 4 columns: what is left of the columns, with the fast requantization. */
export function pwconv_s8_columns4(
  a: usize, aPitch: usize, rows: i32, w: usize, k4: i32, bias: usize, rowSums: usize, y: usize, pitch: usize,
  columns: i32, constants: usize, s: Step,
): void {
  if (!SIMD) return;
  const zero = zeroOf(s.zy);
  for (; rows > 0; --rows, rowSums += 4, y += pitch, a += aPitch) {
    const start = sub32<v128>(load<v128>(bias), loadTerms<v128>(rowSums));
    const words = quad(sums4(a, aPitch, w, 16, start, s.product), constants, zero);
    const bytes = clamp8(toBytes(toWords(words, words), splat16(0)), splat8(s.qlo), splat8(s.qhi));
    put(y, lowBytes(bytes), columns);
  }
}

/**
 * One row × 4 columns at a time with the requantization of the formula: the scalar build, and layers that the fast form
 * does not cover. `step`: bytes from four rows of w to the next; bias is at column o of n4, so that m and e lie at
 * known distances behind it.
 */
export function pwconv_s8_exact(
  a: usize, aPitch: usize, rows: i32, w: usize, step: usize, k4: i32, bias: usize, rowSums: usize, y: usize,
  pitch: usize, columns: i32, n4: usize, o: usize, s: Step,
): void {
  const m = bias + 4 * n4;
  const e = bias - 4 * o + 8 * n4 + o;
  const zy = s.zy, lo = s.qlo, hi = s.qhi;
  for (; rows > 0; --rows, y += pitch, rowSums += 4, a += aPitch) {
    const sum = load<i32>(rowSums);
    let c0: i32, c1: i32, c2: i32, c3: i32;
    if (SIMD) {
      const c = sums4(a, aPitch, w, step, sub32<v128>(load<v128>(bias), splat32<v128>(sum)), s.product);
      c0 = lane32(c, 0);
      c1 = lane32(c, 1);
      c2 = lane32(c, 2);
      c3 = lane32(c, 3);
    } else {
      c0 = sums1(a, aPitch, w, step, load<i32>(bias) - sum);
      c1 = sums1(a, aPitch, w + 4, step, load<i32>(bias, 4) - sum);
      c2 = sums1(a, aPitch, w + 8, step, load<i32>(bias, 8) - sum);
      c3 = sums1(a, aPitch, w + 12, step, load<i32>(bias, 12) - sum);
    }
    store<i8>(y, <i8>requantize(c0, load<i32>(m), <i32>load<i8>(e), zy, lo, hi));
    if (columns > 1) store<i8>(y, <i8>requantize(c1, load<i32>(m, 4), <i32>load<i8>(e, 1), zy, lo, hi), 1);
    if (columns > 2) store<i8>(y, <i8>requantize(c2, load<i32>(m, 8), <i32>load<i8>(e, 2), zy, lo, hi), 2);
    if (columns > 3) store<i8>(y, <i8>requantize(c3, load<i32>(m, 12), <i32>load<i8>(e, 3), zy, lo, hi), 3);
  }
}

/** acc + one row × one column. */
// @ts-ignore: decorator
@inline
function sums1(a: usize, aPitch: usize, w: usize, step: usize, acc: i32): i32 {
  for (const end = a + aPitch; a < end; a += 8, w += step) {
    acc += <i32>load<i16>(a) * <i32>load<i8>(w) + <i32>load<i16>(a, 2) * <i32>load<i8>(w, 1);
    acc += <i32>load<i16>(a, 4) * <i32>load<i8>(w, 2) + <i32>load<i16>(a, 6) * <i32>load<i8>(w, 3);
  }
  return acc;
}

/**
 * Packs rows k0…k1 of a row-major i8 [k][n] matrix, the first of which is at src, into panels; k0 is a multiple of 4,
 * k1 too, or k. All of dst is zero before.
 */
export function pwconv_s8_pack(dst: usize, src: usize, k: i32, n: i32, k0: i32, k1: i32): void {
  assert(0 <= k0 && k0 <= k1 && k1 <= k && (k0 & 3) == 0);
  const k4 = (k + 3) & ~3;
  for (let o = 0, width = 0; o < n; o += width) {
    width = n - o > 4 ? 8 : 4;
    const columns = min(width, n - o);
    const panel = dst + <usize>(o * k4);
    for (let i = k0; i < k1; ++i) {
      const row = src + <usize>((i - k0) * n + o);
      let d = panel + <usize>((i >> 2) * 4 * width + (i & 3));
      for (let c = 0; c < columns; ++c, d += 4) store<i8>(d, load<i8>(row + c));
    }
  }
}

/**
 * Makes packed weights [k,n] that were for one product ready for another one: what biases have for unsigned x, and the
 * marks of columns of which pairs of products may saturate.
 */
export function pwconv_s8_suit(w: usize, k: i32, n: i32, zw: i32, was: i32, is: i32): void {
  const n4 = (n + 3) & ~3;
  const k4 = (k + 3) & ~3;
  const marks = w + 9 * <usize>n4;
  const by = flipOf(was) - flipOf(is);
  const mark = is == Product.SATURATING;
  let panel = w + headS8(n4);
  for (let o = 0, width = 0; o < n; o += width) {
    width = n - o > 4 ? 8 : 4;
    for (let c = 0; c < min(width, n - o); ++c) {
      const at = panel + 4 * c;
      const bias = w + <usize>(4 * (o + c));
      if (by != 0) store<i32>(bias, load<i32>(bias) + by * (sumColumn(at, width, k4) - k * zw));
      const saturates = mark && mayColumn(at, width, k4);
      store<u8>(marks + o + c, (load<u8>(marks + o + c) & ~SATURATES) | (saturates ? SATURATES : 0));
    }
    panel += <usize>(width * k4);
  }
}

/** The mark of a column. */
const SATURATES: u8 = 64;

function sumColumn(w: usize, width: i32, k4: i32): i32 {
  let sum = 0;
  for (let k = 0; k < k4; k += 4, w += 4 * width) {
    sum += <i32>load<i8>(w) + <i32>load<i8>(w, 1) + <i32>load<i8>(w, 2) + <i32>load<i8>(w, 3);
  }
  return sum;
}

/** Whether two products of 255 and a weight could come to more than 16 bits hold. */
function mayColumn(w: usize, width: i32, k4: i32): bool {
  for (let k = 0; k < k4; k += 2, w += (k & 3) != 0 ? 2 : 4 * width - 2) {
    const a = <i32>load<i8>(w), b = <i32>load<i8>(w, 1);
    if (max(a, 0) + max(b, 0) > 128 || min(a, 0) + min(b, 0) < -128) return true;
  }
  return false;
}

/**
 * Asks the host how it multiplies bytes: y[i] += Σ w[4i…]·x[4i…] of `vectors` vectors, and then the same `times` times
 * over. Answers how often a sum was not the one of the first time: compilers of one engine may differ. `product` is for
 * the debug build, which answers as a host of that kind.
 */
export function pwconv_s8_ask(w: usize, x: usize, y: usize, vectors: i32, times: i32, product: i32): i32 {
  let changed = 0;
  if (FOURS) {
    const bytes = <usize>vectors << 4;
    memory.copy(y + bytes, y, bytes);
    for (let i: usize = 0; i < bytes; i += 16) {
      store<v128>(y + i, dot4(load<v128>(w + i), load<v128>(x + i), load<v128>(y + i), product));
    }
    for (; times > 0; --times) {
      for (let i: usize = 0; i < bytes; i += 16) {
        const again = dot4(load<v128>(w + i), load<v128>(x + i), load<v128>(y + bytes + i), product);
        changed += <i32>differs(again, load<v128>(y + i));
      }
    }
  }
  return changed;
}
