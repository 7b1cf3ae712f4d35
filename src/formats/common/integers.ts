/**
 * Arithmetic of short lists of numbers: what models do with shapes to make other shapes of them, computed while a model
 * is read. Formats bring their own names for it.
 * @module
 */
import { positiveAxis, resolvedShape } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";

/** Numbers that are known beforehand: a scalar (shape []) or a list; in row-major order if there are more axes. */
export interface Known {
  readonly shape: Shape;
  readonly values: readonly number[];
}

/** More numbers than any shape has: lists that are joined to themselves again and again must end. */
export const MOST_KNOWN = 1024;

/** A list of numbers. */
export function listOf(values: readonly number[]): Known {
  return { shape: [values.length], values };
}

/** Bits of a mask by axis. */
export interface SliceMasks {
  readonly begin: number;
  readonly end: number;
  readonly shrink: number;
}

/**
 * Part of a list, as TensorFlow's StridedSlice takes it; without a list's only axis where the mask says so. Undefined
 * for more axes, and for an index that there is not.
 */
export function stridedSlice(
  data: Known,
  [begin, end, stride]: readonly [number, number, number],
  masks: SliceMasks,
): Known | undefined {
  const { length } = data.values;
  if (data.shape.length !== 1 || stride === 0 || ![begin, end, stride].every(Number.isInteger)) return undefined;
  const from = begin < 0 ? begin + length : begin;
  if (masks.shrink & 1) return from >= 0 && from < length ? { shape: [], values: [data.values[from]!] } : undefined;
  const to = end < 0 ? end + length : end;
  const [lowest, highest] = stride > 0 ? [0, length] : [-1, length - 1];
  const within = (n: number) => Math.min(highest, Math.max(lowest, n));
  const start = masks.begin & 1 ? (stride > 0 ? 0 : length - 1) : within(from);
  const stop = masks.end & 1 ? (stride > 0 ? length : -1) : within(to);
  const values: number[] = [];
  for (let i = start; stride > 0 ? i < stop : i > stop; i += stride) values.push(data.values[i]!);
  return listOf(values);
}

/** Part of a list: `size` numbers from `begin` on, −1 being all. Undefined for what there is not. */
export function sliced(data: Known, begin: number, size: number): Known | undefined {
  const end = size === -1 ? data.values.length : begin + size;
  return begin >= 0 && end >= begin && end <= data.values.length
    ? stridedSlice(data, [begin, end, 1], { begin: 0, end: 0, shrink: 0 })
    : undefined;
}

/** A list without the axes of size 1. */
export function squeezed(data: Known): Known | undefined {
  return reshaped(data, data.values.length === 1 ? [] : [-1]);
}

/** A number or a list with an axis of size 1 in front. */
export function expanded(data: Known): Known | undefined {
  return reshaped(data, data.shape.length === 0 ? [1] : [1, -1]);
}

/**
 * Joins what lies along the first axis (`stack`: along a new one). Undefined for other axes than the first, and where
 * there is too much.
 */
export function joined(parts: readonly Known[], axis: number, stack: boolean): Known | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const rank = first.shape.length + (stack ? 1 : 0);
  if (rank < 1 || positiveAxis(axis, rank) !== 0) return undefined;
  const inner = stack ? first.shape : first.shape.slice(1);
  const same = ({ shape }: Known) => `${stack ? shape : shape.slice(1)}` === `${inner}`;
  const count = parts.reduce((sum, { values }) => sum + values.length, 0);
  if (!parts.every((part) => part.shape.length === first.shape.length && same(part)) || count > MOST_KNOWN) {
    return undefined;
  }
  const outer = stack ? parts.length : parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return { shape: [outer, ...inner], values: parts.flatMap(({ values }) => values) };
}

/** Elements of a list by their numbers. Undefined for those that there are not. */
export function gathered(data: Known, indices: Known): Known | undefined {
  if (data.shape.length !== 1 || indices.values.length > MOST_KNOWN) return undefined;
  const values = indices.values.map((i) => data.values[i < 0 ? i + data.values.length : i]);
  return values.includes(undefined) ? undefined : { shape: indices.shape, values: values as number[] };
}

/** A list of `fill` with `numbers` in their places. Undefined for more axes than one, and places that there are not. */
export function spread(places: Known, shape: Known, numbers: Known, fill: Known): Known | undefined {
  const [length = 0] = shape.values;
  if (shape.values.length !== 1 || length < 0 || length > MOST_KNOWN) return undefined;
  const values: number[] = new Array(length).fill(fill.values[0] ?? 0);
  for (const [i, place] of places.values.entries()) {
    if (!(place >= 0 && place < length)) return undefined;
    values[place] = numbers.values[numbers.values.length === 1 ? 0 : i] ?? 0;
  }
  return listOf(values);
}

/**
 * Element by element; one number serves all of a list. Undefined where lengths disagree, or a result is no whole number
 * of 32 bits.
 */
export function elementwise(a: Known, b: Known, f: (a: number, b: number) => number): Known | undefined {
  const [long, other] = a.values.length >= b.values.length ? [a, b] : [b, a];
  if (other.values.length !== 1 && `${a.shape}` !== `${b.shape}`) return undefined;
  const at = (list: readonly number[], i: number) => list[list.length === 1 ? 0 : i]!;
  return whole({ shape: long.shape, values: long.values.map((_, i) => f(at(a.values, i), at(b.values, i))) });
}

/** All numbers of a list brought together. */
export function reduced(data: Known, f: (a: number, b: number) => number, keepDims: boolean): Known | undefined {
  if (data.shape.length > 1 || data.values.length === 0) return undefined;
  return whole({ shape: keepDims ? data.shape.map(() => 1) : [], values: [data.values.reduce(f)] });
}

/** The same numbers under another shape; −1 is what is left. Undefined where they do not fit. */
export function reshaped(data: Known, shape: Shape): Known | undefined {
  const resolved = resolvedShape(data.values.length, shape);
  return resolved && { shape: resolved, values: data.values };
}

/** Division of whole numbers in its two ways; NaN by 0. */
export const DIVISIONS = {
  truncating: (a: number, b: number) => (b === 0 ? Number.NaN : Math.trunc(a / b) + 0),
  flooring: (a: number, b: number) => (b === 0 ? Number.NaN : Math.floor(a / b) + 0),
  remainder: (a: number, b: number) => (b === 0 ? Number.NaN : a - b * Math.floor(a / b)),
} as const;

function whole(known: Known): Known | undefined {
  const fits = (n: number) => Number.isInteger(n) && Math.abs(n) < 2 ** 31;
  return known.values.every(fits) ? known : undefined;
}
