/**
 * Images made of another's rows and columns, of elements of 4 bytes and of bytes. A row like the one before is copied
 * whole. What they ask of a step: docs/abi.md.
 */
import { Step, expect_gather, expect_gather_s8 } from "../abi";
import { copyRow } from "../lib/copy";

export function gather(s: Step, y0: i32, y1: i32): void {
  expect_gather(s, y0, y1);
  gatherFrom<u32>(s, y0, y1);
}

export function gather_s8(s: Step, y0: i32, y1: i32): void {
  expect_gather_s8(s, y0, y1);
  gatherFrom<u8>(s, y0, y1);
}

// @ts-ignore: decorator
@inline
function gatherFrom<T>(s: Step, y0: i32, y1: i32): void {
  const pixel = <usize>s.inC * sizeof<T>();
  const line = <usize>s.outW * pixel;
  const columns = s.w + 4 * <usize>s.outH;
  let y = s.y + <usize>y0 * line;
  let before: usize = 0;
  for (let r = y0; r < y1; ++r) {
    const image = r / s.outH;
    const iy = within(s.w, r - image * s.outH, s.inH);
    const row = s.x + (<usize>image * <usize>s.inH + iy) * <usize>s.inW * pixel;
    if (row == before) {
      memory.copy(y, y - line, line);
      y += line;
      continue;
    }
    before = row;
    for (let ox = 0; ox < s.outW; ++ox, y += pixel) {
      const x = row + within(columns, ox, s.inW) * pixel;
      if (sizeof<T>() == 4) copyRow(y, x, pixel);
      else memory.copy(y, x, pixel);
    }
  }
}

/** Entry `i` of a table, held inside the image whatever the table says. */
// @ts-ignore: decorator
@inline
function within(table: usize, i: i32, size: i32): usize {
  return <usize>min(max(load<i32>(table + 4 * <usize>i), 0), size - 1);
}
