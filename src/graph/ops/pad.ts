/**
 * A frame around an image.
 * @module
 */

import type { Sides } from "../window.ts";
import { checkPadding } from "./checks.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";
import { imageOf } from "./shapes.ts";

/** Surrounds an image [n,h,w,c] with `value` (batch and channels are never padded). */
export interface Pad extends NodeBase {
  readonly op: "pad";
  readonly padding: Sides;
  readonly value: number;
}

export const pad: OpDefinition<Pad> = {
  meaning: "y = x inside the image, value around it",
  arity: 1,
  check(node) {
    checkPadding(node, node.padding);
    // Minus infinity is the right neighbor of a maximum; NaN is nobody's.
    if (typeof node.value !== "number" || Number.isNaN(node.value)) {
      throw new RangeError(`${where(node)}: expected a number as value, got ${node.value}`);
    }
  },
  shape(node, x) {
    const [n, h, w, c] = imageOf(node, x);
    const { top, bottom, left, right } = node.padding;
    return [n, h + top + bottom, w + left + right, c];
  },
  quantized: "shared",
};
