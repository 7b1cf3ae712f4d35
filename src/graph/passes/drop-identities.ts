/**
 * Removes nodes that change nothing: identity, a reshape to the shape its input has, a clamp without bounds, a pad of
 * nothing.
 * @module
 */

import type { Graph, Node, Shape } from "../graph.ts";
import { isByte } from "../quant.ts";
import { inferShapes } from "../shape.ts";
import { protectedNames, rebuild } from "./rebuild.ts";

/**
 * Readers of such a node read its input instead. Where its own name must survive, the node that computes its input
 * takes that name; where both names must (or the input is the graph's own), it stays, as a copy.
 */
export function dropIdentities(graph: Graph, keep: ReadonlySet<string>): Graph {
  const names = protectedNames(graph, keep);
  const shapes = inferShapes(graph);
  const nodes: Node[] = [];
  /** Old name of a value → the name it goes by now. */
  const now = new Map<string, string>();
  for (const old of graph.nodes) {
    const node = { ...old, inputs: old.inputs.map((input) => now.get(input) ?? input) };
    if (!changesNothing(old, shapes)) {
      nodes.push(node);
      continue;
    }
    const input = node.inputs[0] as string;
    const producer = nodes.findIndex(({ name }) => name === input);
    if (!names.has(node.name)) {
      now.set(node.name, input);
    } else if (!names.has(input) && producer >= 0) {
      rename(nodes, producer, node.name);
      for (const [name, value] of now) if (value === input) now.set(name, node.name);
      now.set(input, node.name);
    } else {
      nodes.push(node);
    }
  }
  return rebuild({ ...graph, endPoints: renamed(graph.endPoints, now) }, nodes);
}

function changesNothing(node: Node, shapes: ReadonlyMap<string, Shape>): boolean {
  if (node.op === "identity") return true;
  if (node.op === "clamp" && isByte(node.dtype)) return false;
  if (node.op === "clamp") return node.lo === Number.NEGATIVE_INFINITY && node.hi === Number.POSITIVE_INFINITY;
  if (node.op !== "reshape" && node.op !== "pad") return false;
  const before = shapes.get(node.inputs[0] as string) as Shape;
  const after = shapes.get(node.name) as Shape;
  return before.length === after.length && before.every((dimension, axis) => dimension === after[axis]);
}

function rename(nodes: Node[], index: number, name: string): void {
  const old = (nodes[index] as Node).name;
  nodes[index] = { ...(nodes[index] as Node), name };
  for (let i = index + 1; i < nodes.length; i++) {
    const node = nodes[i] as Node;
    if (!node.inputs.includes(old)) continue;
    nodes[i] = { ...node, inputs: node.inputs.map((input) => (input === old ? name : input)) };
  }
}

/** End points follow their values: the numbers are the same. */
function renamed(endPoints: Graph["endPoints"], now: ReadonlyMap<string, string>): Graph["endPoints"] {
  return new Map([...endPoints].map(([label, name]) => [label, now.get(name) ?? name]));
}
