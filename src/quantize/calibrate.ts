/**
 * The ranges that the values of a network take on samples.
 * @module
 */
import { build } from "../engine/build.ts";
import { type KernelOptions, stableVariant } from "../engine/variant.ts";
import type { Graph } from "../graph/graph.ts";
import { type Cut, leastDivergence } from "./entropy.ts";

/** Numbers for the first input, one run each; or for all inputs by name. */
export type Sample = Float32Array | Readonly<Record<string, Float32Array>>;

/** Ways to find ranges. */
export const CALIBRATIONS = ["minmax", "percentile", "entropy"] as const;

/** How ranges are found. */
export interface CalibrationOptions extends KernelOptions {
  /**
   * `minmax`: everything that occurred. `percentile`: all but the outermost parts of it, where a few outliers would
   * cost all others their precision. `entropy`: of all ranges around zero, the one in which 256 steps say most of what
   * the numbers said.
   */
  readonly calibration?: (typeof CALIBRATIONS)[number] | undefined;
  /** What `percentile` keeps of the numbers, in percent; 99.99 by default. */
  readonly percentile?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for every sample that was run; `total` counts all runs, of all passes over the samples. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Runs samples in the build whose bits are the same on every host, one by one, giving way to the event loop. */
export interface Watch {
  readonly turn: () => Promise<void>;
  readonly ran: () => void;
  readonly kernels: KernelOptions;
}

/** The kernels that options ask for; by default those whose bits are the same on every host. */
export function stable({ variant, wasm }: KernelOptions): KernelOptions {
  return { variant: variant ?? (wasm === undefined ? stableVariant() : undefined), wasm };
}

/** Smallest and largest number of a value. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
}

const BINS = 4096;

/** Largest magnitude of each channel (last axis) of every node's value. */
export async function channelPeaks(
  graph: Graph,
  samples: readonly Sample[],
  { turn, ran, kernels }: Watch,
): Promise<ReadonlyMap<string, Float64Array>> {
  const session = await build(graph, { ...kernels, endPoints: graph.nodes.map(({ name }) => name) });
  const peaks = new Map(session.endPoints.map(({ name, shape }) => [name, new Float64Array(shape.at(-1) ?? 1)]));
  for (const sample of samples) {
    await turn();
    for (const [name, numbers] of Object.entries(session.run(sample).endPoints)) {
      const peak = peaks.get(name)!;
      numbers.forEach((x, i) => {
        const c = i % peak.length;
        if (Math.abs(x) > peak[c]!) peak[c] = Math.abs(x);
      });
    }
    ran();
  }
  session.dispose();
  return peaks;
}

/**
 * Runs the samples through the float network and watches every value.
 * @throws RangeError without samples, for a percentile outside (50, 100], and for values that are not finite, naming
 * the node
 */
export async function calibrate(
  graph: Graph,
  samples: readonly Sample[],
  { calibration = "minmax", percentile = 99.99 }: CalibrationOptions,
  { turn, ran, kernels }: Watch,
): Promise<ReadonlyMap<string, Range>> {
  if (samples.length === 0) throw new RangeError("samples: expected one at least, got none");
  if (!(percentile > 50 && percentile <= 100)) {
    throw new RangeError(`percentile: expected more than 50 and at most 100, got ${percentile}`);
  }
  if (!CALIBRATIONS.includes(calibration)) {
    throw new RangeError(`calibration: expected one of ${CALIBRATIONS.join(", ")}, got ${calibration}`);
  }
  const names = graph.nodes.map(({ name }) => name);
  const session = await build(graph, { ...kernels, endPoints: names });
  const values = (sample: Sample): [string, Float32Array][] => {
    const whole = ArrayBuffer.isView(sample) || Array.isArray(sample);
    const inputs = whole ? { [graph.inputs[0]!.name]: sample as Float32Array } : sample;
    return [...Object.entries(inputs), ...Object.entries(session.run(inputs).endPoints)];
  };
  const ranges = new Map<string, Range>();
  for (const sample of samples) {
    await turn();
    for (const [name, numbers] of values(sample)) {
      let { lo, hi } = ranges.get(name) ?? { lo: 0, hi: 0 };
      for (const x of numbers) {
        if (x < lo) lo = x;
        else if (x > hi) hi = x;
        else if (Number.isNaN(x))
          throw new RangeError(`value ${name}: expected finite numbers from every sample, got NaN`);
      }
      if (!Number.isFinite(hi - lo)) throw new RangeError(`value ${name}: expected finite numbers, got ${lo} … ${hi}`);
      ranges.set(name, { lo, hi });
    }
    ran();
  }
  if (calibration === "entropy" || (calibration === "percentile" && percentile < 100)) {
    const counts = new Map([...ranges.keys()].map((name) => [name, new Float64Array(BINS)]));
    for (const sample of samples) {
      await turn();
      for (const [name, numbers] of values(sample)) {
        const { lo, hi } = ranges.get(name)!;
        const bins = counts.get(name)!;
        const scale = (BINS - 1) / (hi - lo || 1);
        for (const x of numbers) bins[Math.floor((x - lo) * scale)]!++;
      }
      ran();
    }
    const ends = new Set([...graph.inputs.map(({ name }) => name), ...graph.outputs, ...logitsOf(graph)]);
    for (const [name, bins] of counts) {
      await turn();
      // Where the answer is read, the rare numbers are those that count; what goes in is known to its ends.
      if (calibration === "entropy" && ends.has(name)) continue;
      const range = ranges.get(name)!;
      const cut = calibration === "entropy" ? informative(range, bins) : trimmed(bins, percentile / 100);
      ranges.set(name, within(range, cut));
    }
  }
  session.dispose();
  return ranges;
}

/** Values that a softmax makes probabilities of. */
function logitsOf({ nodes }: Graph): readonly string[] {
  return nodes.flatMap(({ op, inputs }) => (op === "softmax" || op === "sigmoid" ? [inputs[0]!] : []));
}

/** Without the outermost numbers: as many at either end as make up half of what is not kept. */
function trimmed(bins: Float64Array, keep: number): Cut {
  const drop = (bins.reduce((a, b) => a + b, 0) * (1 - keep)) / 2;
  let [first, last] = [0, BINS - 1];
  for (let sum = bins[first]!; sum <= drop && first < last; sum += bins[first]!) first++;
  for (let sum = bins[last]!; sum <= drop && last > first; sum += bins[last]!) last--;
  return { first, last };
}

/** What a range keeps of its numbers, zeros aside: padding and ReLUs make many, which every range around 0 keeps. */
function informative({ lo, hi }: Range, bins: Float64Array): Cut {
  const zero = Math.floor((-lo * (BINS - 1)) / (hi - lo || 1));
  const others = bins.slice();
  others[zero] = 0;
  return leastDivergence(others, zero);
}

/** The part of a range that a cut keeps; 0 stays in it. */
function within({ lo, hi }: Range, { first, last }: Cut): Range {
  const width = (hi - lo) / (BINS - 1);
  return { lo: Math.min(0, lo + first * width), hi: Math.max(0, Math.min(hi, lo + (last + 1) * width)) };
}
