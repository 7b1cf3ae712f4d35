/**
 * Out of 8 bits.
 * @module
 */

import { BYTES, FLOAT, type NodeBase, type OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** From 8 bits to float32: y = scale·(x − zeroPoint). */
export interface Dequantize extends NodeBase {
  readonly op: "dequantize";
}

export const dequantize: OpDefinition<Dequantize> = {
  arity: 1,
  shape: unchanged,
  value: FLOAT,
  reads: BYTES,
};
