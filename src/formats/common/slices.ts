/**
 * TensorFlow's parts of a value: what its slices and blocks mean, for all formats that have them.
 * @module
 */
import type { Shape } from "../../graph/graph.ts";

/** A part as a slice takes it, and the shape that it has in the end. */
export interface Part {
  readonly begin: readonly number[];
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly shape: Shape;
}

/** Masks of StridedSlice: a bit for each entry of its lists. */
export interface PartMasks {
  readonly begin: number;
  readonly end: number;
  readonly ellipsis: number;
  readonly newAxis: number;
  readonly shrink: number;
}

/** An axis of the result that is not one of the value's. */
const NEW = 1;

/**
 * What StridedSlice takes of a value of shape `x`. Undefined where its lists do not fit, or nothing is left of an axis.
 */
export function stridedPart(
  x: Shape,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[],
  masks: PartMasks,
): Part | undefined {
  if (end.length !== begin.length || strides.length !== begin.length || begin.length > 31) return undefined;
  const has = (mask: number, i: number) => ((mask >> i) & 1) === 1;
  const own = begin.filter((_, i) => !has(masks.ellipsis, i) && !has(masks.newAxis, i)).length;
  const axes: { readonly begin: number; readonly size: number; readonly stride: number }[] = [];
  const shape: number[] = [];
  const take = (axis: { readonly begin: number; readonly size: number; readonly stride: number }) => axes.push(axis);
  const whole = (count: number) => {
    for (; count > 0; count--) {
      shape.push(x[axes.length]!);
      take({ begin: 0, size: -1, stride: 1 });
    }
  };
  if (own > x.length) return undefined;
  for (let i = 0; i < begin.length; i++) {
    if (has(masks.ellipsis, i)) {
      whole(x.length - own);
    } else if (has(masks.newAxis, i)) {
      shape.push(NEW);
    } else {
      const size = x[axes.length]!;
      const bounds = [has(masks.begin, i) ? undefined : begin[i]!, has(masks.end, i) ? undefined : end[i]!] as const;
      const axis = has(masks.shrink, i) ? single(size, begin[i]!) : several(size, bounds, strides[i]!);
      if (!axis) return undefined;
      if (!has(masks.shrink, i)) shape.push(axis.count);
      // All of an axis stays all of it, whatever its size: a batch may change.
      const all = axis.count === size && axis.stride === 1 && !has(masks.shrink, i);
      take({ begin: axis.begin, size: all ? -1 : axis.count, stride: axis.stride });
    }
  }
  whole(x.length - axes.length);
  const of = (key: "begin" | "size" | "stride") => axes.map((axis) => axis[key]);
  return { begin: of("begin"), size: of("size"), strides: of("stride"), shape };
}

interface Taken {
  readonly begin: number;
  readonly count: number;
  readonly stride: number;
}

function single(size: number, at: number): Taken | undefined {
  const begin = at < 0 ? at + size : at;
  return begin >= 0 && begin < size ? { begin, count: 1, stride: 1 } : undefined;
}

function several(size: number, [from, to]: readonly [number | undefined, number | undefined], stride: number) {
  if (!Number.isInteger(stride) || stride === 0) return undefined;
  const [lowest, highest] = stride > 0 ? [0, size] : [-1, size - 1];
  const within = (n: number) => Math.min(highest, Math.max(lowest, n < 0 ? n + size : n));
  const begin = from === undefined ? (stride > 0 ? 0 : size - 1) : within(from);
  const stop = to === undefined ? (stride > 0 ? size : -1) : within(to);
  const count = Math.ceil((stop - begin) / stride);
  return count > 0 ? { begin, count, stride } : undefined;
}

/** What Slice takes of a value: `size` elements from `begin` on, −1 being all that there are. */
export function plainPart(x: Shape, begin: readonly number[], size: readonly number[]): Part | undefined {
  if (begin.length !== x.length || size.length !== x.length) return undefined;
  const counts = x.map((n, axis) => (size[axis] === -1 ? n - begin[axis]! : size[axis]!));
  const inside = counts.every((count, axis) => count >= 1 && begin[axis]! >= 0 && begin[axis]! + count <= x[axis]!);
  if (!inside) return undefined;
  const sizes = counts.map((count, axis) => (count === x[axis] ? -1 : count));
  return { begin, size: sizes, strides: x.map(() => 1), shape: counts };
}

/** `sizes` along one axis, one part behind the other; undefined where they do not add up to it. */
export function partsAlong(x: Shape, axis: number, sizes: readonly number[]): readonly Part[] | undefined {
  const total = sizes.reduce((sum, n) => sum + n, 0);
  if (axis < 0 || axis >= x.length || total !== x[axis] || sizes.some((n) => !Number.isInteger(n) || n < 1)) {
    return undefined;
  }
  let at = 0;
  return sizes.map((size) => {
    const begin = x.map((_, i) => (i === axis ? at : 0));
    at += size;
    return plainPart(
      x,
      begin,
      x.map((_, i) => (i === axis ? size : -1)),
    )!;
  });
}

/** Moves between channels and blocks of pixels: a reshape, a transpose, a reshape. */
export interface BlockMove {
  readonly apart: Shape;
  readonly permutation: readonly number[];
  readonly together: Shape;
}

/** Whether channels become blocks of pixels, or blocks channels. Undefined where sizes are no multiples. */
export function blockMove(x: Shape, block: number, to: "space" | "depth"): BlockMove | undefined {
  const [n, h, w, c] = x as readonly [number, number, number, number];
  if (x.length !== 4 || !Number.isInteger(block) || block < 1) return undefined;
  const permutation = [0, 1, 3, 2, 4, 5];
  if (to === "space") {
    const rest = c / block ** 2;
    const apart = [n, h, w, block, block, rest];
    return Number.isInteger(rest) ? { apart, permutation, together: [n, h * block, w * block, rest] } : undefined;
  }
  if (h % block !== 0 || w % block !== 0) return undefined;
  const [rows, columns] = [h / block, w / block];
  return {
    apart: [n, rows, block, columns, block, c],
    permutation,
    together: [n, rows, columns, block ** 2 * c],
  };
}
