/**
 * Into 8 bits.
 * @module
 */

import { BYTES, FLOAT_OR_BYTES, type NodeBase, type OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** To 8 bits, from float32 or from 8 bits with another meaning: the node's own type and quantization say which. */
export interface Quantize extends NodeBase {
  readonly op: "quantize";
}

export const quantize: OpDefinition<Quantize> = {
  arity: 1,
  shape: unchanged,
  value: BYTES,
  reads: FLOAT_OR_BYTES,
};
