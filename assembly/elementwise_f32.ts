/**
 * add_f32:       y[i] = clamp(x[i] + x2[i], lo, hi)
 * clamp_f32:     y[i] = min(hi, max(lo, x[i]))
 * sigmoid_f32:   y[i] = 1/(1 + exp(−x[i])), never outside [0, 1]
 * hardswish_f32: y[i] = x[i]·(min(6, max(0, x[i] + 3))/6)
 * x, x2, y f32 [rows, inC]; y may be x or x2
 * rows [y0,y1) are written; NaN passes
 * needs: all pointers % ALIGN = 0; reads and writes nothing past the tensors. All variants give the same bits
 * scratch: none · error: add |Δ| ≤ 2⁻²⁴·|x + x2|; clamp exact; sigmoid |Δ| ≤ 6·2⁻²⁴·|y| where |x| ≤ 87; hardswish |Δ| ≤ 3·2⁻²⁴·|y|
 */
import { exp } from "./exp";
import { Step } from "./step";
import { SIMD, add, clamp, div, mul, splat, sub } from "./vec";

export function add_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.x2 | g.y) & 15) == 0);
  const end = bytes(g, y1);
  let i = bytes(g, y0);
  if (SIMD) i = addFrom<v128>(g, i, end);
  addFrom<f32>(g, i, end);
}

export function clamp_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.y) & 15) == 0);
  const end = bytes(g, y1);
  let i = bytes(g, y0);
  if (SIMD) i = clampFrom<v128>(g, i, end);
  clampFrom<f32>(g, i, end);
}

export function sigmoid_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.y) & 15) == 0);
  const end = bytes(g, y1);
  let i = bytes(g, y0);
  if (SIMD) i = sigmoidFrom<v128>(g, i, end);
  sigmoidFrom<f32>(g, i, end);
}

export function hardswish_f32(step: usize, y0: i32, y1: i32): void {
  const g = changetype<Step>(step);
  assert(0 <= y0 && y0 <= y1 && y1 <= g.rows);
  assert(((g.x | g.y) & 15) == 0);
  const end = bytes(g, y1);
  let i = bytes(g, y0);
  if (SIMD) i = hardswishFrom<v128>(g, i, end);
  hardswishFrom<f32>(g, i, end);
}

/** Byte offset of a row: rows follow each other without a gap, so a range of rows is one run of elements. */
// @ts-ignore: decorator
@inline
function bytes(g: Step, row: i32): usize {
  return <usize>row * <usize>g.inC * 4;
}

// Each of these runs from byte i in whole V's as far as they go before `end`, and answers with the first byte not done.

// @ts-ignore: decorator
@inline
function addFrom<V>(g: Step, i: usize, end: usize): usize {
  const x = g.x, x2 = g.x2, y = g.y;
  const lo = splat<V>(g.lo), hi = splat<V>(g.hi);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    store<V>(y + i, clamp<V>(add<V>(load<V>(x + i), load<V>(x2 + i)), lo, hi));
  }
  return i;
}

// @ts-ignore: decorator
@inline
function clampFrom<V>(g: Step, i: usize, end: usize): usize {
  const x = g.x, y = g.y;
  const lo = splat<V>(g.lo), hi = splat<V>(g.hi);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) store<V>(y + i, clamp<V>(load<V>(x + i), lo, hi));
  return i;
}

// @ts-ignore: decorator
@inline
function sigmoidFrom<V>(g: Step, i: usize, end: usize): usize {
  const x = g.x, y = g.y;
  const one = splat<V>(1);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    store<V>(y + i, div<V>(one, add<V>(one, exp<V>(sub<V>(splat<V>(0), load<V>(x + i))))));
  }
  return i;
}

// @ts-ignore: decorator
@inline
function hardswishFrom<V>(g: Step, i: usize, end: usize): usize {
  const x = g.x, y = g.y;
  const six = splat<V>(6);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    const value = load<V>(x + i);
    const gate = clamp<V>(add<V>(value, splat<V>(3)), splat<V>(0), six);
    store<V>(y + i, mul<V>(value, div<V>(gate, six)));
  }
  return i;
}
