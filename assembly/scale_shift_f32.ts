/**
 * y[r,c] = clamp(x[r,c]·scale[c] + shift[c], lo, hi)
 * x, y f32 [rows, C], a row being a pixel, C = inC · w f32 [scale C][shift C]; y may be x
 * rows [y0,y1) are written; NaN passes
 * needs: all pointers % ALIGN = 0; reads and writes nothing past the tensors
 * scratch: none · error: |Δ| ≤ 2·2⁻²⁴·(|x·scale| + |shift|)
 */
import { Step, expect_scale_shift_f32 } from "./abi";
import { SIMD, clamp, lanes, madd, splat } from "./vec";

export function scale_shift_f32(s: Step, y0: i32, y1: i32): void {
  expect_scale_shift_f32(s, y0, y1);
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
  const scale = s.w;
  const shift = s.w + <usize>C * 4;
  const lo = splat<V>(s.lo), hi = splat<V>(s.hi);
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const i = <usize>c * 4;
    store<V>(y + i, clamp<V>(madd<V>(load<V>(x + i), load<V>(scale + i), load<V>(shift + i)), lo, hi));
  }
  return c;
}
