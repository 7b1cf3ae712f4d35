/**
 * face-api's weights manifest (`ssd_mobilenetv1_model-weights_manifest.json`) → its face detector.
 *
 * The manifest holds weights only; the network is rebuilt here as face-api runs it.
 * @module
 */
import { FormatError, ShapeError } from "../../errors.ts";
import { withNumbers } from "../../graph/builder.ts";
import type { Graph, Shape } from "../../graph/graph.ts";
import { inferShapes } from "../../graph/shape.ts";
import { Budget } from "../../limits.ts";
import { detectorOf, faceDetector } from "../../models/face-detector.ts";
import { checked } from "../common/checked.ts";
import { readWeights, type Weight } from "../common/shards.ts";
import type { Sibling } from "../common/source.ts";

/**
 * Builds the detector from its weights manifest: see {@link faceDetector}. Constants bear the names that the weights
 * have in the file.
 * @param manifest the parsed JSON, not yet trusted
 * @param sibling reads a shard by the name that the manifest gives it
 * @throws FormatError when a weight is missing or of a wrong dtype, ShapeError when one has a wrong shape, and what
 * {@link readWeights} throws
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
  const graph = await withNumbers(faceDetector(fileName), ({ name, shape }) => read(weights, name, shape));
  const anchors = read(weights, "Output/extra_dim", [1, ...inferShapes(graph).get("boxes")!.slice(1)]);
  const source = { ...graph.source, detector: detectorOf(anchors) };
  return checked("face-api", { ...graph, source }, budget);
}

/**
 * What the file calls a constant: of the backbone `MobilenetV1/Conv2d_3_depthwise/BatchNorm/gamma`, of the rest
 * `Prediction/…`.
 */
function fileName(name: string): string {
  const [, layer, number, rest] = /^(block|extra|head)(\d+)\/(.+)$/.exec(name)!;
  if (layer === "head") {
    const [kind, role] = rest!.split("/");
    const predictor = kind === "boxes" ? "BoxEncodingPredictor" : "ClassPredictor";
    return `Prediction/BoxPredictor_${number}/${predictor}/${role === "bias" ? "biases" : role}`;
  }
  const scope = layer === "block" ? "MobilenetV1" : "Prediction";
  const half = rest!.startsWith("depthwise/") ? "depthwise" : "pointwise";
  const field = FIELDS[rest!.replace(/^pointwise\//, "")];
  return `${scope}/Conv2d_${number}_${half}/${field}`;
}

/** What the file calls the constants of a layer. */
const FIELDS: Readonly<Record<string, string>> = {
  weights: "weights",
  bias: "convolution_bn_offset",
  "depthwise/weights": "depthwise_weights",
  "depthwise/bn/gamma": "BatchNorm/gamma",
  "depthwise/bn/beta": "BatchNorm/beta",
  "depthwise/bn/mean": "BatchNorm/moving_mean",
  "depthwise/bn/variance": "BatchNorm/moving_variance",
};

function read(weights: ReadonlyMap<string, Weight>, name: string, shape: Shape): Float32Array {
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
