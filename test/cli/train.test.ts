/**
 * A network learns a folder of pictures: a file comes out that tells them apart, however often it was interrupted.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../src/vision/picture/png-write.ts";
import { random } from "../cases/random.ts";
import { networkFile } from "./pictures.ts";
import { failure, json, MAIN, scratchFolder, sepconv } from "./sepconv.ts";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const SMALL = ["--resolution", "32", "--alpha", "0.125", "--batch", "8"];

interface Told {
  readonly classes: string[];
  readonly pictures: number;
  readonly held: number;
  readonly skipped: { image: string; error: string }[];
  readonly epochs: { epoch: number; loss: number; validation: { accuracy: number } }[];
  readonly accuracy: number;
  readonly stopped: boolean;
  readonly quantized: { bytes: number; accuracy: number } | null;
}

/** Stripes, upright or lying, of any width and brightness. */
async function striped(upright: boolean, seed: number): Promise<Uint8Array> {
  const { next } = random(`stripes ${upright} ${seed}`);
  const [width, height, period, bright] = [40, 36, 4 + Math.floor(6 * next()), 120 + 120 * next()];
  const data = new Uint8Array(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    const along = upright ? i % width : Math.floor(i / width);
    data.fill(along % period < period / 2 ? bright : 30 * next(), 4 * i, 4 * i + 3);
  }
  return encodePng({ data, width, height });
}

beforeAll(async () => {
  for (const [name, upright] of [
    ["upright", true],
    ["lying", false],
  ] as const) {
    mkdirSync(at(`pictures/${name}/more`), { recursive: true });
    for (let i = 0; i < 24; i++) {
      writeFileSync(at(`pictures/${name}/${i % 2 ? "more/" : ""}${i}.png`), await striped(upright, i));
    }
  }
  writeFileSync(at("pictures/upright/torn.jpg"), "no picture");
});

describe("sepconv train", () => {
  it("learns from random weights, names what it left out, and draws how it went", async () => {
    const more = ["--epochs", "30", "--quantize", at("bytes.tflite"), "--report", at("report")];
    const told = (await json("train", at("pictures"), "-o", at("net.tflite"), ...SMALL, ...more)) as Told;
    expect(told).toMatchObject({ classes: ["lying", "upright"], pictures: 38, held: 10, stopped: false });
    expect(told.skipped.map(({ image }) => image)).toEqual([at("pictures/upright/torn.jpg")]);
    expect(told.epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(told.epochs.at(-1)!.loss).toBeLessThan(told.epochs[0]!.loss);
    expect(told.accuracy).toBeGreaterThanOrEqual(0.9);
    expect(told.quantized!.accuracy).toBeGreaterThanOrEqual(0.9);
    expect(readdirSync(at("report")).sort()).toEqual(["confusion.svg", "learning-curve.svg"]);
    expect(existsSync(at("net.tflite.checkpoint"))).toBe(false);
    // The file knows range and names: nothing has to be said.
    for (const file of ["net.tflite", "bytes.tflite"]) {
      const [answer] = (await json("classify", at(file), at("pictures/lying/2.png"))) as {
        classes: { label: string }[];
      }[];
      expect(answer!.classes[0]!.label, file).toBe("lying");
    }
  });

  it("goes on after Ctrl-C as if nothing had been, and writes what there is", async () => {
    const args = ["train", at("pictures"), ...SMALL, "--epochs", "12", "--variant", "simd"];
    const whole = (await json(...args, "-o", at("whole.tflite"))) as Told;
    const child = spawn(process.execPath, [MAIN, ...args, "-o", at("parts.tflite")]);
    child.stdout.on("data", (text: Buffer) => {
      if (/^ +3 /m.test(text.toString())) child.kill("SIGINT");
    });
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
    expect(existsSync(at("parts.tflite"))).toBe(true);
    expect(existsSync(at("parts.tflite.checkpoint"))).toBe(true);
    const rest = (await json(...args, "-o", at("parts.tflite"), "--resume")) as Told;
    expect(rest.epochs.length).toBeLessThan(12);
    expect(rest.epochs.at(-1)!.loss).toBe(whole.epochs.at(-1)!.loss);
    expect(readFileSync(at("parts.tflite"))).toEqual(readFileSync(at("whole.tflite")));
  });

  it("teaches another network's features new classes: the head, then the last block", async () => {
    writeFileSync(at("base.tflite"), await networkFile(true));
    const args = ["train", at("pictures"), "--base", at("base.tflite"), "--epochs", "3", "--force"];
    const head = (await json(...args, "--blocks", "0", "-o", at("head.tflite"))) as Told;
    expect(head.epochs).toEqual([]);
    for (const blocks of ["1", "norms", "all"]) {
      const told = (await json(...args, "--blocks", blocks, "-o", at("tuned.tflite"))) as Told;
      expect(told.epochs, blocks).toHaveLength(3);
    }
    const { stdout } = await sepconv("info", at("tuned.tflite"), "--json");
    expect(stdout).toContain("head");
  });

  it("refuses what it can't learn from, by name", async () => {
    mkdirSync(at("one/alone"), { recursive: true });
    mkdirSync(at("empty/nothing"), { recursive: true });
    mkdirSync(at("empty/something"), { recursive: true });
    writeFileSync(at("empty/something/1.png"), await striped(true, 1));
    const out = ["-o", at("x.tflite")];
    for (const [args, words] of [
      [[at("nowhere"), ...out], /nowhere: expected a folder that can be read/],
      [[at("one"), ...out], /expected two folders or more, one a class, got 1/],
      [[at("empty"), ...out], /nothing: expected pictures of this class, got none/],
      [[at("pictures"), "-o", at("x.onnx")], /expected a file name ending in \.tflite/],
      [[at("pictures"), ...out, "--blocks", "1"], /--blocks: expected --base beside it/],
      [[at("pictures"), ...out, "--blocks", "few"], /--blocks: expected a number of blocks/],
      [[at("pictures"), ...out, "--base", at("base.tflite"), "--alpha", "1"], /--alpha: expected no --base/],
      [
        [at("pictures"), ...out, "--base", at("base.tflite"), "--blocks", "99"],
        /blocks: expected a whole number from 1 to 13, got 99/,
      ],
    ] as [string[], RegExp][]) {
      expect(await failure("train", ...args), words.source).toMatch(words);
    }
    expect(existsSync(at("x.tflite"))).toBe(false);
  });
});
