/**
 * ONNX's tensors: what a file claims of one is held against the bytes that are there before anything is made of them.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { sizeOf } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { inPieces, widen } from "../common/decode.ts";
import type { Sibling } from "../common/source.ts";
import type { Message } from "./protobuf.ts";

/** Element types by ONNX's numbers. */
const TYPES = [
  "undefined",
  "float32",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "int32",
  "int64",
  "string",
  "bool",
  "float16",
  "float64",
  "uint32",
  "uint64",
  "complex64",
  "complex128",
  "bfloat16",
] as const;

/** The name of an element type. */
export type ElementType = (typeof TYPES)[number] | `type ${number}`;

/** Bytes of one element; other types have no constants here. */
const ITEM_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
};

/** Where data lie that are not in the file. */
interface External {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

/** A tensor of the file: what it claims, and its bytes, little-endian, or its numbers one by one. */
export interface TensorInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: Shape;
  readonly bytes?: Uint8Array;
  readonly integers?: readonly number[];
  readonly external?: External;
}

/** Numbers as they are decoded; those of 64 bits as doubles. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Bytes;
type Bytes = Int8Array | Uint8Array;

// Numbers of fields in TensorProto and StringStringEntryProto.
const TENSOR = {
  dims: 1,
  type: 2,
  segment: 3,
  floats: 4,
  int32s: 5,
  int64s: 7,
  name: 8,
  raw: 9,
  doubles: 10,
  uint64s: 11,
  external: 13,
  location: 14,
} as const;
const ENTRY = { key: 1, value: 2 } as const;
const EXTERNAL = 1;

/** Dimensions of a tensor at the most. */
const MOST_AXES = 16;

/** The name of an element type by ONNX's number. */
export function typeName(code: number): ElementType {
  return TYPES[code] ?? `type ${code}`;
}

/** Reads what a message says of a tensor. @throws {FormatError} Dimensions that there cannot be. */
export function readTensor(message: Message, budget: Budget): TensorInfo {
  const name = message.text(TENSOR.name);
  const dims = message.integers(TENSOR.dims);
  const type = typeName(message.integer(TENSOR.type) ?? 0);
  const where = `onnx: tensor "${name}"`;
  if (dims.length > MOST_AXES || dims.some((n) => !(n >= 0 && n < 2 ** 31)) || !Number.isSafeInteger(sizeOf(dims))) {
    throw new FormatError(`${where}: expected dimensions below 2³¹, got [${dims.slice(0, MOST_AXES).join(", ")}]`);
  }
  if (message.has(TENSOR.segment))
    throw new UnsupportedError(`${where}: expected a whole tensor, got a segment of one`);
  const base = { name, dims, type };
  if (message.integer(TENSOR.location) === EXTERNAL) return { ...base, external: readExternal(message, where) };
  const raw = message.raw(TENSOR.raw);
  if (raw) return { ...base, bytes: raw };
  if (type === "float32") return { ...base, bytes: message.packed(TENSOR.floats) };
  if (type === "float64") return { ...base, bytes: message.packed(TENSOR.doubles) };
  const field = { int64: TENSOR.int64s, uint64: TENSOR.uint64s, uint32: TENSOR.uint64s }[type as string];
  budget.unpack(8 * sizeOf(dims), where);
  return { ...base, integers: message.integers(field ?? TENSOR.int32s) };
}

function readExternal(message: Message, where: string): External {
  const entries = new Map(
    message.messages(TENSOR.external, "external_data").map((entry) => [entry.text(ENTRY.key), entry.text(ENTRY.value)]),
  );
  const location = entries.get("location");
  if (!location) throw new FormatError(`${where}: expected the location of its external data, got none`);
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw new FormatError(`${where}, external data: expected ${key} to be a whole number, got "${text.slice(0, 40)}"`);
  };
  return { location, offset: number("offset") ?? 0, length: number("length") };
}

/**
 * Tensors whose data lie in other files, with those data; each file is read once.
 * @param sibling reads a file of the model's folder
 * @throws {FormatError} A file is too short. @throws {LoadError} There is no such file.
 */
export function externalData(sibling: Sibling): (tensor: TensorInfo) => Promise<TensorInfo> {
  const files = new Map<string, Promise<Uint8Array>>();
  return async (tensor) => {
    const { external, ...rest } = tensor;
    if (external === undefined) return tensor;
    const { location, offset, length = bytesOf(tensor) } = external;
    const file = files.get(location) ?? sibling(location);
    files.set(location, file);
    const bytes = await file;
    if (offset + length > bytes.length) {
      throw new FormatError(
        `onnx: tensor "${tensor.name}": expected ${length} bytes from ${offset} of "${location}", got ${bytes.length} in all`,
      );
    }
    return { ...rest, bytes: bytes.subarray(offset, offset + length) };
  };
}

/** Bytes that the numbers of a tensor take in the file. @throws {UnsupportedError} Its elements are no numbers. */
function bytesOf({ name, type, dims }: TensorInfo): number {
  const item = ITEM_BYTES[type];
  if (item === undefined) throw new UnsupportedError(`onnx: tensor "${name}": expected numbers, got ${type}`);
  return item * sizeOf(dims);
}

/** @throws {FormatError} There are more or fewer numbers than the dimensions say. */
export function checkLength(tensor: TensorInfo): void {
  const { name, type, dims, bytes, integers } = tensor;
  const needed = bytesOf(tensor);
  const shown = `onnx: tensor "${name}": expected`;
  if (integers !== undefined && integers.length !== sizeOf(dims)) {
    throw new FormatError(`${shown} ${sizeOf(dims)} numbers for [${dims.join(", ")}], got ${integers.length}`);
  }
  if (integers === undefined && bytes?.length !== needed) {
    throw new FormatError(
      `${shown} ${needed} bytes for [${dims.join(", ")}] ${type}, got ${bytes?.length ?? "external data"}`,
    );
  }
}

/** A tensor's numbers, in a copy: views of several bytes need alignment, and the file must not stay in memory. */
export async function decoded(tensor: TensorInfo, budget: Budget): Promise<Numbers> {
  checkLength(tensor);
  if (tensor.type !== "float16") return decodedNow(tensor);
  const bits = tensor.integers ? Uint16Array.from(tensor.integers) : new Uint16Array(copyOf(tensor.bytes!));
  const result = new Float32Array(bits.length);
  await inPieces(bits.length, budget, (from, to) => widen(bits, result, from, to));
  return result;
}

/** All at once: for tensors of a few numbers. */
export function decodedNow(tensor: TensorInfo): Numbers {
  checkLength(tensor);
  const { type, integers } = tensor;
  if (type === "float16") {
    const bits = integers ? Uint16Array.from(integers) : new Uint16Array(copyOf(tensor.bytes!));
    const result = new Float32Array(bits.length);
    widen(bits, result);
    return result;
  }
  if (integers !== undefined) return fromIntegers(type, integers);
  const buffer = copyOf(tensor.bytes!);
  switch (type) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int64":
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case "uint64":
      return Float64Array.from(new BigUint64Array(buffer), Number);
    default:
      return new Uint8Array(buffer);
  }
}

function fromIntegers(type: ElementType, integers: readonly number[]): Numbers {
  switch (type) {
    case "int8":
      return Int8Array.from(integers);
    case "uint8":
    case "bool":
      return Uint8Array.from(integers);
    case "int32":
      return Int32Array.from(integers);
    default:
      return Float64Array.from(integers);
  }
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
