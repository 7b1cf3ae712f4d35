/**
 * A network in a few lines whose features are worth something without training.
 * @module
 */
import type { Graph } from "../../src/graph/graph.ts";
import { graphOf, PLAIN } from "../graph/build.ts";

/** A convolution, its mean, and two classes: enough for features that depend on the picture. */
export function shallow(): Graph {
  return graphOf({
    x: [1, 32, 32, 3],
    constants: { w: [3, 3, 3, 16], v: [16, 2] },
    nodes: [
      { op: "conv2d", name: "conv", inputs: ["x"], weights: "w", ...PLAIN, strides: [2, 2], clamp: { lo: 0, hi: 6 } },
      { op: "globalAveragePool", name: "pool", inputs: ["conv"], keepDims: true },
      { op: "reshape", name: "flat", inputs: ["pool"], shape: [1, 16] },
      { op: "dense", name: "logits", inputs: ["flat"], weights: "v" },
      { op: "softmax", name: "scores", inputs: ["logits"], beta: 1 },
    ],
  });
}
