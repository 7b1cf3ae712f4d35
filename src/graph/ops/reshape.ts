/**
 * The same numbers under another shape.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { resolvedShape, show, sizeOf } from "../dimensions.ts";
import type { Shape } from "../value.ts";
import { type NodeBase, type OpDefinition, where } from "./definition.ts";

/** The same numbers under another shape; one dimension may be −1 (write the batch so, that it may change). */
export interface Reshape extends NodeBase {
  readonly op: "reshape";
  readonly shape: Shape;
}

export const reshape: OpDefinition<Reshape> = {
  arity: 1,
  check(node) {
    const { shape } = node;
    const unknown = shape.filter((dimension) => dimension === -1).length;
    const holds = (dimension: number) => dimension === -1 || (Number.isSafeInteger(dimension) && dimension >= 1);
    if (unknown > 1 || !shape.every(holds)) {
      throw new RangeError(`${where(node)}: expected dimensions from 1 on and at most one −1, got ${show(shape)}`);
    }
  },
  shape(node, x) {
    const size = sizeOf(x);
    const resolved = resolvedShape(size, node.shape);
    if (resolved === undefined) {
      throw new ShapeError(
        `${where(node)}: expected a shape of ${size} elements like input ${show(x)}, got ${show(node.shape)}`,
      );
    }
    return resolved;
  },
  quantized: "shared",
  row: "none",
};
