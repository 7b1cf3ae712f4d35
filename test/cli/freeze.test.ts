import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatNpy } from "../../src/cli/npy.ts";
import { frozen } from "../../src/frozen.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { mobilenetV1, toTflite } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { failure, json, scratchFolder, sepconv, shared } from "./sepconv.ts";

const SMALL = ["--alpha", "0.25", "--resolution", "32"];

describe("sepconv freeze", () => {
  const folder = scratchFolder();

  it("makes networks that take pictures, and info tells of them", async () => {
    const file = join(folder, "camera.wasm");
    const picture = ["--image", "rgba8", "--from", "64x48", "--fit", "cover", "--range", "[0,1]"];
    await json("freeze", ...SMALL, "--output", file, ...picture, "--json");
    const net = await frozen(readFileSync(file));
    expect(net.inputs[0]).toMatchObject({ shape: [1, 48, 64, 4], dtype: "uint8" });
    const told = (await json("info", file, "--json")) as { picture: object; memory: Record<string, number> };
    expect(told.picture).toMatchObject({
      ...{ format: "rgba8", width: 64, height: 48 },
      ...{ range: { mean: 0, std: 255, from: "option" }, placement: { source: [8, 0, 48, 48] } },
    });
    const { total, ...parts } = told.memory;
    expect(total).toBe(net.memory.total);
    expect(Object.values(parts).reduce((a, b) => a + b)).toBe(total);
    const { stdout } = await sepconv("info", file);
    expect(stdout).toMatch(/picture {5}rgba8 64×48, of which the first input is made/);
    expect(stdout.replace(/\s+/g, " ")).toMatch(/\+ picture \d/);
  });

  it("makes files that run takes like the model, end points too", async () => {
    const file = join(folder, "network.wasm");
    const input = join(folder, "x.npy");
    writeFileSync(input, formatNpy(random("x").floats(32 * 32 * 3), [1, 32, 32, 3]));
    const model = join(folder, "network.tflite");
    writeFileSync(model, await toTflite(initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 5 }), 1)));
    await json("freeze", model, "--output", file, "--end-points", "block3");
    const [frozen, own] = [join(folder, "frozen.npy"), join(folder, "own.npy")];
    const answer = await json("run", file, "--input", input, "--output", frozen, "--variant", "simd");
    expect(answer).toMatchObject({
      outputs: [{ shape: [1, 5] }],
      endPoints: [{ name: "block3", shape: [1, 8, 8, 32] }],
    });
    await json("run", model, "--input", input, "--output", own, "--variant", "simd");
    expect(readFileSync(frozen)).toEqual(readFileSync(own));
    const { stdout } = await sepconv("info", file);
    expect(stdout).toMatch(/end point {3}block3 {2}float32 \[1, 8, 8, 32\]/);
  });

  it("makes detectors whose boxes are those of the model", async () => {
    const home = dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json"));
    const model = join(home, "model/ssd_mobilenetv1_model-weights_manifest.json");
    const file = join(folder, "faces.wasm");
    await json("freeze", model, "--output", file);
    const found = async (network: string) => {
      const [{ detections }] = (await json("detect", network, join(home, "demo/sample1.jpg"))) as [
        { detections: unknown[] },
      ];
      return detections;
    };
    const right = await found(model);
    expect(right.length).toBeGreaterThan(1);
    expect(await found(file)).toEqual(right);
  });

  it.skipIf(!shared("models/vww_96_int8.tflite"))("makes classifiers that answer as the model does", async () => {
    const model = shared("models/vww_96_int8.tflite")!;
    const file = join(folder, "person.wasm");
    await json("freeze", model, "--output", file);
    const pictures = ["images/cat.bmp", "images/grace_hopper.bmp"].map((name) => shared(name)!);
    const classes = async (network: string) =>
      ((await json("classify", network, ...pictures)) as { classes: { index: number }[] }[]).map(
        (each) => each.classes,
      );
    const right = await classes(model);
    expect(right.map(([best]) => best!.index)).toEqual([0, 1]);
    expect(await classes(file)).toEqual(right);
  });

  const cases: readonly (readonly [what: string, options: readonly string[], message: RegExp])[] = [
    ["a picture without a size", ["--image", "rgb8"], /--image: expected --from/],
    ["a size without a picture", ["--from", "4x4"], /--from: expected it with --image/],
    ["a fit without a picture", ["--fit", "cover"], /--fit: expected it with --image/],
    ["no size", ["--image", "rgb8", "--from", "4"], /--from: expected columns and rows such as 640x480, got "4"/],
    ["an empty size", ["--image", "rgb8", "--from", "0x4"], /--from: expected columns and rows/],
    ["another format", ["--image", "yuv", "--from", "4x4"], /rgba8, rgb8, gray8/],
    [
      "too little memory",
      ["--image", "rgb8", "--from", "999x999", "--max-memory", "2MB"],
      /at least \d+ bytes, \d+ of/,
    ],
  ];
  for (const [what, options, message] of cases) {
    it(`refuses ${what}`, async () => {
      expect(await failure("freeze", ...SMALL, "--output", join(folder, "no.wasm"), ...options)).toMatch(message);
    });
  }
});
