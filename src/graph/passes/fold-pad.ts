/**
 * Pad nodes become the padding of the window behind them.
 * @module
 */

import type { Conv2d, DepthwiseConv2d, Graph, Node, Pad, Pair, Pool, Shape } from "../graph.ts";
import { definitionOf } from "../ops/index.ts";
import { padsChannels } from "../ops/pad.ts";
import { constantsOf } from "../references.ts";
import { everyWindowSeesImage, inferShapes, resolvePadding } from "../shape.ts";
import { rebuild } from "./rebuild.ts";

/**
 * Zeros before a convolution are what its own padding counts. A maximum may skip padded pixels only if no value of the
 * image can be below them. A mean counts what lies inside the image, so that padding before it never folds; nor does
 * padding of channels anywhere, since windows count none. The pad node itself stays for whoever else reads it: pruning
 * removes it otherwise, which is why this pass needs no `keep`.
 */
export function foldPad(graph: Graph): Graph {
  const shapes = inferShapes(graph);
  const nodes = new Map<string, Node>();
  for (const node of graph.nodes) nodes.set(node.name, folded(node, nodes, shapes));
  return rebuild(graph, [...nodes.values()]);
}

function folded(node: Node, nodes: ReadonlyMap<string, Node>, shapes: ReadonlyMap<string, Shape>): Node {
  if (node.op !== "conv2d" && node.op !== "depthwiseConv2d" && node.op !== "maxPool") return node;
  const pad = nodes.get(node.inputs[0] as string);
  if (pad?.op !== "pad" || padsChannels(pad)) return node;
  const padding = joined(node, pad, shapes);
  if (node.op === "maxPool") {
    const source = nodes.get(pad.inputs[0] as string);
    const [, h, w] = shapes.get(pad.inputs[0] as string) as [number, number, number, number];
    if (pad.value > lowerBound(source) || !everyWindowSeesImage(padding, [h, w], node.size, node.strides)) return node;
  } else if (pad.value !== 0) {
    return node;
  }
  const { top, bottom, left, right } = padding;
  // There may be another pad before this one.
  return folded({ ...node, inputs: pad.inputs, padding: { top, bottom, left, right } }, nodes, shapes);
}

/** The window's padding and the pad's together. */
function joined(node: Conv2d | DepthwiseConv2d | Pool, pad: Pad, shapes: ReadonlyMap<string, Shape>) {
  const [, h, w] = shapes.get(pad.name) as [number, number, number, number];
  const kernel =
    "size" in node ? node.size : ((shapes.get(constantsOf(node)[0]?.name as string) as Shape).slice(0, 2) as number[]);
  const dilations: Pair = "size" in node ? [1, 1] : node.dilations;
  const own = resolvePadding(node.padding, [h, w], kernel as unknown as Pair, node.strides, dilations);
  return {
    ...own,
    top: own.top + pad.padding.top,
    bottom: own.bottom + pad.padding.bottom,
    left: own.left + pad.padding.left,
    right: own.right + pad.padding.right,
  };
}

/** A number that no value of the node is below. */
function lowerBound(node: Node | undefined): number {
  return (node && definitionOf(node).bounds?.(node))?.lo ?? Number.NEGATIVE_INFINITY;
}
