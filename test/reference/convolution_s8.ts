/**
 * 8-bit convolutions by their definition: whole numbers, one output at a time, requantized in BigInt by TFLite's
 * formula.
 * @module
 */

/** Bounds and zero point of a result. */
export interface Target {
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

/** Weights with what their sums are requantized by, one entry an output channel. */
export interface Quantized {
  readonly weights: Int8Array;
  readonly zero: number;
  readonly bias: readonly number[];
  readonly m: readonly number[];
  readonly e: readonly number[];
}

/** Geometry of a window that moves over images. */
export interface Geometry {
  readonly n: number;
  readonly inH: number;
  readonly inW: number;
  readonly inC: number;
  readonly outH: number;
  readonly outW: number;
  readonly kH: number;
  readonly kW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padT: number;
  readonly padL: number;
}

/** MBQM of `docs/quantization.md`, in BigInt. */
export function multiplied(x: number, m: number, e: number): number {
  const shifted = BigInt(x) << BigInt(Math.max(-e, 0));
  const high = (shifted * BigInt(m) + (1n << 30n)) >> 31n;
  const right = BigInt(Math.max(e, 0));
  if (right === 0n) return Number(high);
  return Number((high + (1n << (right - 1n)) - (high < 0n ? 1n : 0n)) >> right);
}

function finished(sum: number, o: number, { m, e }: Quantized, { zero, lo, hi }: Target): number {
  return Math.min(hi, Math.max(lo, multiplied(sum, m[o]!, e[o]!) + zero));
}

/** What a window sees: x at row y, column x of image b, or undefined outside. */
function at(x: Int8Array, g: Geometry, b: number, iy: number, ix: number, c: number): number | undefined {
  if (iy < 0 || ix < 0 || iy >= g.inH || ix >= g.inW) return undefined;
  return x[((b * g.inH + iy) * g.inW + ix) * g.inC + c];
}

/** [rows, k] × [k, n]. */
export function dense(x: Int8Array, zx: number, k: number, w: Quantized, target: Target): Int8Array {
  const n = w.bias.length;
  const rows = x.length / k;
  const y = new Int8Array(rows * n);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < n; o++) {
      let sum = w.bias[o]!;
      for (let i = 0; i < k; i++) sum += (w.weights[i * n + o]! - w.zero) * (x[r * k + i]! - zx);
      y[r * n + o] = finished(sum, o, w, target);
    }
  }
  return y;
}

/** Weights [kH, kW, inC, outC]. */
export function convolution(x: Int8Array, zx: number, g: Geometry, w: Quantized, target: Target): Int8Array {
  const outC = w.bias.length;
  return eachOutput(g, outC, (b, iy, ix, o) => {
    let sum = w.bias[o]!;
    eachTap(g, (ky, kx) => {
      for (let c = 0; c < g.inC; c++) {
        const value = at(x, g, b, iy + ky * g.dilationH, ix + kx * g.dilationW, c);
        if (value !== undefined) sum += (w.weights[((ky * g.kW + kx) * g.inC + c) * outC + o]! - w.zero) * (value - zx);
      }
    });
    return finished(sum, o, w, target);
  });
}

/** Weights [kH, kW, inC·multiplier]. */
export function depthwise(
  x: Int8Array,
  zx: number,
  g: Geometry,
  multiplier: number,
  w: Quantized,
  target: Target,
): Int8Array {
  const outC = g.inC * multiplier;
  return eachOutput(g, outC, (b, iy, ix, o) => {
    let sum = w.bias[o]!;
    eachTap(g, (ky, kx) => {
      const value = at(x, g, b, iy + ky * g.dilationH, ix + kx * g.dilationW, Math.floor(o / multiplier));
      if (value !== undefined) sum += (w.weights[(ky * g.kW + kx) * outC + o]! - w.zero) * (value - zx);
    });
    return finished(sum, o, w, target);
  });
}

function eachTap({ kH, kW }: Geometry, visit: (ky: number, kx: number) => void): void {
  for (let ky = 0; ky < kH; ky++) for (let kx = 0; kx < kW; kx++) visit(ky, kx);
}

function eachOutput(
  g: Geometry,
  outC: number,
  value: (b: number, iy: number, ix: number, o: number) => number,
): Int8Array {
  const y = new Int8Array(g.n * g.outH * g.outW * outC);
  let i = 0;
  for (let b = 0; b < g.n; b++)
    for (let oy = 0; oy < g.outH; oy++)
      for (let ox = 0; ox < g.outW; ox++)
        for (let o = 0; o < outC; o++) y[i++] = value(b, oy * g.strideH - g.padT, ox * g.strideW - g.padL, o);
  return y;
}
