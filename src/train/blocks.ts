/**
 * Where the last blocks of a network begin.
 * @module
 */
import { type GraphLike, graphGiven } from "../graph/given.ts";

/**
 * The value that the last blocks read, for the option `freeze`: what comes before them stays as it is. A block begins
 * with its depthwise convolution; a network without any has convolutions for blocks.
 * @param network a graph, or a session that was built of one
 * @param blocks how many learn, from 1 to all of them
 * @throws RangeError for more blocks than there are, or none
 * @example
 * ```js
 * import { mobilenetV1 } from "sepconv";
 * import { beforeLast, planTraining } from "sepconv/train";
 *
 * const graph = mobilenetV1({ alpha: 0.25, resolution: 96, classes: 10 });
 * console.log(planTraining(graph, { freeze: beforeLast(graph, 1) }).trainedParameters);
 * ```
 */
export function beforeLast(network: GraphLike, blocks: number): string {
  const { nodes } = graphGiven("beforeLast", network);
  const depthwise = nodes.filter(({ op }) => op === "depthwiseConv2d");
  const all = depthwise.length > 0 ? depthwise : nodes.filter(({ op }) => op === "conv2d");
  if (!(Number.isInteger(blocks) && blocks >= 1 && blocks <= all.length)) {
    throw new RangeError(`blocks: expected a whole number from 1 to ${all.length}, got ${String(blocks)}`);
  }
  return all.at(-blocks)!.inputs[0]!;
}
