/**
 * What an edge of an ONNX graph carries: a value computed at each run, or a tensor that is known beforehand.
 * @module
 */

import { sizeOf } from "../../graph/dimensions.ts";
import type { Quantization, Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { arranged } from "./arrange.ts";
import type { Layout } from "./layout.ts";
import { checkLength, decoded, decodedNow, type ElementType, type Numbers, type TensorInfo } from "./tensors.ts";

/** Type and meaning of a value: nothing for float32, both for 8 bits, a type alone for whole numbers. */
export interface ValueType {
  readonly dtype?: "int8" | "uint8" | "int32";
  readonly quantization?: Quantization;
}

/** A value that is computed at each run. */
export interface Value extends ValueType {
  /** What it is called in the graph. */
  readonly name: string;
  readonly layout: Layout;
}

/** A tensor that is known beforehand. */
export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: Shape;
  /** Its numbers, where they are so few that they can be shapes, axes or bounds. */
  readonly values?: readonly number[];
  /** Its numbers in row-major order: an array that belongs to the caller. */
  readonly numbers: (budget: Budget) => Promise<Numbers>;
  /** The whole numbers that it is made of, as scale·(q − zeroPoint). */
  readonly stored?: StoredTensor;
}

/** Whole numbers of 8 or 32 bits, and what they mean. */
export interface StoredTensor {
  readonly tensor: Tensor;
  readonly quantization: Quantization;
}

/** What an edge carries. */
export type Operand = { readonly tensor: Tensor } | { readonly value: Value };

/** More numbers than shapes, axes and bounds have. */
export const MOST_VALUES = 1024;

/** A tensor of the file. @throws {FormatError} Its data are not as long as its dimensions say. */
export function ofInfo(info: TensorInfo): Tensor {
  checkLength(info);
  const { name, type, dims } = info;
  const few = sizeOf(dims) <= MOST_VALUES;
  return {
    name,
    type,
    dims,
    ...(few && { values: Array.from(decodedNow(info)) }),
    numbers: (budget) => decoded(info, budget),
  };
}

/** A tensor of a few numbers that were computed while the file was read. */
export function ofValues(name: string, type: ElementType, dims: Shape, values: readonly number[]): Tensor {
  return {
    name,
    type,
    dims,
    values,
    numbers: async () => (type.startsWith("float") ? Float32Array.from(values) : Float64Array.from(values)),
  };
}

/** The same tensor under other dimensions. */
export function withDims(tensor: Tensor, name: string, dims: Shape): Tensor {
  const { stored } = tensor;
  // An axis of scales is another one then.
  if (stored === undefined || stored.quantization.scales.length === 1) {
    const inner = stored && { ...stored, tensor: withDims(stored.tensor, stored.tensor.name, dims) };
    return { ...tensor, name, dims, ...(inner && { stored: inner }) };
  }
  const { stored: _, ...rest } = tensor;
  return { ...rest, name, dims };
}

/** The tensor with its dimensions in another order. */
export function withAxes(tensor: Tensor, name: string, permutation: readonly number[]): Tensor {
  const { dims, values, stored, numbers, type } = tensor;
  const inner = stored && {
    tensor: withAxes(stored.tensor, stored.tensor.name, permutation),
    quantization: { ...stored.quantization, axis: Math.max(0, permutation.indexOf(stored.quantization.axis)) },
  };
  return {
    name,
    type,
    dims: permutation.map((axis) => dims[axis]!),
    ...(values && { values: Array.from(arrangedNow(values, dims, permutation)) }),
    ...(inner && { stored: inner }),
    numbers: async (budget) => arranged(await numbers(budget), dims, permutation, budget),
  };
}

function arrangedNow(values: readonly number[], dims: Shape, permutation: readonly number[]): Float64Array {
  const result = new Float64Array(values.length);
  const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
  const to = permutation.map((axis) => dims[axis]!);
  for (let i = 0; i < result.length; i++) {
    let [rest, at] = [i, 0];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      at += (rest % to[axis]!) * strides[permutation[axis]!]!;
      rest = Math.floor(rest / to[axis]!);
    }
    result[i] = values[at]!;
  }
  return result;
}
