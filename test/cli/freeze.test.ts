import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { frozen } from "../../src/frozen.ts";
import { failure, json, scratchFolder, sepconv } from "./sepconv.ts";

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
