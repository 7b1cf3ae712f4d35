/**
 * MobileNet v2 (Sandler et al. 2018, arXiv 1801.04381) as a graph: inverted residuals with linear bottlenecks.
 * @module
 */

import { GraphBuilder } from "../graph/builder.ts";
import { RELU6 } from "../graph/clamp.ts";
import type { Graph } from "../graph/graph.ts";
import { MobilenetLayers, rounded } from "./mobilenet-layers.ts";
import { checkPositive, checkResolution } from "./options.ts";

/** What {@link mobilenetV2} can be asked for. */
export interface MobilenetV2Options {
  /** Width multiplier: any positive number; 0.35, 0.5, 0.75, 1 and 1.4 are the published ones. Default 1. */
  readonly alpha?: number;
  /** Height and width of the input in pixels, divisible by 32. Default 224. */
  readonly resolution?: number;
  /** Classes of the classifier. Default 1001, as the published networks have: class 0 is the background. */
  readonly classes?: number;
  /** Images in one run. Default 1. */
  readonly batch?: number;
}

/** The paper's table 2: expansion, filters at alpha 1, blocks, stride of the first of them. */
const STAGES: readonly (readonly [expansion: number, filters: number, blocks: number, stride: number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];
const STEM_FILTERS = 32;
/** Channels before the pool; a wider network has more, a narrower one as many. */
const HEAD_FILTERS = 1280;

/**
 * MobileNet v2 as TF-slim and Keras build it: filters are rounded to multiples of 8. It answers `block0` … `block18`
 * and `output` (the pool) as end points; block1 … block17 are the inverted residuals.
 * @returns a graph of input [batch, resolution, resolution, 3], pixels in [−1, 1], and output [batch, classes]
 * @throws RangeError, TypeError for an option that makes no sense
 * @example
 * ```js
 * import { build, cost, mobilenetV2 } from "sepconv";
 *
 * const graph = mobilenetV2({ alpha: 0.35, resolution: 96, classes: 10 });
 * const net = await build(graph);
 * console.log(cost(graph).macs, net.run(new Float32Array(96 * 96 * 3)).output.length); // … 10
 * ```
 */
export function mobilenetV2(options: MobilenetV2Options = {}): Graph {
  const { alpha, resolution, classes, batch } = checked(options);
  const builder = new GraphBuilder();
  const style = { activation: RELU6, epsilon: 1e-3, padding: "same" } as const;
  const layers = new MobilenetLayers(builder, style, (name, shape, initializer) =>
    builder.addConstant(name, { shape, initializer }),
  );
  const input = builder.addInput({ name: "input", shape: [batch, resolution, resolution, 3], dtype: "float32" });
  let channels = rounded(STEM_FILTERS * alpha);
  let last = layers.convolution("block0", "block0", input, [3, 3, 3, channels], 2);
  const endPoints = new Map([["block0", last]]);
  for (const [expansion, filters, blocks, first] of STAGES) {
    for (let i = 0; i < blocks; i++) {
      const block = `block${endPoints.size}`;
      const out = rounded(filters * alpha);
      const stride = i === 0 ? first : 1;
      last = layers.residual(block, last, { channels, wide: channels * expansion, out, stride });
      endPoints.set(block, last);
      channels = out;
    }
  }
  const head = alpha > 1 ? rounded(HEAD_FILTERS * alpha) : HEAD_FILTERS;
  const block = `block${endPoints.size}`;
  last = layers.convolution(block, block, last, [1, 1, channels, head], 1);
  endPoints.set(block, last);
  const pooled = layers.pool("output", last);
  endPoints.set("output", pooled);
  return builder.graph({
    name: `mobilenet_v2_${alpha}_${resolution}`,
    outputs: [layers.classifier(pooled, head, classes)],
    endPoints,
    source: { format: "mobilenetV2", normalization: { mean: 127.5, std: 127.5 } },
  });
}

function checked(options: MobilenetV2Options): Required<MobilenetV2Options> {
  const { alpha = 1, resolution = 224, classes = 1001, batch = 1 } = options;
  checkPositive("mobilenetV2", { alpha, resolution, classes, batch });
  checkResolution("mobilenetV2", resolution);
  return { alpha, resolution, classes, batch };
}
