/**
 * Which format a file has, by its content, and the importer for it. Each importer is loaded only when a file of its
 * kind turns up.
 * @module
 */
import { FormatError, located, SepconvError, UnsupportedError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { ownNormalization } from "../graph/input-range.ts";
import { Budget } from "../limits.ts";
import { parseJson } from "./common/json.ts";
import { isHtml, type ModelFiles, type ModelSource, type ReadOptions, readSource } from "./common/source.ts";
import { endOfZip } from "./common/zip.ts";
import type { SafetensorsOptions } from "./safetensors/read.ts";

/** Options of {@link importModel}: those of reading, and what a file may leave open. */
export interface ImportOptions extends ReadOptions, SafetensorsOptions {
  /** Height and width of the input where the file leaves them open. */
  readonly resolution?: number;
}

/** A format that can be imported. */
export type ModelFormat = "tflite" | "keras" | "tfjs" | "face-api" | "safetensors" | "onnx";

const EXPECTED = "expected TFLite, Keras (.h5, .keras), TF.js model.json, ONNX or safetensors";

/**
 * Reads a model and builds its graph.
 * @throws LoadError when it cannot be read
 * @throws FormatError when it is no model, or a damaged one
 * @throws UnsupportedError when it is a model of another kind, or uses what is not supported
 * @throws `RangeError` for a resolution that is no whole number from 1
 */
export async function importModel(source: ModelSource, options: ImportOptions = {}): Promise<Graph> {
  const budget = options.budget ?? new Budget({ signal: options.signal });
  return importFiles(await readSource(source, { ...options, budget }), { ...options, budget });
}

/**
 * Builds the graph of a model whose first file has been read.
 * @throws as {@link importModel}
 */
export async function importFiles(
  files: ModelFiles,
  options: ImportOptions & { readonly budget: Budget },
): Promise<Graph> {
  const { resolution, signal } = options;
  if (resolution !== undefined && !(Number.isInteger(resolution) && resolution >= 1 && resolution <= 2 ** 16)) {
    throw new RangeError(`resolution: expected a whole number of pixels from 1 to 65536, got ${resolution}`);
  }
  signal?.throwIfAborted();
  try {
    return withOwnRange(await graphOf(files, options));
  } catch (error) {
    if (signal?.aborted) throw error;
    const known = error instanceof SepconvError ? error : unsound(error);
    throw NAMELESS.has(files.name) ? known : located(files.name, known);
  }
}

/** What sources without a name are called. */
const NAMELESS: ReadonlySet<string> = new Set(["bytes", "blob", "response"]);

/**
 * A network with a stage of its own wants the pixels that this stage takes, whatever its family is fed otherwise.
 * TFLite's metadata say it for the very file, and stand above that.
 */
function withOwnRange(graph: Graph): Graph {
  const { source } = graph;
  if (source.format === "tflite" && source.normalization) return graph;
  const normalization = ownNormalization(graph);
  return normalization ? { ...graph, source: { ...source, normalization } } : graph;
}

/**
 * What a reader fails on that does not see it coming is the file's doing.
 */
function unsound(cause: unknown): FormatError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FormatError(`expected a model that makes sense, got: ${reason}`, { cause });
}

async function graphOf(files: ModelFiles, options: ImportOptions & { readonly budget: Budget }): Promise<Graph> {
  const { name, bytes, sibling } = files;
  const { budget } = options;
  switch (recognize(name, bytes, budget)) {
    case "tflite":
      return (await import("./tflite/read.ts")).fromTflite(bytes, options);
    case "keras":
      return (await import("./keras/read.ts")).fromKeras(bytes, options);
    case "tfjs":
      return (await import("./tfjs/read.ts")).fromTfjs(parseJson(name, bytes, budget), sibling, options);
    case "face-api":
      return (await import("./face-api/read.ts")).fromFaceApi(parseJson(name, bytes, budget), sibling, options);
    case "safetensors":
      return (await import("./safetensors/read.ts")).fromSafetensors(bytes, options);
    case "onnx":
      return (await import("./onnx/read.ts")).fromOnnx(bytes, sibling, options);
  }
}

/**
 * Tells the format of a model's first file.
 * @param name what errors call the file
 * @throws FormatError saying what was found instead of a model; UnsupportedError when it is a model of another
 *   framework
 */
