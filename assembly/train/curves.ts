/**
 * Functions of each number for itself, and products of two values. Formulas: docs/gradients.md.
 */
import { exp } from "../lib/exp";
import { SIMD, add, clamp, div, madd, mul, neg, smaller, splat, sub, whereNegative, whereWithin } from "../simd/f32";
import { Curve, Flag, Step, View } from "./abi";
import { seen, view_gradient } from "./elementwise";
import { gradient_begin, gradient_end, gradient_take } from "./view";

/** Rows that one column of vectors is followed along; see view.ts. */
const CHUNK: i32 = 16;

// @ts-ignore: decorator
@inline
function value<V>(which: i32, x: V, a: V, c: V): V {
  if (which == Curve.SIGMOID) return div<V>(splat<V>(1), add<V>(splat<V>(1), exp<V>(neg<V>(x))));
  if (which == Curve.HARD_SWISH) {
    return mul<V>(x, div<V>(clamp<V>(add<V>(x, splat<V>(3)), splat<V>(0), splat<V>(6)), splat<V>(6)));
  }
  if (which == Curve.AFFINE) return madd<V>(x, a, c);
  return whereNegative<V>(x, mul<V>(x, a), x);
}

// @ts-ignore: decorator
@inline
function slope<V>(which: i32, x: V, a: V): V {
  const one = splat<V>(1);
  if (which == Curve.SIGMOID) {
    const y = div<V>(one, add<V>(one, exp<V>(neg<V>(x))));
    return mul<V>(y, sub<V>(one, y));
  }
  if (which == Curve.HARD_SWISH) {
    const inside = div<V>(add<V>(add<V>(x, x), splat<V>(3)), splat<V>(6));
    const above = whereNegative<V>(sub<V>(x, splat<V>(3)), splat<V>(0), one);
    return add<V>(whereWithin<V>(x, splat<V>(-3), splat<V>(3), inside), above);
  }
  if (which == Curve.AFFINE) return a;
  return whereNegative<V>(x, a, one);
}

/** `which`: see Curve. a its slope below 0, or by what it multiplies; c what it adds; w [inC] slopes of a PReLU. */
export function curve(s: Step, n: i32): void {
  const bytes = <usize>s.inC * sizeof<f32>();
  let rows = n * s.rows;
  seen(s.xv, s.x, rows, s.inC, s.y);
  for (let y = s.y; rows > 0; rows -= CHUNK) {
    const some = min(rows, CHUNK);
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) curved<v128>(s, y + o, some, bytes, o);
    for (; o < bytes; o += 4) curved<f32>(s, y + o, some, bytes, o);
    y += <usize>some * bytes;
  }
}

// @ts-ignore: decorator
@inline
function curved<V>(s: Step, y: usize, rows: i32, bytes: usize, o: usize): void {
  const a = s.which == Curve.PRELU ? load<V>(s.w + o) : splat<V>(s.a);
  const c = splat<V>(s.c);
  do {
    store<V>(y, value<V>(s.which, load<V>(y), a, c));
    y += bytes;
  } while (--rows > 0);
}

/** s1 `block` rows of x, where that has a view. */
export function curve_gradient(s: Step, n: i32): void {
  const bytes = <usize>s.inC * sizeof<f32>();
  const rows = n * s.rows;
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  const input = (s.flags & Flag.INPUT) != 0;
  if (s.dw) memory.fill(s.dw, 0, bytes);
  for (let r = 0; r < rows; r += CHUNK) {
    const some = min(rows - r, CHUNK);
    const at = <usize>r * bytes;
    let x = s.x + at;
    if (s.xv) {
      seen(s.xv, x, some, s.inC, s.s1);
      x = s.s1;
    }
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) sloped<v128>(s, x + o, at + o, some, bytes, o, input, more);
    for (; o < bytes; o += 4) sloped<f32>(s, x + o, at + o, some, bytes, o, input, more);
  }
  if (s.flags & Flag.REDUCE) view_gradient(s, n);
}

