/**
 * Datatypes and dataspaces of HDF5, and numbers of any of these types as float32.
 * @module
 */
import type { Cursor, Hdf5Bytes } from "./bytes.ts";

/** What one element is. */
export interface Datatype {
  readonly kind: "integer" | "float" | "bfloat16" | "string" | "text" | "opaque" | "other";
  /** Bytes of an element. */
  readonly size: number;
  readonly littleEndian: boolean;
  readonly signed: boolean;
  /** How errors call it. */
  readonly name: string;
}

const CLASSES = [
  "fixed-point",
  "floating-point",
  "time",
  "string",
  "bit field",
  "opaque",
  "compound",
  "reference",
  "enumeration",
  "variable-length",
  "array",
];

/** Where exponent and mantissa lie in the floats that are known: size of the exponent, of the mantissa, bias. */
const FLOATS: ReadonlyMap<string, Datatype["kind"]> = new Map([
  ["2 5 10 15", "float"],
  ["2 8 7 127", "bfloat16"],
  ["4 8 23 127", "float"],
  ["8 11 52 1023", "float"],
]);

/** Reads a datatype. Kinds without a use here come back as "other", for whoever wants to use them to refuse. */
export function readDatatype(cursor: Cursor): Datatype {
  const start = cursor.u8();
  const bits = cursor.number(3);
  const size = cursor.u32();
  const type = start & 15;
  const name = `${CLASSES[type] ?? "unknown"} of ${size} bytes`;
  const order = { littleEndian: (bits & 1) === 0, signed: (bits & 8) !== 0 };
  const base: Datatype = { kind: "other", size, name, ...order };
  switch (type) {
    case 0: {
      const whole = cursor.u16() === 0 && cursor.u16() === 8 * size;
      return whole && [1, 2, 4, 8].includes(size) ? { ...base, kind: "integer" } : base;
    }
    case 1: {
      const offset = cursor.u16();
      const precision = cursor.u16();
      const [, exponent, , mantissa] = [cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8()];
      const bias = cursor.u32();
      // Bit 6 says that the byte order is that of the VAX.
      const whole = offset === 0 && precision === 8 * size && (bits & 0x40) === 0;
      const kind = FLOATS.get([size, exponent, mantissa, bias].join(" "));
      return whole && kind ? { ...base, kind } : base;
    }
    case 3:
      return { ...base, kind: "string" };
    case 5:
      return { ...base, kind: "opaque" };
    case 8:
      // Booleans are written so: the type of the numbers behind the names follows.
      return { ...readDatatype(cursor), name };
    case 9:
      return { ...base, kind: (bits & 15) === 1 ? "text" : "other" };
    default:
      return base;
  }
}

/** Dimensions; undefined where there is nothing at all. */
export function readDataspace(cursor: Cursor): readonly number[] | undefined {
  const version = cursor.version(1, 2);
  const rank = cursor.u8();
  cursor.u8();
  if (version === 1) cursor.skip(5);
  else if (cursor.u8() === 2) return undefined;
  if (rank > 32) throw cursor.file.damaged(cursor.what, "at most 32 dimensions", String(rank));
  return Array.from({ length: rank }, () => cursor.length());
}

/** Writes `count` elements that begin at byte `from` of `source` into `target`, from `to` on. */
export type Decode = (source: Uint8Array, from: number, target: Float32Array, to: number, count: number) => void;

/** @throws {UnsupportedError} These are no numbers, or of a kind that is not known. */
export function decoderOf(type: Datatype, file: Hdf5Bytes, what: string): Decode {
  const { size, littleEndian: little } = type;
  if (type.kind === "float" && size === 4 && little) return copy;
  const get = getter(type, file, what);
  return (source, from, target, to, count) => {
    const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    for (let i = 0; i < count; i++) target[to + i] = get(view, from + i * size, little);
  };
}

type Get = (view: DataView, at: number, little: boolean) => number;

function getter({ kind, size, signed, name }: Datatype, file: Hdf5Bytes, what: string): Get {
  switch (`${kind}${kind === "integer" ? (signed ? " i" : " u") : " "}${8 * size}`) {
    case "float 16":
      return (view, at, little) => half(view.getUint16(at, little));
    case "bfloat16 16":
      return (view, at, little) => bfloat(view.getUint16(at, little));
    case "float 32":
      return (view, at, little) => view.getFloat32(at, little);
    case "float 64":
      return (view, at, little) => view.getFloat64(at, little);
    case "integer i8":
      return (view, at) => view.getInt8(at);
    case "integer u8":
      return (view, at) => view.getUint8(at);
    case "integer i16":
      return (view, at, little) => view.getInt16(at, little);
    case "integer u16":
      return (view, at, little) => view.getUint16(at, little);
    case "integer i32":
      return (view, at, little) => view.getInt32(at, little);
    case "integer u32":
      return (view, at, little) => view.getUint32(at, little);
    case "integer i64":
      return (view, at, little) => Number(view.getBigInt64(at, little));
    case "integer u64":
      return (view, at, little) => Number(view.getBigUint64(at, little));
    default:
      throw file.unsupported(what, "numbers", name);
  }
}

/** WebAssembly, which all this is for, has little-endian memory everywhere: so have typed arrays, where it runs. */
const copy: Decode = (source, from, target, to, count) => {
  const bytes = new Uint8Array(target.buffer, target.byteOffset + 4 * to, 4 * count);
  bytes.set(source.subarray(from, from + 4 * count));
};

const BITS = new DataView(new ArrayBuffer(4));

function bfloat(bits: number): number {
  BITS.setUint32(0, bits << 16);
  return BITS.getFloat32(0);
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
