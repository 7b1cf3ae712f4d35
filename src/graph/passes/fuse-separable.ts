/**
 * A depthwise convolution and the pointwise one behind it become one step, whose intermediate result is never stored.
 * @module
 */

import type { Conv2d, DepthwiseConv2d, Graph, Node, Separable, Shape } from "../graph.ts";
import { readersOf } from "../references.ts";
import { inferShapes, resolvePadding } from "../shape.ts";
import { protectedNames, rebuild } from "./rebuild.ts";

/** A lane that has so much more than its even share keeps the others waiting longer than fusing saves. */
const UNEVEN = 1.1;

/**
 * Fuses where nobody else reads the intermediate and its name need not survive. Lanes share a fused step by rows: where
 * these are few and don't divide well, such as 7 rows by 2, both halves stay, since a pointwise one is shared by
 * pixels.
 */
export function fuseSeparable(graph: Graph, keep: ReadonlySet<string>, lanes = 1): Graph {
  const names = protectedNames(graph, keep);
  const readers = readersOf(graph);
  const shapes = inferShapes(graph);
  const nodes = new Map<string, Node>();
  for (const node of graph.nodes) {
    const input = node.inputs[0] as string;
    const producer = nodes.get(input);
    const free = readers.get(input)?.length === 1 && !names.has(input) && divides(shapes.get(node.name)!, lanes);
    if (free && producer?.op === "depthwiseConv2d" && isPointwise(node, shapes) && sameType(producer, node, graph)) {
      nodes.delete(input);
      nodes.set(node.name, separable(producer, node));
    } else {
      nodes.set(node.name, node);
    }
  }
  return rebuild(graph, [...nodes.values()]);
}

/** Whether lanes can share the rows of images about evenly. */
function divides([n = 1, h = 1]: Shape, lanes: number): boolean {
  return Math.ceil((n * h) / lanes) * lanes <= UNEVEN * n * h;
}

function isPointwise(node: Node, shapes: ReadonlyMap<string, Shape>): node is Conv2d {
  if (node.op !== "conv2d") return false;
  const [kH, kW] = shapes.get(node.weights) as Shape;
  if (kH !== 1 || kW !== 1 || node.strides[0] !== 1 || node.strides[1] !== 1) return false;
  const [, h, w] = shapes.get(node.inputs[0] as string) as [number, number, number, number];
  // One tap has no neighbors: dilation means nothing, and only explicit padding can still be there.
  const { outH, outW } = resolvePadding(node.padding, [h, w], [1, 1], [1, 1], [1, 1]);
  return outH === h && outW === w;
}

/** Both halves in float32, or both in signed 8 bits. */
function sameType(depthwise: DepthwiseConv2d, pointwise: Conv2d, graph: Graph): boolean {
  const types = [depthwise.weights, pointwise.weights].map((name) => graph.constants.get(name)?.dtype);
  return types[0] === types[1] && (types[0] === "float32" || types[0] === "int8");
}

function separable(depthwise: DepthwiseConv2d, pointwise: Conv2d): Separable {
  const half = ({ weights, bias, clamp }: DepthwiseConv2d | Conv2d) => ({
    weights,
    ...(bias !== undefined && { bias }),
    ...(clamp !== undefined && { clamp }),
  });
  const { strides, dilations, padding, quantization } = depthwise;
  return {
    op: "separable",
    name: pointwise.name,
    ...(pointwise.dtype && { dtype: pointwise.dtype }),
    ...(pointwise.quantization && { quantization: pointwise.quantization }),
    inputs: depthwise.inputs,
    depthwise: { strides, dilations, padding, ...half(depthwise), ...(quantization && { quantization }) },
    pointwise: half(pointwise),
  };
}
