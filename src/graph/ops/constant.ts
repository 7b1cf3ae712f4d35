/**
 * Numbers of the file as a value.
 * @module
 */

import { FLOAT, type NodeBase, named, type OpDefinition } from "./definition.ts";
import { lookUp } from "./shapes.ts";

/** The numbers of the constant `operand`, for ops that read values only, such as concat. It reads no value itself. */
export interface ConstantNode extends NodeBase {
  readonly op: "constant";
  readonly operand: string;
}

export const constant: OpDefinition<ConstantNode> = {
  arity: 0,
  constants: named("operand"),
  shape: (node, _, shapes) => lookUp(node, node.operand, shapes),
  value: FLOAT,
  quantized: "float",
  row: "none",
};
