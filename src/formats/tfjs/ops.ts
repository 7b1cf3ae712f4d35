/**
 * What each TensorFlow op of a graph model becomes.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { positiveAxis, resolvedShape, sizeOf, withOpenBatch } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import { add, biasAdd, multiply, subtract } from "./arithmetic.ts";
import type { Call, Operand } from "./call.ts";
import { numbersAttribute, where } from "./graphdef.ts";
import { ONLY_KNOWN, onlyKnown, shapeOp } from "./known.ts";
import { activation, batchNorm, bound, convolution, matMul, mean, pool, prelu } from "./layers.ts";
import { numbers, operand, unsupported, value, weight } from "./operands.ts";
import { sides } from "./windows.ts";

type Op = (call: Call) => Operand;

/** Every supported op but Const and Placeholder. */
export const OPS: ReadonlyMap<string, Op> = new Map<string, Op>([
  ["Conv2D", convolution],
  ["_FusedConv2D", convolution],
  ["DepthwiseConv2dNative", convolution],
  ["FusedDepthwiseConv2dNative", convolution],
  ["MatMul", matMul],
  ["_FusedMatMul", matMul],
  ["BiasAdd", biasAdd],
  ["Add", add],
  ["AddV2", add],
  ["Sub", subtract],
  ["Mul", multiply],
  ["FusedBatchNorm", batchNorm],
  ["FusedBatchNormV2", batchNorm],
  ["FusedBatchNormV3", batchNorm],
  ["Relu", activation],
  ["Relu6", activation],
  ["Prelu", prelu],
  ["LeakyRelu", prelu],
  ["Minimum", bound],
  ["Maximum", bound],
  ["Sigmoid", activation],
  ["Softmax", activation],
  ["AvgPool", pool],
  ["MaxPool", pool],
  ["Mean", mean],
  ["Pad", pad],
  ["PadV2", pad],
  ["Reshape", reshape],
  ["Squeeze", squeeze],
  ["ConcatV2", concat],
  ["Identity", identity],
  ["StopGradient", identity],
  ["Shape", shapeOp],
  ...ONLY_KNOWN.map((op) => [op, onlyKnown] as const),
]);

function pad(call: Call): Operand {
  const amounts = sides(call, numbers(call, 1));
  const fill = call.node.op === "PadV2" ? weight(call, 2).data[0]! : 0;
  return { value: call.emit({ op: "pad", inputs: [value(call, 0)], padding: amounts, value: fill }) };
}

function reshape(call: Call): Operand {
  const target = numbers(call, 1);
  const found = operand(call, 0);
  const from = "constant" in found ? found.constant.shape : call.shape(found.value);
  const shape = resolvedShape(sizeOf(from), target);
  if (!shape) {
    throw new FormatError(`${where(call.node)}: expected a shape of ${sizeOf(from)} elements, got [${target}]`);
  }
  if ("constant" in found) return { name: call.node.name, constant: { ...found.constant, shape } };
  return { value: emitReshape(call, found.value, shape) };
}

/** Leaves the batch open, where the first dimension is the batch before and after. */
function emitReshape(call: Call, x: string, shape: Shape): string {
  return call.emit({ op: "reshape", inputs: [x], shape: withOpenBatch(call.shape(x), shape) });
}

function squeeze(call: Call): Operand {
  const x = value(call, 0);
  const shape = call.shape(x);
  const axes = numbersAttribute(call.node, "squeeze_dims", []).map((axis) => positiveAxis(axis, shape.length));
  if (axes.length === 0 || axes.includes(0) || axes.some((axis) => shape[axis] !== 1)) {
    throw unsupported(call, "squeeze_dims of size 1, the batch not among them", `[${axes}] of [${shape}]`);
  }
  const rest = shape.filter((_, axis) => !axes.includes(axis));
  return { value: emitReshape(call, x, rest) };
}

function concat(call: Call): Operand {
  const last = call.inputs.length - 1;
  const inputs = call.inputs.slice(0, last).map((_, i) => value(call, i));
  const axis = numbers(call, last)[0]!;
  const rank = call.shape(inputs[0] ?? value(call, 0)).length;
  return { value: call.emit({ op: "concat", inputs, axis: positiveAxis(axis, rank) }) };
}

function identity(call: Call): Operand {
  const found = operand(call, 0);
  if ("constant" in found) return found;
  return { value: call.emit({ op: "identity", inputs: [found.value] }) };
}
