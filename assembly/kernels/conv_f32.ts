/**
 * Convolution, by way of a matrix: the windows of a tile of output pixels go to the scratch, one per row, and the
 * matrix kernel of pwconv_f32 multiplies them. What it asks of a step: docs/abi.md. source: Chellapilla et al. 2006
 * (windows to matrix rows), a tile at a time
 */
import { Step, expect_conv_f32 } from "../abi";
import { copyFloats, zeroFloats } from "../lib/copy";
import { firstTap, lastTap } from "../lib/taps";
import { matrix_f32 } from "./pwconv_f32";

export function conv_f32(s: Step, y0: i32, y1: i32): void {
  expect_conv_f32(s, y0, y1);
  const k = s.kH * s.kW * s.inC;
  const last = y1 * s.outW;
  for (let p = y0 * s.outW; p < last; p += s.tile) {
    const pixels = min(s.tile, last - p);
    conv_f32_windows(s, p, pixels);
    matrix_f32(s.s, pixels, k, s.outC, s.w, s.y + <usize>(p * s.outC) * sizeof<f32>(), s.lo, s.hi);
  }
}

/**
 * Copies the windows of `pixels` output pixels from pixel p on (counted over the whole batch) into the scratch, taps
 * outside the image as zeros.
 */
export function conv_f32_windows(s: Step, p: i32, pixels: i32): void {
  const outW = s.outW;
  const outH = s.outH;
  const windowBytes = <usize>(s.kH * s.kW * s.inC) * sizeof<f32>();
  let d = s.s;
  let r = p / outW;
  let ox = p - r * outW;
  while (pixels > 0) {
    const image = r / outH;
    const width = min(pixels, outW - ox);
    conv_f32_windows_row(s, image, (r - image * outH) * s.strideH - s.padT, ox, width, d);
    d += <usize>width * windowBytes;
    pixels -= width;
    ox = 0;
    ++r;
  }
}

/** Windows of the output pixels ox … ox+width of one image row, whose first taps lie in row iy of the input. */
export function conv_f32_windows_row(s: Step, image: i32, iy: i32, ox: i32, width: i32, d: usize): void {
  const channels = s.inC;
  const kH = s.kH;
  const kW = s.kW;
  const inH = s.inH;
  const inW = s.inW;
  const dilationH = s.dilationH;
  const dilationW = s.dilationW;
  const pixelBytes = <usize>channels * sizeof<f32>();
  const rowBytes = <usize>inW * pixelBytes;
  const top = s.x + <usize>(image * inH + iy) * rowBytes;
  const inside = dilationW == 1 && iy >= 0 && iy + (kH - 1) * dilationH < inH;
  for (const end = ox + width; ox < end; ++ox) {
    const ix = ox * s.strideW - s.padL;
    if (inside && ix >= 0 && ix + kW <= inW) {
      let row = top + <usize>ix * pixelBytes;
      for (let ky = kH; ky > 0; --ky) {
        d = copyFloats(d, row, kW * channels);
        row += <usize>dilationH * rowBytes;
      }
      continue;
    }
    const kx0 = min(firstTap(ix, dilationW), kW);
    const kx1 = max(lastTap(ix, dilationW, kW, inW), kx0);
    for (let ky = 0, y = iy; ky < kH; ++ky, y += dilationH) {
      if (<u32>y >= <u32>inH) {
        d = zeroFloats(d, kW * channels);
        continue;
      }
      let x = top + <usize>(y - iy) * rowBytes + <usize>(ix + kx0 * dilationW) * pixelBytes;
      d = zeroFloats(d, kx0 * channels);
      for (let kx = kx0; kx < kx1; ++kx) {
        d = copyFloats(d, x, channels);
        x += <usize>dilationW * pixelBytes;
      }
      d = zeroFloats(d, (kW - kx1) * channels);
    }
  }
}
