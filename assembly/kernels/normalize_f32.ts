/** Batch norm by given moments. What it asks of a step: docs/abi.md. */
import { Step, expect_normalize_f32 } from "../abi";
import { SIMD, add, div, lanes, madd, splat, sqrt, sub } from "../simd/f32";

/**
 * Pixels for which a channel's factor is computed once: many enough to hide the root, few enough to stay in the first
 * cache.
 */
const TILE: i32 = 16;

export function normalize_f32(s: Step, y0: i32, y1: i32): void {
  expect_normalize_f32(s, y0, y1);
  for (let row = y0; row < y1; row += TILE) {
    const end = min<i32>(row + TILE, y1);
    let c = 0;
    if (SIMD) c = channels<v128>(s, row, end, c);
    channels<f32>(s, row, end, c);
  }
}

// @ts-ignore: decorator
@inline
function channels<V>(s: Step, row: i32, end: i32, c: i32): i32 {
  const C = s.inC;
  const pixel = <usize>C * 4;
  const epsilon = splat<V>(s.a);
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const i = <usize>c * 4;
    const mean = load<V>(s.x2 + i);
    const variance = load<V>(s.x2 + pixel + i);
    const scale = div<V>(load<V>(s.w + i), sqrt<V>(add<V>(variance, epsilon)));
    const beta = load<V>(s.w + pixel + i);
    let at = <usize>row * pixel + i;
    for (let r = row; r < end; ++r, at += pixel) {
      store<V>(s.y + at, madd<V>(sub<V>(load<V>(s.x + at), mean), scale, beta));
    }
  }
  return c;
}
