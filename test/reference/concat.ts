/**
 * Values moved, not changed: concat, pad, and rows copied between pitches.
 * @module
 */
import { count, nhwc, type Value } from "./value.ts";

/** An element of another value, or a number. */
export type Picker = { readonly part: Value; readonly index: number } | number;

/** Builds a value whose elements are elements of others (or constants), with all that is known of their errors. */
export function gather(shape: readonly number[], parts: readonly Value[], pick: (to: number) => Picker): Value {
  const length = count(shape);
  const values = new Float64Array(length);
  const terms = new Float64Array(length);
  const carried = parts.some((part) => part.carried) ? new Float64Array(length) : undefined;
  for (let to = 0; to < length; ++to) {
    const from = pick(to);
    if (typeof from === "number") {
      values[to] = from;
      terms[to] = Math.abs(from);
    } else {
      values[to] = from.part.values[from.index]!;
      terms[to] = from.part.terms[from.index]!;
      if (carried) carried[to] = from.part.carried?.[from.index] ?? 0;
    }
  }
  const ops = parts.reduce((most, part) => Math.max(most, part.ops), 0);
  return { shape, values, terms, ops, ...(carried && { carried }) };
}

/** Joins values along `axis`. */
export function concat(parts: readonly Value[], axis: number): Value {
  const first = parts[0]!;
  const total = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const shape = first.shape.map((d, i) => (i === axis ? total : d));
  const inner = count(shape.slice(axis + 1));
  return gather(shape, parts, (to) => {
    const outer = Math.floor(to / (total * inner));
    let along = Math.floor(to / inner) % total;
    let which = 0;
    while (along >= parts[which]!.shape[axis]!) along -= parts[which++]!.shape[axis]!;
    const part = parts[which]!;
    return { part, index: (outer * part.shape[axis]! + along) * inner + (to % inner) };
  });
}

/** What {@link pad} puts around an image: pixels, and channels. */
export interface Frame {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
  readonly front?: number;
  readonly back?: number;
}

/** Surrounds each image of x [n,h,w,c] with `value`. */
export function pad(x: Value, by: Frame, value: number): Value {
  const { n, h, w, c } = nhwc(x.shape);
  const outH = h + by.top + by.bottom;
  const outW = w + by.left + by.right;
  const outC = c + (by.front ?? 0) + (by.back ?? 0);
  return gather([n, outH, outW, outC], [x], (to) => {
    const iy = (Math.floor(to / (outC * outW)) % outH) - by.top;
    const ix = (Math.floor(to / outC) % outW) - by.left;
    const i = (to % outC) - (by.front ?? 0);
    const image = Math.floor(to / (outC * outW * outH));
    if (iy < 0 || iy >= h || ix < 0 || ix >= w || i < 0 || i >= c) return Math.fround(value);
    return { part: x, index: ((image * h + iy) * w + ix) * c + i };
  });
}
