/**
 * Statistics of the batch at hand.
 * @module
 */

import { FLOAT, type NodeBase, type OpDefinition } from "./definition.ts";
import { channelsOf } from "./shapes.ts";

/**
 * Mean and (biased) variance over all but the last axis: [..., C] → [2, C]. The first step of batch normalization in
 * training.
 */
export interface Moments extends NodeBase {
  readonly op: "moments";
}

export const moments: OpDefinition<Moments> = {
  arity: 1,
  shape: (node, x) => [2, channelsOf(node, x)],
  value: FLOAT,
};
