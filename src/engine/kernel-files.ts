/**
 * The kernels as files beside the code. A bundler that writes this file into one of its own exchanges it for
 * `kernel-inline.ts` or `kernel-modules.ts`, as `scripts/bundle.mjs` does: all three find a build in their own way.
 * @module
 */
import { LoadError } from "../errors.ts";
import { builtin } from "../host.ts";
import type { Build, Variant } from "./builds.ts";
import { fetchWasm } from "./wasm-source.ts";

// Written out one by one: bundlers find files only by a literal.
const FILES: Record<Variant, () => URL> = {
  relaxed: () => new URL("../../build/sepconv.relaxed.wasm", import.meta.url),
  simd: () => new URL("../../build/sepconv.simd.wasm", import.meta.url),
  scalar: () => new URL("../../build/sepconv.scalar.wasm", import.meta.url),
};

/**
 * Checksums of the files, written by `scripts/bundle.mjs`: a damaged one is not mistaken for one that a host refuses.
 */
declare const KERNEL_SUMS: Readonly<Record<Variant, number>> | undefined;

/**
 * @throws {@link LoadError} when there is no such file at the address, and when what is there is not all of it
 */
export async function findBuild(variant: Variant): Promise<Build> {
  const sum = typeof KERNEL_SUMS === "undefined" ? undefined : KERNEL_SUMS[variant];
  let address: string;
  try {
    // Some bundlers answer with something like a URL, whose address has no beginning.
    address = FILES[variant]().href;
    const fs = builtin("node:fs");
    if (fs && !/^https?:/.test(address)) {
      // Read synchronously: Node has that part loaded already, and 20 KB are there sooner than a promise.
      return { where: address, wasm: fs.readFileSync(new URL(address)) as Uint8Array<ArrayBuffer>, sum };
    }
    if (/^file:/.test(address)) throw new Error("no file system");
  } catch (cause) {
    // A bundle that was made without the files, or one that does not know where it is.
    return packedBuild(variant, cause);
  }
  return { where: address, wasm: await fetchWasm(address), sum };
}

async function packedBuild(variant: Variant, cause: unknown): Promise<Build> {
  try {
    return (await import("./kernel-inline.ts")).findBuild(variant);
  } catch {
    throw new LoadError(`kernels: expected sepconv.${variant}.wasm beside the code, got ${(cause as Error).message}`, {
      cause,
    });
  }
}
