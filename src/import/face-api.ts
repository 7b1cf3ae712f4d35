/**
 * The face detector of face-api (`ssd_mobilenetv1_model-weights_manifest.json`): MobileNet v1 (α = 1, 512×512) under a single-shot detector's heads.
 *
 * The manifest holds weights only; the network is rebuilt here as face-api runs it. The first and the pointwise convolutions carry biases in which
 * their batch normalisation is folded already, the depthwise ones come with the four statistics. Six maps of 32² … 1² cells feed one box and one
 * class convolution each; their answers, cell by cell and anchor by anchor, are joined into 5118 rows.
 * @module
 */
import { FormatError, ShapeError } from "../errors.ts";
import { RELU6 } from "../graph/clamp.ts";
import type { Constant, Graph, Node, Shape, Window } from "../graph/graph.ts";
import { Budget } from "../limits.ts";
import { checked } from "./checked.ts";
import { readWeights, type Weight } from "./shards.ts";
import type { Sibling } from "./source.ts";

/** Height and width of the input in pixels. */
const SIDE = 512;
const CHANNELS = 3;
const EPSILON = 0.001;

/** Output channels of block0 … block13. */
const FILTERS = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024];
const STRIDE_2_BLOCKS = [2, 4, 6, 12];

/** The convolutions behind block13: narrowed by a 1×1, then halved by a 3×3 with stride 2. */
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

/** Class logits an anchor has: background, face, and one that training left unused. */
const COLUMNS = 3;
const FACE = 1;

/** A graph while it is being built: what was read, what was made of it, and each map's [side, channels]. */
interface Draft {
  readonly weights: ReadonlyMap<string, Weight>;
  readonly constants: Map<string, Constant>;
  readonly nodes: Node[];
  readonly maps: Map<string, readonly [side: number, channels: number]>;
}

/**
 * Builds the detector from its weights manifest.
 *
 * Input `image` [1, 512, 512, 3] in [−1, 1]; outputs `boxes` [1, 5118, 4] and `scores` [1, 5118, 3], both raw: `source.detector` says how to decode them.
 * End points `block0` … `block13` are the backbone's.
 * @param manifest the parsed JSON, not yet trusted
 * @param sibling reads a shard by the name that the manifest gives it
 * @throws FormatError when a weight is missing or of a wrong dtype, ShapeError when one has a wrong shape, and what {@link readWeights} throws
 */
export async function fromFaceApi(
  manifest: unknown,
  sibling: Sibling,
  {
    signal,
    budget = new Budget(),
  }: { readonly signal?: AbortSignal | undefined; readonly budget?: Budget | undefined } = {},
): Promise<Graph> {
  const weights = await readWeights(manifest, sibling, { signal, budget });
  const draft: Draft = { weights, constants: new Map(), nodes: [], maps: new Map([["image", [SIDE, CHANNELS]]]) };
  const blocks = backbone(draft);
  extras(draft, blocks.at(-1)!);
  const anchors = heads(draft);
  const graph: Graph = {
    name: "ssd_mobilenetv1",
    inputs: [{ name: "image", shape: [1, SIDE, SIDE, CHANNELS], dtype: "float32" }],
    constants: draft.constants,
    nodes: draft.nodes,
    outputs: ["boxes", "scores"],
    endPoints: new Map(blocks.map((name) => [name, name])),
    source: {
      format: "face-api",
      normalisation: { mean: 127.5, std: 127.5 },
      detector: {
        boxes: "boxes",
        scores: "scores",
        anchors: read(draft, "Output/extra_dim", [1, anchors, 4]),
        scales: { centre: 10, size: 5 },
        classes: [{ column: FACE, label: "face" }],
      },
    },
  };
  return checked("face-api", graph, budget);
}

/** block0 … block13; returns their names. */
function backbone(draft: Draft): string[] {
  return FILTERS.map((filters, i) => {
    const name = `block${i}`;
    if (i === 0)
      return convolution(draft, name, "image", `MobilenetV1/Conv2d_0_pointwise`, { filters, kernel: 3, stride: 2 });
    const stride = STRIDE_2_BLOCKS.includes(i) ? 2 : 1;
    const middle = depthwise(draft, `${name}/depthwise`, `block${i - 1}`, `MobilenetV1/Conv2d_${i}_depthwise`, stride);
    return convolution(draft, name, middle, `MobilenetV1/Conv2d_${i}_pointwise`, { filters, kernel: 1, stride: 1 });
  });
}

/** extra0 … extra7, one behind the other. */
function extras(draft: Draft, input: string): void {
  EXTRAS.reduce((previous, { filters, kernel }, i) => {
    const stride = kernel === 3 ? 2 : 1;
    return convolution(draft, `extra${i}`, previous, `Prediction/Conv2d_${i}_pointwise`, { filters, kernel, stride });
  }, input);
}

