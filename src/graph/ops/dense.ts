/**
 * The dense layer.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import type { Clamp } from "../clamp.ts";
import { show, sizeOf } from "../dimensions.ts";
import { checkClamp } from "./checks.ts";
import { clamping, type NodeBase, named, type OpDefinition, where } from "./definition.ts";
import { channelsOf, expectRank, expectShape, lookUp } from "./shapes.ts";

/** y[..., o] = clamp(bias[o] + Σ_i x[..., i]·w[i, o]). `weights` [in, out], `bias` [out]. */
export interface Dense extends NodeBase {
  readonly op: "dense";
  readonly weights: string;
  readonly bias?: string;
  readonly clamp?: Clamp;
}

export const dense: OpDefinition<Dense> = {
  arity: 1,
  constants: named("weights", "bias"),
  check: (node) => checkClamp(node, node.clamp),
  shape(node, x, shapes) {
    const { weights, bias } = node;
    const w = lookUp(node, weights, shapes);
    expectRank(node, `weights "${weights}"`, w, 2, "[in, out]");
    const [inputs, outputs] = w as [number, number];
    if (channelsOf(node, x) !== inputs) {
      throw new ShapeError(
        `${where(node)}: expected an input [..., ${inputs}] for weights "${weights}" ${show(w)}, got ${show(x)}`,
      );
    }
    if (bias !== undefined) expectShape(node, "bias", bias, [outputs], shapes);
    return [...x.slice(0, -1), outputs];
  },
  quantized: "own",
  weights: { axis: 1, channels: (shape) => shape.at(-1)! },
  macs: (node, out, shapes) => sizeOf(out) * lookUp(node, node.weights, shapes)[0]!,
  ...clamping(),
};
