/**
 * y[r,c] = clamp(x[r,c]·scale[c] + shift[c], lo, hi)
 * x, y f32 [rows, C], a row being a pixel, C = inC · w f32 [scale C][shift C]; y may be x
 * rows [y0,y1) are written; NaN passes
 * needs: all pointers % ALIGN = 0; reads and writes nothing past the tensors
 * scratch: none · error: |Δ| ≤ 2·2⁻²⁴·(|x·scale| + |shift|)
 */
import { Step } from "./step";
import { SIMD, clamp, lanes, madd, splat } from "./vec";

export function scale_shift_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.w | g.y) & 15) == 0);
  const C = g.inC;
  for (let row = y0; row < y1; ++row) {
    const at = <usize>row * <usize>C * 4;
    let c = 0;
    if (SIMD) c = channels<v128>(g, at, c);
    channels<f32>(g, at, c);
  }
}

// @ts-ignore: decorator
@inline
function channels<V>(g: Step, at: usize, c: i32): i32 {
  const C = g.inC;
  const x = g.x + at;
  const y = g.y + at;
  const scale = g.w;
  const shift = g.w + <usize>C * 4;
  const lo = splat<V>(g.lo), hi = splat<V>(g.hi);
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const i = <usize>c * 4;
    store<V>(y + i, clamp<V>(madd<V>(load<V>(x + i), load<V>(scale + i), load<V>(shift + i)), lo, hi));
  }
  return c;
}
