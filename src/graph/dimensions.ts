/**
 * Arithmetic of shapes that needs no graph.
 * @module
 */

import type { Shape } from "./value.ts";

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** A shape as messages write it. */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** An axis counted from the first, also where it is counted from behind the last (−1). */
export function positiveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** A shape of `size` elements, its only −1 filled in; undefined where there is none. */
export function resolvedShape(size: number, target: Shape): Shape | undefined {
  const known = target.reduce((product, n) => (n === -1 ? product : product * n), 1);
  const shape = target.map((n) => (n === -1 ? size / known : n));
  const open = target.filter((n) => n === -1).length;
  const fits = shape.every((n) => Number.isSafeInteger(n) && n >= 0) && sizeOf(shape) === size;
  return open <= 1 && fits ? shape : undefined;
}

/** A shape to reshape to: a leading batch that stays is written as −1, so that it may change. */
export function withOpenBatch(from: Shape, to: Shape): Shape {
  return to.length > 0 && from[0] === to[0] ? [-1, ...to.slice(1)] : to;
}

/**
 * What two shapes are broadcast to: aligned at their last axes, an axis of 1 or one that is missing takes the other's
 * size. Undefined where two sizes disagree.
 */
export function broadcastShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const sizes = (shape: Shape) => [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const others = sizes(b);
  const shape = sizes(a).map((size, axis) => (size === 1 ? others[axis]! : size));
  return shape.every((size, axis) => size === others[axis] || others[axis] === 1) ? shape : undefined;
}
