/**
 * DS-CNN (Zhang et al. 2017, "Hello Edge", arXiv 1711.07128) as a graph: keywords spotted in a second of speech.
 * @module
 */

import { GraphBuilder } from "../graph/builder.ts";
import { RELU } from "../graph/clamp.ts";
import type { Graph, Pair } from "../graph/graph.ts";
import { MobilenetLayers } from "./mobilenet-layers.ts";
import { checkChoice, checkPositive } from "./options.ts";

/** What {@link dsCnn} can be asked for. */
export interface DsCnnOptions {
  /** The paper's S (the default, and the one of MLPerf Tiny), M or L. */
  readonly size?: "small" | "medium" | "large";
  /** Classes of the classifier. Default 12: ten words, silence, and any other word. */
  readonly classes?: number;
  /** Recordings in one run. Default 1. */
  readonly batch?: number;
}

/** Filters of all layers, separable blocks, strides of the first convolution and of the first block. */
const SIZES: Readonly<Record<string, readonly [filters: number, blocks: number, stem: Pair, first: Pair]>> = {
  small: [64, 4, [2, 2], [1, 1]],
  medium: [172, 4, [2, 1], [2, 2]],
  large: [276, 5, [2, 1], [2, 2]],
};

/** Steps of 20 ms in a second, of windows of 40 ms; coefficients (MFCC) of each. */
const STEPS = 49;
const COEFFICIENTS = 10;

/**
 * The keyword spotter DS-CNN: a 10×4 convolution, four separable blocks (five in "large"), the mean of the whole map.
 * It answers `block0` … `block4` (or `block5`) and `output` (the pool) as end points. MLPerf Tiny's reference leaves
 * the last of 25 steps out of the mean; the paper, and this one, do not.
 * @returns a graph of input [batch, 49, 10, 1], steps of 10 coefficients, and output [batch, classes]
 * @throws RangeError, TypeError for an option that makes no sense
 * @example
 * ```js
 * import { build, cost, dsCnn } from "sepconv";
 *
 * const graph = dsCnn({ size: "small", classes: 12 });
 * const net = await build(graph);
 * console.log(cost(graph).macs, net.run(new Float32Array(49 * 10)).output.length); // 2656768 12
 * ```
 */
export function dsCnn(options: DsCnnOptions = {}): Graph {
  const { size = "small", classes = 12, batch = 1 } = options;
  checkChoice<string>("dsCnn", "size", size, Object.keys(SIZES));
  checkPositive("dsCnn", { classes, batch });
  const [filters, blocks, stem, first] = SIZES[size]!;
  const builder = new GraphBuilder();
  const style = { activation: RELU, epsilon: 1e-3, padding: "same" } as const;
  const layers = new MobilenetLayers(builder, style, (name, shape, initializer) =>
    builder.addConstant(name, { shape, initializer }),
  );
  const input = builder.addInput({ name: "input", shape: [batch, STEPS, COEFFICIENTS, 1], dtype: "float32" });
  let last = layers.convolution("block0", "block0", input, [10, 4, 1, filters], stem);
  const endPoints = new Map([["block0", last]]);
  for (let i = 1; i <= blocks; i++) {
    last = layers.separable(`block${i}`, last, filters, filters, i === 1 ? first : 1);
    endPoints.set(last, last);
  }
  const pooled = layers.pool("output", last);
  endPoints.set("output", pooled);
  return builder.graph({
    name: `ds_cnn_${size}`,
    outputs: [layers.classifier(pooled, filters, classes)],
    endPoints,
    source: { format: "dsCnn" },
  });
}
