/**
 * Writes ONNX files for tests: a protobuf message is a list of fields, so a writer needs no library.
 * @module
 */

/** ONNX's numbers of element types. */
export const TYPE = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;
export type TypeName = keyof typeof TYPE;

/** A setting of a node: whole numbers and lists of them, floats as `{ float }`, texts, tensors. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: Uint8Array };

/** How a tensor is written: as raw bytes, in the field of its type, or into another file. */
export type Storage =
  | "raw"
  | "typed"
  | { readonly location: string; readonly offset?: number; readonly length?: number };

/** A model in the making. */
export class OnnxFile {
  private readonly graph: Uint8Array[] = [];
  private readonly opset: number;

  constructor(opset = 17) {
    this.opset = opset;
  }

  /** Dimensions may be names, for open ones. */
  input(name: string, dims: readonly (number | string)[], type: TypeName = "float32"): this {
    this.graph.push(bytesField(11, valueInfo(name, dims, type)));
    return this;
  }

  output(name: string, dims: readonly (number | string)[] = [], type: TypeName = "float32"): this {
    this.graph.push(bytesField(12, valueInfo(name, dims, type)));
    return this;
  }

  initializer(
    name: string,
    dims: readonly number[],
    data: ArrayLike<number>,
    type: TypeName = "float32",
    storage: Storage = "raw",
  ): this {
    this.graph.push(bytesField(5, tensor(name, dims, data, type, storage)));
    return this;
  }

  node(
    op: string,
    inputs: readonly string[],
    outputs: string | readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): this {
    const names = typeof outputs === "string" ? [outputs] : outputs;
    this.graph.push(
      bytesField(
        1,
        message(
          ...inputs.map((input) => text(1, input)),
          ...names.map((output) => text(2, output)),
          text(4, op),
          ...Object.entries(attributes).map(([key, value]) => bytesField(5, attribute(key, value))),
          ...(domain ? [text(7, domain)] : []),
        ),
      ),
    );
    return this;
  }

  /** A field of the graph as it is. */
  raw(field: number, bytes: Uint8Array): this {
    this.graph.push(bytesField(field, bytes));
    return this;
  }

  bytes(): Uint8Array {
    return message(
      varint(1, 8),
      text(2, "sepconv tests"),
      bytesField(7, message(...this.graph, text(2, "test"))),
      bytesField(8, message(text(1, ""), varint(2, this.opset))),
      bytesField(8, message(text(1, "com.microsoft"), varint(2, 1))),
    );
  }
}

/** The file with further initializers: what two parts of a message say counts together. */
export function withInitializers(file: Uint8Array, tensors: readonly Uint8Array[]): Uint8Array {
  return message(file, bytesField(7, message(...tensors.map((bytes) => bytesField(5, bytes)))));
}

/** A TensorProto. */
export function tensor(
  name: string,
  dims: readonly number[],
  data: ArrayLike<number>,
  type: TypeName = "float32",
  storage: Storage = "raw",
): Uint8Array {
  const head = [...dims.map((dim) => varint(1, dim)), varint(2, TYPE[type]), text(8, name)];
  if (typeof storage === "object") {
    const entries = Object.entries(storage).map(([key, value]) =>
      bytesField(13, message(text(1, key), text(2, `${value}`))),
    );
    return message(...head, ...entries, varint(14, 1));
  }
  if (storage === "raw") return message(...head, bytesField(9, encoded(data, type)));
  const list = Array.from(data);
  if (type === "float32") return message(...head, bytesField(4, encoded(data, type)));
  if (type === "float64") return message(...head, bytesField(10, encoded(data, type)));
  return message(...head, bytesField(type === "int64" ? 7 : 5, message(...list.map(digits))));
}

/** Numbers as they lie in a file; those of float16 are given as their bits. */
export function encoded(data: ArrayLike<number>, type: TypeName): Uint8Array {
  const list = Array.from(data);
  switch (type) {
    case "float32":
      return bytesOf(Float32Array.from(list));
    case "float64":
      return bytesOf(Float64Array.from(list));
    case "int64":
      return bytesOf(BigInt64Array.from(list, (n) => BigInt(n)));
    case "int32":
      return bytesOf(Int32Array.from(list));
    case "float16":
      return bytesOf(Uint16Array.from(list));
    case "int8":
      return bytesOf(Int8Array.from(list));
    default:
      return Uint8Array.from(list);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function attribute(name: string, value: Attribute): Uint8Array {
  const head = text(1, name);
  if (typeof value === "number") return message(head, varint(3, value), varint(20, 2));
  if (typeof value === "string") return message(head, text(4, value), varint(20, 3));
  if ("float" in value) return message(head, float(2, value.float), varint(20, 1));
  if ("floats" in value) return message(head, ...value.floats.map((n) => float(7, n)), varint(20, 6));
  if ("tensor" in value) return message(head, bytesField(5, value.tensor), varint(20, 4));
  return message(head, ...value.map((n) => varint(8, n)), varint(20, 7));
}

function valueInfo(name: string, dims: readonly (number | string)[], type: TypeName): Uint8Array {
  const dimensions = dims.map((dim) => bytesField(1, typeof dim === "string" ? text(2, dim) : varint(1, dim)));
  const shape = bytesField(2, message(...dimensions));
  return message(text(1, name), bytesField(2, bytesField(1, message(varint(1, TYPE[type]), shape))));
}

// Every field is its number and kind, then a varint, four bytes, or a length and bytes.

export function message(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Negative numbers take ten bytes: two's complement of 64 bits. */
function digits(value: number): Uint8Array {
  const result: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    result.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(result);
}

export const varint = (field: number, value: number): Uint8Array => message(digits(field << 3), digits(value));
export const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  message(digits((field << 3) | 2), digits(bytes.length), bytes);
export const text = (field: number, value: string): Uint8Array => bytesField(field, new TextEncoder().encode(value));
const float = (field: number, value: number): Uint8Array =>
  message(digits((field << 3) | 5), bytesOf(Float32Array.of(value)));
