/**
 * y[r,c] = exp(beta·(x[r,c] − m)) / Σ_k exp(beta·(x[r,k] − m)), m = max_k x[r,k]
 * x, y f32 [rows, C], C = inC · beta = a; y may be x
 * rows [y0,y1) are written; a row with NaN or +∞ in it becomes all NaN
 * needs: all pointers % ALIGN = 0, beta > 0; reads and writes nothing past the tensors. All variants give the same bits: the sum runs in f64, one by one
 * scratch: none · error: |Δ| ≤ (6 + 2·beta·(m − x[r,c]))·2⁻²⁴·y plus the like of the sum's terms
 */
import { exp } from "./exp";
import { Step, expect_softmax_f32 } from "./abi";
import { SIMD, div, mul, splat, sub } from "./vec";

export function softmax_f32(s: Step, y0: i32, y1: i32): void {
  expect_softmax_f32(s, y0, y1);
  const bytes = <usize>s.inC * 4;
  for (let row = y0; row < y1; ++row) {
    const x = s.x + <usize>row * bytes;
    const y = s.y + <usize>row * bytes;
    let top = load<f32>(x);
    for (let i: usize = 4; i < bytes; i += 4) top = max<f32>(top, load<f32>(x + i));

    let i: usize = 0;
    if (SIMD) i = exponentials<v128>(x, y, i, bytes, top, s.a);
    exponentials<f32>(x, y, i, bytes, top, s.a);

    let sum: f64 = 0;
    for (let i: usize = 0; i < bytes; i += 4) sum += <f64>load<f32>(y + i);

    i = 0;
    if (SIMD) i = quotients<v128>(y, i, bytes, <f32>sum);
    quotients<f32>(y, i, bytes, <f32>sum);
  }
}

// @ts-ignore: decorator
@inline
function exponentials<V>(x: usize, y: usize, i: usize, end: usize, top: f32, beta: f32): usize {
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    store<V>(y + i, exp<V>(mul<V>(splat<V>(beta), sub<V>(load<V>(x + i), splat<V>(top)))));
  }
  return i;
}

// @ts-ignore: decorator
@inline
function quotients<V>(y: usize, i: usize, end: usize, sum: f32): usize {
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) store<V>(y + i, div<V>(load<V>(y + i), splat<V>(sum)));
  return i;
}
