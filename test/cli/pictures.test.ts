import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/index.ts";
import { buildTflite } from "../formats/builders/tflite.ts";
import { bmp, networkFile } from "./pictures.ts";
import { failure, json, scratchFolder, sepconv, shared } from "./sepconv.ts";

const folder = scratchFolder();
const path = (name: string) => join(folder, name);

interface Classified {
  image: string;
  ms: number;
  error?: string;
  classes: { index: number; label: string | null; score: number }[];
}

const vww = shared("models/vww_96_float.tflite");
const cat = shared("images/cat.bmp") ?? "";
const person = shared("images/grace_hopper.bmp") ?? "";

describe.skipIf(!vww)("sepconv classify", () => {
  const range = ["--range", "[0,1]"];

  it("tells the person from the cat, with labels, best first", async () => {
    writeFileSync(path("labels.txt"), "no person\nperson\n");
    const args = [vww!, cat, person, ...range, "--labels", path("labels.txt")];
    const [first, second] = (await json("classify", ...args)) as [Classified, Classified];
    expect(Object.keys(first)).toEqual(["image", "ms", "classes", "range"]);
    expect(first.image).toBe(cat);
    expect(first.ms).toBeGreaterThan(0);
    expect(first.classes.map(({ label }) => label)).toEqual(["no person", "person"]);
    expect(second.classes.map(({ label }) => label)).toEqual(["person", "no person"]);
    expect(second.classes.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    const { stdout, code } = await sepconv("classify", ...args, "--top", "1");
    expect(code).toBe(0);
    expect(stdout).toMatch(/cat\.bmp .* ms\n.*%.*0 {2}no person\n\n.*grace_hopper/s);
    expect(stdout).not.toContain("\x1b");
  });

  it("goes on after an image that isn't one, says so, and ends with 1", async () => {
    writeFileSync(path("text.jpg"), "no image");
    writeFileSync(path("empty.png"), "");
    mkdirSync(path("folder.bmp"));
    const bad = [path("text.jpg"), path("empty.png"), path("folder.bmp"), path("missing.bmp")];
    const { code, stdout, stderr } = await sepconv("classify", vww!, ...bad, cat, ...range, "--json");
    expect(code).toBe(1);
    const entries = JSON.parse(stdout) as Classified[];
    expect(entries.map(({ image }) => image)).toEqual([...bad, cat]);
    expect(entries.slice(0, 4).every(({ error, classes }) => error && !classes)).toBe(true);
    expect(entries[4]!.classes).toHaveLength(2);
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    for (const [i, name] of bad.entries()) expect(lines[i]).toMatch(new RegExp(`^sepconv: .*${name.slice(-8)}`));
    expect(lines[4]).toBe("4 of 5 pictures could not be used");
    expect(await failure("classify", vww!, path("text.jpg"))).toMatch(/text\.jpg: expected an image/);
  });

  it("takes mean and deviation for a range, and refuses what contradicts itself", async () => {
    const [a] = (await json("classify", vww!, cat, ...range)) as [Classified];
    const [b] = (await json("classify", vww!, cat, "--mean", "0,0,0", "--std", "255")) as [Classified];
    expect(b.classes).toEqual(a.classes);
    expect(await failure("classify", vww!, cat, ...range, "--mean", "0", "--std", "1")).toMatch(/got both/);
    expect(await failure("classify", vww!, cat, "--mean", "0")).toMatch(/expected both, got --mean only/);
    expect(await failure("classify", vww!, cat, "--std", "0")).toMatch(/--std/);
    expect(await failure("classify", vww!, cat, "--range", "[1,-1]")).toMatch(/--range: expected \[lo,hi\]/);
    expect(await failure("classify", vww!, cat, "--top", "0")).toMatch(/--top/);
  });

  it("names both counts when labels and classes don't go together", async () => {
    writeFileSync(path("five.json"), JSON.stringify(["a", "b", "c", "d", "e"]));
    const line = await failure("classify", vww!, cat, person, ...range, "--labels", path("five.json"));
    expect(line).toMatch(/five\.json: expected a label for each of the 2 classes of output \S+, got 5$/);
  });
});

describe("sepconv detect", () => {
  const home = dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json"));
  const model = join(home, "model/ssd_mobilenetv1_model-weights_manifest.json");
  const photo = (i: number) => join(home, `demo/sample${i}.jpg`);

  it("finds faces in pixels of the picture, and draws them", async () => {
    const recorded = JSON.parse(readFileSync(new URL("../data/face-api.json", import.meta.url), "utf8"));
    const args = [model, photo(1), photo(6), "--out", path("annotated")];
    const found = (await json("detect", ...args)) as {
      image: string;
      ms: number;
      detections: { score: number; box: number[] }[];
      file: string;
    }[];
    expect(Object.keys(found[0]!)).toEqual(["image", "ms", "detections", "file"]);
    for (const [i, name] of [[0, "sample1"] as const, [1, "sample6"] as const]) {
      const { width, height, faces } = recorded.images[`${name}.jpg`];
      expect(found[i]!.detections).toHaveLength(faces.length);
      for (const { box } of found[i]!.detections) {
        const [x, y, w, h] = box as [number, number, number, number];
        expect(Math.min(x, y, w, h)).toBeGreaterThanOrEqual(0);
        expect(x + w).toBeLessThanOrEqual(width);
        expect(y + h).toBeLessThanOrEqual(height);
      }
      const file = path(`annotated/${name}.png`);
      expect(found[i]!.file).toBe(file);
      expect(statSync(file).size).toBeGreaterThan(10_000);
      expect(await decodeImage(readFileSync(file))).toMatchObject({ width, height });
    }
  });

  it("finds less with a higher score, and nothing where nothing is", async () => {
    const [{ detections }] = (await json("detect", model, photo(1), "--min-score", "0.99")) as [
      { detections: unknown[] },
    ];
    expect(detections).toHaveLength(2);
    const { stdout } = await sepconv("detect", model, photo(1), "--min-score", "1");
    expect(stdout).toMatch(/sample1\.jpg.*\nnothing found\n/);
    expect(await failure("detect", model, photo(1), "--min-score", "2")).toMatch(/--min-score: .*from 0 to 1, got "2"/);
  });

  it("names the file that was written in text too, one for each time that a picture is given", async () => {
    const args = ["detect", model, photo(1), photo(1), "--min-score", "1", "--out", path("twice")];
    const { stdout } = await sepconv(...args);
    expect(stdout).toContain(`→ ${path("twice/sample1.png")}\n`);
    expect(stdout).toContain(`→ ${path("twice/sample1-2.png")}\n`);
    const plain = (await json("detect", model, photo(1))) as [object];
    expect(Object.keys(plain[0])).toEqual(["image", "ms", "detections"]);
  });

  it("refuses a network that is no detector, and classify one that is, once however many pictures there are", async () => {
    writeFileSync(path("classifier.tflite"), await networkFile(true));
    const args = [path("classifier.tflite"), photo(1), photo(6), "--out", path("never")];
    expect(await failure("detect", ...args)).toMatch(/^\S*classifier\.tflite: expected a detector, got /);
    expect(existsSync(path("never"))).toBe(false);
    expect(await failure("classify", model, photo(1), photo(6))).toMatch(
      /manifest\.json: expected a classifier, got a detector; use sepconv detect$/,
    );
  });
});

describe("sepconv pose", () => {
  /** Says of the pixels of a picture of 17×1 that they are MoveNet's points: what is blue is sure. */
  const model = buildTflite({
    tensors: [{ shape: [1, 1, 17, 3] }, { shape: [1, 1, 17, 3] }],
    operators: [{ op: "RELU", inputs: [0], outputs: [1] }],
    ...{ inputs: [0], outputs: [1] },
  });

  it("finds points in pixels of the picture, and draws them", async () => {
    writeFileSync(path("points.tflite"), model);
    const picture = bmp(34, 2);
    picture.fill(1, 54);
    writeFileSync(path("sure.bmp"), picture);
    writeFileSync(
      path("unsure.bmp"),
      picture.map((byte, i) => (i < 54 ? byte : 0)),
    );
    const args = [path("points.tflite"), path("sure.bmp"), path("unsure.bmp")];
    const [found, nobody] = (await json("pose", ...args, "--out", path("posed"))) as [
      { poses: { score: number; keyPoints: { label: string; score: number; x: number; y: number }[] }[]; file: string },
      { poses: unknown[] },
    ];
    expect(Object.keys(found)).toEqual(["image", "ms", "poses", "file"]);
    expect(found.poses).toHaveLength(1);
    expect(found.poses[0]!.keyPoints).toHaveLength(17);
    expect(found.poses[0]!.keyPoints[16]).toEqual({ label: "right ankle", score: 1, x: 34, y: 2 });
    expect(nobody.poses).toEqual([]);
    expect(await decodeImage(readFileSync(path("posed/sure.png")))).toMatchObject({ width: 34, height: 2 });
    const { stdout } = await sepconv("pose", ...args);
    expect(stdout).toMatch(
      /sure\.bmp.*\nperson 1, score 1\.000\n.*1\.000 +34 +2 +nose\n.*unsure\.bmp.*\nnobody found\n/s,
    );
  });

  it("refuses a network that finds no poses", async () => {
    writeFileSync(path("poseless.tflite"), await networkFile(true));
    expect(await failure("pose", path("poseless.tflite"), cat || path("cat.bmp"))).toMatch(
      /poseless\.tflite: expected a network that finds poses, got /,
    );
  });
});
