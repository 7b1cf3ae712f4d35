/**
 * What the passes share: writing a graph anew from changed nodes and constants.
 * @module
 */

import type { Graph, Node } from "../graph.ts";

/**
 * A pass: the same function of the inputs, written in fewer or other nodes. Values named in `keep`, and the outputs,
 * survive by name. `lanes`: how many threads will share the work; few passes care.
 */
export type Pass = (graph: Graph, keep: ReadonlySet<string>, lanes?: number) => Graph;

/** The names that no pass may remove: `keep` and the graph's outputs. */
export function protectedNames(graph: Graph, keep: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...keep, ...graph.outputs]);
}

/** `graph` with other nodes (and constants); end points whose value is gone are dropped. */
export function rebuild(graph: Graph, nodes: readonly Node[], constants = graph.constants): Graph {
  const names = new Set([...graph.inputs.map(({ name }) => name), ...nodes.map(({ name }) => name)]);
  const endPoints = new Map([...graph.endPoints].filter(([, value]) => names.has(value)));
  return { ...graph, nodes, constants, endPoints };
}
