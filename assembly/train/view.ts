/**
 * Views: what lies between a convolution and those who read it, a batch norm and an activation, is never stored.
 * Readers compute it from the convolution's result, a block of rows at a time, and so does the way back. What each
 * function computes: docs/gradients.md.
 *
 * Sums over rows are taken in chunks, and sums of chunks in blocks: the order is the same in every build, and errors
 * grow with the number of chunks and not of rows.
 */
import { SIMD, add, clamp, div, madd, mul, splat, sqrt, sub, whereWithin } from "../simd/f32";
import { View } from "./abi";

/** Rows that one column of vectors is followed along before the next one: they stay in the first-level cache. */
const CHUNK: i32 = 16;

/** dst = view(src), rows of `v.channels` floats; those of dst are `pitch` bytes apart. */
export function view_apply(v: View, src: usize, rows: i32, dst: usize, pitch: usize): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  for (; rows > 0; rows -= CHUNK) {
    const n = min(rows, CHUNK);
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) applied<v128>(v, src + o, n, bytes, dst + o, pitch, o);
    for (; o < bytes; o += sizeof<f32>()) applied<f32>(v, src + o, n, bytes, dst + o, pitch, o);
    src += <usize>n * bytes;
    dst += <usize>n * pitch;
  }
}

// @ts-ignore: decorator
@inline
function applied<V>(v: View, src: usize, rows: i32, bytes: usize, dst: usize, pitch: usize, o: usize): void {
  const lo = splat<V>(v.lo);
  const hi = splat<V>(v.hi);
  if (v.norm) {
    const scale = load<V>(v.scale + o);
    const shift = load<V>(v.shift + o);
    do {
      store<V>(dst, clamp<V>(madd<V>(load<V>(src), scale, shift), lo, hi));
      src += bytes;
      dst += pitch;
    } while (--rows > 0);
  } else {
    do {
      store<V>(dst, clamp<V>(load<V>(src), lo, hi));
      src += bytes;
      dst += pitch;
    } while (--rows > 0);
  }
}

/**
 * dst = the gradient before the view, of the one behind it, `g`, and of the values `z`. Rows of g and z lie side by
 * side, those of dst `pitch` bytes apart; dst may be g.
 */
export function view_back(v: View, g: usize, z: usize, rows: i32, dst: usize, pitch: usize): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  for (; rows > 0; rows -= CHUNK) {
    const n = min(rows, CHUNK);
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) back<v128>(v, g + o, z + o, n, bytes, dst + o, pitch, o);
    for (; o < bytes; o += sizeof<f32>()) back<f32>(v, g + o, z + o, n, bytes, dst + o, pitch, o);
    g += <usize>n * bytes;
    z += <usize>n * bytes;
    dst += <usize>n * pitch;
  }
}

// @ts-ignore: decorator
@inline
function back<V>(v: View, g: usize, z: usize, rows: i32, bytes: usize, dst: usize, pitch: usize, o: usize): void {
  const lo = splat<V>(v.lo);
  const hi = splat<V>(v.hi);
  if (v.norm == 0) {
    do {
      store<V>(dst, whereWithin<V>(load<V>(z), lo, hi, load<V>(g)));
      g += bytes;
      z += bytes;
      dst += pitch;
    } while (--rows > 0);
    return;
  }
  const scale = load<V>(v.scale + o);
  const shift = load<V>(v.shift + o);
  if (v.norm == 2) {
    do {
      const u = madd<V>(load<V>(z), scale, shift);
      store<V>(dst, mul<V>(scale, whereWithin<V>(u, lo, hi, load<V>(g))));
      g += bytes;
      z += bytes;
      dst += pitch;
    } while (--rows > 0);
    return;
  }
  const a = load<V>(v.a + o);
  const b = load<V>(v.b + o);
  do {
    const x = load<V>(z);
    const inside = whereWithin<V>(madd<V>(x, scale, shift), lo, hi, load<V>(g));
    store<V>(dst, madd<V>(scale, inside, madd<V>(a, x, b)));
    g += bytes;
    z += bytes;
    dst += pitch;
  } while (--rows > 0);
}

