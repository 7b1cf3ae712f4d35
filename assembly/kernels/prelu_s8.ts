/**
 * A rectifier with a factor per channel for what is negative, in 8 bits. What it asks of a step: docs/abi.md.
 */
import { Step, expect_prelu_s8 } from "../abi";
import { requantize } from "../lib/requantize";

export function prelu_s8(s: Step, y0: i32, y1: i32): void {
  expect_prelu_s8(s, y0, y1);
  const C = s.inC;
  for (let row = y0; row < y1; ++row) {
    const at = <usize>row * <usize>C;
    for (let c: usize = 0; c < <usize>C; ++c) {
      const x = <i32>load<i8>(s.x + at + c) - s.zx;
      const y =
        x >= 0
          ? requantize(x, s.m1, s.e1, s.zy, -128, 127)
          : requantize(x * (<i32>load<i8>(s.w + c) - s.zw), s.m2, s.e2, s.zy, -128, 127);
      store<i8>(s.y + at + c, <i8>y);
    }
  }
}
