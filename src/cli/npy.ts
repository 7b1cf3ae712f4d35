/**
 * NumPy's `.npy`: one array a file, so that any other tool can make an input or check an output.
 *
 *     \x93NUMPY | major, minor | header length (u16 in version 1, u32 in 2 and 3) | header: a Python dict | the numbers
 *
 * Read: versions 1.0 to 3.0, C order, float32, float64 (rounded to float32), uint8, int8, int32. Written: version 1.0.
 * @module
 */
import { FormatError, UnsupportedError } from "../errors.ts";
import type { DType, Shape, TensorData } from "../graph/graph.ts";

/** An array as the file holds it: row-major `data` of `shape`; `shape` is [] for a scalar. */
export interface NpyArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TensorData;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Type codes without their byte order. float64 is read and becomes float32. */
const KINDS: Readonly<Record<string, { readonly dtype: DType; readonly bytes: number }>> = {
  f4: { dtype: "float32", bytes: 4 },
  f8: { dtype: "float32", bytes: 8 },
  u1: { dtype: "uint8", bytes: 1 },
  i1: { dtype: "int8", bytes: 1 },
  i4: { dtype: "int32", bytes: 4 },
};

const DESCRIPTIONS: Readonly<Record<DType, string>> = { float32: "<f4", uint8: "|u1", int8: "|i1", int32: "<i4" };

/**
 * Reads a `.npy` file; `where` (its path) begins every message.
 * @throws FormatError when the file is not what it says; UnsupportedError for Fortran order, big endian and other
 *   types.
 */
export function parseNpy(bytes: Uint8Array, where: string): NpyArray {
  const { text, dataOffset } = headerOf(bytes, where);
  const header = parseHeader(text, where);
  const kind = kindOf(header.descr, where);
  if (header.fortranOrder) {
    throw new UnsupportedError(
      `${where}: expected C order, got fortran_order True (save it with numpy.ascontiguousarray)`,
    );
  }
  const count = header.shape.reduce((product, size) => product * size, 1);
  const expected = count * kind.bytes;
  const got = bytes.length - dataOffset;
  if (got !== expected) {
    throw new FormatError(
      `${where}: npy of ${header.descr} [${header.shape.join(",")}]: expected ${expected} bytes of data at offset ${dataOffset}, got ${got}`,
    );
  }
  return { shape: header.shape, dtype: kind.dtype, data: numbers(bytes, dataOffset, count, header.descr) };
}

/**
 * Writes `data` of `shape` as `.npy` version 1.0, the header padded so that the numbers start at a multiple of 64
 * bytes.
 * @throws RangeError when the length of `data` is not that of `shape`.
 */
