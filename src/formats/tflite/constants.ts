/**
 * Constants of a TFLite file as float32, bytes or integers. What a tensor claims is held against the bytes that are
 * there before anything is made of them.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Quantization } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import type { Budget } from "../../limits.ts";
import { inPieces, widen } from "../common/decode.ts";
import { ITEM_BYTES } from "./items.ts";
import type { TensorInfo } from "./schema.ts";

/** How messages name a tensor of the file. */
function whereIs(tensor: TensorInfo): string {
  return `tflite, tensor ${tensor.index} '${tensor.name}'`;
}

/**
 * @throws {FormatError} The buffer is not as long as the tensor needs. @throws {UnsupportedError} for types that are no
 * numbers
 */
export function checkBytes(tensor: TensorInfo): void {
  const where = whereIs(tensor);
  const item = ITEM_BYTES[tensor.type];
  if (item === undefined) throw new UnsupportedError(`${where}: expected numbers, got ${tensor.type}`);
  const needed = sizeOf(tensor.shape) * item;
  if (tensor.data.length !== needed) {
    throw new FormatError(
      `${where}, byte ${tensor.offset}: expected ${needed} bytes for [${tensor.shape.join(",")}] ${tensor.type}, got ${tensor.data.length}`,
    );
  }
}

/** @throws {FormatError} The tensor holds no integers. */
function checkIntegers(tensor: TensorInfo): void {
  checkBytes(tensor);
  if (!tensor.type.includes("int")) throw new FormatError(`${whereIs(tensor)}: expected integers, got ${tensor.type}`);
}

/** @throws as {@link checkBytes}, and {@link FormatError} for integers without scales that are numbers */
export function checkFloats(tensor: TensorInfo): void {
  checkBytes(tensor);
  if (tensor.type.startsWith("float")) return;
  const { quantization, type } = tensor;
  if (!quantization) throw new FormatError(`${whereIs(tensor)}: expected a scale for ${type}, got none`);
  const scale = quantization.scales.find((s) => !(Number.isFinite(s) && s >= 0));
  if (scale !== undefined) throw new FormatError(`${whereIs(tensor)}: expected positive scales, got ${scale}`);
}

/** A copy, because views of 16 and 32 bits need alignment and the file must not stay in memory. */
export function copyOf(tensor: TensorInfo): ArrayBuffer {
  return new Uint8Array(tensor.data).buffer;
}

/** The numbers of a checked tensor as it stores them. */
function stored(tensor: TensorInfo): ArrayLike<number> {
  const buffer = copyOf(tensor);
  switch (tensor.type) {
    case "int8":
      return new Int8Array(buffer);
    case "uint8":
      return new Uint8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return Float64Array.from(new BigInt64Array(buffer), Number);
    default:
      return new Float32Array(buffer);
  }
}

/** More integers than any axes, paddings and sizes are. */
const MOST_INTEGERS = 1024;

/** Axes, paddings, sizes. @throws {FormatError} for other types than integers, and for more than any operator wants */
export function integersOf(tensor: TensorInfo): number[] {
  checkIntegers(tensor);
  const count = sizeOf(tensor.shape);
  if (count > MOST_INTEGERS) {
    throw new FormatError(`${whereIs(tensor)}: expected at most ${MOST_INTEGERS} integers, got ${count}`);
  }
  return Array.from(stored(tensor));
}

/** The value of a tensor of one number. */
export function numberOf(tensor: TensorInfo): number {
  checkFloats(tensor);
  const { type, quantization } = tensor;
  if (type === "float16") {
    const result = new Float32Array(1);
    widen(new Uint16Array(copyOf(tensor)), result);
    return result[0]!;
  }
  const [q] = Array.from(stored(tensor)) as [number];
  return quantization && type !== "float32"
    ? Math.fround(quantization.scales[0]! * (q - quantization.zeroPoints[0]!))
    : q;
}

/** A checked tensor as float32, whatever it is stored as. */
export async function floatsOf(tensor: TensorInfo, budget: Budget): Promise<Float32Array<ArrayBuffer>> {
  const { type, quantization, shape } = tensor;
  if (type === "float32") return new Float32Array(copyOf(tensor));
  const result = new Float32Array(sizeOf(shape));
  if (type === "float16") {
    const bits = new Uint16Array(copyOf(tensor));
    await inPieces(bits.length, budget, (from, to) => widen(bits, result, from, to));
    return result;
  }
  const quantized = stored(tensor);
  const { scales, zeroPoints, axis } = quantization!;
  const inner = sizeOf(shape.slice(axis + 1));
  await inPieces(result.length, budget, (from, to) => {
    for (let i = from; i < to; i++) {
      const channel = scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length;
      result[i] = scales[channel]! * (quantized[i]! - zeroPoints[channel]!);
    }
  });
  return result;
}

const ZERO_POINTS: Readonly<Record<string, readonly [number, number]>> = { int8: [-128, 127], uint8: [0, 255] };

/**
 * @param least what scales must be at the least: weights may have scales of 0, of filters that were pruned
 * @throws {FormatError} There are no scales, or some that mean nothing.
 */
export function requireQuantization(tensor: TensorInfo, where: string, least: "positive" | "from 0 on"): Quantization {
  const { quantization, type, index } = tensor;
  if (!quantization) throw new FormatError(`${where}: expected a scale for ${type}, got none`);
  const sound = (s: number) => Number.isFinite(s) && (least === "positive" ? s > 0 : s >= 0);
  const scale = quantization.scales.find((s) => !sound(s));
  if (scale !== undefined) throw new FormatError(`${where}, tensor ${index}: expected positive scales, got ${scale}`);
  const [lo, hi] = ZERO_POINTS[type] ?? [0, 0];
  const zero = quantization.zeroPoints.find((z) => !(z >= lo && z <= hi));
  if (zero !== undefined) {
    throw new FormatError(`${where}, tensor ${index}: expected zero points from ${lo} to ${hi}, got ${zero}`);
  }
  return quantization;
}

/** The one scale and zero point of a value. */
export function valueQuantization(tensor: TensorInfo, where: string): Quantization {
  const { scales, zeroPoints } = requireQuantization(tensor, where, "positive");
  if (scales.length !== 1) throw new UnsupportedError(`${where}: expected one scale for a value, got ${scales.length}`);
  return { scales, zeroPoints, axis: 0 };
}
