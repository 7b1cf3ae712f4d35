/**
 * In which order the numbers of a value are held. ONNX's images are channels first, this package's channels last;
 * instead of transposing, a reader remembers for each value what became of its dimensions.
 * @module
 */

import { sizeOf } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";

/**
 * What a value is in the file, and how it is held here. Dimensions are products of factors, one behind the other;
 * dimensions of 1 have none. A map [1, C, H, W] that was flattened has the dimensions [1, C·H·W], the factors C, H, W
 * and, held channels last, the order 1, 2, 0.
 */
export interface Layout {
  /** Dimensions as the file has them. */
  readonly dims: Shape;
  /** Their factors, all above 1. */
  readonly factors: readonly number[];
  /** Indices of the factors from the outermost held to the innermost. */
  readonly order: readonly number[];
}

/** The layout of a value that is held as the file has it. */
export function plain(dims: Shape): Layout {
  const factors = dims.filter((n) => n !== 1);
  return { dims, factors, order: factors.map((_, i) => i) };
}

/** The layout of a value whose dimensions are held in another order: `held` are their indices, outermost first. */
export function permuted(dims: Shape, held: readonly number[]): Layout {
  const layout = plain(dims);
  return { ...layout, order: orderFor(layout, held) };
}

/** Indices of the factors of each dimension. */
function groups({ dims, factors }: Layout): number[][] {
  let next = 0;
  return dims.map((size) => {
    const group: number[] = [];
    for (let product = 1; product < size; product *= factors[next]!, next++) group.push(next);
    return group;
  });
}

/** The order of factors that a layout would have if its dimensions were held so. */
export function orderFor(layout: Layout, held: readonly number[]): number[] {
  const own = groups(layout);
  return held.flatMap((dimension) => own[dimension]!);
}

/** Whether a layout's numbers lie as they would with its dimensions held so. */
export function isHeld(layout: Layout, held: readonly number[]): boolean {
  return `${orderFor(layout, held)}` === `${layout.order}`;
}

/** Whether some dimensions are held within all others, in whatever order. */
export function isInnermost(layout: Layout, dimensions: readonly number[]): boolean {
  const own = groups(layout);
  const wanted = new Set(dimensions.flatMap((dimension) => own[dimension]!));
  return layout.order.slice(layout.order.length - wanted.size).every((factor) => wanted.has(factor));
}

/** Whether two values have the same dimensions, held the same way. */
export function sameLayout(a: Layout, b: Layout): boolean {
  return `${a.dims}` === `${b.dims}` && `${a.factors}` === `${b.factors}` && `${a.order}` === `${b.order}`;
}

/** The same numbers, their dimensions in another order for the file: no number moves. */
export function transposed(layout: Layout, permutation: readonly number[]): Layout {
  const own = groups(layout);
  const moved = permutation.flatMap((dimension) => own[dimension]!);
  const now = new Map(moved.map((old, i) => [old, i]));
  return {
    dims: permutation.map((dimension) => layout.dims[dimension]!),
    factors: moved.map((old) => layout.factors[old]!),
    order: layout.order.map((old) => now.get(old)!),
  };
}

/**
 * The same numbers under other dimensions, where factors can be split and joined so that no number moves; undefined
 * where they cannot.
 */
export function reshaped(layout: Layout, dims: Shape): Layout | undefined {
  const ends = (sizes: Shape) => {
    let product = 1;
    return sizes.filter((n) => n !== 1).map((n) => (product *= n));
  };
  const all = [...new Set([...ends(layout.factors), ...ends(dims)])].sort((a, b) => a - b);
  const steps = all.map((end, i) => end / (all[i - 1] ?? 1));
  if (sizeOf(dims) !== sizeOf(layout.dims) || !steps.every(Number.isInteger)) return undefined;
  const parts: number[][] = [];
  let next = 0;
  for (const factor of layout.factors) {
    const part: number[] = [];
    for (let product = 1; product < factor; product *= steps[next]!, next++) part.push(next);
    parts.push(part);
  }
  return { dims, factors: steps, order: layout.order.flatMap((factor) => parts[factor]!) };
}

/**
 * The order in which the last dimension is held, as indices into it, where the dimensions before it are held as the
 * file has them and outside of it. "plain" where it is held so too; undefined where it is mixed with the others.
 */
export function lastAxis(layout: Layout): "plain" | Int32Array | undefined {
  const own = groups(layout);
  const last = own.at(-1) ?? [];
  const before = layout.order.slice(0, layout.order.length - last.length);
  const inner = layout.order.slice(before.length);
  if (before.some((factor, i) => factor !== i)) return undefined;
  if (inner.every((factor, i) => factor === before.length + i)) return "plain";
  const sizes = last.map((factor) => layout.factors[factor]!);
  const strides = sizes.map((_, i) => sizeOf(sizes.slice(i + 1)));
  const index = new Int32Array(sizeOf(sizes));
  const digits = inner.map((factor) => factor - before.length);
  for (let held = 0; held < index.length; held++) {
    let [rest, at] = [held, 0];
    for (const digit of digits.toReversed()) {
      at += (rest % sizes[digit]!) * strides[digit]!;
      rest = Math.floor(rest / sizes[digit]!);
    }
    index[held] = at;
  }
  return index;
}

/** Dimensions of an image, [n, c, h, w], as they are held: [n, h, w, c]. Other ranks accordingly. */
export function channelsLast(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return rank < 3 ? axes : [0, ...axes.slice(2), 1];
}

/** Dimensions as the file has them. */
export function asWritten(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}
