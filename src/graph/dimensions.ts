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
