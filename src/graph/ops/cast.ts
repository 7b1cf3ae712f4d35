/**
 * Whole numbers as floats.
 * @module
 */

import { FLOAT, type NodeBase, type OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** y = x, from int32 to the nearest float32: what is computed with the result of an argmax. */
export interface Cast extends NodeBase {
  readonly op: "cast";
}

export const cast: OpDefinition<Cast> = {
  arity: 1,
  shape: unchanged,
  value: FLOAT,
  quantized: "float",
  reads: { expected: "int32", types: ["int32"] },
};
