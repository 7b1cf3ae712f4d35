/**
 * A value several times.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";

/** Along each axis x as often as `multiples` say, one behind the other. */
export interface Tile extends NodeBase {
  readonly op: "tile";
  readonly multiples: readonly number[];
}

export const tile: OpDefinition<Tile> = {
  arity: 1,
  check(node) {
    if (!node.multiples.every((n) => Number.isSafeInteger(n) && n >= 1)) {
      throw new RangeError(`${where(node)}: expected multiples from 1 on, got ${show(node.multiples)}`);
    }
  },
  shape(node, x) {
    if (node.multiples.length !== x.length) {
      throw new ShapeError(
        `${where(node)}: expected ${x.length} multiples for ${show(x)}, got ${show(node.multiples)}`,
      );
    }
    return x.map((dimension, axis) => dimension * node.multiples[axis]!);
  },
  quantized: "shared",
};
