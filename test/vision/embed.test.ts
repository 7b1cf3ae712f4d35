import { describe, expect, it } from "vitest";
import { ShapeError, StateError, UnsupportedError } from "../../src/errors.ts";
import { featureValue } from "../../src/graph/features.ts";
import type { Graph } from "../../src/graph/graph.ts";
import {
  build,
  embed,
  initialize,
  load,
  mobilenetV1,
  mobilenetV2,
  mobilenetV3,
  open,
  quantize,
  similar,
  toInput,
  toTflite,
} from "../../src/index.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { graphOf, numbers, PLAIN } from "../graph/build.ts";
import { interpret } from "../reference/interpreter.ts";
import { shallow } from "./shallow.ts";

const RANGE = { mean: 127.5, std: 127.5 };
const picture = (seed: number, size = 96) => ({
  data: Uint8Array.from(numbers(size * size * 3, seed), (value) => 128 + 127 * value),
  width: size,
  height: size,
});
const v1 = (more = {}): Graph => {
  const graph = mobilenetV1({ alpha: 0.25, resolution: 96, classes: 5, training: true, ...more });
  return { ...initialize(graph, 3), source: { format: "test", normalization: RANGE } };
};

/** The naive interpreter's value of a graph for a picture. */
async function reference(graph: Graph, name: string, seed: number): Promise<number[]> {
  const [, height, width] = graph.inputs[0]!.shape as [number, number, number];
  const input = await toInput(picture(seed), { width, height, normalization: RANGE });
  return [...interpret(graph, { [graph.inputs[0]!.name]: input }).get(name)!.values];
}

const close = (got: ArrayLike<number>, expected: readonly number[], tolerance: number) => {
  expect(got.length).toBe(expected.length);
  const most = Math.max(...expected.map(Math.abs), 1e-9);
  for (const [i, value] of expected.entries()) expect(Math.abs(got[i]! - value) / most).toBeLessThan(tolerance);
};

