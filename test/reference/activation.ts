/**
 * Element by element: clamp, PReLU, sigmoid, hard-swish, functions of one number.
 * @module
 */
import type { Clamp } from "../../src/graph/graph.ts";
import { errors, type Value } from "./value.ts";

/** y = min(hi, max(lo, x)); NaN stays NaN. Rounds nothing; the bounds are f32, as a step record holds them. */
export function clamp(x: Value, bounds: Clamp | undefined): Value {
  if (!bounds) return x;
  const lo = Math.fround(bounds.lo);
  const hi = Math.fround(bounds.hi);
  const values = x.values.map((v) => Math.min(Math.max(v, lo), hi));
  // A bound may be larger than all terms; what scales the value next must know its size. An infinite sum is the same in
  // every arithmetic, and what it is clamped to has no error.
  const infinite = (i: number) => Math.abs(x.values[i]!) === Number.POSITIVE_INFINITY;
  const terms = x.terms.map((t, i) => (infinite(i) ? Math.abs(values[i]!) : Math.max(t, Math.abs(values[i]!))));
  const carried = x.carried?.map((e, i) => (infinite(i) ? 0 : e));
  return { ...x, values, terms, ...(carried && { carried }) };
}

/**
 * y = x < 0 ? alpha[c]·x : x: −0 stays −0. In f64 the product of two floats is exact, so an f32 computation is off by
 * its one rounding only.
 */
export function prelu(x: Value, alpha: ArrayLike<number>): Value {
  const c = x.shape.at(-1) ?? 1;
  const values = x.values.map((v, i) => (v < 0 ? v * alpha[i % c]! : v));
  // What is off by e may lie on the other side of 0.
  const carried = errors(x)?.map((e, i) => e * Math.max(1, Math.abs(alpha[i % c]!)));
  const terms = values.map((y, i) => Math.abs(y) + (carried?.[i] ?? 0));
  return { shape: x.shape, values, terms, ops: 1, ...(carried && { carried }) };
}

/** The smallest f32 of full precision. */
const LEAST_NORMAL = 2 ** -126;

/** Roundings, beside those of its argument, that an exponential in f32 is allowed: a relative error of EXP_OPS·u. */
export const EXP_OPS = 4;

/**
 * y = 1/(1 + exp(−x)). With a relative error of ε in the exponential, y is off by at most y·(1 − y)·ε, and the sum and
 * the quotient round once each: all of it relative to y. Where y is below f32's normal range, exp(−x) may be beyond its
 * largest number: there y may come out as 0.
 */
export function sigmoid(x: Value): Value {
  const values = x.values.map((v) => 1 / (1 + Math.exp(-v)));
  const result = relative(x, values, EXP_OPS + 2, 1 / 4);
  if (!values.some((y) => y > 0 && y < LEAST_NORMAL)) return result;
  const carried = values.map((y, i) => (result.carried?.[i] ?? 0) + (y < LEAST_NORMAL ? y : 0));
  return { ...result, carried };
}

/**
 * y = x·clamp(x + 3, 0, 6)/6: a sum, a quotient (or the product with a rounded 1/6) and a product, all relative to y.
 * Its slope is at most 3/2.
 */
export function hardSwish(x: Value): Value {
  const values = x.values.map((v) => (v * Math.min(6, Math.max(0, v + 3))) / 6);
  return relative(x, values, 4, 3 / 2);
}

/** A function of x whose roundings are relative to the result and whose slope is at most `slope`. */
function relative(x: Value, values: Float64Array, ops: number, slope: number): Value {
  const carried = errors(x)?.map((e) => e * slope);
  const terms = values.map((y, i) => Math.abs(y) + (carried?.[i] ?? 0));
  return { shape: x.shape, values, terms, ops, ...(carried && { carried }) };
}

/** Functions of one number, and their roundings. */
const FUNCTIONS: Readonly<Record<string, readonly [f: (x: number) => number, ops: number]>> = {
  abs: [Math.abs, 0],
  neg: [(v) => -v, 0],
  square: [(v) => v * v, 1],
  sqrt: [(v) => Math.sqrt(v), 1],
  rsqrt: [(v) => 1 / Math.sqrt(v), 2],
  reciprocal: [(v) => 1 / v, 1],
  exp: [Math.exp, EXP_OPS],
  tanh: [Math.tanh, 4],
  floor: [Math.floor, 0],
  ceil: [Math.ceil, 0],
  // Half to even.
  round: [(v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v)), 0],
  truncate: [Math.trunc, 0],
  log: [Math.log, 4],
};

/**
 * y = f(x). Where x is off by e, y lies between what the function makes of the ends of [x − e, x + e]: it rises or
 * falls all along, or (|x|, x²) is furthest from y at one of them.
 */
export function unary(x: Value, name: string): Value {
  const [g, ops] = FUNCTIONS[name]!;
  // Of what is larger than any float32, an infinity remains.
  const f = (v: number) => (Math.abs(g(v)) < 2 ** 128 ? g(v) : g(v) * Number.POSITIVE_INFINITY);
  const values = x.values.map(f);
  const carried = errors(x)?.map((e, i) => {
    const [v, y] = [x.values[i]!, values[i]!];
    const off = [v - e, v + e].map((end) => Math.abs(f(end) - y)).filter((d) => !Number.isNaN(d));
    return Math.max(0, ...off);
  });
  const terms = values.map((y, i) => Math.abs(y) + (carried?.[i] ?? 0));
  return { shape: x.shape, values, terms, ops, ...(carried && { carried }) };
}
