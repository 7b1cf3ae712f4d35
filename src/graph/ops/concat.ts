/**
 * Values one behind the other.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import { checkNumber } from "./checks.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";
import { lookUp } from "./shapes.ts";

/** Joins values along `axis` (≥ 0). */
export interface Concat extends NodeBase {
  readonly op: "concat";
  readonly axis: number;
}

export const concat: OpDefinition<Concat> = {
  arity: "some",
  check: (node) => checkNumber(node, "axis", node.axis, (x) => Number.isInteger(x) && x >= 0, "an integer from 0 on"),
  shape(node, first, shapes) {
    if (node.axis >= first.length) {
      throw new ShapeError(`${where(node)}: expected an axis below the rank of ${show(first)}, got ${node.axis}`);
    }
    let total = 0;
    for (const name of node.inputs) {
      const part = lookUp(node, name, shapes);
      const differs = part.some((dimension, axis) => axis !== node.axis && dimension !== first[axis]);
      if (part.length !== first.length || differs) {
        throw new ShapeError(
          `${where(node)}: expected input "${name}" to be like ${show(first)} but for axis ${node.axis}, got ${show(part)}`,
        );
      }
      total += part[node.axis]!;
    }
    return first.map((dimension, axis) => (axis === node.axis ? total : dimension));
  },
  quantized: "shared",
};
