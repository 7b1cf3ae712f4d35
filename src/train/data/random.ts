/**
 * Random numbers of the data: of integers and products alone, so that every host draws the same ones.
 * @module
 */

/** A source of numbers from 0 on, below 1. */
export type Random = () => number;

/** Numbers that depend on all of these integers, and on nothing else. */
export function random(...seeds: readonly number[]): Random {
  let state = seeds.reduce((hash, seed) => mixed((hash ^ seed) + 0x9e3779b9), 0x2545f491);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return (mixed(state) >>> 0) / 2 ** 32;
  };
}

/** The numbers below `count` in an order by chance (Fisher and Yates). */
export function shuffled(count: number, next: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(next() * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

/** A bijection of 32 bits in which every input bit touches every output bit (the finalizer of MurmurHash3). */
function mixed(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
