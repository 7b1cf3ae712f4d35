/**
 * Pointwise convolution and dense layer in 8 bits, with its packing. What it asks of a step: docs/abi.md.
 * source: gemmlowp's arithmetic; Howard et al. 2017 §3.1
 */
import { Flag, Step, expect_dense_s8, expect_pwconv_s8, headS8, panelS8, rowsS8 } from "../abi";
import { QUAD_BYTES, prepare, quad, requantize, zeroOf } from "../lib/requantize";
import { SIMD } from "../simd/f32";
import {
  FOURS, clamp8, differs, dot, dot4, highBytes, lane32, loadTerms, loadWeights, lowBytes, splat16, splat32, splat8,
  sub32, sum16, toBytes, toWords, widen, widenPast,
} from "../simd/s8";

export function pwconv_s8(s: Step, y0: i32, y1: i32): void {
  expect_pwconv_s8(s, y0, y1);
  const k2 = (s.inC + 1) & ~1;
  for (; y0 < y1; y0 += s.tile) {
    const rows = min(s.tile, y1 - y0);
    widenRows(s.s, s.x + <usize>(y0 * s.inC), rows, s.inC, k2);
    matrix_s8(s, rows, k2, s.w, s.zw, s.y + <usize>(y0 * s.outC), 0, s.outC);
  }
}

/** One row, by panels of columns. */
export function dense_s8(s: Step, y0: i32, y1: i32): void {
  expect_dense_s8(s, y0, y1);
  if (y0 >= y1) return;
  const k2 = (s.inC + 1) & ~1;
  widenRows(s.s, s.x, 1, s.inC, k2);
  matrix_s8(s, 1, k2, s.w, s.zw, s.y, 16 * y0, min(16 * y1, s.outC));
}

/** x i8 [rows,k] in 16 bits, each row filled up to k2 with zeros. */
// @ts-ignore: decorator
@inline
function widenRows(d: usize, x: usize, rows: i32, k: i32, k2: i32): void {
  const pitch = <usize>k2 * sizeof<i16>();
  for (let r = 0; r < rows; ++r, d += pitch, x += k) {
    const end = widen(d, x, k);
    if (k < k2) store<i16>(end, 0);
  }
}

/**
 * Multiplies the panel i16 [rows,k2] at the step's scratch by packed weights into the columns [from, to) of y
 * i8 [rows,outC]; `from` is a multiple of 8, and so is `to`, or all. Exported, as all below, to stay a function.
 */
export function matrix_s8(s: Step, rows: i32, k2: i32, w: usize, zw: i32, y: usize, from: i32, to: i32): void {
  const n = s.outC;
  const n4 = (n + 3) & ~3;
  const a = s.s;
  const rowSums = a + rowsS8(s.tile, k2);
  const constants = a + panelS8(s.tile, k2);
  const m = w + <usize>n4 * sizeof<i32>();
  const e = m + <usize>n4 * sizeof<i32>();
  let panel = w + headS8(n4) + <usize>(from * k2);
  const fast = (s.flags & Flag.FAST_POINTWISE) != 0;
  for (let r = 0; r < rows; ++r) {
    const sum = zw == 0 ? 0 : zw * sum16(a + <usize>(r * k2) * sizeof<i16>(), k2);
    store<i32>(rowSums + <usize>r * sizeof<i32>(), sum);
  }
  for (let o = from; o < to; ) {
    const width = n - o > 4 ? 8 : 4;
    const columns = min(width, n - o);
    const at = <usize>o * sizeof<i32>();
    if (SIMD && fast) {
      for (let c = 0; c < width; c += 4) {
        prepare(constants + <usize>(c >> 2) * QUAD_BYTES, m + at + <usize>c * 4, e + o + c);
      }
      if (width == 8) {
        const wide = constants + 2 * QUAD_BYTES;
        widenPast(wide, panel, 8 * k2);
        pwconv_s8_panel8(a, rows, k2, wide, w + at, rowSums, y + o, n, columns, constants, s.zy, s.qlo, s.qhi);
      } else pwconv_s8_panel4(a, rows, k2, panel, w + at, rowSums, y + o, n, columns, constants, s.zy, s.qlo, s.qhi);
    } else {
      for (let c = 0; c < columns; c += 4) {
        const left = min(4, columns - c);
        const p = panel + 2 * c;
        const bias = w + at + <usize>c * 4;
        const to = y + o + c;
        pwconv_s8_exact(a, rows, k2, p, 2 * width, bias, rowSums, to, n, left, n4, o + c, s.zy, s.qlo, s.qhi);
      }
    }
    panel += <usize>width * k2;
    o += width;
  }
}

/**
 * Tiles of 4 rows × 8 columns, of which `columns` are written, with the fast requantization; w is widened to 16 bits,
 * once for all rows. Rows that are not there repeat the last one. The test for an odd number of pairs between two pairs
 * keeps the second one's loads out of the first one's block, as in pwconv_f32.
 */
