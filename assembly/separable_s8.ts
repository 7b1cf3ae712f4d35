/**
 * y = pwconv_s8(dwconv_s8(x, w, zm, qlo2, qhi2), w2, zy, qlo, qhi), the depthwise result kept, in 16 bits, only for the few rows at work
 * x i8 [n,inH,inW,inC] NHWC · y i8 [n,outH,outW,outC] · w as in dwconv_s8 · w2 as in pwconv_s8, with midC = inC·multiplier for inC and zm for zx
 * row units are the n·outH image rows; [y0,y1) are written; taps outside the image count as zx
 * flags bits 0 and 1 as in dwconv_s8 and pwconv_s8
 * needs: all pointers % ALIGN = 0, tile a multiple of outW, y apart from x; writes nothing past y · exact: as both halves
 * scratch: s [i16: tile·M2][row sums i32: tile][432 bytes or, if more, 128 + 16·M2], each to a multiple of 16 bytes, M2 = midC rounded up to 2
 * source: Howard et al. 2017 §3.1
 */
import { dwconv_s8_rows } from "./dwconv_s8";
import { matrix_s8 } from "./pwconv_s8";
import { Step, expect_separable_s8, panelS8 } from "./abi";

export function separable_s8(s: Step, y0: i32, y1: i32): void {
  expect_separable_s8(s, y0, y1);
  const m2 = (s.midC + 1) & ~1;
  const group = s.tile / s.outW;
  const scratch = s.s + panelS8(s.tile, m2);
  for (let r = y0; r < y1; r += group) {
    const end = min(r + group, y1);
    const pixels = (end - r) * s.outW;
    dwconv_s8_rows(s, r, end, s.s, m2, true, scratch, s.zm, s.qlo2, s.qhi2);
    if (s.midC < m2) {
      for (let p = 0; p < pixels; ++p) store<i16>(s.s + <usize>(p * m2 + s.midC) * sizeof<i16>(), 0);
    }
    matrix_s8(s, pixels, m2, s.w2, s.zw2, s.y + <usize>(r * s.outW * s.outC));
  }
}
