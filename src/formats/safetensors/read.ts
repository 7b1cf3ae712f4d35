/**
 * Safetensors: eight bytes of header length, a JSON header, then the tensors' bytes, little-endian and without gaps.
 * Reading, writing, and the recognition of a MobileNet v1 in what was read.
 *
 * A file comes from strangers. Before any tensor is looked at, its header must prove that the tensors lie one behind
 * the other, are as long as their shapes say, and together are the whole file: nothing hidden, nothing shared, nothing
 * outside.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Graph, Shape, TensorData } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { checked } from "../common/checked.ts";
import { inPieces, widen } from "../common/decode.ts";
import { parseJson, shown } from "../common/json.ts";
import type { StoredTensor } from "../common/stored-tensor.ts";
import { type CanonicalOptions, fromCanonical, optionsMetadata } from "./canonical.ts";
import { fromTimm, type TimmOptions } from "./timm.ts";

/** Longest header that is read, in bytes; the format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of one element. Types that pack several elements into a byte are not listed, so not read. */
const ITEM_BYTES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    BOOL: 1,
    U8: 1,
    I8: 1,
    F8_E5M2: 1,
    F8_E4M3: 1,
    U16: 2,
    I16: 2,
    F16: 2,
    BF16: 2,
    U32: 4,
    I32: 4,
    F32: 4,
    U64: 8,
    I64: 8,
    F64: 8,
  }),
);

/** A checked file. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A tensor to be written; a graph's constant is one. */
export interface Tensor {
  readonly shape: Shape;
  readonly data?: TensorData;
}

/** What a weights file leaves open: of timm's names, and of our own; and how much it may ask for. */
export interface SafetensorsOptions extends TimmOptions, CanonicalOptions {
  readonly budget?: Budget | undefined;
}

/**
 * Builds a MobileNet v1 from a weights file with timm's names or with our own.
 * @throws FormatError when the file lies, or a tensor is missing or of another shape than the rest implies
 * @throws UnsupportedError when the tensors' names are neither timm's MobileNet v1 nor our own
 */
export async function fromSafetensors(bytes: Uint8Array, options: SafetensorsOptions = {}): Promise<Graph> {
  const { budget = new Budget() } = options;
  const { tensors, metadata } = readSafetensors(bytes, budget);
  await budget.turn();
  const decode = (name: string, tensor: StoredTensor) => decodeInPieces(name, tensor, budget);
  if (tensors.has("conv_stem.weight")) {
    return checked("safetensors", await fromTimm(tensors, decode, { ...options, budget }), budget);
  }
  if (tensors.has("block0/weights")) {
    return checked("safetensors", await fromCanonical(tensors, metadata, decode, { ...options, budget }), budget);
  }
  const names = [...tensors.keys()].slice(0, 5).join(", ") || "no tensors";
  throw new UnsupportedError(
    `safetensors: expected a MobileNet v1 with timm's names (conv_stem.weight, …) or sepconv's (block0/weights, …), got ${names}`,
  );
}

// --- Reading
// -------------------------------------------------------------------------------------------------------------------

/**
 * Checks a file and finds its tensors. Copies nothing.
 * @throws FormatError naming the tensor and the offsets at which the file contradicts itself
 * @throws UnsupportedError for a dtype of unknown size, and for more tensors than the budget allows
 */
export function readSafetensors(bytes: Uint8Array, budget: Budget = new Budget()): Safetensors {
  if (bytes.length < 8)
    throw new FormatError(`safetensors: expected 8 bytes of header length, got ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new FormatError(`safetensors: expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}`);
  }
  const start = 8 + Number(length);
  if (start > bytes.length) {
    throw new FormatError(`safetensors: expected a header of ${length} bytes at byte 8, got ${bytes.length - 8} bytes`);
  }
  const header = parseHeader(bytes.subarray(8, start), budget);
  const metadata = parseMetadata(header.get("__metadata__"));
  header.delete("__metadata__");
  budget.tensors(header.size, "safetensors: tensors");
  const entries = [...header].map(([name, entry]) => parseEntry(name, entry));
  checkCoverage(entries, bytes.length - start);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, offset: start + begin, bytes: bytes.subarray(start + begin, start + end) });
  }
  return { tensors, metadata };
}

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

function parseHeader(bytes: Uint8Array, budget: Budget): Map<string, unknown> {
  const where = "safetensors: expected a header of JSON in UTF-8";
  const begins = bytes[0] === 0x7b;
  const json = begins || bytes[0] !== 0xef ? parseJson(where, bytes, budget) : undefined;
  if (!begins || !isRecord(json)) throw new FormatError("safetensors: expected a header that begins with {");
  return new Map(Object.entries(json));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseMetadata(value: unknown): Map<string, string> {
  if (value === undefined) return new Map();
  if (!isRecord(value) || !Object.values(value).every((item) => typeof item === "string")) {
    throw new FormatError("safetensors: expected __metadata__ to map strings to strings");
  }
  return new Map(Object.entries(value as Record<string, string>));
}

function parseEntry(name: string, entry: unknown): Entry {
  const where = `safetensors: tensor "${name}"`;
  if (!isRecord(entry)) throw new FormatError(`${where}: expected { dtype, shape, data_offsets }`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string") throw new FormatError(`${where}: expected a dtype, got ${shown(dtype)}`);
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new FormatError(`${where}: expected a shape of whole numbers, got ${shown(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new FormatError(`${where}: expected data_offsets [begin, end], got ${shown(offsets)}`);
  }
  const itemBytes = ITEM_BYTES.get(dtype);
  if (itemBytes === undefined) {
    throw new UnsupportedError(`${where}: expected dtype ${[...ITEM_BYTES.keys()].join(", ")}, got ${dtype}`);
  }
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product: number, n: number) => product * n, itemBytes);
  // Beyond 2^53 a product may have been rounded into agreement.
  if (!Number.isSafeInteger(size) || end - begin !== size) {
    throw new FormatError(`${where}: expected ${size} bytes for ${dtype} [${shape}], got offsets ${begin} … ${end}`);
  }
  return { name, dtype, shape, begin, end };
}

