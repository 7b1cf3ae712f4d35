import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { csv } from "../../src/cli/csv.ts";
import { bmp, networkFile } from "./pictures.ts";
import { failure, json, scratchFolder, sepconv } from "./sepconv.ts";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  writeFileSync(at("says.tflite"), await networkFile(true));
  writeFileSync(at("silent.tflite"), await networkFile(false));
  mkdirSync(at("pictures/deeper"), { recursive: true });
  mkdirSync(at("none"));
  for (let seed = 1; seed <= 9; seed++) writeFileSync(at(`pictures/${seed}.bmp`), bmp(40, 24, seed));
  writeFileSync(at("pictures/deeper/a,b.png"), bmp(16, 16, 4));
  writeFileSync(at("pictures/torn.jpg"), "no picture");
  writeFileSync(at("pictures/notes.txt"), "nothing to see");
});

type Rows = { image: string; ms?: number; error?: string; range?: { from: string } }[];
const untimed = (rows: Rows) => rows.map(({ ms: _, ...row }) => row);

it("classifies a folder by several workers as by one, in order, bad pictures named and counted", async () => {
  const [many, one] = await Promise.all(
    ["3", "1"].map((jobs) => sepconv("classify", at("says.tflite"), at("pictures"), "--jobs", jobs, "--json")),
  );
  for (const { code, stderr } of [many!, one!]) {
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sepconv: .*torn\.jpg.*\n1 of 11 pictures could not be used\n$/);
  }
  const rows = JSON.parse(many!.stdout) as Rows;
  expect(rows.length).toBe(11);
  expect(rows.map(({ image }) => image)).toEqual(rows.map(({ image }) => image).sort());
  expect(untimed(rows)).toEqual(untimed(JSON.parse(one!.stdout)));
});

it("tells of an assumed range once, whoever does the work", async () => {
  const pictures = Array.from({ length: 9 }, (_, i) => at(`pictures/${i + 1}.bmp`));
  const { stderr, stdout } = await sepconv("classify", at("silent.tflite"), ...pictures, "--json", "--jobs", "2");
  expect(stderr).toMatch(/^sepconv: .* does not say which range .*\n$/);
  for (const { range } of JSON.parse(stdout) as Rows) expect(range!.from).toBe("assumed");
});

it("prints CSV: a line for each class, and for each picture that can't be used", async () => {
  const { code, stdout } = await sepconv("classify", at("says.tflite"), at("pictures"), "--csv", "--top", "2");
  expect(code).toBe(1);
  const lines = stdout.split("\r\n");
  expect(lines[0]).toBe("image,rank,index,label,score,error");
  expect(lines.length).toBe(1 + 2 * 10 + 1 + 1);
  expect(lines.filter((line) => line.startsWith(`"${at("pictures/deeper/a,b.png")}",`)).length).toBe(2);
  expect(lines.filter((line) => /torn\.jpg,,,,,./.test(line)).length).toBe(1);
  expect(csv([["a", 'b"c', "d\ne", 1]])).toBe('a,"b""c","d\ne",1\r\n');
});

it("refuses folders without pictures, and two forms at once", async () => {
  expect(await failure("classify", at("says.tflite"), at("none"))).toMatch(/none: expected pictures .*, got none/);
  expect(await failure("classify", at("says.tflite"), at("pictures/1.bmp"), "--csv", "--json")).toMatch(/got both/);
  expect(((await json("classify", at("says.tflite"), at("pictures/deeper"))) as Rows).length).toBe(1);
});
