/**
 * An image inside a larger one: its rows in one piece or, where channels are padded, a pixel at a time. What it asks of
 * a step: docs/abi.md.
 */
import { Step, expect_pad_f32 } from "../abi";
import { copyRow } from "../lib/copy";
import { SIMD, splat } from "../simd/f32";

export function pad_f32(s: Step, y0: i32, y1: i32): void {
  expect_pad_f32(s, y0, y1);
  if (s.outC > s.inC) deepen(s, y0, y1);
  else surround(s, y0, y1);
}

/** Rows and columns alone. */
// @ts-ignore: decorator
@inline
function surround(s: Step, y0: i32, y1: i32): void {
  const pixel = <usize>s.inC * 4;
  const inner = <usize>s.inW * pixel;
  const outer = <usize>s.outW * pixel;
  const left = <usize>s.padL * pixel;
  for (let row = y0; row < y1; ++row) {
    const y = s.y + <usize>row * outer;
    const iy = row % s.outH - s.padT;
    if (iy < 0 || iy >= s.inH) {
      fill(y, outer, s.a);
      continue;
    }
    fill(y, left, s.a);
    copyRow(y + left, s.x + (<usize>(row / s.outH) * <usize>s.inH + <usize>iy) * inner, inner);
    fill(y + left + inner, outer - left - inner, s.a);
  }
}

/** Channels too: pixels, and what lies between each and the next. */
function deepen(s: Step, y0: i32, y1: i32): void {
  const from = <usize>s.inC * 4;
  const gap = <usize>(s.outC - s.inC) * 4;
  const outer = <usize>s.outW * (from + gap);
  const before = <usize>s.padL * (from + gap) + <usize>s.padC * 4;
  for (let row = y0; row < y1; ++row) {
    let y = s.y + <usize>row * outer;
    const end = y + outer;
    const iy = row % s.outH - s.padT;
    if (iy >= 0 && iy < s.inH) {
      let x = s.x + (<usize>(row / s.outH) * <usize>s.inH + <usize>iy) * <usize>s.inW * from;
      let between = before;
      for (let left = s.inW; left > 0; --left) {
        fill(y, between, s.a);
        y += between;
        copyRow(y, x, from);
        x += from;
        y += from;
        between = gap;
      }
    }
    fill(y, end - y, s.a);
  }
}

function fill(y: usize, bytes: usize, value: f32): void {
  let i: usize = 0;
  if (SIMD) i = whole<v128>(y, i, bytes, value);
  whole<f32>(y, i, bytes, value);
}

// @ts-ignore: decorator
@inline
function whole<V>(y: usize, i: usize, end: usize, value: f32): usize {
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) store<V>(y + i, splat<V>(value));
  return i;
}
