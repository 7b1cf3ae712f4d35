/**
 * From the bytes of a picture to the network's floats: resized by taps, mixed and normalized. What it asks of a step:
 * docs/abi.md.
 *
 * Rows are blended first: bytes lie one behind the other there, so every channel count fills the vectors, and all
 * source bytes are read about once.
 */
import { Step, expect_image_f32 } from "../abi";
import { SIMD, lanes, loadBytes, loadSplat, madd, splat } from "../simd/f32";

export function image_f32(s: Step, y0: i32, y1: i32): void {
  expect_image_f32(s, y0, y1);
  for (let oy = y0; oy < y1; ++oy) {
    const from = load<i32>(s.w2 + <usize>oy * 8);
    const count = load<i32>(s.w2 + <usize>oy * 8, 4);
    assert(from >= s.padT && from + count <= s.padT + s.inH);
    const x = s.x + <usize>(from - s.padT) * <usize>s.xPitch;
    const weights = s.w2 + <usize>s.outH * 8 + <usize>oy * <usize>s.kH * 4;
    let i = 0;
    if (SIMD) i = blendRows<v128>(s, x, weights, count, i);
    blendRows<f32>(s, x, weights, count, i);

    let y = s.y + <usize>oy * <usize>s.yPitch * 4;
    for (let ox = 0; ox < s.outW; ++ox) {
      blendColumns(s, ox);
      y = finish(s, y);
    }
  }
}

/** The row that the horizontal taps read, behind the pixel that they write. */
// @ts-ignore: decorator
@inline
function rowOf(s: Step): usize {
  return s.s + 16;
}

/**
 * One row of inW·inC floats from `count` rows of bytes at x, from element i on; answers with the first one not done.
 */
// @ts-ignore: decorator
@inline
function blendRows<V>(s: Step, x: usize, weights: usize, count: i32, i: i32): i32 {
  const width = s.inW * s.inC;
  const pitch = <usize>s.xPitch;
  for (; i + lanes<V>() <= width; i += lanes<V>()) {
    let acc = splat<V>(0);
    let p = x + <usize>i;
    for (let k = 0; k < count; ++k, p += pitch) {
      acc = madd<V>(loadBytes<V>(p), loadSplat<V>(weights + <usize>k * 4), acc);
    }
    store<V>(rowOf(s) + <usize>i * 4, acc);
  }
  return i;
}

/** The channels of one output pixel, to s[0…inC). */
// @ts-ignore: decorator
@inline
function blendColumns(s: Step, ox: i32): void {
  const from = load<i32>(s.w + <usize>ox * 8);
  const count = load<i32>(s.w + <usize>ox * 8, 4);
  assert(from >= 0 && from + count <= s.inW);
  const p = rowOf(s) + <usize>from * <usize>s.inC * 4;
  const weights = s.w + <usize>s.outW * 8 + <usize>ox * <usize>s.kW * 4;
  if (SIMD) {
    // Four floats from every tap: all channels of one pixel and, of fewer than four, some of the next one's, which
    // nobody reads.
    blendPixels<v128>(s, p, weights, count, 0);
  } else {
    for (let c = 0; c < s.inC; ++c) blendPixels<f32>(s, p, weights, count, <usize>c * 4);
  }
}

// @ts-ignore: decorator
@inline
function blendPixels<V>(s: Step, p: usize, weights: usize, count: i32, c: usize): void {
  const pixel = <usize>s.inC * 4;
  let acc = splat<V>(0);
  p += c;
  for (let k = 0; k < count; ++k, p += pixel) acc = madd<V>(load<V>(p), loadSplat<V>(weights + <usize>k * 4), acc);
  store<V>(s.s + c, acc);
}

/** From the blended pixel at s to the network's channels at y; answers with the place of the next pixel. */
// @ts-ignore: decorator
@inline
function finish(s: Step, y: usize): usize {
  const red = load<f32>(s.s);
  const green = s.inC == 1 ? red : load<f32>(s.s, 4);
  const blue = s.inC == 1 ? red : load<f32>(s.s, 8);
  if (s.outC == 1) {
    const luma: f32 = s.inC == 1 ? red : <f32>0.299 * red + <f32>0.587 * green + <f32>0.114 * blue;
    store<f32>(y, luma * load<f32>(s.x2) + load<f32>(s.x2, 4));
    return y + 4;
  }
  store<f32>(y, red * load<f32>(s.x2) + load<f32>(s.x2, 12));
  store<f32>(y, green * load<f32>(s.x2, 4) + load<f32>(s.x2, 16), 4);
  store<f32>(y, blue * load<f32>(s.x2, 8) + load<f32>(s.x2, 20), 8);
  return y + 12;
}
