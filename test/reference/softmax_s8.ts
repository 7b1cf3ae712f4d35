/**
 * Softmax in 8 bits, output scale 1/256: TFLite's fixed-point arithmetic for int8, double precision for uint8.
 * @module
 */
import { rdbpot, split, srdhm } from "./fixed_point.ts";

/** Over rows of `columns` values in the signs that the file has; `step`: the input's scale times beta. */
export function softmax8(x: ArrayLike<number>, columns: number, step: number, unsigned: boolean): number[] {
  const result: number[] = [];
  for (let r = 0; r < x.length / columns; r++) {
    const row = Array.from({ length: columns }, (_, c) => x[r * columns + c]!);
    const largest = row.reduce((a, b) => Math.max(a, b));
    for (const y of unsigned ? real(row, largest, step) : fixed(row, largest, step)) result.push(y);
  }
  return result;
}

/** The smallest difference from the largest value that counts, where differences are shifted by s to the left. */
export function leastDifference(s: number): number {
  return -Math.floor((31 * 2 ** 26) / 2 ** s);
}

function real(row: readonly number[], largest: number, step: number): number[] {
  const exps = row.map((q) => Math.exp(-(largest - q) * step));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((e) => Math.min(255, Math.floor((256 * e) / sum + 0.5)));
}

const clamp32 = (x: bigint) => (x > 2147483647n ? 2147483647n : x < -2147483648n ? -2147483648n : x);

function fixed(row: readonly number[], largest: number, step: number): number[] {
  const { m, s } = split(Math.min(step * 2 ** 26, 2 ** 31 - 1));
  const least = leastDifference(s);
  const exps = row.map((q) => (q - largest < least ? undefined : exp26(srdhm(BigInt(q - largest) << BigInt(s), m))));
  const sum = exps.reduce<bigint>((total, e) => total + (e === undefined ? 0n : rdbpot(e, 12n)), 0n);
  const h = BigInt(Math.clz32(Number(sum)));
  const hd = ((sum << h) & 0xffffffffn) >> 1n;
  let x = 1515870810n + srdhm(hd, -1010580540n);
  for (let i = 0; i < 3; i++) x += clamp32(srdhm(x, (1n << 29n) - srdhm(hd, x)) << 2n);
  const r = clamp32(x << 1n);
  return exps.map((e) => (e === undefined ? -128 : Math.min(127, Number(rdbpot(srdhm(r, e), 35n - h) - 128n))));
}

/** exp of a ≤ 0 in Q5.26, in Q0.31. */
function exp26(a: bigint): bigint {
  if (a === 0n) return 2147483647n;
  const am = (a & 0xffffffn) - (1n << 24n);
  const rest = am - a;
  const z = (am << 5n) + (1n << 28n);
  const z2 = srdhm(z, z);
  const z3 = srdhm(z2, z);
  const t = rdbpot(srdhm(rdbpot(srdhm(z2, z2), 2n) + z3, 715827883n) + z2, 1n);
  let v = 1895147668n + srdhm(1895147668n, z + t);
  [1672461947n, 1302514674n, 790015084n, 290630308n, 39332535n, 720401n, 242n].forEach((factor, k) => {
    if (rest & (1n << BigInt(24 + k))) v = srdhm(v, factor);
  });
  return v;
}
