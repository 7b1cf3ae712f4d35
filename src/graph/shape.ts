/**
 * Shapes of all values of a graph.
 * @module
 */

import type { Graph, Node, Shape } from "./graph.ts";
import type { Shapes } from "./ops/definition.ts";
import { definitionOf } from "./ops/index.ts";
import { lookUp } from "./ops/shapes.ts";

export { show } from "./dimensions.ts";
export { everyWindowSeesImage, outputSize, type ResolvedPadding, resolvePadding, spanOf } from "./window.ts";

/**
 * The shape of every value: inputs, constants and nodes.
 * @throws ShapeError naming the node and both shapes where they disagree; TypeError where a name is not defined before
 * it is read.
 */
export function inferShapes(graph: Graph): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const { name, shape } of graph.inputs) shapes.set(name, shape);
  for (const { name, shape } of graph.constants.values()) shapes.set(name, shape);
  for (const node of graph.nodes) shapes.set(node.name, nodeShape(node, shapes));
  return shapes;
}

/** The shape of the value that `node` computes, all that it reads being in `shapes`. */
export function nodeShape(node: Node, shapes: Shapes): Shape {
  const { arity, shape } = definitionOf(node);
  // What reads no value has its shape from a constant.
  return shape(node, arity === 0 ? [] : lookUp(node, node.inputs[0], shapes), shapes);
}
