/**
 * y[r,c] = (x[r,c] − mean[c])·(gamma[c]/√(variance[c] + epsilon)) + beta[c]
 * x, y f32 [rows, C], a row being a pixel, C = inC · x2 f32 [2, C]: mean, variance · w f32 [gamma C][beta C] · epsilon = a; y may be x
 * rows [y0,y1) are written; NaN passes
 * needs: all pointers % ALIGN = 0, variance + epsilon > 0; reads and writes nothing past the tensors
 * scratch: none · error: |Δ| ≤ 8·2⁻²⁴·(|x − mean|·|gamma|/√(variance + epsilon) + |beta|)
 */
import { Step } from "./step";
import { SIMD, add, div, lanes, madd, splat, sqrt, sub } from "./vec";

/** Pixels for which a channel's factor is computed once: many enough to hide the root, few enough to stay in the first cache. */
const TILE: i32 = 16;

export function normalise_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.x2 | g.w | g.y) & 15) == 0);
  for (let row = y0; row < y1; row += TILE) {
    const end = min<i32>(row + TILE, y1);
    let c = 0;
    if (SIMD) c = channels<v128>(g, row, end, c);
    channels<f32>(g, row, end, c);
  }
}

// @ts-ignore: decorator
@inline
function channels<V>(g: Step, row: i32, end: i32, c: i32): i32 {
  const C = g.inC;
  const pixel = <usize>C * 4;
  const epsilon = splat<V>(g.a);
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const i = <usize>c * 4;
    const mean = load<V>(g.x2 + i);
    const variance = load<V>(g.x2 + pixel + i);
    const scale = div<V>(load<V>(g.w + i), sqrt<V>(add<V>(variance, epsilon)));
    const beta = load<V>(g.w + pixel + i);
    let at = <usize>row * pixel + i;
    for (let r = row; r < end; ++r, at += pixel) {
      store<V>(g.y + at, madd<V>(sub<V>(load<V>(g.x + at), mean), scale, beta));
    }
  }
  return c;
}
