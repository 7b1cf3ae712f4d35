import { describe, expect, it } from "vitest";
import { withBatch } from "../../src/graph/batch.ts";
import type { Node } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { interpret } from "../reference/interpreter.ts";
import { graphOf, numbers } from "./build.ts";

describe("withBatch", () => {
  it("changes the first dimension of every value", () => {
    const graph = mobilenetV1({ resolution: 32, alpha: 0.25 });
    expect(inferShapes(withBatch(graph, 3))).toEqual(
      inferShapes(mobilenetV1({ resolution: 32, alpha: 0.25, batch: 3 })),
    );
    expect(withBatch(withBatch(graph, 3), 1)).toEqual(graph);
    expect(withBatch(graph, 1)).toBe(graph);
  });

  it("gives each image its own answer", () => {
    const graph = initialize(mobilenetV1({ resolution: 32, alpha: 0.25, shallow: true, classes: 3 }));
    const images = [numbers(32 * 32 * 3, 1), numbers(32 * 32 * 3, 2)] as const;
    const alone = images.map((input) => [...(interpret(graph, { input }).get("softmax")?.values ?? [])]);
    const input = Float32Array.from([...images[0], ...images[1]]);
    const together = interpret(withBatch(graph, 2), { input }).get("softmax")?.values ?? [];
    expect([...together]).toEqual(alone.flat());
  });

  it("frees reshapes that fix a batch of one", () => {
    const nodes: Node[] = [
      { op: "reshape", name: "boxes", inputs: ["x"], shape: [1, -1, 4] },
      { op: "reshape", name: "flat", inputs: ["boxes"], shape: [1, 48] },
      { op: "reshape", name: "pixels", inputs: ["flat"], shape: [-1, 8] },
    ];
    const shapes = inferShapes(withBatch(graphOf({ x: [1, 2, 3, 8], nodes }), 5));
    expect(nodes.map(({ name }) => shapes.get(name))).toEqual([
      [5, 12, 4],
      [5, 48],
      [30, 8],
    ]);
  });

  it("refuses what is no number of images, or an input without a batch", () => {
    const graph = graphOf({ x: [], nodes: [{ op: "identity", name: "y", inputs: ["x"] }] });
    for (const n of [0, 1.5, Number.NaN]) {
      expect(() => withBatch(graph, n)).toThrow(new RangeError(`withBatch: expected a positive integer, got ${n}`));
    }
    expect(() => withBatch(graph, 2)).toThrow(
      new RangeError('withBatch: expected input "x" to have a batch, got a scalar'),
    );
  });
});
