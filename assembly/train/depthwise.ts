/**
 * The two sums of a depthwise convolution, of one image, by columns of vectors over channels.
 */
import { SIMD, add, madd, splat } from "../simd/f32";

/**
 * y [outH][outW][C] = bias + Σ over taps of x·w. Output pixel (i, j) has its first tap at x + i·row + j·column; taps
 * are `down` and `right` bytes apart, those of w [kH·kW][C] side by side; bytes = 4·C. A bias at 0 stands for zeros.
 */
export function dw_apply(
  x: usize, pitch: usize, row: usize, column: usize, down: usize, right: usize, kH: i32, kW: i32,
  w: usize, b: usize, y: usize, outH: i32, outW: i32, bytes: usize,
): void {
  const nine = kH == 3 && kW == 3;
  let o: usize = 0;
  if (SIMD) {
    for (; o + 16 <= bytes; o += 16) {
      const bias = b ? b + o : 0;
      if (nine) dw_apply9_vector(x + o, row, column, down, right, w + o, bias, y + o, outH, outW, bytes);
      else dw_apply_vector(x + o, row, column, down, right, kH, kW, w + o, bias, y + o, outH, outW, bytes);
    }
  }
  for (; o < bytes; o += 4) {
    const bias = b ? b + o : 0;
    if (nine) dw_apply9_float(x + o, row, column, down, right, w + o, bias, y + o, outH, outW, bytes);
    else dw_apply_float(x + o, row, column, down, right, kH, kW, w + o, bias, y + o, outH, outW, bytes);
  }
}

export function dw_apply9_vector(
  x: usize, row: usize, column: usize, down: usize, right: usize,
  w: usize, b: usize, y: usize, outH: i32, outW: i32, bytes: usize,
): void {
  if (SIMD) apply9<v128>(x, row, column, down, right, w, b, y, outH, outW, bytes);
}

export function dw_apply9_float(
  x: usize, row: usize, column: usize, down: usize, right: usize,
  w: usize, b: usize, y: usize, outH: i32, outW: i32, bytes: usize,
): void {
  apply9<f32>(x, row, column, down, right, w, b, y, outH, outW, bytes);
}

// @ts-ignore: decorator
@inline
function apply9<V>(
  x: usize, row: usize, column: usize, down: usize, right: usize,
  w: usize, b: usize, y: usize, outH: i32, outW: i32, bytes: usize,
): void {
  const w0 = load<V>(w);
  const w1 = load<V>(w + bytes);
  const w2 = load<V>(w + 2 * bytes);
  const w3 = load<V>(w + 3 * bytes);
  const w4 = load<V>(w + 4 * bytes);
  const w5 = load<V>(w + 5 * bytes);
  const w6 = load<V>(w + 6 * bytes);
  const w7 = load<V>(w + 7 * bytes);
  const w8 = load<V>(w + 8 * bytes);
  const bias = b ? load<V>(b) : splat<V>(0);
  for (let i = 0; i < outH; ++i) {
    let p = x + <usize>i * row;
    for (let j = outW; j > 0; --j) {
      let sum = madd<V>(load<V>(p), w0, bias);
      sum = madd<V>(load<V>(p + right), w1, sum);
      sum = madd<V>(load<V>(p + 2 * right), w2, sum);
      let q = p + down;
      sum = madd<V>(load<V>(q), w3, sum);
      sum = madd<V>(load<V>(q + right), w4, sum);
      sum = madd<V>(load<V>(q + 2 * right), w5, sum);
      q += down;
      sum = madd<V>(load<V>(q), w6, sum);
      sum = madd<V>(load<V>(q + right), w7, sum);
      sum = madd<V>(load<V>(q + 2 * right), w8, sum);
      store<V>(y, sum);
      p += column;
      y += bytes;
    }
  }
}

export function dw_apply_vector(
  x: usize, row: usize, column: usize, down: usize, right: usize, kH: i32, kW: i32,
  w: usize, b: usize, y: usize, outH: i32, outW: i32, bytes: usize,
): void {
  if (SIMD) apply<v128>(x, row, column, down, right, kH, kW, w, b, y, outH, outW, bytes);
}

export function dw_apply_float(
  x: usize, row: usize, column: usize, down: usize, right: usize, kH: i32, kW: i32,
  w: usize, b: usize, y: usize, outH: i32, outW: i32, bytes: usize,
): void {
  apply<f32>(x, row, column, down, right, kH, kW, w, b, y, outH, outW, bytes);
}

// @ts-ignore: decorator
@inline
function apply<V>(
  x: usize, row: usize, column: usize, down: usize, right: usize, kH: i32, kW: i32,
  w: usize, b: usize, y: usize, outH: i32, outW: i32, bytes: usize,
): void {
  const bias = b ? load<V>(b) : splat<V>(0);
  for (let i = 0; i < outH; ++i) {
    for (let j = 0; j < outW; ++j) {
      let sum = bias;
      let q = w;
      let line = x + <usize>i * row + <usize>j * column;
      for (let ky = kH; ky > 0; --ky) {
        let p = line;
        for (let kx = kW; kx > 0; --kx) {
          sum = madd<V>(load<V>(p), load<V>(q), sum);
          p += right;
          q += bytes;
        }
        line += down;
      }
      store<V>(y, sum);
      y += bytes;
    }
  }
}

