/**
 * Softmax of rows in 8 bits: TFLite's fixed-point arithmetic for int8, and its table for uint8. What it asks of a
 * step: docs/abi.md.
 * source: TFLite's SOFTMAX; gemmlowp's exp_on_negative_values and one_over_one_plus_x_for_x_in_0_1
 */
import { Flag, Step, expect_softmax_s8 } from "../abi";
import { rdbpot, srdhm } from "../lib/requantize";

export function softmax_s8(s: Step, y0: i32, y1: i32): void {
  expect_softmax_s8(s, y0, y1);
  if (!(s.flags & Flag.FROM_TABLE)) memory.fill(s.s, 0xff, 256 * sizeof<i32>());
  for (let r = y0; r < y1; ++r) {
    const at = <usize>(r * s.inC);
    let largest = -128;
    for (let c = 0; c < s.inC; ++c) largest = max(largest, <i32>load<i8>(s.x + at + c));
    if (s.flags & Flag.FROM_TABLE) fromTable(s, at, largest);
    else fixedPoint(s, at, largest);
  }
}

// @ts-ignore: decorator
@inline
function fromTable(s: Step, at: usize, largest: i32): void {
  let sum: f64 = 0;
  for (let c = 0; c < s.inC; ++c) sum += load<f64>(s.w + 8 * <usize>(largest - <i32>load<i8>(s.x + at + c)));
  for (let c = 0; c < s.inC; ++c) {
    const p = load<f64>(s.w + 8 * <usize>(largest - <i32>load<i8>(s.x + at + c))) / sum;
    store<i8>(s.y + at + c, <i8>(min(<i32>(256 * p + 0.5), 255) - 128));
  }
}

// @ts-ignore: decorator
@inline
function fixedPoint(s: Step, at: usize, largest: i32): void {
  let sum = 0;
  for (let c = 0; c < s.inC; ++c) {
    const d = largest - <i32>load<i8>(s.x + at + c);
    if (-d >= s.m2) sum += rdbpot(exponential(s, d), 12);
  }
  const h = <i32>clz(sum);
  const half = <i32>((<u32>sum << h) >> 1);
  let x = 1515870810 + srdhm(half, -1010580540);
  for (let i = 0; i < 3; ++i) x += saturatingShl(srdhm(x, (1 << 29) - srdhm(half, x)), 2);
  const reciprocal = saturatingShl(x, 1);
  for (let c = 0; c < s.inC; ++c) {
    const d = largest - <i32>load<i8>(s.x + at + c);
    let y = -128;
    if (-d >= s.m2) y = min(max(rdbpot(srdhm(reciprocal, exponential(s, d)), 35 - h) - 128, -128), 127);
    store<i8>(s.y + at + c, <i8>y);
  }
}

/** exp(−d·scale·beta) in Q0.31, computed where d comes up first: no exponential is below 0, which is what −1 says. */
// @ts-ignore: decorator
@inline
function exponential(s: Step, d: i32): i32 {
  const at = s.s + <usize>d * sizeof<i32>();
  let e = load<i32>(at);
  if (e < 0) {
    e = exp_s8(srdhm(-d << -s.e1, s.m1));
    store<i32>(at, e);
  }
  return e;
}

// @ts-ignore: decorator
@inline
function saturatingShl(x: i32, by: i32): i32 {
  return <i32>min<i64>(max<i64>(<i64>x << by, i32.MIN_VALUE), i32.MAX_VALUE);
}

/** exp(a) of a ≤ 0 in Q5.26, as Q0.31. Exported, so that it stays a function. */
export function exp_s8(a: i32): i32 {
  if (a == 0) return i32.MAX_VALUE;
  const quarter = (a & ((1 << 24) - 1)) - (1 << 24);
  const rest = quarter - a;
  const z = saturatingShl(quarter, 5) + (1 << 28);
  const z2 = srdhm(z, z);
  const z3 = srdhm(z2, z);
  const z4 = srdhm(z2, z2);
  const t = rdbpot(srdhm(rdbpot(z4, 2) + z3, 715827883) + z2, 1);
  let v = 1895147668 + srdhm(1895147668, z + t);
  if (rest & (1 << 24)) v = srdhm(v, 1672461947);
  if (rest & (1 << 25)) v = srdhm(v, 1302514674);
  if (rest & (1 << 26)) v = srdhm(v, 790015084);
  if (rest & (1 << 27)) v = srdhm(v, 290630308);
  if (rest & (1 << 28)) v = srdhm(v, 39332535);
  if (rest & (1 << 29)) v = srdhm(v, 720401);
  if (rest & (1 << 30)) v = srdhm(v, 242);
  return v;
}
