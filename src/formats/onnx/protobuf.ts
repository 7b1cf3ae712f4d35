/**
 * Protocol buffers read with suspicion: every message is taken apart into its fields once, lengths are held against
 * what is there, and how many fields may be read in all is limited.
 * @module
 */

import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { FormatError } from "../../errors.ts";

/** Fields and list items that are read one by one, in all: what lies beyond is data, which is read as bytes. */
const MOST_FIELDS = 2 ** 22;

/** How a field is stored. */
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A field as it is stored: a whole number, or bytes (those of a fixed number too). */
type Stored = number | Uint8Array;

/** A file, and what its errors call it. */
export class ProtobufFile {
  readonly bytes: Uint8Array;
  readonly where: string;
  private readonly Reader: new (
    bytes: Uint8Array,
  ) => BinaryReader;
  private left = MOST_FIELDS;
  /** Where the field begins that is being read. */
  private start = 0;

  private constructor(bytes: Uint8Array, where: string, Reader: new (bytes: Uint8Array) => BinaryReader) {
    this.bytes = bytes;
    this.where = where;
    this.Reader = Reader;
  }

  static async open(bytes: Uint8Array, where: string): Promise<ProtobufFile> {
    const { BinaryReader } = await import("@bufbuild/protobuf/wire");
    return new ProtobufFile(bytes, where, BinaryReader);
  }

  /** The topmost message. */
  root(name: string): Message {
    return this.message(this.bytes, name);
  }

  /** Takes a message apart. */
  message(bytes: Uint8Array, name: string): Message {
    return this.reading(bytes, name, (reader) => {
      const fields = new Map<number, Stored[]>();
      while (reader.pos < reader.len) {
        this.start = reader.pos;
        const [field, wire] = reader.tag();
        this.spend(bytes, name);
        const value = this.field(reader, field, wire);
        const list = fields.get(field);
        if (list === undefined) fields.set(field, [value]);
        else list.push(value);
      }
      return new Message(this, bytes, name, fields);
    });
  }

  /** Whole numbers, packed one behind the other. */
  packedIntegers(bytes: Uint8Array, name: string): number[] {
    return this.reading(bytes, name, (reader) => {
      const list: number[] = [];
      while (reader.pos < reader.len) {
        this.start = reader.pos;
        this.spend(bytes, name);
        list.push(Number(reader.int64()));
      }
      return list;
    });
  }

  private field(reader: BinaryReader, field: number, wire: number): Stored {
    switch (wire) {
      case WIRE.varint:
        return Number(reader.int64());
      case WIRE.bytes:
        return reader.bytes();
      default:
        return reader.skip(wire, field);
    }
  }

  private spend(bytes: Uint8Array, name: string): void {
    if (--this.left < 0) throw this.error(bytes, name, `at most ${MOST_FIELDS} fields`, "more");
  }

  private reading<T>(bytes: Uint8Array, name: string, read: (reader: BinaryReader) => T): T {
    const reader = new this.Reader(bytes);
    try {
      return read(reader);
    } catch (cause) {
      if (cause instanceof FormatError) throw cause;
      throw this.error(bytes.subarray(this.start), name, "a protocol buffer", (cause as Error).message, cause);
    }
  }

  /** What is wrong with the file, at the first of the given bytes. */
  error(at: Uint8Array, name: string, expected: string, got: string, cause?: unknown): FormatError {
    const byte = at.byteOffset - this.bytes.byteOffset;
    const options = cause === undefined ? undefined : { cause };
    return new FormatError(`${this.where}, byte ${byte} (${name}): expected ${expected}, got ${got}`, options);
  }
}

/** One message. Fields are asked for by their number in the schema. */
export class Message {
  readonly file: ProtobufFile;
  readonly bytes: Uint8Array;
  /** What errors call it. */
  readonly name: string;
  private readonly fields: ReadonlyMap<number, readonly Stored[]>;

  constructor(file: ProtobufFile, bytes: Uint8Array, name: string, fields: ReadonlyMap<number, readonly Stored[]>) {
    this.file = file;
    this.bytes = bytes;
    this.name = name;
    this.fields = fields;
  }

  has(field: number): boolean {
    return this.fields.has(field);
  }

  private all(field: number): readonly Stored[] {
    return this.fields.get(field) ?? [];
  }

  /** How often a field is there. */
  count(field: number): number {
    return this.all(field).length;
  }

  /** A whole number; the last counts where there are several. 64 bits are exact up to 2⁵³. */
  integer(field: number): number | undefined {
    const value = this.all(field).at(-1);
    if (value instanceof Uint8Array) throw this.wrong(field, "a whole number");
    return value;
  }

  /** Whole numbers, each for itself or packed. */
  integers(field: number): number[] {
    const lists = this.all(field).map((value) =>
      typeof value === "number" ? [value] : this.file.packedIntegers(value, `${this.name}, field ${field}`),
    );
    return lists.length === 1 ? lists[0]! : lists.flat();
  }

  /** A number of 32 bits. */
  float(field: number): number | undefined {
    const bytes = this.lengthy(field).at(-1);
    if (bytes === undefined) return undefined;
    if (bytes.length !== 4) throw this.wrong(field, "a number of 32 bits");
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
  }

  /** Fixed numbers, each for itself or packed: their bytes, one behind the other; a view where there is one part. */
  packed(field: number): Uint8Array {
    const parts = this.lengthy(field);
    if (parts.length === 1) return parts[0]!;
    const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Bytes, as a view; undefined where there are none. */
  raw(field: number): Uint8Array | undefined {
    return this.lengthy(field).at(-1);
  }

  /** UTF-8 text; "" where there is none. */
  text(field: number): string {
    return this.texts(field).at(-1) ?? "";
  }

  texts(field: number): string[] {
    const decoder = new TextDecoder();
    return this.lengthy(field).map((bytes) => decoder.decode(bytes));
  }

  messages(field: number, name: string): Message[] {
    return this.lengthy(field).map((bytes, i) => this.file.message(bytes, `${name} ${i}`));
  }

  /** A message that there is once; where there are several parts of it, they count together. */
  message(field: number, name: string): Message | undefined {
    return this.has(field) ? this.file.message(this.packed(field), name) : undefined;
  }

  private lengthy(field: number): readonly Uint8Array[] {
    const values = this.all(field);
    if (values.some((value) => typeof value === "number")) throw this.wrong(field, "bytes");
    return values as readonly Uint8Array[];
  }

  private wrong(field: number, expected: string): FormatError {
    return this.file.error(this.bytes, `${this.name}, field ${field}`, expected, "another kind of field");
  }
}
