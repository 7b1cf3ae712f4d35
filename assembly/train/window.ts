/**
 * Convolutions of any window, image by image: each is copied, seen through its view, with the zeros that belong around
 * it, so that no window has to look where it is. Formulas: docs/gradients.md.
 */
import { Flag, Step, View } from "./abi";
import { accumulate } from "./elementwise";
import { dw_apply, dw_weights } from "./depthwise";
import { pack, pack_transposed, product, product_rows } from "./product";
import {
  column_sums, gradient_begin, gradient_end, gradient_take, statistics_begin, statistics_end, statistics_take,
  view_apply, view_back,
} from "./view";

/** Bytes of a row of the image with zeros around it. */
// @ts-ignore: decorator
@inline
function paddedPitch(s: Step): usize {
  return <usize>((s.padL + s.inW + s.padR) * s.inC) * sizeof<f32>();
}

// @ts-ignore: decorator
@inline
function paddedBytes(s: Step): usize {
  return <usize>(s.padT + s.inH + s.padB) * paddedPitch(s);
}

/** Where the image's first pixel lies in the one with zeros around it. */
// @ts-ignore: decorator
@inline
function interior(s: Step): usize {
  return <usize>s.padT * paddedPitch(s) + <usize>(s.padL * s.inC) * sizeof<f32>();
}

/** view(x) of one image into the middle of s1. */
export function put_image(s: Step, x: usize): void {
  const pitch = paddedPitch(s);
  const bytes = <usize>(s.inW * s.inC) * sizeof<f32>();
  let to = s.s1 + interior(s);
  for (let i = 0; i < s.inH; ++i) {
    if (s.xv) view_apply(changetype<View>(s.xv), x, s.inW, to, <usize>s.inC * sizeof<f32>());
    else memory.copy(to, x, bytes);
    x += bytes;
    to += pitch;
  }
}

/** s1 the image with its zeros. */
export function depthwise(s: Step, n: i32): void {
  const inBytes = <usize>(s.inH * s.inW * s.inC) * sizeof<f32>();
  const pixels = s.outH * s.outW;
  const outBytes = <usize>(pixels * s.inC) * sizeof<f32>();
  const channelBytes = <usize>s.inC * sizeof<f32>();
  const pitch = paddedPitch(s);
  const statistics = (s.flags & Flag.STATISTICS) != 0;
  const yv = changetype<View>(s.yv);
  memory.fill(s.s1, 0, paddedBytes(s));
  if (statistics) statistics_begin(yv);
  let taken = 0;
  for (let i = 0; i < n; ++i) {
    put_image(s, s.x + <usize>i * inBytes);
    dw_apply(
      s.s1, pitch, <usize>s.strideH * pitch, <usize>s.strideW * channelBytes,
      <usize>s.dilationH * pitch, <usize>s.dilationW * channelBytes,
      s.kH, s.kW, s.w, s.b, s.y + <usize>i * outBytes, s.outH, s.outW, channelBytes,
    );
    if (statistics && (i + 1 - taken == s.block || i + 1 == n)) {
      statistics_take(yv, s.y + <usize>taken * outBytes, (i + 1 - taken) * pixels, taken * pixels);
      taken = i + 1;
    }
  }
  if (statistics) statistics_end(yv, n * pixels);
}

/**
 * s0 the window's taps turned around; s1 as above; s2 [inH + (kH − 1)·dilationH][inW + (kW − 1)·dilationW][C], where dz
 * lies with zeros around and between; s3 an image where gx is added to.
 */
