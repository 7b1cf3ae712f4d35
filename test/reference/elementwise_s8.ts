/**
 * Kernels of 8-bit values one by one, zero points taken off.
 * @module
 */
import { away, type Factor, mbqm } from "./fixed_point.ts";

/** Both brought to 2⁻²⁰ of a common scale, added, and brought to the output's. */
export function sum8(a: number, b: number, one: Factor, two: Factor, out: Factor): number {
  return mbqm(mbqm(a * 2 ** 20, one) + mbqm(b * 2 ** 20, two), out);
}

/** The difference, in the same way. */
export function difference8(a: number, b: number, one: Factor, two: Factor, out: Factor): number {
  return mbqm(mbqm(a * 2 ** 20, one) - mbqm(b * 2 ** 20, two), out);
}

/** x/scale in float32, to the nearest, ties away from zero. */
export function nearest(x: number, scale: number): number {
  return away(Math.fround(x / scale));
}