export function recognize(name: string, bytes: Uint8Array, budget: Budget = new Budget()): ModelFormat {
  if (ascii(bytes, 4, 8) === "TFL3") return "tflite";
  if (ascii(bytes, 0, 8) === "\x89HDF\r\n\x1a\n") return "keras";
  if (ascii(bytes, 0, 4) === "PK\x03\x04") return recognizeZip(name, bytes);
  if (isSafetensors(bytes)) return "safetensors";
  if (/^(\xef\xbb\xbf)?\s*[{[]/.test(ascii(bytes, 0, 64))) return recognizeJson(name, bytes, budget);
  for (const { is, found, model } of OTHERS) {
    if (!is(bytes)) continue;
    if (model) throw new UnsupportedError(`${name}: ${EXPECTED}, got ${found}`);
    throw new FormatError(`${name}: ${EXPECTED}, got ${found}`);
  }
  if (isOnnx(bytes)) return "onnx";
  throw new FormatError(`${name}: ${EXPECTED}, got ${bytes.length} bytes that begin with ${hex(bytes)}`);
}

/** A header length that fits into the file, then the header's JSON. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length >= 10 && bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;
}

// --- JSON
// -------------------------------------------------------------------------------------------------------------------

function recognizeJson(name: string, bytes: Uint8Array, budget: Budget): ModelFormat {
  const json = parseJson(name, bytes, budget);
  if (Array.isArray(json)) {
    const isGroup = (group: unknown) =>
      typeof group === "object" && group !== null && "weights" in group && "paths" in group;
    if (json.length > 0 && json.every(isGroup)) return "face-api";
    throw new FormatError(
      `${name}: expected a model or a list of weight groups, got a JSON list of ${json.length} other items`,
    );
  }
  const keys = Object.keys(json as object);
  if (["modelTopology", "weightsManifest"].some((key) => keys.includes(key))) return "tfjs";
  if (keys.includes("class_name") && keys.includes("config")) {
    throw new FormatError(
      `${name}: expected a model with its weights, got a Keras configuration alone; save the whole model instead`,
    );
  }
  const shown = keys.slice(0, 8).join(", ") || "no keys";
  throw new FormatError(
    `${name}: expected a TF.js model with modelTopology and weightsManifest, got JSON with ${shown}`,
  );
}

// --- Zip
// -------------------------------------------------------------------------------------------------------------------

function recognizeZip(name: string, bytes: Uint8Array): ModelFormat {
  const names = zipNames(bytes);
  if (names.includes("config.json")) return "keras";
  if (names.some((entry) => /(^|\/)data\.pkl$/.test(entry)))
    throw new UnsupportedError(`${name}: ${EXPECTED}, got ${PYTORCH}`);
  if (names.some((entry) => entry.endsWith(".npy")))
    throw new FormatError(`${name}: ${EXPECTED}, got NumPy arrays (.npz)`);
  if (names.length === 0) throw new FormatError(`${name}: ${EXPECTED}, got a truncated or damaged zip file`);
  throw new FormatError(`${name}: ${EXPECTED}, got a zip file with ${names.slice(0, 5).join(", ")}; unpack it first`);
}

/** Names in a zip's central directory; none when it cannot be followed. */
function zipNames(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOfZip(bytes);
  if (end < 0) return [];
  const names: string[] = [];
  let at = view.getUint32(end + 16, true);
  while (at + 46 <= end && view.getUint32(at, true) === 0x02014b50) {
    const length = view.getUint16(at + 28, true);
    names.push(new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length)));
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return names;
}

// --- What else people have
// -----------------------------------------------------------------------------------------------------------------

const PYTORCH = "a PyTorch checkpoint; save its weights as safetensors instead";

interface Other {
  readonly is: (bytes: Uint8Array) => boolean;
  /** Completes "got …", with advice. */
  readonly found: string;
  /** A sound model, but of a framework that is not supported. */
  readonly model?: true;
}

const begins =
  (magic: string, at = 0) =>
  (bytes: Uint8Array) =>
    ascii(bytes, at, at + magic.length) === magic;

/** In this order: loose signatures last. */
const OTHERS: readonly Other[] = [
  { is: isHtml, found: "an HTML page; was a web page saved in place of the file?" },
  { is: begins("version https://git-lfs"), found: "a Git LFS pointer; fetch the file itself with `git lfs pull`" },
  { is: begins("<?xml"), found: "XML, such as servers send as an error" },
  { is: begins("\x89PNG"), found: "a PNG image" },
  { is: begins("\xff\xd8\xff"), found: "a JPEG image" },
  { is: begins("GIF8"), found: "a GIF image" },
  { is: (b) => begins("RIFF")(b) && begins("WEBP", 8)(b), found: "a WebP image" },
  { is: begins("\0asm"), found: "a WebAssembly module" },
  { is: begins("\x93NUMPY"), found: "a NumPy array" },
  { is: begins("\x1f\x8b"), found: "a gzip file; unpack it first" },
  { is: begins("%PDF"), found: "a PDF" },
  { is: begins("GGUF"), found: "a GGUF model", model: true },
  { is: begins("ORTM", 4), found: "an ONNX Runtime model", model: true },
  { is: (b) => b[0] === 0x80 && b[1]! >= 2 && b[1]! <= 5, found: `a Python pickle, perhaps ${PYTORCH}`, model: true },
  { is: begins("\x08\x01\x12"), found: "a TensorFlow SavedModel; convert it to TFLite or TF.js", model: true },
  {
    is: (b) => b[0] === 0x0a && b[2] === 0x0a,
    found: "what looks like a frozen TensorFlow graph; convert it to TFLite or TF.js",
    model: true,
  },
  { is: begins("BM"), found: "a BMP image" },
];

/**
 * Protocol buffer field 1 (ir_version, a small number), then field 2 (producer's name), 3 … 6, 7 (graph), 8 (opset) or
 * 14 (metadata).
 */
function isOnnx(bytes: Uint8Array): boolean {
  return (
    bytes[0] === 0x08 &&
    bytes[1]! >= 1 &&
    bytes[1]! < 32 &&
    [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(bytes[2]!)
  );
}

/** Bytes as characters 0 … 255. */
function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
