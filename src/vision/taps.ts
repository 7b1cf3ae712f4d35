/**
 * Resampling along one axis as data: which source pixels each output pixel reads, and with what weights. The kernel
 * `image_f32` only sums.
 * @module
 */

/**
 * How pixels are resampled. `area`: the mean over the part of the picture that the output pixel covers, partly covered
 * pixels by their share. `bilinear`: between the two pixels nearest to the output pixel's center (half-pixel centers).
 * `bilinear-asymmetric`: the same, but output pixel i samples at i·scale, as TensorFlow.js and TensorFlow 1 do; for
 * networks that were trained or are compared that way. `auto`: `area` where an axis shrinks, `bilinear` where it
 * doesn't.
 */
export type Method = "auto" | "area" | "bilinear" | "bilinear-asymmetric";

/**
 * For each output index a run of source indices: `starts[i]` … `starts[i] + counts[i] − 1`, both non-decreasing at
 * their ends.
 */
export interface Taps {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** [outputs, most]; those beyond a count are 0. */
  readonly weights: Float32Array;
  /** The largest count. */
  readonly most: number;
}

/** What one output index reads. */
interface Run {
  readonly start: number;
  readonly weights: readonly number[];
}

/**
 * The taps along one axis of `size` pixels, of which [from, from + length) goes to `outputs` pixels. What lies outside
 * counts as the pixel at the edge of that part, as if it had been cut out before.
 */
export function taps(method: Method, size: number, from: number, length: number, outputs: number): Taps {
  const scale = length / outputs;
  const first = Math.floor(from);
  // A part that ends at a pixel's edge, up to rounding, does not touch the next pixel.
  const last = Math.min(size, Math.ceil(from + length - TINY)) - 1;
  const run = runner(method === "auto" ? (scale > 1 ? "area" : "bilinear") : method, from, scale, first, last);
  const runs = Array.from({ length: outputs }, (_, i) => run(i));
  const most = Math.max(...runs.map(({ weights }) => weights.length));
  const weights = new Float32Array(outputs * most);
  runs.forEach((r, i) => {
    weights.set(r.weights, i * most);
  });
  return {
    starts: Int32Array.from(runs, ({ start }) => start),
    counts: Int32Array.from(runs, (r) => r.weights.length),
    weights,
    most,
  };
}

/** Shares of a pixel below this are rounding errors of positions. */
const TINY = 1e-9;

function runner(
  method: Exclude<Method, "auto">,
  from: number,
  scale: number,
  first: number,
  last: number,
): (i: number) => Run {
  switch (method) {
    case "area":
      return (i) => covered(from + i * scale, from + (i + 1) * scale, first, last);
    case "bilinear":
      return (i) => between(from + (i + 0.5) * scale - 0.5, first, last);
    case "bilinear-asymmetric":
      return (i) => between(from + i * scale, first, last);
    default:
      throw new RangeError(
        `method: expected "auto", "area", "bilinear" or "bilinear-asymmetric", got ${JSON.stringify(method)}`,
      );
  }
}

/** The pixels that [lo, hi) covers, each by its share. */
function covered(lo: number, hi: number, first: number, last: number): Run {
  const start = Math.min(last, Math.max(first, Math.floor(lo + TINY)));
  const end = Math.max(start, Math.min(last, Math.ceil(hi - TINY) - 1));
  const shares: number[] = [];
  for (let j = start; j <= end; ++j) shares.push(Math.min(hi, j + 1) - Math.max(lo, j));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return { start, weights: shares.map((share) => share / total) };
}

/** The two pixels around `at`, a pixel's index being its center. */
function between(at: number, first: number, last: number): Run {
  const left = Math.floor(at);
  const part = at - left;
  if (left < first) return { start: first, weights: [1] };
  if (left >= last) return { start: last, weights: [1] };
  return part < TINY ? { start: left, weights: [1] } : { start: left, weights: [1 - part, part] };
}
