/**
 * sepconv: depthwise-separable convolution in WebAssembly, from a model file or an architecture to answers.
 * @module
 */
import { checkBytes, checkOptions } from "./arguments.ts";
import { BUILD_OPTIONS, type BuildOptions, build, kernelsFor } from "./engine/build.ts";
import type { Session } from "./engine/session.ts";
import { type GraphLike, graphGiven } from "./graph/given.ts";
import type { Graph } from "./graph/graph.ts";
import type { ModelSource, WeightUrl } from "./import/source.ts";
import { Budget, type Limits } from "./limits.ts";
import type { Sample } from "./quantise/calibrate.ts";
import type { QuantizeOptions } from "./quantise/quantise.ts";
import type { QuantizationReport, ReportOptions } from "./quantise/report.ts";

export { type BuildOptions, build, memoryRequired, type PlanOptions, type Progress } from "./engine/build.ts";
export type { MemoryUse } from "./engine/plan.ts";
export type { Numbers, ProfileRow, RunInput, RunResult, Session, ValueInfo } from "./engine/session.ts";
export type { Variant, WasmSource } from "./engine/variant.ts";
export {
  FormatError,
  LoadError,
  MemoryError,
  SepconvError,
  ShapeError,
  StateError,
  UnsupportedError,
} from "./errors.ts";
export { cost } from "./graph/cost.ts";
export type { Detector, Graph, Normalisation } from "./graph/graph.ts";
export { initialise } from "./graph/initialise.ts";
export type { ModelSource, WeightUrl } from "./import/source.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { type MobilenetV1Options, mobilenetV1 } from "./models/mobilenet-v1.ts";
export type { Sample } from "./quantise/calibrate.ts";
export type { QuantizeOptions } from "./quantise/quantise.ts";
export type { LayerNoise, QuantizationReport, ReportOptions } from "./quantise/report.ts";
export { type Class, type Classification, type ClassifyOptions, classify } from "./vision/classify.ts";
export { type DecodedImage, type DecodeOptions, decodeImage, type ImageSource } from "./vision/decode.ts";
export { type Detection, type DetectOptions, detect } from "./vision/detect.ts";
export type { PictureLike } from "./vision/given.ts";
export { type InputOptions, type Picture, type PixelRange, toInput } from "./vision/image.ts";

/** What can be asked of {@link load}. */
export interface LoadOptions extends BuildOptions {
  /** Height and width of the input, for files that leave them open or hold weights only. */
  readonly resolution?: number;
  /** Where the shards of a TF.js manifest are, if not beside the model: an address, a path or bytes for each name that the manifest has. */
  readonly weightUrl?: WeightUrl | undefined;
  /** How much the model's files may ask for; see {@link Limits}. */
  readonly limits?: Partial<Limits> | undefined;
}

const LOAD_OPTIONS: readonly string[] = [
  ...BUILD_OPTIONS,
  "resolution",
  "limits",
  "weightUrl",
] satisfies (keyof LoadOptions)[];

/**
 * Reads a model and makes it ready to run. The format is recognised by content: TFLite, Keras (`.h5`, `.keras`), TF.js (`model.json` with its
 * shards), safetensors, and face-api's weights manifest.
 * @param source path, URL, bytes, `Blob`, `Response`, or `{ "model.json": bytes, … }`
 * @throws LoadError when something can't be read, FormatError when it is damaged, UnsupportedError when it holds what isn't supported
 */
export async function load(source: ModelSource, options: LoadOptions = {}): Promise<Session> {
  checkOptions("load", options, LOAD_OPTIONS);
  checkBytes("maxMemory", options.maxMemory);
  const { resolution, limits, weightUrl, ...rest } = options;
  const { signal, onProgress, maxMemory } = rest;
  const budget = new Budget({ limits, maxMemory, signal });
  // The kernels compile while the model is read; `build` takes them from the cache and reports what went wrong.
  if (options.wasm === undefined) kernelsFor(options).catch(() => {});
  const { importModel } = await import("./import/sniff.ts");
  const graph = await importModel(source, {
    ...{ signal, budget, weightUrl },
    ...(resolution !== undefined && { resolution }),
    onProgress:
      onProgress && (({ file, loaded, total = 0 }) => onProgress({ phase: "read", file, done: loaded, total })),
  });
  return build(graph, rest);
}

/**
 * A float network in 8 bits (int8, by TFLite's rules), calibrated by samples of its input.
 * @param graph a float graph, or a session of one
 * @param samples inputs such as the network will see, normalised as it wants them; a hundred are plenty
 * @throws UnsupportedError naming a node whose op there is not in 8 bits; RangeError for samples that tell nothing
 */
export async function quantize(
  graph: GraphLike,
  samples: readonly Sample[],
  options?: QuantizeOptions,
): Promise<Graph> {
  return (await import("./quantise/quantise.ts")).quantize(graphGiven("quantize", graph), samples, options);
}

/** What 8 bits cost: signal to noise layer by layer, agreement of classes, sizes; `quantized` was made of `float` by {@link quantize}. */
export async function quantizationReport(
  float: GraphLike,
  quantized: GraphLike,
  samples: readonly Sample[],
  options?: ReportOptions,
): Promise<QuantizationReport> {
  const graphs = [graphGiven("float", float), graphGiven("quantized", quantized)] as const;
  return (await import("./quantise/report.ts")).quantizationReport(...graphs, samples, options);
}

/**
 * The bytes of a TFLite file that computes what a graph, float or 8-bit, does.
 * @throws UnsupportedError naming a node that has no form there; TypeError for a graph without weights
 */
export async function toTflite(graph: GraphLike): Promise<Uint8Array> {
  return (await import("./export/tflite.ts")).toTflite(graphGiven("toTflite", graph));
}
