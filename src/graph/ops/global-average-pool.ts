/**
 * The mean of a whole map.
 * @module
 */

import type { NodeBase, OpDefinition } from "./definition.ts";
import { imageOf } from "./shapes.ts";

/** Mean over height and width: [n,h,w,c] → [n,1,1,c], or [n,c] without `keepDims`. */
export interface GlobalAveragePool extends NodeBase {
  readonly op: "globalAveragePool";
  readonly keepDims: boolean;
}

export const globalAveragePool: OpDefinition<GlobalAveragePool> = {
  arity: 1,
  shape(node, x) {
    const [n, , , c] = imageOf(node, x);
    return node.keepDims ? [n, 1, 1, c] : [n, c];
  },
  quantized: "own",
};
