/**
 * sepconv: depthwise-separable convolution in WebAssembly, from a model file or an architecture to answers.
 * @module
 */
import { checkBytes, checkOptions } from "./arguments.ts";
import { BUILD_OPTIONS, type BuildOptions, build, type OpenOptions, openImage } from "./engine/build.ts";
import { isModule } from "./engine/host/binary.ts";
import type { Session } from "./engine/host/session.ts";
import { isImage } from "./engine/image.ts";
import { kernelsFor } from "./engine/variant.ts";
import type { Progress as FileProgress, ModelSource, WeightUrl } from "./formats/common/source.ts";
import type { FreezeOptions } from "./freeze/freeze.ts";
import { type GraphLike, graphGiven } from "./graph/given.ts";
import type { Graph } from "./graph/graph.ts";
import { Budget, type Limits } from "./limits.ts";
import type { Sample } from "./quantize/calibrate.ts";
import type { QuantizeOptions } from "./quantize/quantize.ts";
import type { QuantizationReport, ReportOptions } from "./quantize/report.ts";

export {
  type BuildOptions,
  build,
  memoryRequired,
  type OpenOptions,
  type PlanOptions,
  type Progress,
} from "./engine/build.ts";
export type { Feed } from "./engine/host/feed.ts";
export type { Product } from "./engine/host/product.ts";
export type { Numbers, ProfileRow, RunInput, RunResult, Session, ValueInfo } from "./engine/host/session.ts";
export type { ThreadCount } from "./engine/host/threads.ts";
export type { Manifest, ManifestStep, ManifestValue } from "./engine/manifest.ts";
export type { MemoryMode } from "./engine/plan/chains.ts";
export type { MemoryUse } from "./engine/plan/plan.ts";
export type { KernelOptions, Variant, WasmSource } from "./engine/variant.ts";
export {
  type Blocker,
  FormatError,
  LoadError,
  MemoryError,
  SepconvError,
  ShapeError,
  StateError,
  UnsupportedError,
} from "./errors.ts";
export type { ModelSource, WeightUrl } from "./formats/common/source.ts";
export type { FreezeOptions } from "./freeze/freeze.ts";
export type { FrozenPicture, PictureFormat } from "./freeze/image-stage.ts";
export type { Top } from "./freeze/top.ts";
export { cost } from "./graph/cost.ts";
export type { Detector, Graph, Normalization, PoseHeads, Suppression } from "./graph/graph.ts";
export { initialize } from "./graph/initialize.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { type DsCnnOptions, dsCnn } from "./models/ds-cnn.ts";
export { type MobilenetV1Options, mobilenetV1 } from "./models/mobilenet-v1.ts";
export { type MobilenetV2Options, mobilenetV2 } from "./models/mobilenet-v2.ts";
export { type MobilenetV3Options, mobilenetV3 } from "./models/mobilenet-v3.ts";
export type { Sample } from "./quantize/calibrate.ts";
export type { QuantizeOptions } from "./quantize/quantize.ts";
export type { LayerNoise, QuantizationReport, ReportOptions } from "./quantize/report.ts";
export type { Class, Classification, ClassifyOptions } from "./vision/classify.ts";
export { type DecodedImage, type DecodeOptions, decodeImage, type ImageSource } from "./vision/decode.ts";
export type { Detection, DetectOptions, KeyPoint, RawDetection } from "./vision/detect.ts";
export type { EmbedOptions } from "./vision/embed.ts";
export type { Picture, PictureLike } from "./vision/given.ts";
export type { InputOptions, Resizer } from "./vision/image.ts";
export type { PictureFeed } from "./vision/picture-feed.ts";
export type { Pose, PoseLimitOptions, PoseOptions, PosePoint } from "./vision/pose.ts";
export { fromReal, toReal } from "./vision/real.ts";
export type { Segment, Segmentation, SegmentOptions } from "./vision/segment.ts";
export type { PixelRange, SessionInputOptions } from "./vision/session-input.ts";
export { similar } from "./vision/similar.ts";
export {
  classify,
  createResizer,
  detect,
  detectionsOf,
  embed,
  feedPicture,
  pose,
  posesOf,
  segment,
  sessionInput,
  toInput,
} from "./vision/tasks.ts";

