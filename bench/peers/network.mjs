/**
 * The network that all contenders of a host run: MobileNet v1 with weights from a seed, batch norms with statistics
 * worth folding, and a classifier sharp enough that a wrong layer shows in the probabilities. Runs in Node, Deno, Bun
 * and in a page.
 */

import { dropIdentities, foldBatchNorm, foldPad, fuseActivation, prune } from "../../dist/graph/passes/index.js";
import { cost, initialize, mobilenetV1, mobilenetV2, mobilenetV3 } from "../../dist/index.js";

/** The networks of a full run, largest first. */
export const NETWORKS = ["1.0_224", "0.75_192", "0.5_160", "0.25_224", "0.25_128", "0.25_96"];

/** MobileNet v1's relatives, which `relatives.mjs` measures. */
export const RELATIVES = {
  "v2 1.0_224": () => mobilenetV2({ alpha: 1, resolution: 224 }),
  "v3-small 1.0_224": () => mobilenetV3({ size: "small", resolution: 224 }),
};

/** Weights from this seed, for everyone. */
const SEED = 1;

/**
 * @param name width and resolution, such as `0.25_128`
 * @returns `graph`: as the package's user holds it; `folded`: batch norms folded, activations fused, blocks apart: what
 *   a converter of any peer would make of it; `input`: NHWC, in [−1, 1]; `macs`
 */
export function networkOf(name) {
  const relative = RELATIVES[name];
  if (relative) return prepared(name, lively(initialize(relative(), SEED)));
  const [, alpha, resolution] = /^(\d+(?:\.\d+)?)_(\d+)$/.exec(name) ?? [];
  if (!alpha) throw new RangeError(`network: expected a name like 0.25_128, got ${name}`);
  const graph = mobilenetV1({ alpha: Number(alpha), resolution: Number(resolution) });
  return prepared(name, lively(initialize(graph, SEED)));
}

/** A graph with weights, in all forms, and an input for it. */
export function prepared(name, graph) {
  const folded = [prune, dropIdentities, foldBatchNorm, fuseActivation, foldPad, prune].reduce(
    (result, pass) => pass(result, new Set()),
    graph,
  );
  const random = uniform(SEED + 1);
  const length = graph.inputs[0].shape.reduce((product, size) => product * size, 1);
  const input = Float32Array.from({ length }, () => random(-1, 1));
  return { name, graph, folded, input, macs: cost(graph).macs };
}

/** The same numbers with channels outermost, as onnxruntime's users hold them. */
export function channelsFirst(nhwc, [, height, width, channels]) {
  const nchw = new Float32Array(nhwc.length);
  for (let pixel = 0; pixel < height * width; pixel++)
    for (let c = 0; c < channels; c++) nchw[c * height * width + pixel] = nhwc[pixel * channels + c];
  return nchw;
}

/**
 * Batch-norm statistics like a trained network's: about what the layer puts out, so that activations neither die
 * (denormal numbers are slow, and zeros hide mistakes) nor saturate.
 */
function lively(graph) {
  const random = uniform(SEED);
  const constants = new Map(graph.constants);
  const fill = (name, draw) => {
    const constant = constants.get(name);
    constants.set(name, { ...constant, data: Float32Array.from(constant.data, draw) });
  };
  for (const node of graph.nodes) {
    if (node.op !== "batchNorm") continue;
    const layer = graph.nodes.find(({ name }) => name === node.inputs[0]);
    const { data } = constants.get(layer.weights);
    const square = data.reduce((sum, weight) => sum + weight * weight, 0) / constants.get(node.mean).data.length;
    fill(node.mean, () => random(-0.2, 0.2) * Math.sqrt(square));
    fill(node.variance, () => random(0.5, 1.5) * square);
    fill(node.gamma, () => random(0.8, 1.4));
    fill(node.beta, () => random(-0.2, 0.6));
  }
  const channels = constants.get("classifier/weights").shape[0];
  fill("classifier/weights", () => random(-6, 6) / Math.sqrt(channels));
  fill("classifier/bias", () => random(-1, 1));
  return { ...graph, constants };
}

/** Uniform numbers from a seed (an integer hash of a counter), the same on every host. */
function uniform(seed) {
  let state = Math.imul(seed, 0x9e3779b9);
  return (low, high) => {
    state = (state + 0x9e3779b9) | 0;
    let h = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return low + ((h ^ (h >>> 16)) >>> 0) * ((high - low) / 2 ** 32);
  };
}
