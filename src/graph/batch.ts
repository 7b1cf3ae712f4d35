/**
 * The same network for another number of images in one run.
 * @module
 */

import { withOpenBatch } from "./dimensions.ts";
import type { Graph, Input, Node, Reshape, Shape } from "./graph.ts";
import { inferShapes } from "./shape.ts";

/**
 * `graph` with `n` as the first dimension of every input. A reshape that keeps the batch first writes it as −1 from
 * then on, so that files that fix a batch of 1 work too.
 * @throws RangeError where n is not a positive integer or an input has no dimensions
 */
export function withBatch(graph: Graph, n: number): Graph {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`withBatch: expected a positive integer, got ${n}`);
  if (graph.inputs.every(({ shape }) => shape[0] === n)) return graph;
  const shapes = inferShapes(graph);
  const inputs = graph.inputs.map((input) => batched(input, n));
  const nodes = graph.nodes.map((node) => (node.op === "reshape" ? freed(node, shapes) : node));
  return { ...graph, inputs, nodes };
}

function batched(input: Input, n: number): Input {
  if (input.shape.length === 0)
    throw new RangeError(`withBatch: expected input "${input.name}" to have a batch, got a scalar`);
  return { ...input, shape: [n, ...input.shape.slice(1)] };
}

function freed(node: Reshape, shapes: ReadonlyMap<string, Shape>): Node {
  const before = shapes.get(node.inputs[0] as string) as Shape;
  const after = shapes.get(node.name) as Shape;
  return before[0] === after[0] ? { ...node, shape: withOpenBatch(before, after) } : node;
}
