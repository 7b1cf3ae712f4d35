/**
 * y[r·yPitch + i] = x[r·xPitch + i], i < inC: rows of 4-byte elements from one pitch to another (concatenation, slices)
 * rows [y0,y1) are written; every bit pattern is kept
 * needs: inC ≤ xPitch, inC ≤ yPitch, x and y apart; reads and writes nothing past the rows
 * scratch: none · exact
 */
import { Step, expect_copy } from "./abi";
import { SIMD } from "./vec";

/** Rows of at least so many bytes are worth a call of the engine's own copy. */
const LONG: usize = 512;

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

/** Copies `bytes` bytes, a multiple of 4, between places that don't overlap. */
// @ts-ignore: decorator
@inline
export function copyRow(y: usize, x: usize, bytes: usize): void {
  if (bytes >= LONG) {
    memory.copy(y, x, bytes);
    return;
  }
  let i: usize = 0;
  if (SIMD) i = whole<v128>(y, x, i, bytes);
  whole<u32>(y, x, i, bytes);
}

// @ts-ignore: decorator
@inline
function whole<V>(y: usize, x: usize, i: usize, end: usize): usize {
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) store<V>(y + i, load<V>(x + i));
  return i;
}
