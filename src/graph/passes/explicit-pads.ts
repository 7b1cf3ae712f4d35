/**
 * Padding that is neither TensorFlow's SAME nor VALID becomes a pad node of its own, as TFLite wants it.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import { GraphBuilder } from "../builder.ts";
import type { Graph, Node, Op } from "../graph.ts";

/** Ops whose padding is their own: what they add, or what a transposed convolution cuts off. */
const OWN: ReadonlySet<Op> = new Set(["pad", "mirrorPad", "transposedConv2d"]);

/** Of convolutions only: a pool does not count what lies outside, which no pad node can say. */
export function explicitPads(graph: Graph): Graph {
  const builder = GraphBuilder.of(graph);
  const types = new Map([...graph.inputs, ...graph.nodes].map((value) => [value.name, value]));
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (!("padding" in node) || OWN.has(node.op) || typeof node.padding !== "object") return [node];
    const { top, bottom, left, right } = node.padding;
    if (top + bottom + left + right === 0) return [{ ...node, padding: "valid" } as Node];
    if (node.op !== "conv2d" && node.op !== "depthwiseConv2d") {
      throw new UnsupportedError(
        `toTflite: node ${node.name}: expected padding "same" or "valid", got explicit padding`,
      );
    }
    const name = builder.claim(`${node.name}/pad`);
    const { dtype, quantization } = types.get(node.inputs[0]!)!;
    const type = { ...(dtype && dtype !== "float32" && { dtype }), ...(quantization && { quantization }) };
    const padding = { top, bottom, left, right };
    return [
      { op: "pad", name, inputs: node.inputs, padding, value: 0, ...type },
      { ...node, inputs: [name], padding: "valid" },
    ];
  });
  return { ...graph, nodes };
}
