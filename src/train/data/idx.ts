/**
 * IDX, the format of MNIST and its relatives: two zero bytes, the type of the numbers, how many dimensions there are,
 * each of them in four bytes (the most significant first), the numbers.
 * @module
 */
import { kindOf, tagOf } from "../../arguments.ts";
import { FormatError, MemoryError, ShapeError, UnsupportedError } from "../../errors.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { type Dataset, dataset } from "./dataset.ts";

/** Bytes of an IDX file. */
export interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTES = 0x08;
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x09, "int8"],
  [0x0b, "int16"],
  [0x0c, "int32"],
  [0x0d, "float32"],
  [0x0e, "float64"],
]);
const MOST_DIMENSIONS = 8;
/** Bytes that are unpacked at a time, so that a small file cannot become a huge one before it is noticed. */
const PIECE = 1 << 14;

/**
 * Reads an IDX file of bytes, gzipped or not.
 * @param name what errors call it
 * @param most bytes that the file may unpack to
 * @throws FormatError for other files and damaged ones; UnsupportedError for numbers that are no bytes; MemoryError for
 *   more than `most`
 */
export async function readIdx(file: Uint8Array, name = "idx", most = DEFAULT_LIMITS.maxUnpackedBytes): Promise<Idx> {
  if (tagOf(file) !== "Uint8Array") throw new TypeError(`${name}: expected a Uint8Array, got ${kindOf(file)}`);
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? await gunzip(file, name, most) : file;
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    throw new FormatError(`${name}, byte 0: expected the two zeros of an IDX file, got ${shown(bytes)}`);
  }
  const [, , type = 0, rank = 0] = bytes;
  if (type !== UNSIGNED_BYTES) {
    const known = TYPES.get(type);
    if (known) throw new UnsupportedError(`${name}, byte 2: expected unsigned bytes (8), got ${known} (${type})`);
    throw new FormatError(`${name}, byte 2: expected a type of numbers, got ${type}`);
  }
  if (rank < 1 || rank > MOST_DIMENSIONS || bytes.length < 4 + 4 * rank) {
    throw new FormatError(
      `${name}, byte 3: expected 1 to ${MOST_DIMENSIONS} dimensions within the file, got ${rank} in ${bytes.length} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * rank);
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length !== size) {
    throw new FormatError(
      `${name}, byte 4: expected ${size} bytes for [${shape.join(", ")}], got ${data.length} to the file's end`,
    );
  }
  return { shape, data };
}

/**
 * A data set out of the two IDX files of one: pictures [count, height, width] or [count, height, width, channels], and
 * labels [count].
 * @param images the file of pictures, gzipped or not
 * @param labels the file of labels, gzipped or not
 * @param classes names of the classes; without: their numbers
 * @throws as {@link readIdx}; ShapeError for other dimensions; RangeError for a label without a class
 * @example
 * ```js no-run
 * import { readFile } from "node:fs/promises";
 * import { idxDataset } from "sepconv/train";
 *
 * const file = (name) => readFile(`fashion-mnist/train-${name}-ubyte.gz`);
 * const examples = await idxDataset(await file("images-idx3"), await file("labels-idx1"));
 * console.log(examples.count, examples.height, examples.width);
 * ```
 */
export async function idxDataset(
  images: Uint8Array,
  labels: Uint8Array,
  classes?: readonly string[],
): Promise<Dataset> {
  const pictures = await readIdx(images, "images");
  const numbers = await readIdx(labels, "labels");
  const [count = 0, height = 0, width = 0, channels = 1, ...others] = pictures.shape;
  if (pictures.shape.length < 3 || others.length > 0 || (channels !== 1 && channels !== 3)) {
    throw new ShapeError(
      `images: expected [count, height, width] or [count, height, width, 1 or 3], got [${pictures.shape.join(", ")}]`,
    );
  }
  if (numbers.shape.length !== 1 || numbers.shape[0] !== count) {
    throw new ShapeError(`labels: expected [${count}], as there are pictures, got [${numbers.shape.join(", ")}]`);
  }
  return dataset({ pixels: pictures.data, labels: numbers.data, height, width, channels, classes });
}

async function gunzip(file: Uint8Array, name: string, most: number): Promise<Uint8Array> {
  const { Gunzip } = await import("fflate");
  const pieces: Uint8Array[] = [];
  let length = 0;
  const unpack = new Gunzip((piece) => {
    length += piece.length;
    if (length > most)
      throw new MemoryError(`${name}: expected at most ${most} bytes unpacked, got more`, length, most);
    pieces.push(piece);
  });
  try {
    for (let at = 0; at < file.length; at += PIECE) {
      unpack.push(file.subarray(at, at + PIECE), at + PIECE >= file.length);
    }
  } catch (cause) {
    if (cause instanceof MemoryError) throw cause;
    throw new FormatError(`${name}: expected gzipped data, got: ${(cause as Error).message}`, { cause });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function shown(bytes: Uint8Array): string {
  return bytes.length === 0
    ? "nothing"
    : Array.from(bytes.subarray(0, 4), (b) => b.toString(16).padStart(2, "0")).join(" ");
}
