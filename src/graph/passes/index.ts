/**
 * All passes, in the order in which they help each other.
 * @module
 */

import type { Graph } from "../graph.ts";
import { dropIdentities } from "./drop-identities.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldPad } from "./fold-pad.ts";
import { fuseActivation } from "./fuse-activation.ts";
import { fuseSeparable } from "./fuse-separable.ts";
import { prune } from "./prune.ts";
import type { Pass } from "./rebuild.ts";
import { signed } from "./signed.ts";

export { dropIdentities, foldBatchNorm, foldPad, fuseActivation, fuseSeparable, prune, signed };

/** Pruning goes before whatever looks at readers: dead ones would stand in the way, and folding leaves dead pads and constants behind. */
const PASSES: readonly Pass[] = [
  prune,
  signed,
  dropIdentities,
  foldBatchNorm,
  fuseActivation,
  foldPad,
  prune,
  fuseSeparable,
];

/**
 * The same function of the inputs in as few nodes as the kernels allow. A fused node bears the last name of its chain. The outputs and the values
 * named in `keep` survive; other end points are dropped where their value disappears.
 * @param graph a valid graph; it is not changed
 * @param keep names of values
 * @throws RangeError where `keep` names a value that the graph does not have
 */
export function optimise(graph: Graph, keep: ReadonlySet<string> = new Set()): Graph {
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const unknown = [...keep].filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new RangeError(`optimise: expected names of values in graph "${graph.name}", got "${unknown.join('", "')}"`);
  }
  return PASSES.reduce((result, pass) => pass(result, keep), graph);
}
