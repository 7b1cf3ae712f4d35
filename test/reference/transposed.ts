/**
 * The transposed convolution, as it is defined: each pixel of x spreads over a window of the output.
 * @module
 */
import { errors, nhwc, type Value, type Weights } from "./value.ts";

/** Where the windows lie in the output. */
export interface Spread {
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly top: number;
  readonly left: number;
}

/** y[iy·sH+ky−top, ix·sW+kx−left, o] = bias[o] + Σ x·w; w [kH, kW, inC, outC]. */
export function transposedConv2d(x: Value, w: Weights, bias: ArrayLike<number> | undefined, at: Spread): Value {
  const [kH, kW, inC, outC] = w.shape as readonly [number, number, number, number];
  const { n, h, w: width } = nhwc(x.shape);
  const [outH, outW] = at.size;
  const shape = [n, outH, outW, outC];
  const values = new Float64Array(n * outH * outW * outC);
  const terms = new Float64Array(values.length);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  for (let to = 0; to < values.length; ++to) {
    values[to] = bias?.[to % outC] ?? 0;
    terms[to] = Math.abs(values[to]!);
  }
  for (let from = 0; from < x.values.length; ++from) {
    const pixel = Math.floor(from / inC);
    const [image, iy, ix] = [Math.floor(pixel / width / h), Math.floor(pixel / width) % h, pixel % width];
    for (let tap = 0; tap < kH * kW; ++tap) {
      const oy = iy * at.strides[0] + Math.floor(tap / kW) - at.top;
      const ox = ix * at.strides[1] + (tap % kW) - at.left;
      if (oy < 0 || ox < 0 || oy >= outH || ox >= outW) continue;
      for (let o = 0; o < outC; ++o) {
        const weight = w.data[(tap * inC + (from % inC)) * outC + o]!;
        const to = ((image * outH + oy) * outW + ox) * outC + o;
        values[to]! += x.values[from]! * weight;
        terms[to]! += (Math.abs(x.values[from]!) + (e?.[from] ?? 0)) * Math.abs(weight);
        if (carried) carried[to]! += e[from]! * Math.abs(weight);
      }
    }
  }
  return { shape, values, terms, ops: kH * kW * inC + 1, ...(carried && { carried }) };
}
