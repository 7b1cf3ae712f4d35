/**
 * The depthwise convolution.
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

/**
 * One filter per channel. `weights` [kH, kW, C, multiplier], `bias` [C·multiplier]; output channel c·multiplier + m
 * reads input channel c.
 */
export interface DepthwiseConv2d extends NodeBase, Window {
  readonly op: "depthwiseConv2d";
  readonly weights: string;
  readonly bias?: string;
  readonly clamp?: Clamp;
}

export const depthwiseConv2d: OpDefinition<DepthwiseConv2d> = {
  arity: 1,
  constants: named("weights", "bias"),
  check(node) {
    checkWindow(node, node);
    checkClamp(node, node.clamp);
  },
  shape: (node, x, shapes) => depthwiseShape(node, x, node, node, shapes),
  quantized: "own",
  weights: { axis: 2, channels: ([, , c, multiplier]) => c! * multiplier! },
  macs(node, out, shapes) {
    const [kH, kW] = lookUp(node, node.weights, shapes) as [number, number, number, number];
    return sizeOf(out) * kH * kW;
  },
  ...clamping(),
};

/** The shape of an image `x` convolved channel by channel. */
export function depthwiseShape(
  node: AnyNode,
  x: Shape,
  window: Window,
  { weights, bias }: { readonly weights: string; readonly bias?: string },
  shapes: Shapes,
): Shape {
  const [n, h, width, c] = imageOf(node, x);
  const w = lookUp(node, weights, shapes);
  expectRank(node, `weights "${weights}"`, w, 4, "[kH, kW, C, multiplier]");
  const [kH, kW, inC, multiplier] = w as [number, number, number, number];
  if (inC !== c) {
    throw new ShapeError(
      `${where(node)}: expected weights "${weights}" of shape ${show([kH, kW, c, multiplier])} for input ${show(x)}, got ${show(w)}`,
    );
  }
  if (bias !== undefined) expectShape(node, "bias", bias, [c * multiplier], shapes);
  const { strides, dilations, padding } = window;
  const { outH, outW } = resolvePadding(padding, [h, width], [kH, kW], strides, dilations, where(node));
  return [n, outH, outW, c * multiplier];
}
