/**
 * MobileNet v3 (Howard et al. 2019, arXiv 1905.02244) as a graph: inverted residuals with gates and hard swish.
 * @module
 */

import { GraphBuilder } from "../graph/builder.ts";
import { RELU, RELU6 } from "../graph/clamp.ts";
import type { Graph } from "../graph/graph.ts";
import { MobilenetLayers, rounded } from "./mobilenet-layers.ts";
import { checkChoice, checkPositive, checkResolution } from "./options.ts";

/** What {@link mobilenetV3} can be asked for. */
export interface MobilenetV3Options {
  /** The paper's table 1 ("large", the default) or 2. */
  readonly size?: "small" | "large";
  /** Neither gates nor hard swish, and kernels of 3×3 only. Default false. */
  readonly minimalistic?: boolean;
  /** Width multiplier: any positive number; 0.75 and 1 are the published ones. Default 1. */
  readonly alpha?: number;
  /** Height and width of the input in pixels, divisible by 32. Default 224. */
  readonly resolution?: number;
  /** Classes of the classifier. Default 1001, as the published networks have: class 0 is the background. */
  readonly classes?: number;
  /** Images in one run. Default 1. */
  readonly batch?: number;
}

/** Expansion, filters at alpha 1, kernel, stride; then G for a gate and S for hard swish. */
type Block = readonly [expansion: number, filters: number, kernel: number, stride: number, marks?: "G" | "S" | "GS"];

const LARGE: readonly Block[] = [
  [1, 16, 3, 1],
  [4, 24, 3, 2],
  [3, 24, 3, 1],
  [3, 40, 5, 2, "G"],
  [3, 40, 5, 1, "G"],
  [3, 40, 5, 1, "G"],
  [6, 80, 3, 2, "S"],
  [2.5, 80, 3, 1, "S"],
  [2.3, 80, 3, 1, "S"],
  [2.3, 80, 3, 1, "S"],
  [6, 112, 3, 1, "GS"],
  [6, 112, 3, 1, "GS"],
  [6, 160, 5, 2, "GS"],
  [6, 160, 5, 1, "GS"],
  [6, 160, 5, 1, "GS"],
];

const SMALL: readonly Block[] = [
  [1, 16, 3, 2, "G"],
  [72 / 16, 24, 3, 2],
  [88 / 24, 24, 3, 1],
  [4, 40, 5, 2, "GS"],
  [6, 40, 5, 1, "GS"],
  [6, 40, 5, 1, "GS"],
  [3, 48, 5, 1, "GS"],
  [3, 48, 5, 1, "GS"],
  [6, 96, 5, 2, "GS"],
  [6, 96, 5, 1, "GS"],
  [6, 96, 5, 1, "GS"],
];

/** Filters of block0, at any width. */
const STEM_FILTERS = 16;

/**
 * MobileNet v3 as Keras builds it: filters are rounded to multiples of 8, block0 has 16 at any width. It answers
 * `block0` … `block16` (large) or … `block12` (small) and `output` (the pool) as end points; the first one is the stem,
 * the last one the 1×1 convolution before the pool, and those between are the inverted residuals. Gates are hard
 * sigmoids of a squeezed map: min(max(x + 3, 0), 6)/6.
 * @returns a graph of input [batch, resolution, resolution, 3], pixels in [−1, 1], and output [batch, classes]
 * @throws RangeError, TypeError for an option that makes no sense
 * @example
 * ```js
 * import { build, cost, mobilenetV3 } from "sepconv";
 *
 * const graph = mobilenetV3({ size: "small", resolution: 96, classes: 10 });
 * const net = await build(graph);
 * console.log(cost(graph).macs, net.run(new Float32Array(96 * 96 * 3)).output.length); // … 10
 * ```
 */
