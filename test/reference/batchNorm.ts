/**
 * Batch normalization, with given statistics and with the batch's own, and what training keeps of the batch.
 * @module
 */
import { count, errors, gamma as roundings, type Value } from "./value.ts";

type Numbers = ArrayLike<number>;

/**
 * y = x·scale[c] + shift[c]. The terms of x go on as terms of y, so that the bound also covers a convolution into whose
 * weights the scale was folded.
 */
export function scaleShift(x: Value, scale: Numbers, shift: Numbers): Value {
  return affine(x, scale, shift, (c) => Math.abs(shift[c]!), 2);
}

/** The common part: x·scale + shift with `size(c)` = Σ|terms of the shift| and so many roundings more. */
function affine(x: Value, scale: Numbers, shift: Numbers, size: (c: number) => number, ops: number): Value {
  const c = x.shape.at(-1) ?? 1;
  const values = x.values.map((v, i) => v * scale[i % c]! + shift[i % c]!);
  const terms = x.terms.map((t, i) => t * Math.abs(scale[i % c]!) + size(i % c));
  const carried = x.carried?.map((e, i) => e * Math.abs(scale[i % c]!));
  return { shape: x.shape, values, terms, ops: x.ops + ops, ...(carried && { carried }) };
}

/** Given statistics of a batch norm, all [C]. */
export interface Statistics {
  readonly gamma?: Numbers | undefined;
  readonly beta?: Numbers | undefined;
  readonly mean: Numbers;
  readonly variance: Numbers;
  readonly epsilon: number;
}

/**
 * y = gamma·(x − mean)/√(variance + epsilon) + beta. Six roundings: variance + epsilon, root, quotient, product with x
 * (or with a weight), product with the mean, difference; the last sum is counted by the affine form.
 */
export function batchNorm(x: Value, s: Statistics): Value {
  const c = x.shape.at(-1) ?? 1;
  const scale = Float64Array.from({ length: c }, (_, i) => (s.gamma?.[i] ?? 1) / Math.sqrt(s.variance[i]! + s.epsilon));
  const shift = scale.map((f, i) => (s.beta?.[i] ?? 0) - s.mean[i]! * f);
  return affine(x, scale, shift, (i) => Math.abs(s.beta?.[i] ?? 0) + Math.abs(s.mean[i]! * scale[i]!), 7);
}

/**
 * Mean and biased variance over all but the last axis: [..., C] → [2, C], in two passes. The variance is Σ(x − m̂)²/n
 * with a mean that is off by δ. Since Σ(x − m) = 0, δ itself adds δ² only; beyond that each term (|x − m| + δ)² passes
 * a difference, a square, n sums and a quotient; `ops` may count fewer for sums that are compensated.
 */
export function moments(x: Value, ops = x.values.length / (x.shape.at(-1) ?? 1) + 5): Value {
  const c = x.shape.at(-1) ?? 1;
  const rows = x.values.length / c;
  const e = errors(x);
  const values = new Float64Array(2 * c);
  const terms = new Float64Array(2 * c);
  const carried = new Float64Array(2 * c);
  for (let i = 0; i < c; ++i) {
    let [sum, size, error] = [0, 0, 0];
    for (let at = i; at < x.values.length; at += c) {
      sum += x.values[at]!;
      error += e?.[at] ?? 0;
      size += Math.abs(x.values[at]!) + (e?.[at] ?? 0);
    }
    const mean = sum / rows;
    values[i] = mean;
    terms[i] = size / rows;
    carried[i] = error / rows;
    const delta = roundings(ops) * terms[i]!;
    for (let at = i; at < x.values.length; at += c) {
      const d = x.values[at]! - mean;
      const de = (e?.[at] ?? 0) + carried[i]!;
      values[c + i]! += (d * d) / rows;
      terms[c + i]! += (Math.abs(d) + de + delta) ** 2 / rows;
      carried[c + i]! += ((2 * Math.abs(d) + de) * de) / rows;
    }
    carried[c + i]! += delta * delta;
  }
  return { shape: [2, c], values, terms, ops, carried };
}

/** The largest change of 1/√(v + epsilon) when v is off by at most `error`. */
function rootError(v: number, epsilon: number, error: number): number {
  return 1 / Math.sqrt(Math.max(v - error, 0) + epsilon) - 1 / Math.sqrt(v + epsilon);
}

/**
 * y = gamma·(x − mean)/√(variance + epsilon) + beta with statistics [2, C] from {@link moments}. At most eight
 * roundings: difference, variance + epsilon, root, quotient, two products, sum, and the product of the mean when the
 * mean is moved into the shift.
 */
export function normalize(
  x: Value,
  statistics: Value,
  gamma: Numbers | undefined,
  beta: Numbers | undefined,
  epsilon: number,
): Value {
  const c = x.shape.at(-1) ?? 1;
  const ex = errors(x);
  const es = errors(statistics);
  const values = new Float64Array(count(x.shape));
  const terms = new Float64Array(values.length);
  const carried = ex || es ? new Float64Array(values.length) : undefined;
  for (let at = 0; at < values.length; ++at) {
    const i = at % c;
    const [mean, variance] = [statistics.values[i]!, statistics.values[c + i]!];
    const root = 1 / Math.sqrt(variance + epsilon);
    const g = gamma?.[i] ?? 1;
    const b = beta?.[i] ?? 0;
    const de = (ex?.[at] ?? 0) + (es?.[i] ?? 0);
    const re = rootError(variance, epsilon, es?.[c + i] ?? 0);
    const d = x.values[at]! - mean;
    values[at] = g * d * root + b;
    terms[at] = Math.abs(g) * (Math.abs(x.values[at]!) + Math.abs(mean) + de) * (root + re) + Math.abs(b);
    if (carried) carried[at] = Math.abs(g) * ((Math.abs(d) + de) * (root + re) - Math.abs(d) * root);
  }
  return { shape: x.shape, values, terms, ops: 8, ...(carried && { carried }) };
}

/**
 * old·momentum + new·(1 − momentum), the new variance times `factor` first: statistics [2, C] and old values [C] each →
 * [2, C]. The momentum itself is rounded to f32, which moves 1 − momentum by as much: hence the term |new|·momentum.
 */
export function movingAverage(
  statistics: Value,
  mean: Numbers,
  variance: Numbers,
  momentum: number,
  factor: number,
): Value {
  const c = statistics.shape.at(-1) ?? 1;
  const e = errors(statistics);
  const old = (i: number) => (i < c ? mean[i]! : variance[i - c]!);
  const now = (i: number) => statistics.values[i]! * (i < c ? 1 : factor);
  const values = statistics.values.map((_, i) => old(i) * momentum + now(i) * (1 - momentum));
  const terms = values.map((_, i) => Math.abs(old(i) * momentum) + Math.abs(now(i)) + (e?.[i] ?? 0) * factor);
  const carried = e?.map((error, i) => error * (i < c ? 1 : factor) * (1 - momentum));
  return { shape: [2, c], values, terms, ops: 6, ...(carried && { carried }) };
}
