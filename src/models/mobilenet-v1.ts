/**
 * MobileNet v1 (Howard et al. 2017, arXiv 1704.04861) as a graph, in two readings, and the two networks that the paper
 * compares it with.
 * @module
 */

import { GraphBuilder } from "../graph/builder.ts";
import { RELU, RELU6 } from "../graph/clamp.ts";
import type { Graph, Normalization } from "../graph/graph.ts";
import { MobilenetLayers } from "./mobilenet-layers.ts";
import { checkChoice, checkPositive, checkResolution } from "./options.ts";

/** "paper": as TF-slim and Keras build it. "article": as a re-implementation in TensorFlow reads it. */
export type Reading = "paper" | "article";

/** What {@link mobilenetV1} can be asked for. */
export interface MobilenetV1Options {
  /** Width multiplier: any positive number in the paper's reading; 0.25, 0.5, 0.75 or 1 in the article's. Default 1. */
  readonly alpha?: number;
  /** Height and width of the input in pixels, divisible by 32. Default 224. */
  readonly resolution?: number;
  /** Classes of the classifier. Default 1001, as the published networks have: class 0 is the background. */
  readonly classes?: number;
  /**
   * "paper" (default): alpha scales every layer (at least 8 filters), ReLU6, ends in the classifier.
   * "article": block0 always has 32 filters, plain ReLU, ends in the average pool.
   */
  readonly reading?: Reading;
  /**
   * How it ends: "classifier" in softmax [n, classes], "pool" in the average-pooled map [n, 1, 1, C]. Default as the
   * reading says.
   */
  readonly top?: "classifier" | "pool";
  /**
   * Normalize by the statistics of the batch at hand, and answer with the updated moving averages too: further outputs
   * `…/bn/moving` [2, C] (mean, biased variance), momentum 0.99, as tfjs computes them. Dropout is left out: it is
   * random. Default false.
   */
  readonly training?: boolean;
  /**
   * "full" replaces every separable block by one standard 3×3 convolution: the paper's comparison (table 4). Default
   * "separable".
   */
  readonly convolution?: "separable" | "full";
  /** Leaves out the five 14×14×512 blocks, block7 … block11: the paper's shallow variant (table 5). Default false. */
  readonly shallow?: boolean;
  /** Stride of block0: 2 (default), or 1 for pictures of some 32 pixels, which lose too much by it. */
  readonly firstStride?: 1 | 2;
  /** Channels of the input. Default 3. */
  readonly inputChannels?: number;
  /** Images in one run. Default 1. */
  readonly batch?: number;
}

/** The widths that the article allows. */
export const ARTICLE_ALPHAS: readonly number[] = [0.25, 0.5, 0.75, 1];

/** Filters of block0 at alpha 1. */
export const STEM_FILTERS = 32;

