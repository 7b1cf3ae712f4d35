/**
 * Parts of a value at places that another value names.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { show } from "../dimensions.ts";
import { FLOAT, type NodeBase, type OpDefinition, where } from "./definition.ts";
import { lookUp } from "./shapes.ts";

/** More axes than these a place cannot have. */
export const MOST_COORDINATES = 4;

/**
 * y[…, :] = x[places[…, 0], …, places[…, k−1], :], of the inputs x and places. Places are whole numbers from 0 on in
 * float32, k of them (1 to 4) along the last axis, for the first k axes of x; a fraction is cut off. Where one lies
 * outside of x, y is 0.
 */
export interface GatherNd extends NodeBase {
  readonly op: "gatherNd";
}

export const gatherNd: OpDefinition<GatherNd> = {
  arity: 2,
  shape(node, x, shapes) {
    const places = lookUp(node, node.inputs[1], shapes);
    const count = places.at(-1) ?? 0;
    if (count < 1 || count > Math.min(x.length, MOST_COORDINATES)) {
      const most = Math.min(x.length, MOST_COORDINATES);
      throw new ShapeError(`${where(node)}: expected places of 1 to ${most} axes of ${show(x)}, got ${show(places)}`);
    }
    return [...places.slice(0, -1), ...x.slice(count)];
  },
  value: FLOAT,
  quantized: "float",
};
