/**
 * An operator of two operands that are broadcast against each other. A row is computed by a loop of its own for each
 * operator, with the second operand as long as the row, or one number for all of it; where it is the first one that has
 * one number, both change places. What it asks of a step: docs/abi.md.
 */
import { Flag, Operator, Step, expect_binary_f32 } from "../abi";
import { groupOffset, isOneRun, rowStep } from "../lib/broadcast";
import { SIMD, add, clamp, div, loadSplat, maximum, minimum, mul, splat, sub } from "../simd/f32";

export function binary_f32(s: Step, y0: i32, y1: i32): void {
  expect_binary_f32(s, y0, y1);
  let a = s.x, b = s.flags & Flag.CONSTANT ? s.w : s.x2;
  let along = s.spread, along2 = s.spread2;
  let operator = s.operator;
  if (along & 1) {
    a = b;
    b = s.x;
    along = along2;
    along2 = s.spread;
    if (operator >= Operator.SUB) operator ^= 1;
  }
  const C = s.inC;
  // What both have one number for all of is a row of one element.
  const one = (along2 & 1) != 0;
  if (isOneRun(s)) {
    const at = <usize>(y0 * C) * 4;
    binary_f32_run(s, operator, a + at, one ? b : b + at, s.y + at, (y1 - y0) * C, one);
    return;
  }
  const step = <usize>rowStep(s, along) * 4, step2 = <usize>rowStep(s, along2) * 4;
  for (let row = y0; row < y1; ) {
    const group = row / s.outC;
    const first = row - group * s.outC;
    const end = min(y1, row + s.outC - first);
    let p = a + <usize>groupOffset(s, group, along) * 4 + <usize>first * step;
    let q = b + <usize>groupOffset(s, group, along2) * 4 + <usize>first * step2;
    for (; row < end; ++row) {
      binary_f32_run(s, operator, p, q, s.y + <usize>(row * C) * 4, C, one);
      p += step;
      q += step2;
    }
  }
}

/** y = a ∘ b over `count` elements; of b there is one where `one` is set. */
export function binary_f32_run(s: Step, operator: i32, a: usize, b: usize, y: usize, count: i32, one: bool): void {
  switch (operator) {
    case Operator.ADD: return run(s, Operator.ADD, a, b, y, count, one);
    case Operator.MUL: return run(s, Operator.MUL, a, b, y, count, one);
    case Operator.MAXIMUM: return run(s, Operator.MAXIMUM, a, b, y, count, one);
    case Operator.MINIMUM: return run(s, Operator.MINIMUM, a, b, y, count, one);
    case Operator.SUB: return run(s, Operator.SUB, a, b, y, count, one);
    case Operator.SUB_FROM: return run(s, Operator.SUB_FROM, a, b, y, count, one);
    case Operator.DIV: return run(s, Operator.DIV, a, b, y, count, one);
    case Operator.DIV_INTO: return run(s, Operator.DIV_INTO, a, b, y, count, one);
  }
}

// In what follows the operator is a literal, so that one instruction is left of `apply`.

// @ts-ignore: decorator
@inline
function run(s: Step, operator: i32, a: usize, b: usize, y: usize, count: i32, one: bool): void {
  const end = <usize>count * 4;
  let i: usize = 0;
  if (one) {
    if (SIMD) i = toOne<v128>(s, operator, a, b, y, i, end);
    toOne<f32>(s, operator, a, b, y, i, end);
  } else {
    if (SIMD) i = toEach<v128>(s, operator, a, b, y, i, end);
    toEach<f32>(s, operator, a, b, y, i, end);
  }
}

/** Whole V's from byte i on as far as they go before `end`; answers with the first byte not done. */
// @ts-ignore: decorator
@inline
function toEach<V>(s: Step, operator: i32, a: usize, b: usize, y: usize, i: usize, end: usize): usize {
  const lo = splat<V>(s.lo), hi = splat<V>(s.hi);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    store<V>(y + i, clamp<V>(apply<V>(operator, load<V>(a + i), load<V>(b + i)), lo, hi));
  }
  return i;
}

/** The same with one number at b. */
// @ts-ignore: decorator
@inline
function toOne<V>(s: Step, operator: i32, a: usize, b: usize, y: usize, i: usize, end: usize): usize {
  const lo = splat<V>(s.lo), hi = splat<V>(s.hi);
  const other = loadSplat<V>(b);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    store<V>(y + i, clamp<V>(apply<V>(operator, load<V>(a + i), other), lo, hi));
  }
  return i;
}

// @ts-ignore: decorator
@inline
function apply<V>(operator: i32, a: V, b: V): V {
  if (operator == Operator.ADD) return add<V>(a, b);
  if (operator == Operator.MUL) return mul<V>(a, b);
  if (operator == Operator.MAXIMUM) return maximum<V>(a, b);
  if (operator == Operator.MINIMUM) return minimum<V>(a, b);
  if (operator == Operator.SUB) return sub<V>(a, b);
  if (operator == Operator.SUB_FROM) return sub<V>(b, a);
  return operator == Operator.DIV ? div<V>(a, b) : div<V>(b, a);
}
