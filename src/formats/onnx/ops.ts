/**
 * What each ONNX operator becomes.
 * @module
 */

import { bound, clip, hardSigmoid, leakyRelu, mapped, prelu, relu, softmax, unary } from "./activations.ts";
import { arithmetic, sum } from "./arithmetic.ts";
import type { NodeCall } from "./call.ts";
import { celu, elu, mish, power, selu, softplus, softsign } from "./compose.ts";
import { gemm, matMul } from "./dense.ts";
import { cast } from "./fold.ts";
import { blocks, expand, gather, tile } from "./moves.ts";
import type { Operand } from "./operand.ts";
import { slice, split } from "./parts.ts";
import { QLINEAR } from "./qlinear.ts";
import { dequantizeLinear, quantizeLinear } from "./quantization.ts";
import { resize } from "./resize.ts";
import {
  argMax,
  concat,
  flatten,
  nothing,
  reduction,
  reshape,
  squeeze,
  sumOf,
  transpose,
  unsqueeze,
} from "./shapes.ts";
import {
  averagePool,
  batchNorm,
  conv,
  convTranspose,
  globalAveragePool,
  globalMaxPool,
  maxPool,
  pad,
} from "./windows.ts";

/** Adds a node's nodes and answers with what it computes, for its outputs in order where there are several. */
export type Op = (call: NodeCall) => Operand | readonly Operand[];

/** Every operator that computes values; those that are known beforehand are in `fold.ts`. */
export const OPS: ReadonlyMap<string, Op> = new Map<string, Op>([
  ["Abs", mapped("abs")],
  ["Add", arithmetic("add")],
  ["ArgMax", argMax],
  ["ArgMin", argMax],
  ["AveragePool", averagePool],
  ["BatchNormalization", batchNorm],
  ["Cast", cast],
  ["Ceil", mapped("ceil")],
  ["Celu", celu],
  ["Clip", clip],
  ["Concat", concat],
  ["Conv", conv],
  ["ConvTranspose", convTranspose],
  ["DepthToSpace", blocks],
  ["DequantizeLinear", dequantizeLinear],
  ["Div", arithmetic("div")],
  ["Dropout", nothing],
  ["Elu", elu],
  ["Exp", mapped("exp")],
  ["Expand", expand],
  ["Floor", mapped("floor")],
  ["Flatten", flatten],
  ["Gather", gather],
  ["Gemm", gemm],
  ["GlobalAveragePool", globalAveragePool],
  ["GlobalMaxPool", globalMaxPool],
  ["HardSigmoid", hardSigmoid],
  ["HardSwish", unary("hardSwish")],
  ["Identity", nothing],
  ["LeakyRelu", leakyRelu],
  ["Log", mapped("log")],
  ["MatMul", matMul],
  ["Max", bound],
  ["MaxPool", maxPool],
  ["Min", bound],
  ["Mish", mish],
  ["Mul", arithmetic("mul")],
  ["Neg", mapped("neg")],
  ["PRelu", prelu],
  ["Pad", pad],
  ["Pow", power],
  ["QuantizeLinear", quantizeLinear],
  ["Reciprocal", mapped("reciprocal")],
  ["ReduceL1", sumOf("abs")],
  ["ReduceL2", sumOf("square", "sqrt")],
  ["ReduceMax", reduction("max")],
  ["ReduceMean", reduction("mean")],
  ["ReduceMin", reduction("min")],
  ["ReduceProd", reduction("product")],
  ["ReduceSum", reduction("sum")],
  ["ReduceSumSquare", sumOf("square")],
  ["Relu", relu],
  ["Reshape", reshape],
  ["Resize", resize],
  ["Round", mapped("round")],
  ["Selu", selu],
  ["Sigmoid", unary("sigmoid")],
  ["Slice", slice],
  ["Softmax", softmax],
  ["Softplus", softplus],
  ["Softsign", softsign],
  ["SpaceToDepth", blocks],
  ["Split", split],
  ["Sqrt", mapped("sqrt")],
  ["Squeeze", squeeze],
  ["Sub", arithmetic("sub")],
  ["Sum", sum],
  ["Tanh", mapped("tanh")],
  ["Tile", tile],
  ["Transpose", transpose],
  ["Unsqueeze", unsqueeze],
  ...QLINEAR,
  ["Upsample", resize],
]);
