/**
 * Sums, means, extremes and products over two axes. The innermost axis lies in vectors, where it stays; where it is of
 * size 1, numbers come one by one. What it asks of a step: docs/abi.md.
 */
import { Flag, Step, expect_reduce_f32 } from "../abi";
import { SIMD, add, div, lanes, maximum, minimum, mul, splat } from "../simd/f32";

export function reduce_f32(s: Step, y0: i32, y1: i32): void {
  expect_reduce_f32(s, y0, y1);
  const f = s.flags;
  if (f <= Flag.MEAN) rows(s, y0, y1, Flag.SUM);
  else if (f == Flag.MAXIMUM) rows(s, y0, y1, Flag.MAXIMUM);
  else if (f == Flag.MINIMUM) rows(s, y0, y1, Flag.MINIMUM);
  else rows(s, y0, y1, Flag.PRODUCT);
}

/** `f` is a literal: four bodies come out of this one. */
// @ts-ignore: decorator
@inline
function rows(s: Step, y0: i32, y1: i32, f: i32): void {
  let i = 0;
  if (SIMD) i = columns<v128>(s, y0, y1, i, f);
  columns<f32>(s, y0, y1, i, f);
}

/** Elements of the inner axis from i on, as many as fill whole V's; answers with the first one not done. */
// @ts-ignore: decorator
@inline
function columns<V>(s: Step, y0: i32, y1: i32, i: i32, f: i32): i32 {
  const inner = <usize>s.inC * 4;
  const block = <usize>s.kW * inner;
  const start = splat<V>(f == Flag.MAXIMUM ? -Infinity : f == Flag.MINIMUM ? Infinity : f == Flag.PRODUCT ? 1 : 0);
  const count = splat<V>(s.flags == Flag.MEAN ? <f32>(s.kH * s.kW) : 1);
  for (; i + lanes<V>() <= s.inC; i += lanes<V>()) {
    const at = <usize>i * 4;
    for (let r = y0; r < y1; ++r) {
      const n = r / s.midC;
      let x = s.x + (<usize>n * <usize>s.kH * <usize>s.midC + <usize>(r - n * s.midC)) * block + at;
      let all = start;
      for (let k = 0; k < s.kH; ++k, x += <usize>s.midC * block) {
        let each = start;
        let p = x;
        for (let l = 0; l < s.kW; ++l, p += inner) each = joined<V>(each, load<V>(p), f);
        all = joined<V>(all, each, f);
      }
      store<V>(s.y + <usize>r * inner + at, f == Flag.SUM ? div<V>(all, count) : all);
    }
  }
  return i;
}

// @ts-ignore: decorator
@inline
function joined<V>(a: V, b: V, f: i32): V {
  if (f == Flag.MAXIMUM) return maximum<V>(a, b);
  if (f == Flag.MINIMUM) return minimum<V>(a, b);
  return f == Flag.PRODUCT ? mul<V>(a, b) : add<V>(a, b);
}