export function formatNpy(data: TensorData, shape: Shape): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length !== count) {
    throw new RangeError(`npy: expected ${count} elements for [${shape.join(",")}], got ${data.length}`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${DESCRIPTIONS[dtypeOf(data)]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const header = `${dict.padEnd(start - 11)}\n`;
  const bytes = new Uint8Array(start + data.byteLength);
  bytes.set([...MAGIC, 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  const view = new DataView(bytes.buffer, start);
  if (data instanceof Float32Array) for (const [i, value] of data.entries()) view.setFloat32(4 * i, value, true);
  else if (data instanceof Int32Array) for (const [i, value] of data.entries()) view.setInt32(4 * i, value, true);
  else bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.length), start);
  return bytes;
}

function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  return data instanceof Int8Array ? "int8" : "uint8";
}

/** Bytes of a header at the most, as NumPy itself has it: parsing takes a time that grows faster than its length. */
const LONGEST_HEADER = 10_000;

/** The header's text and where the numbers begin. */
function headerOf(bytes: Uint8Array, where: string): { text: string; dataOffset: number } {
  if (bytes.length === 0) throw new FormatError(`${where}: expected a NumPy .npy file, got an empty file`);
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new FormatError(`${where}: expected a NumPy .npy file ("\\x93NUMPY" at offset 0), got other bytes`);
  }
  const major = bytes[6]!;
  if (major < 1 || major > 3) {
    throw new UnsupportedError(`${where}: expected .npy version 1.0 to 3.0, got ${major}.${bytes[7]}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw new FormatError(`${where}: npy header length at offset 8: the file ends before it`);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER) {
    throw new FormatError(`${where}: npy header: expected at most ${LONGEST_HEADER} bytes, got ${length}`);
  }
  if (start + length > bytes.length) {
    throw new FormatError(
      `${where}: npy header at offset ${start}: expected ${length} bytes, got ${bytes.length - start} before the file ends`,
    );
  }
  const encoding = major === 3 ? "utf-8" : "latin1";
  return {
    text: new TextDecoder(encoding).decode(bytes.subarray(start, start + length)),
    dataOffset: start + length,
  };
}

interface Header {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: Shape;
}

/** The dict's three entries, in any order. A `descr` that is a list (a structured type) is returned as its text. */
function parseHeader(text: string, where: string): Header {
  const dict = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (dict === undefined) throw new FormatError(`${where}: npy header: expected a Python dict, got ${quote(text)}`);
  const entry = /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^']*'|"[^"]*"|True|False|\([^()]*\)|\[.*?\])\s*(?:,|$)/sy;
  const entries = new Map<string, string>();
  while (dict.slice(entry.lastIndex).trim() !== "") {
    const at = entry.lastIndex;
    const match = entry.exec(dict);
    if (match === null) {
      throw new FormatError(`${where}: npy header: expected a key and a value, got ${quote(dict.slice(at))}`);
    }
    entries.set((match[1] ?? match[2])!, match[3]!);
  }
  const value = (key: string, pattern: RegExp, expected: string): string => {
    const found = entries.get(key);
    if (found !== undefined && pattern.test(found)) return found;
    throw new FormatError(
      `${where}: npy header '${key}': expected ${expected}, got ${found === undefined ? "nothing" : quote(found)}`,
    );
  };
  const tuple = value("shape", /^\(\s*(\d+L?\s*(,\s*\d+L?\s*)*)?,?\s*\)$/, "a tuple of sizes");
  const shape = (tuple.match(/\d+/g) ?? []).map(Number);
  if (!Number.isSafeInteger(shape.reduce((product, size) => product * Math.max(size, 1), 8))) {
    throw new FormatError(`${where}: npy header 'shape': expected sizes that a file can hold, got ${quote(tuple)}`);
  }
  const descr = value("descr", /^['"[]/, "a type such as '<f4'");
  return {
    descr: descr.startsWith("[") ? descr : descr.slice(1, -1),
    fortranOrder: value("fortran_order", /^(True|False)$/, "True or False") === "True",
    shape,
  };
}

function kindOf(descr: string, where: string): { readonly dtype: DType; readonly bytes: number } {
  const kind = KINDS[descr.slice(1)];
  const order = descr[0] ?? "";
  if (kind === undefined || !"<>|=".includes(order)) {
    throw new UnsupportedError(
      `${where}: expected float32, float64, uint8, int8 or int32, got the NumPy type ${quote(descr)}`,
    );
  }
  if (order === ">" && kind.bytes > 1) {
    throw new UnsupportedError(
      `${where}: expected little-endian numbers, got big-endian '${descr}' (save it with astype('<${descr.slice(1)}'))`,
    );
  }
  return kind;
}

/** Read one by one: the numbers of a file need not lie at a multiple of their size. */
function numbers(bytes: Uint8Array, offset: number, count: number, descr: string): TensorData {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.byteLength - offset);
  switch (descr.slice(1)) {
    case "f4":
      return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
    case "f8":
      return Float32Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true));
    case "i4":
      return Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
    case "i1":
      return new Int8Array(bytes.slice(offset).buffer);
    default:
      return bytes.slice(offset);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