export function depthwise_gradient(s: Step, n: i32): void {
  const inBytes = <usize>(s.inH * s.inW * s.inC) * sizeof<f32>();
  const pixels = s.outH * s.outW;
  const outBytes = <usize>(pixels * s.inC) * sizeof<f32>();
  const rowBytes = <usize>(s.outW * s.inC) * sizeof<f32>();
  const channelBytes = <usize>s.inC * sizeof<f32>();
  const pitch = paddedPitch(s);
  const taps = s.kH * s.kW;
  const weights = (s.flags & Flag.WEIGHTS) != 0;
  const input = (s.flags & Flag.INPUT) != 0;
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  const reduce = (s.flags & Flag.REDUCE) != 0;
  const xv = changetype<View>(s.xv);
  // Output pixel (i, j) lies at ((i·strideH + top), (j·strideW + left)) of s2.
  const top = (s.kH - 1) * s.dilationH - s.padT;
  const left = (s.kW - 1) * s.dilationW - s.padL;
  const dPitch = <usize>((s.inW + (s.kW - 1) * s.dilationW) * s.inC) * sizeof<f32>();
  const dBytes = <usize>(s.inH + (s.kH - 1) * s.dilationH) * dPitch;
  const dRow = <usize>s.strideH * dPitch;
  const dColumn = <usize>s.strideW * channelBytes;
  const first = s.s2 + <usize>top * dPitch + <usize>left * channelBytes;
  memory.fill(s.s2, 0, dBytes);
  if (weights) {
    memory.fill(s.s1, 0, paddedBytes(s));
    memory.fill(s.dw, 0, <usize>taps * channelBytes);
  }
  if (s.db) memory.fill(s.db, 0, channelBytes);
  if (input) {
    for (let t = 0; t < taps; ++t) {
      memory.copy(s.s0 + <usize>t * channelBytes, s.w + <usize>(taps - 1 - t) * channelBytes, channelBytes);
    }
  }
  if (reduce) gradient_begin(xv);
  let taken = 0;
  for (let i = 0; i < n; ++i) {
    const y = s.y + <usize>i * outBytes;
    const gy = s.gy + <usize>i * outBytes;
    const x = s.x + <usize>i * inBytes;
    const gx = s.gx + <usize>i * inBytes;
    for (let r = 0; r < s.outH; ++r) {
      const o = <usize>r * rowBytes;
      const to = first + <usize>r * dRow;
      if (s.yv) view_back(changetype<View>(s.yv), gy + o, y + o, s.outW, to, dColumn);
      else spread(gy + o, s.outW, channelBytes, to, dColumn);
      if (s.db) {
        if (s.strideW == 1) column_sums(to, s.outW, channelBytes, s.db);
        else for (let c = 0; c < s.outW; ++c) column_sums(to + <usize>c * dColumn, 1, channelBytes, s.db);
      }
    }
    if (weights) {
      put_image(s, x);
      dw_weights(
        s.s1, <usize>s.strideH * pitch, <usize>s.strideW * channelBytes,
        <usize>s.dilationH * pitch, <usize>s.dilationW * channelBytes,
        s.kH, s.kW, first, dRow, dColumn, s.outH, s.outW, s.dw, channelBytes,
      );
    }
    if (!input) continue;
    dw_apply(
      s.s2, dPitch, dPitch, channelBytes, <usize>s.dilationH * dPitch, <usize>s.dilationW * channelBytes,
      s.kH, s.kW, s.s0, 0, more ? s.s3 : gx, s.inH, s.inW, channelBytes,
    );
    if (more) accumulate(gx, s.s3, s.inH * s.inW * s.inC);
    if (reduce && (i + 1 - taken == s.block || i + 1 == n)) {
      const o = <usize>taken * inBytes;
      gradient_take(xv, s.gx + o, s.x + o, (i + 1 - taken) * s.inH * s.inW);
      taken = i + 1;
    }
  }
  if (reduce) gradient_end(xv, n * s.inH * s.inW);
}

/** Copies pixels that lie side by side to places further apart. */
function spread(from: usize, count: i32, bytes: usize, to: usize, apart: usize): void {
  for (; count > 0; --count) {
    memory.copy(to, from, bytes);
    from += bytes;
    to += apart;
  }
}

/** Windows of output rows [from, to) of the image in s1, side by side: [pixels][kH·kW·inC]. */
export function gather_windows(s: Step, from: i32, to: i32, columns: usize): void {
  const pitch = paddedPitch(s);
  const channelBytes = <usize>s.inC * sizeof<f32>();
  const run = <usize>s.kW * channelBytes;
  for (let i = from; i < to; ++i) {
    let x = s.s1 + <usize>(i * s.strideH) * pitch;
    for (let j = 0; j < s.outW; ++j) {
      let p = x;
      for (let ky = 0; ky < s.kH; ++ky) {
        if (s.dilationW == 1) {
          copy_floats(columns, p, run);
          columns += run;
        } else {
          for (let kx = 0; kx < s.kW; ++kx) {
            copy_floats(columns, p + <usize>(kx * s.dilationW) * channelBytes, channelBytes);
            columns += channelBytes;
          }
        }
        p += <usize>s.dilationH * pitch;
      }
      x += <usize>s.strideW * channelBytes;
    }
  }
}

/** The same way back: every window's gradient is added where it was read, in s3. */
export function scatter_windows(s: Step, from: i32, to: i32, columns: usize): void {
  const pitch = paddedPitch(s);
  const channelBytes = <usize>s.inC * sizeof<f32>();
  for (let i = from; i < to; ++i) {
    let x = s.s3 + <usize>(i * s.strideH) * pitch;
    for (let j = 0; j < s.outW; ++j) {
      let p = x;
      for (let ky = 0; ky < s.kH; ++ky) {
        if (s.dilationW == 1) {
          accumulate(p, columns, s.kW * s.inC);
          columns += <usize>s.kW * channelBytes;
        } else {
          for (let kx = 0; kx < s.kW; ++kx) {
            accumulate(p + <usize>(kx * s.dilationW) * channelBytes, columns, s.inC);
            columns += channelBytes;
          }
        }
        p += <usize>s.dilationH * pitch;
      }
      x += <usize>s.strideW * channelBytes;
    }
  }
}

