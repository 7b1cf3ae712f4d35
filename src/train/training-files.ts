/**
 * The kernels of training as files beside the code. Exchanged for `training-inline.ts` where those of inference are:
 * see `engine/kernel-files.ts`.
 * @module
 */
import type { Build, Variant } from "../engine/builds.ts";
import { fetchWasm } from "../engine/wasm-source.ts";
import { LoadError } from "../errors.ts";
import { builtin } from "../host.ts";

// Written out one by one: bundlers find files only by a literal.
const FILES: Record<Variant, () => URL> = {
  relaxed: () => new URL("../../build/sepconv-train.relaxed.wasm", import.meta.url),
  simd: () => new URL("../../build/sepconv-train.simd.wasm", import.meta.url),
  scalar: () => new URL("../../build/sepconv-train.scalar.wasm", import.meta.url),
};

/** @throws {@link LoadError} when there is no such file at the address */
export async function findTrainingBuild(variant: Variant): Promise<Build> {
  let address: string;
  try {
    address = FILES[variant]().href;
    const fs = builtin("node:fs");
    if (fs && !/^https?:/.test(address)) {
      return { where: address, wasm: fs.readFileSync(new URL(address)) as Uint8Array<ArrayBuffer> };
    }
  } catch (cause) {
    const message = (cause as Error).message;
    throw new LoadError(`kernels: expected sepconv-train.${variant}.wasm beside the code, got ${message}`, { cause });
  }
  return { where: address, wasm: await fetchWasm(address) };
}
