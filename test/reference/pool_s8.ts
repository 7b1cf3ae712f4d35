/**
 * Means in 8 bits, in the signs that the file has.
 * @module
 */
import type { Factor } from "./fixed_point.ts";

/** The mean to the nearest, ties away from zero. */
export function average(seen: readonly number[]): number {
  const sum = seen.reduce((a, b) => a + b, 0);
  const half = Math.floor(seen.length / 2);
  return Math.trunc((sum > 0 ? sum + half : sum - half) / seen.length);
}

/** What the sum over so many pixels is multiplied by, where the mean is to be multiplied by a factor. */
export function meanFactor({ m, s }: Factor, pixels: number): Factor {
  const shift = Math.min(Math.floor(Math.log2(pixels)), 32, 31 + s);
  return { m: (m << BigInt(shift)) / BigInt(pixels), s: s - shift };
}
