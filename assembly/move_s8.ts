/**
 * copy_s8: y[r, 0 … inC) = x[r, 0 … inC), rows xPitch and yPitch bytes apart: a part of a concatenation. Row units are rows.
 * pad_s8: x i8 [n,inH,inW,C] → y i8 [n,outH,outW,C], padT rows above, padL columns to the left, all else around zy. Row units are the n·outH rows.
 * [y0,y1) are written · needs: pointers % ALIGN = 0, but y of copy_s8; writes nothing past y · scratch: none
 */
import { Step, expect_copy_s8, expect_pad_s8 } from "./abi";

export function copy_s8(s: Step, y0: i32, y1: i32): void {
  expect_copy_s8(s, y0, y1);
  for (let r = y0; r < y1; ++r) memory.copy(s.y + <usize>(r * s.yPitch), s.x + <usize>(r * s.xPitch), s.inC);
}

export function pad_s8(s: Step, y0: i32, y1: i32): void {
  expect_pad_s8(s, y0, y1);
  const row = s.outW * s.inC;
  const left = s.padL * s.inC;
  const width = s.inW * s.inC;
  for (let r = y0; r < y1; ++r) {
    const image = r / s.outH;
    const iy = r - image * s.outH - s.padT;
    const y = s.y + <usize>(r * row);
    memory.fill(y, <u8>s.zy, row);
    if (<u32>iy < <u32>s.inH) memory.copy(y + left, s.x + <usize>((image * s.inH + iy) * width), width);
  }
}
