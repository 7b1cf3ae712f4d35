/**
 * All passes, and what is made of them.
 * @module
 */

import type { Graph } from "../graph.ts";
import { dropIdentities } from "./drop-identities.ts";
import { expandTransposed } from "./expand-transposed.ts";
import { explicitPads } from "./explicit-pads.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldPad } from "./fold-pad.ts";
import { fuseActivation } from "./fuse-activation.ts";
import { fuseSeparable } from "./fuse-separable.ts";
import { prune } from "./prune.ts";
import type { Pass } from "./rebuild.ts";
import { signed } from "./signed.ts";

export {
  dropIdentities,
  expandTransposed,
  explicitPads,
  foldBatchNorm,
  foldPad,
  fuseActivation,
  fuseSeparable,
  prune,
  signed,
};

/**
 * Passes in the order in which they help each other. Pruning goes before whatever looks at readers: dead ones would
 * stand in the way, and folding leaves dead pads and constants behind.
 */
const PIPELINES = {
  /** For the kernels: as few steps as they allow, bytes signed. */
  kernels: [
    ...[prune, signed, dropIdentities, foldBatchNorm, fuseActivation],
    ...[expandTransposed, foldPad, prune, fuseSeparable],
  ],
  /** For the quantizer: nothing between a layer and its bounds, but each layer for itself. */
  quantizer: [prune, dropIdentities, foldBatchNorm, fuseActivation, foldPad, prune],
  /** For a TFLite file: as converters write it, every padding "same", "valid" or a node of its own. */
  tflite: [prune, dropIdentities, foldBatchNorm, fuseActivation, explicitPads, prune],
} as const satisfies Readonly<Record<string, readonly Pass[]>>;

/** Who a graph is prepared for. */
export type Pipeline = keyof typeof PIPELINES;

/**
 * The same function of the inputs, as a {@link Pipeline} wants it. Values named in `keep`, and the outputs, survive.
 */
export function prepared(graph: Graph, pipeline: Pipeline, keep: ReadonlySet<string> = new Set(), lanes = 1): Graph {
  const passes: readonly Pass[] = PIPELINES[pipeline];
  return passes.reduce((result, pass) => pass(result, keep, lanes), graph);
}

/**
 * The same function of the inputs in as few nodes as the kernels allow. A fused node bears the last name of its chain.
 * The outputs and the values named in `keep` survive; other end points are dropped where their value disappears.
 * @param graph a valid graph; it is not changed
 * @param keep names of values
 * @param lanes how many threads will share the work: what they can share better in two nodes stays two
 * @throws RangeError where `keep` names a value that the graph does not have
 */
export function optimize(graph: Graph, keep: ReadonlySet<string> = new Set(), lanes = 1): Graph {
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const unknown = [...keep].filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new RangeError(`optimize: expected names of values in graph "${graph.name}", got "${unknown.join('", "')}"`);
  }
  return prepared(graph, "kernels", keep, lanes);
}
