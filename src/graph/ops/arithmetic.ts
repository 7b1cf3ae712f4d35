/**
 * The operators of two operands: values, or a value and a constant, broadcast against each other.
 * @module
 */

import type { Clamp } from "../clamp.ts";
import { checkClamp } from "./checks.ts";
import { clamping, FLOAT, type NodeBase, named, type OpDefinition } from "./definition.ts";
import { broadcastShapeOf } from "./shapes.ts";

/**
 * y = clamp(a ∘ b), the operator ∘ being the op's. a and b are the node's two inputs; or its only input and the
 * constant `operand`, which is b, or a with `operandFirst`. Shapes are aligned at their last axes, and an axis of 1, or
 * one that there is not, is the same all along the other's. NaN in either one passes. In 8 bits there is no division,
 * and the larger or smaller one wants one scale and zero point for operands and result.
 */
export interface Arithmetic extends NodeBase {
  readonly op: "add" | "sub" | "mul" | "div" | "maximum" | "minimum";
  /** Name of a constant of any shape that can be broadcast, in the place of a second input. */
  readonly operand?: string;
  /** Whether the constant is the first operand. */
  readonly operandFirst?: boolean;
  readonly clamp?: Clamp;
}

function operator(more: Pick<OpDefinition<Arithmetic>, "quantized" | "value">): OpDefinition<Arithmetic> {
  return {
    arity: ({ operand }) => (operand === undefined ? 2 : 1),
    constants: named("operand"),
    check: (node) => checkClamp(node, node.clamp),
    shape: (node, x, shapes) => broadcastShapeOf(node, x, node.operand ?? node.inputs[1], shapes),
    ...more,
    ...clamping(),
  };
}

/** y = clamp(a + b). */
export const add: OpDefinition<Arithmetic> = operator({ quantized: "own" });
/** y = clamp(a − b). */
export const sub: OpDefinition<Arithmetic> = operator({ quantized: "own" });
/** y = clamp(a·b). */
export const mul: OpDefinition<Arithmetic> = operator({ quantized: "own" });
/** y = clamp(a/b). */
export const div: OpDefinition<Arithmetic> = operator({ value: FLOAT, quantized: "float" });
/** y = clamp(the larger of a and b). */
export const maximum: OpDefinition<Arithmetic> = operator({ quantized: "shared" });
/** y = clamp(the smaller of a and b). */
export const minimum: OpDefinition<Arithmetic> = operator({ quantized: "shared" });
