/**
 * Datasets of HDF5 → Float32Array. What a file claims is checked against the bytes that are there, and drawn from the
 * budget, before anything of that size is made; what was never written is the fill value.
 * @module
 */
import { sizeOf } from "../../graph/references.ts";
import type { Cursor } from "./bytes.ts";
import { readIndex } from "./chunk-index.ts";
import { type Chunk, type Chunks, checkChunks, copyChunk, readChunks } from "./chunks.ts";
import { type Filter, readFilters, unfilter } from "./filters.ts";
import { type Hdf5Object, MESSAGE } from "./objects.ts";
import { type Datatype, type Decode, decoderOf, readDataspace, readDatatype } from "./types.ts";

/** Numbers that are decoded before the event loop is thought of. */
const STRIDE = 2 ** 20;

/** Where a dataset's bytes are: in one piece, which may never have been written, or in chunks. */
type Layout = { readonly at: number | undefined; readonly size: number } | Chunks;

/** A dataset of numbers; nothing of it is read before it is asked for. */
export class Hdf5Dataset {
  readonly #object: Hdf5Object;
  readonly #bfloat: () => boolean;
  #shape: readonly number[] | undefined;

  /** @param bfloat whether its two opaque bytes a number are bfloat16, as Keras 3 stores it */
  constructor(object: Hdf5Object, bfloat: () => boolean) {
    this.#object = object;
    this.#bfloat = bfloat;
  }

  get shape(): readonly number[] {
    // A dataset without a dataspace has no elements.
    this.#shape ??= readDataspace(this.#object.require(MESSAGE.dataspace, "dimensions")) ?? [0];
    return this.#shape;
  }

  /** All its numbers, row-major. */
  async read(): Promise<Float32Array> {
    const { file, what } = this.#object;
    const { budget } = file;
    const count = sizeOf(this.shape);
    const type = this.#type();
    const decode = decoderOf(type, file, what);
    if (this.#object.has(MESSAGE.external)) {
      throw file.unsupported(what, "numbers within the file", "a dataset that lies in other files");
    }
    const layout = readLayout(this.#object, this.shape, type.size);
    const filters = readFilters(this.#object);
    const whole = "chunk" in layout ? checkChunks(file, what, layout, filters) : this.#checkPiece(layout, count, type);
    budget.unpack(4 * count, `${file.where}: ${what}`);
    const numbers = new Float32Array(count);
    if (!whole) {
      const fill = readFill(this.#object, type, decode);
      if (fill !== 0) numbers.fill(fill);
    }
    if ("chunk" in layout) await this.#readChunks(layout, filters, decode, numbers);
    else if (layout.at !== undefined) {
      for (let from = 0; from < count; from += STRIDE) {
        decode(file.bytes, layout.at + from * type.size, numbers, from, Math.min(STRIDE, count - from));
        await budget.turn();
      }
    }
    return numbers;
  }

  #type(): Datatype {
    const type = readDatatype(this.#object.require(MESSAGE.datatype, "a type"));
    return type.kind === "opaque" && type.size === 2 && this.#bfloat() ? { ...type, kind: "bfloat16" } : type;
  }

  /** Answers whether the piece was written. */
  #checkPiece(
    layout: { readonly at: number | undefined; readonly size: number },
    count: number,
    type: Datatype,
  ): boolean {
    if (layout.at === undefined) return false;
    const { file, what } = this.#object;
    const needed = count * type.size;
    if (needed > layout.size)
      throw file.damaged(what, `${needed} bytes for [${this.shape.join(",")}]`, `${layout.size}`);
    file.within(layout.at, needed, what);
    return true;
  }

  async #readChunks(chunks: Chunks, filters: readonly Filter[], decode: Decode, numbers: Float32Array): Promise<void> {
    const { file, what } = this.#object;
    const buffers = filters.length > 0 ? [chunks.size, chunks.size].map((size) => size + 4 * filters.length) : [];
    for (const size of buffers) file.budget.unpack(size, `${file.where}: ${what}`);
    // Chunks that reach far over the shape's edge are unpacked all the same.
    const over = chunks.written.length * chunks.size - numbers.length * chunks.elementSize;
    if (filters.length > 0) file.budget.unpack(Math.max(over, 0), `${file.where}: ${what}`);
    const scratch = buffers.map((size) => new Uint8Array(size));
    for (const chunk of chunks.written) {
      const bytes = await this.#unfiltered(chunk, chunks, filters, scratch);
      copyChunk(bytes, chunk, chunks, this.shape, decode, numbers);
      await file.budget.turn();
    }
  }

  async #unfiltered(
    chunk: Chunk,
    chunks: Chunks,
    filters: readonly Filter[],
    scratch: readonly Uint8Array[],
  ): Promise<Uint8Array> {
    const { file, what } = this.#object;
    const stored = file.bytes.subarray(chunk.at, chunk.at + chunk.size);
    const active = filters.filter((_, i) => !((chunk.mask >>> i) & 1));
    const bytes = await unfilter(stored, active, chunks, scratch, file, what);
    if (bytes.length !== chunks.size) {
      throw file.damaged(what, `chunks of ${chunks.size} bytes`, `one of ${bytes.length}`);
    }
    return bytes;
  }
}

