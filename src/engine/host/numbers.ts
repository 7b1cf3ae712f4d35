/**
 * Arrays of numbers as they go into a session and come out of it.
 * @module
 */
import { kindOf, tagOf } from "../../arguments.ts";
import type { DType, Quantization, Shape } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import type { ManifestValue } from "../manifest.ts";
import type { LinearMemory } from "./memory.ts";

/** What a value looks like to the caller. */
export interface ValueInfo {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** In 8 bits: what the numbers mean, scale·(q − zeroPoint). */
  readonly scale?: number;
  readonly zeroPoint?: number;
  readonly quantization?: Quantization;
}

/** The numbers of a value: a Float32Array, Int32Array, Int8Array or Uint8Array, as its dtype says. */
export type Numbers = Float32Array | Int32Array | Int8Array | Uint8Array;

/**
 * What a run answers; all arrays are the caller's to keep. `T`: their type, which for 8-bit networks is not
 * Float32Array.
 */
export interface RunResult<T extends Numbers = Float32Array> {
  /** The first output. */
  readonly output: T;
  /** All outputs by name. */
  readonly outputs: Readonly<Record<string, T>>;
  /** The end points that were asked for when the session was made, by the names they were asked for. */
  readonly endPoints: Readonly<Record<string, T>>;
}

/** What callers are told of a value. */
export function infoOf({ name, shape, dtype, quantization }: ManifestValue): ValueInfo {
  if (quantization === undefined) return { name, shape, dtype };
  return { name, shape, dtype, quantization, scale: quantization.scales[0]!, zeroPoint: quantization.zeroPoints[0]! };
}

/** A view of a value. */
export function viewOf(memory: LinearMemory, { address, shape, dtype }: ManifestValue): Numbers {
  const length = sizeOf(shape);
  if (dtype === "float32") return memory.floats(address, length);
  if (dtype === "int32") return new Int32Array(memory.buffer, address, length);
  return dtype === "int8" ? new Int8Array(memory.buffer, address, length) : memory.bytes(address, length);
}

const ARRAYS = { float32: "Float32Array", int8: "Int8Array", uint8: "Uint8Array", int32: "Int32Array" } as const;

/**
 * An array of the kind that an input takes; plain bytes may be clamped ones.
 * @throws TypeError for another one
 */
export function checkArray(
  { name, shape, dtype }: Pick<ValueInfo, "name" | "shape" | "dtype">,
  data: unknown,
): Numbers {
  const tag = tagOf(data);
  if (tag !== ARRAYS[dtype] && !(dtype === "uint8" && tag === "Uint8ClampedArray")) {
    throw new TypeError(`input ${name}: expected ${wanted({ shape, dtype })}, got ${kindOf(data)}`);
  }
  return data as Numbers;
}

/** What an input takes, in words. */
export function wanted({ shape, dtype }: Pick<ValueInfo, "shape" | "dtype">): string {
  const array = ARRAYS[dtype];
  return `${array.startsWith("I") ? "an" : "a"} ${array} of shape [${shape.join(", ")}]`;
}
