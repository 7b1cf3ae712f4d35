/**
 * ONNX's way into 8 bits and out of them: QuantizeLinear, DequantizeLinear, and the operators that have both within.
 * What lies between a pair of them is brought to 8 bits by the pass in `bytes.ts`.
 * @module
 */

import type { Quantization } from "../../graph/graph.ts";
import { dequantized, quantized } from "./arrange.ts";
import type { NodeCall } from "./call.ts";
import type { Operand, Tensor } from "./operand.ts";

const BYTES: readonly string[] = ["int8", "uint8"];

/** Scales and zero points, inputs `i` and `i + 1`, for a tensor of `rank` dimensions. */
function meaning(call: NodeCall, i: number, rank: number): { quantization: Quantization; type: string } {
  const scales = [...call.numbers(i)].map(Math.fround);
  const zero = call.has(i + 1) ? call.tensor(i + 1) : undefined;
  const zeroPoints = zero ? [...call.numbers(i + 1)] : scales.map(() => 0);
  const bad = scales.find((scale) => !(scale > 0 && Number.isFinite(scale)));
  if (bad !== undefined) throw call.wrong("positive scales", `${bad}`);
  if (zeroPoints.length !== scales.length || scales.length === 0) {
    throw call.wrong(`${scales.length} zero points`, `${zeroPoints.length}`);
  }
  if (call.integer("block_size", 0) !== 0) throw call.unsupported("scales by tensor or axis", "scales by block");
  const axis = scales.length === 1 ? 0 : call.axis(call.integer("axis", 1), rank);
  return { quantization: { scales, zeroPoints, axis }, type: zero?.type ?? "uint8" };
}

/** Type and meaning of a value in 8 bits. */
function byteType(call: NodeCall, i: number, rank: number) {
  const { quantization, type } = meaning(call, i, rank);
  if (type !== "int8" && type !== "uint8") throw call.unsupported("int8 or uint8", type);
  const { scales, zeroPoints } = quantization;
  if (scales.length !== 1) throw call.unsupported("one scale for a value", `${scales.length}`);
  const [lo, hi] = type === "int8" ? [-128, 127] : [0, 255];
  if (!(zeroPoints[0]! >= lo && zeroPoints[0]! <= hi)) throw call.wrong(`a zero point of ${type}`, `${zeroPoints[0]}`);
  return { dtype: type, quantization } as const;
}

/** To 8 bits: a value when it is run, a constant while the file is read. */
export function quantizeLinear(call: NodeCall): Operand {
  const found = call.operand(0);
  if ("tensor" in found) return { tensor: quantizedTensor(call, found.tensor) };
  const { value } = found;
  const type = byteType(call, 1, value.layout.dims.length);
  const name = call.emit({ op: "quantize", ...type }, [call.value(0).name]);
  return { value: { ...value, ...type, name } };
}

function quantizedTensor(call: NodeCall, tensor: Tensor): Tensor {
  const { quantization, type } = meaning(call, 1, tensor.dims.length);
  if (type !== "int8" && type !== "uint8") throw call.unsupported("int8 or uint8", type);
  const { dims } = tensor;
  checkAxis(call, dims, quantization);
  return {
    name: call.output,
    type,
    dims,
    numbers: async (budget) => quantized(await tensor.numbers(budget), dims, quantization, type, budget),
  };
}

function checkAxis(call: NodeCall, dims: readonly number[], { scales, axis }: Quantization): void {
  if (scales.length > 1 && dims[axis] !== scales.length) {
    throw call.wrong(`a scale for each of ${dims[axis]}`, `${scales.length}`);
  }
}

/** From 8 bits: a value when it is run, a constant while the file is read. */
export function dequantizeLinear(call: NodeCall): Operand {
  const found = call.operand(0);
  if ("tensor" in found) return { tensor: dequantizedTensor(call, found.tensor) };
  const { dtype, quantization, ...value } = call.any(0);
  if (!dtype) throw call.wrong("a value in 8 bits", "float32");
  const { quantization: own } = meaning(call, 1, value.layout.dims.length);
  const same = quantization?.scales[0] === own.scales[0] && quantization?.zeroPoints[0] === own.zeroPoints[0];
  if (!same || own.scales.length !== 1) throw call.unsupported("the scale that the value was made by", "another one");
  return { value: { ...value, name: call.emit({ op: "dequantize" }, [value.name]) } };
}

function dequantizedTensor(call: NodeCall, tensor: Tensor): Tensor {
  const { dims, type, name } = tensor;
  if (!BYTES.includes(type) && type !== "int32") throw call.unsupported("int8, uint8 or int32", type);
  const { quantization } = meaning(call, 1, dims.length);
  checkAxis(call, dims, quantization);
  return {
    name: call.output,
    type: "float32",
    dims,
    numbers: async (budget) => {
      budget.unpack(4 * dims.reduce((a, b) => a * b, 1), `onnx: tensor "${name}"`);
      return dequantized(await tensor.numbers(budget), dims, quantization, budget);
    },
    stored: { tensor, quantization },
  };
}
