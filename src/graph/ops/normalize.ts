/**
 * Batch normalization by the statistics of the batch at hand.
 * @module
 */

import { checkNumber } from "./checks.ts";
import { FLOAT, type NodeBase, named, type OpDefinition } from "./definition.ts";
import { channelsOf, expectShape, perChannel } from "./shapes.ts";

/** Batch normalization by statistics computed in the same run: inputs [x, moments]. `gamma`, `beta` [C]. */
export interface Normalize extends NodeBase {
  readonly op: "normalize";
  readonly gamma?: string;
  readonly beta?: string;
  readonly epsilon: number;
}

const constants = named("gamma", "beta");

export const normalize: OpDefinition<Normalize> = {
  arity: 2,
  constants,
  check: (node) => checkNumber(node, "epsilon", node.epsilon, (x) => x >= 0, "a number from 0 on"),
  shape(node, x, shapes) {
    expectShape(node, "moments", node.inputs[1]!, [2, channelsOf(node, x)], shapes);
    return perChannel(node, x, constants(node), shapes);
  },
  value: FLOAT,
};