describe("embed", () => {
  it("answers with the global pool, as the naive reference has it", async () => {
    const graph = v1();
    using net = await build(graph);
    const vector = await embed(net, picture(1));
    expect(vector.length).toBe(256);
    close(vector, await reference(graph, graph.endPoints.get("output")!, 1), 1e-4);
    expect(Math.max(...vector)).toBeGreaterThan(0);
  });

  it("answers alike by its own session, by an end point, and saved with one", async () => {
    const graph = v1();
    using net = await build(graph, { variant: "simd" });
    using with_ = await build(graph, { variant: "simd", endPoints: ["output"] });
    using again = await open(with_.save(), { variant: "simd" });
    const expected = await embed(net, [picture(1), picture(2)]);
    expect(expected[0]).not.toEqual(expected[1]);
    const own = await embed(with_, [picture(1), picture(2)]);
    expect(await embed(again, [picture(1), picture(2)])).toEqual(own);
    expect(await embed(again, picture(2), { endPoint: "output" })).toEqual(own[1]);
    expect(own).toEqual(expected);
  });

  it("takes a value that is named, and one of a network that ends in its pool", async () => {
    const graph = v1();
    using net = await build(graph);
    const block = await embed(net, picture(1), { endPoint: "block11" });
    close(block, await reference(graph, graph.endPoints.get("block11")!, 1), 1e-4);
    using pool = await build(v1({ top: "pool" }));
    expect((await embed(pool, picture(1))).length).toBe(256);
    using saved = await open(pool.save());
    expect(await embed(saved, picture(1))).toEqual(await embed(pool, picture(1)));
  });

  it("brings the features of 8-bit networks to real numbers", async () => {
    const graph = { ...shallow(), source: { format: "test", normalization: RANGE } };
    const samples = [1, 2, 3].map((seed) => numbers(32 * 32 * 3, seed));
    const int8 = await quantize(graph, samples);
    using net = await build(int8);
    using file = await load(await toTflite(int8));
    const vector = await embed(net, picture(1));
    expect(vector).toBeInstanceOf(Float32Array);
    close(vector, await reference(graph, "pool", 1), 0.05);
    expect(await embed(file, picture(1), { normalization: RANGE })).toEqual(vector);
  });

  it("finds the features of the relatives", () => {
    const size = { resolution: 32, classes: 5 } as const;
    const v2 = mobilenetV2({ alpha: 0.35, ...size });
    expect(v2.nodes.find(({ name }) => name === featureValue(v2))!.op).toMatch(/[pP]ool/);
    const v3 = mobilenetV3({ size: "small", alpha: 1, ...size });
    expect(v3.nodes.find(({ name }) => name === featureValue(v3))!.op).toMatch(/[pP]ool/);
  });

  it("takes what the last layer with weights reads where nothing is pooled", async () => {
    const graph = graphOf({
      x: [1, 2, 2, 3],
      constants: { w: [12, 4], v: [4, 2] },
      nodes: [
        { op: "reshape", name: "flat", inputs: ["x"], shape: [1, 12] },
        { op: "dense", name: "hidden", inputs: ["flat"], weights: "w" },
        { op: "dense", name: "logits", inputs: ["hidden"], weights: "v" },
        { op: "softmax", name: "scores", inputs: ["logits"], beta: 1 },
      ],
    });
    expect(featureValue(graph)).toBe("hidden");
    const mean = graphOf({
      x: [1, 4, 4, 3],
      constants: { w: [1, 1, 3, 2] },
      nodes: [
        { op: "reduce", name: "mean", inputs: ["x"], by: "mean", axes: [1, 2], keepDims: true },
        { op: "conv2d", name: "logits", inputs: ["mean"], weights: "w", ...PLAIN },
      ],
    });
    expect(featureValue(mean)).toBe("mean");
  });

  it("refuses what has no features, names that there are not, and what can't be had", async () => {
    const map = graphOf({
      x: [1, 9, 9, 3],
      constants: { w: [1, 1, 3, 4] },
      nodes: [{ op: "conv2d", name: "scores", inputs: ["x"], weights: "w", ...PLAIN }],
    });
    using segments = await build(map);
    await expect(embed(segments, picture(1))).rejects.toThrow(UnsupportedError);
    await expect(embed(segments, picture(1))).rejects.toThrow(/ends in a vector, got test; .*endPoint/);
    using net = await build(v1());
    await expect(embed(net, picture(1), { endPoint: "blocks" })).rejects.toThrow(/endPoint: expected one of block0, /);
    using saved = await open(net.save());
    await expect(embed(saved, picture(1))).rejects.toThrow(
      /saved session with the end point of its features, got .*none/,
    );
    net.dispose();
    await expect(embed(net, picture(1))).rejects.toThrow(StateError);
  });

  const models = ["vww_96.h5", "vww_96_float.tflite", "vww_96_int8.tflite"].map((name) => shared(`models/${name}`));
  it.skipIf(models.some(missingShared))("gives one network's vector whatever reads it", async () => {
    const photo = shared("images/cat.bmp");
    const [keras, tflite, int8] = await Promise.all(
      models.map(async (model) => embed(await load(model), photo, { normalization: { mean: 0, std: 255 } })),
    );
    expect(keras!.length).toBe(256);
    expect(similar(keras!, tflite!)).toBeGreaterThan(0.99999);
    expect(similar(keras!, int8!)).toBeGreaterThan(0.95);
    expect(similar(keras!, int8!)).toBeLessThan(0.99999);
  });
});

describe("similar", () => {
  it("is the cosine", () => {
    expect(similar([1, 0], [3, 0])).toBe(1);
    expect(similar([1, 0], [0, 2])).toBe(0);
    expect(similar([1, 0], [-2, 0])).toBe(-1);
    expect(similar([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(similar([0, 0], [1, 1])).toBe(0);
    expect(similar(Float32Array.of(3e38, 0), Float32Array.of(3e38, 0))).toBe(1);
  });
  it("refuses vectors that don't go together", () => {
    expect(() => similar([1], [1, 2])).toThrow(ShapeError);
    expect(() => similar([], [])).toThrow(/got 0 and 0/);
  });
});
