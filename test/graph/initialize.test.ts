import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import type { Constant, Graph } from "../../src/graph/graph.ts";
import { initialize, type Weights, withWeights } from "../../src/graph/initialize.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { graphOf, numbers, PLAIN } from "./build.ts";

const NETWORK = mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 });
const dataOf = (constants: ReadonlyMap<string, Constant>, name: string) => constants.get(name)?.data as Float32Array;

/** Whether all constants have the same bits; quicker than a comparison that could show the difference. */
function sameBits(a: Graph, b: Graph): boolean {
  const bytes = ({ data }: Constant) => Buffer.from((data as Float32Array).buffer);
  const pairs = [...a.constants].map(([name, constant]) => [constant, b.constants.get(name) as Constant] as const);
  return a.constants.size === b.constants.size && pairs.every(([x, y]) => bytes(x).equals(bytes(y)));
}

describe("initialize", () => {
  it("draws the same bits for the same seed, others for another, whatever else the graph holds", () => {
    const name = "block3/pointwise/weights";
    const a = dataOf(initialize(NETWORK, 5).constants, name);
    expect(dataOf(initialize(mobilenetV1({ alpha: 0.25, classes: 3 }), 5).constants, name)).toEqual(a);
    expect(dataOf(initialize(NETWORK, 6).constants, name)).not.toEqual(a);
    expect(sameBits(initialize(NETWORK), initialize(NETWORK, 0))).toBe(true);
    expect(sameBits(initialize(NETWORK), initialize(NETWORK, 1))).toBe(false);
  });

  it("draws these very bits on every host", () => {
    const [first, second, third] = dataOf(initialize(NETWORK, 0).constants, "block0/weights");
    expect([first, second, third]).toMatchInlineSnapshot(`
      [
        0.20536811649799347,
        0.14099258184432983,
        -0.06267086416482925,
      ]
    `);
  });

  it("fills by initializer: Glorot's limit with TensorFlow's fans, zeros, ones", () => {
    const { constants } = initialize(NETWORK, 1);
    const limits: [string, number][] = [
      ["block0/weights", Math.sqrt(6 / (9 * 3 + 9 * 8))],
      ["block5/depthwise/weights", Math.sqrt(6 / (9 * 64 + 9 * 1))],
      ["block5/pointwise/weights", Math.sqrt(6 / (64 + 64))],
      ["classifier/weights", Math.sqrt(6 / (256 + 10))],
    ];
    for (const [name, limit] of limits) {
      const data = dataOf(constants, name);
      const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(largest).toBeLessThanOrEqual(Math.fround(limit));
      expect(largest).toBeGreaterThan(0.9 * limit);
      const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
      // Six standard deviations of the mean of that many uniform numbers.
      expect(Math.abs(mean)).toBeLessThan((6 * limit) / Math.sqrt(3 * data.length));
      const square = data.reduce((sum, x) => sum + x * x, 0) / data.length;
      expect(Math.abs(square / limit ** 2 - 1 / 3)).toBeLessThan((6 * Math.sqrt(4 / 45)) / Math.sqrt(data.length));
    }
    const only = (name: string) => [...new Set(dataOf(constants, name))];
    expect(["gamma", "beta", "mean", "variance"].map((role) => only(`block0/bn/${role}`))).toEqual([
      [1],
      [0],
      [0],
      [1],
    ]);
    expect(only("classifier/bias")).toEqual([0]);
  });

  it("leaves data as it is", () => {
    const once = initialize(NETWORK, 1);
    expect(sameBits(initialize(once, 2), once)).toBe(true);
  });

  it("refuses a constant that says nothing, and a seed that is none", () => {
    const graph = graphOf({
      x: [1, 2, 2, 1],
      constants: { w: [1, 1, 1, 1] },
      nodes: [{ op: "conv2d", name: "y", inputs: ["x"], weights: "w", ...PLAIN }],
      blank: true,
    });
    expect(() => initialize(graph)).toThrow(
      new TypeError('constant "w": expected data or an initializer, got neither'),
    );
    expect(() => initialize(NETWORK, 0.5)).toThrow(new RangeError("initialize: expected an integer as seed, got 0.5"));
  });
});

describe("withWeights", () => {
  const all = new Map([...initialize(NETWORK, 3).constants].map(([name, { data }]) => [name, data as Float32Array]));

  it("takes a map or a record, bare numbers or tensors", () => {
    const tensors = [...all].map(([name, data]) => [name, { shape: NETWORK.constants.get(name)?.shape ?? [], data }]);
    for (const weights of [all, Object.fromEntries(all), Object.fromEntries(tensors) as Weights]) {
      expect(sameBits(withWeights(NETWORK, weights), initialize(NETWORK, 3))).toBe(true);
    }
  });

  it("replaces a few in a graph that lacks none", () => {
    const bias = numbers(10);
    const graph = withWeights(initialize(NETWORK), { "classifier/bias": bias });
    expect(dataOf(graph.constants, "classifier/bias")).toBe(bias);
    expect(dataOf(graph.constants, "block0/weights")).toEqual(dataOf(initialize(NETWORK).constants, "block0/weights"));
  });

  it("lists names that are unknown and names that are missing", () => {
    const partial = new Map(all).set("block0/kernel", new Float32Array(1)).set("extra", new Float32Array(1));
    partial.delete("block0/weights");
    partial.delete("classifier/bias");
    expect(() => withWeights(NETWORK, partial)).toThrow(
      new RangeError(
        `withWeights: expected the weights of graph "${NETWORK.name}", without those it does not have: block0/kernel, extra; ` +
          "and with those it lacks: block0/weights, classifier/bias",
      ),
    );
    expect(() => withWeights(initialize(NETWORK), { extra: new Float32Array(1) })).toThrow(/does not have: extra$/);
  });

  it("shows both shapes, or the shape and the length", () => {
    const shape = NETWORK.constants.get("classifier/weights")?.shape;
    expect(shape).toEqual([256, 10]);
    const graph = initialize(NETWORK);
    expect(() => withWeights(graph, { "classifier/weights": { shape: [10, 256], data: numbers(2560) } })).toThrow(
      new ShapeError('weights "classifier/weights": expected shape [256, 10], got [10, 256]'),
    );
    expect(() => withWeights(graph, { "classifier/weights": numbers(7) })).toThrow(
      new ShapeError('weights "classifier/weights": expected 2560 numbers for shape [256, 10], got 7'),
    );
    expect(() => withWeights(graph, { "classifier/bias": [1, 2] as unknown as Float32Array })).toThrow(TypeError);
  });
});
