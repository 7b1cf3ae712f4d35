/**
 * One file out of a gzipped tar archive.
 * @module
 */
import { gunzipSync } from "node:zlib";
import { FormatError } from "../errors.ts";

const BLOCK = 512;
/** Bytes of the unpacked archive at the most. */
const MOST = 2 ** 29;

/**
 * The file of that name, in whichever folder it lies.
 * @throws FormatError for what is no such archive, is cut off, or has no such file
 */
export function fileInTgz(archive: Uint8Array, name: string, where: string): Uint8Array {
  let tar: Uint8Array;
  try {
    tar = gunzipSync(archive, { maxOutputLength: MOST });
  } catch (cause) {
    throw new FormatError(`${where}: expected a gzipped tar archive, got ${(cause as Error).message}`, { cause });
  }
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).replace(/\0[\s\S]*$/, "");
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim(), 8);
    const end = at + BLOCK + size;
    if (!(size >= 0) || end > tar.length) {
      throw new FormatError(
        `${where}: expected a whole entry at byte ${at} of the archive, got ${tar.length} bytes in all`,
      );
    }
    if (text(at, 100).split("/").at(-1) === name) return tar.slice(at + BLOCK, end);
    at = BLOCK * Math.ceil(end / BLOCK);
  }
  throw new FormatError(`${where}: expected ${name} in the archive, got one without`);
}
