/**
 * Whether the kernels' fast requantization (`assembly/lib/requantize.ts`) gives the numbers of the formula for a set of
 * weights.
 * @module
 */
import type { Graph } from "../../graph/graph.ts";
import { multiplied } from "../../graph/quant.ts";
import type { Bounds, Packed } from "./packed.ts";

/** Shifts for which the fast form is exact whatever the sum. */
const [LEAST, MOST] = [1, 12];
/** 1.5·2⁵²: adding it rounds a double to the nearest whole number. */
const ROUND = 6755399441055744;

/**
 * True if it does for every sum that these weights can come to. Shifts of 1 … 12 always do. For others (the scales of
 * channels that have all but died in training) both functions are compared where the formula's result changes: they
 * grow with the sum, so what is equal there is equal everywhere. Without weights the answer is no.
 */
export function fastHolds(packed: Extract<Packed, { layout: "matrix_s8" | "depthwise_s8" }>, graph: Graph): boolean {
  const { bounds } = packed;
  const { m, e, n } = packed;
  const unusual = e.flatMap((shift, o) => (shift >= LEAST && shift <= MOST ? [] : [o]));
  if (unusual.length === 0) return true;
  const { data, quantization } = graph.constants.get(packed.weights)!;
  if (data === undefined) return false;
  const bias = packed.bias === undefined ? undefined : graph.constants.get(packed.bias)!.data;
  const zw = quantization!.zeroPoints[0]!;
  return unusual.every((o) => {
    let reach = 0;
    for (let i = o; i < data.length; i += n) reach += 255 * Math.abs(data[i]! - zw);
    const center = bias?.[o] ?? 0;
    // Sums that leave 32 bits come back at the other end.
    if (center - reach < -(2 ** 31) || center + reach >= 2 ** 31) return false;
    return e[o]! >= LEAST && agree(m[o]!, e[o]!, center - reach, center + reach, bounds);
  });
}

function agree(m: number, e: number, low: number, high: number, { lo, hi }: Bounds): boolean {
  const within = (y: number) => Math.min(hi, Math.max(lo, y));
  const exact = (x: number) => within(multiplied(x, { m, e }));
  const scale = m * 2 ** (-31 - e);
  const [half, least] = [2 ** (-1 - e), 2 ** (-32 - e)];
  const offset = (x: number) => (lo >= 0 ? x * scale + (half + least) : x * scale + least + (x < 0 ? -half : half));
  const fast = (x: number) => within(offset(x) + ROUND - ROUND);
  const same = (x: number) => exact(x) === fast(x);
  if (!same(low) || !same(high)) return false;
  for (let n = exact(low) + 1, last = exact(high); n <= last; n++) {
    const x = firstAtLeast(n, m, e);
    // The last sum below n, and the first one from it on.
    if (exact(x - 1) >= n || exact(x) < n || !same(x - 1) || !same(x)) return false;
  }
  return true;
}

/**
 * The first sum that the formula makes at least n of: x·m reaches ((2n − 1)·2^e − 1)·2³⁰, or where n is not above zero,
 * is no further below it than that of 1 − n.
 */
function firstAtLeast(n: number, m: number, e: number): number {
  const threshold = (BigInt(Math.max(2 * n - 1, 1 - 2 * n)) * (1n << BigInt(e)) - 1n) << 30n;
  const [whole, factor] = [threshold / BigInt(m), BigInt(m)];
  return Number(n > 0 ? whole + (whole * factor < threshold ? 1n : 0n) : -whole);
}
