/**
 * The piecewise swish.
 * @module
 */

import type { NodeBase, OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** y = x·clamp(x + 3, 0, 6)/6. */
export interface HardSwish extends NodeBase {
  readonly op: "hardSwish";
}

export const hardSwish: OpDefinition<HardSwish> = {
  arity: 1,
  shape: unchanged,
  quantized: "own",
  row: "before",
};
