/** Rows of 4-byte elements from one pitch to another. What it asks of a step: docs/abi.md. */
import { Step, expect_copy } from "../abi";
import { copyRow } from "../lib/copy";

export function copy(s: Step, y0: i32, y1: i32): void {
  expect_copy(s, y0, y1);
  const bytes = <usize>s.inC * 4;
  if (s.xPitch == s.inC && s.yPitch == s.inC) {
    memory.copy(s.y + <usize>y0 * bytes, s.x + <usize>y0 * bytes, <usize>(y1 - y0) * bytes);
    return;
  }
  for (let row = y0; row < y1; ++row) {
    copyRow(s.y + <usize>row * <usize>s.yPitch * 4, s.x + <usize>row * <usize>s.xPitch * 4, bytes);
  }
}
