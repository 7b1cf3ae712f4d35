/**
 * What is frozen at the beginning of a network is not part of its training: it is a network of its own, for the kernels
 * of inference, and what it answers with is what the rest learns from.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import type { Graph, Input, Node } from "../graph/graph.ts";
import { prune } from "../graph/passes/index.ts";
import { constantsOf } from "../graph/references.ts";
import { inferShapes } from "../graph/shape.ts";
import type { Trained } from "./network.ts";

/** Both parts of a network. */
export interface Cut {
  /** The frozen part, of which the outputs are the inputs of the rest; none where training begins at the input. */
  readonly frozen?: Graph;
  readonly rest: Graph;
}

/** What constants are that training changes, but for moving averages. */
export const WEIGHTS: ReadonlySet<string> = new Set(["weights", "bias", "gamma", "beta", "scale", "shift", "alpha"]);

/** Whether training changes something that a node names. */
function learns(node: Node, trained: Trained): boolean {
  if (node.op === "batchNorm" && trained.statistics(node) === "batch") return true;
  return constantsOf(node).some(({ name, role }) => WEIGHTS.has(role) && trained.constant(name));
}

/**
 * Cuts a graph in front of the first layers that learn.
 * @throws RangeError where none does
 */
export function cutAt(graph: Graph, trained: Trained): Cut {
  const learning = new Set<string>();
  for (const node of graph.nodes) {
    if (learns(node, trained) || node.inputs.some((input) => learning.has(input))) learning.add(node.name);
  }
  if (!graph.outputs.some((name) => learning.has(name))) {
    throw new RangeError(`freeze: expected something of graph "${graph.name}" to be left to train, got nothing`);
  }
  const rest = graph.nodes.filter(({ name }) => learning.has(name));
  const read = new Set(rest.flatMap(({ inputs }) => inputs));
  const border = graph.nodes.filter(({ name }) => !learning.has(name) && read.has(name)).map(({ name }) => name);
  if (border.length === 0) return { rest: graph };
  if (border.length > 1 || graph.inputs.some(({ name }) => read.has(name))) {
    // What is frozen, and read in several places, is computed by the kernels of training like all else.
    return { rest: graph };
  }
  const shapes = inferShapes(graph);
  const inputs: Input[] = border.map((name) => ({ name, shape: shapes.get(name)!, dtype: "float32" }));
  if (shapes.get(border[0]!)![0] !== graph.inputs[0]?.shape[0]) {
    throw new UnsupportedError(`freeze: expected value "${border[0]}" to have a row for each image`);
  }
  const source = { format: graph.source.format };
  const frozen = prune({ ...graph, outputs: border, endPoints: new Map(), source }, new Set());
  return { frozen, rest: prune({ ...graph, inputs, nodes: rest, endPoints: new Map() }, new Set()) };
}
