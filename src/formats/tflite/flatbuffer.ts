/**
 * Flatbuffers read with suspicion: every offset, vtable, vector and string is checked against the file before it is
 * followed, and the sum of all that is read is limited, so that vectors shared a million times cannot keep the reader
 * busy for ever.
 * @module
 */

import type { ByteBuffer } from "flatbuffers";
import { FormatError } from "../../errors.ts";

/**
 * Elements that may be read, as a multiple of the file's bytes: writers share equal vectors and strings, but not
 * without end.
 */
const BUDGET = 8;
/** … and in all: what lies beyond is data, which is read as bytes and not by elements. */
const MOST_ELEMENTS = 2 ** 23;

/** A flatbuffer, and what its errors call it. */
export class FlatFile {
  readonly buffer: ByteBuffer;
  readonly where: string;
  readonly length: number;
  private budget: number;

  constructor(buffer: ByteBuffer, where: string) {
    this.buffer = buffer;
    this.where = where;
    this.length = buffer.capacity();
    this.budget = Math.min(BUDGET * this.length + 65_536, MOST_ELEMENTS);
  }

  /** Opens `bytes` and checks their four-letter identifier. */
  static async open(bytes: Uint8Array, identifier: string, where: string): Promise<FlatFile> {
    const { ByteBuffer } = await import("flatbuffers");
    const file = new FlatFile(new ByteBuffer(bytes), where);
    file.check(0, 8, "header");
    if (!file.buffer.__has_identifier(identifier)) {
      const got = String.fromCharCode(...bytes.subarray(4, 8)).replace(/[^ -~]/g, "?");
      throw new FormatError(`${where}, byte 4: expected identifier '${identifier}', got '${got}'`);
    }
    return file;
  }

  /** The topmost table. */
  root(name: string): Table {
    return new Table(this, this.buffer.readUint32(0), name);
  }

  /** @throws {FormatError} `size` bytes from `offset` do not all lie in the file. */
  check(offset: number, size: number, what: string): void {
    if (offset < 0 || offset + size > this.length) {
      throw new FormatError(
        `${this.where}, byte ${offset} (${what}): expected ${size} bytes within the file's ${this.length}, got its end`,
      );
    }
  }

  spend(elements: number, what: string): void {
    this.budget -= elements;
    if (this.budget < 0) {
      throw new FormatError(
        `${this.where} (${what}): expected a file that shares its parts in reason, got one that does not`,
      );
    }
  }
}

/** A vector of tables. */
export interface TableList {
  readonly count: number;
  /** A table; undefined beyond the last. */
  readonly at: (index: number) => Table | undefined;
}

/** A place and a length within the file. */
interface Span {
  readonly start: number;
  readonly length: number;
}

/**
 * One table. Fields are asked for by their index in the schema; absent ones answer with the given default, vectors with
 * none at all.
 */
export class Table {
  readonly file: FlatFile;
  readonly position: number;
  /** What errors call it. */
  readonly name: string;

  constructor(file: FlatFile, position: number, name: string) {
    this.file = file;
    this.position = position;
    this.name = name;
    file.check(position, 4, name);
    const vtable = position - file.buffer.readInt32(position);
    file.check(vtable, 4, `${name}, vtable`);
    const size = file.buffer.readUint16(vtable);
    if (size < 4 || size % 2 !== 0) {
      throw new FormatError(`${file.where}, byte ${vtable} (${name}): expected the size of a vtable, got ${size}`);
    }
    file.check(vtable, size, `${name}, vtable`);
  }

  /** Where a field of `size` bytes lies; undefined if it is absent. */
  private field(index: number, size: number): number | undefined {
    const offset = this.file.buffer.__offset(this.position, 4 + 2 * index);
    if (offset === 0) return undefined;
    // Offsets are unsigned; the library reads them as signed ones.
    const at = this.position + (offset & 0xffff);
    this.file.check(at, size, `${this.name}, field ${index}`);
    return at;
  }

  int8(index: number, fallback = 0): number {
    const at = this.field(index, 1);
    return at === undefined ? fallback : this.file.buffer.readInt8(at);
  }

  int32(index: number, fallback = 0): number {
    const at = this.field(index, 4);
    return at === undefined ? fallback : this.file.buffer.readInt32(at);
  }

  uint32(index: number, fallback = 0): number {
    const at = this.field(index, 4);
    return at === undefined ? fallback : this.file.buffer.readUint32(at);
  }

  /** 64 bits, as a number: exact up to 2^53. */
  uint64(index: number): number {
    const at = this.field(index, 8);
    return at === undefined ? 0 : Number(this.file.buffer.readUint64(at));
  }

  float32(index: number, fallback = 0): number {
    const at = this.field(index, 4);
    return at === undefined ? fallback : this.file.buffer.readFloat32(at);
  }

  table(index: number, name: string): Table | undefined {
    const at = this.field(index, 4);
    return at === undefined ? undefined : new Table(this.file, at + this.file.buffer.readUint32(at), name);
  }

  /** Where the elements of a vector lie, `size` bytes each. */
  private vector(index: number, size: number, cost: number): Span {
    const at = this.field(index, 4);
    if (at === undefined) return { start: 0, length: 0 };
    const { file, name } = this;
    const what = `${name}, field ${index}`;
    const start = at + file.buffer.readUint32(at);
    file.check(start, 4, what);
    const length = file.buffer.readUint32(start);
    if (length * size > file.length - start - 4) {
      throw new FormatError(
        `${file.where}, byte ${start} (${what}): expected a vector within the file's ${file.length} bytes, got ${length} elements of ${size} bytes`,
      );
    }
    file.spend(length * cost, what);
    return { start: start + 4, length };
  }

  private read<T>(index: number, size: number, element: (at: number, i: number) => T): T[] {
    const { start, length } = this.vector(index, size, 1);
    return Array.from({ length }, (_, i) => element(start + i * size, i));
  }

  tables(index: number, name: string): Table[] {
    const { count, at } = this.tableList(index, name);
    return Array.from({ length: count }, (_, i) => at(i)!);
  }

  /** Tables that are looked at one by one, when they are asked for: how many there are, and each by its number. */
  tableList(index: number, name: string): TableList {
    const { file } = this;
    const { start, length } = this.vector(index, 4, 1);
    return {
      count: length,
      at: (i) => {
        if (!(i >= 0 && i < length)) return undefined;
        const at = start + 4 * i;
        return new Table(file, at + file.buffer.readUint32(at), `${name} ${i}`);
      },
    };
  }

  int32s(index: number): number[] {
    return this.read(index, 4, (at) => this.file.buffer.readInt32(at));
  }

  float32s(index: number): number[] {
    return this.read(index, 4, (at) => this.file.buffer.readFloat32(at));
  }

  /** 64-bit integers as numbers. */
  int64s(index: number): number[] {
    return this.read(index, 8, (at) => Number(this.file.buffer.readInt64(at)));
  }

  /** A view, no copy. */
  bytes(index: number): Uint8Array {
    return this.elements(index, 1);
  }

  /** The bytes of a vector of elements of `size` bytes each: a view, no copy. */
  elements(index: number, size: number): Uint8Array {
    const { start, length } = this.vector(index, size, 0);
    return this.file.buffer.bytes().subarray(start, start + length * size);
  }

  /** UTF-8 text; "" if absent. */
  string(index: number): string {
    const { start, length } = this.vector(index, 1, 1);
    return new TextDecoder().decode(this.file.buffer.bytes().subarray(start, start + length));
  }
}
