/**
 * A frame around an image, of its own pixels.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import type { Sides } from "../window.ts";
import { checkPadding } from "./checks.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";
import { imageOf } from "./shapes.ts";

/** Surrounds an image [n,h,w,c] with its mirror image, in which the outermost pixels are there again or not. */
export interface MirrorPad extends NodeBase {
  readonly op: "mirrorPad";
  readonly padding: Sides;
  readonly mode: "reflect" | "symmetric";
}

export const mirrorPad: OpDefinition<MirrorPad> = {
  arity: 1,
  check(node) {
    checkPadding(node, node.padding);
    if (node.mode !== "reflect" && node.mode !== "symmetric") {
      throw new RangeError(`${where(node)}: expected mode to be "reflect" or "symmetric", got ${node.mode}`);
    }
  },
  shape(node, x) {
    const [n, h, w, c] = imageOf(node, x);
    const { top, bottom, left, right } = node.padding;
    const spare = node.mode === "reflect" ? 1 : 0;
    if (Math.max(top, bottom) > h - spare || Math.max(left, right) > w - spare) {
      const got = show([top, bottom, left, right]);
      throw new ShapeError(`${where(node)}: expected padding within the mirror image of ${show(x)}, got ${got}`);
    }
    return [n, h + top + bottom, w + left + right, c];
  },
  quantized: "shared",
};

/** The pixels of an axis of `size` that a padded one is made of. */
export function mirroredPixels(size: number, before: number, after: number, mode: MirrorPad["mode"]): number[] {
  const turn = mode === "reflect" ? 0 : 1;
  return Array.from({ length: before + size + after }, (_, o) => {
    const i = o - before;
    if (i < 0) return -i - turn;
    return i < size ? i : 2 * (size - 1) - i + turn;
  });
}
