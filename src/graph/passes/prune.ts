/**
 * Removes nodes whose value nobody reads or asks for, and constants that no node names. Inputs stay: they are the
 * graph's interface.
 * @module
 */

import type { Graph, Node } from "../graph.ts";
import { constantsOf } from "../references.ts";
import { protectedNames, rebuild } from "./rebuild.ts";

/** A graph of what its outputs and the values in `keep` need, and of nothing else. */
export function prune(graph: Graph, keep: ReadonlySet<string>): Graph {
  const wanted = new Set(protectedNames(graph, keep));
  const nodes: Node[] = [];
  // Readers come after what they read, so one walk from the end sees every reader first.
  for (const node of graph.nodes.toReversed()) {
    if (!wanted.has(node.name)) continue;
    nodes.push(node);
    for (const input of node.inputs) wanted.add(input);
  }
  const named = new Set(nodes.flatMap((node) => constantsOf(node).map(({ name }) => name)));
  const constants = new Map([...graph.constants].filter(([name]) => named.has(name)));
  return rebuild(graph, nodes.reverse(), constants);
}
