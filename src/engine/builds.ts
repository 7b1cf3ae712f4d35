/**
 * The builds of the kernels, and how one of them is handed over.
 * @module
 */

/** The builds of the kernels, fastest first. */
export const VARIANTS = ["relaxed", "simd", "scalar"] as const;

/**
 * A build of the kernels. `scalar` and `simd` give the same bits everywhere; `relaxed` may differ from them in the last
 * ones.
 */
export type Variant = (typeof VARIANTS)[number];

/** A build as it was found, and what errors call its place. */
export interface Build {
  readonly where: string;
  readonly wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module;
  /** The {@link checksum} of these bytes as they were built, where it is known. */
  readonly sum?: number | undefined;
}

/** FNV-1a of some bytes. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum;
}
