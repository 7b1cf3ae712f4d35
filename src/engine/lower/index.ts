/**
 * Nodes to steps: the one place that joins ops to kernels. `f32.ts` and `s8.ts` say which; what they share, with
 * `lowering.ts`.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Node } from "../../graph/graph.ts";
import { isByte } from "../../graph/quant.ts";
import { FLOATS } from "./f32.ts";
import type { Context, Lowered } from "./lowering.ts";
import { BYTES } from "./s8.ts";

/** The steps that compute a node; none for one that only renames its input. */
export function lower(node: Node, context: Context): readonly Lowered[] {
  const inBytes = isByte(node.dtype) || node.op === "dequantize";
  const table = (inBytes ? BYTES : FLOATS) as Readonly<
    Record<string, (node: Node, context: Context) => readonly Lowered[]>
  >;
  const lowering = table[node.op];
  if (lowering === undefined) {
    const type = inBytes ? "8 bits" : "floats";
    throw new UnsupportedError(`node ${node.name}: expected an op that there is in ${type}, got ${node.op}`);
  }
  return lowering(node, context);
}
