import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError, ShapeError, StateError } from "../../src/errors.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { build, classify, decodeImage, embed, load, mobilenetV1, open, quantize, toTflite } from "../../src/index.ts";
import { KNNClassifier, SoftmaxHead, trainHead } from "../../src/vision/learn/index.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { numbers } from "../graph/build.ts";
import { shallow } from "./shallow.ts";

const v = (...values: number[]) => Float32Array.from(values);
/** Vectors around a center, the same for the same seed. */
const cloud = (center: number[], count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => numbers(center.length, seed + i).map((noise, at) => center[at]! + noise / 4));

describe("KNNClassifier", () => {
  const learned = () => {
    const knn = new KNNClassifier();
    knn.add("east", [v(1, 0), v(1, 0.1)]);
    knn.add("north", [v(0, 1), v(0.1, 1)]);
    return knn;
  };

  it("answers by the nearest examples, best first", () => {
    const knn = learned();
    expect([knn.labels, knn.size, knn.count("east"), knn.count("west")]).toEqual([["east", "north"], 2, 2, 0]);
    expect(knn.predict(v(5, 1), { k: 2 })).toEqual([
      { label: "east", score: 1 },
      { label: "north", score: 0 },
    ]);
    expect(knn.predict(v(0.2, 1))[0]).toEqual({ label: "north", score: 2 / 3 });
    expect(knn.predict(v(0.2, 1), { k: 99 }).map(({ label, score }) => [label, score])).toEqual([
      ["north", 0.5],
      ["east", 0.5],
    ]);
  });

  it("keeps copies, forgets a class, and is saved and loaded", () => {
    const knn = learned();
    const example = v(-1, 0);
    knn.add("west", example);
    example.fill(7);
    expect(knn.predict(v(-1, 0), { k: 1 })[0]!.label).toBe("west");
    const again = KNNClassifier.load(knn.save());
    expect(again.save()).toEqual(knn.save());
    expect(again.predict(v(-1, 0.5))).toEqual(knn.predict(v(-1, 0.5)));
    expect([knn.remove("west"), knn.remove("west"), knn.labels.length]).toEqual([true, false, 2]);
    expect(KNNClassifier.load(new KNNClassifier().save()).labels).toEqual([]);
  });

  it("refuses what makes no sense", () => {
    const knn = learned();
    expect(() => new KNNClassifier().predict(v(1, 2))).toThrow(StateError);
    expect(() => knn.add("", v(1, 2))).toThrow(/label: .*empty/);
    expect(() => knn.add("x", v(1, 2, 3))).toThrow(ShapeError);
    expect(() => knn.add("x", [v(1, Number.NaN)])).toThrow(/finite numbers, got NaN at 1/);
    expect(() => knn.add("x", [1, 2] as never)).toThrow(/expected a Float32Array .*, got the number 1/);
    expect(() => knn.predict(v(1, 2), { k: 0 })).toThrow(/k: /);
    expect(knn.labels).toEqual(["east", "north"]);
  });

  it("tells files that are others or damaged, wherever they were cut", () => {
    const file = learned().save();
    for (let length = 0; length < file.length; length++) {
      expect(() => KNNClassifier.load(file.slice(0, length)), `${length} bytes`).toThrow(FormatError);
    }
    expect(() => SoftmaxHead.load(file)).toThrow(/begins with "sepcHED1", got "sepcKNN1"/);
    const text = new TextDecoder("latin1").decode(file);
    const edited = (from: string, to: string) =>
      Uint8Array.from(text.replace(from, to), (letter) => letter.charCodeAt(0));
    for (const [from, to] of [
      ['"north"', '"east" '],
      ["[2,2]", "[2,9]"],
      ["[2,2]", "[2,0]"],
      ['"size":2', '"size":0'],
      ["{", "["],
    ]) {
      expect(() => KNNClassifier.load(edited(from!, to!)), to).toThrow(FormatError);
    }
  });
});

