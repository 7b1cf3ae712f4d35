/**
 * y[n,oy,ox,c] = x[n, oy−padT, ox−padL, c] inside the image, a outside
 * x f32 [n,inH,inW,C] NHWC, C = inC · y f32 [n,outH,outW,C]
 * rows [y0,y1) of n·outH are written; every bit pattern is kept
 * needs: all pointers % ALIGN = 0, padT, padL ≥ 0, outH ≥ inH + padT, outW ≥ inW + padL, x and y apart; reads and writes nothing past x and y
 * scratch: none · exact
 */
import { copyRow } from "./copy";
import { Step, expect_pad_f32 } from "./abi";
import { SIMD, splat } from "./vec";

export function pad_f32(s: Step, y0: i32, y1: i32): void {
  expect_pad_f32(s, y0, y1);
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