/** The six heads, and the two outputs that join them; returns the number of anchors in all. */
function heads(draft: Draft): number {
  let total = 0;
  HEADS.forEach(({ input, anchors }, i) => {
    const [side] = draft.maps.get(input)!;
    const rows = side * side * anchors;
    head(draft, `head${i}/boxes`, input, `Prediction/BoxPredictor_${i}/BoxEncodingPredictor`, [rows, anchors, 4]);
    head(draft, `head${i}/scores`, input, `Prediction/BoxPredictor_${i}/ClassPredictor`, [rows, anchors, COLUMNS]);
    total += rows;
  });
  for (const name of ["boxes", "scores"]) {
    draft.nodes.push({ op: "concat", name, inputs: HEADS.map((_, i) => `head${i}/${name}`), axis: 1 });
  }
  return total;
}

/** A 1×1 convolution with bias, its channels regrouped into one row an anchor. */
function head(
  draft: Draft,
  name: string,
  input: string,
  file: string,
  [rows, anchors, columns]: readonly [number, number, number],
): void {
  const [, channels] = draft.maps.get(input)!;
  const filters = anchors * columns;
  const weights = constant(draft, `${file}/weights`, [1, 1, channels, filters]);
  const bias = constant(draft, `${file}/biases`, [filters]);
  draft.nodes.push(
    { op: "conv2d", name: `${name}/conv`, inputs: [input], weights, bias, ...window(1) },
    { op: "reshape", name, inputs: [`${name}/conv`], shape: [-1, rows, columns] },
  );
}

/** A convolution with bias and ReLU6. */
function convolution(
  draft: Draft,
  name: string,
  input: string,
  file: string,
  { filters, kernel, stride }: { readonly filters: number; readonly kernel: number; readonly stride: number },
): string {
  const [side, channels] = draft.maps.get(input)!;
  const weights = constant(draft, `${file}/weights`, [kernel, kernel, channels, filters]);
  const bias = constant(draft, `${file}/convolution_bn_offset`, [filters]);
  // The article's names: a depthwise half is `block1/depthwise`, the pointwise one makes the block itself.
  const conv = /^block[1-9]/.test(name) ? `${name}/pointwise/conv` : `${name}/conv`;
  draft.nodes.push(
    { op: "conv2d", name: conv, inputs: [input], weights, bias, ...window(stride) },
    { op: "clamp", name, inputs: [conv], ...RELU6 },
  );
  draft.maps.set(name, [Math.ceil(side / stride), filters]);
  return name;
}

/** A depthwise 3×3 with batch normalisation and ReLU6. */
function depthwise(draft: Draft, name: string, input: string, file: string, stride: number): string {
  const [side, channels] = draft.maps.get(input)!;
  const weights = constant(draft, `${file}/depthwise_weights`, [3, 3, channels, 1]);
  const statistic = (suffix: string) => constant(draft, `${file}/BatchNorm/${suffix}`, [channels]);
  draft.nodes.push(
    { op: "depthwiseConv2d", name: `${name}/conv`, inputs: [input], weights, ...window(stride) },
    {
      op: "batchNorm",
      name: `${name}/bn`,
      inputs: [`${name}/conv`],
      gamma: statistic("gamma"),
      beta: statistic("beta"),
      mean: statistic("moving_mean"),
      variance: statistic("moving_variance"),
      epsilon: EPSILON,
    },
    { op: "clamp", name, inputs: [`${name}/bn`], ...RELU6 },
  );
  draft.maps.set(name, [Math.ceil(side / stride), channels]);
  return name;
}

function window(stride: number): Window {
  return { strides: [stride, stride], dilations: [1, 1], padding: "same" };
}

/** Takes a weight over into the graph, under the name it has in the file. */
function constant(draft: Draft, name: string, shape: Shape): string {
  draft.constants.set(name, { name, shape, dtype: "float32", data: read(draft, name, shape) });
  return name;
}

function read({ weights }: Draft, name: string, shape: Shape): Float32Array {
  const weight = weights.get(name);
  if (!weight)
    throw new FormatError(`face-api: expected weight "${name}" [${shape.join(", ")}], got none of that name`);
  const agrees = weight.shape.length === shape.length && weight.shape.every((size, i) => size === shape[i]);
  if (!agrees) {
    throw new ShapeError(
      `face-api: weight "${name}": expected shape [${shape.join(", ")}], got [${weight.shape.join(", ")}]`,
    );
  }
  if (!(weight.data instanceof Float32Array)) {
    throw new FormatError(`face-api: weight "${name}": expected dtype float32, got ${weight.dtype}`);
  }
  return weight.data;
}
