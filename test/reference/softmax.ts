/**
 * y[r,i] = exp(β·x[r,i]) / Σ_j exp(β·x[r,j]), computed from t = β·(x − max).
 * @module
 */
import { EXP_OPS } from "./activation.ts";
import { errors, type Value } from "./value.ts";

/**
 * Over the last axis. The exponent t rounds twice, which costs the exponential a relative 2u·|t|; the exponentials have
 * EXP_OPS of their own, their sum rounds once a class (or, summed in f64, once: give `sums`), and the quotient once, or
 * twice with a rounded reciprocal. The denominator's error is the weighted mean of its parts'. All of it is relative to
 * y, so Σ|terms| is y·(1 + |t_i| + Σ_j y_j·|t_j|).
 */
export function softmax(x: Value, beta: number, sums = x.shape.at(-1) ?? 1): Value {
  const classes = x.shape.at(-1) ?? 1;
  const values = new Float64Array(x.values.length);
  const terms = new Float64Array(x.values.length);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  for (let row = 0; row < values.length; row += classes) {
    const scaled = x.values.slice(row, row + classes).map((v) => v * beta);
    const most = scaled.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const t = scaled.map((v) => v - most);
    const sum = t.reduce((total, v) => total + Math.exp(v), 0);
    // exp(v)·v is 0 for v = −∞, where the product would be NaN.
    const mean = t.reduce((total, v) => total + (v < -1000 ? 0 : (Math.exp(v) / sum) * Math.abs(v)), 0);
    const worst = e ? e.slice(row, row + classes).reduce((a, b) => Math.max(a, b), 0) : 0;
    for (let i = 0; i < classes; ++i) {
      const y = Math.exp(t[i]!) / sum;
      values[row + i] = y;
      // Every exponent is off by at most β·worst, so that y is multiplied by at most exp(2β·worst).
      const growth = Math.expm1(2 * Math.abs(beta) * worst);
      terms[row + i] = y * (1 + growth) * (1 + Math.min(Math.abs(t[i]!), 1000) + mean + 2 * Math.abs(beta) * worst);
      if (carried) carried[row + i] = y * growth;
    }
  }
  return { shape: x.shape, values, terms, ops: 2 * EXP_OPS + sums + 2, ...(carried && { carried }) };
}
