/**
 * y[oy,ox,o] = clamp(MBQM(b[o] + Σ (w[ky,kx,i,o] − zw)·(x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, i] − zx), m[o], e[o]) + zy, qlo, qhi)
 * x i8 [n,inH,inW,inC] NHWC · y i8 [n,outH,outW,outC] · w as in pwconv_s8 with kH·kW·inC in the place of inC; any size, stride, dilation
 * row units are the n·outH image rows; [y0,y1) are written; taps outside the image count as zx
 * flags, needs, exact: as pwconv_s8 · scratch: as pwconv_s8, the windows of `tile` output pixels
 * source: Chellapilla et al. 2006 (windows to matrix rows), a tile at a time
 */
import { firstTap, lastTap } from "./dwconv_f32";
import { matrix_s8 } from "./pwconv_s8";
import { Step, expect_conv_s8 } from "./abi";
import { SIMD } from "./vec";
import { fill16, widen, widenPast } from "./vec8";

export function conv_s8(s: Step, y0: i32, y1: i32): void {
  expect_conv_s8(s, y0, y1);
  const k2 = (s.kH * s.kW * s.inC + 1) & ~1;
  const last = y1 * s.outW;
  for (let p = y0 * s.outW; p < last; p += s.tile) {
    const pixels = min(s.tile, last - p);
    conv_s8_windows(s, p, pixels, k2);
    matrix_s8(s, pixels, k2, s.w, s.zw, s.y + <usize>(p * s.outC));
  }
}

/** Widens the windows of `pixels` output pixels from pixel p on (counted over the whole batch) into the scratch. */
export function conv_s8_windows(s: Step, p: i32, pixels: i32, k2: i32): void {
  const channels = s.inC;
  const rowBytes = s.inW * channels;
  let d = s.s;
  const run = s.kW * channels;
  const down = <usize>(s.dilationH * rowBytes);
  let r = p / s.outW;
  let ox = p - r * s.outW;
  let image = r / s.outH;
  let iy = (r - image * s.outH) * s.strideH - s.padT;
  for (; pixels > 0; --pixels, ++ox) {
    if (ox == s.outW) {
      ox = 0;
      image = ++r / s.outH;
      iy = (r - image * s.outH) * s.strideH - s.padT;
    }
    const ix = ox * s.strideW - s.padL;
    const end = d + <usize>k2 * sizeof<i16>();
    if (s.dilationW == 1 && ix >= 0 && ix + s.kW <= s.inW && iy >= 0 && iy + (s.kH - 1) * s.dilationH < s.inH) {
      // What is written past a run of values is written anew by the next one, or belongs to the row sums, which come later.
      let x = s.x + <usize>((image * s.inH + iy) * rowBytes + ix * channels);
      if (SIMD && run <= 16) {
        for (let ky = s.kH; ky > 0; --ky, x += down, d += 2 * run) {
          v128.store(d, v128.load_ext<i8>(x));
          v128.store(d, v128.load_ext<i8>(x, 8), 16);
        }
      } else {
        for (let ky = s.kH; ky > 0; --ky, x += down) d = widenPast(d, x, run);
      }
      if (d < end) store<i16>(d, 0);
      d = end;
      continue;
    }
    const kx0 = min(firstTap(ix, s.dilationW), s.kW);
    const kx1 = max(lastTap(ix, s.dilationW, s.kW, s.inW), kx0);
    for (let ky = 0, y = iy; ky < s.kH; ++ky, y += s.dilationH) {
      if (<u32>y >= <u32>s.inH) {
        d = fill16(d, s.zx, s.kW * channels);
        continue;
      }
      d = fill16(d, s.zx, kx0 * channels);
      let x = s.x + <usize>((image * s.inH + y) * rowBytes + (ix + kx0 * s.dilationW) * channels);
      if (s.dilationW == 1) d = widen(d, x, (kx1 - kx0) * channels);
      else {
        for (let kx = kx0; kx < kx1; ++kx, x += s.dilationW * channels) d = widen(d, x, channels);
      }
      d = fill16(d, s.zx, (s.kW - kx1) * channels);
    }
    if (d < end) store<i16>(d, 0);
    d = end;
  }
}
