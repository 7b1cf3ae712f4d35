/**
 * A rectifier with a factor per channel for what is negative. Both sides are computed and one is taken, so that no lane
 * waits for another. What it asks of a step: docs/abi.md.
 */
import { Step, expect_prelu_f32 } from "../abi";
import { SIMD, lanes, mul, whereNegative } from "../simd/f32";

export function prelu_f32(s: Step, y0: i32, y1: i32): void {
  expect_prelu_f32(s, y0, y1);
  const C = s.inC;
  for (let row = y0; row < y1; ++row) {
    const at = <usize>row * <usize>C * 4;
    let c = 0;
    if (SIMD) c = channels<v128>(s, at, c);
    channels<f32>(s, at, c);
  }
}

// @ts-ignore: decorator
@inline
function channels<V>(s: Step, at: usize, c: i32): i32 {
  const C = s.inC;
  const x = s.x + at;
  const y = s.y + at;
  const alpha = s.w;
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const i = <usize>c * 4;
    const value = load<V>(x + i);
    store<V>(y + i, whereNegative<V>(value, mul<V>(load<V>(alpha + i), value), value));
  }
  return c;
}
