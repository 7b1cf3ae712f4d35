/**
 * What every subcommand holds to: with --json one document on stdout and nothing else, words on stderr, limits before
 * memory.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { formatNpy } from "../../src/cli/npy.ts";
import { memoryRequired } from "../../src/index.ts";
import { bmp, network, networkFile } from "./pictures.ts";
import { failure, json, scratchFolder, sepconv } from "./sepconv.ts";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const home = dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json"));
const detector = join(home, "model/ssd_mobilenetv1_model-weights_manifest.json");
const photo = join(home, "demo/sample1.jpg");

beforeAll(async () => {
  writeFileSync(at("says.tflite"), await networkFile(true));
  writeFileSync(at("silent.tflite"), await networkFile(false));
  writeFileSync(at("x.npy"), formatNpy(new Float32Array(32 * 32 * 3).fill(0.5), [1, 32, 32, 3]));
  mkdirSync(at("pictures"));
  for (const seed of [1, 3, 37]) writeFileSync(at(`pictures/${seed}.bmp`), bmp(40, 24, seed));
});

const pictures = () => [at("pictures/1.bmp"), at("pictures/3.bmp"), at("pictures/37.bmp")];
const WORD = /^sepconv: .* does not say which range its pixels have; assumed \[-1, 1\]\. .*--range .*\n$/;

describe("--json", () => {
  it.each([
    ["info", () => [at("silent.tflite")]],
    ["run", () => [at("silent.tflite"), "--input", at("x.npy"), "--out-dir", at("values")]],
    ["classify", () => [at("silent.tflite"), ...pictures()]],
    ["embed", () => [at("silent.tflite"), ...pictures()]],
    ["detect", () => [detector, photo, "--out", at("drawn")]],
    ["convert", () => [at("silent.tflite"), at("copy.tflite")]],
    ["quantize", () => [at("silent.tflite"), "--samples", at("pictures"), "-o", at("int8.tflite")]],
    ["bench", () => [at("silent.tflite"), "--runs", "1", "--layers"]],
  ] as [string, () => string[]][])("%s prints one document and nothing else", async (name, args) => {
    const { code, stdout } = await sepconv(name, ...args(), "--json");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[[{][^\n]*[}\]]\n$/);
    expect(typeof JSON.parse(stdout)).toBe("object");
    const help = (await sepconv(name, "--help")).stdout;
    const first = [JSON.parse(stdout)].flat()[0] as object;
    for (const key of Object.keys(first)) expect(help.slice(help.indexOf("JSON: "))).toContain(key);
  });

  it("leaves stdout empty where there is no answer", async () => {
    for (const name of ["info", "run", "classify", "detect", "convert", "quantize", "bench"]) {
      expect(await failure(name, at("none.tflite"), "--json")).not.toBe("");
    }
  });
});

describe("a pixel range that nobody says", () => {
  it("is told of once by classify, on stderr, and in JSON", async () => {
    const text = await sepconv("classify", at("silent.tflite"), ...pictures());
    expect(text.stderr).toMatch(WORD);
    const { stdout, stderr } = await sepconv("classify", at("silent.tflite"), ...pictures(), "--json");
    expect(stderr).toMatch(WORD);
    const range = { mean: 127.5, std: 127.5, from: "assumed" };
    expect(JSON.parse(stdout)).toMatchObject([{ range }, { range }, { range }]);
  });

  it("is told of once by quantize", async () => {
    const args = ["--samples", at("pictures"), "--force", "-o", at("q.tflite")];
    const { code, stdout, stderr } = await sepconv("quantize", at("silent.tflite"), ...args, "--io", "int8", "--json");
    expect([code, stderr]).toEqual([0, expect.stringMatching(WORD)]);
    expect(JSON.parse(stdout)).toMatchObject({ samples: 3, range: { mean: 127.5, std: 127.5, from: "assumed" } });
  });

  it("is not told of where the option or the model says it, or nothing is a pixel", async () => {
    const quantize = ["--force", "-o", at("q.tflite"), "--samples"];
    const asked = ["--range", "[0,255]"];
    const option = { mean: 0, std: 1, from: "option" };
    // `json` expects an empty stderr.
    for (const { range } of (await json("classify", at("silent.tflite"), ...pictures(), ...asked)) as {
      range: object;
    }[])
      expect(range).toEqual(option);
    expect(await json("quantize", at("silent.tflite"), ...quantize, at("pictures"), ...asked)).toMatchObject({
      range: option,
    });
    const model = { mean: 127.5, std: 127.5, from: "model" };
    expect(await json("classify", at("says.tflite"), at("pictures/1.bmp"))).toMatchObject([{ range: model }]);
    expect(await json("quantize", at("says.tflite"), ...quantize, at("pictures"))).toMatchObject({ range: model });
    expect(await json("quantize", at("silent.tflite"), ...quantize, at("x.npy"))).toMatchObject({ range: null });
  });
});

describe("--max-memory", () => {
  const { total } = memoryRequired(network());

  it.each([
    ["info", () => []],
    ["run", () => ["--input", at("x.npy")]],
    ["classify", () => [at("pictures/1.bmp")]],
  ] as [string, () => string[]][])("of %s refuses what takes more, in one line with both sizes", async (name, args) => {
    const all = [name, at("says.tflite"), ...args(), "--max-memory"];
    expect(await failure(...all, String(total - 1))).toContain(`expected at least ${total} bytes, got ${total - 1}`);
    expect(await failure(...all, String(total - 1), "--json")).toContain(`${total}`);
    await json(...all, String(total));
    await json(...all, "1GiB");
    expect(await failure(...all, "lots")).toMatch(/^--max-memory: expected a size such as .*, got "lots"$/);
  });

  it("of info holds for architectures too, that of detect for detectors", async () => {
    const args = ["--alpha", "1", "--resolution", "224", "--max-memory"];
    expect(await failure("info", ...args, "10MB")).toMatch(/expected at least \d{8} bytes, got 10000000$/);
    await json("info", ...args, "64MB");
    expect(await failure("detect", detector, photo, "--max-memory", "1MB")).toMatch(/got \d+$/);
  });
});
