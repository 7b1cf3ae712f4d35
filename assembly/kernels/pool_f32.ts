/** Pools: maxpool_f32, avgpool_f32. What they ask of a step: docs/abi.md. */
import { Step, expect_avgpool_f32, expect_maxpool_f32 } from "../abi";
import { SIMD, add, clamp, div, lanes, maximum, splat } from "../simd/f32";

export function maxpool_f32(s: Step, y0: i32, y1: i32): void {
  expect_maxpool_f32(s, y0, y1);
  let c = 0;
  if (SIMD) c = channels<v128>(s, y0, y1, c, false);
  channels<f32>(s, y0, y1, c, false);
}

export function avgpool_f32(s: Step, y0: i32, y1: i32): void {
  expect_avgpool_f32(s, y0, y1);
  let c = 0;
  if (SIMD) c = channels<v128>(s, y0, y1, c, true);
  channels<f32>(s, y0, y1, c, true);
}

/**
 * Channels from c0 on, as many as fill whole V's; answers with the first one not done. `mean` is a literal: both bodies
 * come out of this one.
 */
// @ts-ignore: decorator
@inline
function channels<V>(s: Step, y0: i32, y1: i32, c0: i32, mean: bool): i32 {
  const C = s.inC;
  const outH = s.outH;
  const outW = s.outW;
  const pixel = <usize>C * 4;
  const line = <usize>s.inW * pixel;
  const lo = splat<V>(s.lo);
  const hi = splat<V>(s.hi);
  const end = C - (C - c0) % lanes<V>();
  if (end == c0) return c0;
  for (let row = y0; row < y1; ++row) {
    const iy = (row % outH) * s.strideH - s.padT;
    const top = max<i32>(iy, 0);
    const bottom = min<i32>(iy + s.kH, s.inH);
    const image = s.x + <usize>(row / outH) * <usize>s.inH * line;
    for (let ox = 0; ox < outW; ++ox) {
      const ix = ox * s.strideW - s.padL;
      const left = max<i32>(ix, 0);
      const right = min<i32>(ix + s.kW, s.inW);
      const count = splat<V>(<f32>max<i32>(1, (bottom - top) * (right - left)));
      const y = s.y + (<usize>row * outW + ox) * pixel;
      for (let c = c0; c < end; c += lanes<V>()) {
        let acc = splat<V>(mean ? <f32>0 : -Infinity);
        for (let ky = top; ky < bottom; ++ky) {
          let p = image + <usize>ky * line + <usize>left * pixel + <usize>c * 4;
          // Each row is summed up by itself: one sum over a window as large as an image would lose digits.
          let each = mean ? splat<V>(0) : acc;
          for (let kx = left; kx < right; ++kx, p += pixel) {
            each = mean ? add<V>(each, load<V>(p)) : maximum<V>(each, load<V>(p));
          }
          acc = mean ? add<V>(acc, each) : each;
        }
        if (mean) acc = div<V>(acc, count);
        store<V>(y + <usize>c * 4, clamp<V>(acc, lo, hi));
      }
    }
  }
  return end;
}
