/**
 * Moving averages of statistics.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import { checkNumber } from "./checks.ts";
import { FLOAT, type NodeBase, named, type OpDefinition, where } from "./definition.ts";
import { expectRank, perChannel } from "./shapes.ts";

/**
 * What training keeps of the batch: inputs [moments] → [2, C] of updated moving mean and variance, old·momentum +
 * new·(1 − momentum). The new variance is multiplied by `varianceFactor` first: 1 keeps the biased variance, as tfjs
 * does; n/(n − 1) is TensorFlow's fused kernel.
 */
export interface MovingAverage extends NodeBase {
  readonly op: "movingAverage";
  readonly mean: string;
  readonly variance: string;
  readonly momentum: number;
  readonly varianceFactor: number;
}

const constants = named("mean", "variance");

export const movingAverage: OpDefinition<MovingAverage> = {
  arity: 1,
  constants,
  check(node) {
    checkNumber(node, "momentum", node.momentum, (x) => x >= 0 && x <= 1, "a number from 0 to 1");
    checkNumber(node, "varianceFactor", node.varianceFactor, (x) => x > 0, "a positive number");
  },
  shape(node, x, shapes) {
    expectRank(node, "moments", x, 2, "[2, C]");
    if (x[0] !== 2) throw new ShapeError(`${where(node)}: expected moments of shape [2, C], got ${show(x)}`);
    return perChannel(node, x, constants(node), shapes);
  },
  value: FLOAT,
};
