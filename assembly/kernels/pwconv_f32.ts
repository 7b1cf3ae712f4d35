/**
 * Pointwise convolution and dense layer: a matrix product, with its packing. What it asks of a step: docs/abi.md.
 * source: Goto & van de Geijn 2008 (packed panels); the bias-first panel after XNNPACK
 *
 * Every element is its bias plus its terms in the order of i, whatever the panel and the row tile, so any split of the
 * rows gives the same bits.
 */
import { Step, expect_dense_f32, expect_pwconv_f32 } from "../abi";
import { LANES, SIMD, clamp, loadSplat, madd, splat } from "../simd/f32";

/** Rows that all panels work on before the next rows are touched, as bytes of x: what the second-level cache keeps. */
const ROW_BLOCK_BYTES: i32 = 1 << 17;

export function pwconv_f32(s: Step, y0: i32, y1: i32): void {
  expect_pwconv_f32(s, y0, y1);
  const k = s.inC;
  const n = s.outC;
  const block = max<i32>(ROW_BLOCK_BYTES / (k * sizeof<f32>()), 8) & ~7;
  for (let r = y0; r < y1; r += block) {
    const rows = min(block, y1 - r);
    matrix_f32(s.x + <usize>(r * k) * sizeof<f32>(), rows, k, n, s.w, s.y + <usize>(r * n) * sizeof<f32>(), s.lo, s.hi);
  }
}

/** One row, by panels: the packed columns before the first one of a unit are as many wholes of k weights and a bias. */
export function dense_f32(s: Step, y0: i32, y1: i32): void {
  expect_dense_f32(s, y0, y1);
  const first = 16 * y0;
  const columns = min(16 * y1, s.outC) - first;
  if (columns <= 0) return;
  const w = s.w + <usize>(first * (s.inC + 1)) * sizeof<f32>();
  matrix_f32(s.x, 1, s.inC, columns, w, s.y + <usize>first * sizeof<f32>(), s.lo, s.hi);
}

/** y[rows,n] = clamp(bias + a[rows,k]·w, lo, hi) with packed w; also the second half of conv_f32 and separable_f32. */
export function matrix_f32(a: usize, rows: i32, k: i32, n: i32, w: usize, y: usize, lo: f32, hi: f32): void {
  const pitch = <usize>n * sizeof<f32>();
  const panelBytes = <usize>((k + 1) * LANES) * sizeof<f32>();
  let left = n;
  for (; left >= 4 * LANES; left -= 4 * LANES) {
    pwconv_f32_panel4(a, rows, k, w, y, pitch, lo, hi);
    w += 4 * panelBytes;
    y += 4 * LANES * sizeof<f32>();
  }
  if (left >= 2 * LANES) {
    pwconv_f32_panel2(a, rows, k, w, y, pitch, lo, hi);
    w += 2 * panelBytes;
    y += 2 * LANES * sizeof<f32>();
    left -= 2 * LANES;
  }
  if (SIMD && left >= LANES) {
    pwconv_f32_panel1(a, rows, k, w, y, pitch, lo, hi);
    w += panelBytes;
    y += LANES * sizeof<f32>();
    left -= LANES;
  }
  for (; left > 0; --left) {
    pwconv_f32_column(a, rows, k, w, y, pitch, lo, hi);
    w += <usize>(k + 1) * sizeof<f32>();
    y += sizeof<f32>();
  }
}

/*
 * The panels' row loops. They are exported, and so stay functions of their own, called once a panel and a block of
 * rows: engines switch to optimized code at function entry only, and Binaryen would otherwise inline them into one
 * function with too few registers for all. a [rows,k] · w one packed panel · y the panel's first column, rows `pitch`
 * bytes apart
 */

export function pwconv_f32_panel4(
  a: usize, rows: i32, k: i32, w: usize, y: usize, pitch: usize, lo: f32, hi: f32,
): void {
  if (SIMD) panel4<v128>(a, rows, k, w, y, pitch, lo, hi);
  else panel4<f32>(a, rows, k, w, y, pitch, lo, hi);
}

