/**
 * The bytes of an HDF5 file, and reading from them without ever leaving them.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Budget } from "../../limits.ts";

/**
 * Bytes of structure (headers, trees, tables; not data) that are read at most. Those of a sound file are read once or
 * twice; parts of a hostile one may refer to each other in circles, or each byte be part of thousands.
 */
const MOST_STRUCTURE = 2 ** 25;

/** A file being read. */
export class Hdf5Bytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What begins messages: "keras". */
  readonly where: string;
  readonly budget: Budget;
  /** Bytes of an address, and of a length. */
  offsetSize = 8;
  lengthSize = 8;
  #structure = 0;

  constructor(bytes: Uint8Array, where: string, budget: Budget) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.where = where;
    this.budget = budget;
  }

  damaged(what: string, expected: string, got: string): FormatError {
    return new FormatError(`${this.where}: HDF5, ${what}: expected ${expected}, got ${got}`);
  }

  unsupported(what: string, expected: string, got: string): UnsupportedError {
    return new UnsupportedError(`${this.where}: HDF5, ${what}: expected ${expected}, got ${got}`);
  }

  /** Checks that bytes are there. */
  within(at: number, size: number, what: string): void {
    if (!(at >= 0 && size >= 0 && at + size <= this.bytes.length)) {
      throw this.damaged(what, `${size} bytes at byte ${at}`, `a file of ${this.bytes.length}`);
    }
  }

  /** Reads structure from `at`, within the given size or to the file's end. */
  cursor(at: number, what: string, size?: number): Cursor {
    const length = size ?? this.bytes.length - at;
    this.within(at, length, what);
    if (size !== undefined) this.count(size, what);
    return new Cursor(this, at, at + length, what);
  }

  /** Counts bytes of structure. */
  count(bytes: number, what: string): void {
    this.#structure += bytes;
    if (this.#structure > MOST_STRUCTURE) {
      throw this.damaged(what, `at most ${MOST_STRUCTURE} bytes of structure, each read once`, "more");
    }
  }

  /** Text in UTF-8, zeros behind it left out. */
  text(at: number, size: number, what: string): string {
    this.within(at, size, what);
    let end = at + size;
    while (end > at && this.bytes[end - 1] === 0) end--;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes.subarray(at, end));
    } catch (cause) {
      throw new FormatError(`${this.where}: HDF5, ${what}: expected text in UTF-8, got other bytes`, { cause });
    }
  }
}

/** Reads little-endian numbers one after another. */
export class Cursor {
  readonly file: Hdf5Bytes;
  at: number;
  readonly end: number;
  readonly what: string;

  constructor(file: Hdf5Bytes, at: number, end: number, what: string) {
    this.file = file;
    this.at = at;
    this.end = end;
    this.what = what;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Passes over bytes; answers where they began. */
  skip(size: number): number {
    const at = this.at;
    if (!(size >= 0 && at + size <= this.end)) {
      throw this.file.damaged(this.what, `${size} bytes more at byte ${at}`, `${this.end - at}`);
    }
    this.at += size;
    return at;
  }

  u8(): number {
    return this.file.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.file.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.file.view.getUint32(this.skip(4), true);
  }

  /** An unsigned number of any size up to 8 bytes. @throws {FormatError} It is beyond what can be counted. */
  number(size: number): number {
    const value = this.#number(size);
    if (value === undefined) throw this.file.damaged(this.what, "a number below 2⁵³", "one that is not");
    return value;
  }

  #number(size: number): number | undefined {
    const at = this.skip(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.file.bytes[at + i]!;
    return Number.isSafeInteger(value) ? value : undefined;
  }

  /** A length. */
  length(): number {
    return this.number(this.file.lengthSize);
  }

  /** An address; undefined where the file has none. */
  address(): number | undefined {
    const { offsetSize, bytes } = this.file;
    const at = this.at;
    const value = this.#number(offsetSize);
    if (bytes.subarray(at, at + offsetSize).every((byte) => byte === 0xff)) return undefined;
    if (value === undefined) throw this.file.damaged(this.what, "an address within the file", "one beyond it");
    return value;
  }

  /** @throws {FormatError} Other characters than these are here. */
  signature(expected: string): void {
    const at = this.skip(expected.length);
    const got = String.fromCharCode(...this.file.bytes.subarray(at, at + expected.length));
    if (got !== expected) throw this.file.damaged(this.what, `"${expected}" at byte ${at}`, JSON.stringify(got));
  }

  /** @throws {UnsupportedError} A version of the format that is not known. */
  version(...known: readonly number[]): number {
    const version = this.u8();
    if (!known.includes(version)) {
      throw this.file.unsupported(this.what, `version ${known.join(" or ")}`, String(version));
    }
    return version;
  }
}

const SIGNATURE = "\x89HDF\r\n\x1a\n";

/** Reads the superblock; answers with the address of the topmost group. */
export function readSuperblock(file: Hdf5Bytes): number {
  const cursor = file.cursor(0, "superblock");
  cursor.signature(SIGNATURE);
  const version = cursor.version(0, 1, 2, 3);
  if (version < 2) cursor.skip(4);
  file.offsetSize = sizeOf(cursor);
  file.lengthSize = sizeOf(cursor);
  cursor.skip(version === 0 ? 9 : version === 1 ? 13 : 1);
  const base = cursor.address();
  if (base !== 0) throw file.unsupported("superblock", "a file that begins with HDF5", "one that begins otherwise");
  cursor.address();
  const end = cursor.address();
  if (end === undefined || end > file.bytes.length) {
    throw file.damaged("superblock", `a whole file of ${end ?? "unknown"} bytes`, `${file.bytes.length}`);
  }
  if (version < 2) {
    cursor.address();
    cursor.address(); // The offset of the topmost group's name, which has none.
  }
  const root = cursor.address();
  if (root === undefined) throw file.damaged("superblock", "a topmost group", "none");
  return root;
}

function sizeOf(cursor: Cursor): number {
  const size = cursor.u8();
  if (size !== 4 && size !== 8) throw cursor.file.unsupported("superblock", "addresses of 4 or 8 bytes", String(size));
  return size;
}
