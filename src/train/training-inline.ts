/**
 * The kernels of training inside the code.
 * @module
 */
import { fromBase64 } from "../engine/base64.ts";
import type { Build, Variant } from "../engine/builds.ts";
import { inflate } from "../engine/inflate.ts";
import { LoadError } from "../errors.ts";

/** Written by `scripts/bundle.mjs`: each build as a deflate stream. */
declare const PACKED_TRAINING: Readonly<
  Record<Variant, { readonly bytes: number; readonly base64: readonly string[] }>
>;

export async function findTrainingBuild(variant: Variant): Promise<Build> {
  const where = "the kernels inside this package";
  const { bytes, base64 } = PACKED_TRAINING[variant];
  try {
    return { where, wasm: await inflate(fromBase64(base64.join("")), bytes) };
  } catch (cause) {
    throw new LoadError(`${where}: expected a deflate stream, got ${(cause as Error).message}`, { cause });
  }
}
