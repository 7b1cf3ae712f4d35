import { describe, expect, it } from "vitest";
import { buildGraph } from "../../src/engine/build.ts";
import { checkPlan } from "../../src/engine/plan/check.ts";
import { type Layout, plan } from "../../src/engine/plan/plan.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { build, mobilenetV1, type Numbers } from "../../src/index.ts";
import { imageGraph } from "../cases/image-graphs.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";

const NETWORK = initialize(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10 }), 3);
const PICTURE = random("picture").floats(64 * 64 * 3);

describe("lanes", () => {
  it("of random graphs give the bits of one, whole and by rows", async () => {
    const graphs = [
      ...Array.from({ length: 150 }, (_, seed) => imageGraph(seed)),
      ...Array.from({ length: 150 }, (_, seed) => quantizedGraph(seed)),
    ];
    let divided = 0;
    for (const [i, { graph, input }] of graphs.entries()) {
      const one = (await build(graph, { variant: "simd", memory: "fast" })).run<Numbers>(input).output;
      for (const lanes of [2, 3, 7]) {
        for (const memory of ["fast", "small"] as const) {
          const session = await buildGraph(graph, { variant: "simd", memory }, { lanes });
          if (session.manifest.lanes[1]! > 0) divided++;
          expect(session.run<Numbers>(input).output, `graph ${i}, ${lanes} lanes, ${memory}`).toEqual(one);
          expect(session.run<Numbers>(input).output, `graph ${i}, ${lanes} lanes, ${memory}, again`).toEqual(one);
        }
      }
    }
    expect(divided).toBeGreaterThan(500);
  });

  for (const variant of VARIANTS.filter(accepts)) {
    it(`of a MobileNet do too, ${variant}`, async () => {
      const one = (await build(NETWORK, { variant, memory: "fast" })).run(PICTURE).output;
      for (const memory of ["fast", "balanced", "small"] as const) {
        for (const lanes of [2, 3, 4]) {
          const session = await buildGraph(NETWORK, { variant, memory }, { lanes });
          expect(session.run(PICTURE).output, `${memory}, ${lanes}`).toEqual(one);
        }
      }
    });
  }
});
