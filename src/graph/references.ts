/**
 * Who reads what: the constants that a node names, and the nodes that read a value.
 * @module
 */

import type { Graph, Node, Shape } from "./graph.ts";

/** What a constant is to the node that names it. */
export type Role = "weights" | "bias" | "gamma" | "beta" | "mean" | "variance" | "scale" | "shift";

/** One constant that a node names; `half` tells the two weights of a separable node apart. */
export interface ConstantReference {
  readonly role: Role;
  readonly half?: "depthwise" | "pointwise";
  readonly name: string;
}

const ROLES: readonly Role[] = ["weights", "bias", "gamma", "beta", "mean", "variance", "scale", "shift"];

/** The constants that `node` names, in a fixed order. */
export function constantsOf(node: Node): ConstantReference[] {
  if (node.op === "separable") {
    return (["depthwise", "pointwise"] as const).flatMap((half) => {
      const { weights, bias } = node[half];
      const found: ConstantReference[] = [{ role: "weights", half, name: weights }];
      if (bias !== undefined) found.push({ role: "bias", half, name: bias });
      return found;
    });
  }
  // The one field that bears a role's name and is a number.
  if (node.op === "softmax") return [];
  const fields = node as unknown as Partial<Record<Role, string>>;
  return ROLES.flatMap((role) => {
    const name = fields[role];
    return name === undefined ? [] : [{ role, name }];
  });
}

/** For every value that is read: the nodes that read it, in order; a node that reads it twice stands there twice. */
export function readersOf(graph: Graph): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [node]);
      else list.push(node);
    }
  }
  return readers;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
