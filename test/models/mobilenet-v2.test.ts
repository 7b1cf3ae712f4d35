import { describe, expect, it } from "vitest";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { build, cost, initialize, load, mobilenetV2, quantize, toTflite } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { interpret } from "../reference/interpreter.ts";

const TINY = initialize(mobilenetV2({ alpha: 0.35, resolution: 32, classes: 7 }), 2);
const PICTURE = random("v2").floats(32 * 32 * 3);

describe("mobilenetV2", () => {
  // The paper's table 4 and 5, and TF-slim's: millions of multiply-adds and of parameters.
  it.each([
    [1, 224, 300, 3.5],
    [0.35, 224, 59, 1.7],
    [0.5, 160, 50, 2.0],
    [0.75, 224, 209, 2.6],
    [1.4, 224, 582, 6.1],
    [1, 96, 56, 3.5],
  ])("%f at %i costs what is published", (alpha, resolution, macs, params) => {
    const costs = cost(mobilenetV2({ alpha, resolution }));
    expect(costs.macs / 1e6).toBeGreaterThan(0.97 * macs);
    expect(costs.macs / 1e6).toBeLessThan(1.04 * macs);
    expect(costs.params / 1e6).toBeGreaterThan(params - 0.1);
    expect(costs.params / 1e6).toBeLessThan(params + 0.1);
  });

  for (const variant of VARIANTS.filter(accepts)) {
    it(`computes what naive loops do, by rows too (${variant})`, async () => {
      const values = interpret(TINY, { input: PICTURE });
      const { block9, output } = { block9: TINY.endPoints.get("block9")!, output: TINY.outputs[0]! };
      const net = await build(TINY, { variant, endPoints: ["block9"] });
      const got = net.run(PICTURE);
      for (const [name, numbers] of [
        [output, got.output],
        [block9, got.endPoints.block9!],
      ] as const) {
        const expected = values.get(name)!.values;
        const largest = Math.max(...Array.from(expected, Math.abs));
        numbers.forEach((n, i) => {
          expect(Math.abs(n - expected[i]!), `${name}[${i}]`).toBeLessThan(1e-5 * largest);
        });
      }
      const whole = (await build(TINY, { variant, memory: "fast" })).run(PICTURE).output;
      for (const feed of [false, true]) {
        expect((await build(TINY, { variant, memory: "small", feed })).run(PICTURE).output).toEqual(whole);
      }
    });
  }

  it("has its blocks as end points, and becomes a TFLite file and one of 8 bits", async () => {
    expect([...TINY.endPoints.keys()]).toEqual([...Array(19).keys()].map((i) => `block${i}`).concat("output"));
    const expected = (await build(TINY)).run(PICTURE).output;
    const again = (await load(await toTflite(TINY))).run(PICTURE).output;
    again.forEach((n, i) => {
      expect(Math.abs(n - expected[i]!)).toBeLessThan(1e-6);
    });
    const bytes = await build(await quantize(TINY, [PICTURE], { io: "int8" }));
    expect(bytes.outputs[0]!.dtype).toBe("int8");
  });

  it.each([
    [{ alpha: 0 }, RangeError],
    [{ resolution: 100 }, RangeError],
    [{ classes: 1.5 }, RangeError],
    [{ batch: "1" as never }, TypeError],
  ])("refuses %o", (options, error) => {
    expect(() => mobilenetV2(options)).toThrow(error);
  });
});
