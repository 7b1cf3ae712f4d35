/**
 * MobileNet v1 as timm (PyTorch) names its weights: `conv_stem`, `bn1`, `blocks.S.I.{conv_dw,bn1,conv_pw,bn2}`,
 * `classifier`.
 *
 * Widths, depth and classes are read off the shapes. What the file does not say is what timm's own `mobilenetv1_*`
 * models have: ReLU6, batch norm with ε = 1e-5, padding by one pixel on each side (PyTorch's, which for stride 2
 * differs from TensorFlow's SAME), 224 pixels, stride 2 in the stem and in the first block of each stage but the first.
 * Their trained weights (`ra4_e3600_r224_in1k`) want pixels in [−1, 1]: mean and deviation 0.5. Options override each.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { GraphBuilder } from "../../graph/builder.ts";
import { RELU6 } from "../../graph/clamp.ts";
import type { Graph, Normalization, Padding, Shape } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { MobilenetLayers } from "../../models/mobilenet-layers.ts";
import { NORMALIZATION } from "../../models/mobilenet-v1.ts";
import { inPieces } from "../common/decode.ts";
import type { Decode, StoredTensor } from "../common/stored-tensor.ts";

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
  readonly normalization?: Normalization;
}

/** PyTorch's ε. */
const EPSILON = 1e-5;

/** How a layer's tensors become its constants: axis i of a weight is axis `axes[i]` of the file's. */
const CONVOLUTION = [2, 3, 1, 0];
const DEPTHWISE = [2, 3, 0, 1];
const DENSE = [1, 0];
const VECTOR = [0];

/** timm's names of the statistics. */
const STATISTICS = { gamma: "weight", beta: "bias", mean: "running_mean", variance: "running_var" };

/**
 * Builds the graph; its names are those of `mobilenetV1`.
 * @throws FormatError when a tensor is missing, unknown, or of a shape that does not fit the others
 */
export async function fromTimm(
  tensors: ReadonlyMap<string, StoredTensor>,
  decode: Decode,
  options: TimmOptions & { readonly budget?: Budget | undefined } = {},
): Promise<Graph> {
  const { resolution = 224, ceiling = RELU6.hi, epsilon = EPSILON, budget = new Budget() } = options;
  if (!Number.isSafeInteger(resolution) || resolution < 1) {
    throw new RangeError(`resolution: expected a positive whole number, got ${resolution}`);
  }
  const padding: Padding = options.padding === "same" ? "same" : { top: 1, bottom: 1, left: 1, right: 1 };
  const file = new TimmFile(tensors);
  const builder = new GraphBuilder();
  const style = { activation: { lo: 0, hi: ceiling }, epsilon, padding };
  const layers = new MobilenetLayers(builder, style, (name, shape) => {
    const { stored, axes } = file.sourceOf(name);
    const tensor = tensors.get(stored)!;
    return builder.addConstant(name, { shape }, async () =>
      permuted(await decode(stored, tensor), tensor.shape, axes, budget),
    );
  });

  const [filters, inputs] = file.shapeOf("conv_stem.weight", ["filters", "channels", 3, 3]) as [number, number];
  const shape = [1, resolution, resolution, inputs];
  const input = builder.addInput({ name: "input", shape, dtype: "float32" });
  file.layer("block0", "conv_stem", CONVOLUTION, "bn1", filters);
  let last = layers.convolution("block0", "block0", input, [3, 3, inputs, filters], 2);
  let channels = filters;
  const endPoints = new Map([[last, last]]);
  for (const [i, prefix] of blocksOf(tensors).entries()) {
    const block = `block${i + 1}`;
    file.shapeOf(`${prefix}.conv_dw.weight`, [channels, 1, 3, 3]);
    file.layer(`${block}/depthwise`, `${prefix}.conv_dw`, DEPTHWISE, `${prefix}.bn1`, channels);
    const out = file.pointwise(block, `${prefix}.conv_pw`, `${prefix}.bn2`, channels);
    last = layers.separable(block, last, channels, out, i > 0 && prefix.endsWith(".0") ? 2 : 1);
    channels = out;
    endPoints.set(block, last);
  }
  if (tensors.has("conv_head.weight")) {
    const out = file.pointwise("head", "conv_head", "bn2", channels);
    last = layers.convolution("head/pointwise", "head", last, [1, 1, channels, out], 1);
    channels = out;
  }
  let output = layers.pool("output", last);
  endPoints.set("output", output);
  if (tensors.has("classifier.weight")) {
    output = layers.classifier(output, channels, file.classifier(channels));
  }
  file.refuseUnused();
  const source = { format: "safetensors", normalization: options.normalization ?? NORMALIZATION };
  const graph = builder.graph({ name: "mobilenetv1", outputs: [output], endPoints, source });
  return builder.complete(graph, () => undefined);
}

/** The file's tensors, checked one by one, and which constant each becomes. */
class TimmFile {
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #unused: Set<string>;
  readonly #sources = new Map<string, { readonly stored: string; readonly axes: readonly number[] }>();

  constructor(tensors: ReadonlyMap<string, StoredTensor>) {
    this.#tensors = tensors;
    this.#unused = new Set([...tensors.keys()].filter((name) => !name.endsWith(".num_batches_tracked")));
  }

  /** Where a constant comes from. */
  sourceOf(name: string): { readonly stored: string; readonly axes: readonly number[] } {
    return this.#sources.get(name)!;
  }

  /** The shape of a tensor that must be there and fit; a dimension given by name may have any size ≥ 1. */
  shapeOf(name: string, expected: readonly (number | string)[]): Shape {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new FormatError(`safetensors: expected a tensor "${name}" [${expected}], got none`);
    const { shape } = tensor;
    const fits = (n: number, i: number) => (typeof expected[i] === "number" ? n === expected[i] : n >= 1);
    if (shape.length !== expected.length || !shape.every(fits)) {
      throw new FormatError(`safetensors: tensor "${name}": expected shape [${expected}], got [${shape}]`);
    }
    this.#unused.delete(name);
    return shape;
  }

  /** Says where the constants of a convolution and its batch norm come from. */
  layer(scope: string, conv: string, axes: readonly number[], norm: string, channels: number): void {
    this.#sources.set(`${scope}/weights`, { stored: `${conv}.weight`, axes });
    for (const [role, suffix] of Object.entries(STATISTICS)) {
      const stored = `${norm}.${suffix}`;
      this.shapeOf(stored, [channels]);
      this.#sources.set(`${scope}/bn/${role}`, { stored, axes: VECTOR });
    }
  }

  /** … of a 1×1 convolution; answers with its filters. */
  pointwise(name: string, conv: string, norm: string, channels: number): number {
    const [filters] = this.shapeOf(`${conv}.weight`, ["filters", channels, 1, 1]) as [number];
    this.layer(`${name}/pointwise`, conv, CONVOLUTION, norm, filters);
    return filters;
  }

  /** … of the classifier; answers with its classes. */
  classifier(channels: number): number {
    const [classes] = this.shapeOf("classifier.weight", ["classes", channels]) as [number];
    this.shapeOf("classifier.bias", [classes]);
    this.#sources.set("classifier/weights", { stored: "classifier.weight", axes: DENSE });
    this.#sources.set("classifier/bias", { stored: "classifier.bias", axes: VECTOR });
    return classes;
  }

  /** @throws FormatError where the file has more than a MobileNet v1 */
  refuseUnused(): void {
    if (this.#unused.size === 0) return;
    throw new FormatError(
      `safetensors: expected the tensors of a MobileNet v1 in timm, got also ${[...this.#unused].slice(0, 5).join(", ")}`,
    );
  }
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
