/**
 * Who reads what: the constants that a node names, and the nodes that read a value.
 * @module
 */

import type { Graph, Node } from "./graph.ts";
import type { ConstantReference } from "./ops/definition.ts";
import { definitionOf } from "./ops/index.ts";

export { sizeOf } from "./dimensions.ts";
export type { ConstantReference, Role } from "./ops/definition.ts";

/** The constants that `node` names, in a fixed order. */
export function constantsOf(node: Node): ConstantReference[] {
  return definitionOf(node).constants?.(node) ?? [];
}

/** For every value that is read: the nodes that read it, in order; a node that reads it twice stands there twice. */
export function readersOf(graph: Graph): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [node]);
      else list.push(node);
    }
  }
  return readers;
}
