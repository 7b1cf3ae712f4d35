/** Means of whole images, a channel each. What it asks of a step: docs/abi.md. */
import { Step, expect_gap_f32 } from "../abi";
import { SIMD, add, div, lanes, splat } from "../simd/f32";

export function gap_f32(s: Step, y0: i32, y1: i32): void {
  expect_gap_f32(s, y0, y1);
  for (let n = y0; n < y1; ++n) {
    const x = s.x + <usize>n * <usize>s.inH * <usize>s.inW * <usize>s.inC * 4;
    const y = s.y + <usize>n * <usize>s.inC * 4;
    let c = 0;
    if (SIMD) {
      c = four<v128>(s, x, y, c);
      c = one<v128>(s, x, y, c);
    } else c = four<f32>(s, x, y, c);
    one<f32>(s, x, y, c);
  }
}

/** Four V's of channels at a time (with v128 a whole cache line) from c on; answers with the first channel not done. */
// @ts-ignore: decorator
@inline
function four<V>(s: Step, x: usize, y: usize, c: i32): i32 {
  const pixel = <usize>s.inC * 4;
  const count = splat<V>(<f32>(s.inH * s.inW));
  for (; c + 4 * lanes<V>() <= s.inC; c += 4 * lanes<V>()) {
    let sum0 = splat<V>(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let p = x + <usize>c * 4;
    for (let iy = 0; iy < s.inH; ++iy) {
      let row0 = splat<V>(0), row1 = row0, row2 = row0, row3 = row0;
      for (let ix = 0; ix < s.inW; ++ix, p += pixel) {
        row0 = add<V>(row0, load<V>(p));
        row1 = add<V>(row1, load<V>(p + sizeof<V>()));
        row2 = add<V>(row2, load<V>(p + 2 * sizeof<V>()));
        row3 = add<V>(row3, load<V>(p + 3 * sizeof<V>()));
      }
      sum0 = add<V>(sum0, row0);
      sum1 = add<V>(sum1, row1);
      sum2 = add<V>(sum2, row2);
      sum3 = add<V>(sum3, row3);
    }
    const q = y + <usize>c * 4;
    store<V>(q, div<V>(sum0, count));
    store<V>(q + sizeof<V>(), div<V>(sum1, count));
    store<V>(q + 2 * sizeof<V>(), div<V>(sum2, count));
    store<V>(q + 3 * sizeof<V>(), div<V>(sum3, count));
  }
  return c;
}

// @ts-ignore: decorator
@inline
function one<V>(s: Step, x: usize, y: usize, c: i32): i32 {
  const pixel = <usize>s.inC * 4;
  const count = splat<V>(<f32>(s.inH * s.inW));
  for (; c + lanes<V>() <= s.inC; c += lanes<V>()) {
    let sum = splat<V>(0);
    let p = x + <usize>c * 4;
    for (let iy = 0; iy < s.inH; ++iy) {
      let row = splat<V>(0);
      for (let ix = 0; ix < s.inW; ++ix, p += pixel) row = add<V>(row, load<V>(p));
      sum = add<V>(sum, row);
    }
    store<V>(y + <usize>c * 4, div<V>(sum, count));
  }
  return c;
}
