/**
 * Bilinear resizing, from the formulas in `docs/abi.md`.
 * @module
 */
import { errors, nhwc, type Value } from "./value.ts";

/** How a size becomes another one. */
export interface Resizing {
  readonly size: readonly [number, number];
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** The two inputs on an axis that output o lies between, and the weight of the second one. */
export function between(o: number, from: number, to: number, { alignCorners, halfPixelCenters }: Resizing) {
  const f = Math.fround;
  const scale = alignCorners && to > 1 ? f((from - 1) / (to - 1)) : f(from / to);
  const p = halfPixelCenters ? f(f(f(o + 0.5) * scale) - 0.5) : f(o * scale);
  const first = Math.min(Math.max(Math.floor(p), 0), from - 1);
  return { first, last: Math.min(Math.ceil(p), from - 1), weight: f(p - first) };
}

/** y = Σ x by distance. A weight is a product of two rounded differences; a term passes at most three sums. */
export function resizeBilinear(x: Value, how: Resizing): Value {
  const { n, h, w, c } = nhwc(x.shape);
  const [outH, outW] = how.size;
  const shape = [n, outH, outW, c];
  const values = new Float64Array(n * outH * outW * c);
  const terms = new Float64Array(values.length);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  for (let to = 0; to < values.length; ++to) {
    const rows = between(Math.floor(to / (c * outW)) % outH, h, outH, how);
    const columns = between(Math.floor(to / c) % outW, w, outW, how);
    const image = Math.floor(to / (c * outW * outH));
    for (const [iy, wy] of [[rows.first, 1 - rows.weight] as const, [rows.last, rows.weight] as const]) {
      for (const [ix, wx] of [[columns.first, 1 - columns.weight] as const, [columns.last, columns.weight] as const]) {
        const at = ((image * h + iy) * w + ix) * c + (to % c);
        values[to]! += x.values[at]! * wy * wx;
        terms[to]! += (Math.abs(x.values[at]!) + (e?.[at] ?? 0)) * Math.abs(wy * wx);
        if (carried) carried[to]! += e[at]! * Math.abs(wy * wx);
      }
    }
  }
  return { shape, values, terms, ops: 8, ...(carried && { carried }) };
}
