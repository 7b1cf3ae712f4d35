/**
 * Instructions of WebAssembly, as far as frozen modules have functions beside the kernels.
 * @module
 */
import { joined, s32, u32 } from "../engine/host/binary.ts";

/** Kinds of locals, as a function's body begins with them: groups, each a count and a type. */
export type Types = readonly number[];

/** An i32. */
export const constant = (value: number): number[] => [0x41, ...s32(value)];

/** A float of 32 bits. */
export const constantF32 = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];

/** A float of 64 bits. */
export const constantF64 = (value: number): number[] => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)];

/** Calls a function by its number. */
export const call = (index: number): number[] => [0x10, ...u32(index)];

/** A local or parameter by its number. */
export const local = (index: number) => ({
  get: [0x20, ...u32(index)],
  set: [0x21, ...u32(index)],
  tee: [0x22, ...u32(index)],
});

const memory = (code: number, align: number) => (offset: number) => [code, align, ...u32(offset)];

/** Instructions by what they do. Offsets are in bytes, labels count from the innermost block. */
export const OPS = {
  ...{ block: [0x02, 0x40], loop: [0x03, 0x40], if: [0x04, 0x40], end: [0x0b], drop: [0x1a] },
  branch: (label: number) => [0x0c, ...u32(label)],
  branchIf: (label: number) => [0x0d, ...u32(label)],
  ...{ add: [0x6a], subtract: [0x6b], multiply: [0x6c], isZero: [0x45], lessUnsigned: [0x49] },
  ...{ loadF32: memory(0x2a, 2), store32: memory(0x36, 2), storeF32: memory(0x38, 2), store8: memory(0x3a, 0) },
  ...{ promote: [0xbb], truncate: [0xaa], absoluteF64: [0x99], floorF64: [0x9c], addF64: [0xa0], divideF64: [0xa3] },
  ...{ minimumF64: [0xa4], maximumF64: [0xa5], copySignF64: [0xa6] },
} as const;

/** A function without locals. */
export function coded(...instructions: readonly number[][]): Uint8Array {
  return sized([0, ...instructions.flat(), 0x0b]);
}

/** A function's body of its locals and instructions: how long it is, and it. */
export function sized(code: ArrayLike<number>): Uint8Array {
  return joined([u32(code.length), code]);
}