// @ts-ignore: decorator
@inline
function copy_floats(to: usize, from: usize, bytes: usize): void {
  if (bytes > 64) memory.copy(to, from, bytes);
  else for (let o: usize = 0; o < bytes; o += sizeof<f32>()) store<f32>(to + o, load<f32>(from + o));
}

/** s0 (K + 1)·outC floats, K = kH·kW·inC; s1 the image with its zeros; s windows of `block` output rows. */
export function conv(s: Step, n: i32): void {
  const k = s.kH * s.kW * s.inC;
  const m = s.outC;
  const inBytes = <usize>(s.inH * s.inW * s.inC) * sizeof<f32>();
  const pixels = s.outH * s.outW;
  const statistics = (s.flags & Flag.STATISTICS) != 0;
  const yv = changetype<View>(s.yv);
  pack(s.s0, s.w, s.b, k, m);
  memory.fill(s.s1, 0, paddedBytes(s));
  if (statistics) statistics_begin(yv);
  for (let i = 0; i < n; ++i) {
    put_image(s, s.x + <usize>i * inBytes);
    for (let r = 0; r < s.outH; r += s.block) {
      const to = min(r + s.block, s.outH);
      const before = i * pixels + r * s.outW;
      const y = s.y + <usize>(before * m) * sizeof<f32>();
      gather_windows(s, r, to, s.s);
      product(s.s, (to - r) * s.outW, k, m, s.s0, y);
      if (statistics) statistics_take(yv, y, (to - r) * s.outW, before);
    }
  }
  if (statistics) statistics_end(yv, n * pixels);
}

/**
 * s0 (2·outC + 1)·K floats; s1 the image; s windows of `block` output rows; s2 dz of these; s3 the gradient of an image
 * with zeros around it.
 */
export function conv_gradient(s: Step, n: i32): void {
  const k = s.kH * s.kW * s.inC;
  const m = s.outC;
  const inBytes = <usize>(s.inH * s.inW * s.inC) * sizeof<f32>();
  const pixels = s.outH * s.outW;
  const weights = (s.flags & Flag.WEIGHTS) != 0;
  const input = (s.flags & Flag.INPUT) != 0;
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  const reduce = (s.flags & Flag.REDUCE) != 0;
  const xv = changetype<View>(s.xv);
  const mBytes = <usize>m * sizeof<f32>();
  if (weights) {
    memory.fill(s.dw, 0, <usize>(k * m) * sizeof<f32>());
    memory.fill(s.s1, 0, paddedBytes(s));
  }
  if (s.db) memory.fill(s.db, 0, mBytes);
  if (input) pack_transposed(s.s0, s.w, k, m);
  if (reduce) gradient_begin(xv);
  for (let i = 0; i < n; ++i) {
    const x = s.x + <usize>i * inBytes;
    if (weights) put_image(s, x);
    if (input) memory.fill(s.s3, 0, paddedBytes(s));
    for (let r = 0; r < s.outH; r += s.block) {
      const to = min(r + s.block, s.outH);
      const some = (to - r) * s.outW;
      const o = <usize>((i * pixels + r * s.outW) * m) * sizeof<f32>();
      let d = s.gy + o;
      if (s.yv) {
        view_back(changetype<View>(s.yv), d, s.y + o, some, s.s2, mBytes);
        d = s.s2;
      }
      if (weights) {
        gather_windows(s, r, to, s.s);
        product_rows(s.s, d, some, k, m, s.dw);
      }
      if (s.db) column_sums(d, some, mBytes, s.db);
      if (input) {
        product(d, some, m, k, s.s0, s.s);
        scatter_windows(s, r, to, s.s);
      }
    }
    if (!input) continue;
    const gx = s.gx + <usize>i * inBytes;
    const pitch = paddedPitch(s);
    const bytes = <usize>(s.inW * s.inC) * sizeof<f32>();
    let from = s.s3 + interior(s);
    for (let r = 0; r < s.inH; ++r) {
      const to = gx + <usize>r * bytes;
      if (more) accumulate(to, from, s.inW * s.inC);
      else memory.copy(to, from, bytes);
      from += pitch;
    }
    if (reduce) gradient_take(xv, gx, x, s.inH * s.inW);
  }
  if (reduce) gradient_end(xv, n * s.inH * s.inW);
}
