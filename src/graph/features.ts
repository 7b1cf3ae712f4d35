/**
 * Where a network says what it sees: the vector in front of its classes.
 * @module
 */
import type { Graph, Node, Shape } from "./graph.ts";
import { sizeOf } from "./references.ts";
import { inferShapes } from "./shape.ts";

type Shapes = ReadonlyMap<string, Shape>;

/**
 * The value of a graph that describes its input as a whole: the last pool over a whole map, on the way back from the
 * first output; where there is none, what the last layer with weights reads.
 * @returns its name; undefined where the output is no vector, as that of a detector or of a network that segments
 */
export function featureValue(graph: Graph): string | undefined {
  const shapes = inferShapes(graph);
  const nodes = new Map<string, Node>(graph.nodes.map((node) => [node.name, node]));
  let before: string | undefined;
  for (let node = nodes.get(graph.outputs[0]!); node !== undefined; node = nodes.get(node.inputs[0]!)) {
    if (!isVector(shapes.get(node.name)!)) break;
    if (isWholePool(node, shapes)) return node.name;
    const input = node.inputs[0];
    if (input !== undefined && WEIGHTED.has(node.op) && isVector(shapes.get(input)!)) before ??= input;
  }
  return before;
}

const WEIGHTED: ReadonlySet<Node["op"]> = new Set(["dense", "conv2d", "matMul"]);

/** Whether all but the images and one other dimension are 1. */
export function isVector(shape: Shape): boolean {
  return shape.length >= 2 && Math.max(...shape.slice(1)) === sizeOf(shape.slice(1));
}

/** Whether a node makes one number a channel of a whole map: [n, h, w, c] → [n, (1, 1,) c]. */
export function isWholePool(node: Node, shapes: Shapes): boolean {
  if (node.op === "globalAveragePool") return true;
  const of = shapes.get(node.inputs[0] ?? "");
  if (of?.length !== 4) return false;
  if (node.op === "reduce") {
    return node.by === "mean" && node.axes.length === 2 && node.axes.includes(1) && node.axes.includes(2);
  }
  if (node.op !== "averagePool" && node.op !== "maxPool") return false;
  const [, outH, outW] = shapes.get(node.name) as Shape;
  return outH === 1 && outW === 1 && node.size[0] >= of[1]! && node.size[1] >= of[2]!;
}
