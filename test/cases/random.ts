/**
 * Seeded numbers for the tests: the same name gives the same data everywhere.
 * @module
 */

/** A source of numbers. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in lo … hi, both included. */
  int(lo: number, hi: number): number;
  /** `length` floats, uniform in [−size, size]. */
  floats(length: number, size?: number): Float32Array;
  /** `length` bytes over the whole range, its ends more often than their share. */
  bytes(length: number): Int8Array;
}

/**
 * Numbers seeded by a name: FNV-1a makes a 32-bit state of it, which steps as a Weyl sequence and is mixed by murmur3's
 * finalizer.
 */
export function random(name: string): Random {
  let state = 0x811c9dc5;
  for (const character of name) state = Math.imul(state ^ character.codePointAt(0)!, 0x01000193);
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
  const int = (lo: number, hi: number) => lo + Math.floor(next() * (hi - lo + 1));
  return {
    next,
    int,
    floats: (length, size = 1) => Float32Array.from({ length }, () => size * (2 * next() - 1)),
    bytes: (length) => Int8Array.from({ length }, () => (next() < 0.1 ? (next() < 0.5 ? -128 : 127) : int(-128, 127))),
  };
}
