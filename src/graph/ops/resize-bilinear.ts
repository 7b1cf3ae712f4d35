/**
 * An image in another size.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import type { Pair } from "../window.ts";
import { checkPair } from "./checks.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";
import { imageOf } from "./shapes.ts";

/**
 * An image [n,h,w,c] brought to another size, between its four nearest pixels. `alignCorners`: the corner pixels of
 * both coincide; `halfPixelCenters`: pixels are squares, whose outer edges coincide (not both).
 */
export interface ResizeBilinear extends NodeBase {
  readonly op: "resizeBilinear";
  readonly size: Pair;
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

export const resizeBilinear: OpDefinition<ResizeBilinear> = {
  arity: 1,
  check(node) {
    checkPair(node, "size", node.size, 1);
    if (node.alignCorners && node.halfPixelCenters) {
      throw new RangeError(`${where(node)}: expected alignCorners or halfPixelCenters, got both`);
    }
  },
  shape(node, x) {
    const [n, h, w, c] = imageOf(node, x);
    if (h * w === 0) throw new ShapeError(`${where(node)}: expected an image with pixels, got ${show(x)}`);
    return [n, ...node.size, c];
  },
  quantized: "shared",
};
