/**
 * y[n,oy,ox,c] = x[n, oy−padT, ox−padL, c] inside the image, a outside
 * x f32 [n,inH,inW,C] NHWC, C = inC · y f32 [n,outH,outW,C]
 * rows [y0,y1) of n·outH are written; every bit pattern is kept
 * needs: all pointers % ALIGN = 0, padT, padL ≥ 0, outH ≥ inH + padT, outW ≥ inW + padL, x and y apart; reads and writes nothing past x and y
 * scratch: none · exact
 */
import { copyRow } from "./copy";
import { Step } from "./step";
import { SIMD, splat } from "./vec";

export function pad_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.y) & 15) == 0);
  assert(g.padT >= 0 && g.padL >= 0 && g.outH >= g.inH + g.padT && g.outW >= g.inW + g.padL);
  const pixel = <usize>g.inC * 4;
  const inner = <usize>g.inW * pixel;
  const outer = <usize>g.outW * pixel;
  const left = <usize>g.padL * pixel;
  for (let row = y0; row < y1; ++row) {
    const y = g.y + <usize>row * outer;
    const iy = row % g.outH - g.padT;
    if (iy < 0 || iy >= g.inH) {
      fill(y, outer, g.a);
      continue;
    }
    fill(y, left, g.a);
    copyRow(y + left, g.x + (<usize>(row / g.outH) * <usize>g.inH + <usize>iy) * inner, inner);
    fill(y + left + inner, outer - left - inner, g.a);
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
