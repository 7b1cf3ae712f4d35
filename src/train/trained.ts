/**
 * Which constants of a graph are trained.
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import { constantsOf } from "../graph/references.ts";
import type { Trained } from "./network.ts";
import type { Freeze } from "./options.ts";

/** Nodes that a value depends on, that of the value included. */
function before(graph: Graph, value: string): ReadonlySet<string> {
  const wanted = new Set([value]);
  for (const node of graph.nodes.toReversed()) {
    if (wanted.has(node.name)) for (const input of node.inputs) wanted.add(input);
  }
  return new Set(graph.nodes.map(({ name }) => name).filter((name) => wanted.has(name)));
}

/** @throws RangeError for the name of a value that the graph does not have */
export function trainedOf(graph: Graph, freeze: Freeze | undefined): Trained {
  const frozen = frozenNames(graph, freeze);
  return {
    constant: (name) => !frozen.has(name),
    statistics: ({ mean }) => (frozen.has(mean) ? "fixed" : "batch"),
  };
}

function frozenNames(graph: Graph, freeze: Freeze | undefined): ReadonlySet<string> {
  const frozen = new Set<string>();
  if (freeze === undefined) return frozen;
  if (typeof freeze === "string") {
    const value = graph.endPoints.get(freeze) ?? freeze;
    const nodes = before(graph, value);
    if (nodes.size === 0) {
      const known = graph.endPoints.size > 0 ? [...graph.endPoints.keys()] : graph.nodes.map(({ name }) => name);
      const some = known.slice(-5).join(", ");
      throw new RangeError(
        `freeze: expected the name of a value of graph "${graph.name}" (… ${some}), got "${freeze}"`,
      );
    }
    for (const node of graph.nodes) {
      if (nodes.has(node.name)) for (const { name } of constantsOf(node)) frozen.add(name);
    }
    return frozen;
  }
  for (const node of graph.nodes) {
    for (const { name, role } of constantsOf(node)) if (freeze({ name, role, node: node.name })) frozen.add(name);
  }
  return frozen;
}
