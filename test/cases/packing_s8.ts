/**
 * Weights of 8 bits in the forms that the headers of `assembly/pwconv_s8.ts` and `assembly/dwconv_s8.ts` describe,
 * written out from these on their own.
 * @module
 */
import type { ByteMatrix } from "../kernels/weights.ts";
import type { Quantized } from "../reference/convolution_s8.ts";

const up = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/** Bias with the zero points folded in, multipliers, shifts, marks (0); `lanes`: what the columns are rounded up to. */
function head({ weights, zero, bias, m, e }: Quantized, zx: number, lanes: number): Uint8Array {
  const n = bias.length;
  const k = weights.length / n;
  const padded = up(n, lanes);
  const bytes = new Uint8Array(8 * padded + up(2 * padded, 16));
  const view = new DataView(bytes.buffer);
  bias.forEach((b, o) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += weights[i * n + o]!;
    // Modulo 2³², as the sums are.
    view.setInt32(4 * o, b - zx * sum + k * zx * zero, true);
    view.setInt32(4 * (padded + o), m[o]!, true);
    view.setInt8(8 * padded + o, e[o]!);
  });
  return bytes;
}

/** A matrix [k, n] under inputs around zx: its panels are the packer's to make. */
export function matrixWeights(w: Quantized, zx: number): ByteMatrix {
  const n = w.bias.length;
  return { matrix: w.weights, head: head(w, zx, 8), k: w.weights.length / n, n, zero: w.zero };
}

/** A depthwise kernel of [taps, n] under inputs around zx. */
export function depthwiseWeights(w: Quantized, zx: number): Uint8Array {
  const n = w.bias.length;
  const padded = up(n, 8);
  const front = head(w, zx, 8);
  const bytes = new Uint8Array(front.length + (w.weights.length / n) * padded);
  bytes.set(front);
  w.weights.forEach((q, i) => {
    bytes[front.length + Math.floor(i / n) * padded + (i % n)] = q;
  });
  return bytes;
}

/**
 * Bytes of scratch: a panel of `tile` rows of k values in 16 bits with the sum of each, then constants and weights of
 * eight columns.
 */
export function matrixScratch(tile: number, k: number, atLeast = 0): number {
  const k4 = up(k, 4);
  return up(2 * tile * k4, 16) + up(4 * tile, 16) + Math.max(320 + 16 * k4, atLeast);
}

/** Bytes of scratch of a depthwise convolution. */
export const DEPTHWISE_SCRATCH = 496;
