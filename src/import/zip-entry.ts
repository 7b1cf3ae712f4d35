/**
 * One small file out of a zip that stands behind other bytes, as TFLite appends its labels. Only that one is unpacked, and not beyond the size that the zip's
 * directory gives for it.
 * @module
 */
import { FormatError, UnsupportedError } from "../errors.ts";
import type { Budget } from "../limits.ts";

/** Bytes of a file beyond which it is not what is looked for. */
const MOST_BYTES = 1 << 24;
/** Compressed bytes that are unpacked at a time: they come to 1032 times as many at the most. */
const PIECE = 1 << 11;

const [STORED, DEFLATED] = [0, 8];

/** A file's place and size by the directory, not yet trusted. */
interface Entry {
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly header: number;
}

/**
 * The first file of that name; undefined where there is no zip, none of that name in it, or one of more than 16 MiB.
 * @param where begins the messages
 * @throws {@link FormatError} when the zip is damaged; MemoryError when the file is larger than the budget allows
 */
export async function readZipEntry(
  bytes: Uint8Array,
  name: string,
  where: string,
  budget: Budget,
): Promise<Uint8Array | undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entry = findEntry(view, bytes, name);
  if (!entry || entry.size > MOST_BYTES) return undefined;
  const damaged = (what: string, cause?: unknown) =>
    new FormatError(`${where}: expected '${name}' in a whole zip file, got a damaged one (${what})`, { cause });
  const { header, packed, size, method } = entry;
  if (header < 0 || header + 30 > bytes.length || view.getUint32(header, true) !== 0x04034b50)
    throw damaged("no header");
  const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  if (start + packed > bytes.length) throw damaged("it ends too soon");
  budget.unpack(size, `${where}: '${name}'`);
  const content = bytes.subarray(start, start + packed);
  if (method === STORED) {
    if (packed !== size) throw damaged("its sizes disagree");
    return content;
  }
  if (method !== DEFLATED) throw new UnsupportedError(`${where}: '${name}': expected deflate, got method ${method}`);
  return inflated(content, size, where, damaged, budget);
}

/** By the directory at the file's end; the end record is 22 bytes plus a comment of up to 64 KiB. */
function findEntry(view: DataView, bytes: Uint8Array, name: string): Entry | undefined {
  let end = bytes.length - 22;
  while (end >= 0 && end > bytes.length - 65_558 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) return undefined;
  const [length, begin] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  // The directory stands right before its end record. Offsets count from the file's beginning, or from the zip's.
  const shift = end - length - begin;
  if (shift < 0) return undefined;
  const wanted = new TextEncoder().encode(name);
  for (let at = begin + shift; at + 46 <= end && view.getUint32(at, true) === 0x02014b50; ) {
    const nameLength = view.getUint16(at + 28, true);
    if (nameLength === wanted.length && wanted.every((byte, i) => byte === bytes[at + 46 + i])) {
      return {
        method: view.getUint16(at + 10, true),
        packed: view.getUint32(at + 20, true),
        size: view.getUint32(at + 24, true),
        header: view.getUint32(at + 42, true) + shift,
      };
    }
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return undefined;
}

async function inflated(
  packed: Uint8Array,
  size: number,
  where: string,
  damaged: (what: string, cause?: unknown) => FormatError,
  budget: Budget,
): Promise<Uint8Array> {
  let fflate: typeof import("fflate");
  try {
    fflate = await import("fflate");
  } catch (cause) {
    throw new UnsupportedError(`${where}: expected the package 'fflate' to unpack labels with, got none; install it`, {
      cause,
    });
  }
  const content = new Uint8Array(size);
  let filled = 0;
  const stream = new fflate.Inflate((chunk) => {
    if (filled + chunk.length > size) throw damaged(`more than ${size} bytes`);
    content.set(chunk, filled);
    filled += chunk.length;
  });
  for (let at = 0; at < packed.length; at += PIECE) {
    await budget.turn();
    try {
      stream.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.length);
    } catch (error) {
      throw error instanceof FormatError ? error : damaged((error as Error).message, error);
    }
  }
  if (filled !== size) throw damaged(`${filled} bytes, not ${size}`);
  return content;
}
