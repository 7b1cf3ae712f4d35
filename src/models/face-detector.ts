/**
 * The face detector of face-api: MobileNet v1 (α = 1, 512×512) under a single-shot detector's heads.
 *
 * The first and the pointwise convolutions carry biases in which their batch normalization is folded already, the
 * depthwise ones come with the four statistics. Six maps of 32² … 1² cells feed one box and one class convolution each;
 * their answers, cell by cell and anchor by anchor, are joined into 5118 rows.
 * @module
 */

import { GraphBuilder } from "../graph/builder.ts";
import { RELU6 } from "../graph/clamp.ts";
import type { Detector, Graph } from "../graph/graph.ts";
import { MobilenetLayers } from "./mobilenet-layers.ts";
import { BLOCKS, EPSILON, NORMALIZATION, STEM_FILTERS } from "./mobilenet-v1.ts";

/** Height and width of the input in pixels. */
const SIDE = 512;
const CHANNELS = 3;

/** The convolutions behind the last block: narrowed by a 1×1, then halved by a 3×3 with stride 2. */
const EXTRAS = [256, 512, 128, 256, 128, 256, 64, 128].map((filters, i) => ({ filters, kernel: 1 + 2 * (i % 2) }));

/** Where the six heads read, and how many anchors each has in a cell. */
const HEADS = [
  { input: "block11", anchors: 3 },
  { input: "block13", anchors: 6 },
  { input: "extra1", anchors: 6 },
  { input: "extra3", anchors: 6 },
  { input: "extra5", anchors: 6 },
  { input: "extra7", anchors: 6 },
];

/** Numbers of a box. */
const BOX = 4;

/** Class logits an anchor has: background, face, and one that training left unused. */
const COLUMNS = 3;
const FACE = 1;

/**
 * The network without data. Input `image` [1, 512, 512, 3] in [−1, 1]; outputs `boxes` [1, 5118, 4] and `scores` [1,
 * 5118, 3], both raw: {@link detectorOf} says how to decode them. End points `block0` … `block13` are the backbone's.
 * @param named what a constant is to be called, by its name here
 */
export function faceDetector(named: (name: string) => string = (name) => name): Graph {
  const builder = new GraphBuilder();
  const style = { activation: RELU6, epsilon: EPSILON, padding: "same", folded: true } as const;
  const layers = new MobilenetLayers(builder, style, (name, shape, initializer) =>
    builder.addConstant(named(name), { shape, initializer }),
  );
  const input = builder.addInput({ name: "image", shape: [1, SIDE, SIDE, CHANNELS], dtype: "float32" });
  let last = layers.convolution("block0", "block0", input, [3, 3, CHANNELS, STEM_FILTERS], 2);
  let channels = STEM_FILTERS;
  const blocks = [last];
  for (const [i, [filters, stride]] of BLOCKS.entries()) {
    last = layers.separable(`block${i + 1}`, last, channels, filters, stride);
    channels = filters;
    blocks.push(last);
  }
  for (const [i, { filters, kernel }] of EXTRAS.entries()) {
    const name = `extra${i}`;
    last = layers.convolution(name, name, last, [kernel, kernel, channels, filters], kernel === 3 ? 2 : 1);
    channels = filters;
  }
  for (const [i, head] of HEADS.entries()) {
    addHead(builder, layers, `head${i}/boxes`, head, BOX);
    addHead(builder, layers, `head${i}/scores`, head, COLUMNS);
  }
  const outputs = ["boxes", "scores"];
  for (const name of outputs) {
    builder.addNode({ op: "concat", name, inputs: HEADS.map((_, i) => `head${i}/${name}`), axis: 1 });
  }
  const endPoints = new Map(blocks.map((name) => [name, name]));
  const source = { format: "face-api", normalization: NORMALIZATION };
  return builder.graph({ name: "ssd_mobilenetv1", outputs, endPoints, source });
}

/** A 1×1 convolution with bias, its channels regrouped into one row an anchor. */
function addHead(
  builder: GraphBuilder,
  layers: MobilenetLayers,
  name: string,
  { input, anchors }: (typeof HEADS)[number],
  columns: number,
): void {
  const [, h, w, channels] = builder.shapeOf(input) as [number, number, number, number];
  const conv = layers.linear(name, input, channels, anchors * columns);
  builder.addNode({ op: "reshape", name, inputs: [conv], shape: [-1, h * w * anchors, columns] });
}

/** What the outputs mean, `anchors` being those that the detector was trained with: see {@link Detector}. */
export function detectorOf(anchors: Float32Array): Detector {
  return {
    boxes: "boxes",
    scores: "scores",
    anchors,
    scales: { center: 10, size: 5 },
    classes: [{ column: FACE, label: "face" }],
  };
}
