/**
 * The logistic function.
 * @module
 */

import type { NodeBase, OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** y = 1/(1 + exp(−x)). */
export interface Sigmoid extends NodeBase {
  readonly op: "sigmoid";
}

export const sigmoid: OpDefinition<Sigmoid> = {
  arity: 1,
  shape: unchanged,
  quantized: "unit",
  bounds: () => ({ lo: 0, hi: 1 }),
};
