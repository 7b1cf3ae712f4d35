/**
 * MobileNet v1 as timm (PyTorch) names its weights: `conv_stem`, `bn1`, `blocks.S.I.{conv_dw,bn1,conv_pw,bn2}`, `classifier`.
 *
 * Widths, depth and classes are read off the shapes. What the file does not say is what timm's own `mobilenetv1_*` models have: ReLU6, batch norm
 * with ε = 1e-5, padding by one pixel on each side (PyTorch's, which for stride 2 differs from TensorFlow's SAME), 224 pixels, stride 2 in the stem
 * and in the first block of each stage but the first. Their trained weights (`ra4_e3600_r224_in1k`) want pixels in [−1, 1]: mean and deviation 0.5.
 * Options override each.
 * @module
 */
import { FormatError } from "../errors.ts";
import type { Constant, Graph, Node, Normalisation, Padding, Shape } from "../graph/graph.ts";
import { Budget } from "../limits.ts";
import { inPieces } from "./decode.ts";
import type { StoredTensor } from "./safetensors.ts";

/** What a weights file leaves open. */
export interface TimmOptions {
  /** Height and width of the input in pixels; 224 if not given. */
  readonly resolution?: number;
  /** "symmetric" (PyTorch's, the default) or "same" (TensorFlow's, as in timm's `tf_` models). */
  readonly padding?: "symmetric" | "same";
  /** Upper bound of the rectifiers: 6 (the default) or Infinity. */
  readonly ceiling?: number;
  /** ε of the batch norms. */
  readonly epsilon?: number;
  /** How the weights want their pixels; mean = deviation = 127.5 if not given. */
  readonly normalisation?: Normalisation;
}

type Decode = (name: string, tensor: StoredTensor) => Promise<Float32Array>;

/** A tensor of the file that becomes a constant, its axes permuted. */
interface Wanted {
  readonly name: string;
  readonly stored: string;
  readonly axes: readonly number[];
}

/** A graph while it is being built. */
interface Draft {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly wanted: Wanted[];
  readonly unused: Set<string>;
  readonly constants: Map<string, Constant>;
  readonly nodes: Node[];
  readonly padding: Padding;
  readonly ceiling: number;
  readonly epsilon: number;
}

/**
 * Builds the graph; its names are those of `mobilenetV1`.
 * @throws FormatError when a tensor is missing, unknown, or of a shape that does not fit the others
 */
export async function fromTimm(
  tensors: ReadonlyMap<string, StoredTensor>,
  decode: Decode,
  options: TimmOptions & { readonly budget?: Budget | undefined } = {},
): Promise<Graph> {
  const { resolution = 224, ceiling = 6, epsilon = 1e-5, budget = new Budget() } = options;
  if (!Number.isSafeInteger(resolution) || resolution < 1) {
    throw new RangeError(`resolution: expected a positive whole number, got ${resolution}`);
  }
  const padding: Padding = options.padding === "same" ? "same" : { top: 1, bottom: 1, left: 1, right: 1 };
  const unused = new Set([...tensors.keys()].filter((name) => !name.endsWith(".num_batches_tracked")));
  const draft: Draft = {
    ...{ tensors, wanted: [], unused, constants: new Map(), nodes: [] },
    ...{ padding, ceiling, epsilon },
  };

  let channels = stem(draft);
  const blocks = blocksOf(tensors);
  blocks.forEach((prefix, i) => {
    const stride = i > 0 && prefix.endsWith(".0") ? 2 : 1;
    channels = block(draft, i + 1, prefix, channels, stride);
  });
  let last = `block${blocks.length}`;
  if (tensors.has("conv_head.weight")) {
    channels = pointwise(draft, "head", last, "conv_head", "bn2", channels);
    last = "head";
  }
  const outputs = top(draft, last, channels);
  if (unused.size > 0) {
    throw new FormatError(
      `safetensors: expected the tensors of a MobileNet v1 in timm, got also ${[...unused].slice(0, 5).join(", ")}`,
    );
  }
  for (const { name, stored, axes } of draft.wanted) {
    const tensor = tensors.get(stored)!;
    const data = await permuted(await decode(stored, tensor), tensor.shape, axes, budget);
    draft.constants.set(name, { ...draft.constants.get(name)!, data });
  }
  const names = ["block0", ...blocks.map((_, i) => `block${i + 1}`), "output"];
  return {
    name: "mobilenetv1",
    inputs: [
      {
        name: "input",
        shape: [1, resolution, resolution, draft.constants.get("block0/weights")!.shape[2]!],
        dtype: "float32",
      },
    ],
    constants: draft.constants,
    nodes: draft.nodes,
    outputs,
    endPoints: new Map(names.map((name) => [name, name])),
    source: { format: "safetensors", normalisation: options.normalisation ?? { mean: 127.5, std: 127.5 } },
  };
}

