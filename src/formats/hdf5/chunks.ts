/**
 * Chunks of HDF5 datasets: which were written, where they are, and where their numbers belong.
 * @module
 */
import { sizeOf } from "../../graph/references.ts";
import { canInflate } from "../common/inflate.ts";
import type { Cursor, Hdf5Bytes } from "./bytes.ts";
import type { Filter } from "./filters.ts";
import { visitOldTree } from "./groups.ts";
import type { Decode } from "./types.ts";

/** A chunk that was written. */
export interface Chunk {
  readonly at: number;
  readonly size: number;
  /** Bits of the filters that it went without. */
  readonly mask: number;
  /** Index of its first element in each dimension. */
  readonly from: readonly number[];
}

/** How a dataset is cut up. */
export interface Chunks {
  /** Elements of a chunk in each dimension. */
  readonly chunk: readonly number[];
  /** Bytes of a chunk before filters. */
  readonly size: number;
  readonly elementSize: number;
  readonly written: readonly Chunk[];
  /** Whether that is all of them. */
  readonly whole: boolean;
}

/** Finds the chunks that were written. @throws {FormatError} One is twice there, or where none can be. */
export function readChunks(
  file: Hdf5Bytes,
  what: string,
  {
    tree,
    chunk,
    shape,
    elementSize,
  }: { tree: number | undefined; chunk: readonly number[]; shape: readonly number[]; elementSize: number },
): Chunks {
  const written: Chunk[] = [];
  const seen = new Set<string>();
  const visit = (key: Cursor, at: number) => {
    const size = key.u32();
    const mask = key.u32();
    const from = shape.map(() => key.number(8));
    const place = from.join();
    // A dataset that was made smaller keeps chunks that lie beyond it.
    if (from.some((first, i) => first >= shape[i]!)) return;
    if (seen.has(place) || from.some((first, i) => first % chunk[i]! !== 0)) {
      throw file.damaged(what, "chunks side by side", `one at [${place}]`);
    }
    seen.add(place);
    file.within(at, size, what);
    written.push({ at, size, mask, from });
  };
  if (tree !== undefined) visitOldTree(file, tree, { what, type: 1, keySize: 8 + 8 * (shape.length + 1) }, visit);
  const total = shape.reduce((product, size, i) => product * Math.ceil(size / chunk[i]!), 1);
  return { chunk, size: sizeOf(chunk) * elementSize, elementSize, written, whole: written.length === total };
}

/** Checks that stored chunks can be of the size that they claim. Answers whether all were written. */
export function checkChunks(file: Hdf5Bytes, what: string, chunks: Chunks, filters: readonly Filter[]): boolean {
  for (const { size, mask } of chunks.written) {
    const packed = filters.some(({ kind }, i) => kind === "deflate" && !((mask >>> i) & 1));
    if (packed ? !canInflate(size, chunks.size) : size < chunks.size) {
      throw file.damaged(what, `chunks of ${chunks.size} bytes`, `${size} bytes that cannot hold one`);
    }
  }
  return chunks.whole;
}

/** Writes a chunk's numbers to their places: run by run, where a run is as long as both lie in one piece. */
export function copyChunk(
  bytes: Uint8Array,
  { from }: Chunk,
  { chunk, elementSize }: Chunks,
  shape: readonly number[],
  decode: Decode,
  numbers: Float32Array,
): void {
  const rank = shape.length;
  const counts = chunk.map((size, i) => Math.min(size, shape[i]! - from[i]!));
  // Trailing dimensions that the chunk spans as a whole make longer runs.
  let axis = rank - 1;
  let run = counts[axis]!;
  while (axis > 0 && chunk[axis] === shape[axis]) run *= counts[--axis]!;
  const strides = (sizes: readonly number[]) => sizes.map((_, i) => sizeOf(sizes.slice(i + 1)));
  const [inChunk, inAll] = [strides(chunk), strides(shape)];
  const at = new Array<number>(axis).fill(0);
  for (;;) {
    let source = 0;
    let target = 0;
    for (let i = 0; i < rank; i++) {
      const index = at[i] ?? 0;
      source += index * inChunk[i]!;
      target += (index + from[i]!) * inAll[i]!;
    }
    decode(bytes, source * elementSize, numbers, target, run);
    let i = axis - 1;
    for (; i >= 0; i--) {
      at[i]!++;
      if (at[i]! < counts[i]!) break;
      at[i] = 0;
    }
    if (i < 0) return;
  }
}
