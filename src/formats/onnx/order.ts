/**
 * Which of a file's nodes matter.
 * @module
 */

import { FormatError } from "../../errors.ts";
import type { ModelFile, NodeInfo } from "./schema.ts";

/**
 * The nodes that the outputs need, in the file's order: ONNX wants each to come behind those that it reads.
 * @throws {FormatError} There are no outputs, or two nodes compute the same.
 */
export function neededNodes({ nodes, outputs }: ModelFile): NodeInfo[] {
  if (outputs.length === 0) throw new FormatError("onnx: expected a model with an output, got none");
  const sources = new Map<string, NodeInfo>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === "") continue;
      if (sources.has(output)) {
        throw new FormatError(`onnx: expected one node that computes "${output}", got "${node.name}" beside another`);
      }
      sources.set(output, node);
    }
  }
  const needed = new Set<NodeInfo>();
  const stack = outputs.map(({ name }) => name);
  while (stack.length > 0) {
    const node = sources.get(stack.pop()!);
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    for (const input of node.inputs) stack.push(input);
  }
  return nodes.filter((node) => needed.has(node));
}
