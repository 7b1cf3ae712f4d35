/**
 * Copies by five axes of any steps: transposes, slices, repetitions, of elements of 4 bytes and of bytes. What they ask
 * of a step: docs/abi.md.
 */
import { Step, expect_copy_strided, expect_copy_strided_s8 } from "../abi";
import { copyRow } from "../lib/copy";

export function copy_strided(s: Step, y0: i32, y1: i32): void {
  expect_copy_strided(s, y0, y1);
  copyBy<u32>(s, y0, y1);
}

export function copy_strided_s8(s: Step, y0: i32, y1: i32): void {
  expect_copy_strided_s8(s, y0, y1);
  copyBy<u8>(s, y0, y1);
}

/** Addresses wrap, so that steps backwards are steps forwards by nearly 2³² bytes. */
// @ts-ignore: decorator
@inline
function copyBy<T>(s: Step, y0: i32, y1: i32): void {
  const unit = sizeof<T>();
  const run = <usize>s.outC * unit;
  const step = <usize>s.dilationW * unit;
  let y = s.y + <usize>y0 * <usize>s.outW * <usize>s.midC * run;
  for (let r = y0; r < y1; ++r) {
    const i = r / s.outH;
    const row = s.x + <usize>(s.padC + i * s.xPitch + (r - i * s.outH) * s.strideH) * unit;
    for (let k = 0; k < s.outW; ++k) {
      let x = row + <usize>(k * s.strideW) * unit;
      for (let l = 0; l < s.midC; ++l, x += <usize>s.dilationH * unit) {
        if (step == unit) {
          if (unit == 4) copyRow(y, x, run);
          else memory.copy(y, x, run);
          y += run;
          continue;
        }
        let p = x;
        for (const end = y + run; y < end; y += unit, p += step) store<T>(y, load<T>(p));
      }
    }
  }
}
