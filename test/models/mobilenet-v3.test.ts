import { describe, expect, it } from "vitest";
import type { Shape } from "../../src/graph/graph.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { cost, type MobilenetV3Options, mobilenetV3 } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { ops } from "../graph/build.ts";
import { interpret } from "../reference/interpreter.ts";
import { drawn, testComputed } from "./computed.ts";

describe("mobilenetV3", () => {
  // Millions of multiply-adds and of parameters: the paper's table 3, and TF-slim's list for the large minimalistic.
  // For the small ones that list has 66 M and 2.9 M, minimalistic 65 M and 2.0 M; the paper's has 56 M and 2.5 M, and
  // its table of layers, which is Keras's too, comes to 52 M and 2.1 M when minimalistic.
  it.each([
    [{ size: "large" }, 219, 5.4],
    [{ size: "large", alpha: 0.75 }, 155, 4.0],
    [{ size: "small" }, 56, 2.5],
    [{ size: "small", alpha: 0.75 }, 44, 2.0],
    [{ size: "large", minimalistic: true }, 209, 3.9],
    [{ size: "small", minimalistic: true }, 52, 2.1],
  ] satisfies [MobilenetV3Options, number, number][])("%o costs what is published", (options, macs, params) => {
    const costs = cost(mobilenetV3(options));
    expect(Math.abs(costs.macs / 1e6 / macs - 1)).toBeLessThan(0.015);
    expect(Math.abs(costs.params / 1e6 - params)).toBeLessThan(0.1);
  });

  const EXPANDED = {
    large: [16, 64, 72, 72, 120, 120, 240, 200, 184, 184, 480, 672, 672, 960, 960],
    small: [16, 72, 88, 96, 240, 240, 120, 144, 288, 576, 576],
  };
  const OUT = {
    large: [16, 16, 24, 24, 40, 40, 40, 80, 80, 80, 80, 112, 112, 160, 160, 160, 960, 960],
    small: [16, 16, 24, 24, 40, 40, 40, 48, 48, 96, 96, 96, 576, 576],
  };
  const GATES = { large: [4, 5, 6, 11, 12, 13, 14, 15], small: [1, 4, 5, 6, 7, 8, 9, 10, 11] };
  const SWISHES = { large: 1 + 4 * 2 + 2 * 2 + 3 * 2 + 2, small: 1 + 8 * 2 + 2 };
  for (const size of ["large", "small"] as const) {
    it(`has the paper's table of ${size}`, () => {
      const graph = mobilenetV3({ size });
      const shapes = inferShapes(graph);
      const channels = (name: string) => (shapes.get(name) as Shape).at(-1);
      expect([...graph.endPoints.values()].map(channels)).toEqual(OUT[size]);
      expect(EXPANDED[size].map((_, i) => channels(`block${i + 1}/depthwise`))).toEqual(EXPANDED[size]);
      const gates = graph.nodes.filter(({ name }) => name.endsWith("/excite")).map(({ name }) => name);
      expect(gates).toEqual(GATES[size].map((i) => `block${i}/excite`));
      expect(ops(graph).filter((op) => op === "hardSwish")).toHaveLength(SWISHES[size]);
    });

    it(`has only what v2 has when ${size} and minimalistic`, () => {
      const graph = mobilenetV3({ size, minimalistic: true });
      const kinds = new Set(ops(graph));
      for (const op of ["hardSwish", "mul", "sigmoid"] as const) expect(kinds).not.toContain(op);
      for (const [name, { shape }] of graph.constants) {
        if (shape.length === 4) expect([1, 3], name).toContain(shape[0]);
      }
    });

    testComputed(mobilenetV3({ size, alpha: 0.35, resolution: 32, classes: 7 }));
    testComputed(mobilenetV3({ size, minimalistic: true, alpha: 0.35, resolution: 32, classes: 7 }));
  }

  it("has gates that are hard sigmoids, over the values behind the activation", () => {
    const graph = drawn(mobilenetV3({ size: "small", alpha: 0.35, resolution: 32 }));
    const values = interpret(graph, { input: random("gates").floats(32 * 32 * 3, 4) });
    const of = (name: string) => values.get(`block1/${name}`)!.values;
    const channels = of("gate").length;
    expect(of("gate/conv")).toHaveLength(channels);
    of("gate/conv").forEach((x, c) => {
      expect(of("gate")[c]).toBeCloseTo(Math.min(1, Math.max(0, x / 6 + 0.5)), 7);
    });
    of("excite").forEach((y, i) => {
      expect(y).toBe(of("depthwise")[i]! * of("gate")[i % channels]!);
    });
    expect(Math.min(...of("depthwise"))).toBe(0);
  });

  it("is left without batch norms and bounds of their own by the passes", () => {
    const kinds = ops(optimize(mobilenetV3({ resolution: 32 })));
    expect(kinds).not.toContain("batchNorm");
    expect(kinds).not.toContain("scaleShift");
    expect(kinds).not.toContain("clamp");
  });

  it.each([
    [{ size: "medium" as never }, RangeError, 'mobilenetV3: expected size to be "small" or "large", got "medium"'],
    [{ minimalistic: 1 as never }, TypeError, "mobilenetV3: expected minimalistic to be true or false, got 1"],
    [{ alpha: 0 }, RangeError, "mobilenetV3: expected alpha to be a positive number, got 0"],
    [{ resolution: 100 }, RangeError, /^mobilenetV3: expected resolution to be divisible by 32/],
    [{ classes: 1.5 }, RangeError, "mobilenetV3: expected classes to be a positive integer, got 1.5"],
  ])("refuses %o", (options, error, message) => {
    expect(() => mobilenetV3(options)).toThrow(error);
    expect(() => mobilenetV3(options)).toThrow(message);
  });
});
