/**
 * Reductions: axes that lie next to each other are one, and a kernel takes two.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Node, Shape } from "../../graph/graph.ts";
import { FLAGS } from "../step.ts";
import { type Context, type Lowered, shapeOf } from "./lowering.ts";

type Reduce = Extract<Node, { op: "reduce" }>;

const FLAG = {
  sum: FLAGS.SUM,
  mean: FLAGS.MEAN,
  max: FLAGS.MAXIMUM,
  min: FLAGS.MINIMUM,
  product: FLAGS.PRODUCT,
} as const;

/** The step of a reduction. */
export function reduced(node: Reduce, context: Context): readonly Lowered[] {
  const [x] = node.inputs as readonly [string];
  const groups = grouped(shapeOf(x, context), node.axes);
  // Kept and reduced in turn, from a kept one to a kept one.
  const [n = 1, kH = 1, midC = 1, kW = 1, inC = 1] = groups;
  if (groups.length > 5) {
    throw new UnsupportedError(`node ${node.name} (reduce): expected axes in at most two groups, got [${node.axes}]`);
  }
  // One group alone is the inner one, so that images are the rows.
  const sizes = groups.length > 3 ? { n, kH, midC, kW, inC } : { n, kH: 1, midC: 1, kW: kH, inC: midC };
  return [{ kernel: "reduce_f32", x, fields: { rows: sizes.n * sizes.midC, ...sizes, flags: FLAG[node.by] } }];
}

/** Sizes of axes that are kept and of axes that are reduced, in turn; a kept one, maybe of size 1, is the first. */
function grouped(shape: Shape, axes: readonly number[]): number[] {
  const groups = [1];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const isKept = groups.length % 2 === 1;
    if (axes.includes(axis) === isKept) groups.push(size);
    else groups[groups.length - 1]! *= size;
  });
  return groups;
}
