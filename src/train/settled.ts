/**
 * Networks whose graphs normalize by the batch themselves (`mobilenetV1` with `training`), as training takes them: with
 * batch norms, whose moving averages it updates.
 * @module
 */
import type { Graph, MovingAverage, Node } from "../graph/graph.ts";
import { prune } from "../graph/passes/index.ts";

/** `graph` with a batch norm for each normalization whose moving averages it computes; those are no outputs then. */
export function settled(graph: Graph): Graph {
  const moving = graph.nodes.filter((node): node is MovingAverage => node.op === "movingAverage");
  if (moving.length === 0) return graph;
  const averages = new Map(moving.map((node) => [node.inputs[0]!, node]));
  const nodes = graph.nodes.map((node): Node => {
    const average = node.op === "normalize" ? averages.get(node.inputs[1]!) : undefined;
    if (node.op !== "normalize" || average === undefined) return node;
    const { name, gamma, beta, epsilon } = node;
    const { mean, variance } = average;
    return {
      ...{ op: "batchNorm", name, inputs: [node.inputs[0]!], mean, variance, epsilon },
      ...(gamma !== undefined && { gamma }),
      ...(beta !== undefined && { beta }),
    };
  });
  const names = new Set(moving.map(({ name }) => name));
  const outputs = graph.outputs.filter((name) => !names.has(name));
  return prune({ ...graph, nodes, outputs }, new Set(graph.endPoints.values()));
}
