/**
 * Where chunks are, in files of HDF5 1.10 on (h5py's libver="v110" and on): one chunk alone, all side by side, or an
 * array of addresses.
 * @module
 */
import { sizeOf } from "../../graph/references.ts";
import type { Cursor } from "./bytes.ts";
import type { Chunk, Chunks } from "./chunks.ts";

/** Kinds of indices. Those of datasets that can grow are not known here. */
const [SINGLE, IMPLICIT, FIXED] = [1, 2, 3];

/** What is known of the chunks before they are looked for. */
interface Wanted {
  readonly shape: readonly number[];
  readonly elementSize: number;
  readonly chunk: readonly number[];
  /** Bytes of a chunk before filters. */
  readonly size: number;
  /** Chunks that the shape is cut into, in each dimension. */
  readonly counts: readonly number[];
  readonly total: number;
  /** Whether chunks that reach over the edge went without filters. */
  readonly plainEdges: boolean;
}

/** Reads the rest of a layout message of version 4, behind its class. */
export function readIndex(cursor: Cursor, shape: readonly number[], elementSize: number): Chunks {
  const { file, what } = cursor;
  const flags = cursor.u8();
  const rank = cursor.u8();
  const bytes = cursor.u8();
  if (bytes < 1 || bytes > 8) throw file.damaged(what, "sizes of 1 to 8 bytes", String(bytes));
  const chunk = Array.from({ length: rank }, () => cursor.number(bytes));
  const element = chunk.pop();
  if (element !== elementSize || chunk.length !== shape.length || rank < 2 || chunk.some((size) => size < 1)) {
    throw file.damaged(what, `chunks of ${shape.length} dimensions`, `[${chunk.join(",")}] of ${element} bytes`);
  }
  const counts = shape.map((size, i) => Math.ceil(size / chunk[i]!));
  const size = sizeOf(chunk) * elementSize;
  const wanted = { shape, elementSize, chunk, size, counts, total: sizeOf(counts), plainEdges: (flags & 1) !== 0 };
  const written = chunksOf(cursor, flags, wanted);
  return { chunk, size, elementSize, written, whole: written.length === wanted.total };
}

function chunksOf(cursor: Cursor, flags: number, wanted: Wanted): Chunk[] {
  const { file, what } = cursor;
  const kind = cursor.u8();
  if (kind === SINGLE) {
    const [size, mask] = flags & 2 ? [cursor.length(), cursor.u32()] : [wanted.size, 0];
    const at = cursor.address();
    if (wanted.total !== 1) throw file.damaged(what, "a single chunk", `${wanted.total} for the shape`);
    return at === undefined ? [] : [place(cursor, wanted, 0, { at, size, mask })];
  }
  if (kind === IMPLICIT) {
    const at = cursor.address();
    if (at === undefined) return [];
    file.within(at, wanted.total * wanted.size, what);
    file.count(8 * wanted.total, what);
    return Array.from({ length: wanted.total }, (_, i) =>
      place(cursor, wanted, i, { at: at + i * wanted.size, size: wanted.size, mask: 0 }),
    );
  }
  if (kind !== FIXED)
    throw file.unsupported(what, "chunks of a dataset of fixed size", `index ${kind}, of one that grows`);
  cursor.u8();
  const at = cursor.address();
  return at === undefined ? [] : fixedArray(cursor, at, wanted);
}

/** An array of addresses: in one piece, or in pages of which some may never have been written. */
function fixedArray({ file, what }: Cursor, address: number, wanted: Wanted): Chunk[] {
  const head = file.cursor(address, what, 8 + file.lengthSize + file.offsetSize);
  head.signature("FAHD");
  head.version(0);
  const filtered = head.u8() === 1;
  const entrySize = head.u8();
  const pageBits = head.u8();
  const entries = head.length();
  const block = head.address();
  const least = file.offsetSize + (filtered ? 5 : 0);
  if (entries !== wanted.total || entrySize < least || pageBits > 30) {
    throw file.damaged(what, `an array of ${wanted.total} chunks`, `${entries} of ${entrySize} bytes`);
  }
  if (block === undefined) return [];
  const cursor = file.cursor(block, what);
  cursor.signature("FADB");
  cursor.version(0);
  cursor.skip(1 + file.offsetSize);
  const found: Chunk[] = [];
  const page = 2 ** pageBits;
  const read = (first: number, count: number) => {
    const list = file.cursor(cursor.skip(count * entrySize), what, count * entrySize);
    for (let i = first; i < first + count; i++) {
      const at = list.address();
      const [size, mask] = filtered ? [list.number(entrySize - file.offsetSize - 4), list.u32()] : [wanted.size, 0];
      if (at !== undefined) found.push(place(list, wanted, i, { at, size, mask }));
    }
  };
  if (entries <= page) {
    read(0, entries);
    return found;
  }
  const pages = Math.ceil(entries / page);
  const bitmap = cursor.skip(Math.ceil(pages / 8));
  cursor.skip(4);
  for (let i = 0; i < pages; i++) {
    const count = Math.min(page, entries - i * page);
    const written = (file.bytes[bitmap + (i >> 3)]! >> (7 - (i & 7))) & 1;
    if (written) read(i * page, count);
    else cursor.skip(count * entrySize);
    // A checksum stands behind each page.
    cursor.skip(4);
  }
  return found;
}

/** The chunk of a number, counted row by row. */
function place(cursor: Cursor, wanted: Wanted, index: number, stored: Omit<Chunk, "from">): Chunk {
  const { counts, chunk, shape } = wanted;
  cursor.file.within(stored.at, stored.size, cursor.what);
  let rest = index;
  const from = new Array<number>(counts.length);
  for (let axis = counts.length - 1; axis >= 0; axis--) {
    from[axis] = (rest % counts[axis]!) * chunk[axis]!;
    rest = Math.floor(rest / counts[axis]!);
  }
  const edge = from.some((first, axis) => first + chunk[axis]! > shape[axis]!);
  return { ...stored, mask: edge && wanted.plainEdges ? 0xffffffff : stored.mask, from };
}
