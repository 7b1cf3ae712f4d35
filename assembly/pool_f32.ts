/**
 * maxpool_f32: y[n,oy,ox,c] = clamp(max_{ky,kx} x[n, oy·sH+ky−pT, ox·sW+kx−pL, c], lo, hi)
 * avgpool_f32: y[n,oy,ox,c] = clamp((Σ_{ky,kx} x[…])/count, lo, hi), count = taps inside the image
 * x f32 [n,inH,inW,C] NHWC, C = inC · y f32 [n,outH,outW,C]
 * rows [y0,y1) of n·outH are written; taps outside the image are left out (of a window without any: −∞, 0); NaN passes
 * needs: all pointers % ALIGN = 0, strides ≥ 1, padT ≥ 0, padL ≥ 0; reads and writes nothing past x and y
 * scratch: none · error: max exact; mean |Δ| ≤ (kH·kW)·2⁻²⁴·Σ|x|/count
 */
import { Step, expect_avgpool_f32, expect_maxpool_f32 } from "./abi";
import { SIMD, add, clamp, div, lanes, maximum, splat } from "./vec";

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

/** Channels from c0 on, as many as fill whole V's; answers with the first one not done. `mean` is a literal: both bodies come out of this one. */
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
          for (let kx = left; kx < right; ++kx, p += pixel) {
            acc = mean ? add<V>(acc, load<V>(p)) : maximum<V>(acc, load<V>(p));
          }
        }
        if (mean) acc = div<V>(acc, count);
        store<V>(y + <usize>c * 4, clamp<V>(acc, lo, hi));
      }
    }
  }
  return end;
}
