/**
 * Maxima and means of a window.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import type { Clamp } from "../clamp.ts";
import { show } from "../dimensions.ts";
import { everyWindowSeesImage, type Padding, type Pair, resolvePadding } from "../window.ts";
import { checkClamp, checkPadding, checkPair } from "./checks.ts";
import { clamping, type NodeBase, type OpDefinition, where } from "./definition.ts";
import { imageOf } from "./shapes.ts";

/** Window maximum or mean; the mean counts only what lies inside the image. */
export interface Pool extends NodeBase {
  readonly op: "maxPool" | "averagePool";
  readonly size: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly clamp?: Clamp;
}

const pool: OpDefinition<Pool> = {
  arity: 1,
  check(node) {
    checkPair(node, "size", node.size, 1);
    checkPair(node, "strides", node.strides, 1);
    checkPadding(node, node.padding);
    checkClamp(node, node.clamp);
  },
  shape(node, x) {
    const [n, h, w, c] = imageOf(node, x);
    const resolved = resolvePadding(node.padding, [h, w], node.size, node.strides, [1, 1], where(node));
    if (!everyWindowSeesImage(resolved, [h, w], node.size, node.strides)) {
      const { top, bottom, left, right } = resolved;
      throw new ShapeError(
        `${where(node)}: expected windows ${show(node.size)} that reach into the image ${show(x)}, got padding ${show([top, bottom, left, right])} (top, bottom, left, right)`,
      );
    }
    return [n, resolved.outH, resolved.outW, c];
  },
  quantized: "shared",
  ...clamping(),
};

/** y = clamp(max of the window's pixels). */
export const maxPool: OpDefinition<Pool> = pool;

/** y = clamp(mean of the window's pixels that lie inside the image). */
export const averagePool: OpDefinition<Pool> = pool;
