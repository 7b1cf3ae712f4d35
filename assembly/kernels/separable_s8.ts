/**
 * A depthwise and the pointwise convolution behind it in 8 bits: the depthwise result is kept, in 16 bits, only for
 * the few rows at work. What it asks of a step: docs/abi.md.
 * source: Howard et al. 2017 §3.1
 */
import { Step, expect_separable_s8, panelS8 } from "../abi";
import { dwconv_s8_rows } from "./dwconv_s8";
import { matrix_s8 } from "./pwconv_s8";

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
    matrix_s8(s, pixels, m2, s.w2, s.zw2, s.y + <usize>(r * s.outW * s.outC), 0, s.outC);
  }
}
