/**
 * The kernels of training as modules that the host compiles when it is deployed; see `engine/kernel-modules.ts`.
 * @module
 */
import relaxed from "../../build/sepconv-train.relaxed.wasm";
import simd from "../../build/sepconv-train.simd.wasm";
import type { Build, Variant } from "../engine/builds.ts";
import { UnsupportedError } from "../errors.ts";

const MODULES: Partial<Record<Variant, WebAssembly.Module>> = { relaxed, simd };

/** @throws {@link UnsupportedError} for the scalar build, which such a host has no use for */
export async function findTrainingBuild(variant: Variant): Promise<Build> {
  const wasm = MODULES[variant];
  if (wasm === undefined) {
    throw new UnsupportedError(
      `variant: expected ${Object.keys(MODULES).join(" or ")}, which are deployed with the worker, got ${variant}`,
    );
  }
  return { where: `sepconv-train.${variant}.wasm`, wasm };
}