/** Prefixes `blocks.S.I` in the network's order. */
function blocksOf(tensors: ReadonlyMap<string, StoredTensor>): string[] {
  const found = new Map<string, readonly [stage: number, index: number]>();
  for (const name of tensors.keys()) {
    const match = /^(blocks\.(\d+)\.(\d+))\.conv_dw\.weight$/.exec(name);
    if (match) found.set(match[1]!, [Number(match[2]), Number(match[3])]);
  }
  return [...found].toSorted(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]).map(([prefix]) => prefix);
}

/** The first convolution; returns its channels. */
function stem(draft: Draft): number {
  const [filters, inputs, kH, kW] = shapeOf(draft, "conv_stem.weight", ["filters", "channels", 3, 3]);
  constant(draft, "block0/weights", "conv_stem.weight", [kH!, kW!, inputs!, filters!], [2, 3, 1, 0]);
  draft.nodes.push({
    op: "conv2d",
    name: "block0/conv",
    inputs: ["input"],
    weights: "block0/weights",
    strides: [2, 2],
    dilations: [1, 1],
    padding: draft.padding,
  });
  normaliseAndClamp(draft, "block0", "bn1", filters!);
  return filters!;
}

/** A depthwise and a pointwise convolution; returns the channels behind them. */
function block(draft: Draft, number: number, prefix: string, channels: number, stride: 1 | 2): number {
  const name = `block${number}/depthwise`;
  const weights = `${name}/weights`;
  shapeOf(draft, `${prefix}.conv_dw.weight`, [channels, 1, 3, 3]);
  constant(draft, weights, `${prefix}.conv_dw.weight`, [3, 3, channels, 1], [2, 3, 0, 1]);
  draft.nodes.push({
    op: "depthwiseConv2d",
    name: `${name}/conv`,
    inputs: [`block${number - 1}`],
    weights,
    strides: [stride, stride],
    dilations: [1, 1],
    padding: draft.padding,
  });
  normaliseAndClamp(draft, name, `${prefix}.bn1`, channels);
  return pointwise(draft, `block${number}`, name, `${prefix}.conv_pw`, `${prefix}.bn2`, channels);
}

/** A 1×1 convolution; returns its channels. */
function pointwise(draft: Draft, name: string, input: string, conv: string, norm: string, channels: number): number {
  const [filters] = shapeOf(draft, `${conv}.weight`, ["filters", channels, 1, 1]);
  const scope = `${name}/pointwise`;
  constant(draft, `${scope}/weights`, `${conv}.weight`, [1, 1, channels, filters!], [2, 3, 1, 0]);
  draft.nodes.push({
    op: "conv2d",
    name: `${scope}/conv`,
    inputs: [input],
    weights: `${scope}/weights`,
    strides: [1, 1],
    dilations: [1, 1],
    padding: "valid",
  });
  normaliseAndClamp(draft, scope, norm, filters!, name);
  return filters!;
}

