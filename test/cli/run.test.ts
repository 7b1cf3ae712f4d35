import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { formatNpy, parseNpy } from "../../src/cli/npy.ts";
import type { Node } from "../../src/graph/graph.ts";
import { toTflite } from "../../src/index.ts";
import { graphOf } from "../graph/build.ts";
import { failure, json, scratchFolder, sepconv, shared } from "./sepconv.ts";

interface Run {
  readonly variant: string;
  readonly memory: Readonly<Record<string, number>>;
  readonly ms: number;
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: string }[];
}

const tflite = shared("models/vww_96_float.tflite");
const reference = shared("reference/vww_96_float");
const folder = scratchFolder();
const path = (name: string) => join(folder, name);
const numbers = (file: string) => parseNpy(readFileSync(file), file);

/** The largest difference of two arrays of one shape. */
function difference(a: string, b: string): number {
  const [x, y] = [numbers(a), numbers(b)];
  expect(x.shape).toEqual(y.shape);
  return Math.max(...Array.from(x.data, (value, i) => Math.abs(value - y.data[i]!)));
}

describe.skipIf(!tflite || !reference)("sepconv run", () => {
  const input = (name: string) => join(reference!, `${name}.input.npy`);

  it.each(["cat", "random0"])("gives the reference's answer for %s", async (name) => {
    const output = path(`${name}.npy`);
    const run = (await json("run", tflite!, "--input", input(name), "--output", output)) as Run;
    expect(difference(output, join(reference!, `${name}.output.npy`))).toBeLessThanOrEqual(1e-5);
    expect(Object.keys(run)).toEqual(["variant", "threads", "memory", "ms", "outputs", "endPoints"]);
    const { total, ...parts } = run.memory;
    expect(Object.keys(parts)).toEqual(["module", "steps", "weights", "arena"]);
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    const { data } = numbers(output);
    const [no = Number.NaN, yes = Number.NaN] = data;
    expect(run.outputs).toEqual([
      {
        ...{ name: expect.any(String), shape: [1, 2], dtype: "float32", nans: 0, files: [output] },
        ...{ min: Math.min(no, yes), max: Math.max(no, yes), mean: (no + yes) / 2, argmax: yes > no ? 1 : 0 },
      },
    ]);
    expect(run.ms).toBeGreaterThan(0);
  });

  it("takes an input by name, without its batch dimension, from the same network in Keras's format", async () => {
    const { shape, data } = numbers(input("cat"));
    writeFileSync(path("flat.npy"), formatNpy(data, shape.slice(1)));
    const keras = shared("models/vww_96.h5")!;
    const { stdout } = await sepconv("info", keras);
    const [, name] = /\ninput +(\S+)/.exec(stdout)!;
    const output = path("keras.npy");
    await json("run", keras, "--variant", "scalar", "--input", `${name}=${path("flat.npy")}`, "--output", output);
    expect(difference(output, join(reference!, "cat.output.npy"))).toBeLessThanOrEqual(1e-5);
  });

  it("writes all outputs and the end points asked for, and says so", async () => {
    const out = path("deep/er");
    const args = ["--input", input("cat"), "--end-points", "block0, block13", "--out-dir", out];
    const { code, stdout } = await sepconv("run", tflite!, ...args);
    expect(code).toBe(0);
    const files = readdirSync(out).sort();
    expect(files).toHaveLength(3);
    expect(files).toEqual(expect.arrayContaining(["block0.npy", "block13.npy"]));
    for (const file of files) expect(stdout).toContain(join(out, file));
    expect(numbers(join(out, "block0.npy")).shape).toEqual([1, 48, 48, 8]);
    expect(numbers(join(out, "block13.npy")).shape).toEqual([1, 3, 3, 256]);
    const answer = files.find((file) => !file.startsWith("block"))!;
    expect(answer).not.toContain("/");
    expect(difference(join(out, answer), join(reference!, "cat.output.npy"))).toBeLessThanOrEqual(1e-5);
  });

  it("runs several images at once", async () => {
    const images = ["cat", "random1"].map((name) => numbers(input(name)).data as Float32Array);
    const both = Float32Array.from(
      { length: 2 * images[0]!.length },
      (_, i) => images[Math.floor(i / images[0]!.length)]![i % images[0]!.length]!,
    );
    writeFileSync(path("both.npy"), formatNpy(both, [2, 96, 96, 3]));
    const run = (await json(
      "run",
      tflite!,
      "--batch",
      "2",
      "--input",
      path("both.npy"),
      "--output",
      path("answers.npy"),
    )) as Run;
    expect(run.outputs[0]!.shape).toEqual([2, 2]);
    const answers = numbers(path("answers.npy")).data;
    for (const [i, name] of ["cat", "random1"].entries()) {
      const expected = numbers(join(reference!, `${name}.output.npy`)).data;
      for (const c of [0, 1]) expect(Math.abs(answers[2 * i + c]! - expected[c]!)).toBeLessThanOrEqual(1e-5);
    }
  });

  it("refuses what does not fit, showing both shapes or the names that there are", async () => {
    writeFileSync(path("small.npy"), formatNpy(new Float32Array(32 * 32 * 3), [1, 32, 32, 3]));
    writeFileSync(path("bytes.npy"), formatNpy(new Uint8Array(96 * 96 * 3), [1, 96, 96, 3]));
    writeFileSync(path("cut.npy"), readFileSync(input("cat")).subarray(0, 5000));
    mkdirSync(path("folder.npy"), { recursive: true });
    writeFileSync(path("empty.npy"), "");
    const cases: [string[], RegExp][] = [
      [["--input", path("small.npy")], /small\.npy: .*float32 \[1,96,96,3\].*float32 \[1,32,32,3\]/],
      [["--input", path("bytes.npy")], /float32 \[1,96,96,3\].*uint8 \[1,96,96,3\]/],
      [["--input", path("cut.npy")], /cut\.npy: .*110592 bytes.*4872/],
      [["--input", path("missing.npy")], /missing\.npy.*no such file/],
      [["--input", path("folder.npy")], /folder\.npy.*directory/],
      [["--input", path("empty.npy")], /empty\.npy/],
      [["--input", tflite!], /NumPy/],
      [["--input", `wrong=${input("cat")}`], /--input: expected one of ".*got "wrong"/],
      [["--input", input("cat"), "--input", input("cat")], /got 2 files/],
      [["--input", input("cat"), "--end-points", "block99", "--out-dir", path("no")], /block13.*block99/],
      [["--input", input("cat"), "--end-points", "block1"], /--out-dir/],
      [["--input", input("cat"), "--output", path("no/such/folder/y.npy")], /y\.npy: .*no such folder/],
      [["--input", input("cat"), "--variant", "turbo"], /turbo.*relaxed, simd, scalar/],
      [[], /--input/],
    ];
    for (const [args, words] of cases) expect(await failure("run", tflite!, ...args)).toMatch(words);
    expect(existsSync(path("no"))).toBe(false);
  });

  const node = Number(process.versions.node.split(".")[0]);
  if (node >= 22) console.info("skipped: relaxed refused (this Node runs it without a flag)");
  it.skipIf(node >= 22)("says why relaxed cannot be had here", async () => {
    const line = await failure("run", tflite!, "--input", input("cat"), "--variant", "relaxed");
    expect(line).toMatch(/relaxed.*--experimental-wasm-relaxed-simd/);
  });
});

describe("sepconv run, on a network of its own", () => {
  const bad = Float32Array.of(1, Number.NaN, 3, Number.NaN);

  /** Runs a network that answers with its input, doubled. */
  const run = async (...args: string[]) => {
    const nodes: Node[] = [{ op: "add", name: "twice", inputs: ["x", "x"] }];
    writeFileSync(path("twice.tflite"), await toTflite(graphOf({ x: [1, 4], nodes })));
    writeFileSync(path("bad.npy"), formatNpy(bad, [1, 4]));
    writeFileSync(path("worse.npy"), formatNpy(new Float32Array(4).fill(Number.NaN), [1, 4]));
    return sepconv("run", path("twice.tflite"), ...args);
  };

  it("tells least, most, mean, the largest one's index and the files in a table", async () => {
    writeFileSync(path("good.npy"), formatNpy(Float32Array.of(-1, 0.25, 2, 1), [1, 4]));
    const { stdout, code } = await run("--input", path("good.npy"), "--output", path("twice.npy"));
    expect(code).toBe(0);
    expect(stdout).toMatch(/, memory [\d.]+ KB = weights .* \+ arena .* \+ steps .* \+ module /);
    expect(stdout).toMatch(/\n +name +type and shape +min +max +mean +argmax\n/);
    expect(stdout).toMatch(/\noutput +twice +float32 \[1, 4\] +-2 +4 +1\.125 +2\n/);
    expect(stdout).toMatch(/\ntwice → \S*twice\.npy\n$/);
  });

  it("counts NaN", async () => {
    const { stdout } = await run("--input", path("bad.npy"));
    expect(stdout).toMatch(/ argmax +NaN\n/);
    expect(stdout).toMatch(/\noutput +twice .* 2 +6 +4 +2 +2\n$/);
    const some = JSON.parse((await run("--input", path("bad.npy"), "--json")).stdout) as Run;
    expect(some.outputs).toMatchObject([{ min: 2, max: 6, mean: 4, argmax: 2, nans: 2 }]);
    const all = JSON.parse((await run("--input", path("worse.npy"), "--json")).stdout) as Run;
    expect(all.outputs).toMatchObject([{ min: null, max: null, mean: null, argmax: null, nans: 4, files: [] }]);
    expect((await run("--input", path("worse.npy"))).stdout).toMatch(/\noutput +twice .* – +– +– +– +4\n$/);
  });
});
