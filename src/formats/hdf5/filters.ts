/**
 * Filters of HDF5 chunks: gzip, shuffled bytes, checksums.
 * @module
 */

import { inflateInto } from "../common/inflate.ts";
import type { Hdf5Bytes } from "./bytes.ts";
import { type Hdf5Object, MESSAGE } from "./objects.ts";

/** What was done to a chunk before it was written. */
export interface Filter {
  readonly kind: "deflate" | "shuffle" | "fletcher32";
}

const KINDS: ReadonlyMap<number, Filter["kind"]> = new Map([
  [1, "deflate"],
  [2, "shuffle"],
  [3, "fletcher32"],
]);

const OTHERS: ReadonlyMap<number, string> = new Map([
  [4, "szip"],
  [5, "nbit"],
  [6, "scale-offset"],
  [32000, "lzf"],
  [32001, "blosc"],
  [32004, "lz4"],
  [32015, "zstd"],
]);

/** The filters of a dataset, in the order of writing. @throws {UnsupportedError} One of them is not known. */
export function readFilters(object: Hdf5Object): readonly Filter[] {
  const cursor = object.cursor(MESSAGE.filters);
  if (!cursor) return [];
  const { file, what } = object;
  const version = cursor.version(1, 2);
  const count = cursor.u8();
  if (version === 1) cursor.skip(6);
  const filters = Array.from({ length: count }, (): Filter => {
    const id = cursor.u16();
    const nameSize = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.u16();
    const values = cursor.u16();
    cursor.skip(version === 1 ? 8 * Math.ceil(nameSize / 8) : nameSize);
    cursor.skip(4 * (version === 1 && values % 2 === 1 ? values + 1 : values));
    const kind = KINDS.get(id);
    if (!kind) {
      throw file.unsupported(what, "gzip, shuffle or fletcher32 as filter", OTHERS.get(id) ?? `filter ${id}`);
    }
    return { kind };
  });
  for (const kind of ["deflate", "shuffle"] as const) {
    if (filters.filter((filter) => filter.kind === kind).length > 1) {
      throw file.unsupported(what, `${kind} once as filter`, "more of it");
    }
  }
  if (filters.length > 8) throw file.unsupported(what, "at most 8 filters", String(filters.length));
  return filters;
}

/** Bytes that are summed up before the event loop is thought of. */
const STRIDE = 2 ** 20;

/**
 * Undoes what was done to a chunk.
 * @param scratch two buffers, each of a chunk's size and 4 bytes for each filter
 */
export async function unfilter(
  stored: Uint8Array,
  filters: readonly Filter[],
  { size, elementSize }: { readonly size: number; readonly elementSize: number },
  scratch: readonly Uint8Array[],
  file: Hdf5Bytes,
  what: string,
): Promise<Uint8Array> {
  let bytes = stored;
  for (let i = filters.length - 1; i >= 0; i--) {
    const { kind } = filters[i]!;
    if (kind === "fletcher32") {
      // Checksums that the chunk had before this filter are in what comes out of it.
      if (bytes.length < 4) throw file.damaged(what, "a checksum", `${bytes.length} bytes`);
      bytes = bytes.subarray(0, bytes.length - 4);
    } else if (kind === "deflate") {
      const sums = filters.slice(0, i).filter((before) => before.kind === "fletcher32").length;
      bytes = await inflate(bytes, scratch[0]!.subarray(0, size + 4 * sums), file, what);
    } else bytes = unshuffle(bytes, scratch[1]!.subarray(0, bytes.length), elementSize);
  }
  return bytes;
}

/** What zlib wrote: two bytes of header, a deflate stream, a checksum of what it holds. */
async function inflate(packed: Uint8Array, output: Uint8Array, file: Hdf5Bytes, what: string): Promise<Uint8Array> {
  const [method, flags] = [packed[0] ?? 0, packed[1] ?? 0];
  if ((method & 15) !== 8 || (method * 256 + flags) % 31 !== 0 || flags & 32) {
    throw file.damaged(what, "chunks that zlib packed", "other bytes");
  }
  await inflateInto(output, packed.subarray(2, -4), `${file.where}: HDF5, ${what}`, file.budget);
  const sum = new Adler();
  for (let at = 0; at < output.length; at += STRIDE) {
    sum.add(output.subarray(at, at + STRIDE));
    await file.budget.turn();
  }
  const stored = packed.subarray(-4).reduce((value, byte) => value * 256 + byte, 0);
  if (stored !== sum.value) throw file.damaged(what, "chunks as they were written", "others");
  return output;
}

/** Adler's checksum, which zlib puts behind what it packs. */
class Adler {
  #a = 1;
  #b = 0;

  add(bytes: Uint8Array): void {
    let [a, b] = [this.#a, this.#b];
    for (let i = 0; i < bytes.length; ) {
      // So many fit before the sums leave 32 bits.
      const end = Math.min(i + 3800, bytes.length);
      for (; i < end; i++) {
        a += bytes[i]!;
        b += a;
      }
      a %= 65521;
      b %= 65521;
    }
    [this.#a, this.#b] = [a, b];
  }

  get value(): number {
    return this.#b * 65536 + this.#a;
  }
}

/**
 * The first bytes of all elements, then the second ones …: back in order. What is left over stands behind as it was.
 */
function unshuffle(bytes: Uint8Array, output: Uint8Array, elementSize: number): Uint8Array {
  const count = Math.floor(bytes.length / elementSize);
  for (let byte = 0, from = 0; byte < elementSize; byte++) {
    for (let at = byte, end = count * elementSize; at < end; at += elementSize) output[at] = bytes[from++]!;
  }
  output.set(bytes.subarray(count * elementSize), count * elementSize);
  return output;
}
