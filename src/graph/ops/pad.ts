/**
 * A frame around an image.
 * @module
 */

import type { Sides } from "../window.ts";
import { checkNumber, checkPadding } from "./checks.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";
import { imageOf } from "./shapes.ts";

/** What is around an image: pixels at its sides, and channels before and behind its own. */
export interface Frame extends Sides {
  /** Channels before the image's own; none if left out. */
  readonly front?: number;
  /** Channels behind the image's own; none if left out. */
  readonly back?: number;
}

/** Surrounds an image [n,h,w,c] with `value` (the batch is never padded). */
export interface Pad extends NodeBase {
  readonly op: "pad";
  readonly padding: Frame;
  readonly value: number;
}

/** Whether there are channels in the result that its input has not. */
export function padsChannels({ padding: { front = 0, back = 0 } }: Pad): boolean {
  return front + back > 0;
}

export const pad: OpDefinition<Pad> = {
  arity: 1,
  check(node) {
    checkPadding(node, node.padding);
    const { front = 0, back = 0 } = node.padding;
    for (const [side, channels] of Object.entries({ front, back })) {
      const holds = (x: number) => Number.isInteger(x) && x >= 0 && x < 2 ** 31;
      checkNumber(node, `padding.${side}`, channels, holds, "an integer from 0 to 2³¹ − 1");
    }
    // Minus infinity is the right neighbor of a maximum; NaN is nobody's.
    if (typeof node.value !== "number" || Number.isNaN(node.value)) {
      throw new RangeError(`${where(node)}: expected a number as value, got ${node.value}`);
    }
  },
  shape(node, x) {
    const [n, h, w, c] = imageOf(node, x);
    const { top, bottom, left, right, front = 0, back = 0 } = node.padding;
    return [n, h + top + bottom, w + left + right, front + c + back];
  },
  quantized: "shared",
};
