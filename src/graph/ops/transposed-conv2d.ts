/**
 * The transposed convolution.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import type { Clamp } from "../clamp.ts";
import { show, sizeOf } from "../dimensions.ts";
import { type Padding, type Pair, type ResolvedPadding, resolvePadding } from "../window.ts";
import { checkClamp, checkPadding, checkPair } from "./checks.ts";
import { clamping, type NodeBase, named, type OpDefinition, where } from "./definition.ts";
import { expectRank, expectShape, imageOf, lookUp } from "./shapes.ts";

/**
 * y[n,iy·sH+ky−top,ix·sW+kx−left,o] = clamp(bias[o] + Σ x·w): each pixel of x spreads over a window of y. The window
 * moves over y, an image of `size`, as that of a convolution would that makes x of it, with `padding`. `weights`
 * [kH, kW, inC, outC], `bias` [outC].
 */
export interface TransposedConv2d extends NodeBase {
  readonly op: "transposedConv2d";
  readonly weights: string;
  readonly bias?: string;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly size: Pair;
  readonly clamp?: Clamp;
}

/** The padding in pixels, of a window of `kernel`. @throws ShapeError where no convolution makes [h, w] of the size */
export function spread(node: TransposedConv2d, [h, w]: Pair, kernel: Pair): ResolvedPadding {
  const { size, strides, padding } = node;
  const resolved = resolvePadding(padding, size, kernel, strides, [1, 1], where(node));
  const { top, bottom, left, right, outH, outW } = resolved;
  const covers = Math.max(top, bottom) < kernel[0] && Math.max(left, right) < kernel[1];
  if (outH !== h || outW !== w || !covers) {
    throw new ShapeError(
      `${where(node)}: expected a size that a window ${show(kernel)} makes [${h}, ${w}] of, got ${show(size)}`,
    );
  }
  return resolved;
}

export const transposedConv2d: OpDefinition<TransposedConv2d> = {
  arity: 1,
  constants: named("weights", "bias"),
  check(node) {
    checkPair(node, "strides", node.strides, 1);
    checkPair(node, "size", node.size, 1);
    checkPadding(node, node.padding);
    checkClamp(node, node.clamp);
  },
  shape(node, x, shapes) {
    const [n, h, w, c] = imageOf(node, x);
    const weights = lookUp(node, node.weights, shapes);
    expectRank(node, `weights "${node.weights}"`, weights, 4, "[kH, kW, inC, outC]");
    const [kH, kW, inC, outC] = weights as [number, number, number, number];
    if (inC !== c) {
      throw new ShapeError(
        `${where(node)}: expected weights "${node.weights}" of shape ${show([kH, kW, c, outC])} for input ${show(x)}, got ${show(weights)}`,
      );
    }
    if (node.bias !== undefined) expectShape(node, "bias", node.bias, [outC], shapes);
    spread(node, [h, w], [kH, kW]);
    return [n, ...node.size, outC];
  },
  weights: { axis: 3, channels: (shape) => shape.at(-1)! },
  macs(node, _, shapes) {
    const [kH, kW, , outC] = lookUp(node, node.weights, shapes) as [number, number, number, number];
    return sizeOf(lookUp(node, node.inputs[0], shapes)) * kH * kW * outC;
  },
  quantized: "own",
  ...clamping(),
};
