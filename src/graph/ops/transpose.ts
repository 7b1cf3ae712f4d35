/**
 * The axes in another order.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";

/** Axis i of y is axis `permutation[i]` of x. */
export interface Transpose extends NodeBase {
  readonly op: "transpose";
  readonly permutation: readonly number[];
}

export const transpose: OpDefinition<Transpose> = {
  arity: 1,
  check(node) {
    const { permutation } = node;
    const every = permutation.every((_, axis) => permutation.includes(axis));
    if (!every) throw new RangeError(`${where(node)}: expected each axis once, got ${show(permutation)}`);
  },
  shape(node, x) {
    const { permutation } = node;
    if (permutation.length !== x.length) {
      throw new ShapeError(`${where(node)}: expected ${x.length} axes of ${show(x)}, got ${show(permutation)}`);
    }
    return permutation.map((axis) => x[axis]!);
  },
  quantized: "shared",
};
