/**
 * The weights manifest of TF.js and its binary shards, as models saved by TF.js and by face-api carry them.
 *
 * A manifest is a list of groups; the shards of a group, joined, hold its weights one after the other in the manifest's order, little-endian, without
 * gaps. A weight may begin in one shard and end in the next.
 * @module
 */
import { FormatError, LoadError, UnsupportedError } from "../errors.ts";
import type { Shape } from "../graph/graph.ts";
import { fromFloat16 } from "./decode.ts";
import type { Sibling } from "./source.ts";

/** A decoded weight: quantised and half-precision ones as float32, booleans as uint8. */
export interface Weight {
  readonly shape: Shape;
  readonly dtype: "float32" | "int32" | "uint8";
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** What the manifest says of one weight, checked. */
interface Entry {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: "float32" | "float16" | "int32" | "uint8" | "bool";
  readonly quantisation?: Quantisation;
  readonly length: number;
  readonly bytes: number;
}

/** value = q·scale + min; float16 has neither. */
interface Quantisation {
  readonly dtype: "uint8" | "uint16" | "float16";
  readonly scale: number;
  readonly min: number;
}

interface Group {
  readonly paths: readonly string[];
  readonly entries: readonly Entry[];
}

const ITEM_BYTES = { float32: 4, float16: 2, int32: 4, uint16: 2, uint8: 1, bool: 1 } as const;

/**
 * Reads and decodes all weights of a manifest.
 * @param manifest the parsed JSON of `weightsManifest`, not yet trusted
 * @param sibling reads a shard by the name that the manifest gives it
 * @returns the weights by name, in the manifest's order
 * @throws FormatError when the manifest is malformed, names a weight twice, or disagrees with its shards in length
 * @throws UnsupportedError for strings and complex numbers
 * @throws LoadError when a shard is missing (from `sibling`)
 */
export async function readWeights(
  manifest: unknown,
  sibling: Sibling,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Map<string, Weight>> {
  if (!Array.isArray(manifest))
    throw new FormatError(`weightsManifest: expected a list of groups, got ${kind(manifest)}`);
  const groups = manifest.map(parseGroup);
  const weights = new Map<string, Weight>();
  const seen = new Set<string>();
  for (const { name } of groups.flatMap((group) => group.entries)) {
    if (seen.has(name)) throw new FormatError(`weightsManifest: expected each weight once, got "${name}" twice`);
    seen.add(name);
  }
  for (const group of groups) {
    options.signal?.throwIfAborted();
    const shards = await Promise.all(group.paths.map(sibling));
    checkLength(group, shards);
    const bytes = join(shards);
    let offset = 0;
    for (const entry of group.entries) {
      weights.set(entry.name, decode(entry, bytes, offset));
      offset += entry.bytes;
    }
  }
  return weights;
}

// --- The manifest --------------------------------------------------------------------------------------------------------------------------

function parseGroup(group: unknown, index: number): Group {
  const where = `weightsManifest[${index}]`;
  const { paths, weights } = record(where, group);
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) {
    throw new FormatError(`${where}.paths: expected a list of file names, got ${kind(paths)}`);
  }
  if (!Array.isArray(weights)) throw new FormatError(`${where}.weights: expected a list, got ${kind(weights)}`);
  return { paths, entries: weights.map((weight, i) => parseEntry(`${where}.weights[${i}]`, weight)) };
}

function parseEntry(where: string, weight: unknown): Entry {
  const { name, shape, dtype, quantization } = record(where, weight);
  if (typeof name !== "string" || name === "")
    throw new FormatError(`${where}.name: expected a name, got ${kind(name)}`);
  const at = `weight "${name}"`;
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new FormatError(`${at}: expected a shape of whole numbers, got ${JSON.stringify(shape)}`);
  }
  const length = shape.reduce((product: number, n: number) => product * n, 1);
  if (!Number.isSafeInteger(length * 4))
    throw new FormatError(`${at}: expected a shape that fits in memory, got [${shape}]`);
  if (dtype === "string" || dtype === "complex64") {
    throw new UnsupportedError(`${at}: expected dtype float32, float16, int32, uint8 or bool, got ${dtype}`);
  }
  if (dtype !== "float32" && dtype !== "float16" && dtype !== "int32" && dtype !== "uint8" && dtype !== "bool") {
    throw new FormatError(`${at}: expected dtype float32, float16, int32, uint8 or bool, got ${JSON.stringify(dtype)}`);
  }
  if (quantization === undefined || quantization === null) {
    return { name, shape, dtype, length, bytes: length * ITEM_BYTES[dtype] };
  }
  const quantisation = parseQuantisation(at, quantization);
  return { name, shape, dtype, quantisation, length, bytes: length * ITEM_BYTES[quantisation.dtype] };
}

