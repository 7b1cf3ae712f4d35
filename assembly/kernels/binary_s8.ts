/**
 * An operator of two 8-bit operands that are broadcast against each other, a row at a time: sums and differences in
 * 2⁻²⁰ of a common scale as in add_s8, products rescaled once, the larger or smaller number as it is. What it asks of
 * a step: docs/abi.md.
 * source: TFLite's ADD, SUB, MUL, MAXIMUM and MINIMUM
 */
import { Flag, Operator, Step, expect_binary_s8 } from "../abi";
import { groupOffset, isOneRun, rowStep } from "../lib/broadcast";
import { mbqm } from "../lib/requantize";

export function binary_s8(s: Step, y0: i32, y1: i32): void {
  expect_binary_s8(s, y0, y1);
  const C = s.inC;
  const b = s.flags & Flag.CONSTANT ? s.w : s.x2;
  if (isOneRun(s)) {
    const at = <usize>(y0 * C);
    binary_s8_run(s, s.spread & 1 ? s.x : s.x + at, s.spread2 & 1 ? b : b + at, s.y + at, (y1 - y0) * C);
    return;
  }
  const step = <usize>rowStep(s, s.spread), step2 = <usize>rowStep(s, s.spread2);
  for (let row = y0; row < y1; ) {
    const group = row / s.outC;
    const first = row - group * s.outC;
    const end = min(y1, row + s.outC - first);
    let p = s.x + <usize>groupOffset(s, group, s.spread) + <usize>first * step;
    let q = b + <usize>groupOffset(s, group, s.spread2) + <usize>first * step2;
    for (; row < end; ++row) {
      binary_s8_run(s, p, q, s.y + <usize>(row * C), C);
      p += step;
      q += step2;
    }
  }
}

/** y = a ∘ b over `count` elements; an operand that is the same along the innermost axis has one. */
export function binary_s8_run(s: Step, a: usize, b: usize, y: usize, count: i32): void {
  switch (s.operator) {
    case Operator.ADD: return run(s, Operator.ADD, a, b, y, count);
    case Operator.MUL: return run(s, Operator.MUL, a, b, y, count);
    case Operator.MAXIMUM: return run(s, Operator.MAXIMUM, a, b, y, count);
    case Operator.MINIMUM: return run(s, Operator.MINIMUM, a, b, y, count);
    case Operator.SUB: return run(s, Operator.SUB, a, b, y, count);
    case Operator.SUB_FROM: return run(s, Operator.SUB_FROM, a, b, y, count);
  }
}

/** The operator is a literal. */
// @ts-ignore: decorator
@inline
function run(s: Step, operator: i32, a: usize, b: usize, y: usize, count: i32): void {
  const next: usize = s.spread & 1 ? 0 : 1, next2: usize = s.spread2 & 1 ? 0 : 1;
  const lo = s.qlo, hi = s.qhi;
  for (const end = y + <usize>count; y < end; ++y) {
    store<i8>(y, <i8>min(max(apply(s, operator, load<i8>(a), load<i8>(b)), lo), hi));
    a += next;
    b += next2;
  }
}

// @ts-ignore: decorator
@inline
function apply(s: Step, operator: i32, a: i32, b: i32): i32 {
  if (operator == Operator.MAXIMUM) return max(a, b);
  if (operator == Operator.MINIMUM) return min(a, b);
  a -= s.zx;
  b -= s.zx2;
  if (operator == Operator.MUL) return mbqm(a * b, s.m3, s.e3) + s.zy;
  a = mbqm(a << 20, s.m1, s.e1);
  b = mbqm(b << 20, s.m2, s.e2);
  const sum = operator == Operator.ADD ? a + b : operator == Operator.SUB ? a - b : b - a;
  return mbqm(sum, s.m3, s.e3) + s.zy;
}
