/**
 * Matrix products of a training step: the packed one of inference, and the one that sums over rows.
 */
import { matrix_f32, pwconv_f32_pack, pwconv_f32_pack_bias } from "../kernels/pwconv_f32";
import { LANES, SIMD, add, loadSplat, madd, splat } from "../simd/f32";

/** Packs w [k][n] and the bias, (k + 1)·n floats. */
export function pack(dst: usize, w: usize, b: usize, k: i32, n: i32): void {
  pwconv_f32_pack(dst, w, k, n, 0, k);
  pwconv_f32_pack_bias(dst, b, k, n);
}

/** Packs the transpose of w [k][n], without a bias: (n + 1)·k floats, and behind them k·n of scratch. */
export function pack_transposed(dst: usize, w: usize, k: i32, n: i32): void {
  const t = dst + <usize>((n + 1) * k) * sizeof<f32>();
  for (let j = 0; j < n; ++j) {
    let from = w + <usize>j * sizeof<f32>();
    let to = t + <usize>(j * k) * sizeof<f32>();
    for (let i = 0; i < k; ++i) {
      store<f32>(to, load<f32>(from));
      from += <usize>n * sizeof<f32>();
      to += sizeof<f32>();
    }
  }
  pack(dst, t, 0, n, k);
}

/** y [rows][n] = a [rows][k] · packed w + b. */
export function product(a: usize, rows: i32, k: i32, n: i32, packed: usize, y: usize): void {
  matrix_f32(a, rows, k, n, packed, y, -Infinity, Infinity);
}

/** dw [k][n] += aᵀ·d, a [rows][k], d [rows][n]; rows > 0. */
export function product_rows(a: usize, d: usize, rows: i32, k: i32, n: i32, dw: usize): void {
  let left = n;
  for (; left >= 4 * LANES; left -= 4 * LANES) {
    product_rows_panel4(a, d, rows, k, n, dw);
    d += 4 * LANES * sizeof<f32>();
    dw += 4 * LANES * sizeof<f32>();
  }
  for (; SIMD && left >= LANES; left -= LANES) {
    product_rows_panel1(a, d, rows, k, n, dw);
    d += LANES * sizeof<f32>();
    dw += LANES * sizeof<f32>();
  }
  for (; left > 0; --left) {
    product_rows_column(a, d, rows, k, n, dw);
    d += sizeof<f32>();
    dw += sizeof<f32>();
  }
}

/* Functions of their own, called once a panel: see pwconv_f32. */

export function product_rows_panel4(a: usize, d: usize, rows: i32, k: i32, n: i32, dw: usize): void {
  if (SIMD) panel4<v128>(a, d, rows, k, n, dw);
  else panel4<f32>(a, d, rows, k, n, dw);
}

export function product_rows_panel1(a: usize, d: usize, rows: i32, k: i32, n: i32, dw: usize): void {
  if (SIMD) panel1<v128>(a, d, rows, k, n, dw);
}

export function product_rows_column(a: usize, d: usize, rows: i32, k: i32, n: i32, dw: usize): void {
  panel1<f32>(a, d, rows, k, n, dw);
}