/**
 * dw [kH·kW][C] += Σ over output pixels of x·d. The gradient of pixel (i, j) lies at d + i·dRow + j·dColumn; all else
 * as above.
 */
export function dw_weights(
  x: usize, row: usize, column: usize, down: usize, right: usize, kH: i32, kW: i32,
  d: usize, dRow: usize, dColumn: usize, outH: i32, outW: i32, dw: usize, bytes: usize,
): void {
  let o: usize = 0;
  if (kH == 3 && kW == 3) {
    if (SIMD) {
      for (; o + 16 <= bytes; o += 16) {
        dw_weights9_vector(x + o, row, column, down, right, d + o, dRow, dColumn, outH, outW, dw + o, bytes);
      }
    }
    for (; o < bytes; o += 4) {
      dw_weights9_float(x + o, row, column, down, right, d + o, dRow, dColumn, outH, outW, dw + o, bytes);
    }
    return;
  }
  for (let ky = 0; ky < kH; ++ky) {
    for (let kx = 0; kx < kW; ++kx) {
      const p = x + <usize>ky * down + <usize>kx * right;
      const to = dw + <usize>(ky * kW + kx) * bytes;
      o = 0;
      if (SIMD) {
        for (; o + 16 <= bytes; o += 16) {
          dw_weights_vector(p + o, row, column, d + o, dRow, dColumn, outH, outW, to + o);
        }
      }
      for (; o < bytes; o += 4) dw_weights_float(p + o, row, column, d + o, dRow, dColumn, outH, outW, to + o);
    }
  }
}

export function dw_weights9_vector(
  x: usize, row: usize, column: usize, down: usize, right: usize,
  d: usize, dRow: usize, dColumn: usize, outH: i32, outW: i32, dw: usize, bytes: usize,
): void {
  if (SIMD) weights9<v128>(x, row, column, down, right, d, dRow, dColumn, outH, outW, dw, bytes);
}

export function dw_weights9_float(
  x: usize, row: usize, column: usize, down: usize, right: usize,
  d: usize, dRow: usize, dColumn: usize, outH: i32, outW: i32, dw: usize, bytes: usize,
): void {
  weights9<f32>(x, row, column, down, right, d, dRow, dColumn, outH, outW, dw, bytes);
}

// @ts-ignore: decorator
@inline
function weights9<V>(
  x: usize, row: usize, column: usize, down: usize, right: usize,
  d: usize, dRow: usize, dColumn: usize, outH: i32, outW: i32, dw: usize, bytes: usize,
): void {
  let c0 = splat<V>(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  let c8 = c0;
  for (let i = 0; i < outH; ++i) {
    let p = x + <usize>i * row;
    let e = d + <usize>i * dRow;
    for (let j = outW; j > 0; --j) {
      const g = load<V>(e);
      c0 = madd<V>(load<V>(p), g, c0);
      c1 = madd<V>(load<V>(p + right), g, c1);
      c2 = madd<V>(load<V>(p + 2 * right), g, c2);
      let q = p + down;
      c3 = madd<V>(load<V>(q), g, c3);
      c4 = madd<V>(load<V>(q + right), g, c4);
      c5 = madd<V>(load<V>(q + 2 * right), g, c5);
      q += down;
      c6 = madd<V>(load<V>(q), g, c6);
      c7 = madd<V>(load<V>(q + right), g, c7);
      c8 = madd<V>(load<V>(q + 2 * right), g, c8);
      p += column;
      e += dColumn;
    }
  }
  added<V>(dw, c0);
  added<V>(dw + bytes, c1);
  added<V>(dw + 2 * bytes, c2);
  added<V>(dw + 3 * bytes, c3);
  added<V>(dw + 4 * bytes, c4);
  added<V>(dw + 5 * bytes, c5);
  added<V>(dw + 6 * bytes, c6);
  added<V>(dw + 7 * bytes, c7);
  added<V>(dw + 8 * bytes, c8);
}

export function dw_weights_vector(
  x: usize, row: usize, column: usize, d: usize, dRow: usize, dColumn: usize, outH: i32, outW: i32, dw: usize,
): void {
  if (SIMD) weights<v128>(x, row, column, d, dRow, dColumn, outH, outW, dw);
}

export function dw_weights_float(
  x: usize, row: usize, column: usize, d: usize, dRow: usize, dColumn: usize, outH: i32, outW: i32, dw: usize,
): void {
  weights<f32>(x, row, column, d, dRow, dColumn, outH, outW, dw);
}

// @ts-ignore: decorator
@inline
function weights<V>(
  x: usize, row: usize, column: usize, d: usize, dRow: usize, dColumn: usize, outH: i32, outW: i32, dw: usize,
): void {
  let sum = splat<V>(0);
  for (let i = 0; i < outH; ++i) {
    let p = x + <usize>i * row;
    let e = d + <usize>i * dRow;
    for (let j = outW; j > 0; --j) {
      sum = madd<V>(load<V>(p), load<V>(e), sum);
      p += column;
      e += dColumn;
    }
  }
  added<V>(dw, sum);
}

// @ts-ignore: decorator
@inline
function added<V>(p: usize, x: V): void {
  store<V>(p, add<V>(load<V>(p), x));
}
