/**
 * y[n,oy,ox,c·m+j] = b[c·m+j] + Σ_{ky,kx} x[n, oy·sH + ky·dH − padT, ox·sW + kx·dW − padL, c] · w[ky,kx,c,j], j < m;
 * taps outside count as 0.
 * @module
 */
import { errors, nhwc, type Value, type Weights } from "./value.ts";
import type { Placement } from "./window.ts";

/** x [n,inH,inW,C], w [kH,kW,C,m], bias [C·m] → [n,outH,outW,C·m]. A term passes one product and at most kH·kW sums. */
export function depthwise(x: Value, w: Weights, bias: ArrayLike<number> | undefined, at: Placement): Value {
  const { n, h, w: inW, c } = nhwc(x.shape);
  const [kH = 0, kW = 0, inC = 0, multiplier = 0] = w.shape;
  if (inC !== c) throw new RangeError(`depthwise reference: expected ${inC} channels, got ${c}`);
  const { outH, outW } = at;
  const outC = c * multiplier;
  const values = new Float64Array(n * outH * outW * outC);
  const terms = new Float64Array(values.length);
  const e = errors(x);
  const carried = e && new Float64Array(values.length);
  for (let to = 0; to < values.length; ++to) {
    const o = to % outC;
    const ox = Math.floor(to / outC) % outW;
    const oy = Math.floor(to / (outC * outW)) % outH;
    const image = Math.floor(to / (outC * outW * outH));
    let sum = bias?.[o] ?? 0;
    let size = Math.abs(sum);
    let error = 0;
    for (let ky = 0; ky < kH; ++ky) {
      for (let kx = 0; kx < kW; ++kx) {
        const iy = oy * at.strides[0] + ky * at.dilations[0] - at.padT;
        const ix = ox * at.strides[1] + kx * at.dilations[1] - at.padL;
        if (iy < 0 || iy >= h || ix < 0 || ix >= inW) continue;
        const from = ((image * h + iy) * inW + ix) * c + Math.floor(o / multiplier);
        const weight = w.data[(ky * kW + kx) * outC + o]!;
        const fromError = e?.[from] ?? 0;
        sum += x.values[from]! * weight;
        size += Math.abs(weight) * (Math.abs(x.values[from]!) + fromError);
        error += Math.abs(weight) * fromError;
      }
    }
    values[to] = sum;
    terms[to] = size;
    if (carried) carried[to] = error;
  }
  return { shape: [n, outH, outW, outC], values, terms, ops: kH * kW + 1, ...(carried && { carried }) };
}