function readLayout(object: Hdf5Object, shape: readonly number[], elementSize: number): Layout {
  const { file, what } = object;
  const cursor = object.require(MESSAGE.layout, "a layout");
  const version = cursor.version(1, 2, 3, 4);
  if (version < 3) return readOldLayout(cursor, shape, elementSize);
  const kind = cursor.u8();
  if (kind === 0) {
    const size = cursor.u16();
    return { at: cursor.skip(size), size };
  }
  if (kind === 1) return { at: cursor.address(), size: cursor.length() };
  if (kind !== 2) throw file.unsupported(what, "a dataset with numbers of its own", `layout ${kind}, a virtual one`);
  if (version === 4) return readIndex(cursor, shape, elementSize);
  const rank = cursor.u8();
  const tree = cursor.address();
  return chunksOf(cursor, rank, tree, shape, elementSize);
}

function readOldLayout(cursor: Cursor, shape: readonly number[], elementSize: number): Layout {
  const rank = cursor.u8();
  const kind = cursor.u8();
  cursor.skip(5);
  if (kind === 2) return chunksOf(cursor, rank, cursor.address(), shape, elementSize);
  const at = kind === 1 ? cursor.address() : undefined;
  cursor.skip(4 * rank);
  if (kind === 1) return { at, size: sizeOf(shape) * elementSize };
  if (kind !== 0) throw cursor.file.unsupported(cursor.what, "a known layout", String(kind));
  const size = cursor.u32();
  return { at: cursor.skip(size), size };
}

/** The sizes of a chunk stand in the message, that of an element behind them. */
function chunksOf(
  cursor: Cursor,
  rank: number,
  tree: number | undefined,
  shape: readonly number[],
  elementSize: number,
): Chunks {
  const { file, what } = cursor;
  const sizes = Array.from({ length: rank }, () => cursor.u32());
  const element = sizes.pop();
  if (element !== elementSize || sizes.length !== shape.length || rank < 2 || sizes.some((size) => size < 1)) {
    throw file.damaged(what, `chunks of ${shape.length} dimensions`, `[${sizes.join(",")}] of ${element} bytes`);
  }
  return readChunks(file, what, { tree, chunk: sizes, shape, elementSize });
}

/** The value of what was never written. */
function readFill(object: Hdf5Object, type: Datatype, decode: Decode): number {
  const cursor = object.cursor(MESSAGE.fill);
  let size = 0;
  let from = cursor ?? object.cursor(MESSAGE.oldFill);
  if (cursor) {
    const version = cursor.version(1, 2, 3);
    const flags = version < 3 ? cursor.skip(2) && cursor.u8() : cursor.u8();
    const defined = version === 1 || (version === 2 ? flags === 1 : (flags & 0x20) !== 0);
    if (!defined) from = undefined;
  }
  if (from) size = from.u32();
  // A fill value of no bytes is that of HDF5 itself: 0. Sizes above 2³¹ are negative ones, for none.
  if (!from || size !== type.size) return 0;
  const value = new Float32Array(1);
  decode(object.file.bytes, from.skip(size), value, 0, 1);
  return value[0]!;
}
