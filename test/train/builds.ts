/**
 * The builds of training's kernels.
 * @module
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BUILDS, type Build, whyNot } from "../variants.ts";

/** The bytes of a build. @throws when it was not built. */
export function readTraining(build: Build): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../build/sepconv-train.${build}.wasm`, import.meta.url)));
}

/** Describes a suite for each build that this host runs; others are skipped with the reason, as in `variants.ts`. */
export function forEachTraining(body: (build: Build, wasm: Uint8Array<ArrayBuffer>) => void): void {
  for (const build of BUILDS) {
    const reason = whyNot(build);
    if (reason === undefined) describe(build, () => body(build, readTraining(build)));
    else if (process.env.SEPCONV_REQUIRE_ALL === "1") it(`${build} runs here`, () => expect.fail(reason));
    else it.skip(`${build}: ${reason}`, () => {});
  }
}
