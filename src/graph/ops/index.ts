/**
 * All ops: the closed union of nodes, and what is known of each op. The compiler sees to it that neither lacks what the
 * other has.
 * @module
 */

import { type ArgMax, argMax } from "./arg-max.ts";
import { type Arithmetic, add, div, maximum, minimum, mul, sub } from "./arithmetic.ts";
import { type BatchNorm, batchNorm } from "./batch-norm.ts";
import { type Cast, cast } from "./cast.ts";
import { type ClampNode, clamp } from "./clamp.ts";
import { type Concat, concat } from "./concat.ts";
import { type ConstantNode, constant } from "./constant.ts";
import { type Conv2d, conv2d } from "./conv2d.ts";
import type { AnyNode, OpDefinition } from "./definition.ts";
import { type Dense, dense } from "./dense.ts";
import { type DepthwiseConv2d, depthwiseConv2d } from "./depthwise-conv2d.ts";
import { type Dequantize, dequantize } from "./dequantize.ts";
import { type GatherNd, gatherNd } from "./gather-nd.ts";
import { type GlobalAveragePool, globalAveragePool } from "./global-average-pool.ts";
import { type HardSwish, hardSwish } from "./hard-swish.ts";
import { type Identity, identity } from "./identity.ts";
import { type LeakyRelu, leakyRelu } from "./leaky-relu.ts";
import { type MatMul, matMul } from "./mat-mul.ts";
import { type MirrorPad, mirrorPad } from "./mirror-pad.ts";
import { type Moments, moments } from "./moments.ts";
import { type MovingAverage, movingAverage } from "./moving-average.ts";
import { type Normalize, normalize } from "./normalize.ts";
import { type Pad, pad } from "./pad.ts";
import { averagePool, maxPool, type Pool } from "./pool.ts";
import { type Prelu, prelu } from "./prelu.ts";
import { type Quantize, quantize } from "./quantize.ts";
import { type Reduce, reduce } from "./reduce.ts";
import { type Reshape, reshape } from "./reshape.ts";
import { type ResizeBilinear, resizeBilinear } from "./resize-bilinear.ts";
import { type ResizeNearest, resizeNearest } from "./resize-nearest.ts";
import { type ScaleShift, scaleShift } from "./scale-shift.ts";
import { type Separable, separable } from "./separable.ts";
import { type Sigmoid, sigmoid } from "./sigmoid.ts";
import { type Slice, slice } from "./slice.ts";
import { type Softmax, softmax } from "./softmax.ts";
import { type Tile, tile } from "./tile.ts";
import { type Transpose, transpose } from "./transpose.ts";
import { type TransposedConv2d, transposedConv2d } from "./transposed-conv2d.ts";
import { type Unary, unary } from "./unary.ts";

/** One step of a network. The union is closed: a `switch` over `op` is checked for completeness by the compiler. */
export type Node =
  | Conv2d
  | DepthwiseConv2d
  | Dense
  | Separable
  | BatchNorm
  | Moments
  | Normalize
  | MovingAverage
  | ScaleShift
  | Prelu
  | ClampNode
  | Sigmoid
  | HardSwish
  | Softmax
  | Pool
  | GlobalAveragePool
  | Arithmetic
  | ArgMax
  | Concat
  | Pad
  | ResizeBilinear
  | Reshape
  | MirrorPad
  | Reduce
  | ResizeNearest
  | Slice
  | Tile
  | Transpose
  | TransposedConv2d
  | Unary
  | Quantize
  | Dequantize
  | Cast
  | ConstantNode
  | GatherNd
  | LeakyRelu
  | MatMul
  | Identity;

/** The name of an op. */
export type Op = Node["op"];

/** The node of an op. */
export type NodeOf<O extends Op, N = Node> = N extends { readonly op: infer P } ? (O extends P ? N : never) : never;

/** What is known of each op. */
export const OPS: { readonly [O in Op]: OpDefinition<NodeOf<O>> } = {
  conv2d,
  depthwiseConv2d,
  dense,
  separable,
  batchNorm,
  moments,
  normalize,
  movingAverage,
  scaleShift,
  prelu,
  clamp,
  sigmoid,
  hardSwish,
  softmax,
  maxPool,
  averagePool,
  globalAveragePool,
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  argMax,
  concat,
  pad,
  resizeBilinear,
  reshape,
  mirrorPad,
  reduce,
  resizeNearest,
  slice,
  tile,
  transpose,
  transposedConv2d,
  unary,
  quantize,
  dequantize,
  cast,
  constant,
  gatherNd,
  leakyRelu,
  matMul,
  identity,
};

/**
 * What is known of the op of a node.
 * @throws TypeError for an op that there is not
 */
export function definitionOf<N extends AnyNode>({ name, op }: N): OpDefinition<N> {
  if (!Object.hasOwn(OPS, op)) {
    throw new TypeError(`node "${name}": expected a known op, got ${JSON.stringify(op)}`);
  }
  return OPS[op as Op] as unknown as OpDefinition<N>;
}

export type {
  ArgMax,
  Arithmetic,
  BatchNorm,
  Cast,
  ClampNode,
  Concat,
  ConstantNode,
  Conv2d,
  Dense,
  DepthwiseConv2d,
  Dequantize,
  GatherNd,
  GlobalAveragePool,
  HardSwish,
  Identity,
  LeakyRelu,
  MatMul,
  MirrorPad,
  Moments,
  MovingAverage,
  Normalize,
  Pad,
  Pool,
  Prelu,
  Quantize,
  Reduce,
  Reshape,
  ResizeBilinear,
  ResizeNearest,
  ScaleShift,
  Separable,
  Sigmoid,
  Slice,
  Softmax,
  Tile,
  Transpose,
  TransposedConv2d,
  Unary,
};
