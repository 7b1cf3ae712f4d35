/** Parts of a tensor, of elements of 4 bytes, at places that are computed. What it asks of a step: docs/abi.md. */
import { Step, expect_gather_nd } from "../abi";
import { copyRow } from "../lib/copy";

export function gather_nd(s: Step, y0: i32, y1: i32): void {
  expect_gather_nd(s, y0, y1);
  const part = <usize>s.outC * 4;
  let place = s.x2 + <usize>y0 * <usize>s.kW * 4;
  let y = s.y + <usize>y0 * part;
  for (let r = y0; r < y1; ++r, y += part) {
    let at: i32 = 0;
    // Of fewer coordinates than four, the outer sizes are 1, and there is none for them.
    for (let axis = 4 - s.kW; axis < 4; ++axis, place += 4) {
      const size = axis == 0 ? s.n : axis == 1 ? s.inH : axis == 2 ? s.inW : s.inC;
      const i = load<f32>(place);
      // NaN is outside too.
      const inside = i >= 0 && i < <f32>size;
      at = at < 0 || !inside ? -1 : at * size + min(<i32>i, size - 1);
    }
    if (at < 0) memory.fill(y, 0, part);
    else copyRow(y, s.x + <usize>at * part, part);
  }
}
