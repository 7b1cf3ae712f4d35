/**
 * The sum of two values.
 * @module
 */

import type { Clamp } from "../clamp.ts";
import { checkClamp } from "./checks.ts";
import { clamping, type NodeBase, type OpDefinition } from "./definition.ts";
import { expectShape } from "./shapes.ts";

/** y = clamp(a + b); both of one shape. */
export interface Add extends NodeBase {
  readonly op: "add";
  readonly clamp?: Clamp;
}

export const add: OpDefinition<Add> = {
  arity: 2,
  check: (node) => checkClamp(node, node.clamp),
  shape(node, x, shapes) {
    expectShape(node, "second input", node.inputs[1]!, x, shapes);
    return x;
  },
  quantized: "own",
  ...clamping(),
};
