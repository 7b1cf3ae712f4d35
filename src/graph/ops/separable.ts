/**
 * The depthwise-separable convolution as one step.
 * @module
 */

import type { Clamp } from "../clamp.ts";
import { sizeOf } from "../dimensions.ts";
import type { Quantization } from "../value.ts";
import { POINTWISE, type Window } from "../window.ts";
import { checkClamp, checkWindow } from "./checks.ts";
import { convolvedShape } from "./conv2d.ts";
import type { NodeBase, OpDefinition } from "./definition.ts";
import { named } from "./definition.ts";
import { depthwiseShape } from "./depthwise-conv2d.ts";
import { lookUp } from "./shapes.ts";

/** A depthwise convolution and the pointwise one behind it as one step; made by a pass, never by an importer. */
export interface Separable extends NodeBase {
  readonly op: "separable";
  readonly depthwise: Window & {
    readonly weights: string;
    readonly bias?: string;
    readonly clamp?: Clamp;
    /** What the numbers between the halves mean, in 8-bit networks. */
    readonly quantization?: Quantization;
  };
  readonly pointwise: { readonly weights: string; readonly bias?: string; readonly clamp?: Clamp };
}

const constantsOfHalf = named("weights", "bias");

export const separable: OpDefinition<Separable> = {
  arity: 1,
  constants: (node) =>
    (["depthwise", "pointwise"] as const).flatMap((half) =>
      constantsOfHalf(node[half]).map(({ role, name }) => ({ role, half, name })),
    ),
  check(node) {
    checkWindow(node, node.depthwise);
    checkClamp(node, node.depthwise.clamp);
    checkClamp(node, node.pointwise.clamp);
  },
  shape(node, x, shapes) {
    const middle = depthwiseShape(node, x, node.depthwise, node.depthwise, shapes);
    return convolvedShape(node, middle, POINTWISE, node.pointwise, shapes, "pointwise");
  },
  within: ({ depthwise }) => ({ what: "between its halves", quantization: depthwise.quantization }),
  macs(node, out, shapes) {
    const [kH, kW, c, multiplier] = lookUp(node, node.depthwise.weights, shapes) as [number, number, number, number];
    const pixels = sizeOf(out.slice(0, 3));
    return pixels * c * multiplier * kH * kW + sizeOf(out) * c * multiplier;
  },
  bounds: ({ pointwise }) => pointwise.clamp,
  clamped: (node, clamp) => ({ ...node, pointwise: { ...node.pointwise, clamp } }),
};
