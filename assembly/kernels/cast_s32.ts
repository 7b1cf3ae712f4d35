/** Whole numbers as floats. What it asks of a step: docs/abi.md. */
import { Step, expect_cast_s32 } from "../abi";

export function cast_s32(s: Step, y0: i32, y1: i32): void {
  expect_cast_s32(s, y0, y1);
  const end = <usize>y1 * <usize>s.inC * 4;
  for (let i = <usize>y0 * <usize>s.inC * 4; i < end; i += 4) store<f32>(s.y + i, <f32>load<i32>(s.x + i));
}
