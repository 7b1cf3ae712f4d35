/**
 * A clamp node becomes the bounds of the layer before it.
 * @module
 */

import { type Clamp, joinedClamp } from "../clamp.ts";
import type { Graph, Node } from "../graph.ts";
import { definitionOf } from "../ops/index.ts";
import { sameMeaning } from "../quant.ts";
import { readersOf } from "../references.ts";
import { protectedNames, rebuild } from "./rebuild.ts";

/**
 * Fuses where nobody else reads the layer's unclamped value and its name need not survive; two clamps in a row become
 * one.
 */
export function fuseActivation(graph: Graph, keep: ReadonlySet<string>): Graph {
  const names = protectedNames(graph, keep);
  const readers = readersOf(graph);
  const nodes = new Map<string, Node>();
  for (const node of graph.nodes) {
    const input = node.inputs[0] as string;
    const producer = nodes.get(input);
    const free = readers.get(input)?.length === 1 && !names.has(input);
    const mayFuse = free && producer !== undefined && sameMeaning(producer.quantization, node.quantization);
    const fused = node.op === "clamp" && mayFuse ? clamped(producer, node) : undefined;
    if (fused !== undefined) nodes.delete(input);
    nodes.set(node.name, fused === undefined ? node : { ...fused, name: node.name });
  }
  return rebuild(graph, [...nodes.values()]);
}

/** `node` with bounds behind it; `undefined` where it cannot have any. */
function clamped(node: Node, bounds: Clamp): Node | undefined {
  const definition = definitionOf(node);
  return definition.clamped?.(node, joinedClamp(definition.bounds?.(node), bounds));
}
