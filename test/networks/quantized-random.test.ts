import { describe, expect, it } from "vitest";
import { buildGraph } from "../../src/engine/build.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { build, type Numbers } from "../../src/index.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { interpretQuantized } from "../reference/quantized.ts";
import { readBuild } from "../variants.ts";

const GRAPHS = 120;
/** As many again have gates and constant operands. */
const OPERANDS = 80;

function firstDifference(got: ArrayLike<number>, expected: ArrayLike<number>): string | undefined {
  for (let i = 0; i < expected.length; i++) {
    if (got[i] !== expected[i]) return `[${i}] of ${expected.length}: expected ${expected[i]}, got ${got[i]}`;
  }
  return got.length === expected.length ? undefined : `expected ${expected.length} numbers, got ${got.length}`;
}

describe("random 8-bit graphs are computed to the bit", () => {
  for (const variant of VARIANTS) {
    const reason = accepts(variant) ? undefined : `this host refuses ${variant}`;
    if (reason) console.info(`random 8-bit graphs, ${variant}: skipped, ${reason}`);
    it.skipIf(reason)(`${GRAPHS} graphs, fused and with every value kept, ${variant}`, async () => {
      for (let i = 0; i < GRAPHS + OPERANDS; i++) {
        const seed = i % GRAPHS;
        const { graph, input } = quantizedGraph(seed, i >= GRAPHS);
        const values = interpretQuantized(graph, { x: input });
        const fused = await build(graph, { variant });
        const { output } = fused.run<Numbers>(input);
        expect(firstDifference(output, values.get(graph.outputs[0]!)!), `graph ${seed}, output`).toBeUndefined();
        const names = graph.nodes.map(({ name }) => name);
        const kept = await build(graph, { variant, endPoints: names });
        const { endPoints } = kept.run<Numbers>(input);
        for (const name of names) {
          const difference = firstDifference(endPoints[name]!, values.get(name)!);
          expect(difference, `graph ${seed}, ${name}`).toBeUndefined();
        }
      }
    });
  }

  for (const product of ["unsigned", "signed"] as const) {
    it(`as a host multiplies whose products are ${product}, emulated`, async () => {
      const wasm = readBuild("debug");
      for (let seed = 0; seed < 60; seed++) {
        const { graph, input } = quantizedGraph(seed);
        const expected = interpretQuantized(graph, { x: input }).get(graph.outputs[0]!)!;
        const session = await buildGraph(graph, { wasm }, { product });
        expect(session.product).toBe(product);
        expect(firstDifference(session.run<Numbers>(input).output, expected), `graph ${seed}`).toBeUndefined();
      }
    });
  }
});
