/**
 * What a classifier ends in.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { inferShapes } from "../graph/shape.ts";

/** The numbers before the softmax, or the class alone. */
export type Top = "logits" | "argmax";

/**
 * The same network with another end.
 * @throws RangeError for another word; UnsupportedError for a network whose first output is no softmax and, with
 *   `"argmax"`, no list of scores
 */
export function withTop(graph: Graph, top: Top | undefined): Graph {
  if (top === undefined) return graph;
  if (top !== "logits" && top !== "argmax") throw new RangeError(`top: expected logits or argmax, got ${String(top)}`);
  const [output, ...others] = graph.outputs;
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const last = behindReshapes(nodes, output!);
  const before = last?.op === "softmax" ? last.inputs[0]! : undefined;
  if (top === "logits") {
    if (before === undefined) {
      throw new UnsupportedError(`top: expected a network that ends in a softmax, got ${last?.op ?? "an input"}`);
    }
    return { ...graph, outputs: [before, ...others] };
  }
  const scores = before ?? output!;
  const shape = inferShapes(graph).get(scores)!;
  let name = "argmax";
  while (nodes.has(name) || graph.constants.has(name)) name += "_";
  const node: Node = { op: "argMax", name, dtype: "int32", inputs: [scores], axis: shape.length - 1, keepDims: false };
  return { ...graph, nodes: [...graph.nodes, node], outputs: [name, ...others] };
}

/** The node that a value's numbers come from. */
function behindReshapes(nodes: ReadonlyMap<string, Node>, name: string): Node | undefined {
  let node = nodes.get(name);
  while (node && (node.op === "reshape" || node.op === "identity" || node.op === "dequantize")) {
    node = nodes.get(node.inputs[0]!);
  }
  return node;
}
