/**
 * What the numbers along some axes come to.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import type { Shape } from "../value.ts";
import { FLOAT, type NodeBase, type OpDefinition, where } from "./definition.ts";

/** What is made of many numbers. */
export type Reduction = "sum" | "mean" | "max" | "min" | "product";

/** One number for all along `axes`, which are left out of the shape, or kept with the size 1. */
export interface Reduce extends NodeBase {
  readonly op: "reduce";
  readonly by: Reduction;
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

const REDUCTIONS: readonly Reduction[] = ["sum", "mean", "max", "min", "product"];

export const reduce: OpDefinition<Reduce> = {
  arity: 1,
  check(node) {
    if (!REDUCTIONS.includes(node.by)) {
      throw new RangeError(`${where(node)}: expected by to be one of ${REDUCTIONS.join(", ")}, got ${node.by}`);
    }
    const { axes } = node;
    if (!axes.every((axis, i) => Number.isInteger(axis) && axis >= 0 && axes.indexOf(axis) === i)) {
      throw new RangeError(`${where(node)}: expected axes from 0 on, each once, got ${show(axes)}`);
    }
  },
  shape(node, x) {
    if (node.axes.some((axis) => axis >= x.length)) {
      throw new ShapeError(`${where(node)}: expected axes below the rank of ${show(x)}, got ${show(node.axes)}`);
    }
    return reducedShape(x, node);
  },
  value: FLOAT,
  quantized: "float",
};

/** The shape `x` without the axes, or with 1 in their place. */
export function reducedShape(x: Shape, { axes, keepDims }: Pick<Reduce, "axes" | "keepDims">): Shape {
  if (keepDims) return x.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
  return x.filter((_, axis) => !axes.includes(axis));
}
