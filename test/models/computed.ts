/**
 * What every architecture has to stand: naive loops, rows, TFLite and 8 bits, in all builds.
 * @module
 */
import { expect, it } from "vitest";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize, withWeights } from "../../src/graph/initialize.ts";
import { build, load, type Numbers, quantizationReport, quantize, toTflite } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { interpret } from "../reference/interpreter.ts";
import { interpretQuantized } from "../reference/quantized.ts";

/** Xavier weights; biases and batch norms that do something. */
export function drawn(graph: Graph): Graph {
  const { next } = random(graph.name);
  const vectors = [...graph.constants.values()].filter(({ name, data }) => /\/bn\/|\/bias$/.test(name) && !data);
  const numbers = vectors.map(({ name, shape }) => {
    const [lo, hi] = /gamma|variance/.test(name) ? ([0.5, 1.5] as const) : ([-0.25, 0.25] as const);
    return [name, Float32Array.from({ length: shape[0]! }, () => lo + (hi - lo) * next())] as const;
  });
  return withWeights(initialize(graph, 3), new Map(numbers));
}

/** Registers the tests of one network, which is small. */
export function testComputed(architecture: Graph): void {
  const graph = drawn(architecture);
  const { name, outputs, endPoints } = graph;
  const size = graph.inputs[0]!.shape.reduce((product, d) => product * d, 1);
  const inputs = Array.from({ length: 4 }, (_, i) => random(`${name} ${i}`).floats(size));
  const input = inputs[0]!;

  for (const variant of VARIANTS.filter(accepts)) {
    it(`${name} computes what naive loops do, block by block and as a whole (${variant})`, async () => {
      const got = (await build(graph, { variant, endPoints: [...endPoints.keys()] })).run(input);
      const points = [...endPoints].map(([label, value]) => [value, got.endPoints[label]!] as const);
      const measured = Object.fromEntries([...points, [outputs[0]!, got.output]]);
      const blocks = interpret(graph, { input }, { measured });
      const whole = interpret(graph, { input });
      for (const [value, numbers] of Object.entries(measured)) {
        const { values, bound } = blocks.get(value)!;
        const exact = whole.get(value)!.values;
        const largest = exact.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        expect(numbers.length).toBe(exact.length);
        numbers.forEach((n, i) => {
          if (!(Math.abs(n - values[i]!) <= bound[i]!)) expect.fail(`${value}[${i}]: past its bound`);
          if (!(Math.abs(n - exact[i]!) < 1e-5 * largest)) expect.fail(`${value}[${i}]: ${n}, not ${exact[i]}`);
        });
      }
    });

    it(`${name} computes the same by rows, and 8 bits as the naive reference does (${variant})`, async () => {
      const whole = (await build(graph, { variant, memory: "fast" })).run(input).output;
      for (const feed of [false, true]) {
        expect((await build(graph, { variant, memory: "small", feed })).run(input).output).toEqual(whole);
      }
      const bytes = await quantize(graph, inputs, { io: "int8" });
      const { scales, zeroPoints } = bytes.inputs[0]!.quantization!;
      const q = Int8Array.from(input, (x) =>
        Math.min(127, Math.max(-128, Math.round(x / scales[0]!) + zeroPoints[0]!)),
      );
      const expected = interpretQuantized(bytes, { input: q }).get(bytes.outputs[0]!)!;
      expect([...(await build(bytes, { variant })).run<Numbers>(q).output]).toEqual(Array.from(expected));
    });
  }

  it(`${name} becomes a TFLite file in floats and in 8 bits, and loses little by them`, async () => {
    const expected = (await build(graph)).run(input).output;
    (await load(await toTflite(graph))).run(input).output.forEach((n, i) => {
      expect(Math.abs(n - expected[i]!)).toBeLessThan(1e-6);
    });
    const bytes = await quantize(graph, inputs);
    const back = await load(await toTflite(bytes));
    expect(back.run(input).output).toEqual((await build(bytes)).run(input).output);
    const { layers } = await quantizationReport(graph, bytes, inputs);
    for (const layer of layers) expect(layer.sqnr, layer.name).toBeGreaterThan(30);
  });
}
