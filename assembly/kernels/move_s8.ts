/** Kernels that move bytes: copy_s8, copy_lut_s8, pad_s8. What they ask of a step: docs/abi.md. */
import { Step, expect_copy_lut_s8, expect_copy_s8, expect_pad_s8 } from "../abi";

export function copy_s8(s: Step, y0: i32, y1: i32): void {
  expect_copy_s8(s, y0, y1);
  for (let r = y0; r < y1; ++r) memory.copy(s.y + <usize>(r * s.yPitch), s.x + <usize>(r * s.xPitch), s.inC);
}

export function copy_lut_s8(s: Step, y0: i32, y1: i32): void {
  expect_copy_lut_s8(s, y0, y1);
  const table = s.w;
  for (let r = y0; r < y1; ++r) {
    let x = s.x + <usize>(r * s.xPitch), y = s.y + <usize>(r * s.yPitch);
    for (const end = x + <usize>s.inC; x < end; ++x, ++y) store<u8>(y, load<u8>(table + load<u8>(x)));
  }
}

export function pad_s8(s: Step, y0: i32, y1: i32): void {
  expect_pad_s8(s, y0, y1);
  if (s.outC > s.inC) deepen(s, y0, y1);
  else surround(s, y0, y1);
}

/** Rows and columns alone. */
// @ts-ignore: decorator
@inline
function surround(s: Step, y0: i32, y1: i32): void {
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

/** Channels too, a pixel at a time. */
function deepen(s: Step, y0: i32, y1: i32): void {
  const row = s.outW * s.outC;
  const before = s.padL * s.outC + s.padC;
  for (let r = y0; r < y1; ++r) {
    const image = r / s.outH;
    const iy = r - image * s.outH - s.padT;
    let y = s.y + <usize>(r * row);
    memory.fill(y, <u8>s.zy, row);
    if (<u32>iy >= <u32>s.inH) continue;
    let x = s.x + <usize>((image * s.inH + iy) * s.inW * s.inC);
    y += before;
    for (let left = s.inW; left > 0; --left) {
      memory.copy(y, x, s.inC);
      x += s.inC;
      y += s.outC;
    }
  }
}