function parseQuantisation(at: string, value: unknown): Quantisation {
  const { dtype, scale, min } = record(`${at}: quantization`, value);
  if (dtype === "float16") return { dtype, scale: 1, min: 0 };
  if (dtype !== "uint8" && dtype !== "uint16") {
    throw new FormatError(`${at}: expected quantisation to uint8, uint16 or float16, got ${JSON.stringify(dtype)}`);
  }
  if (typeof scale !== "number" || typeof min !== "number" || !Number.isFinite(scale) || !Number.isFinite(min)) {
    throw new FormatError(`${at}: expected a quantisation with scale and min, got scale ${scale}, min ${min}`);
  }
  return { dtype, scale, min };
}

function record(where: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FormatError(`${where}: expected an object, got ${kind(value)}`);
}

function kind(value: unknown): string {
  return value === undefined ? "nothing" : value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
}

// --- The shards ----------------------------------------------------------------------------------------------------------------------------

/** Names the shard to blame: all of a group's shards but the last are of one size, as TF.js writes them. */
function checkLength(group: Group, shards: readonly Uint8Array[]): void {
  const needed = group.entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const got = shards.reduce((sum, shard) => sum + shard.byteLength, 0);
  if (needed === got) return;
  if (shards.length === 0) throw new LoadError(`weightsManifest: expected shards of ${needed} bytes, got no paths`);
  const last = shards.length - 1;
  const full = Math.max(...shards.slice(0, Math.max(last, 1)).map((shard) => shard.byteLength));
  const short = shards.findIndex((shard, i) => i < last && shard.byteLength < full);
  const blamed = got < needed && short >= 0 ? short : last;
  const size = shards[blamed]!.byteLength;
  const of = last > 0 ? `; the group needs ${needed} bytes, its ${shards.length} shards have ${got}` : "";
  throw new FormatError(`${group.paths[blamed]}: expected ${size + needed - got} bytes, got ${size}${of}`);
}

function join(shards: readonly Uint8Array[]): Uint8Array {
  if (shards.length === 1) return shards[0]!;
  const bytes = new Uint8Array(shards.reduce((sum, shard) => sum + shard.byteLength, 0));
  let offset = 0;
  for (const shard of shards) {
    bytes.set(shard, offset);
    offset += shard.byteLength;
  }
  return bytes;
}

/** Copies, since offsets need not be aligned and the shard should be free to go (`slice` would not, where the bytes are a Node Buffer). */
function decode(entry: Entry, bytes: Uint8Array, offset: number): Weight {
  const { shape, dtype, quantisation } = entry;
  const raw = new Uint8Array(bytes.subarray(offset, offset + entry.bytes)).buffer;
  if (quantisation) {
    const values = dequantise(quantisation, raw);
    if (dtype === "int32") return { shape, dtype, data: Int32Array.from(values, Math.round) };
    return { shape, dtype: "float32", data: values };
  }
  switch (dtype) {
    case "float32":
      return { shape, dtype, data: new Float32Array(raw) };
    case "float16":
      return { shape, dtype: "float32", data: fromFloat16(new Uint16Array(raw)) };
    case "int32":
      return { shape, dtype, data: new Int32Array(raw) };
    default:
      return { shape, dtype: "uint8", data: new Uint8Array(raw) };
  }
}

function dequantise({ dtype, scale, min }: Quantisation, raw: ArrayBuffer): Float32Array {
  if (dtype === "float16") return fromFloat16(new Uint16Array(raw));
  const codes = dtype === "uint8" ? new Uint8Array(raw) : new Uint16Array(raw);
  // A loop: `from` with a function takes a second for a few million weights.
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; ++i) values[i] = codes[i]! * scale + min;
  return values;
}
