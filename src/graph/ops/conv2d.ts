/**
 * The convolution.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import type { Clamp } from "../clamp.ts";
import { show, sizeOf } from "../dimensions.ts";
import type { Shape } from "../value.ts";
import { resolvePadding, type Window } from "../window.ts";
import { checkClamp, checkWindow } from "./checks.ts";
import { type AnyNode, clamping, type NodeBase, named, type OpDefinition, type Shapes, where } from "./definition.ts";
import { expectRank, expectShape, imageOf, lookUp } from "./shapes.ts";

/** y[n,oy,ox,o] = clamp(bias[o] + Σ x·w). `weights` [kH, kW, inC, outC], `bias` [outC]. */
export interface Conv2d extends NodeBase, Window {
  readonly op: "conv2d";
  readonly weights: string;
  readonly bias?: string;
  readonly clamp?: Clamp;
}

export const conv2d: OpDefinition<Conv2d> = {
  arity: 1,
  constants: named("weights", "bias"),
  check(node) {
    checkWindow(node, node);
    checkClamp(node, node.clamp);
  },
  shape: (node, x, shapes) => convolvedShape(node, x, node, node, shapes),
  quantized: "own",
  weights: { axis: 3, channels: (shape) => shape.at(-1)! },
  macs(node, out, shapes) {
    const [kH, kW, inC] = lookUp(node, node.weights, shapes) as [number, number, number, number];
    return sizeOf(out) * kH * kW * inC;
  },
  ...clamping(),
};

/**
 * The shape of an image `x` convolved.
 * @param only says that the kernel must be of one pixel
 */
export function convolvedShape(
  node: AnyNode,
  x: Shape,
  window: Window,
  { weights, bias }: { readonly weights: string; readonly bias?: string },
  shapes: Shapes,
  only?: "pointwise",
): Shape {
  const [n, h, width, c] = imageOf(node, x);
  const w = lookUp(node, weights, shapes);
  expectRank(node, `weights "${weights}"`, w, 4, "[kH, kW, inC, outC]");
  const [kH, kW, inC, outC] = w as [number, number, number, number];
  if (inC !== c || (only && kH * kW !== 1)) {
    const expected = only ? [1, 1, c, outC] : [kH, kW, c, outC];
    throw new ShapeError(
      `${where(node)}: expected weights "${weights}" of shape ${show(expected)} for input ${show(x)}, got ${show(w)}`,
    );
  }
  if (bias !== undefined) expectShape(node, "bias", bias, [outC], shapes);
  const { strides, dilations, padding } = window;
  const { outH, outW } = resolvePadding(padding, [h, width], [kH, kW], strides, dilations, where(node));
  return [n, outH, outW, outC];
}
