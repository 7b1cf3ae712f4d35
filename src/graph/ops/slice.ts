/**
 * A part of a value.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";

/**
 * Of each axis `size` elements from `begin` on, `strides` apart (1 where left out; below 0: backwards). A size of −1 is
 * all that there are in that direction (write the batch so, that it may change).
 */
export interface Slice extends NodeBase {
  readonly op: "slice";
  readonly begin: readonly number[];
  readonly size: readonly number[];
  readonly strides?: readonly number[];
}

/** How far apart the elements are that a slice takes of an axis. */
export function strideOf({ strides }: Slice, axis: number): number {
  return strides?.[axis] ?? 1;
}

export const slice: OpDefinition<Slice> = {
  arity: 1,
  check(node) {
    const { begin, size, strides = begin.map(() => 1) } = node;
    const holds =
      begin.every((n) => Number.isInteger(n) && n >= 0) &&
      size.every((n) => n === -1 || (Number.isInteger(n) && n >= 1)) &&
      strides.every((n) => Number.isInteger(n) && n !== 0);
    if (!holds || size.length !== begin.length || strides.length !== begin.length) {
      const got = [begin, size, strides].map(show).join(", ");
      throw new RangeError(
        `${where(node)}: expected begins from 0 on, sizes from 1 on or −1, and strides but 0, as many of each, got ${got}`,
      );
    }
  },
  shape(node, x) {
    const { begin, size } = node;
    if (begin.length !== x.length) {
      throw new ShapeError(`${where(node)}: expected ${x.length} begins for ${show(x)}, got ${show(begin)}`);
    }
    return x.map((dimension, axis) => {
      const [from, stride] = [begin[axis]!, strideOf(node, axis)];
      const most =
        from >= dimension ? 0 : Math.floor((stride > 0 ? dimension - 1 - from : from) / Math.abs(stride)) + 1;
      const count = size[axis] === -1 ? most : size[axis]!;
      if (count > most || most === 0) {
        throw new ShapeError(
          `${where(node)}: expected a part inside of ${show(x)}, got ${size[axis]} from ${from} on of axis ${axis}`,
        );
      }
      return count;
    });
  },
  quantized: "shared",
};
