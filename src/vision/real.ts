/**
 * Between the numbers of an 8-bit value and what they mean.
 * @module
 */
import type { Numbers, ValueInfo } from "../engine/host/session.ts";
import type { Normalization } from "../graph/graph.ts";
import { rangeOf, roundAway } from "../graph/quant.ts";

/**
 * What a value's numbers mean: scale·(q − zeroPoint); floats and int32 are themselves.
 * @example
 * ```js
 * import { toReal } from "sepconv";
 *
 * const value = { name: "y", shape: [1, 3], dtype: "uint8", scale: 0.5, zeroPoint: 128 };
 * console.log(toReal(Uint8Array.of(128, 129, 0), value)); // 0, 0.5, -64
 * ```
 */
export function toReal(numbers: Numbers, { scale, zeroPoint = 0 }: ValueInfo): Float32Array {
  if (numbers instanceof Float32Array) return numbers;
  if (scale === undefined) return Float32Array.from(numbers);
  return Float32Array.from(numbers, (q) => scale * (q - zeroPoint));
}

/**
 * The nearest numbers that a value can hold, ties away from zero; beyond its range, the last one.
 * @example
 * ```js
 * import { fromReal } from "sepconv";
 *
 * const value = { name: "x", shape: [1, 3], dtype: "int8", scale: 0.5, zeroPoint: 0 };
 * console.log(fromReal(Float32Array.of(0, 0.4, 1e9), value)); // 0, 1, 127
 * ```
 */
export function fromReal(real: Float32Array, { dtype, scale, zeroPoint = 0 }: ValueInfo): Numbers {
  if ((dtype !== "int8" && dtype !== "uint8") || scale === undefined) return real;
  const [lo, hi] = rangeOf(dtype);
  const bytes = dtype === "int8" ? new Int8Array(real.length) : new Uint8Array(real.length);
  return bytes.map((_, i) => Math.min(hi, Math.max(lo, roundAway(real[i]! / scale) + zeroPoint)));
}

/** The pixel range of an 8-bit input that says nothing else: pixels are its numbers, from the lowest to the highest. */
export function pixelsAsBytes({
  dtype,
  scale,
  zeroPoint = 0,
}: Pick<ValueInfo, "dtype" | "scale" | "zeroPoint">): Normalization | undefined {
  if ((dtype !== "int8" && dtype !== "uint8") || scale === undefined) return undefined;
  return { mean: zeroPoint - rangeOf(dtype)[0], std: 1 / scale };
}
