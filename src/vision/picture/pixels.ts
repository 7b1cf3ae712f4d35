/**
 * What the decoders answer with, and what they say when they can't.
 * @module
 */
import { FormatError, MemoryError } from "../../errors.ts";

/** RGBA, row-major, nothing between rows: 4·width·height bytes, in a buffer of their own. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Pixels to be filled, all zero.
 * @throws {@link MemoryError} when the host does not give so much
 */
export function blank(name: string, width: number, height: number): Pixels {
  return { data: new Uint8Array(allocate(name, 4 * width * height)), width, height };
}

/**
 * Zeroed memory of so many bytes.
 * @throws {@link MemoryError} when the host does not give so much
 */
export function allocate(name: string, bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw new MemoryError(`${name}: expected ${bytes} bytes for its pixels, got none`, bytes, 0, { cause });
  }
}

/** For a file that ends too early, or holds less than it claims. */
export function truncated(name: string, kind: string, what: string): FormatError {
  return new FormatError(`${name}: expected a whole ${kind}, got a truncated one: ${what}`);
}

/** For a file that contradicts itself or its format. */
export function damaged(name: string, kind: string, what: string, options?: ErrorOptions): FormatError {
  return new FormatError(`${name}: expected a sound ${kind}, got a damaged one: ${what}`, options);
}

/** For a picture of more pixels than are allowed. The error's numbers are bytes of RGBA. */
export function tooLarge(name: string, width: number, height: number, maxPixels: number): MemoryError {
  const pixels = width * height;
  return new MemoryError(
    `${name}: expected at most ${maxPixels} pixels (maxPixels), got ${width}×${height} = ${pixels}`,
    4 * pixels,
    4 * maxPixels,
  );
}
