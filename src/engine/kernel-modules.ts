/**
 * The kernels as modules that the host compiles when it is deployed: Cloudflare's workerd, which compiles nothing at
 * run time.
 * @module
 */
import relaxed from "../../build/sepconv.relaxed.wasm";
import simd from "../../build/sepconv.simd.wasm";
import { UnsupportedError } from "../errors.ts";
import type { Build, Variant } from "./builds.ts";

const MODULES: Partial<Record<Variant, WebAssembly.Module>> = { relaxed, simd };

/** @throws {@link UnsupportedError} for the scalar build, which such a host has no use for */
export async function findBuild(variant: Variant): Promise<Build> {
  const wasm = MODULES[variant];
  if (wasm === undefined) {
    throw new UnsupportedError(
      `variant: expected ${Object.keys(MODULES).join(" or ")}, which are deployed with the worker, got ${variant}; ` +
        `import sepconv/wasm/sepconv.${variant}.wasm, and pass it as option wasm`,
    );
  }
  return { where: `sepconv.${variant}.wasm`, wasm };
}