export function pwconv_f32_panel4_row(a: usize, k: i32, w: usize, y: usize, lo: f32, hi: f32): void {
  if (SIMD) panel4row<v128>(a, k, w, y, lo, hi);
  else panel4row<f32>(a, k, w, y, lo, hi);
}

export function pwconv_f32_panel2(
  a: usize, rows: i32, k: i32, w: usize, y: usize, pitch: usize, lo: f32, hi: f32,
): void {
  if (SIMD) panel2<v128>(a, rows, k, w, y, pitch, lo, hi);
  else panel2<f32>(a, rows, k, w, y, pitch, lo, hi);
}

export function pwconv_f32_panel1(
  a: usize, rows: i32, k: i32, w: usize, y: usize, pitch: usize, lo: f32, hi: f32,
): void {
  if (SIMD) panel1<v128>(a, rows, k, w, y, pitch, lo, hi);
}

export function pwconv_f32_column(
  a: usize, rows: i32, k: i32, w: usize, y: usize, pitch: usize, lo: f32, hi: f32,
): void {
  panel1<f32>(a, rows, k, w, y, pitch, lo, hi);
}

/**
 * Tiles of 2 rows × 4 vectors, two terms a turn. V8 moves all loads of a basic block to its top, so 8 sums, 6 loaded
 * values and a product must fit into 15 registers together; the test for an odd k between the two terms is also what
 * keeps the second term's loads out of the first one's block. The order of loads and rows, and the last row in a
 * function of its own, are what V8 11.3 allocates registers best for.
 */
// @ts-ignore: decorator
@inline
function panel4<V>(a: usize, rows: i32, k: i32, w: usize, y: usize, pitch: usize, lo: f32, hi: f32): void {
  const T = sizeof<V>();
  const aPitch = <usize>k * sizeof<f32>();
  for (; rows >= 2; rows -= 2) {
    let c00 = load<V>(w);
    let c01 = load<V>(w, T);
    let c02 = load<V>(w, 2 * T);
    let c03 = load<V>(w, 3 * T);
    let c10 = c00;
    let c11 = c01;
    let c12 = c02;
    let c13 = c03;
    let q = a + aPitch;
    const end = q;
    const odd = end - sizeof<f32>();
    let p = w + 4 * T;
    do {
      let b0 = load<V>(p);
      let b1 = load<V>(p, T);
      let b2 = load<V>(p, 2 * T);
      let b3 = load<V>(p, 3 * T);
      let s0 = loadSplat<V>(a);
      let s1 = loadSplat<V>(q);
      c00 = madd<V>(s0, b0, c00);
      c01 = madd<V>(s0, b1, c01);
      c02 = madd<V>(s0, b2, c02);
      c03 = madd<V>(s0, b3, c03);
      c10 = madd<V>(s1, b0, c10);
      c11 = madd<V>(s1, b1, c11);
      c12 = madd<V>(s1, b2, c12);
      c13 = madd<V>(s1, b3, c13);
      if (a == odd) break;
      b0 = load<V>(p, 4 * T);
      b1 = load<V>(p, 5 * T);
      b2 = load<V>(p, 6 * T);
      b3 = load<V>(p, 7 * T);
      s0 = loadSplat<V>(a, sizeof<f32>());
      s1 = loadSplat<V>(q, sizeof<f32>());
      c00 = madd<V>(s0, b0, c00);
      c01 = madd<V>(s0, b1, c01);
      c02 = madd<V>(s0, b2, c02);
      c03 = madd<V>(s0, b3, c03);
      c10 = madd<V>(s1, b0, c10);
      c11 = madd<V>(s1, b1, c11);
      c12 = madd<V>(s1, b2, c12);
      c13 = madd<V>(s1, b3, c13);
      p += 8 * T;
      a += 2 * sizeof<f32>();
      q += 2 * sizeof<f32>();
    } while (a < end);
    a = end + aPitch;
    const l = splat<V>(lo);
    const h = splat<V>(hi);
    store<V>(y, clamp<V>(c00, l, h));
    store<V>(y, clamp<V>(c01, l, h), T);
    store<V>(y, clamp<V>(c02, l, h), 2 * T);
    store<V>(y, clamp<V>(c03, l, h), 3 * T);
    y += pitch;
    store<V>(y, clamp<V>(c10, l, h));
    store<V>(y, clamp<V>(c11, l, h), T);
    store<V>(y, clamp<V>(c12, l, h), 2 * T);
    store<V>(y, clamp<V>(c13, l, h), 3 * T);
    y += pitch;
  }
  if (rows > 0) pwconv_f32_panel4_row(a, k, w, y, lo, hi);
}

