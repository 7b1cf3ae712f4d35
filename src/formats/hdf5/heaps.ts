/**
 * Heaps of HDF5: where names, texts of variable length, and the links and attributes of big groups lie; and the trees
 * that find them there.
 * @module
 */
import { Cursor, type Hdf5Bytes } from "./bytes.ts";

/** The names of an old group. */
export class LocalHeap {
  readonly #file: Hdf5Bytes;
  readonly #at: number;
  readonly #size: number;

  constructor(file: Hdf5Bytes, address: number, what: string) {
    const cursor = file.cursor(address, what);
    cursor.signature("HEAP");
    cursor.version(0);
    cursor.skip(3);
    this.#size = cursor.length();
    cursor.length();
    const at = cursor.address();
    if (at === undefined) throw file.damaged(what, "names", "none");
    file.within(at, this.#size, what);
    this.#file = file;
    this.#at = at;
  }

  /** The text that begins `offset` bytes into the heap. */
  text(offset: number, what: string): string {
    const file = this.#file;
    if (offset >= this.#size) throw file.damaged(what, `a name within ${this.#size} bytes`, `one at ${offset}`);
    const begin = this.#at + offset;
    const end = file.bytes.indexOf(0, begin);
    const length = (end < 0 ? this.#at + this.#size : Math.min(end, this.#at + this.#size)) - begin;
    file.count(length, what);
    return file.text(begin, length, what);
  }
}

/** Texts of variable length, by the address of their collection and their index in it. */
export class GlobalHeap {
  readonly #file: Hdf5Bytes;
  readonly #collections = new Map<number, ReadonlyMap<number, readonly [at: number, size: number]>>();

  constructor(file: Hdf5Bytes) {
    this.#file = file;
  }

  /** The text that a reference, 4 + address + 4 bytes, means. */
  text(reference: Cursor): string {
    const file = this.#file;
    const length = reference.u32();
    const address = reference.address();
    const index = reference.u32();
    if (length === 0 || !address) return "";
    const object = this.#collection(address, reference.what).get(index);
    if (!object || length > object[1]) {
      throw file.damaged(reference.what, `a text of ${length} bytes`, object ? `one of ${object[1]}` : "none");
    }
    file.budget.unpack(length, `${file.where}: HDF5, ${reference.what}`);
    return file.text(object[0], length, reference.what);
  }

  #collection(address: number, what: string): ReadonlyMap<number, readonly [number, number]> {
    const known = this.#collections.get(address);
    if (known) return known;
    const file = this.#file;
    const head = file.cursor(address, what);
    head.signature("GCOL");
    head.version(1);
    head.skip(3);
    const size = head.length();
    file.within(address, size, what);
    const objects = new Map<number, readonly [number, number]>();
    const cursor = file.cursor(head.at, what);
    const end = address + size;
    while (cursor.at + 8 + file.lengthSize <= end) {
      file.count(8 + file.lengthSize, what);
      const index = cursor.u16();
      cursor.skip(6);
      const length = cursor.length();
      // Index 0 is what is free behind all others.
      if (index === 0) break;
      if (cursor.at + length > end) throw file.damaged(what, "texts within their heap", "one beyond it");
      objects.set(index, [cursor.at, length]);
      cursor.skip(Math.min(8 * Math.ceil(length / 8), end - cursor.at));
    }
    this.#collections.set(address, objects);
    return objects;
  }
}

/** Bytes that numbers up to `limit` take. */
function bytesFor(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1;
}

/** Calls `visit` with every record of a tree of version 2. */
export function visitTree(file: Hdf5Bytes, address: number, what: string, visit: (record: Cursor) => void): void {
  const head = file.cursor(address, what, 22 + file.offsetSize + file.lengthSize);
  head.signature("BTHD");
  head.version(0);
  const type = head.u8();
  const nodeSize = head.u32();
  const recordSize = head.u16();
  const depth = head.u16();
  head.skip(2);
  const root = head.address();
  const count = head.u16();
  if (root === undefined || count === 0) return;
  if (depth > 16 || recordSize === 0 || nodeSize < 10 + recordSize) {
    throw file.damaged(what, "a tree", `one of depth ${depth} with records of ${recordSize} bytes`);
  }
  // Records that fit into a node, and into all below it, level by level: they say how many bytes their numbers take.
  const most = [Math.floor((nodeSize - 10) / recordSize)];
  const below = [most[0]!];
  const countSize = bytesFor(most[0]!);
  const pointerSize = (level: number) => file.offsetSize + countSize + (level > 1 ? bytesFor(below[level - 1]!) : 0);
  for (let level = 1; level <= depth; level++) {
    const pointer = pointerSize(level);
    most[level] = Math.floor((nodeSize - 10 - pointer) / (recordSize + pointer));
    below[level] = (most[level]! + 1) * below[level - 1]! + most[level]!;
  }
  const visitNode = (at: number, records: number, level: number): void => {
    const node = file.cursor(at, what, Math.min(nodeSize, file.bytes.length - at));
    node.signature(level > 0 ? "BTIN" : "BTLF");
    node.version(0);
    if (node.u8() !== type) throw file.damaged(what, "a tree of one type", "another within it");
    for (let i = 0; i < records; i++) {
      const begin = node.skip(recordSize);
      visit(file.cursor(begin, what, recordSize));
    }
    for (let i = 0; level > 0 && i <= records; i++) {
      const child = node.address();
      const inChild = node.number(countSize);
      node.skip(pointerSize(level) - file.offsetSize - countSize);
      if (child === undefined) throw file.damaged(what, "a node", "none");
      visitNode(child, inChild, level - 1);
    }
  };
  visitNode(root, count, depth);
}

/** A heap of any size: links or attributes of one group. */
export class FractalHeap {
  readonly #file: Hdf5Bytes;
  readonly #what: string;
  readonly #offsetBytes: number;
  readonly #lengthBytes: number;
  readonly #width: number;
  readonly #start: number;
  readonly #mostDirect: number;
  readonly #root: number | undefined;
  readonly #rows: number;
  readonly #hugeTree: number | undefined;
  readonly #hugeBytes: number;

  constructor(file: Hdf5Bytes, address: number, what: string) {
    const cursor = file.cursor(address, what, 22 + 12 * file.lengthSize + 3 * file.offsetSize);
    cursor.signature("FRHP");
    cursor.version(0);
    this.#hugeBytes = Math.min(cursor.u16() - 1, file.lengthSize);
    if (cursor.u16() !== 0) throw file.unsupported(what, "a heap without filters", "one with");
    cursor.u8();
    const mostManaged = cursor.u32();
    cursor.length();
    this.#hugeTree = cursor.address();
    cursor.skip(9 * file.lengthSize + file.offsetSize);
    this.#width = cursor.u16();
    this.#start = cursor.length();
    this.#mostDirect = cursor.length();
    const bits = cursor.u16();
    cursor.u16();
    this.#root = cursor.address();
    this.#rows = cursor.u16();
    const powers = [this.#start, this.#mostDirect].every((size) => size >= 1 && Number.isInteger(Math.log2(size)));
    if (!powers || this.#width < 1 || this.#mostDirect < this.#start || bits > 52) {
      throw file.damaged(what, "a heap", `blocks of ${this.#start} to ${this.#mostDirect} bytes`);
    }
    this.#offsetBytes = Math.ceil(bits / 8);
    this.#lengthBytes = Math.min(Math.ceil(Math.log2(this.#mostDirect) / 8), bytesFor(mostManaged));
    this.#file = file;
    this.#what = what;
  }

  /** What the id means: bytes of the file. */
  open(id: Cursor): Cursor {
    const file = this.#file;
    const flags = id.u8();
    const kind = (flags >> 4) & 3;
    if (kind === 2) return file.cursor(id.skip((flags & 15) + 1), this.#what, (flags & 15) + 1);
    if (kind === 1) return this.#openHuge(id);
    if (kind !== 0) throw file.unsupported(this.#what, "a known kind of heap id", String(kind));
    const offset = id.number(this.#offsetBytes);
    const length = id.number(this.#lengthBytes);
    if (this.#root === undefined) throw file.damaged(this.#what, "a heap with something in it", "an empty one");
    const at = this.#rows === 0 ? this.#root + offset : this.#find(this.#root, offset, 0, 0);
    return file.cursor(at, this.#what, length);
  }

  /**
   * What is too big for the heap's blocks lies on its own: its id says where, or, where that is too short, a tree does.
   */
  #openHuge(id: Cursor): Cursor {
    const file = this.#file;
    let found: readonly [number | undefined, number] | undefined;
    if (id.left >= file.offsetSize + file.lengthSize) found = [id.address(), id.length()];
    else if (this.#hugeTree !== undefined) {
      const wanted = id.number(this.#hugeBytes);
      visitTree(file, this.#hugeTree, this.#what, (record) => {
        const place = [record.address(), record.length()] as const;
        if (record.length() === wanted) found = place;
      });
    }
    const [at, size] = found ?? [undefined, 0];
    if (at === undefined) throw file.damaged(this.#what, "what a heap id means", "nothing");
    file.within(at, size, this.#what);
    // Texts are data, not structure: they are counted where they are read.
    return new Cursor(file, at, at + size, this.#what);
  }

  /** Where the byte `offset` of the heap lies, looking from an indirect block whose first byte is `first`. */
  #find(address: number, offset: number, first: number, depth: number): number {
    const file = this.#file;
    if (depth > 32) throw file.damaged(this.#what, "blocks within blocks", "too many");
    const cursor = file.cursor(address, this.#what);
    cursor.signature("FHIB");
    cursor.skip(1 + file.offsetSize + this.#offsetBytes);
    let begin = first;
    for (let row = 0; row < 64; row++) {
      const size = this.#start * 2 ** Math.max(row - 1, 0);
      if (offset >= begin + size * this.#width) {
        begin += size * this.#width;
        cursor.skip(this.#width * file.offsetSize);
        continue;
      }
      const column = Math.floor((offset - begin) / size);
      file.count((row + 1) * this.#width * file.offsetSize, this.#what);
      cursor.skip(column * file.offsetSize);
      const block = cursor.address();
      if (block === undefined) throw file.damaged(this.#what, "a block of the heap", "none");
      const start = begin + column * size;
      return size <= this.#mostDirect ? block + offset - start : this.#find(block, offset, start, depth + 1);
    }
    throw file.damaged(this.#what, "an offset within the heap", String(offset));
  }
}
