/**
 * Into 8 bits.
 * @module
 */

import { BYTES, FLOAT_OR_BYTES, type NodeBase, type OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** To 8 bits, from float32 or from 8 bits with another meaning: the node's own type and quantisation say which. */
export interface Quantise extends NodeBase {
  readonly op: "quantise";
}

export const quantise: OpDefinition<Quantise> = {
  meaning: "y = zeroPoint + round(x/scale), within the type",
  arity: 1,
  shape: unchanged,
  value: BYTES,
  reads: FLOAT_OR_BYTES,
};
