/**
 * Weights alone of a keras-applications MobileNet v1: the layers' names are known, the architecture follows from the
 * shapes.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { withNumbers } from "../../graph/builder.ts";
import type { Graph, Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { FILTERS, mobilenetV1, NORMALIZATION } from "../../models/mobilenet-v1.ts";
import { checked } from "../common/checked.ts";
import type { KerasVariable, KerasWeights } from "./needs.ts";

/** A layer by both of its names: keras-applications' own, and the class and number under which Keras 3 stores it. */
interface Layer {
  readonly name: string;
  readonly stored: string;
}

interface Variable {
  readonly layer: Layer;
  /** Its short names; Keras 3 renamed one. */
  readonly names: readonly string[];
  /** Position among the layer's variables. */
  readonly index: number;
}

const STATISTICS: readonly (readonly [ours: string, keras: string])[] = [
  ["gamma", "gamma"],
  ["beta", "beta"],
  ["mean", "moving_mean"],
  ["variance", "moving_variance"],
];

const CLASSIFIER: Layer = { name: "conv_preds", stored: numbered("conv2d", FILTERS.length) };

function numbered(className: string, ordinal: number): string {
  return ordinal === 0 ? className : `${className}_${ordinal}`;
}

/** Our names of the weights (see {@link mobilenetV1}) → Keras's. */
function variables(): Map<string, Variable> {
  const map = new Map<string, Variable>();
  let norms = 0;
  const add = (ours: string, layer: Layer, names: readonly string[]): void => {
    map.set(`${ours}/weights`, { layer, names, index: 0 });
    const norm: Layer = { name: `${layer.name}_bn`, stored: numbered("batch_normalization", norms++) };
    for (const [index, [statistic, name]] of STATISTICS.entries()) {
      map.set(`${ours}/bn/${statistic}`, { layer: norm, names: [name], index });
    }
  };
  add("block0", { name: "conv1", stored: "conv2d" }, ["kernel"]);
  for (let block = 1; block < FILTERS.length; block++) {
    const depthwise: Layer = { name: `conv_dw_${block}`, stored: numbered("depthwise_conv2d", block - 1) };
    add(`block${block}/depthwise`, depthwise, ["depthwise_kernel", "kernel"]);
    add(`block${block}/pointwise`, { name: `conv_pw_${block}`, stored: numbered("conv2d", block) }, ["kernel"]);
  }
  map.set("classifier/weights", { layer: CLASSIFIER, names: ["kernel"], index: 0 });
  map.set("classifier/bias", { layer: CLASSIFIER, names: ["bias"], index: 1 });
  return map;
}

function find(weights: KerasWeights, { layer, names, index }: Variable): KerasVariable | undefined {
  for (const name of names) {
    const found = weights.find({ path: [layer.name], classPath: [layer.stored] }, name, index);
    if (found) return found;
  }
  return undefined;
}

/**
 * Builds the network that the weights belong to: width, classes and whether there is a classifier at all come from the
 * shapes.
 *
 * @throws {FormatError} These are no such weights, or one is missing or of the wrong shape.
 */
export async function fromMobilenetWeights(
  weights: KerasWeights,
  options: { readonly resolution?: number; readonly budget: Budget },
): Promise<Graph> {
  const map = variables();
  const shapeOf = (ours: string, rank: number): Shape => {
    const variable = map.get(ours)!;
    const shape = find(weights, variable)?.shape;
    if (shape?.length === rank) return shape;
    throw missing(variable, `${rank} dimensions`, shape);
  };
  const kernels = FILTERS.map((_, i) => shapeOf(i === 0 ? "block0/weights" : `block${i}/pointwise/weights`, 4));
  refuseBias(weights);
  const top = find(weights, map.get("classifier/weights")!) ? "classifier" : "pool";
  const graph = mobilenetV1({
    // Filters are ⌊base·alpha⌋, so alpha is at least filters/base; the largest of these gives all of them.
    alpha: Math.max(...kernels.map((shape, i) => shape[3]! / FILTERS[i]!)),
    inputChannels: kernels[0]![2]!,
    resolution: options.resolution ?? 224,
    reading: "paper",
    top,
    ...(top === "classifier" && { classes: shapeOf("classifier/weights", 4)[3]! }),
  });
  const filled = await withNumbers(graph, async ({ name, shape }) => {
    await options.budget.turn();
    return read(weights, map.get(name)!, shape);
  });
  const source = { format: "keras", normalization: NORMALIZATION };
  return checked("keras", { ...filled, source }, options.budget);
}

/** Reads one variable. A dense layer is a 1×1 convolution in Keras: leading ones do not count. */
async function read(weights: KerasWeights, variable: Variable, shape: Shape): Promise<Float32Array> {
  const found = find(weights, variable);
  const significant = found?.shape.slice(found.shape[0] === 1 && shape.length === 2 ? found.shape.length - 2 : 0);
  if (!found || significant?.join() !== shape.join()) throw missing(variable, `[${shape.join(",")}]`, found?.shape);
  return found.read();
}

function missing({ layer, names }: Variable, expected: string, got: Shape | undefined): FormatError {
  const dataset = names.map((name) => `'${layer.name}/${name}'`).join(" or ");
  const found = got ? `[${got.join(",")}]` : "none";
  return new FormatError(
    `keras: weights alone of a keras-applications MobileNet: expected dataset ${dataset} of ${expected}, got ${found}`,
  );
}

/** Weights stored by position may be those of another network with the same sequence of layers; biases give it away. */
function refuseBias(weights: KerasWeights): void {
  if (!weights.find({ path: ["conv1"], classPath: ["conv2d"] }, "bias", 1)) return;
  throw new UnsupportedError(
    "keras: weights alone: expected a keras-applications MobileNet, whose convolutions have no bias, got one; save the whole model instead",
  );
}
