/**
 * What training learns from: IDX files, pictures, batches, and what chance does to them.
 */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { FormatError, MemoryError, ShapeError, UnsupportedError } from "../../src/errors.ts";
import { type BatchOptions, batches } from "../../src/train/data/batches.ts";
import { type Dataset, dataset, split } from "../../src/train/data/dataset.ts";
import { idxDataset, readIdx } from "../../src/train/data/idx.ts";
import { pictureDataset } from "../../src/train/data/pictures.ts";

function idx(shape: readonly number[], data: ArrayLike<number>, type = 8): Uint8Array {
  const head = shape.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n].map((byte) => byte & 255));
  return Uint8Array.from([0, 0, type, shape.length, ...head, ...Array.from(data)]);
}

/** Four pictures of 3×4 pixels whose values tell where they lie. */
function examples(channels: 1 | 3 = 1): Dataset {
  const pixels = Uint8Array.from({ length: 4 * 12 * channels }, (_, i) => 5 * i);
  return dataset({ pixels, labels: [0, 1, 1, 0], height: 3, width: 4 });
}

/** Pixels of the first batch's first picture, as they were. */
function first(data: Dataset, options: BatchOptions): number[] {
  const [batch] = batches(data, { batch: 1, normalization: { mean: 0, std: 1 }, ...options });
  return [...batch!.inputs];
}

describe("IDX", () => {
  it("is read as it is and gzipped", async () => {
    const file = idx([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]);
    for (const bytes of [file, new Uint8Array(gzipSync(file))]) {
      const { shape, data } = await readIdx(bytes);
      expect(shape).toEqual([2, 2, 3]);
      expect([...data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]);
    }
    const read = await idxDataset(file, idx([2], [1, 0]), ["a", "b"]);
    expect([read.count, read.height, read.width, read.channels, read.classes]).toEqual([2, 2, 3, 1, ["a", "b"]]);
  });

  const zipped = new Uint8Array(gzipSync(idx([100_000], new Uint8Array(100_000))));
  it.each([
    ["another file", FormatError, "byte 0: expected the two zeros", () => readIdx(Uint8Array.of(1, 2, 3, 4))],
    ["nothing", FormatError, "got nothing", () => readIdx(new Uint8Array())],
    ["floats", UnsupportedError, "expected unsigned bytes (8), got float32 (13)", () => readIdx(idx([1], [0], 13))],
    ["no type", FormatError, "byte 2: expected a type of numbers, got 1", () => readIdx(idx([1], [0], 1))],
    ["no dimension", FormatError, "byte 3", () => readIdx(idx([], []))],
    ["dimensions beyond the end", FormatError, "byte 3", () => readIdx(Uint8Array.of(0, 0, 8, 3, 0, 0))],
    ["too little", FormatError, "expected 4 bytes for [2, 2], got 3", () => readIdx(idx([2, 2], [1, 2, 3]))],
    ["a product beyond all bounds", FormatError, "byte 4", () => readIdx(idx([2 ** 32 - 1, 2 ** 32 - 1, 9], [1]))],
    ["a cut gzip", FormatError, "expected 100000 bytes for [100000], got", () => readIdx(zipped.slice(0, 60))],
    [
      "a damaged gzip",
      FormatError,
      "expected gzipped data",
      () => readIdx(Uint8Array.of(31, 139, 8, 0, ...Array(20).fill(255))),
    ],
    ["too much", MemoryError, "expected at most 5000 bytes unpacked", () => readIdx(zipped, "idx", 5000)],
    ["no bytes", TypeError, "idx: expected", () => readIdx([0, 0, 8] as unknown as Uint8Array)],
    ["no pictures", ShapeError, "images: expected [count", () => idxDataset(idx([2], [0, 1]), idx([2], [0, 1]))],
    ["other labels", ShapeError, "labels: expected [1]", () => idxDataset(idx([1, 1, 1], [0]), idx([2], [0, 1]))],
    [
      "a label without a class",
      RangeError,
      "got 7 at 1",
      () => idxDataset(idx([2, 1, 1], [0, 0]), idx([2], [0, 7]), ["a"]),
    ],
    [
      "a class without a picture",
      RangeError,
      'none of "b"',
      () => idxDataset(idx([1, 1, 1], [0]), idx([1], [0]), ["a", "b"]),
    ],
  ])("refuses %s", async (_, kind, words, read) => {
    const error = await read().then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(words);
  });
});

