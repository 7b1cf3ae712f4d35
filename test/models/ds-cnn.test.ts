import { describe, expect, it } from "vitest";
import { optimize } from "../../src/graph/passes/index.ts";
import { sizeOf } from "../../src/graph/references.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { cost, dsCnn } from "../../src/index.ts";
import { testComputed } from "./computed.ts";

const SIZES = ["small", "medium", "large"] as const;

describe("dsCnn", () => {
  // The paper's table of operations and memory. An operation is a multiplication or an addition, that of a bias too;
  // memory is a byte for each number: folded weights, and the two largest neighbors among the maps of whole layers.
  it.each([
    ["small", 2_656_768, 5.4, 38.6],
    ["medium", 9_816_384, 19.8, 189.2],
    ["large", 28_327_812, 56.9, 497.6],
  ] as const)("%s costs what the paper says", (size, macs, operations, kilobytes) => {
    const { layers, ...costs } = cost(dsCnn({ size }));
    expect(costs.macs).toBe(macs);
    const biases = layers
      .filter((layer) => layer.macs > 0)
      .reduce((sum, { outputShape }) => sum + sizeOf(outputShape), 0);
    expect(((2 * macs + biases) / 1e6).toFixed(1)).toBe(operations.toFixed(1));
    const graph = dsCnn({ size });
    const maps = [...inferShapes(graph)].filter(([name]) => /^block\d(\/depthwise)?$/.test(name));
    const sizes = maps.map(([, shape]) => sizeOf(shape));
    const neighbors = Math.max(...sizes.slice(1).map((next, i) => next + sizes[i]!));
    expect(((cost(optimize(graph)).params + neighbors) / 1e3).toFixed(1)).toBe(kilobytes.toFixed(1));
  });

  it("has the parameters of MLPerf Tiny's reference that are trained", () => {
    expect(cost(dsCnn()).params).toBe(23_756);
  });

  for (const size of SIZES) {
    it(`has ${size} maps and end points`, () => {
      const graph = dsCnn({ size, classes: 3, batch: 2 });
      const shapes = inferShapes(graph);
      const points = [...graph.endPoints.values()].map((name) => shapes.get(name)!.join("×"));
      const [w, filters, blocks] = { small: [5, 64, 4], medium: [10, 172, 4], large: [10, 276, 5] }[size] as number[];
      const inner = size === "small" ? "25×5" : "13×5";
      expect(points).toEqual([
        `2×25×${w}×${filters}`,
        ...Array<string>(blocks!).fill(`2×${inner}×${filters}`),
        `2×1×1×${filters}`,
      ]);
      expect(shapes.get(graph.outputs[0]!)).toEqual([2, 3]);
    });

    testComputed(dsCnn({ size }));
  }

  it.each([
    [{ size: "tiny" as never }, RangeError, 'dsCnn: expected size to be "small" or "medium" or "large", got "tiny"'],
    [{ classes: 0 }, RangeError, "dsCnn: expected classes to be a positive integer, got 0"],
    [{ batch: "1" as never }, TypeError, 'dsCnn: expected batch to be a number, got "1"'],
  ])("refuses %o", (options, error, message) => {
    expect(() => dsCnn(options)).toThrow(error);
    expect(() => dsCnn(options)).toThrow(message);
  });
});