export function pwconv_s8_panel8(
  a: usize, rows: i32, k2: i32, w: usize, bias: usize, rowSums: usize, y: usize, pitch: usize, columns: i32,
  constants: usize, zy: i32, lo: i32, hi: i32,
): void {
  if (!SIMD) return;
  const aPitch = <usize>k2 * sizeof<i16>();
  const zero = zeroOf(zy);
  const l = splat8(lo);
  const h = splat8(hi);
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

/** One row × 4 columns: what is left of the columns, with the fast requantization. */
export function pwconv_s8_panel4(
  a: usize, rows: i32, k2: i32, w: usize, bias: usize, rowSums: usize, y: usize, pitch: usize, columns: i32,
  constants: usize, zy: i32, lo: i32, hi: i32,
): void {
  if (!SIMD) return;
  const zero = zeroOf(zy);
  for (; rows > 0; --rows, rowSums += 4, y += pitch) {
    let c = sub32<v128>(load<v128>(bias), loadTerms<v128>(rowSums));
    let p = w;
    for (const end = a + <usize>k2 * sizeof<i16>(); a < end; a += 4, p += 8) {
      c = dot<v128>(loadTerms<v128>(a), loadWeights<v128>(p), c);
    }
    const words = quad(c, constants, zero);
    const bytes = clamp8(toBytes(toWords(words, words), splat16(0)), splat8(lo), splat8(hi));
    put(y, lowBytes(bytes), columns);
  }
}

/**
 * One row × 4 columns at a time with the requantization of the formula: the scalar build, and layers that the fast form
 * does not cover. `panelPitch`: bytes from one pair of rows of w to the next; bias is at column o of n4, so that m and
 * e lie at known distances behind it.
 */
export function pwconv_s8_exact(
  a: usize, rows: i32, k2: i32, w: usize, panelPitch: usize, bias: usize, rowSums: usize, y: usize, pitch: usize,
  columns: i32, n4: usize, o: usize, zy: i32, lo: i32, hi: i32,
): void {
  const m = bias + 4 * n4;
  const e = bias - 4 * o + 8 * n4 + o;
  for (; rows > 0; --rows, y += pitch, rowSums += 4) {
    const sum = load<i32>(rowSums);
    let c0 = load<i32>(bias) - sum;
    let c1 = load<i32>(bias, 4) - sum;
    let c2 = load<i32>(bias, 8) - sum;
    let c3 = load<i32>(bias, 12) - sum;
    let p = w;
    const end = a + <usize>k2 * sizeof<i16>();
    if (SIMD) {
      let c = sub32<v128>(load<v128>(bias), splat32<v128>(sum));
      for (; a < end; a += 4, p += panelPitch) c = dot<v128>(loadTerms<v128>(a), loadWeights<v128>(p), c);
      c0 = lane32(c, 0);
      c1 = lane32(c, 1);
      c2 = lane32(c, 2);
      c3 = lane32(c, 3);
    } else {
      for (; a < end; a += 4, p += panelPitch) {
        const x = loadTerms<i32>(a);
        c0 = dot<i32>(x, loadWeights<i32>(p), c0);
        c1 = dot<i32>(x, loadWeights<i32>(p, 2), c1);
        c2 = dot<i32>(x, loadWeights<i32>(p, 4), c2);
        c3 = dot<i32>(x, loadWeights<i32>(p, 6), c3);
      }
    }
    store<i8>(y, <i8>requantize(c0, load<i32>(m), <i32>load<i8>(e), zy, lo, hi));
    if (columns > 1) store<i8>(y, <i8>requantize(c1, load<i32>(m, 4), <i32>load<i8>(e, 1), zy, lo, hi), 1);
    if (columns > 2) store<i8>(y, <i8>requantize(c2, load<i32>(m, 8), <i32>load<i8>(e, 2), zy, lo, hi), 2);
    if (columns > 3) store<i8>(y, <i8>requantize(c3, load<i32>(m, 12), <i32>load<i8>(e, 3), zy, lo, hi), 3);
  }
}

/**
 * Packs rows k0…k1 of a row-major i8 [k][n] matrix, the first of which is at src, into panels; k0 is even, k1 is even
 * or k. All of dst is zero before.
 */
export function pwconv_s8_pack(dst: usize, src: usize, k: i32, n: i32, k0: i32, k1: i32): void {
  assert(0 <= k0 && k0 <= k1 && k1 <= k && (k0 & 1) == 0);
  const k2 = (k + 1) & ~1;
  for (let o = 0, width = 0; o < n; o += width) {
    width = n - o > 4 ? 8 : 4;
    const columns = min(width, n - o);
    const panel = dst + <usize>(o * k2);
    for (let i = k0; i < k1; ++i) {
      const row = src + <usize>((i - k0) * n + o);
      let d = panel + <usize>((i >> 1) * 2 * width + (i & 1));
      for (let c = 0; c < columns; ++c, d += 2) store<i8>(d, load<i8>(row + c));
    }
  }
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
