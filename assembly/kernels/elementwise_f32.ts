/**
 * Kernels of floats one by one: add_f32, clamp_f32, sigmoid_f32, hardswish_f32. Rows follow each other without a gap,
 * so a range of rows is one run of elements. What they ask of a step: docs/abi.md.
 */
import { Step, expect_add_f32, expect_clamp_f32, expect_hardswish_f32, expect_sigmoid_f32 } from "../abi";
import { exp } from "../lib/exp";
import { SIMD, add, clamp, div, mul, splat, storeWithin, sub } from "../simd/f32";

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
  const i = bytes(s, y0);
  if (SIMD) sigmoidFrom<v128>(s, i, end);
  else sigmoidFrom<f32>(s, i, end);
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

// Each of these runs from byte i in whole V's as far as they go before `end`, and answers with the first byte not done;
// that of the sigmoid, which is long, to the end.

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
function sigmoidFrom<V>(s: Step, i: usize, end: usize): void {
  const x = s.x, y = s.y;
  const one = splat<V>(1);
  for (; i < end; i += sizeof<V>()) {
    storeWithin<V>(y + i, div<V>(one, add<V>(one, exp<V>(sub<V>(splat<V>(0), load<V>(x + i))))), end - i);
  }
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
