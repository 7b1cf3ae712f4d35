/**
 * Runs a suite once for each build of the kernels: scalar, simd, relaxed, and debug (simd with its asserts alive).
 *
 * A build that this host cannot run is a skipped test with its reason printed; with SEPCONV_REQUIRE_ALL=1 it is a
 * failure.
 * @module
 */
import { readFileSync } from "node:fs";
import { instantiateSync } from "@assemblyscript/loader";
import { describe, expect, it } from "vitest";
import type { Kernel } from "../src/engine/step.ts";

/** Every build, in the order in which suites run: the others are compared with scalar. */
export const BUILDS = ["scalar", "simd", "relaxed", "debug"] as const;

export type Build = (typeof BUILDS)[number];

/** The builds' own word for what they are. */
const VARIANTS: Record<Build, number> = { scalar: 0, simd: 1, relaxed: 2, debug: 1 };

/** What a build exports, as the tests use it. */
export type Exports = Record<Kernel, (step: number, y0: number, y1: number) => void> & {
  readonly memory: WebAssembly.Memory;
  readonly VARIANT: WebAssembly.Global;
  heap_base(): number;
  run_schedule(entries: number, first: number, last: number, record: number): void;
  run_rows(step: number, y0: number, y1: number): void;
  pwconv_f32_pack(to: number, from: number, k: number, n: number, k0: number, k1: number): void;
  pwconv_f32_pack_bias(to: number, bias: number, k: number, n: number): void;
  pwconv_s8_pack(to: number, from: number, k: number, n: number, k0: number, k1: number): void;
  pwconv_s8_sums(to: number, from: number, k: number, n: number, pitch: number, zw: number): void;
  pwconv_s8_prove(m: number, e: number, marks: number, n: number, lo: number, hi: number): void;
  pwconv_s8_suit(w: number, k: number, n: number, zw: number, was: number, is: number): void;
};

/** What the scripts put between the tests and the builds that try how much the tests see. */
interface Between {
  /** The address of a folder of other builds. */
  readonly folder: string;
  readonly imports?: WebAssembly.Imports;
  instantiated(exports: Exports): Exports;
}

const between = (globalThis as { readonly sepconvKernels?: Between }).sepconvKernels;
const FOLDER = between?.folder ?? new URL("../build/", import.meta.url).href;

/** The bytes of a build. @throws when it was not built. */
export function readBuild(build: Build): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`sepconv.${build}.wasm`, FOLDER)));
}

const modules = new Map<Build, WebAssembly.Module>();

/** A new instance of a build, which is the variant it says it is. @throws when this host cannot run it. */
export function instantiate(build: Build): Exports {
  let module = modules.get(build);
  if (!module) {
    module = new WebAssembly.Module(readBuild(build));
    modules.set(build, module);
  }
  const exports = instantiateSync(module, between?.imports).exports as unknown as Exports;
  expect(exports.VARIANT.value, `VARIANT of the ${build} build`).toBe(VARIANTS[build]);
  expect("OFFSET_kernel" in exports, `the ${build} build exports the record's offsets`).toBe(build === "debug");
  return between?.instantiated(exports) ?? exports;
}

/** Why this host cannot run a build, if so. */
export function whyNot(build: Build): string | undefined {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readBuild(build);
  } catch (error) {
    return `build/sepconv.${build}.wasm cannot be read (npm run build:wasm makes it): ${(error as Error).message}`;
  }
  if (WebAssembly.validate(bytes)) return undefined;
  const flag = build === "relaxed" ? "; Node 20 needs --experimental-wasm-relaxed-simd" : "";
  return `this host (${process.version}, ${process.arch}) refuses build/sepconv.${build}.wasm${flag}`;
}

/** Describes a suite for each build. `instantiate` gives a new instance each time. */
export function forEachVariant(body: (variant: Build, instantiate: () => Exports) => void): void {
  for (const build of BUILDS) {
    const reason = whyNot(build);
    if (reason === undefined) {
      describe(build, () => body(build, () => instantiate(build)));
      continue;
    }
    if (process.env.SEPCONV_REQUIRE_ALL === "1") {
      it(`${build} runs here`, () => expect.fail(reason));
      continue;
    }
    console.info(`skip ${build}: ${reason}`);
    it.skip(`${build}: ${reason}`, () => {});
  }
}