/** Batch norm `scope/bn`, then the rectifier, which is the layer's value: `name`. */
function normaliseAndClamp(draft: Draft, scope: string, norm: string, channels: number, name = scope): void {
  const statistics = { gamma: "weight", beta: "bias", mean: "running_mean", variance: "running_var" };
  for (const [field, stored] of Object.entries(statistics)) {
    shapeOf(draft, `${norm}.${stored}`, [channels]);
    constant(draft, `${scope}/bn/${field}`, `${norm}.${stored}`, [channels], [0]);
  }
  draft.nodes.push({
    op: "batchNorm",
    name: `${scope}/bn`,
    inputs: [`${scope}/conv`],
    gamma: `${scope}/bn/gamma`,
    beta: `${scope}/bn/beta`,
    mean: `${scope}/bn/mean`,
    variance: `${scope}/bn/variance`,
    epsilon: draft.epsilon,
  });
  draft.nodes.push({ op: "clamp", name, inputs: [`${scope}/bn`], lo: 0, hi: draft.ceiling });
}

/** Average pool, and the classifier if the file has one; returns the outputs. */
function top(draft: Draft, input: string, channels: number): string[] {
  draft.nodes.push({ op: "globalAveragePool", name: "output", inputs: [input], keepDims: true });
  if (!draft.tensors.has("classifier.weight")) return ["output"];
  const [classes] = shapeOf(draft, "classifier.weight", ["classes", channels]);
  shapeOf(draft, "classifier.bias", [classes!]);
  constant(draft, "classifier/weights", "classifier.weight", [channels, classes!], [1, 0]);
  constant(draft, "classifier/bias", "classifier.bias", [classes!], [0]);
  draft.nodes.push(
    { op: "reshape", name: "classifier/input", inputs: ["output"], shape: [-1, channels] },
    {
      op: "dense",
      name: "classifier",
      inputs: ["classifier/input"],
      weights: "classifier/weights",
      bias: "classifier/bias",
    },
    { op: "softmax", name: "softmax", inputs: ["classifier"], beta: 1 },
  );
  return ["softmax"];
}

/** The shape of a tensor that must be there and fit; a dimension given by name may have any size ≥ 1. */
function shapeOf(draft: Draft, name: string, expected: readonly (number | string)[]): Shape {
  const tensor = draft.tensors.get(name);
  if (!tensor) throw new FormatError(`safetensors: expected a tensor "${name}" [${expected}], got none`);
  const { shape } = tensor;
  const fits = (n: number, i: number) => (typeof expected[i] === "number" ? n === expected[i] : n >= 1);
  if (shape.length !== expected.length || !shape.every(fits)) {
    throw new FormatError(`safetensors: tensor "${name}": expected shape [${expected}], got [${shape}]`);
  }
  draft.unused.delete(name);
  return shape;
}

/** A tensor whose axes are permuted: axis i of the result is axis `axes[i]` of the file's. Its numbers are made at the end. */
function constant(draft: Draft, name: string, stored: string, shape: Shape, axes: readonly number[]): void {
  draft.constants.set(name, { name, shape, dtype: "float32" });
  draft.wanted.push({ name, stored, axes });
}

async function permuted(
  data: Float32Array,
  shape: Shape,
  axes: readonly number[],
  budget: Budget,
): Promise<Float32Array> {
  const strides = axes.map((axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
  const sizes = axes.map((axis) => shape[axis]!);
  const result = new Float32Array(data.length);
  const index = axes.map(() => 0);
  let at = 0;
  await inPieces(data.length, budget, (from, to) => {
    for (let i = from; i < to; i++) {
      result[i] = data[at]!;
      for (let axis = axes.length - 1; axis >= 0; axis--) {
        at += strides[axis]!;
        index[axis] = index[axis]! + 1;
        if (index[axis]! < sizes[axis]!) break;
        at -= sizes[axis]! * strides[axis]!;
        index[axis] = 0;
      }
    }
  });
  return result;
}
