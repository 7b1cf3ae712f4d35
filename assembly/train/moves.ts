/**
 * Values that come to lie elsewhere, and pools. Formulas: docs/gradients.md.
 */
import { firstTap, lastTap } from "../lib/taps";
import { SIMD, add, larger, mul, splat } from "../simd/f32";
import { Flag, Step, View } from "./abi";
import { accumulate, seen, view_gradient } from "./elementwise";
import { view_apply } from "./view";

/** Where pixel (0, 0) of image i of x lies in y. */
// @ts-ignore: decorator
@inline
function placed(s: Step, y: usize, i: i32): usize {
  return y + <usize>(((i * s.outH + s.padT) * s.outW + s.padL) * s.outC + s.padC) * sizeof<f32>();
}

/**
 * view(x) [inH, inW, inC] becomes a part of y [outH, outW, outC], at (padT, padL, padC). FILL: all else of y becomes a.
 */
export function place(s: Step, n: i32): void {
  const bytes = <usize>s.inC * sizeof<f32>();
  const pitch = <usize>s.outC * sizeof<f32>();
  if (s.flags & Flag.FILL) {
    const end = s.y + <usize>(n * s.outH * s.outW) * pitch;
    for (let p = s.y; p < end; p += 4) store<f32>(p, s.a);
  }
  let x = s.x;
  for (let i = 0; i < n; ++i) {
    for (let r = 0; r < s.inH; ++r) {
      let y = placed(s, s.y, i) + <usize>(r * s.outW) * pitch;
      if (s.xv) {
        view_apply(changetype<View>(s.xv), x, s.inW, y, pitch);
        x += <usize>s.inW * bytes;
        continue;
      }
      for (let c = 0; c < s.inW; ++c) {
        memory.copy(y, x, bytes);
        x += bytes;
        y += pitch;
      }
    }
  }
}

export function place_gradient(s: Step, n: i32): void {
  const bytes = <usize>s.inC * sizeof<f32>();
  const pitch = <usize>s.outC * sizeof<f32>();
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  let gx = s.gx;
  for (let i = 0; i < n; ++i) {
    for (let r = 0; r < s.inH; ++r) {
      let gy = placed(s, s.gy, i) + <usize>(r * s.outW) * pitch;
      for (let c = 0; c < s.inW; ++c) {
        if (more) accumulate(gx, gy, s.inC);
        else memory.copy(gx, gy, bytes);
        gx += bytes;
        gy += pitch;
      }
    }
  }
  if (s.flags & Flag.REDUCE) view_gradient(s, n);
}

/** Each channel `which` times, side by side. s1 a row, where x has a view. */
export function repeat(s: Step, n: i32): void {
  const rows = n * s.rows;
  const bytes = <usize>s.inC * sizeof<f32>();
  let y = s.y;
  for (let r = 0; r < rows; ++r) {
    let x = s.x + <usize>r * bytes;
    if (s.xv) {
      seen(s.xv, x, 1, s.inC, s.s1);
      x = s.s1;
    }
    for (let c = 0; c < s.inC; ++c) {
      for (let m = 0; m < s.which; ++m) {
        store<f32>(y, load<f32>(x));
        y += 4;
      }
      x += 4;
    }
  }
}

export function repeat_gradient(s: Step, n: i32): void {
  const count = n * s.rows * s.inC;
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  let gy = s.gy;
  for (let i = 0; i < count; ++i) {
    let sum: f32 = 0;
    for (let m = 0; m < s.which; ++m) {
      sum += load<f32>(gy);
      gy += 4;
    }
    const gx = s.gx + (<usize>i << 2);
    store<f32>(gx, more ? load<f32>(gx) + sum : sum);
  }
  if (s.flags & Flag.REDUCE) view_gradient(s, n);
}

