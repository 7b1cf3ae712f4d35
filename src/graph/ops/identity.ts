/**
 * Nothing.
 * @module
 */

import type { NodeBase, OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** Nothing (dropout at inference, casts to the same type): a pass removes it. */
export interface Identity extends NodeBase {
  readonly op: "identity";
}

export const identity: OpDefinition<Identity> = {
  arity: 1,
  shape: unchanged,
  quantized: "shared",
  row: "none",
};
