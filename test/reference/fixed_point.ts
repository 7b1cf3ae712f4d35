/**
 * TFLite's fixed-point arithmetic: SRDHM, RDBPOT, MBQM and QM of `docs/quantization.md`, in BigInt, which nothing
 * overflows.
 * @module
 */

/** A factor m/2³¹·2^s: m is 0 or in [2³⁰, 2³¹). */
export interface Factor {
  readonly m: bigint;
  readonly s: number;
}

/** Rounding doubling high product: ties upwards. */
export function srdhm(a: bigint, b: bigint): bigint {
  return (a * b + (1n << 30n)) >> 31n;
}

/** x/2^e to the nearest, ties away from zero. */
export function rdbpot(x: bigint, e: bigint): bigint {
  return e === 0n ? x : (x + (1n << (e - 1n)) - (x < 0n ? 1n : 0n)) >> e;
}

/** d as m/2³¹·2^s. */
export function split(d: number): Factor {
  let [f, s] = [d, 0];
  while (f >= 1) [f, s] = [f / 2, s + 1];
  while (f > 0 && f < 0.5) [f, s] = [f * 2, s - 1];
  let m = Math.round(f * 2 ** 31);
  if (m === 2 ** 31) [m, s] = [m / 2, s + 1];
  return s < -31 ? { m: 0n, s: 0 } : { m: BigInt(m), s };
}

/** x·m/2³¹·2^s, rounded twice. */
export function mbqm(x: number | bigint, { m, s }: Factor): number {
  return Number(rdbpot(srdhm(BigInt(x) << BigInt(Math.max(s, 0)), m), BigInt(Math.max(-s, 0))));
}

/** The nearest whole number, ties away from zero. */
export function away(x: number): number {
  return x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5);
}
