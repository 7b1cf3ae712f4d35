/**
 * The weights manifest of TF.js and its binary shards, as models saved by TF.js and by face-api carry them.
 *
 * A manifest is a list of groups; the shards of a group, joined, hold its weights one after the other in the manifest's
 * order, little-endian, without gaps. A weight may begin in one shard and end in the next.
 * @module
 */
import { FormatError, LoadError, UnsupportedError } from "../../errors.ts";
import type { Shape } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { inPieces, widen } from "./decode.ts";
import { shown } from "./json.ts";
import type { Sibling } from "./source.ts";

/** A decoded weight: quantized and half-precision ones as float32, booleans as uint8. */
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
  readonly quantization?: Quantization;
  readonly length: number;
  readonly bytes: number;
}

/** value = q·scale + min; float16 has neither. */
interface Quantization {
  readonly dtype: "uint8" | "uint16" | "float16";
  readonly scale: number;
  readonly min: number;
}

interface Group {
  readonly paths: readonly string[];
  readonly entries: readonly Entry[];
}

const ITEM_BYTES = { float32: 4, float16: 2, int32: 4, uint16: 2, uint8: 1, bool: 1 } as const;

/** What can be asked of {@link readWeights}. */
export interface WeightsOptions {
  readonly signal?: AbortSignal | undefined;
  /** How much the files may ask for. */
  readonly budget?: Budget | undefined;
  /** Which weights are decoded, by name; all by default. */
  readonly wanted?: ((name: string) => boolean) | undefined;
}

/**
 * Reads and decodes the weights of a manifest. Each path is read once, however often the manifest names it.
 * @param manifest the parsed JSON of `weightsManifest`, not yet trusted
 * @param sibling reads a shard by the name that the manifest gives it
 * @returns the weights by name, in the manifest's order
 * @throws FormatError when the manifest is malformed, names a weight twice, or disagrees with its shards in length
 * @throws UnsupportedError for strings and complex numbers
 * @throws LoadError when a shard is missing (from `sibling`); MemoryError when the weights are larger than the budget
 *   allows
 */
export async function readWeights(
  manifest: unknown,
  sibling: Sibling,
  options: WeightsOptions = {},
): Promise<Map<string, Weight>> {
  const { signal, budget = new Budget({ signal }), wanted = () => true } = options;
  const groups = parseManifest(manifest, budget);
  const read = reader(groups, sibling);
  const weights = new Map<string, Weight>();
  for (const group of groups) {
    signal?.throwIfAborted();
    const shards = await read(group);
    checkLength(group, shards);
    const take = joined(shards);
    for (const entry of group.entries) {
      const use = wanted(entry.name);
      if (use) budget.unpack(decodedBytes(entry), `weight "${entry.name}"`);
      const raw = take(entry.bytes, use);
      if (raw) weights.set(entry.name, await decode(entry, raw, budget));
      await budget.turn();
    }
  }
  return weights;
}

// --- The manifest
// -------------------------------------------------------------------------------------------------------------------

function parseManifest(manifest: unknown, budget: Budget): Group[] {
  if (!Array.isArray(manifest)) {
    throw new FormatError(`weightsManifest: expected a list of groups, got ${kind(manifest)}`);
  }
  const seen = new Set<string>();
  return manifest.map((value, index) => {
    const weights = (value as { readonly weights?: unknown } | null)?.weights;
    budget.tensors(Array.isArray(weights) ? weights.length : 0, "weightsManifest: weights");
    const group = parseGroup(value, index);
    for (const { name } of group.entries) {
      if (seen.has(name)) throw new FormatError(`weightsManifest: expected each weight once, got "${name}" twice`);
      seen.add(name);
    }
    return group;
  });
}

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
    throw new FormatError(`${at}: expected a shape of whole numbers, got ${shown(shape)}`);
  }
  const length = shape.reduce((product: number, n: number) => product * n, 1);
  if (!Number.isSafeInteger(length * 4))
    throw new FormatError(`${at}: expected a shape that fits in memory, got [${shape}]`);
  if (dtype === "string" || dtype === "complex64") {
    throw new UnsupportedError(`${at}: expected dtype float32, float16, int32, uint8 or bool, got ${dtype}`);
  }
  if (dtype !== "float32" && dtype !== "float16" && dtype !== "int32" && dtype !== "uint8" && dtype !== "bool") {
    throw new FormatError(`${at}: expected dtype float32, float16, int32, uint8 or bool, got ${shown(dtype)}`);
  }
  if (quantization === undefined || quantization === null) {
    return { name, shape, dtype, length, bytes: length * ITEM_BYTES[dtype] };
  }
  const stored = parseQuantization(at, quantization);
  return { name, shape, dtype, quantization: stored, length, bytes: length * ITEM_BYTES[stored.dtype] };
}

