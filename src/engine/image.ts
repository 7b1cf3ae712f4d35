/**
 * A network as the bytes that lie in memory: step records, schedule, packed weights and tables, and a manifest of what
 * they are. Whoever has an image needs no graph and no reader: a session, a worker, a file.
 * @module
 */

import { ABI_VERSION } from "./host/memory.ts";
import type { Manifest } from "./manifest.ts";
import type { Variant } from "./variant.ts";

/** What a session is loaded with. */
export interface Image {
  readonly manifest: Manifest;
  /** Which builds its weights are packed for: matrices lie in panels of vectors, or of single numbers. */
  readonly packing: Packing;
  /** What lies from the first step record to the arena. */
  readonly bytes: Uint8Array;
}

/** The order of numbers in packed matrices. */
export type Packing = "vectors" | "scalars";

/** How a build of the kernels wants its weights. */
export function packingOf(variant: Variant): Packing {
  return variant === "scalar" ? "scalars" : "vectors";
}

/** The first bytes of a saved image. The one behind the letters is the version of the file's own layout. */
export const MAGIC: readonly number[] = [...Array.from("SEPCONV", (letter) => letter.charCodeAt(0)), 1];
/** Magic, length of the manifest. */
export const HEAD = 16;
/** Whether these bytes begin a saved image. */
export function isImage(bytes: Uint8Array): boolean {
  return MAGIC.slice(0, 7).every((byte, i) => bytes[i] === byte);
}

/**
 * An image as one file: magic, length of the manifest, the manifest as JSON, and, from the next multiple of 16 on, the
 * bytes.
 */
export function writeImage({ manifest, packing, bytes }: Image): Uint8Array<ArrayBuffer> {
  return imageFile(new TextEncoder().encode(JSON.stringify({ abi: ABI_VERSION, packing, manifest }, plain)), bytes);
}

/** An image's file of its parts: the description, and what lies in memory. */
export function imageFile(head: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = up(HEAD + head.length);
  const file = new Uint8Array(start + bytes.length);
  file.set(MAGIC);
  new DataView(file.buffer).setUint32(8, head.length, true);
  file.set(head, HEAD);
  file.set(bytes, start);
  return file;
}

/** The parts of a file that {@link imageFile} made. */
export function partsOf(file: Uint8Array): { readonly head: Uint8Array; readonly bytes: Uint8Array } {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(8, true);
  return { head: file.subarray(HEAD, HEAD + length), bytes: file.subarray(up(HEAD + length)) };
}

/** Typed arrays of the manifest as lists. */
function plain(_: string, value: unknown): unknown {
  return value instanceof Float32Array ? Array.from(value) : value;
}

/** The next multiple of 16. */
export function up(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}
