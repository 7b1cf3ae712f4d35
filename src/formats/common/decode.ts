/**
 * Numbers of files in the order and type in which graphs keep them, a piece at a time: a large tensor must not keep the
 * event loop waiting.
 * @module
 */
import type { Budget } from "../../limits.ts";

/** Numbers that are decoded between two looks at the clock: a few milliseconds' worth. */
const PIECE = 1 << 19;

/**
 * Calls `piece` for [from, to) over all of `length` in turn, giving way where the time is up. @throws the signal's
 * reason once it is aborted
 */
export async function inPieces(
  length: number,
  budget: Budget,
  piece: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < length; from += PIECE) {
    await budget.turn();
    piece(from, Math.min(length, from + PIECE));
  }
}

/** [rows, columns] → [columns, rows]. */
export async function transposed<T extends Float32Array | Int8Array | Uint8Array>(
  data: T,
  rows: number,
  columns: number,
  budget: Budget,
): Promise<T> {
  const result = new (data.constructor as new (length: number) => T)(data.length);
  let [r, c] = [0, 0];
  await inPieces(data.length, budget, (from, to) => {
    for (let i = from; i < to; i++) {
      result[c * rows + r] = data[i]!;
      if (++c === columns) [c, r] = [0, r + 1];
    }
  });
  return result;
}

/** Half precision: 1 sign bit, 5 exponent bits (bias 15), 10 mantissa bits. Every value is exact in float32. */
function widened(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

let halves: Float32Array | undefined;

/** float16, given as its bits, from one place to the same of `result`. */
export function widen(bits: Uint16Array, result: Float32Array, from = 0, to = bits.length): void {
  // One table for all 65,536 of them: a power of two each would take seconds for a large model.
  halves ??= Float32Array.from({ length: 65_536 }, (_, half) => widened(half));
  for (let i = from; i < to; i++) result[i] = halves[bits[i]!]!;
}

/** float16, given as its bits, all at once. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  const result = new Float32Array(bits.length);
  widen(bits, result);
  return result;
}
