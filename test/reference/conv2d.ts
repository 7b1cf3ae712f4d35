/**
 * y[n,oy,ox,o] = b[o] + Σ_{ky,kx,i} x[n, oy·sH + ky·dH − padT, ox·sW + kx·dW − padL, i] · w[ky,kx,i,o]; taps outside
 * the image count as 0.
 * @module
 */
import { errors, nhwc, type Value, type Weights } from "./value.ts";
import type { Placement } from "./window.ts";

/**
 * x [n,inH,inW,inC], w [kH,kW,inC,outC], bias [outC] → [n,outH,outW,outC]. A term passes one product and at most
 * kH·kW·inC sums.
 */
export function conv2d(x: Value, w: Weights, bias: ArrayLike<number> | undefined, at: Placement): Value {
  const { n, h, w: inW, c } = nhwc(x.shape);
  const [kH = 0, kW = 0, inC = 0, outC = 0] = w.shape;
  if (inC !== c) throw new RangeError(`conv2d reference: expected ${inC} channels, got ${c}`);
  const { outH, outW } = at;
  const shape = [n, outH, outW, outC];
  const values = new Float64Array(n * outH * outW * outC);
  const terms = new Float64Array(values.length);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  for (let pixel = 0; pixel < n * outH * outW; ++pixel) {
    const ox = pixel % outW;
    const oy = Math.floor(pixel / outW) % outH;
    const image = Math.floor(pixel / (outW * outH));
    const y = pixel * outC;
    for (let o = 0; o < outC; ++o) {
      values[y + o] = bias?.[o] ?? 0;
      terms[y + o] = Math.abs(bias?.[o] ?? 0);
    }
    for (let ky = 0; ky < kH; ++ky) {
      for (let kx = 0; kx < kW; ++kx) {
        const iy = oy * at.strides[0] + ky * at.dilations[0] - at.padT;
        const ix = ox * at.strides[1] + kx * at.dilations[1] - at.padL;
        if (iy < 0 || iy >= h || ix < 0 || ix >= inW) continue;
        for (let i = 0; i < c; ++i) {
          const from = ((image * h + iy) * inW + ix) * c + i;
          const value = x.values[from]!;
          const error = e?.[from] ?? 0;
          const tap = ((ky * kW + kx) * c + i) * outC;
          for (let o = 0; o < outC; ++o) {
            const weight = w.data[tap + o]!;
            const size = Math.abs(weight);
            values[y + o]! += value * weight;
            terms[y + o]! += size * (Math.abs(value) + error);
            if (carried) carried[y + o]! += size * error;
          }
        }
      }
    }
  }
  return { shape, values, terms, ops: kH * kW * c + 1, ...(carried && { carried }) };
}
