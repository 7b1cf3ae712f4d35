/**
 * y[oy,ox,c·m+j] = clamp(b[c·m+j] + Σ_{ky,kx} x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, c]·w[ky,kx,c·m+j], lo, hi)
 * x f32 [n,inH,inW,C] NHWC · y f32 [n,outH,outW,C·m] · w [bias: C·m][kH·kW taps: C·m]; any size, stride, dilation, multiplier m ≥ 1
 * row units are the n·outH image rows; [y0,y1) are written; taps outside the image count as 0
 * needs: all pointers % ALIGN = 0; writes nothing past y
 * scratch: none · error: |Δ| ≤ (kH·kW+1)·2⁻²⁴·(|b| + Σ|x·w|)
 * source: Howard et al. 2017 §3.1
 */
import { Step } from "./step";
import { SIMD, clamp, loadSplat, madd, splat } from "./vec";

export function dwconv_f32(step: usize, y0: i32, y1: i32): void {
  const s = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= s.rows && s.rows == s.n * s.outH);
  assert(((s.x | s.w | s.y) & 15) == 0);
  const pitch = <usize>(s.outW * s.inC * s.multiplier) * sizeof<f32>();
  for (let r = y0; r < y1; ++r) dwconv_f32_row(step, r, s.y + <usize>r * pitch, s.lo, s.hi);
}

/** First tap whose position start + tap·dilation is not negative. */
// @ts-ignore: decorator
@inline
export function firstTap(start: i32, dilation: i32): i32 {
  return start < 0 ? (dilation - 1 - start) / dilation : 0;
}

/** One past the last of `count` taps whose position lies below `size`. */
// @ts-ignore: decorator
@inline
export function lastTap(start: i32, dilation: i32, count: i32, size: i32): i32 {
  return start < size ? min(count, (size - 1 - start) / dilation + 1) : 0;
}

/** Row unit r of the output to y [outW,C·m]. Exported so that it stays a function of its own (see pwconv_f32). */
export function dwconv_f32_row(step: usize, r: i32, y: usize, lo: f32, hi: f32): void {
  const s = changetype<Step>(step);
  assert(s.inC > 0 && s.multiplier > 0 && s.kH > 0 && s.kW > 0 && s.dilationH > 0 && s.dilationW > 0);
  const image = r / s.outH;
  const iy = (r - image * s.outH) * s.strideH - s.padT;
  const ky0 = firstTap(iy, s.dilationH);
  const ky1 = lastTap(iy, s.dilationH, s.kH, s.inH);
  const rowBytes = <usize>(s.inW * s.inC) * sizeof<f32>();
  const top = s.x + <usize>(image * s.inH + iy + ky0 * s.dilationH) * rowBytes;
  const outBytes = <usize>(s.inC * s.multiplier) * sizeof<f32>();
  for (let ox = 0; ox < s.outW; ++ox) {
    const ix = ox * s.strideW - s.padL;
    const kx0 = firstTap(ix, s.dilationW);
    const kx1 = lastTap(ix, s.dilationW, s.kW, s.inW);
    const x = top + <usize>((ix + kx0 * s.dilationW) * s.inC) * sizeof<f32>();
    const taps = s.w + <usize>(1 + ky0 * s.kW + kx0) * outBytes;
    dwconv_f32_pixel(step, x, taps, max(ky1 - ky0, 0), max(kx1 - kx0, 0), y, lo, hi);
    y += outBytes;
  }
}

/** One pixel: x and w are at its first tap inside the image, `rows` × `columns` taps lie inside. */
export function dwconv_f32_pixel(step: usize, x: usize, w: usize, rows: i32, columns: i32, y: usize, lo: f32, hi: f32): void {
  const s = changetype<Step>(step);
  const channels = s.inC;
  const multiplier = s.multiplier;
  const outBytes = <usize>(channels * multiplier) * sizeof<f32>();
  const xStep = <usize>(s.dilationW * channels) * sizeof<f32>();
  const xRow = <usize>(s.dilationH * s.inW * channels) * sizeof<f32>() - <usize>columns * xStep;
  const wRow = <usize>(s.kW - columns) * outBytes;
  if (multiplier == 1) {
    let c = 0;
    if (SIMD) {
      for (; c + 4 <= channels; c += 4) {
        const o = <usize>c * sizeof<f32>();
        sum<v128>(x + o, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, false);
      }
    }
    for (; c < channels; ++c) {
      const o = <usize>c * sizeof<f32>();
      sum<f32>(x + o, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, false);
    }
    return;
  }
  let o: usize = 0;
  for (let c = 0; c < channels; ++c) {
    let m = 0;
    if (SIMD) {
      for (; m + 4 <= multiplier; m += 4) {
        sum<v128>(x, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, true);
        o += 4 * sizeof<f32>();
      }
    }
    for (; m < multiplier; ++m) {
      sum<f32>(x, xStep, xRow, w + o, outBytes, wRow, rows, columns, s.w + o, y + o, lo, hi, true);
      o += sizeof<f32>();
    }
    x += sizeof<f32>();
  }
}

/** One vector of outputs over all its taps; `broadcast`: its lanes share one input channel. */
// @ts-ignore: decorator
@inline
function sum<V>(
  x: usize, xStep: usize, xRow: usize, w: usize, wStep: usize, wRow: usize,
  rows: i32, columns: i32, bias: usize, y: usize, lo: f32, hi: f32, broadcast: bool,
): void {
  let acc = load<V>(bias);
  for (let i = rows; i > 0; --i) {
    for (let j = columns; j > 0; --j) {
      acc = madd<V>(broadcast ? loadSplat<V>(x) : load<V>(x), load<V>(w), acc);
      x += xStep;
      w += wStep;
    }
    x += xRow;
    w += wRow;
  }
  store<V>(y, clamp<V>(acc, splat<V>(lo), splat<V>(hi)));
}