/** sums += Σ over rows of x [rows][bytes / 4]. */
export function column_sums(x: usize, rows: i32, bytes: usize, sums: usize): void {
  for (; rows > 0; rows -= CHUNK) {
    const n = min(rows, CHUNK);
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) summed<v128>(x + o, n, bytes, sums + o);
    for (; o < bytes; o += sizeof<f32>()) summed<f32>(x + o, n, bytes, sums + o);
    x += <usize>n * bytes;
  }
}

// @ts-ignore: decorator
@inline
function summed<V>(x: usize, rows: i32, bytes: usize, sum: usize): void {
  let s = load<V>(x);
  while (--rows > 0) {
    x += bytes;
    s = add<V>(s, load<V>(x));
  }
  store<V>(sum, add<V>(load<V>(sum), s));
}

/** sums += Σ over rows of (x − mean)². */
export function column_squares(x: usize, rows: i32, bytes: usize, mean: usize, sums: usize): void {
  for (; rows > 0; rows -= CHUNK) {
    const n = min(rows, CHUNK);
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) squared<v128>(x + o, n, bytes, mean + o, sums + o);
    for (; o < bytes; o += sizeof<f32>()) squared<f32>(x + o, n, bytes, mean + o, sums + o);
    x += <usize>n * bytes;
  }
}

// @ts-ignore: decorator
@inline
function squared<V>(x: usize, rows: i32, bytes: usize, mean: usize, sum: usize): void {
  const m = load<V>(mean);
  let s = splat<V>(0);
  do {
    const d = sub<V>(load<V>(x), m);
    s = madd<V>(d, d, s);
    x += bytes;
  } while (--rows > 0);
  store<V>(sum, add<V>(load<V>(sum), s));
}

/** A batch norm's statistics begin anew. */
export function statistics_begin(v: View): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  memory.fill(v.mean, 0, bytes);
  memory.fill(v.variance, 0, bytes);
}

/**
 * Takes in some more rows. The mean and the squares of the block's own, and then both parts joined: no difference of
 * large numbers occurs. `v.variance` holds Σ (z − mean)² so far; `v.a` and `v.b`, of the way back, are free now.
 */
export function statistics_take(v: View, z: usize, rows: i32, before: i32): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  memory.fill(v.a, 0, bytes);
  memory.fill(v.b, 0, bytes);
  column_sums(z, rows, bytes, v.a);
  const part: f32 = <f32>1 / <f32>rows;
  let o: usize = 0;
  if (SIMD) for (; o + 16 <= bytes; o += 16) store<v128>(v.a + o, mul<v128>(load<v128>(v.a + o), splat<v128>(part)));
  for (; o < bytes; o += 4) store<f32>(v.a + o, load<f32>(v.a + o) * part);
  column_squares(z, rows, bytes, v.a, v.b);
  const share: f32 = <f32>rows / <f32>(before + rows);
  const weight: f32 = <f32>before * share;
  o = 0;
  if (SIMD) for (; o + 16 <= bytes; o += 16) joined<v128>(v, o, share, weight);
  for (; o < bytes; o += 4) joined<f32>(v, o, share, weight);
}

// @ts-ignore: decorator
@inline
function joined<V>(v: View, o: usize, share: f32, weight: f32): void {
  const mean = load<V>(v.mean + o);
  const apart = sub<V>(load<V>(v.a + o), mean);
  store<V>(v.mean + o, madd<V>(apart, splat<V>(share), mean));
  const squares = add<V>(load<V>(v.variance + o), load<V>(v.b + o));
  store<V>(v.variance + o, madd<V>(mul<V>(apart, apart), splat<V>(weight), squares));
}

/** All rows were taken in: the variance, and from it scale and shift. */
export function statistics_end(v: View, rows: i32): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  const part: f32 = <f32>1 / <f32>rows;
  for (let o: usize = 0; o < bytes; o += 4) store<f32>(v.variance + o, load<f32>(v.variance + o) * part);
  view_scale(v);
}

/** Scale and shift, of mean and variance. */
export function view_scale(v: View): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  let o: usize = 0;
  if (SIMD) for (; o + 16 <= bytes; o += 16) scaled<v128>(v, o);
  for (; o < bytes; o += 4) scaled<f32>(v, o);
}