/** The last row of an odd number of rows. */
// @ts-ignore: decorator
@inline
function panel4row<V>(a: usize, k: i32, w: usize, y: usize, lo: f32, hi: f32): void {
  const T = sizeof<V>();
  const aPitch = <usize>k * sizeof<f32>();
  let c0 = load<V>(w);
  let c1 = load<V>(w, T);
  let c2 = load<V>(w, 2 * T);
  let c3 = load<V>(w, 3 * T);
  const end = a + aPitch;
  let p = w + 4 * T;
  do {
    const s = loadSplat<V>(a);
    c0 = madd<V>(s, load<V>(p), c0);
    c1 = madd<V>(s, load<V>(p, T), c1);
    c2 = madd<V>(s, load<V>(p, 2 * T), c2);
    c3 = madd<V>(s, load<V>(p, 3 * T), c3);
    p += 4 * T;
    a += sizeof<f32>();
  } while (a < end);
  const l = splat<V>(lo);
  const h = splat<V>(hi);
  store<V>(y, clamp<V>(c0, l, h));
  store<V>(y, clamp<V>(c1, l, h), T);
  store<V>(y, clamp<V>(c2, l, h), 2 * T);
  store<V>(y, clamp<V>(c3, l, h), 3 * T);
}

/** Tiles of 4 rows × 2 vectors. */
// @ts-ignore: decorator
@inline
function panel2<V>(a: usize, rows: i32, k: i32, w: usize, y: usize, pitch: usize, lo: f32, hi: f32): void {
  const T = sizeof<V>();
  const aPitch = <usize>k * sizeof<f32>();
  const l = splat<V>(lo);
  const h = splat<V>(hi);
  for (; rows >= 4; rows -= 4) {
    let c00 = load<V>(w);
    let c01 = load<V>(w, T);
    let c10 = c00;
    let c11 = c01;
    let c20 = c00;
    let c21 = c01;
    let c30 = c00;
    let c31 = c01;
    const end = a + aPitch;
    let a1 = end;
    let a2 = a1 + aPitch;
    let a3 = a2 + aPitch;
    let p = w + 2 * T;
    do {
      const b0 = load<V>(p);
      const b1 = load<V>(p, T);
      let s = loadSplat<V>(a);
      c00 = madd<V>(s, b0, c00);
      c01 = madd<V>(s, b1, c01);
      s = loadSplat<V>(a1);
      c10 = madd<V>(s, b0, c10);
      c11 = madd<V>(s, b1, c11);
      s = loadSplat<V>(a2);
      c20 = madd<V>(s, b0, c20);
      c21 = madd<V>(s, b1, c21);
      s = loadSplat<V>(a3);
      c30 = madd<V>(s, b0, c30);
      c31 = madd<V>(s, b1, c31);
      p += 2 * T;
      a += sizeof<f32>();
      a1 += sizeof<f32>();
      a2 += sizeof<f32>();
      a3 += sizeof<f32>();
    } while (a < end);
    a = a3;
    store<V>(y, clamp<V>(c00, l, h));
    store<V>(y, clamp<V>(c01, l, h), T);
    y += pitch;
    store<V>(y, clamp<V>(c10, l, h));
    store<V>(y, clamp<V>(c11, l, h), T);
    y += pitch;
    store<V>(y, clamp<V>(c20, l, h));
    store<V>(y, clamp<V>(c21, l, h), T);
    y += pitch;
    store<V>(y, clamp<V>(c30, l, h));
    store<V>(y, clamp<V>(c31, l, h), T);
    y += pitch;
  }
  for (; rows > 0; --rows) {
    let c0 = load<V>(w);
    let c1 = load<V>(w, T);
    const end = a + aPitch;
    let p = w + 2 * T;
    do {
      const s = loadSplat<V>(a);
      c0 = madd<V>(s, load<V>(p), c0);
      c1 = madd<V>(s, load<V>(p, T), c1);
      p += 2 * T;
      a += sizeof<f32>();
    } while (a < end);
    store<V>(y, clamp<V>(c0, l, h));
    store<V>(y, clamp<V>(c1, l, h), T);
    y += pitch;
  }
}