describe("trainHead", () => {
  const examples = {
    a: cloud([1, 0, 0, 5], 6, 1),
    b: cloud([0, 1, 0, 5], 6, 20),
    c: cloud([0, 0, 1, 5], 6, 40),
  };

  it("learns classes, and tells new vectors apart", async () => {
    const { head, training } = await trainHead(examples);
    expect(training.accuracy).toBe(1);
    expect(training.loss).toBeLessThan(0.2);
    for (const [label, center] of [
      ["a", [1, 0, 0, 5]],
      ["b", [0, 1, 0, 5]],
      ["c", [0, 0, 1, 5]],
    ] as const) {
      for (const vector of cloud([...center], 5, 100)) {
        const answer = head.predict(vector);
        expect(answer[0]!.label).toBe(label);
        expect(answer.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 12);
      }
    }
  });

  it("reaches the minimum: there, the loss has no slope", async () => {
    const decay = 0.05;
    const two = { a: [v(1, 2), v(2, 1)], b: [v(-1, 0), v(0, -2)] };
    const { head } = await trainHead(two, { decay, steps: 20_000 });
    // Any other head near it costs more, by the loss as it is defined: mean cross-entropy, and decay/2 of the squares
    // of the weights for centered vectors of length 1 in the mean.
    const all = Object.entries(two).flatMap(([label, list]) => list.map((x) => ({ label, x })));
    const mean = [0, 1].map((i) => all.reduce((sum, { x }) => sum + x[i]!, 0) / all.length);
    const squares = all.reduce((sum, { x }) => sum + (x[0]! - mean[0]!) ** 2 + (x[1]! - mean[1]!) ** 2, 0);
    const scale = Math.sqrt(all.length / squares);
    const file = new Float32Array(head.save().slice(-24).buffer);
    const cost = (at: Float32Array) => {
      const trial = new SoftmaxHead(["a", "b"], at.slice(0, 4), at.slice(4));
      const entropy = all.reduce((sum, { label, x }) => {
        return sum - Math.log(trial.predict(x).find((one) => one.label === label)!.score) / all.length;
      }, 0);
      return entropy + (decay / 2) * at.slice(0, 4).reduce((sum, value) => sum + (value / scale) ** 2, 0);
    };
    const least = cost(file);
    for (let i = 0; i < 6; i++) {
      for (const step of [0.03, -0.03]) {
        const other = file.slice();
        other[i]! += step;
        expect(cost(other)).toBeGreaterThan(least);
      }
    }
  });

  it("leaves nothing to chance, and is saved and loaded", async () => {
    const [{ head }, again] = [await trainHead(examples), await trainHead(examples)];
    expect(again.head.save()).toEqual(head.save());
    const loaded = SoftmaxHead.load(head.save());
    expect([loaded.labels, loaded.size]).toEqual([["a", "b", "c"], 4]);
    expect(loaded.predict(v(1, 0, 0, 5))).toEqual(head.predict(v(1, 0, 0, 5)));
    const file = head.save();
    for (let length = 0; length < file.length; length++) {
      expect(() => SoftmaxHead.load(file.slice(0, length)), `${length} bytes`).toThrow(FormatError);
    }
  });

  it("refuses what makes no sense, tells how far it is, and stops when told to", async () => {
    await expect(trainHead({ a: [v(1, 2)] })).rejects.toThrow(/two classes or more, got 1/);
    await expect(trainHead({ a: [v(1, 2)], b: [] })).rejects.toThrow(/examples of b: expected one or more/);
    await expect(trainHead({ a: [v(1, 2)], b: [v(1)] })).rejects.toThrow(ShapeError);
    await expect(trainHead(examples, { step: 3 } as never)).rejects.toThrow(/did you mean "steps"/);
    await expect(trainHead(examples, { steps: 0 })).rejects.toThrow(RangeError);
    await expect(trainHead(examples, { decay: -1 })).rejects.toThrow(RangeError);
    const seen: number[] = [];
    const { training } = await trainHead(examples, { steps: 5, onProgress: (done, total) => seen.push(done, total) });
    expect([training.steps, seen]).toEqual([5, [1, 5, 2, 5, 3, 5, 4, 5, 5, 5]]);
    const controller = new AbortController();
    const running = trainHead(examples, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(running).rejects.toThrow(/abort/i);
  });
});

describe("a head on its network", () => {
  const RANGE = { mean: 127.5, std: 127.5 };
  const network: Graph = { ...shallow(), source: { format: "test", normalization: RANGE } };
  const picture = (seed: number) => ({
    data: Uint8Array.from(numbers(32 * 32 * 3, seed), (value) => 128 + 100 * Math.sin(seed) + 27 * value),
    ...{ width: 32, height: 32 },
  });

  it("classifies as the head alone does, saved as a session and as TFLite too", async () => {
    using net = await build(network);
    const { head } = await trainHead({
      dark: await embed(net, [picture(5), picture(5.2)]),
      light: await embed(net, [picture(1.5), picture(1.7)]),
    });
    const expected = head.predict(await embed(net, picture(1.6)));
    expect(expected[0]!.label).toBe("light");
    const graph = head.on(net);
    using mine = await build(graph);
    using again = await open(mine.save());
    for (const session of [mine, again]) {
      const { classes } = await classify(session, picture(1.6));
      expect(classes.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
      for (const [i, { score }] of classes.entries()) expect(score).toBeCloseTo(expected[i]!.score, 4);
    }
    expect(() => head.on(mobilenetV1({ alpha: 0.5, resolution: 32 }))).toThrow(/expected 16 features, got value .*512/);
  });

  it("goes onto an 8-bit network too", async () => {
    const int8 = await quantize(
      network,
      [1, 2, 3].map((seed) => numbers(32 * 32 * 3, seed)),
    );
    using net = await build(int8);
    const { head } = await trainHead({ dark: await embed(net, picture(5)), light: await embed(net, picture(1.5)) });
    const expected = head.predict(await embed(net, picture(1.6)));
    const graph = head.on(net);
    using mine = await build(graph);
    const { classes } = await classify(mine, picture(1.6));
    for (const [i, { score, label }] of classes.entries()) {
      expect(label).toBe(expected[i]!.label);
      expect(score).toBeCloseTo(expected[i]!.score, 4);
    }
    using file = await load(await toTflite(graph));
    const { classes: written } = await classify(file, picture(1.6), { normalization: RANGE });
    expect(written.map(({ label, score }) => [label, score])).toEqual(
      classes.map(({ label, score }) => [label, score]),
    );
  });

  const model = shared("models/mobilenet_v1_0.5_160_quant.tflite");
  it.skipIf(missingShared(model))("tells photographs again that it saw once, cut at their edges", async () => {
    using net = await load(model);
    const names = ["cat.bmp", "bird.bmp", "grace_hopper.bmp"];
    const photos = names.map((name) => decodeImage(new Uint8Array(readFileSync(shared(`images/${name}`)))));
    const knn = new KNNClassifier();
    const examples: Record<string, Float32Array> = {};
    for (const [i, name] of names.entries()) {
      examples[name] = await embed(net, await photos[i]!);
      knn.add(name, examples[name]!);
    }
    const { head } = await trainHead(examples);
    for (const [i, name] of names.entries()) {
      const photo = await photos[i]!;
      const { width, height } = photo;
      const crop = [width / 20, height / 20, (width * 9) / 10, (height * 9) / 10] as const;
      const vector = await embed(net, photo, { crop });
      expect(knn.predict(vector, { k: 1 })[0]!.label).toBe(name);
      expect(head.predict(vector)[0]!.label).toBe(name);
    }
  });
});
