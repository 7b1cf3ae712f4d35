/**
 * From pixels to network input: crop, resize (bilinear, or by area), gray, normalize.
 * @module
 */
import { count, type Value } from "./value.ts";

/** What one output position takes of one input position along an axis. */
export interface Tap {
  readonly index: number;
  readonly weight: number;
}

/**
 * Bilinear with half-pixel centers: output i samples the input at from + (i + ½)·length/out − ½, between its two
 * neighbors. A neighbor outside [least, most] is the edge itself.
 */
export function bilinearTaps(from: number, length: number, out: number, least: number, most: number): Tap[][] {
  const inside = (i: number) => Math.min(Math.max(i, least), most);
  return Array.from({ length: out }, (_, i) => {
    const center = from + ((i + 0.5) * length) / out - 0.5;
    const left = Math.floor(center);
    const part = center - left;
    const [a, b] = [inside(left), inside(left + 1)];
    if (a === b || part === 0) return [{ index: a, weight: 1 }];
    return [
      { index: a, weight: 1 - part },
      { index: b, weight: part },
    ];
  });
}

/**
 * By area: output i is the mean over [from + i·length/out, from + (i + 1)·length/out), each input counted by how much
 * of it lies in there.
 */
export function areaTaps(from: number, length: number, out: number): Tap[][] {
  const step = length / out;
  return Array.from({ length: out }, (_, i) => {
    const [begin, end] = [from + i * step, from + (i + 1) * step];
    const taps: Tap[] = [];
    for (let index = Math.floor(begin); index < end; ++index) {
      const weight = (Math.min(end, index + 1) - Math.max(begin, index)) / step;
      if (weight > 0) taps.push({ index, weight });
    }
    return taps;
  });
}

/** Interleaved bytes. */
export interface Pixels {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  /** 1 gray, 3 RGB, 4 RGBA (alpha counts for nothing). */
  readonly channels: number;
}

/** y = color·scale + shift; `scale` and `shift` hold 1 (luma) or 3 (RGB) numbers. */
export interface Affine {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/**
 * [outH, outW, outC]: y[oy,ox,c] = scale[c]·color_c(Σ_ky Σ_kx v·h·x) + shift[c]. A term passes a product and the sums
 * of each axis (at most as many roundings as it has taps), up to four roundings of the luma, a product, a sum.
 */
export function image(pixels: Pixels, rows: readonly Tap[][], columns: readonly Tap[][], to: Affine): Value {
  const outC = to.scale.length;
  const shape = [rows.length, columns.length, outC];
  const values = new Float64Array(count(shape));
  const terms = new Float64Array(values.length);
  const { data, width, channels } = pixels;
  for (const [oy, vertical] of rows.entries()) {
    for (const [ox, horizontal] of columns.entries()) {
      const color = [0, 0, 0];
      for (const { index: iy, weight: v } of vertical) {
        for (const { index: ix, weight: h } of horizontal) {
          for (let c = 0; c < 3; ++c)
            color[c]! += v * h * data[(iy * width + ix) * channels + (channels === 1 ? 0 : c)]!;
        }
      }
      const [r, g, b] = color as [number, number, number];
      const luma = channels === 1 ? r : 0.299 * r + 0.587 * g + 0.114 * b;
      for (let c = 0; c < outC; ++c) {
        const at = (oy * columns.length + ox) * outC + c;
        const scaled = to.scale[c]! * (outC === 1 ? luma : color[c]!);
        values[at] = scaled + to.shift[c]!;
        terms[at] = Math.abs(scaled) + Math.abs(to.shift[c]!);
      }
    }
  }
  const longest = (axis: readonly Tap[][]) => axis.reduce((most, taps) => Math.max(most, taps.length), 0);
  return { shape, values, terms, ops: longest(rows) + longest(columns) + 6 };
}
