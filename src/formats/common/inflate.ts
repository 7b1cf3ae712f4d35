/**
 * Deflate, unpacked into a buffer of the size that was claimed: never a byte more, in steps between which others get
 * their turn.
 * @module
 */
import { FormatError } from "../../errors.ts";
import type { Budget } from "../../limits.ts";

/** No deflate stream unpacks to more than this many times its size: 258 bytes from two bits. */
const MOST_EXPANSION = 1032;

/** Packed bytes that are unpacked at a time: they come to two megabytes at the most. */
const PIECE = 1 << 11;

/** Whether so many packed bytes can hold so many unpacked ones. */
export function canInflate(packed: number, unpacked: number): boolean {
  return unpacked <= packed * MOST_EXPANSION;
}

/**
 * Fills `target` with what a deflate stream (without the header of zlib or gzip) holds.
 * @param where begins the messages
 * @throws {@link FormatError} when it is damaged, or holds more or less
 */
export async function inflateInto(
  target: Uint8Array,
  packed: Uint8Array,
  where: string,
  { turn }: Pick<Budget, "turn">,
): Promise<void> {
  const { Inflate } = await import("fflate");
  const damaged = (got: string, cause?: unknown) =>
    new FormatError(`${where}: expected a deflate stream of ${target.length} bytes, got ${got}`, { cause });
  let filled = 0;
  const stream = new Inflate((bytes) => {
    if (filled + bytes.length > target.length) throw damaged("more");
    target.set(bytes, filled);
    filled += bytes.length;
  });
  for (let at = 0; at < packed.length; at += PIECE) {
    await turn();
    try {
      stream.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.length);
    } catch (error) {
      throw error instanceof FormatError ? error : damaged(`a damaged one (${(error as Error).message})`, error);
    }
  }
  if (filled !== target.length) throw damaged(`${filled}`);
}
