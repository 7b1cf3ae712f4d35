/**
 * Window maximum, window mean (over the taps inside the image only) and the mean over a whole map.
 * @module
 */
import { errors, nhwc, type Value } from "./value.ts";
import type { Placement } from "./window.ts";

/** Visits the input indices of the window of each output element. */
export function forEachWindow(
  x: Pick<Value, "shape">,
  size: readonly [number, number],
  at: Placement,
  visit: (to: number, taps: number[]) => void,
): void {
  const { n, h, w, c } = nhwc(x.shape);
  const { outH, outW } = at;
  for (let to = 0; to < n * outH * outW * c; ++to) {
    const ox = Math.floor(to / c) % outW;
    const oy = Math.floor(to / (c * outW)) % outH;
    const image = Math.floor(to / (c * outW * outH));
    const taps: number[] = [];
    for (let ky = 0; ky < size[0]; ++ky) {
      for (let kx = 0; kx < size[1]; ++kx) {
        const iy = oy * at.strides[0] + ky - at.padT;
        const ix = ox * at.strides[1] + kx - at.padL;
        if (iy >= 0 && iy < h && ix >= 0 && ix < w) taps.push(((image * h + iy) * w + ix) * c + (to % c));
      }
    }
    visit(to, taps);
  }
}

/** y = max over the taps inside; −∞ where there is none; NaN where any tap is NaN. Rounds nothing. */
export function maxPool(x: Value, size: readonly [number, number], at: Placement): Value {
  const { n, c } = nhwc(x.shape);
  const shape = [n, at.outH, at.outW, c];
  const values = new Float64Array(n * at.outH * at.outW * c);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  forEachWindow(x, size, at, (to, taps) => {
    values[to] = taps.reduce((most, from) => Math.max(most, x.values[from]!), Number.NEGATIVE_INFINITY);
    if (carried) carried[to] = taps.reduce((most, from) => Math.max(most, e[from]!), 0);
  });
  return { shape, values, terms: values.map(Math.abs), ops: 0, ...(carried && { carried }) };
}

/**
 * y = Σ x / taps inside, 0 where there is none. A term passes at most kH·kW sums and then a division, or the product
 * with a rounded reciprocal: kH·kW + 2 roundings.
 */
export function averagePool(x: Value, size: readonly [number, number], at: Placement): Value {
  const { n, c } = nhwc(x.shape);
  const shape = [n, at.outH, at.outW, c];
  const values = new Float64Array(n * at.outH * at.outW * c);
  const terms = new Float64Array(values.length);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  forEachWindow(x, size, at, (to, taps) => {
    if (taps.length === 0) return;
    values[to] = taps.reduce((sum, from) => sum + x.values[from]!, 0) / taps.length;
    terms[to] = taps.reduce((sum, from) => sum + Math.abs(x.values[from]!) + (e?.[from] ?? 0), 0) / taps.length;
    if (carried) carried[to] = taps.reduce((sum, from) => sum + e[from]!, 0) / taps.length;
  });
  return { shape, values, terms, ops: size[0] * size[1] + 2, ...(carried && { carried }) };
}

/** Mean over height and width: [n,h,w,c] → [n,1,1,c]. */
export function globalAveragePool(x: Value): Value {
  const { h, w } = nhwc(x.shape);
  return averagePool(x, [h, w], { strides: [1, 1], dilations: [1, 1], padT: 0, padL: 0, outH: 1, outW: 1 });
}
