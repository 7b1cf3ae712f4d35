/**
 * Whole networks out of PyTorch: no transposition in their steps, and the answers of onnxruntime.
 */

import { describe, expect, it } from "vitest";
import { importModel } from "../../../src/formats/recognize.ts";
import { optimize } from "../../../src/graph/passes/index.ts";
import { cost, load } from "../../../src/index.ts";
import { generator } from "../../fuzz/mutate.ts";
import { missingOnnxruntime, onnxruntime } from "../../peers/onnxruntime.ts";
import { interpret } from "../../reference/interpreter.ts";
import { type MobilenetOptions, mobilenetV2File } from "./mobilenet.ts";
import { mobilenetV3SmallFile } from "./mobilenet-v3.ts";

const random = (count: number, seed: number) => {
  const next = generator(seed);
  return Float32Array.from({ length: count }, () => 2 * next() - 1);
};

/** [1, h, w, c] → [1, c, h, w]. */
function channelsFirst(data: Float32Array, [, h, w, c]: readonly number[]): Float32Array {
  return Float32Array.from({ length: data.length }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / (h! * w!)), i % (h! * w!)];
    return data[pixel * c! + channel]!;
  });
}

/** The largest difference, as a part of the largest number. */
function difference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(got).toHaveLength(expected.length);
  const [a, b] = [Array.from(got), Array.from(expected)];
  const largest = Math.max(...b.map(Math.abs));
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!))) / largest;
}

const FORMS: readonly (readonly [string, MobilenetOptions])[] = [
  ["batch norms", { alpha: 0.35, resolution: 96 }],
  ["batch norms folded", { alpha: 0.35, resolution: 96, folded: true }],
  ["an early export", { alpha: 0.35, resolution: 96, opset: 13, head: "reshape" }],
  ["opset 9", { alpha: 0.35, resolution: 64, opset: 9 }],
  ["1.0_224", { folded: true }],
];

describe("MobileNet v2", () => {
  it("has the article's cost, and no step but convolutions, sums, a mean and a product", async () => {
    const graph = await importModel(mobilenetV2File({ folded: true }));
    expect(graph.inputs).toEqual([{ name: "input", shape: [1, 224, 224, 3], dtype: "float32" }]);
    const ops = new Set(optimize(graph).nodes.map(({ op }) => op));
    expect([...ops].sort()).toEqual(["add", "conv2d", "dense", "globalAveragePool", "separable"]);
    const session = await load(mobilenetV2File({ folded: true }));
    expect(Math.round(cost(session).macs / 1e6)).toBe(301);
    session.dispose();
  });

  it("reads every image of a batch", async () => {
    const file = mobilenetV2File({ alpha: 0.35, resolution: 32, classes: 10, head: "reshape" });
    const [one, two] = [await load(file), await load(file, { batch: 2 })];
    const [a, b] = [random(32 * 32 * 3, 1), random(32 * 32 * 3, 2)];
    const both = new Float32Array([...a, ...b]);
    expect([...two.run(both).output]).toEqual([...one.run(a).output, ...one.run(b).output]);
    one.dispose();
    two.dispose();
  });

  describe.skipIf(missingOnnxruntime())("beside onnxruntime", () => {
    it.each(FORMS)("%s: 1e-5 at most between the two", async (_, options) => {
      const bytes = mobilenetV2File(options);
      const session = await load(bytes);
      const { shape } = session.inputs[0]!;
      const input = random(
        shape.reduce((a, b) => a * b, 1),
        7,
      );
      const [n, h, w, c] = shape as [number, number, number, number];
      const feeds = { input: { dims: [n, c, h, w], data: channelsFirst(input, shape) } };
      const { logits } = await onnxruntime(bytes, feeds);
      const found = difference(session.run(input).output, logits!.data);
      session.dispose();
      console.info(`difference ${found.toExponential(1)}`);
      expect(found).toBeLessThanOrEqual(1e-5);
    });
  });
});

describe("MobileNet v3-small", () => {
  const SWISHES = ["one", "two"] as const;

  it("has the article's cost, and its hard swishes as one op, however they are written", async () => {
    for (const swish of SWISHES) {
      const graph = optimize(await importModel(mobilenetV3SmallFile({ swish })));
      const ops = graph.nodes.map(({ op }) => op);
      expect(ops.filter((op) => op === "hardSwish")).toHaveLength(19);
      expect(ops).not.toContain("transpose");
      expect(Math.round(cost(graph).macs / 1e6)).toBe(57);
    }
  });

  it.each(SWISHES)("hard swish as %s: 1e-5 at most from what f64 gives", async (swish) => {
    const session = await load(mobilenetV3SmallFile({ swish, resolution: 96 }));
    const input = random(96 * 96 * 3, 7);
    const exact = interpret(session.graph!, { input }).get("logits")!.values;
    const found = difference(session.run(input).output, Float32Array.from(exact));
    session.dispose();
    console.info(`difference ${found.toExponential(1)}`);
    expect(found).toBeLessThanOrEqual(1e-5);
  });

  describe.skipIf(missingOnnxruntime())("beside onnxruntime", () => {
    it.each(SWISHES)("hard swish as %s: 1e-5 at most between the two", async (swish) => {
      const bytes = mobilenetV3SmallFile({ swish });
      const session = await load(bytes);
      const input = random(224 * 224 * 3, 7);
      const feeds = { input: { dims: [1, 3, 224, 224], data: channelsFirst(input, [1, 224, 224, 3]) } };
      const { logits } = await onnxruntime(bytes, feeds);
      const found = difference(session.run(input).output, logits!.data);
      session.dispose();
      console.info(`difference ${found.toExponential(1)}`);
      expect(found).toBeLessThanOrEqual(1e-5);
    });
  });
});
