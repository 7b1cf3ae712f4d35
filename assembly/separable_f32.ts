/**
 * y = pwconv_f32(dwconv_f32(x, w, lo2, hi2), w2, lo, hi), the depthwise result kept only for the few rows at work
 * x f32 [n,inH,inW,inC] NHWC · y f32 [n,outH,outW,outC] · w as in dwconv_f32 · w2 packed by pwconv_f32_pack with K = midC = inC·multiplier
 * row units are the n·outH image rows; [y0,y1) are written; taps outside the image count as 0
 * needs: all pointers % ALIGN = 0, tile a multiple of outW, y apart from x; writes nothing past y
 * scratch: s f32 [tile][midC] · error: the depthwise half's, through |w2|, and the pointwise half's
 * source: Howard et al. 2017 §3.1
 *
 * The depthwise half runs as dwconv3x3_f32 does where that one's limits allow, else as dwconv_f32; both halves give the bits of the unfused kernels.
 */
import { dwconv3x3_f32_row } from "./dwconv3x3_f32";
import { dwconv_f32_row } from "./dwconv_f32";
import { matrix_f32 } from "./pwconv_f32";
import { Step, expect_separable_f32, slides3x3 } from "./abi";

export function separable_f32(s: Step, y0: i32, y1: i32): void {
  expect_separable_f32(s, y0, y1);
  const narrow = slides3x3(s);
  const group = s.tile / s.outW;
  const midBytes = <usize>(s.outW * s.midC) * sizeof<f32>();
  const outBytes = <usize>(s.outW * s.outC) * sizeof<f32>();
  for (let r = y0; r < y1; ) {
    const end = min(r + group, y1);
    const y = s.y + <usize>r * outBytes;
    const pixels = (end - r) * s.outW;
    for (let d = s.s; r < end; ++r, d += midBytes) {
      if (narrow) dwconv3x3_f32_row(s, r, d, s.lo2, s.hi2);
      else dwconv_f32_row(s, r, d, s.lo2, s.hi2);
    }
    matrix_f32(s.s, pixels, s.midC, s.outC, s.w2, y, s.lo, s.hi);
  }
}