/** What can be asked of {@link load}. */
export interface LoadOptions extends BuildOptions {
  /** Height and width of the input, for files that leave them open or hold weights only. */
  readonly resolution?: number;
  /**
   * Where the shards of a TF.js manifest are, if not beside the model: an address, a path or bytes for each name that
   * the manifest has.
   */
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
 * Reads a model and makes it ready to run. The format is recognized by content: TFLite, Keras (`.h5`, `.keras`), TF.js
 * (`model.json` with its shards), ONNX, safetensors, face-api's weights manifest, and sessions that were saved.
 * @param source path, URL, bytes, `Blob`, `Response`, or `{ "model.json": bytes, … }`
 * @throws LoadError when something can't be read, FormatError when it is damaged, UnsupportedError when it holds what
 *   isn't supported
 * @example
 * ```js
 * import { load } from "sepconv";
 *
 * const net = await load("model.tflite", { maxMemory: 64e6 });
 * console.log(net.inputs[0].shape, net.memory.total);
 * ```
 */
export async function load(source: ModelSource, options: LoadOptions = {}): Promise<Session> {
  checkOptions("load", options, LOAD_OPTIONS);
  checkBytes("maxMemory", options.maxMemory);
  const { resolution, limits, weightUrl, ...rest } = options;
  const { signal, onProgress, maxMemory } = rest;
  const budget = new Budget({ limits, maxMemory, signal });
  // The kernels compile while the model is read; `build` takes them from the cache and reports what went wrong.
  if (options.wasm === undefined) kernelsFor(options).catch(() => {});
  const { readSource } = await import("./formats/common/source.ts");
  const reading = {
    ...{ signal, budget, weightUrl },
    onProgress:
      onProgress &&
      (({ file, loaded, total = 0 }: FileProgress) => onProgress({ phase: "read", file, done: loaded, total })),
  };
  const files = await readSource(source, reading);
  if (isImage(files.bytes)) return openFile(files.bytes, options);
  if (isModule(files.bytes)) {
    const { thawed } = await import("./freeze/thaw.ts");
    return openFile(thawed(files.bytes, budget), options);
  }
  const { importFiles } = await import("./formats/recognize.ts");
  const graph = await importFiles(files, { ...reading, ...(resolution !== undefined && { resolution }) });
  return build(graph, rest);
}

/** A saved session has its end points, its batch and its sizes for good. */
function openFile(
  bytes: Uint8Array,
  { endPoints, batch, weights, seed, resolution, weightUrl, ...rest }: LoadOptions,
): Promise<Session> {
  const asked = Object.entries({ endPoints, batch, weights, seed, resolution, weightUrl });
  const [name] = asked.find(([, value]) => value !== undefined) ?? [];
  if (name)
    throw new TypeError(`load: expected no option ${name} for a saved session, whose network is fixed, got one`);
  const { onProgress: _, ...options } = rest;
  return openImage(bytes, options);
}

/**
 * Opens a session that was saved by `net.save()`: the same bits, and no reading of a format, no passes, no packing.
 * {@link load} knows such files too.
 * @param source path, URL, bytes, `Blob` or `Response`
 * @throws FormatError when it is damaged; UnsupportedError where no build of the kernels is the one that it was saved
 *   for; LoadError when it can't be read
 * @example
 * ```js
 * import { load, open } from "sepconv";
 *
 * const saved = (await load("model.tflite")).save();
 * const net = await open(saved);
 * console.log(net.run(new Float32Array(96 * 96 * 3)).output);
 * ```
 */
export async function open(source: ModelSource, options: OpenOptions = {}): Promise<Session> {
  checkOptions("open", options, OPEN_OPTIONS);
  // The kernels compile while the file is read.
  if (options.wasm === undefined && options.variant === undefined) kernelsFor(options).catch(() => {});
  const { maxMemory, limits, signal } = options;
  const { readSource } = await import("./formats/common/source.ts");
  const budget = new Budget({ limits, maxMemory, signal });
  const { bytes } = await readSource(source, { signal, budget });
  if (!isModule(bytes)) return openImage(bytes, options);
  const { thawed } = await import("./freeze/thaw.ts");
  return openImage(thawed(bytes, budget), options);
}

const OPEN_OPTIONS: readonly string[] = [
  "variant",
  "wasm",
  "maxMemory",
  "signal",
  "limits",
] satisfies (keyof OpenOptions)[];

/**
 * A float network in 8 bits (int8, by TFLite's rules), calibrated by samples of its input. What there is not in 8 bits
 * stays in floats, and is converted before and behind.
 * @param graph a float graph, or a session of one
 * @param samples inputs such as the network will see, normalized as it wants them; a hundred are plenty
 * @throws UnsupportedError naming a node of training; RangeError for samples that tell nothing
 * @example
 * ```js
 * import { load, quantize } from "sepconv";
 *
 * const float = await load("model.tflite");
 * const samples = [0, 0.5, 1].map((value) => new Float32Array(96 * 96 * 3).fill(value));
 * const graph = await quantize(float, samples, { io: "int8" });
 * console.log(graph.inputs[0].dtype); // int8
 * ```
 */
export async function quantize(
  graph: GraphLike,
  samples: readonly Sample[],
  options?: QuantizeOptions,
): Promise<Graph> {
  return (await import("./quantize/quantize.ts")).quantize(graphGiven("quantize", graph), samples, options);
}

/**
 * What 8 bits cost: signal to noise layer by layer, agreement of classes, sizes; `quantized` was made of `float` by
 * {@link quantize}.
 * @example
 * ```js
 * import { load, quantizationReport, quantize } from "sepconv";
 *
 * const float = await load("model.tflite");
 * const samples = [0, 0.5, 1].map((value) => new Float32Array(96 * 96 * 3).fill(value));
 * const report = await quantizationReport(float, await quantize(float, samples), samples);
 * console.log(report.sqnr, report.agreement, report.layers.length);
 * ```
 */
export async function quantizationReport(
  float: GraphLike,
  quantized: GraphLike,
  samples: readonly Sample[],
  options?: ReportOptions,
): Promise<QuantizationReport> {
  const graphs = [graphGiven("float", float), graphGiven("quantized", quantized)] as const;
  return (await import("./quantize/report.ts")).quantizationReport(...graphs, samples, options);
}

/**
 * Freezes a network: kernels, weights and plan in one WebAssembly module without imports, which any runtime can run.
 * Its interface: `docs/frozen.md`. {@link load} and {@link open} know such files too.
 * @param graph a graph, or a session of one
 * @returns the module's bytes
 * @throws UnsupportedError for kernels that came compiled, and for an output that `top` cannot be had of; MemoryError
 *   where it needs more than `maxMemory`; as {@link build}
 * @example
 * ```js
 * import { freeze, load } from "sepconv";
 *
 * const bytes = await freeze(await load("model.tflite"), { variant: "scalar" });
 * const { instance } = await WebAssembly.instantiate(bytes); // no imports
 * const { memory, input, output, run } = instance.exports;
 * new Float32Array(memory.buffer, input(0), 96 * 96 * 3).fill(0.5);
 * run();
 * console.log(new Float32Array(memory.buffer, output(0), 2));
 * ```
 */
export async function freeze(graph: GraphLike, options?: FreezeOptions): Promise<Uint8Array<ArrayBuffer>> {
  return (await import("./freeze/freeze.ts")).freeze(graphGiven("freeze", graph), options);
}

/**
 * The bytes of a TFLite file that computes what a graph, float or 8-bit, does.
 * @throws UnsupportedError naming a node that has no form there; TypeError for a graph without weights
 * @example
 * ```js
 * import { load, toTflite } from "sepconv";
 *
 * const net = await load("model.h5");
 * console.log((await toTflite(net)).length); // pixel range and class names are in it
 * ```
 */
export async function toTflite(graph: GraphLike): Promise<Uint8Array> {
  return (await import("./formats/tflite/write.ts")).toTflite(graphGiven("toTflite", graph));
}
