/**
 * Batch normalization by fixed statistics.
 * @module
 */

import { checkNumber } from "./checks.ts";
import { FLOAT, type NodeBase, named, type OpDefinition } from "./definition.ts";
import { perChannel } from "./shapes.ts";

/** y = gamma·(x − mean)/√(variance + epsilon) + beta, per channel (last axis), with fixed statistics. All [C]. */
export interface BatchNorm extends NodeBase {
  readonly op: "batchNorm";
  readonly gamma?: string;
  readonly beta?: string;
  readonly mean: string;
  readonly variance: string;
  readonly epsilon: number;
}

const constants = named("gamma", "beta", "mean", "variance");

export const batchNorm: OpDefinition<BatchNorm> = {
  arity: 1,
  constants,
  check: (node) => checkNumber(node, "epsilon", node.epsilon, (x) => x >= 0, "a number from 0 on"),
  shape: (node, x, shapes) => perChannel(node, x, constants(node), shapes),
  value: FLOAT,
  quantized: "float",
  row: "before",
};