function parseQuantization(at: string, value: unknown): Quantization {
  const { dtype, scale, min } = record(`${at}: quantization`, value);
  if (dtype === "float16") return { dtype, scale: 1, min: 0 };
  if (dtype !== "uint8" && dtype !== "uint16") {
    throw new FormatError(`${at}: expected quantization to uint8, uint16 or float16, got ${shown(dtype)}`);
  }
  if (typeof scale !== "number" || typeof min !== "number" || !Number.isFinite(scale) || !Number.isFinite(min)) {
    throw new FormatError(
      `${at}: expected a quantization with scale and min, got scale ${shownNumber(scale)}, min ${shownNumber(min)}`,
    );
  }
  return { dtype, scale, min };
}

function shownNumber(value: unknown): string {
  return typeof value === "number" || value === undefined ? `${value}` : shown(value);
}

function record(where: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FormatError(`${where}: expected an object, got ${kind(value)}`);
}

function kind(value: unknown): string {
  return value === undefined ? "nothing" : value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
}

// --- The shards
// -------------------------------------------------------------------------------------------------------------------

/** Shards that are read at a time. */
const AT_ONCE = 8;

/** Reads the shards of a group. What a later group names again is kept until then. */
function reader(groups: readonly Group[], sibling: Sibling): (group: Group) => Promise<Uint8Array[]> {
  const uses = new Map<string, number>();
  for (const { paths } of groups) for (const path of paths) uses.set(path, (uses.get(path) ?? 0) + 1);
  const known = new Map<string, Promise<Uint8Array>>();
  const one = (path: string) => {
    const promise = known.get(path) ?? sibling(path);
    known.set(path, promise);
    const left = uses.get(path)! - 1;
    uses.set(path, left);
    if (left === 0) known.delete(path);
    return promise;
  };
  return async ({ paths }) => {
    const shards: Uint8Array[] = [];
    for (let i = 0; i < paths.length; i += AT_ONCE) {
      for (const shard of await Promise.all(paths.slice(i, i + AT_ONCE).map(one))) shards.push(shard);
    }
    return shards;
  };
}

/** Names the shard to blame: all of a group's shards but the last are of one size, as TF.js writes them. */
function checkLength(group: Group, shards: readonly Uint8Array[]): void {
  const needed = group.entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const got = shards.reduce((sum, shard) => sum + shard.byteLength, 0);
  if (needed === got) return;
  if (shards.length === 0) throw new LoadError(`weightsManifest: expected shards of ${needed} bytes, got no paths`);
  const last = shards.length - 1;
  const full = shards.slice(0, Math.max(last, 1)).reduce((most, shard) => Math.max(most, shard.byteLength), 0);
  const short = shards.findIndex((shard, i) => i < last && shard.byteLength < full);
  const blamed = got < needed && short >= 0 ? short : last;
  const size = shards[blamed]!.byteLength;
  const of = last > 0 ? `; the group needs ${needed} bytes, its ${shards.length} shards have ${got}` : "";
  throw new FormatError(`${group.paths[blamed]}: expected ${size + needed - got} bytes, got ${size}${of}`);
}

/**
 * Takes the bytes of shards one piece after the other, each a copy (or passes over them): offsets need not be aligned,
 * and the shards should be free to go (`slice` would not let them, where they are Node Buffers). The shards are never
 * joined as a whole.
 */
function joined(shards: readonly Uint8Array[]): (bytes: number, use: boolean) => ArrayBuffer | undefined {
  let [shard, offset] = [0, 0];
  return (bytes, use) => {
    const result = use ? new Uint8Array(bytes) : undefined;
    for (let filled = 0; filled < bytes; ) {
      const source = shards[shard]!;
      const part = source.subarray(offset, offset + bytes - filled);
      result?.set(part, filled);
      filled += part.byteLength;
      offset += part.byteLength;
      if (offset === source.byteLength) [shard, offset] = [shard + 1, 0];
    }
    return result?.buffer;
  };
}

function decodedBytes({ dtype, quantization, length }: Entry): number {
  return length * (quantization === undefined && (dtype === "uint8" || dtype === "bool") ? 1 : 4);
}

async function decode(entry: Entry, raw: ArrayBuffer, budget: Budget): Promise<Weight> {
  const { shape, dtype, quantization } = entry;
  if (quantization) {
    const values = await dequantized(quantization, raw, budget);
    if (dtype === "int32") return { shape, dtype, data: Int32Array.from(values, Math.round) };
    return { shape, dtype: "float32", data: values };
  }
  switch (dtype) {
    case "float32":
      return { shape, dtype, data: new Float32Array(raw) };
    case "float16":
      return { shape, dtype: "float32", data: await dequantized({ dtype, scale: 1, min: 0 }, raw, budget) };
    case "int32":
      return { shape, dtype, data: new Int32Array(raw) };
    default:
      return { shape, dtype: "uint8", data: new Uint8Array(raw) };
  }
}

async function dequantized(quantization: Quantization, raw: ArrayBuffer, budget: Budget): Promise<Float32Array> {
  const { dtype, scale, min } = quantization;
  const codes = dtype === "uint8" ? new Uint8Array(raw) : new Uint16Array(raw);
  const values = new Float32Array(codes.length);
  await inPieces(codes.length, budget, (from, to) => {
    if (dtype === "float16") widen(codes as Uint16Array, values, from, to);
    else for (let i = from; i < to; i++) values[i] = codes[i]! * scale + min;
  });
  return values;
}
