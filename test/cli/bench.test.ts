import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { initialize, mobilenetV1, quantize, toTflite } from "../../src/index.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";
import { json, scratchFolder, sepconv, shared } from "./sepconv.ts";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const QUICK = ["--runs", "2", "--warm-up", "0", "--variant", "scalar"];

interface Bench {
  readonly network: string;
  readonly runs: number;
  readonly variants: readonly { readonly ms: { readonly median: number }; readonly memory: Record<string, number> }[];
}

/** The first of the random 8-bit graphs whose input is of this type. */
function graphOf(dtype: string) {
  for (let seed = 1; ; seed++) {
    const { graph } = quantizedGraph(seed);
    if (graph.inputs[0]!.dtype === dtype) return graph;
  }
}

beforeAll(async () => {
  const float = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 4 }), 1);
  const samples = [random("bench").floats(32 * 32 * 3, 1)];
  writeFileSync(at("float.tflite"), await toTflite(float));
  writeFileSync(at("mixed.tflite"), await toTflite(await quantize(float, samples)));
  writeFileSync(at("mobilenet-int8.tflite"), await toTflite(await quantize(float, samples, { io: "int8" })));
  for (const dtype of ["int8", "uint8"]) writeFileSync(at(`${dtype}.tflite`), await toTflite(graphOf(dtype)));
});

describe("sepconv bench", () => {
  it.each(["float", "mixed", "int8", "uint8", "mobilenet-int8"])("times a model file: %s", async (name) => {
    const bench = (await json("bench", at(`${name}.tflite`), ...QUICK)) as Bench;
    expect(bench.runs).toBe(2);
    expect(bench.variants[0]!.ms.median).toBeGreaterThan(0);
    const { total, ...parts } = bench.variants[0]!.memory;
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
  });

  it("says what it timed, and the memory of that in all its parts", async () => {
    const { stdout, stderr, code } = await sepconv("bench", at("mobilenet-int8.tflite"), ...QUICK, "--layers");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^mobilenet-int8\.tflite {2}2 runs each\n/);
    expect(stdout).toMatch(/\nmemory .* = weights .* \+ arena .* \+ steps .* \+ module 2\.1 KB\n/);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  const vww = shared("models/vww_96_int8.tflite");
  it.skipIf(!vww)("times the example of its own help", async () => {
    const bench = (await json("bench", vww!, ...QUICK, "--layers")) as Bench;
    expect(bench.variants).toHaveLength(1);
  });
});
