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
import { Step, expect_add_f32, expect_clamp_f32, expect_hardswish_f32, expect_sigmoid_f32 } from "./abi";
import { SIMD, add, clamp, div, mul, splat, sub } from "./vec";

export function add_f32(s: Step, y0: i32, y1: i32): void {
  expect_add_f32(s, y0, y1);
  const end = bytes(s, y1);
  let i = bytes(s, y0);
  if (SIMD) i = addFrom<v128>(s, i, end);
  addFrom<f32>(s, i, end);
}

export function clamp_f32(s: Step, y0: i32, y1: i32): void {
  expect_clamp_f32(s, y0, y1);
  const end = bytes(s, y1);
  let i = bytes(s, y0);
  if (SIMD) i = clampFrom<v128>(s, i, end);
  clampFrom<f32>(s, i, end);
}

export function sigmoid_f32(s: Step, y0: i32, y1: i32): void {
  expect_sigmoid_f32(s, y0, y1);
  const end = bytes(s, y1);
  let i = bytes(s, y0);
  if (SIMD) i = sigmoidFrom<v128>(s, i, end);
  sigmoidFrom<f32>(s, i, end);
}

export function hardswish_f32(s: Step, y0: i32, y1: i32): void {
  expect_hardswish_f32(s, y0, y1);
  const end = bytes(s, y1);
  let i = bytes(s, y0);
  if (SIMD) i = hardswishFrom<v128>(s, i, end);
  hardswishFrom<f32>(s, i, end);
}

/** Byte offset of a row: rows follow each other without a gap, so a range of rows is one run of elements. */
// @ts-ignore: decorator
@inline
function bytes(s: Step, row: i32): usize {
  return <usize>row * <usize>s.inC * 4;
}

// Each of these runs from byte i in whole V's as far as they go before `end`, and answers with the first byte not done.

// @ts-ignore: decorator
@inline
function addFrom<V>(s: Step, i: usize, end: usize): usize {
  const x = s.x, x2 = s.x2, y = s.y;
  const lo = splat<V>(s.lo), hi = splat<V>(s.hi);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    store<V>(y + i, clamp<V>(add<V>(load<V>(x + i), load<V>(x2 + i)), lo, hi));
  }
  return i;
}

// @ts-ignore: decorator
@inline
function clampFrom<V>(s: Step, i: usize, end: usize): usize {
  const x = s.x, y = s.y;
  const lo = splat<V>(s.lo), hi = splat<V>(s.hi);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) store<V>(y + i, clamp<V>(load<V>(x + i), lo, hi));
  return i;
}

// @ts-ignore: decorator
@inline
function sigmoidFrom<V>(s: Step, i: usize, end: usize): usize {
  const x = s.x, y = s.y;
  const one = splat<V>(1);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    store<V>(y + i, div<V>(one, add<V>(one, exp<V>(sub<V>(splat<V>(0), load<V>(x + i))))));
  }
  return i;
}

// @ts-ignore: decorator
@inline
function hardswishFrom<V>(s: Step, i: usize, end: usize): usize {
  const x = s.x, y = s.y;
  const six = splat<V>(6);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    const value = load<V>(x + i);
    const gate = clamp<V>(add<V>(value, splat<V>(3)), splat<V>(0), six);
    store<V>(y + i, mul<V>(value, div<V>(gate, six)));
  }
  return i;
}
