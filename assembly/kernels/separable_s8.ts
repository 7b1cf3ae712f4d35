/**
 * A depthwise and the pointwise convolution behind it in 8 bits: the depthwise result is kept, as the product
 * takes it, only for the few rows at work. What it asks of a step: docs/abi.md.
 * source: Howard et al. 2017 §3.1
 */
import { Step, expect_separable_s8, panelS8 } from "../abi";
import { dwconv_s8_rows } from "./dwconv_s8";
import { byFours, flipOf, matrix_s8 } from "./pwconv_s8";

export function separable_s8(s: Step, y0: i32, y1: i32): void {
  expect_separable_s8(s, y0, y1);
  const m4 = (s.midC + 3) & ~3;
  const wide = !byFours(s);
  const flip = wide ? 0 : flipOf(s.product);
  const group = s.tile / s.outW;
  const scratch = s.s + panelS8(s.tile, m4);
  for (let r = y0; r < y1; r += group) {
    const end = min(r + group, y1);
    const pixels = (end - r) * s.outW;
    // What lies between the rows of the panel meets weights of 0.
    dwconv_s8_rows(s, r, end, s.s, m4, wide, flip, scratch, s.zm, s.qlo2, s.qhi2);
    matrix_s8(s, pixels, s.midC, s.w2, s.zw2, s.y + <usize>(r * s.outW * s.outC), 0, s.outC);
  }
}
