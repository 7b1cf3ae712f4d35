/**
 * Convolutions of 8 bits as steps: what their record, weights and scratch are, and what they answer by definition.
 * @module
 */
import {
  convolution,
  dense,
  depthwise,
  type Geometry,
  type Quantized,
  type Target,
} from "../reference/convolution_s8.ts";
import { count, exact } from "../reference/value.ts";
import { DEPTHWISE_SCRATCH, depthwiseWeights, matrixScratch, matrixWeights } from "./packing_s8.ts";
import type { Trial } from "./trial.ts";

/** The kernels of convolutions. */
export const CONVOLUTIONS8 = ["pwconv_s8", "dwconv_s8", "separable_s8", "conv_s8"] as const;

/** One layer; `half` belongs to its depthwise part, `matrix` to the other. */
export interface Layer8 {
  readonly kernel: (typeof CONVOLUTIONS8)[number];
  readonly g: Geometry;
  readonly x: Int8Array;
  readonly zx: number;
  readonly multiplier: number;
  readonly rows: number;
  readonly tile: number;
  readonly half?: { readonly w: Quantized; readonly to: Target };
  readonly matrix?: { readonly w: Quantized; readonly to: Target };
  /** Bits 0 and 1: of the depthwise part, of the matrix, the fast requantization is promised to be exact. */
  readonly flags: number;
}

/** A layer's answer by definition. */
function answer({ kernel, g, x, zx, multiplier, half, matrix }: Layer8): Int8Array {
  const mid = half ? depthwise(x, zx, g, multiplier, half.w, half.to) : x;
  if (!matrix) return mid;
  if (kernel === "conv_s8") return convolution(x, zx, g, matrix.w, matrix.to);
  return dense(mid, half ? half.to.zero : zx, matrix.w.weights.length / matrix.w.bias.length, matrix.w, matrix.to);
}

/** The layer as a trial. */
export function layerTrial(layer: Layer8): Trial {
  const { kernel, g, x, zx, half, matrix, tile, rows, multiplier, flags } = layer;
  const midC = g.inC * multiplier;
  const outC = matrix ? matrix.w.bias.length : midC;
  const k = matrix ? matrix.w.weights.length / outC : 0;
  const shape = [g.n, g.outH, g.outW, outC];
  const first = half && depthwiseWeights(half.w, zx);
  const second = matrix && matrixWeights(matrix.w, half ? half.to.zero : zx);
  const to = (matrix ?? half!).to;
  const weights = first && second ? { w: first, w2: second } : { w: (first ?? second)! };
  const between = half && matrix ? { zm: half.to.zero, qlo2: half.to.lo, qhi2: half.to.hi } : {};
  return {
    expected: exact(shape, answer(layer)),
    problem: {
      ...{ kernel, x, ...weights, outputs: count(shape), outputBytes: 1 },
      scratch: matrix ? matrixScratch(tile, k, half ? DEPTHWISE_SCRATCH : 0) : DEPTHWISE_SCRATCH,
      fields: {
        ...{ ...g, rows, tile, multiplier, midC, outC, zx, flags },
        ...{ zw: (half ?? matrix!).w.zero, zw2: half && matrix ? matrix.w.zero : 0 },
        ...{ ...between, product: 0, zy: to.zero, qlo: to.lo, qhi: to.hi },
      },
    },
  };
}
