/**
 * An operator of two 8-bit operands that are broadcast against each other, a row at a time: sums and differences in
 * 2⁻²⁰ of a common scale as in add_s8, products rescaled once, the larger or smaller number as it is. What it asks of
 * a step: docs/abi.md.
 * source: TFLite's ADD, SUB, MUL, MAXIMUM and MINIMUM
 */
import { Flag, Operator, Step, expect_binary_s8 } from "../abi";
import { groupOffset, isOneRun, rowStep } from "../lib/broadcast";
import { mbqm } from "../lib/requantize";
import { SIMD } from "../simd/f32";
import {
  add32, addSaturated16, clamp16, highProducts, highTimes20, loadWords, lowProducts, lowTimes20, rescaled, splat16,
  splat32, storeBytes, sub16, sub32, toWords,
} from "../simd/s8";

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
  const next: usize = s.spread & 1 ? 0 : 1, next2: usize = s.spread2 & 1 ? 0 : 1;
  const operator = s.operator;
  if (SIMD) {
    const done = eights(s, operator, a, b, y, count, next, next2);
    a += done * next;
    b += done * next2;
    y += done;
    count -= done;
  }
  run(s, operator, a, b, y, count, next, next2);
}

/** y = a + b over `count` elements. */
export function sum_s8(s: Step, a: usize, b: usize, y: usize, count: i32): void {
  const done = SIMD ? eights(s, Operator.ADD, a, b, y, count, 1, 1) : 0;
  run(s, Operator.ADD, a + done, b + done, y + done, count - done, 1, 1);
}

/** One by one; the operands' elements are so far apart. */
function run(
  s: Step, operator: i32, a: usize, b: usize, y: usize, count: i32, next: usize, next2: usize,
): void {
  const lo = s.qlo, hi = s.qhi;
  for (const end = y + <usize>count; y < end; ++y) {
    store<i8>(y, <i8>min(max(apply(s, operator, load<i8>(a), load<i8>(b)), lo), hi));
    a += next;
    b += next2;
  }
}

/** As {@link run}, by eights, as far as they go: sums and products whose shifts go to the right. Answers how far. */
function eights(
  s: Step, operator: i32, a: usize, b: usize, y: usize, count: i32, next: usize, next2: usize,
): i32 {
  if (operator == Operator.MAXIMUM || operator == Operator.MINIMUM || (s.e1 | s.e2 | s.e3) < 0) return 0;
  const lo = splat16(s.qlo), hi = splat16(s.qhi);
  const whole = count & ~7;
  for (const end = y + <usize>whole; y < end; y += 8, a += 8 * next, b += 8 * next2) {
    const p = next != 0 ? loadWords(a) : splat16(load<i8>(a));
    const q = next2 != 0 ? loadWords(b) : splat16(load<i8>(b));
    storeBytes(y, clamp16(eight(s, operator, p, q), lo, hi));
  }
  return whole;
}

/** Eight results in words, not yet held within bounds. */
// @ts-ignore: decorator
@inline
function eight(s: Step, operator: i32, a: v128, b: v128): v128 {
  a = sub16(a, splat16(s.zx));
  b = sub16(b, splat16(s.zx2));
  let low: v128, high: v128;
  if (operator == Operator.MUL) {
    low = lowProducts(a, b);
    high = highProducts(a, b);
  } else {
    const m1 = splat32<v128>(s.m1), m2 = splat32<v128>(s.m2);
    const a0 = rescaled(lowTimes20(a), m1, s.e1), a1 = rescaled(highTimes20(a), m1, s.e1);
    const b0 = rescaled(lowTimes20(b), m2, s.e2), b1 = rescaled(highTimes20(b), m2, s.e2);
    if (operator == Operator.ADD) {
      low = add32(a0, b0);
      high = add32(a1, b1);
    } else {
      low = operator == Operator.SUB ? sub32<v128>(a0, b0) : sub32<v128>(b0, a0);
      high = operator == Operator.SUB ? sub32<v128>(a1, b1) : sub32<v128>(b1, a1);
    }
  }
  const m3 = splat32<v128>(s.m3);
  return addSaturated16(toWords(rescaled(low, m3, s.e3), rescaled(high, m3, s.e3)), splat16(s.zy));
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
