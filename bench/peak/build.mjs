/**
 * Compiles the peak loop for one variant, in memory.
 */
import { readFile } from "node:fs/promises";
import asc from "assemblyscript/asc";

const ROOT = new URL("../../", import.meta.url);
const ENABLE = { scalar: [], simd: ["simd"], relaxed: ["relaxed-simd"] };

/** Bytes of the module for `variant`: "scalar", "simd" or "relaxed". */
export async function buildPeak(variant) {
  let binary;
  const enable = ENABLE[variant].flatMap((feature) => ["--enable", feature]);
  const { error, stderr } = await asc.main(
    [
      "bench/peak/peak.ts",
      "-O3",
      "--runtime",
      "stub",
      "--noAssert",
      "--initialMemory",
      "1",
      "--outFile",
      "peak.wasm",
      ...enable,
    ],
    {
      // asc would otherwise take the project's own options, with their targets.
      readFile: (name) =>
        name.endsWith("asconfig.json") ? null : readFile(new URL(name, ROOT), "utf8").catch(() => null),
      writeFile: (name, data) => {
        if (name.endsWith(".wasm")) binary = data;
      },
      listFiles: () => null,
    },
  );
  if (error) throw new Error(`bench/peak/peak.ts: ${error.message}\n${stderr}`);
  return binary;
}
