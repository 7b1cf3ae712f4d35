/**
 * An image in another size, of its own pixels.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import type { Pair } from "../window.ts";
import { checkPair } from "./checks.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";
import { imageOf } from "./shapes.ts";

/**
 * An image [n,h,w,c] brought to another size: each pixel is that of x which lies nearest. `alignCorners`: the corner
 * pixels of both coincide, and positions are rounded instead of cut off; `halfPixelCenters`: pixels are squares.
 */
export interface ResizeNearest extends NodeBase {
  readonly op: "resizeNearest";
  readonly size: Pair;
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

export const resizeNearest: OpDefinition<ResizeNearest> = {
  arity: 1,
  check: (node) => checkPair(node, "size", node.size, 1),
  shape(node, x) {
    const [n, h, w, c] = imageOf(node, x);
    if (h * w === 0) throw new ShapeError(`${where(node)}: expected an image with pixels, got ${show(x)}`);
    return [n, ...node.size, c];
  },
  quantized: "shared",
};

/** The pixels of an axis of `from` that those of an axis of `to` are taken from. In float32, as TFLite has it. */
export function nearestPixels(from: number, to: number, node: ResizeNearest): number[] {
  const { alignCorners, halfPixelCenters } = node;
  const scale = Math.fround(alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to);
  return Array.from({ length: to }, (_, o) => {
    const position = Math.fround(Math.fround(halfPixelCenters ? o + 0.5 : o) * scale);
    const pixel = alignCorners ? Math.floor(position + 0.5) : Math.floor(position);
    return Math.min(Math.max(pixel, 0), from - 1);
  });
}
