/**
 * Where the largest number stands: the class of each pixel.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import { checkNumber } from "./checks.ts";
import { FLOAT_OR_BYTES, type NodeBase, type OpDefinition, where } from "./definition.ts";

/**
 * The index of the largest number along `axis` (≥ 0), of equal ones the first (or the `last`), as int32. The axis goes,
 * or stays as 1 with `keepDims`. A NaN is never larger than a number, nor a number than a NaN that comes first.
 */
export interface ArgMax extends NodeBase {
  readonly op: "argMax";
  readonly axis: number;
  readonly keepDims: boolean;
  readonly last?: boolean;
}

export const argMax: OpDefinition<ArgMax> = {
  arity: 1,
  check: (node) => checkNumber(node, "axis", node.axis, (x) => Number.isInteger(x) && x >= 0, "an integer from 0 on"),
  shape(node, x) {
    if (node.axis >= x.length) {
      throw new ShapeError(`${where(node)}: expected an axis below the rank of ${show(x)}, got ${node.axis}`);
    }
    return node.keepDims ? x.with(node.axis, 1) : x.toSpliced(node.axis, 1);
  },
  value: { expected: "int32", types: ["int32"] },
  reads: FLOAT_OR_BYTES,
  quantized: "whole",
};
