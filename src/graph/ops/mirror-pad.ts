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

/**
 * Surrounds an image [n,h,w,c] with its mirror image, in which the outermost pixels are there again ("symmetric") or
 * not ("reflect"); or, of mode "edge", with the outermost pixels as often as there is room.
 */
export interface MirrorPad extends NodeBase {
  readonly op: "mirrorPad";
  readonly padding: Sides;
  readonly mode: "reflect" | "symmetric" | "edge";
}

export const mirrorPad: OpDefinition<MirrorPad> = {
  arity: 1,
  check(node) {
    checkPadding(node, node.padding);
    if (!["reflect", "symmetric", "edge"].includes(node.mode)) {
      throw new RangeError(`${where(node)}: expected mode to be "reflect", "symmetric" or "edge", got ${node.mode}`);
    }
  },
  shape(node, x) {
    const [n, h, w, c] = imageOf(node, x);
    const { top, bottom, left, right } = node.padding;
    const spare = node.mode === "reflect" ? 1 : 0;
    const mirrors = node.mode !== "edge";
    if (mirrors && (Math.max(top, bottom) > h - spare || Math.max(left, right) > w - spare)) {
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
    if (mode === "edge") return Math.min(Math.max(i, 0), size - 1);
    if (i < 0) return -i - turn;
    return i < size ? i : 2 * (size - 1) - i + turn;
  });
}
