/**
 * Probabilities of logits.
 * @module
 */

import { checkNumber } from "./checks.ts";
import type { NodeBase, OpDefinition } from "./definition.ts";
import { channelsOf } from "./shapes.ts";

/** Over the last axis: y = exp(beta·x)/Σ exp(beta·x). */
export interface Softmax extends NodeBase {
  readonly op: "softmax";
  readonly beta: number;
}

export const softmax: OpDefinition<Softmax> = {
  arity: 1,
  check: (node) => checkNumber(node, "beta", node.beta, () => true, "a number"),
  shape(node, x) {
    channelsOf(node, x);
    return x;
  },
  quantized: "unit",
  bounds: () => ({ lo: 0, hi: 1 }),
};
