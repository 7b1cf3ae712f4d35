/**
 * y[r,o] = b[o] + Σ_i x[r,i] · w[i,o]: a dense layer, and a pointwise convolution with one row per pixel.
 * @module
 */
import { count, errors, type Value, type Weights } from "./value.ts";

/** x [..., in], w [in,out], bias [out] → [..., out]. A term passes one product and at most `in` sums. */
export function dense(x: Value, w: Weights, bias: ArrayLike<number> | undefined): Value {
  const [k = 0, outC = 0] = w.shape;
  if (x.shape.at(-1) !== k) throw new RangeError(`dense reference: expected ${k} features, got [${x.shape}]`);
  const rows = count(x.shape) / k;
  const values = new Float64Array(rows * outC);
  const terms = new Float64Array(values.length);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  for (let row = 0; row < rows; ++row) {
    const y = row * outC;
    for (let o = 0; o < outC; ++o) {
      values[y + o] = bias?.[o] ?? 0;
      terms[y + o] = Math.abs(bias?.[o] ?? 0);
    }
    for (let i = 0; i < k; ++i) {
      const value = x.values[row * k + i]!;
      const error = e?.[row * k + i] ?? 0;
      for (let o = 0; o < outC; ++o) {
        const weight = w.data[i * outC + o]!;
        const size = Math.abs(weight);
        values[y + o]! += value * weight;
        terms[y + o]! += size * (Math.abs(value) + error);
        if (carried) carried[y + o]! += size * error;
      }
    }
  }
  return { shape: [...x.shape.slice(0, -1), outC], values, terms, ops: k + 1, ...(carried && { carried }) };
}

/** a [..., m, k] · b [..., k, n], matrix by matrix: a dense layer each, whose weights may be off themselves. */
export function matMul(a: Value, b: Value): Value {
  const [m = 0, k = 0] = a.shape.slice(-2);
  const n = b.shape.at(-1)!;
  const matrices = count(a.shape) / (m * k);
  const values = new Float64Array(matrices * m * n);
  const terms = new Float64Array(values.length);
  const carried = new Float64Array(values.length);
  const [ea, eb] = [errors(a), errors(b)];
  for (let y = 0; y < values.length; ++y) {
    const [j, row] = [y % n, Math.floor(y / n)];
    const matrix = Math.floor(row / m);
    for (let i = 0; i < k; ++i) {
      const [at, from] = [row * k + i, (matrix * k + i) * n + j];
      const [u, v] = [a.values[at]!, b.values[from]!];
      const [du, dv] = [ea?.[at] ?? 0, eb?.[from] ?? 0];
      values[y]! += u * v;
      terms[y]! += (Math.abs(u) + du) * (Math.abs(v) + dv);
      carried[y]! += Math.abs(u) * dv + du * Math.abs(v) + du * dv;
    }
  }
  const exactly = ea === undefined && eb === undefined;
  return { shape: [...a.shape.slice(0, -1), n], values, terms, ops: k, ...(!exactly && { carried }) };
}
