/**
 * The kernels inside the code: all builds packed together, since they say the same things in nearly the same order.
 * @module
 */
import { LoadError } from "../errors.ts";
import { fromBase64 } from "./base64.ts";
import type { Build, Variant } from "./builds.ts";
import { inflate } from "./inflate.ts";

/**
 * Written by `scripts/bundle.mjs`. Pieces of `piece` bytes of each build take turns in one deflate stream, so that the
 * like parts of all of them lie within its window.
 */
declare const PACKED_KERNELS: {
  readonly piece: number;
  readonly bytes: Readonly<Record<Variant, number>>;
  readonly base64: readonly string[];
};

export async function findBuild(variant: Variant): Promise<Build> {
  const where = "the kernels inside this package";
  const { piece, bytes, base64 } = PACKED_KERNELS;
  const names = Object.keys(bytes) as Variant[];
  const wasm = new Uint8Array(bytes[variant]);
  const total = names.reduce((sum, name) => sum + bytes[name], 0);
  let unpacked: Uint8Array;
  try {
    unpacked = await inflate(fromBase64(base64.join("")), total);
  } catch (cause) {
    throw new LoadError(`${where}: expected a deflate stream, got ${(cause as Error).message}`, { cause });
  }
  let at = 0;
  for (let from = 0; at < total; from += piece) {
    for (const name of names) {
      const length = Math.max(0, Math.min(piece, bytes[name] - from));
      if (name === variant && length > 0) wasm.set(unpacked.subarray(at, at + length), from);
      at += length;
    }
  }
  return { where, wasm };
}
