/**
 * y[oy,ox,o] = clamp(b[o] + Σ_{ky,kx,i} x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, i]·w[ky,kx,i,o], lo, hi)
 * x f32 [n,inH,inW,inC] NHWC · y f32 [n,outH,outW,outC] · w packed by pwconv_f32_pack with K = kH·kW·inC; any size, stride, dilation
 * row units are the n·outH image rows; [y0,y1) are written; taps outside the image count as 0
 * needs: all pointers % ALIGN = 0, y apart from x; writes nothing past y
 * scratch: s f32 [tile][K]: the windows of `tile` output pixels, one a row · error: |Δ| ≤ (K+1)·2⁻²⁴·(|b| + Σ|x·w|)
 * source: Chellapilla et al. 2006 (windows to matrix rows), a tile at a time
 */
import { firstTap, lastTap } from "./dwconv_f32";
import { matrix_f32 } from "./pwconv_f32";
import { Step } from "./step";
import { SIMD, splat } from "./vec";

export function conv_f32(step: usize, y0: i32, y1: i32): void {
  const s = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= s.rows && s.rows == s.n * s.outH && s.tile > 0);
  assert(((s.x | s.w | s.y | s.s) & 15) == 0);
  const k = s.kH * s.kW * s.inC;
  const last = y1 * s.outW;
  for (let p = y0 * s.outW; p < last; p += s.tile) {
    const pixels = min(s.tile, last - p);
    conv_f32_windows(step, p, pixels);
    matrix_f32(s.s, pixels, k, s.outC, s.w, s.y + <usize>(p * s.outC) * sizeof<f32>(), s.lo, s.hi);
  }
}

/** Copies the windows of `pixels` output pixels from pixel p on (counted over the whole batch) into the scratch, taps outside the image as zeros. */
export function conv_f32_windows(step: usize, p: i32, pixels: i32): void {
  const s = changetype<Step>(step);
  const channels = s.inC;
  const kW = s.kW;
  const rowBytes = <usize>(s.inW * channels) * sizeof<f32>();
  let d = s.s;
  let r = p / s.outW;
  let ox = p - r * s.outW;
  for (; pixels > 0; --pixels) {
    const image = r / s.outH;
    const iy = (r - image * s.outH) * s.strideH - s.padT;
    const ix = ox * s.strideW - s.padL;
    const kx0 = min(firstTap(ix, s.dilationW), kW);
    const kx1 = max(lastTap(ix, s.dilationW, kW, s.inW), kx0);
    const x = s.x + <usize>(((image * s.inH + iy) * s.inW + ix + kx0 * s.dilationW) * channels) * sizeof<f32>();
    for (let ky = 0, y = iy; ky < s.kH; ++ky, y += s.dilationH) {
      if (<u32>y >= <u32>s.inH) {
        d = zero(d, kW * channels);
        continue;
      }
      let row = x + <usize>(y - iy) * rowBytes;
      d = zero(d, kx0 * channels);
      if (s.dilationW == 1) {
        d = copy(d, row, (kx1 - kx0) * channels);
      } else {
        for (let kx = kx0; kx < kx1; ++kx) {
          d = copy(d, row, channels);
          row += <usize>(s.dilationW * channels) * sizeof<f32>();
        }
      }
      d = zero(d, (kW - kx1) * channels);
    }
    if (++ox == s.outW) {
      ox = 0;
      ++r;
    }
  }
}

/** Writes `count` zeros; returns the address behind them. */
// @ts-ignore: decorator
@inline
function zero(d: usize, count: i32): usize {
  if (SIMD) {
    for (; count >= 4; count -= 4) {
      store<v128>(d, splat<v128>(0));
      d += 16;
    }
  }
  for (; count > 0; --count) {
    store<f32>(d, 0);
    d += sizeof<f32>();
  }
  return d;
}

/** Copies `count` floats; returns the address behind them. */
// @ts-ignore: decorator
@inline
function copy(d: usize, x: usize, count: i32): usize {
  if (SIMD) {
    for (; count >= 4; count -= 4) {
      store<v128>(d, load<v128>(x));
      d += 16;
      x += 16;
    }
  }
  for (; count > 0; --count) {
    store<f32>(d, load<f32>(x));
    d += sizeof<f32>();
    x += sizeof<f32>();
  }
  return d;
}
