/**
 * Bounds as a step of their own.
 * @module
 */

import type { Clamp } from "../clamp.ts";
import { checkClamp } from "./checks.ts";
import type { NodeBase, OpDefinition } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** y = min(hi, max(lo, x)): ReLU, ReLU6 and their like. */
export interface ClampNode extends NodeBase, Clamp {
  readonly op: "clamp";
}

export const clamp: OpDefinition<ClampNode> = {
  arity: 1,
  check: (node) => checkClamp(node, node),
  shape: unchanged,
  quantized: "own",
  row: "before",
  bounds: (node) => node,
  clamped: (node, { lo, hi }) => ({ ...node, lo, hi }),
};
