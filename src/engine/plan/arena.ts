/**
 * Where short-lived values lie: lifetimes in, offsets out. Pure.
 * @module
 */

/** A value that needs `bytes` from step `first` to step `last`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Byte offsets, one a lifetime and in the same order, and how many bytes they take in all. */
export interface Arena {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/**
 * Places values so that no two that live at the same time overlap: the largest first, each into the smallest gap
 * between the already placed ones that it shares time with. Deterministic; ties go to the one listed first. `bytes` are
 * expected to be multiples of the alignment.
 */
export function placeLifetimes(lifetimes: readonly Lifetime[]): Arena {
  const order = lifetimes.map((_, i) => i).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const placed: number[] = []; // indices, by ascending offset
  let bytes = 0;
  for (const index of order) {
    const value = lifetimes[index]!;
    const offset = smallestGap(value, placed, lifetimes, offsets);
    offsets[index] = offset;
    bytes = Math.max(bytes, offset + value.bytes);
    let at = placed.length;
    while (at > 0 && offsets[placed[at - 1]!]! > offset) at--;
    placed.splice(at, 0, index);
  }
  return { offsets, bytes };
}

/** Offset of the tightest gap that holds `value`; past everything it shares time with when there is none. */
function smallestGap(
  value: Lifetime,
  placed: readonly number[],
  lifetimes: readonly Lifetime[],
  offsets: readonly number[],
): number {
  let end = 0;
  let best = -1;
  let bestSize = Number.POSITIVE_INFINITY;
  for (const index of placed) {
    const other = lifetimes[index]!;
    if (other.last < value.first || value.last < other.first) continue;
    const gap = offsets[index]! - end;
    if (gap >= value.bytes && gap < bestSize) {
      best = end;
      bestSize = gap;
    }
    end = Math.max(end, offsets[index]! + other.bytes);
  }
  return best >= 0 ? best : end;
}
