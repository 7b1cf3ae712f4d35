/**
 * A rectifier that lets what is negative through, times one factor.
 * @module
 */

import { checkNumber } from "./checks.ts";
import type { NodeBase, OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/**
 * y = x < 0 ? alpha·x : x. In 8 bits TFLite has an arithmetic of its own for it, beside that of a PReLU by channels:
 * alpha is from 0 on there.
 */
export interface LeakyRelu extends NodeBase {
  readonly op: "leakyRelu";
  readonly alpha: number;
}

export const leakyRelu: OpDefinition<LeakyRelu> = {
  arity: 1,
  check: (node) => checkNumber(node, "alpha", node.alpha, () => true, "a number"),
  shape: unchanged,
  quantized: "own",
};
