/**
 * Functions of one number. Rows follow each other without a gap, so a range of rows is one run of elements. What it
 * asks of a step: docs/abi.md.
 */
import { Flag, Step, expect_unary_f32 } from "../abi";
import { exp } from "../lib/exp";
import { log } from "../lib/log";
import { tanh } from "../lib/tanh";
import { SIMD, abs, ceil, div, floor, mul, nearest, neg, splat, sqrt, storeWithin, trunc } from "../simd/f32";

export function unary_f32(s: Step, y0: i32, y1: i32): void {
  expect_unary_f32(s, y0, y1);
  const end = <usize>y1 * <usize>s.inC * 4;
  const i = <usize>y0 * <usize>s.inC * 4;
  if (SIMD) run<v128>(s, i, end);
  else run<f32>(s, i, end);
}

// @ts-ignore: decorator
@inline
function run<V>(s: Step, i: usize, end: usize): void {
  const x = s.x, y = s.y;
  const f = s.flags;
  for (; i < end; i += sizeof<V>()) storeWithin<V>(y + i, valueOf<V>(f, load<V>(x + i)), end - i);
}

/** The branch is the same for all of a step. */
// @ts-ignore: decorator
@inline
function valueOf<V>(f: i32, x: V): V {
  const one = splat<V>(1);
  if (f == Flag.ABSOLUTE) return abs<V>(x);
  if (f == Flag.NEGATIVE) return neg<V>(x);
  if (f == Flag.SQUARE) return mul<V>(x, x);
  if (f == Flag.SQUARE_ROOT) return sqrt<V>(x);
  if (f == Flag.RECIPROCAL_ROOT) return div<V>(one, sqrt<V>(x));
  if (f == Flag.RECIPROCAL) return div<V>(one, x);
  if (f == Flag.EXPONENTIAL) return exp<V>(x);
  if (f == Flag.TANGENT) return tanh<V>(x);
  if (f == Flag.LOGARITHM) return log<V>(x);
  if (f == Flag.CEILING) return ceil<V>(x);
  if (f == Flag.NEAREST) return nearest<V>(x);
  if (f == Flag.TRUNCATE) return trunc<V>(x);
  return floor<V>(x);
}