/** Filters at alpha 1 and stride of block1 … block13. */
export const BLOCKS: readonly (readonly [filters: number, stride: number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];

/** Filters of block0 … block13 at alpha 1. */
export const FILTERS: readonly number[] = [STEM_FILTERS, ...BLOCKS.map(([filters]) => filters)];

/** The blocks that the shallow variant leaves out. */
export const DEEP: readonly number[] = [7, 8, 9, 10, 11];

/** How MobileNets want their pixels: from −1 to 1. */
export const NORMALIZATION: Normalization = { mean: 127.5, std: 127.5 };

/** ε of the batch norms, in TF-slim as in Keras. */
export const EPSILON = 0.001;
const MOMENTUM = 0.99;

/**
 * The network without data: its constants say how to initialize them. Input `input` [batch, resolution, resolution,
 * inputChannels], pixels scaled to [−1, 1]. End points `block0` … `block13` (activations) and `output` (average pool,
 * [batch, 1, 1, C]); values `classifier` (logits) and `softmax`.
 * @throws TypeError, RangeError for options that are not as {@link MobilenetV1Options} says.
 * @example
 * ```js
 * import { mobilenetV1 } from "sepconv";
 *
 * const paper = mobilenetV1({ alpha: 0.5, resolution: 160, classes: 10 });
 * const article = mobilenetV1({ alpha: 0.5, resolution: 160, reading: "article" });
 * console.log(paper.outputs, [...article.endPoints.keys()]);
 * ```
 */
export function mobilenetV1(options: MobilenetV1Options = {}): Graph {
  const {
    alpha,
    resolution,
    classes,
    reading,
    top,
    training,
    convolution,
    shallow,
    firstStride,
    inputChannels,
    batch,
  } = checked(options);
  const paper = reading === "paper";
  const width = (filters: number) => (paper ? Math.max(Math.trunc(filters * alpha), 8) : Math.trunc(filters * alpha));
  const builder = new GraphBuilder();
  const style = { activation: paper ? RELU6 : RELU, epsilon: EPSILON, padding: "same" } as const;
  const layers = new MobilenetLayers(
    builder,
    { ...style, momentum: training ? MOMENTUM : undefined },
    (name, shape, initializer) => builder.addConstant(name, { shape, initializer }),
  );
  const input = builder.addInput({
    name: "input",
    shape: [batch, resolution, resolution, inputChannels],
    dtype: "float32",
  });
  let channels = paper ? width(STEM_FILTERS) : STEM_FILTERS;
  let last = layers.convolution("block0", "block0", input, [3, 3, inputChannels, channels], firstStride);
  const endPoints = new Map([[last, last]]);
  for (const [i, [filters, stride]] of BLOCKS.entries()) {
    const block = `block${i + 1}`;
    if (shallow && DEEP.includes(i + 1)) continue;
    const out = width(filters);
    last =
      convolution === "full"
        ? layers.convolution(block, block, last, [3, 3, channels, out], stride)
        : layers.separable(block, last, channels, out, stride);
    endPoints.set(block, last);
    channels = out;
  }
  let output = layers.pool("output", last);
  endPoints.set("output", output);
  if (top === "classifier") output = layers.classifier(output, channels, classes);
  return builder.graph({
    name: nameOf({ alpha, resolution, convolution, shallow }),
    outputs: [output, ...layers.moving],
    endPoints,
    source: { format: "mobilenetV1", normalization: NORMALIZATION },
  });
}

function nameOf(o: Pick<Required<MobilenetV1Options>, "alpha" | "resolution" | "convolution" | "shallow">): string {
  const variant = `${o.shallow ? "_shallow" : ""}${o.convolution === "full" ? "_full" : ""}`;
  return `mobilenet_v1${variant}_${o.alpha}_${o.resolution}`;
}

const CHOICES = [
  ["reading", ["paper", "article"]],
  ["top", ["classifier", "pool"]],
  ["convolution", ["separable", "full"]],
  ["training", [true, false]],
  ["shallow", [true, false]],
  ["firstStride", [1, 2]],
] as const;

function checked(options: MobilenetV1Options): Required<MobilenetV1Options> {
  const reading = options.reading ?? "paper";
  const all: Required<MobilenetV1Options> = {
    alpha: 1,
    resolution: 224,
    classes: 1001,
    reading,
    top: reading === "article" ? "pool" : "classifier",
    training: false,
    convolution: "separable",
    shallow: false,
    firstStride: 2,
    inputChannels: 3,
    batch: 1,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value != null)),
  };
  for (const [field, allowed] of CHOICES) checkChoice<unknown>("mobilenetV1", field, all[field], allowed);
  const { alpha, resolution, classes, inputChannels, batch } = all;
  checkPositive("mobilenetV1", { alpha, resolution, classes, inputChannels, batch });
  if (reading === "article" && !ARTICLE_ALPHAS.includes(all.alpha)) {
    throw new RangeError(
      `mobilenetV1: expected alpha to be one of ${ARTICLE_ALPHAS.join(", ")} in the article's reading, got ${all.alpha}`,
    );
  }
  checkResolution("mobilenetV1", resolution);
  return all;
}
