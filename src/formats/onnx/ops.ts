/**
 * What each ONNX operator becomes.
 * @module
 */

import { bound, clip, hardSigmoid, leakyRelu, mapped, prelu, relu, softmax, unary } from "./activations.ts";
import { arithmetic, sum } from "./arithmetic.ts";
import type { NodeCall } from "./call.ts";
import { gemm, matMul } from "./dense.ts";
import { cast } from "./fold.ts";
import type { Operand } from "./operand.ts";
import { slice, split } from "./parts.ts";
import { QLINEAR } from "./qlinear.ts";
import { dequantizeLinear, quantizeLinear } from "./quantization.ts";
import { resize } from "./resize.ts";
import { argMax, concat, flatten, nothing, reduction, reshape, squeeze, transpose, unsqueeze } from "./shapes.ts";
import { averagePool, batchNorm, conv, globalAveragePool, globalMaxPool, maxPool, pad } from "./windows.ts";

/** Adds a node's nodes and answers with what it computes, for its outputs in order where there are several. */
export type Op = (call: NodeCall) => Operand | readonly Operand[];

/** Every operator that computes values; those that are known beforehand are in `fold.ts`. */
export const OPS: ReadonlyMap<string, Op> = new Map<string, Op>([
  ["Abs", mapped("abs")],
  ["Add", arithmetic("add")],
  ["ArgMax", argMax],
  ["AveragePool", averagePool],
  ["BatchNormalization", batchNorm],
  ["Cast", cast],
  ["Clip", clip],
  ["Concat", concat],
  ["Conv", conv],
  ["DequantizeLinear", dequantizeLinear],
  ["Div", arithmetic("div")],
  ["Dropout", nothing],
  ["Exp", mapped("exp")],
  ["Floor", mapped("floor")],
  ["Flatten", flatten],
  ["Gemm", gemm],
  ["GlobalAveragePool", globalAveragePool],
  ["GlobalMaxPool", globalMaxPool],
  ["HardSigmoid", hardSigmoid],
  ["HardSwish", unary("hardSwish")],
  ["Identity", nothing],
  ["LeakyRelu", leakyRelu],
  ["MatMul", matMul],
  ["Max", bound],
  ["MaxPool", maxPool],
  ["Min", bound],
  ["Mul", arithmetic("mul")],
  ["Neg", mapped("neg")],
  ["PRelu", prelu],
  ["Pad", pad],
  ["QuantizeLinear", quantizeLinear],
  ["Reciprocal", mapped("reciprocal")],
  ["ReduceMax", reduction("max")],
  ["ReduceMean", reduction("mean")],
  ["ReduceMin", reduction("min")],
  ["ReduceProd", reduction("product")],
  ["ReduceSum", reduction("sum")],
  ["Relu", relu],
  ["Reshape", reshape],
  ["Resize", resize],
  ["Sigmoid", unary("sigmoid")],
  ["Slice", slice],
  ["Softmax", softmax],
  ["Split", split],
  ["Sqrt", mapped("sqrt")],
  ["Squeeze", squeeze],
  ["Sub", arithmetic("sub")],
  ["Sum", sum],
  ["Tanh", mapped("tanh")],
  ["Transpose", transpose],
  ["Unsqueeze", unsqueeze],
  ...QLINEAR,
  ["Upsample", resize],
]);