// @ts-ignore: decorator
@inline
function sloped<V>(s: Step, x: usize, at: usize, rows: i32, bytes: usize, o: usize, input: bool, more: bool): void {
  const a = s.which == Curve.PRELU ? load<V>(s.w + o) : splat<V>(s.a);
  let sum = splat<V>(0);
  do {
    const value = load<V>(x);
    const g = load<V>(s.gy + at);
    if (input) {
      const gx = mul<V>(g, slope<V>(s.which, value, a));
      store<V>(s.gx + at, more ? add<V>(load<V>(s.gx + at), gx) : gx);
    }
    sum = madd<V>(g, smaller<V>(value, splat<V>(0)), sum);
    x += bytes;
    at += bytes;
  } while (--rows > 0);
  if (s.dw) store<V>(s.dw + o, add<V>(load<V>(s.dw + o), sum));
}

/**
 * y = view(x)·view(x2), image by image. `which` 0: of equal rows; 1: x2 has one row, for all of x. s1, s2 an image of
 * each where it has a view.
 */
export function multiply(s: Step, n: i32): void {
  const one = s.which == 1;
  const bytes = <usize>(s.rows * s.inC) * sizeof<f32>();
  const otherBytes = one ? <usize>s.inC * sizeof<f32>() : bytes;
  for (let i = 0; i < n; ++i) {
    let x = s.x + <usize>i * bytes;
    let x2 = s.x2 + <usize>i * otherBytes;
    if (s.xv) {
      seen(s.xv, x, s.rows, s.inC, s.s1);
      x = s.s1;
    }
    if (s.x2v) {
      seen(s.x2v, x2, one ? 1 : s.rows, s.inC, s.s2);
      x2 = s.s2;
    }
    products(x, x2, s.rows, s.inC, one, s.y + <usize>i * bytes, false);
  }
}

/** y = a·b, or more, [rows][channels]; b may have one row. */
function products(a: usize, b: usize, rows: i32, channels: i32, one: bool, y: usize, more: bool): void {
  const bytes = <usize>channels * sizeof<f32>();
  for (let r = 0; r < rows; ++r) {
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) multiplied<v128>(a + o, b + o, y + o, more);
    for (; o < bytes; o += 4) multiplied<f32>(a + o, b + o, y + o, more);
    a += bytes;
    y += bytes;
    if (!one) b += bytes;
  }
}

// @ts-ignore: decorator
@inline
function multiplied<V>(a: usize, b: usize, y: usize, more: bool): void {
  const x = mul<V>(load<V>(a), load<V>(b));
  store<V>(y, more ? add<V>(load<V>(y), x) : x);
}

/**
 * The gradient of one factor; x2 is the other one. `which` 0: of equal rows; 1: x2 has one row; 2: x has one row, into
 * which all of x2 goes. rows those of the product. s2 an image of x2, where it has a view.
 */
export function multiply_gradient(s: Step, n: i32): void {
  const channelBytes = <usize>s.inC * sizeof<f32>();
  const bytes = <usize>s.rows * channelBytes;
  const xBytes = s.which == 2 ? channelBytes : bytes;
  const otherBytes = s.which == 1 ? channelBytes : bytes;
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  const reduce = (s.flags & Flag.REDUCE) != 0;
  const xv = changetype<View>(s.xv);
  const xRows = s.which == 2 ? 1 : s.rows;
  if (reduce) gradient_begin(xv);
  for (let i = 0; i < n; ++i) {
    let x2 = s.x2 + <usize>i * otherBytes;
    if (s.x2v) {
      seen(s.x2v, x2, s.which == 1 ? 1 : s.rows, s.inC, s.s2);
      x2 = s.s2;
    }
    const gx = s.gx + <usize>i * xBytes;
    const gy = s.gy + <usize>i * bytes;
    if (s.which == 2) {
      if (!more) memory.fill(gx, 0, channelBytes);
      for (let r = 0; r < s.rows; ++r) {
        products(gy + <usize>r * channelBytes, x2 + <usize>r * channelBytes, 1, s.inC, true, gx, true);
      }
    } else products(gy, x2, s.rows, s.inC, s.which == 1, gx, more);
    if (reduce) gradient_take(xv, gx, s.x + <usize>i * xBytes, xRows);
  }
  if (reduce) gradient_end(xv, n * xRows);
}
