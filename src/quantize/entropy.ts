/**
 * Ranges by entropy: of a value's numbers, how much of what they say is lost in 256 steps, for each range that could be
 * cut out of them.
 * source: Migacz 2017, "8-bit inference with TensorRT": the range with the least Kullback-Leibler divergence
 */

const LEVELS = 256;
/** Ranges that are tried: parts of the whole, from all of it down. */
const TRIED = 128;
const LEAST = 0.2;

/** Indices [first, last] of bins. */
export interface Cut {
  readonly first: number;
  readonly last: number;
}

/**
 * The bins to keep of a histogram, whose bin `zero` holds 0 and is always kept: both ends come nearer to it by the same
 * factor.
 */
export function leastDivergence(bins: Float64Array, zero: number): Cut {
  let best: Cut = { first: 0, last: bins.length - 1 };
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIED; i++) {
    const part = 1 - ((1 - LEAST) * i) / TRIED;
    const first = Math.round(zero - zero * part);
    const last = Math.round(zero + (bins.length - 1 - zero) * part);
    if (last - first < LEVELS) break;
    const lost = divergence(bins, first, last);
    if (lost < least) [best, least] = [{ first, last }, lost];
  }
  return best;
}

/**
 * Σ p·log(p/q): p as counted, what is cut off added to the outermost bins; q what is left of it in 256 steps, each
 * spread evenly over those of its bins that hold something.
 */
function divergence(bins: Float64Array, first: number, last: number): number {
  const p = bins.slice(first, last + 1);
  for (let i = 0; i < first; i++) p[0]! += bins[i]!;
  for (let i = last + 1; i < bins.length; i++) p[p.length - 1]! += bins[i]!;
  let [total, kept] = [0, 0];
  for (let i = 0; i < p.length; i++) {
    total += p[i]!;
    kept += bins[first + i]!;
  }
  let lost = 0;
  for (let level = 0; level < LEVELS; level++) {
    const from = Math.floor((level * p.length) / LEVELS);
    const to = Math.floor(((level + 1) * p.length) / LEVELS);
    let [sum, held] = [0, 0];
    for (let i = from; i < to; i++) {
      sum += bins[first + i]!;
      if (p[i]! > 0) held++;
    }
    for (let i = from; i < to; i++) {
      if (p[i] === 0) continue;
      // A step in which nothing but what was cut off ended up has lost all of it.
      const q = sum > 0 ? sum / held / kept : 1e-12;
      lost += (p[i]! / total) * Math.log(p[i]! / total / q);
    }
  }
  return lost;
}