/** Tiles of 2 rows × 4 vectors of dw: the shape of the packed product's tiles, for the same registers. */
// @ts-ignore: decorator
@inline
function panel4<V>(a: usize, d: usize, rows: i32, k: i32, n: i32, dw: usize): void {
  const T = sizeof<V>();
  const aPitch = <usize>k * sizeof<f32>();
  const dPitch = <usize>n * sizeof<f32>();
  const end = d + <usize>rows * dPitch;
  for (; k >= 2; k -= 2) {
    let c00 = splat<V>(0);
    let c01 = c00;
    let c02 = c00;
    let c03 = c00;
    let c10 = c00;
    let c11 = c00;
    let c12 = c00;
    let c13 = c00;
    let p = a;
    let q = d;
    do {
      const b0 = load<V>(q);
      const b1 = load<V>(q, T);
      const b2 = load<V>(q, 2 * T);
      const b3 = load<V>(q, 3 * T);
      const s0 = loadSplat<V>(p);
      const s1 = loadSplat<V>(p, sizeof<f32>());
      c00 = madd<V>(s0, b0, c00);
      c01 = madd<V>(s0, b1, c01);
      c02 = madd<V>(s0, b2, c02);
      c03 = madd<V>(s0, b3, c03);
      c10 = madd<V>(s1, b0, c10);
      c11 = madd<V>(s1, b1, c11);
      c12 = madd<V>(s1, b2, c12);
      c13 = madd<V>(s1, b3, c13);
      p += aPitch;
      q += dPitch;
    } while (q < end);
    store<V>(dw, add<V>(load<V>(dw), c00));
    store<V>(dw, add<V>(load<V>(dw, T), c01), T);
    store<V>(dw, add<V>(load<V>(dw, 2 * T), c02), 2 * T);
    store<V>(dw, add<V>(load<V>(dw, 3 * T), c03), 3 * T);
    dw += dPitch;
    store<V>(dw, add<V>(load<V>(dw), c10));
    store<V>(dw, add<V>(load<V>(dw, T), c11), T);
    store<V>(dw, add<V>(load<V>(dw, 2 * T), c12), 2 * T);
    store<V>(dw, add<V>(load<V>(dw, 3 * T), c13), 3 * T);
    dw += dPitch;
    a += 2 * sizeof<f32>();
  }
  if (k > 0) {
    let c0 = splat<V>(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    let q = d;
    do {
      const s = loadSplat<V>(a);
      c0 = madd<V>(s, load<V>(q), c0);
      c1 = madd<V>(s, load<V>(q, T), c1);
      c2 = madd<V>(s, load<V>(q, 2 * T), c2);
      c3 = madd<V>(s, load<V>(q, 3 * T), c3);
      a += aPitch;
      q += dPitch;
    } while (q < end);
    store<V>(dw, add<V>(load<V>(dw), c0));
    store<V>(dw, add<V>(load<V>(dw, T), c1), T);
    store<V>(dw, add<V>(load<V>(dw, 2 * T), c2), 2 * T);
    store<V>(dw, add<V>(load<V>(dw, 3 * T), c3), 3 * T);
  }
}

/** Tiles of 8 rows × 1 vector or column of dw. */
// @ts-ignore: decorator
@inline
function panel1<V>(a: usize, d: usize, rows: i32, k: i32, n: i32, dw: usize): void {
  const aPitch = <usize>k * sizeof<f32>();
  const dPitch = <usize>n * sizeof<f32>();
  const end = d + <usize>rows * dPitch;
  for (; k >= 8; k -= 8) {
    let c0 = splat<V>(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    let c4 = c0;
    let c5 = c0;
    let c6 = c0;
    let c7 = c0;
    let p = a;
    let q = d;
    do {
      const b = load<V>(q);
      c0 = madd<V>(loadSplat<V>(p), b, c0);
      c1 = madd<V>(loadSplat<V>(p, 4), b, c1);
      c2 = madd<V>(loadSplat<V>(p, 8), b, c2);
      c3 = madd<V>(loadSplat<V>(p, 12), b, c3);
      c4 = madd<V>(loadSplat<V>(p, 16), b, c4);
      c5 = madd<V>(loadSplat<V>(p, 20), b, c5);
      c6 = madd<V>(loadSplat<V>(p, 24), b, c6);
      c7 = madd<V>(loadSplat<V>(p, 28), b, c7);
      p += aPitch;
      q += dPitch;
    } while (q < end);
    added<V>(dw, c0);
    added<V>(dw + dPitch, c1);
    added<V>(dw + 2 * dPitch, c2);
    added<V>(dw + 3 * dPitch, c3);
    dw += 4 * dPitch;
    added<V>(dw, c4);
    added<V>(dw + dPitch, c5);
    added<V>(dw + 2 * dPitch, c6);
    added<V>(dw + 3 * dPitch, c7);
    dw += 4 * dPitch;
    a += 8 * sizeof<f32>();
  }
  for (; k > 0; --k) {
    let c = splat<V>(0);
    let p = a;
    let q = d;
    do {
      c = madd<V>(loadSplat<V>(p), load<V>(q), c);
      p += aPitch;
      q += dPitch;
    } while (q < end);
    added<V>(dw, c);
    dw += dPitch;
    a += sizeof<f32>();
  }
}

// @ts-ignore: decorator
@inline
function added<V>(p: usize, x: V): void {
  store<V>(p, add<V>(load<V>(p), x));
}
