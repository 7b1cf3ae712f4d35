/**
 * Object headers of HDF5: the messages that say what a group, a dataset or an attribute is.
 * @module
 */
import type { Cursor, Hdf5Bytes } from "./bytes.ts";

/** Kinds of messages that are read. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFill: 0x04,
  fill: 0x05,
  link: 0x06,
  external: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** One message of an object header. */
export interface Message {
  readonly type: number;
  /** What it says stands elsewhere, in another object. */
  readonly shared: boolean;
  readonly at: number;
  readonly size: number;
}

/** A group, a dataset or a named type. */
export class Hdf5Object {
  readonly file: Hdf5Bytes;
  readonly address: number;
  /** How errors call it. */
  readonly what: string;
  readonly messages: readonly Message[];

  constructor(file: Hdf5Bytes, address: number, what: string) {
    this.file = file;
    this.address = address;
    this.what = what;
    this.messages = readMessages(file, address, what);
  }

  has(type: number): boolean {
    return this.messages.some((message) => message.type === type);
  }

  /** Reads the first message of a type; undefined where there is none. */
  cursor(type: number): Cursor | undefined {
    const message = this.messages.find((one) => one.type === type);
    return message && this.open(message);
  }

  /** @throws {UnsupportedError} It stands elsewhere. */
  open(message: Message): Cursor {
    if (message.shared) throw this.file.unsupported(this.what, "messages of its own", "one shared with other objects");
    return this.file.cursor(message.at, this.what, message.size);
  }

  /** Reads a message that must be there. */
  require(type: number, name: string): Cursor {
    const cursor = this.cursor(type);
    if (!cursor) throw this.file.damaged(this.what, name, "none");
    return cursor;
  }
}

function readMessages(file: Hdf5Bytes, address: number, what: string): Message[] {
  const cursor = file.cursor(address, what);
  return file.bytes[address] === 1 ? readOldHeader(file, cursor) : readHeader(file, cursor);
}

/** Blocks of a header that are still to be read. */
interface Blocks {
  readonly seen: Set<number>;
  readonly left: { readonly at: number; readonly size: number }[];
}

function continued(blocks: Blocks, cursor: Cursor): void {
  const at = cursor.address();
  const size = cursor.length();
  if (at === undefined || blocks.seen.has(at))
    throw cursor.file.damaged(cursor.what, "further blocks", "the same again");
  blocks.seen.add(at);
  blocks.left.push({ at, size });
}

function readOldHeader(file: Hdf5Bytes, cursor: Cursor): Message[] {
  cursor.skip(2);
  const count = cursor.u16();
  cursor.skip(4);
  const first = cursor.u32();
  cursor.skip(4);
  const blocks: Blocks = { seen: new Set(), left: [{ at: cursor.at, size: first }] };
  const messages: Message[] = [];
  for (let block = blocks.left.shift(); block; block = blocks.left.shift()) {
    const inner = file.cursor(block.at, cursor.what, block.size);
    while (inner.left >= 8 && messages.length < count) {
      const type = inner.u16();
      const size = inner.u16();
      const shared = (inner.u8() & 2) !== 0;
      inner.skip(3);
      const at = inner.skip(size);
      messages.push({ type, shared, at, size });
      if (type === MESSAGE.continuation) continued(blocks, file.cursor(at, cursor.what, size));
    }
  }
  return messages;
}

function readHeader(file: Hdf5Bytes, cursor: Cursor): Message[] {
  cursor.signature("OHDR");
  cursor.version(2);
  const flags = cursor.u8();
  if (flags & 0x20) cursor.skip(16);
  if (flags & 0x10) cursor.skip(4);
  const first = cursor.number(1 << (flags & 3));
  const blocks: Blocks = { seen: new Set(), left: [{ at: cursor.at, size: first }] };
  const messages: Message[] = [];
  const least = flags & 4 ? 6 : 4;
  for (let block = blocks.left.shift(); block; block = blocks.left.shift()) {
    const inner = file.cursor(block.at, cursor.what, block.size);
    while (inner.left >= least) {
      const type = inner.u8();
      const size = inner.u16();
      const shared = (inner.u8() & 2) !== 0;
      if (flags & 4) inner.skip(2);
      const at = inner.skip(size);
      messages.push({ type, shared, at, size });
      if (type !== MESSAGE.continuation) continue;
      const found: Blocks = { seen: blocks.seen, left: [] };
      continued(found, file.cursor(at, cursor.what, size));
      for (const { at: begin, size: length } of found.left) {
        file.cursor(begin, cursor.what).signature("OCHK");
        // The signature before, a checksum behind.
        blocks.left.push({ at: begin + 4, size: length - 8 });
      }
    }
  }
  return messages;
}