// @ts-ignore: decorator
@inline
function scaled<V>(v: View, o: usize): void {
  const root = sqrt<V>(add<V>(load<V>(v.variance + o), splat<V>(v.epsilon)));
  const scale = div<V>(v.gamma ? load<V>(v.gamma + o) : splat<V>(1), root);
  store<V>(v.scale + o, scale);
  const beta = v.beta ? load<V>(v.beta + o) : splat<V>(0);
  store<V>(v.shift + o, sub<V>(beta, mul<V>(load<V>(v.mean + o), scale)));
}

/** Fixed statistics: the moving averages as they are, or, of a view that has none, 0 and 1. */
export function view_fixed(v: View): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  if (v.movingMean) {
    memory.copy(v.mean, v.movingMean, bytes);
    memory.copy(v.variance, v.movingVariance, bytes);
  } else {
    memory.fill(v.mean, 0, bytes);
    for (let o: usize = 0; o < bytes; o += 4) store<f32>(v.variance + o, 1);
  }
  view_scale(v);
}

/** The moving averages come nearer to the batch's statistics. */
export function view_average(v: View): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  const old = v.momentum;
  const young: f32 = <f32>1 - old;
  for (let o: usize = 0; o < bytes; o += 4) {
    store<f32>(v.movingMean + o, load<f32>(v.movingMean + o) * old + load<f32>(v.mean + o) * young);
    store<f32>(v.movingVariance + o, load<f32>(v.movingVariance + o) * old + load<f32>(v.variance + o) * young);
  }
}

/** The sums over the batch that a batch norm's gradient needs begin anew. */
export function gradient_begin(v: View): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  memory.fill(v.dgamma, 0, bytes);
  memory.fill(v.dbeta, 0, bytes);
}

/** Takes in some more rows: dbeta += Σ g, dgamma += Σ g·(z − mean), g being 0 where the view is at its bounds. */
export function gradient_take(v: View, g: usize, z: usize, rows: i32): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  for (; rows > 0; rows -= CHUNK) {
    const n = min(rows, CHUNK);
    let o: usize = 0;
    if (SIMD) for (; o + 16 <= bytes; o += 16) taken<v128>(v, g + o, z + o, n, bytes, o);
    for (; o < bytes; o += sizeof<f32>()) taken<f32>(v, g + o, z + o, n, bytes, o);
    g += <usize>n * bytes;
    z += <usize>n * bytes;
  }
}

// @ts-ignore: decorator
@inline
function taken<V>(v: View, g: usize, z: usize, rows: i32, bytes: usize, o: usize): void {
  const lo = splat<V>(v.lo);
  const hi = splat<V>(v.hi);
  const scale = load<V>(v.scale + o);
  const shift = load<V>(v.shift + o);
  const mean = load<V>(v.mean + o);
  let sum = splat<V>(0);
  let product = splat<V>(0);
  do {
    const x = load<V>(z);
    const inside = whereWithin<V>(madd<V>(x, scale, shift), lo, hi, load<V>(g));
    sum = add<V>(sum, inside);
    product = madd<V>(inside, sub<V>(x, mean), product);
    g += bytes;
    z += bytes;
  } while (--rows > 0);
  store<V>(v.dbeta + o, add<V>(load<V>(v.dbeta + o), sum));
  store<V>(v.dgamma + o, add<V>(load<V>(v.dgamma + o), product));
}

/** All rows were taken in: the gradient of gamma, and what {@link view_back} needs. */
export function gradient_end(v: View, rows: i32): void {
  const bytes = <usize>v.channels * sizeof<f32>();
  const part: f32 = <f32>1 / <f32>rows;
  for (let o: usize = 0; o < bytes; o += 4) {
    const inverse: f32 = <f32>1 / Mathf.sqrt(load<f32>(v.variance + o) + v.epsilon);
    const slope = load<f32>(v.dgamma + o) * inverse;
    store<f32>(v.dgamma + o, slope);
    if (v.norm != 1) continue;
    const scale = load<f32>(v.scale + o);
    const a: f32 = -scale * (slope * inverse * part);
    store<f32>(v.a + o, a);
    store<f32>(v.b + o, -scale * (load<f32>(v.dbeta + o) * part) - a * load<f32>(v.mean + o));
  }
}
