/** Softmax of rows. What it asks of a step: docs/abi.md. */
import { Step, expect_softmax_f32 } from "../abi";
import { exp } from "../lib/exp";
import { SIMD, div, mul, splat, storeWithin, sub } from "../simd/f32";

export function softmax_f32(s: Step, y0: i32, y1: i32): void {
  expect_softmax_f32(s, y0, y1);
  const bytes = <usize>s.inC * 4;
  for (let row = y0; row < y1; ++row) {
    const x = s.x + <usize>row * bytes;
    const y = s.y + <usize>row * bytes;
    let top = load<f32>(x);
    for (let i: usize = 4; i < bytes; i += 4) top = max<f32>(top, load<f32>(x + i));

    if (SIMD) exponentials<v128>(x, y, bytes, top, s.a);
    else exponentials<f32>(x, y, bytes, top, s.a);

    let sum: f64 = 0;
    for (let i: usize = 0; i < bytes; i += 4) sum += <f64>load<f32>(y + i);

    let i: usize = 0;
    if (SIMD) i = quotients<v128>(y, i, bytes, <f32>sum);
    quotients<f32>(y, i, bytes, <f32>sum);
  }
}

// @ts-ignore: decorator
@inline
function exponentials<V>(x: usize, y: usize, end: usize, top: f32, beta: f32): void {
  for (let i: usize = 0; i < end; i += sizeof<V>()) {
    const value = exp<V>(mul<V>(splat<V>(beta), sub<V>(load<V>(x + i), splat<V>(top))));
    storeWithin<V>(y + i, value, end - i);
  }
}

// @ts-ignore: decorator
@inline
function quotients<V>(y: usize, i: usize, end: usize, sum: f32): usize {
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) store<V>(y + i, div<V>(load<V>(y + i), splat<V>(sum)));
  return i;
}
