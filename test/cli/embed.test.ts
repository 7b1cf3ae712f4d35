import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { parseNpy } from "../../src/cli/npy.ts";
import { embed, load } from "../../src/index.ts";
import { bmp, networkFile } from "./pictures.ts";
import { failure, json, scratchFolder, sepconv } from "./sepconv.ts";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const model = () => at("net.tflite");

beforeAll(async () => {
  writeFileSync(model(), await networkFile(true));
  mkdirSync(at("pictures"));
  for (const seed of [1, 3]) writeFileSync(at(`pictures/${seed}.bmp`), bmp(40, 24, seed));
  writeFileSync(at("pictures/torn.jpg"), "no picture");
});

it("answers with what embed answers, in JSON and as .npy", async () => {
  const pictures = [at("pictures/1.bmp"), at("pictures/3.bmp")];
  const rows = (await json("embed", model(), ...pictures, "-o", at("v.npy"), "--variant", "simd")) as {
    vector: number[];
    similarity: number;
  }[];
  const expected = await embed(await load(model(), { variant: "simd" }), pictures);
  expect(rows.map(({ vector }) => vector)).toEqual(expected.map((vector) => [...vector]));
  expect(rows[0]!.similarity).toBeCloseTo(1, 6);
  const { data, shape } = parseNpy(new Uint8Array(readFileSync(at("v.npy"))), "v.npy");
  expect(shape).toEqual([2, expected[0]!.length]);
  expect([...data]).toEqual(expected.flatMap((vector) => [...vector]));
});

it("prints a table, and goes on after a picture that can't be used", async () => {
  const all = [at("pictures/1.bmp"), at("pictures/torn.jpg"), at("pictures/3.bmp")];
  const { code, stdout, stderr } = await sepconv("embed", model(), ...all);
  expect(code).toBe(1);
  expect(stdout).toMatch(/like the first/);
  expect(stdout).toMatch(/1\.bmp +\d+ .* 1\.0000/);
  expect(stdout).toContain("3.bmp");
  expect(stderr).toMatch(/^sepconv: .*torn\.jpg.*\n$/);
});

it("takes a value by its name, and refuses one that there is not", async () => {
  const [row] = (await json("embed", model(), at("pictures/1.bmp"), "--end-point", "block3")) as { vector: number[] }[];
  const [features] = (await json("embed", model(), at("pictures/1.bmp"))) as { vector: number[] }[];
  expect(row!.vector.length).toBeGreaterThan(0);
  expect(row!.vector.length).not.toBe(features!.vector.length);
  expect(await failure("embed", model(), at("pictures/1.bmp"), "--end-point", "nothing")).toMatch(
    /endPoint: expected one of/,
  );
});