describe("a data set", () => {
  it("is split with each class on both sides", () => {
    const labels = Array.from({ length: 50 }, (_, i) => (i < 40 ? 0 : 1));
    const whole = dataset({ pixels: Uint8Array.from(labels, (_, i) => i), labels, height: 1, width: 1 });
    const [most, some] = split(whole, 0.2, 3);
    expect([most.count, some.count]).toEqual([40, 10]);
    expect([...some.pixels].filter((i) => i >= 40)).toHaveLength(2);
    expect([...most.pixels, ...some.pixels].sort((a, b) => a - b)).toEqual([...whole.pixels]);
    for (const side of [most, some]) expect(Array.from(side.labels)).toEqual([...side.pixels].map((i) => labels[i]));
    expect(split(whole, 0.2, 3)[1].pixels).toEqual(some.pixels);
    expect(split(whole, 0.2, 4)[1].pixels).not.toEqual(some.pixels);
    expect(() => split(whole, 1)).toThrow("expected a part between 0 and 1, got 1");
    const lone = dataset({ pixels: new Uint8Array(3), labels: [0, 0, 1], height: 1, width: 1 });
    expect(() => split(lone, 0.5)).toThrow('expected two pictures of class "1", got 1');
  });

  it("refuses what does not fit together", () => {
    const parts = { pixels: new Uint8Array(12), labels: [0, 1], height: 2, width: 3 };
    expect(dataset(parts).channels).toBe(1);
    expect(() => dataset({ ...parts, width: 2 })).toThrow(ShapeError);
    expect(() => dataset({ ...parts, height: 0 })).toThrow(RangeError);
    expect(() => dataset({ ...parts, labels: [] })).toThrow("labels: expected a label for each picture");
    expect(() => dataset({ ...parts, labels: [0, -1] })).toThrow("got -1 at 1");
    expect(() => dataset({ ...parts, labels: [0, 0.5] })).toThrow("got 0.5 at 1");
    expect(() => dataset({ ...parts, pixels: [1] as unknown as Uint8Array })).toThrow("pixels: expected a Uint8Array");
    expect(() => dataset({ ...parts, channels: 3 })).toThrow("expected 3 bytes for each of 2 × 2×3 pixels");
  });

  it("is made of pictures, the unreadable left out by name", async () => {
    const gray = (value: number) => ({
      data: new Uint8Array(16).fill(value),
      width: 4,
      height: 4,
      channels: 1 as const,
    });
    const skipped: string[] = [];
    const read = await pictureDataset(
      [
        { picture: gray(40), label: "dark" },
        { picture: Uint8Array.of(1, 2, 3), label: "dark" },
        { picture: gray(200), label: "bright" },
      ],
      { width: 2, height: 2, channels: 1, onSkip: ({ label, error }) => skipped.push(`${label}: ${error.name}`) },
    );
    expect(read.classes).toEqual(["bright", "dark"]);
    expect(Array.from(read.labels)).toEqual([1, 0]);
    expect([...read.pixels]).toEqual([40, 40, 40, 40, 200, 200, 200, 200]);
    expect(skipped).toEqual(["dark: FormatError"]);
    const one = [{ picture: Uint8Array.of(1, 2, 3), label: "dark" }];
    await expect(pictureDataset(one, { width: 2, height: 2 })).rejects.toThrow(FormatError);
    await expect(pictureDataset(one, { width: 2, height: 2, onSkip: () => {} })).rejects.toThrow("got none of 1");
    await expect(pictureDataset(one, { width: 2, height: 2, classes: ["a"] })).rejects.toThrow('got "dark"');
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(pictureDataset(one, { width: 2, height: 2, signal })).rejects.toThrow("enough");
  });
});

