/**
 * y[0,c] = mean[c]·momentum + x[0,c]·(1 − momentum), y[1,c] = variance[c]·momentum + x[1,c]·factor·(1 − momentum)
 * x f32 [2, C]: mean, variance of the batch, C = inC · w f32 [mean C][variance C]: the averages so far · y f32 [2, C] · momentum = a, factor = b
 * one row unit: there is nothing to split; NaN passes
 * needs: all pointers % ALIGN = 0; reads and writes nothing past the tensors
 * scratch: none · error: |Δ| ≤ 5·2⁻²⁴·(|old·momentum| + |new·factor|)
 */
import { Step } from "./step";
import { SIMD, add, lanes, mul, splat } from "./vec";

export function moving_average_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.w | g.y) & 15) == 0);
  if (y0 >= y1) return;
  let c = 0;
  if (SIMD) c = channels<v128>(g, c);
  channels<f32>(g, c);
}

// @ts-ignore: decorator
@inline
function channels<V>(g: Step, c: i32): i32 {
  const C = g.inC;
  const momentum = splat<V>(g.a);
  const rest = splat<V>(1 - g.a);
  const factor = splat<V>(g.b);
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const mean = <usize>c * 4;
    const variance = mean + <usize>C * 4;
    const fresh = mul<V>(load<V>(g.x + variance), factor);
    store<V>(g.y + mean, add<V>(mul<V>(load<V>(g.w + mean), momentum), mul<V>(load<V>(g.x + mean), rest)));
    store<V>(g.y + variance, add<V>(mul<V>(load<V>(g.w + variance), momentum), mul<V>(fresh, rest)));
  }
  return c;
}
