/**
 * zlib, by `fflate`, in pieces.
 * @module
 */

/** Compressed bytes that are unpacked at a time. They become a thousand times as many at most. */
const SLICE = 1 << 13;

/** The most that a byte of deflate's can become. */
export const MOST = 1032;

/**
 * Unpacks a zlib stream piece by piece, so that nothing is unpacked which nobody asked for.
 * @param take gets what is unpacked; false when it has enough
 * @throws what fflate throws for a damaged stream
 */
export function inflate(
  Unzlib: typeof import("fflate").Unzlib,
  packed: Uint8Array,
  take: (bytes: Uint8Array) => boolean,
): void {
  let wanted = true;
  const stream = new Unzlib((bytes) => {
    wanted = take(bytes);
  });
  for (let at = 0; at < packed.length && wanted; at += SLICE) stream.push(packed.subarray(at, at + SLICE));
}
