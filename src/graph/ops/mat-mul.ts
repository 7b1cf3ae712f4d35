/**
 * The product of two values.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show, sizeOf } from "../dimensions.ts";
import { FLOAT, type NodeBase, type OpDefinition, where } from "./definition.ts";
import { lookUp } from "./shapes.ts";

/** y[…, i, j] = Σ_k a[…, i, k]·b[…, k, j] of the two inputs, which have as many matrices each. */
export interface MatMul extends NodeBase {
  readonly op: "matMul";
}

export const matMul: OpDefinition<MatMul> = {
  arity: 2,
  shape(node, a, shapes) {
    const b = lookUp(node, node.inputs[1], shapes);
    const fits = a.length >= 2 && a.length === b.length && a.at(-1) === b.at(-2);
    if (!fits || `${a.slice(0, -2)}` !== `${b.slice(0, -2)}`) {
      throw new ShapeError(`${where(node)}: expected matrices that can be multiplied, got ${show(a)} and ${show(b)}`);
    }
    return [...a.slice(0, -1), b.at(-1)!];
  },
  value: FLOAT,
  quantized: "float",
  macs: (node, out, shapes) => sizeOf(out) * lookUp(node, node.inputs[0], shapes).at(-1)!,
};
