/** Constants as values, of elements of 4 bytes. What it asks of a step: docs/abi.md. */
import { Step, expect_constant } from "../abi";

export function constant(s: Step, y0: i32, y1: i32): void {
  expect_constant(s, y0, y1);
  const row = <usize>s.inC * 4;
  memory.copy(s.y + <usize>y0 * row, s.w + <usize>y0 * row, <usize>(y1 - y0) * row);
}