describe("batches", () => {
  it("hold each picture once an epoch, each epoch in another order, and each time the same ones", () => {
    const labels = Array.from({ length: 10 }, (_, i) => i);
    const data = dataset({ pixels: Uint8Array.from(labels, (i) => 20 * i), labels, height: 1, width: 1 });
    const options = { batch: 4, shuffle: true, seed: 9, normalization: { mean: 0, std: 20 } };
    const made = batches(data, options);
    const epochs = [0, 1, 2].map(() => [...made].map(({ inputs, labels }) => [inputs, labels]));
    for (const epoch of epochs) {
      expect(epoch.map(([, labels]) => labels!.length)).toEqual([4, 4, 2]);
      expect(epoch.flatMap(([, labels]) => [...labels!]).sort()).toEqual(labels);
      for (const [inputs, classes] of epoch) expect([...inputs!].map(Math.round)).toEqual([...classes!]);
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect([...batches(data, options).epoch(2)].map(({ inputs, labels }) => [inputs, labels])).toEqual(epochs[2]);
    expect([...batches(data, { ...options, dropLast: true })]).toHaveLength(2);
    expect([...batches(data, { batch: 3 })].flatMap(({ labels }) => [...labels])).toEqual(labels);
  });

  it("stand in the middle of a larger input, and are cut to a smaller one", () => {
    const data = examples();
    expect(first(data, {})).toEqual(Array.from({ length: 12 }, (_, i) => 5 * i));
    expect(first(data, { height: 1, width: 2 })).toEqual([25, 30]);
    const wide = first(data, { height: 5, width: 6, fill: 9 });
    expect(wide.slice(0, 6)).toEqual([9, 9, 9, 9, 9, 9]);
    expect(wide.slice(6, 12)).toEqual([9, 0, 5, 10, 15, 9]);
  });

  it("have the channels asked for, normalized one by one", () => {
    expect(first(examples(), { channels: 3 }).slice(0, 6)).toEqual([0, 0, 0, 5, 5, 5]);
    const luma = first(examples(3), { channels: 1 });
    expect(luma[1]).toBeCloseTo(0.299 * 15 + 0.587 * 20 + 0.114 * 25, 5);
    const normalization = { mean: [0, 1, 2], std: [1, 2, 4] };
    const [batch] = batches(examples(3), { batch: 1, normalization });
    expect([...batch!.inputs.slice(0, 3)]).toEqual([0, 2, 2]);
    expect(batches(examples(), {})[Symbol.iterator]().next().value!.inputs[0]).toBe(-1);
  });

  it("are mirrored, moved, covered and brightened by chance, never beyond what was asked", () => {
    const data = examples();
    const plain = first(data, {});
    const seen = (augment: BatchOptions["augment"]) =>
      Array.from({ length: 60 }, (_, seed) => first(data, { augment, seed, fill: 255 }));
    const mirrored = [0, 1, 2].flatMap((y) => plain.slice(4 * y, 4 * y + 4).reverse());
    const flips = seen({ flip: true });
    for (const one of flips) expect([plain, mirrored]).toContainEqual(one);
    const turned = flips.filter((one) => one[0] !== plain[0]).length;
    expect(turned).toBeGreaterThan(15);
    expect(turned).toBeLessThan(45);

    const shifts = new Set<string>();
    for (const one of seen({ shift: 1 })) {
      const at = one.indexOf(25); // the pixel in row 1, column 1
      const [dy, dx] = [Math.floor(at / 4) - 1, (at % 4) - 1];
      expect(Math.max(Math.abs(dy), Math.abs(dx))).toBeLessThanOrEqual(1);
      shifts.add(`${dy} ${dx}`);
      for (const [i, value] of one.entries()) {
        const [y, x] = [Math.floor(i / 4) - dy, (i % 4) - dx];
        expect(value).toBe(y < 0 || y > 2 || x < 0 || x > 3 ? 255 : plain[4 * y + x]);
      }
    }
    expect(shifts.size).toBe(9);

    for (const one of seen({ cutout: 2 })) {
      const blank = one.filter((value) => value === 255).length;
      expect([1, 2, 4]).toContain(blank);
      expect(one.filter((value, i) => value !== 255 && value !== plain[i])).toEqual([]);
    }
    for (const one of seen({ brightness: 0.1 })) {
      const by = one[6]! - plain[6]!;
      expect(Math.abs(by)).toBeLessThanOrEqual(25.5);
      for (const [i, value] of one.entries()) expect(value).toBeCloseTo(Math.max(0, plain[i]! + by), 4);
    }
  });

  it("enlarge a part of the picture without inventing anything", () => {
    // A ramp stays one, flatter, within its own range.
    const pixels = Uint8Array.from({ length: 64 }, (_, i) => 10 + 20 * (i % 8));
    const data = dataset({ pixels, labels: [0], height: 8, width: 8 });
    for (let seed = 0; seed < 40; seed++) {
      const one = first(data, { augment: { crop: 0.5 }, seed, fill: 10 });
      const steps = one.slice(1, 7).map((value, i) => value - one[i]!);
      expect(Math.min(...steps)).toBeGreaterThanOrEqual(-1e-4);
      expect(Math.max(...steps)).toBeLessThanOrEqual(20 + 1e-4);
      expect(one[3]! - one[2]!).toBeGreaterThanOrEqual(10 - 1e-4);
    }
  });

  it("refuse options that make no sense", () => {
    const data = examples();
    for (const [options, words] of [
      [{ batch: 0 }, "batch: expected a whole number from 1 on"],
      [{ batch: 9, dropLast: true }, "batch: expected at most 4, got 9"],
      [{ seed: 0.5 }, "seed: expected an integer"],
      [{ channels: 2 as 1 }, "channels: expected 1 or 3, got 2"],
      [{ fill: 300 }, "fill: expected a pixel"],
      [{ normalization: { mean: 0, std: 0 } }, "normalization.std"],
      [{ normalization: { mean: [1, 2], std: 1 } }, "normalization.mean: expected a number, or one for each of 1"],
      [{ augment: { flip: 1 as unknown as boolean } }, "augment.flip"],
      [{ augment: { shift: -1 } }, "augment.shift"],
      [{ augment: { crop: 0 } }, "augment.crop"],
      [{ augment: { brightness: 2 } }, "augment.brightness"],
      [{ augment: { mirror: true } as object }, "mirror"],
      [{ size: 3 } as object, "size"],
    ] as [BatchOptions, string][]) {
      expect(() => batches(data, options), words).toThrow(words);
    }
  });
});