export function mobilenetV3(options: MobilenetV3Options = {}): Graph {
  const { size, minimalistic, alpha, resolution, classes, batch } = checked(options);
  const builder = new GraphBuilder();
  const layersOf = (activation: typeof RELU | "hardSwish") =>
    new MobilenetLayers(builder, { activation, epsilon: 1e-3, padding: "same" }, (name, shape, initializer) =>
      builder.addConstant(name, { shape, initializer }),
    );
  const relu = layersOf(RELU);
  const swish = minimalistic ? relu : layersOf("hardSwish");
  const gate = (block: string, input: string) => gated(builder, relu, block, input);
  const input = builder.addInput({ name: "input", shape: [batch, resolution, resolution, 3], dtype: "float32" });
  let channels = STEM_FILTERS;
  let last = swish.convolution("block0", "block0", input, [3, 3, 3, channels], 2);
  const endPoints = new Map([["block0", last]]);
  for (const [expansion, filters, kernel, stride, marks = ""] of size === "large" ? LARGE : SMALL) {
    const block = `block${endPoints.size}`;
    const out = rounded(filters * alpha);
    last = (marks.endsWith("S") ? swish : relu).residual(block, last, {
      ...{ channels, wide: expansion === 1 ? channels : rounded(channels * expansion), out, stride },
      kernel: minimalistic ? 3 : kernel,
      gate: marks.startsWith("G") && !minimalistic ? gate : undefined,
    });
    endPoints.set(block, last);
    channels = out;
  }
  const block = `block${endPoints.size}`;
  const wide = rounded(6 * channels);
  last = swish.convolution(block, block, last, [1, 1, channels, wide], 1);
  endPoints.set(block, last);
  const pooled = swish.pool("output", last);
  endPoints.set("output", pooled);
  const filters = size === "large" ? 1280 : 1024;
  const head = alpha > 1 ? rounded(filters * alpha) : filters;
  const features = swish.activated("features", swish.linear("features", pooled, wide, head));
  return builder.graph({
    name: `mobilenet_v3_${size}${minimalistic ? "_minimalistic" : ""}_${alpha}_${resolution}`,
    outputs: [swish.classifier(features, head, classes)],
    endPoints,
    source: { format: "mobilenetV3", normalization: { mean: 127.5, std: 127.5 } },
  });
}

/** Squeeze and excite: each channel times what a small network makes of all channels' means. */
function gated(builder: GraphBuilder, layers: MobilenetLayers, block: string, input: string): string {
  const channels = builder.shapeOf(input)!.at(-1)!;
  const narrow = rounded(channels / 4);
  const squeezed = layers.pool(`${block}/squeeze`, input);
  const reduced = layers.activated(`${block}/reduce`, layers.linear(`${block}/reduce`, squeezed, channels, narrow));
  const raw = layers.linear(`${block}/gate`, reduced, narrow, channels);
  const operand = (name: string, x: number) =>
    builder.constantOf(name) ?? builder.addConstant(name, { shape: [1] }, Float32Array.of(x), name);
  const shifted = { name: `${block}/gate/shifted`, operand: operand("gate/three", 3), clamp: RELU6 };
  const scaled = { name: `${block}/gate`, operand: operand("gate/sixth", 1 / 6) };
  const sixfold = builder.addNode({ op: "add", inputs: [raw], ...shifted });
  const factor = builder.addNode({ op: "mul", inputs: [sixfold], ...scaled });
  return builder.addNode({ op: "mul", name: `${block}/excite`, inputs: [input, factor] });
}

function checked(options: MobilenetV3Options): Required<MobilenetV3Options> {
  const { size = "large", minimalistic = false, alpha = 1, resolution = 224, classes = 1001, batch = 1 } = options;
  checkChoice("mobilenetV3", "size", size, ["small", "large"]);
  checkChoice("mobilenetV3", "minimalistic", minimalistic, [true, false]);
  checkPositive("mobilenetV3", { alpha, resolution, classes, batch });
  checkResolution("mobilenetV3", resolution);
  return { size, minimalistic, alpha, resolution, classes, batch };
}
