/**
 * Numbers of tensors in other orders and types, a piece at a time.
 * @module
 */

import { sizeOf } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { inPieces } from "../common/decode.ts";
import type { Numbers } from "./tensors.ts";

/** Dimensions in another order: `permutation` holds their indices, outermost first. */
export async function arranged<T extends Numbers>(
  data: T,
  dims: Shape,
  permutation: readonly number[],
  budget: Budget,
): Promise<T> {
  if (permutation.every((axis, i) => axis === i)) return data;
  const result = new (data.constructor as new (length: number) => T)(data.length);
  const sizes = permutation.map((axis) => dims[axis]!);
  const strides = permutation.map((axis) => sizeOf(dims.slice(axis + 1)));
  const digits = new Array<number>(sizes.length).fill(0);
  let at = 0;
  await inPieces(data.length, budget, (from, to) => {
    for (let i = from; i < to; i++) {
      result[i] = data[at]!;
      for (let axis = sizes.length - 1; axis >= 0; axis--) {
        at += strides[axis]!;
        if (++digits[axis]! < sizes[axis]!) break;
        at -= strides[axis]! * sizes[axis]!;
        digits[axis] = 0;
      }
    }
  });
  return result;
}

/** Rows of a matrix in another order: row i of the result is row `order[i]`. */
export function rowsIn<T extends Numbers>(data: T, columns: number, order: Int32Array): T {
  const result = new (data.constructor as new (length: number) => T)(data.length);
  order.forEach((row, i) => {
    result.set(data.subarray(row * columns, (row + 1) * columns) as never, i * columns);
  });
  return result;
}

/** As float32. */
export async function floats(data: Numbers, budget: Budget): Promise<Float32Array> {
  if (data instanceof Float32Array) return data;
  const result = new Float32Array(data.length);
  await inPieces(data.length, budget, (from, to) => result.set(data.subarray(from, to), from));
  return result;
}

/** scale·(q − zeroPoint), in float32; scales for the tensor, or for each index of an axis. */
export async function dequantized(
  data: Numbers,
  dims: Shape,
  { scales, zeroPoints, axis }: { scales: readonly number[]; zeroPoints: readonly number[]; axis: number },
  budget: Budget,
): Promise<Float32Array> {
  const result = new Float32Array(data.length);
  const inner = scales.length === 1 ? Math.max(1, data.length) : sizeOf(dims.slice(axis + 1));
  await inPieces(data.length, budget, (from, to) => {
    for (let i = from; i < to; i++) {
      const channel = Math.floor(i / inner) % scales.length;
      result[i] = scales[channel]! * (data[i]! - zeroPoints[channel]!);
    }
  });
  return result;
}

/** zeroPoint + round(x/scale) within [lo, hi], ties to the even number, as ONNX has it. */
export async function quantized(
  data: Numbers,
  dims: Shape,
  { scales, zeroPoints, axis }: { scales: readonly number[]; zeroPoints: readonly number[]; axis: number },
  dtype: "int8" | "uint8",
  budget: Budget,
): Promise<Int8Array | Uint8Array> {
  const result = dtype === "int8" ? new Int8Array(data.length) : new Uint8Array(data.length);
  const [lo, hi] = dtype === "int8" ? [-128, 127] : [0, 255];
  const inner = scales.length === 1 ? Math.max(1, data.length) : sizeOf(dims.slice(axis + 1));
  await inPieces(data.length, budget, (from, to) => {
    for (let i = from; i < to; i++) {
      const channel = Math.floor(i / inner) % scales.length;
      const q = zeroPoints[channel]! + roundEven(Math.fround(data[i]! / scales[channel]!));
      result[i] = Math.min(hi, Math.max(lo, q));
    }
  });
  return result;
}

/** The nearest whole number; of two equally near ones the even. */
export function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
