/**
 * The whole-number arithmetic of 8-bit networks, as TFLite's reference kernels have it: what the kernels do
 * (`assembly/lib/requantize.ts` states the formulas), for tables and parameters that are computed before a run.
 * @module
 */
import type { Clamp, DType, Graph, Op, Quantization } from "./graph.ts";

/** A factor as m/2³¹ · 2^−e: m is 0 or in [2³⁰, 2³¹); a negative e shifts to the left. */
export interface Multiplier {
  readonly m: number;
  readonly e: number;
}

/** Meaning of an 8-bit value as a whole: one scale, one zero point. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Whether a type is one of the 8-bit ones. */
export function isByte(dtype: DType | undefined): dtype is "int8" | "uint8" {
  return dtype === "int8" || dtype === "uint8";
}

/** Ops whose results may be whole numbers of 32 bits: they come about, or are moved. */
const WHOLE: ReadonlySet<Op> = new Set(["argMax", "reshape", "identity", "concat"]);

/** Whether an op can have a result in int32. */
export function canBeWhole(op: Op): boolean {
  return WHOLE.has(op);
}

/** A factor in (0, 2³⁰] as multiplier and shift; what is too small for 31 bits becomes 0. */
export function quantizeMultiplier(factor: number): Multiplier {
  if (factor === 0) return { m: 0, e: 0 };
  let s = Math.floor(Math.log2(factor)) + 1;
  // The logarithm may be off by one at powers of two.
  if (factor / 2 ** s >= 1) s++;
  if (factor / 2 ** s < 0.5) s--;
  let m = Math.round((factor / 2 ** s) * 2 ** 31);
  if (m === 2 ** 31) {
    m = 2 ** 30;
    s++;
  }
  return s < -31 ? { m: 0, e: 0 } : { m, e: -s };
}

/** MBQM: x · m/2³¹ · 2^−e, rounded twice. x and the result have 32 bits. */
export function multiplied(x: number, { m, e }: Multiplier): number {
  const product = (BigInt(x) << BigInt(Math.max(-e, 0))) * BigInt(m);
  const high = (product + (1n << 30n)) >> 31n;
  if (e <= 0) return Number(high);
  return Number((high + (1n << BigInt(e - 1)) - (high < 0n ? 1n : 0n)) >> BigInt(e));
}

/** Smallest and largest number of a type. */
export function rangeOf(dtype: "int8" | "uint8"): readonly [lo: number, hi: number] {
  return dtype === "int8" ? [-128, 127] : [0, 255];
}

/** The one scale and zero point of a value. */
export function affineOf({ scales, zeroPoints }: Quantization): Affine {
  return { scale: scales[0]!, zeroPoint: zeroPoints[0]! };
}

/**
 * Bounds in real numbers as bounds in 8 bits: q = zeroPoint + round(x/scale), rounded in float32 with ties away from
 * zero, within the type.
 */
export function activationBounds(
  clamp: Clamp | undefined,
  quantization: Quantization,
  dtype: "int8" | "uint8",
): { lo: number; hi: number } {
  const [least, most] = rangeOf(dtype);
  const { scale, zeroPoint } = affineOf(quantization);
  const quantized = (x: number) =>
    Number.isFinite(x)
      ? Math.min(most, Math.max(least, zeroPoint + roundAway(Math.fround(Math.fround(x) / Math.fround(scale)))))
      : x < 0
        ? least
        : most;
  return clamp ? { lo: quantized(clamp.lo), hi: quantized(clamp.hi) } : { lo: least, hi: most };
}

/** The nearest whole number, of two equally near ones that further from zero. */
export function roundAway(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

/** Type and meaning of a value of the graph. */
export function typeOf(name: string, graph: Graph): { dtype: DType; quantization: Quantization | undefined } {
  const value = graph.inputs.find((input) => input.name === name) ?? graph.nodes.find((node) => node.name === name);
  return { dtype: value?.dtype ?? "float32", quantization: value?.quantization };
}

/** Whether two values' numbers mean the same. */
export function sameMeaning(a: Quantization | undefined, b: Quantization | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.scales[0] === b.scales[0] && a.zeroPoints[0] === b.zeroPoints[0];
}