/** `which` 0: the largest pixel of each window; 1: the mean of those inside. s1 an image, where x has a view. */
export function pool(s: Step, n: i32): void {
  const bytes = <usize>s.inC * sizeof<f32>();
  let y = s.y;
  for (let i = 0; i < n; ++i) {
    const x = image(s, i);
    for (let oy = 0; oy < s.outH; ++oy) {
      for (let ox = 0; ox < s.outW; ++ox) {
        let o: usize = 0;
        if (SIMD) for (; o + 16 <= bytes; o += 16) pooled<v128>(s, x + o, oy, ox, y + o, bytes);
        for (; o < bytes; o += 4) pooled<f32>(s, x + o, oy, ox, y + o, bytes);
        y += bytes;
      }
    }
  }
}

function image(s: Step, i: i32): usize {
  const pixels = s.inH * s.inW;
  const x = s.x + <usize>(i * pixels * s.inC) * sizeof<f32>();
  if (!s.xv) return x;
  seen(s.xv, x, pixels, s.inC, s.s1);
  return s.s1;
}

// @ts-ignore: decorator
@inline
function pooled<V>(s: Step, x: usize, oy: i32, ox: i32, y: usize, bytes: usize): void {
  const iy = oy * s.strideH - s.padT;
  const ix = ox * s.strideW - s.padL;
  const y0 = firstTap(iy, 1), y1 = lastTap(iy, 1, s.kH, s.inH);
  const x0 = firstTap(ix, 1), x1 = lastTap(ix, 1, s.kW, s.inW);
  let sum = s.which ? splat<V>(0) : splat<V>(-Infinity);
  for (let ky = y0; ky < y1; ++ky) {
    for (let kx = x0; kx < x1; ++kx) {
      const value = load<V>(x + <usize>((iy + ky) * s.inW + ix + kx) * bytes);
      sum = s.which ? add<V>(sum, value) : larger<V>(value, sum);
    }
  }
  if (s.which) sum = mul<V>(sum, splat<V>(<f32>1 / <f32>((y1 - y0) * (x1 - x0))));
  store<V>(y, sum);
}

/** Of equal pixels the first one has the gradient. s1 as above, for the largest. */
export function pool_gradient(s: Step, n: i32): void {
  const bytes = <usize>s.inC * sizeof<f32>();
  const imageBytes = <usize>(s.inH * s.inW) * bytes;
  let gy = s.gy;
  if (!(s.flags & Flag.ACCUMULATE)) memory.fill(s.gx, 0, <usize>n * imageBytes);
  for (let i = 0; i < n; ++i) {
    const x: usize = s.which ? 0 : image(s, i);
    const gx = s.gx + <usize>i * imageBytes;
    for (let oy = 0; oy < s.outH; ++oy) {
      for (let ox = 0; ox < s.outW; ++ox) {
        for (let o: usize = 0; o < bytes; o += 4) unpooled(s, x + o, oy, ox, gx + o, load<f32>(gy + o), bytes);
        gy += bytes;
      }
    }
  }
  if (s.flags & Flag.REDUCE) view_gradient(s, n);
}

function unpooled(s: Step, x: usize, oy: i32, ox: i32, gx: usize, g: f32, bytes: usize): void {
  const iy = oy * s.strideH - s.padT;
  const ix = ox * s.strideW - s.padL;
  const y0 = firstTap(iy, 1), y1 = lastTap(iy, 1, s.kH, s.inH);
  const x0 = firstTap(ix, 1), x1 = lastTap(ix, 1, s.kW, s.inW);
  if (s.which) g *= <f32>1 / <f32>((y1 - y0) * (x1 - x0));
  let largest: f32 = -Infinity;
  let at: usize = 0;
  let found = false;
  for (let ky = y0; ky < y1; ++ky) {
    for (let kx = x0; kx < x1; ++kx) {
      const o = <usize>((iy + ky) * s.inW + ix + kx) * bytes;
      if (s.which) {
        store<f32>(gx + o, load<f32>(gx + o) + g);
      } else if (!found || load<f32>(x + o) > largest) {
        largest = load<f32>(x + o);
        at = o;
        found = true;
      }
    }
  }
  if (found) store<f32>(gx + at, load<f32>(gx + at) + g);
}
