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