/**
 * Sorted by where they begin, each tensor must begin where the one before ended, and the last must end with the file.
 */
function checkCoverage(entries: readonly Entry[], length: number): void {
  let covered = 0;
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const problem = begin < covered ? "overlaps the tensor before it" : "leaves a gap";
      throw new FormatError(
        `safetensors: tensor "${name}": expected to begin at ${covered}, got ${begin}, which ${problem}`,
      );
    }
    if (end > length) {
      throw new FormatError(
        `safetensors: tensor "${name}": expected data up to byte ${end}, got ${length} bytes of data`,
      );
    }
    covered = end;
  }
  if (covered !== length) throw new FormatError(`safetensors: expected ${covered} bytes of data, got ${length}`);
}

/** Fills part of a float32 array with the numbers of a floating-point tensor. */
type Decoder = (raw: ArrayBuffer) => (result: Float32Array, from: number, to: number) => void;

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ["F32", (raw) => copying(new Float32Array(raw))],
  ["F64", (raw) => copying(new Float64Array(raw))],
  [
    "F16",
    (raw) => {
      const bits = new Uint16Array(raw);
      return (result, from, to) => widen(bits, result, from, to);
    },
  ],
  [
    "BF16",
    (raw) => {
      const bits = new Uint16Array(raw);
      return (result, from, to) => {
        // The upper half of a float32.
        const words = new Uint32Array(result.buffer);
        for (let i = from; i < to; i++) words[i] = bits[i]! << 16;
      };
    },
  ],
]);

function copying(values: Float32Array | Float64Array): ReturnType<Decoder> {
  return (result, from, to) => result.set(values.subarray(from, to), from);
}

function decoderOf(name: string, { dtype, bytes, offset }: StoredTensor): ReturnType<Decoder> {
  const decoder = DECODERS.get(dtype);
  if (decoder) return decoder(new Uint8Array(bytes).buffer);
  throw new UnsupportedError(
    `safetensors: tensor "${name}" at byte ${offset}: expected dtype F32, F16, BF16 or F64, got ${dtype}`,
  );
}

function countOf({ shape }: StoredTensor): number {
  return shape.reduce((product, n) => product * n, 1);
}

/**
 * Decodes a floating-point tensor as float32; F64 is rounded.
 * @throws UnsupportedError for any other dtype
 */
export function decodeTensor(name: string, tensor: StoredTensor): Float32Array {
  const result = new Float32Array(countOf(tensor));
  decoderOf(name, tensor)(result, 0, result.length);
  return result;
}

/** The same, counted beforehand and a piece at a time. */
async function decodeInPieces(name: string, tensor: StoredTensor, budget: Budget): Promise<Float32Array> {
  const count = countOf(tensor);
  budget.unpack(4 * count, `safetensors: tensor "${name}"`);
  const [decode, result] = [decoderOf(name, tensor), new Float32Array(count)];
  await inPieces(count, budget, (from, to) => decode(result, from, to));
  return result;
}

// --- Writing
// -------------------------------------------------------------------------------------------------------------------

/**
 * Writes tensors, or a graph that `mobilenetV1` made, with the options that rebuild it.
 * @param metadata further entries of `__metadata__`
 * @throws TypeError when a tensor has no data; RangeError when data and shape differ in length
 * @throws UnsupportedError for any other graph: its weights alone could not bring it back
 */
export function toSafetensors(
  source: Graph | ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const tensors = "nodes" in source ? source.constants : source;
  const known = "nodes" in source ? optionsMetadata(source) : {};
  const header: Record<string, unknown> = { __metadata__: { format: "sepconv", ...known, ...metadata } };
  const stored = [...tensors].map(([name, tensor]) => [name, tensor.shape, checkedData(name, tensor)] as const);
  // Wide elements first, so that each tensor is aligned to its own element.
  stored.sort(([, , a], [, , b]) => b.BYTES_PER_ELEMENT - a.BYTES_PER_ELEMENT);
  let length = 0;
  for (const [name, shape, data] of stored) {
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [length, length + data.byteLength] };
    length += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = Math.ceil((8 + json.length) / 8) * 8;
  const bytes = new Uint8Array(start + length).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  let offset = start;
  for (const [, , data] of stored) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

function checkedData(name: string, { shape, data }: Tensor): TensorData {
  if (!data) throw new TypeError(`tensor "${name}": expected data to write, got none; initialize the graph first`);
  const count = shape.reduce((product, n) => product * n, 1);
  if (count !== data.length) {
    throw new RangeError(`tensor "${name}": expected ${count} values for shape [${shape}], got ${data.length}`);
  }
  return data;
}

function dtypeOf(data: TensorData): string {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Int32Array) return "I32";
  return data instanceof Int8Array ? "I8" : "U8";
}
