/**
 * y[0,c] = mean[c]·momentum + x[0,c]·(1 − momentum), y[1,c] = variance[c]·momentum + x[1,c]·factor·(1 − momentum)
 * x f32 [2, C]: mean, variance of the batch, C = inC · w f32 [mean C][variance C]: the averages so far · y f32 [2, C] · momentum = a, factor = b
 * one row unit: there is nothing to split; NaN passes
 * needs: all pointers % ALIGN = 0; reads and writes nothing past the tensors
 * scratch: none · error: |Δ| ≤ 5·2⁻²⁴·(|old·momentum| + |new·factor|)
 */
import { Step, expect_moving_average_f32 } from "./abi";
import { SIMD, add, lanes, mul, splat } from "./vec";

export function moving_average_f32(s: Step, y0: i32, y1: i32): void {
  expect_moving_average_f32(s, y0, y1);
  if (y0 >= y1) return;
  let c = 0;
  if (SIMD) c = channels<v128>(s, c);
  channels<f32>(s, c);
}

// @ts-ignore: decorator
@inline
function channels<V>(s: Step, c: i32): i32 {
  const C = s.inC;
  const momentum = splat<V>(s.a);
  const rest = splat<V>(1 - s.a);
  const factor = splat<V>(s.b);
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const mean = <usize>c * 4;
    const variance = mean + <usize>C * 4;
    const fresh = mul<V>(load<V>(s.x + variance), factor);
    store<V>(s.y + mean, add<V>(mul<V>(load<V>(s.w + mean), momentum), mul<V>(load<V>(s.x + mean), rest)));
    store<V>(s.y + variance, add<V>(mul<V>(load<V>(s.w + variance), momentum), mul<V>(fresh, rest)));
  }
  return c;
}