/** Tiles of 4 rows × 1 vector or column. */
// @ts-ignore: decorator
@inline
function panel1<V>(a: usize, rows: i32, k: i32, w: usize, y: usize, pitch: usize, lo: f32, hi: f32): void {
  const T = sizeof<V>();
  const aPitch = <usize>k * sizeof<f32>();
  const l = splat<V>(lo);
  const h = splat<V>(hi);
  for (; rows >= 4; rows -= 4) {
    let c0 = load<V>(w);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    const end = a + aPitch;
    let a1 = end;
    let a2 = a1 + aPitch;
    let a3 = a2 + aPitch;
    let p = w + T;
    do {
      const b = load<V>(p);
      c0 = madd<V>(loadSplat<V>(a), b, c0);
      c1 = madd<V>(loadSplat<V>(a1), b, c1);
      c2 = madd<V>(loadSplat<V>(a2), b, c2);
      c3 = madd<V>(loadSplat<V>(a3), b, c3);
      p += T;
      a += sizeof<f32>();
      a1 += sizeof<f32>();
      a2 += sizeof<f32>();
      a3 += sizeof<f32>();
    } while (a < end);
    a = a3;
    store<V>(y, clamp<V>(c0, l, h));
    y += pitch;
    store<V>(y, clamp<V>(c1, l, h));
    y += pitch;
    store<V>(y, clamp<V>(c2, l, h));
    y += pitch;
    store<V>(y, clamp<V>(c3, l, h));
    y += pitch;
  }
  for (; rows > 0; --rows) {
    let c = load<V>(w);
    const end = a + aPitch;
    let p = w + T;
    do {
      c = madd<V>(loadSplat<V>(a), load<V>(p), c);
      p += T;
      a += sizeof<f32>();
    } while (a < end);
    store<V>(y, clamp<V>(c, l, h));
    y += pitch;
  }
}

/** Columns of the panel that starts with `left` columns to go. */
// @ts-ignore: decorator
@inline
function panelWidth(left: i32): i32 {
  if (left >= 4 * LANES) return 4 * LANES;
  if (left >= 2 * LANES) return 2 * LANES;
  return left >= LANES ? LANES : 1;
}

/** Packs rows k0…k1 of a row-major [k][n] matrix, the first of which is at `src`. dst takes (k+1)·n floats in all. */
export function pwconv_f32_pack(dst: usize, src: usize, k: i32, n: i32, k0: i32, k1: i32): void {
  assert(0 <= k0 && k0 <= k1 && k1 <= k);
  for (let o = 0, width = 0; o < n; o += width) {
    width = panelWidth(n - o);
    let d = dst + <usize>(o * (k + 1) + (k0 + 1) * width) * sizeof<f32>();
    for (let i = 0; i < k1 - k0; ++i) {
      const row = src + <usize>(i * n + o) * sizeof<f32>();
      for (let c = 0; c < width; ++c) {
        store<f32>(d, load<f32>(row + <usize>c * sizeof<f32>()));
        d += sizeof<f32>();
      }
    }
  }
}

/** Packs the bias [n] into the heads of the panels; a bias at address 0 stands for zeros. */
export function pwconv_f32_pack_bias(dst: usize, bias: usize, k: i32, n: i32): void {
  for (let o = 0, width = 0; o < n; o += width) {
    width = panelWidth(n - o);
    const head = dst + <usize>(o * (k + 1)) * sizeof<f32>();
    for (let c = 0; c < width; ++c) {
      const b: f32 = bias ? load<f32>(bias + <usize>(o + c) * sizeof<f32>()) : 0;
      store<f32>(head + <usize>c * sizeof<f32>(), b);
    }
  }
}
