import { describe, expect, it } from "vitest";
import { memoryRequired } from "../../src/engine/build.ts";
import { type Plan, plan } from "../../src/engine/plan/plan.ts";
import { ENTRY_BYTES } from "../../src/engine/plan/schedule.ts";
import { STEP_BYTES } from "../../src/engine/step.ts";
import { UnsupportedError } from "../../src/errors.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { graphOf, PLAIN } from "../graph/build.ts";

const conv = (name: string, input: string, weights: string): Node => ({
  ...{ op: "conv2d", name, inputs: [input], weights },
  ...PLAIN,
});

/** Address of a value as the steps see it: where its step writes, or where a reader reads. */
const addressOf = ({ steps }: Plan, name: string) => steps.find(({ node }) => node.name === name)!.fields.y!;

describe("plan", () => {
  it("is a pure function: the same graph, the same offsets", () => {
    const graph = optimize(mobilenetV1({ alpha: 0.25, resolution: 96 }));
    expect(plan(graph)).toEqual(plan(graph));
  });

  it("needs no weights, and they change nothing", () => {
    const graph = mobilenetV1({ alpha: 0.25, resolution: 128 });
    expect(memoryRequired(initialize(graph, 3))).toEqual(memoryRequired(graph));
  });

  it.each([
    ["a width of a half", mobilenetV1({ alpha: 0.5, resolution: 160 })],
    ["the pool alone", mobilenetV1({ alpha: 0.25, resolution: 32, top: "pool" })],
    ["full convolutions, a batch of 3", mobilenetV1({ alpha: 0.25, resolution: 64, convolution: "full", batch: 3 })],
    ["training", mobilenetV1({ alpha: 0.25, resolution: 32, training: true })],
    ["8 bits", quantizedGraph(3).graph],
    [
      // 912 bytes in 852 and 60, whose quotients are not exact.
      "parts of a row that no quotient tells",
      graphOf({
        x: [1, 213],
        constants: { w: [213, 15] },
        nodes: [
          { op: "dense", name: "few", inputs: ["x"], weights: "w" },
          { op: "concat", name: "y", inputs: ["x", "few"], axis: 1 },
        ],
      }),
    ],
    ["nothing to compute", graphOf({ x: [1, 2], nodes: [{ op: "identity", name: "y", inputs: ["x"] }] })],
  ] as [string, Graph][])("adds up to the byte: %s", (_, graph) => {
    const { total, ...parts } = memoryRequired(graph);
    expect(Object.keys(parts)).toEqual(["module", "steps", "weights", "arena"]);
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
  });

  it("counts static data and slack, steps, weights", () => {
    const graph = optimize(mobilenetV1({ alpha: 0.5, resolution: 160 }));
    const { memory, steps } = plan(graph, new Set(), { memory: "fast" });
    expect(memory.module).toBe(2048 + 16);
    expect(memory.steps).toBe(steps.length * (STEP_BYTES + ENTRY_BYTES));
    const parameters = [...graph.constants.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    expect(memory.weights).toBeGreaterThanOrEqual(4 * parameters);
    expect(memory.weights).toBeLessThan(4 * parameters * 1.01);
  });

  it("fuses each separable block into one step: fifteen and the top for all of MobileNet", () => {
    const { steps } = plan(optimize(mobilenetV1()));
    expect(steps.map(({ kernel }) => kernel)).toEqual([
      "conv_f32",
      ...Array.from({ length: 13 }, () => "separable_f32"),
      ...["gap_f32", "dense_f32", "softmax_f32"],
    ]);
  });

  it("aligns every address to 16 bytes", () => {
    for (const { fields } of plan(optimize(mobilenetV1({ alpha: 0.25, resolution: 96, classes: 7 }))).steps) {
      for (const field of ["x", "x2", "w", "w2", "y", "s"] as const) expect((fields[field] ?? 0) % 16).toBe(0);
    }
  });

  it("lets a value that ends be overwritten in place, the input too, but never a kept value", () => {
    const nodes: Node[] = [
      { op: "sigmoid", name: "a", inputs: ["x"] },
      { op: "hardSwish", name: "b", inputs: ["a"] },
      { op: "sigmoid", name: "c", inputs: ["b"] },
      { op: "add", name: "d", inputs: ["b", "c"] },
      { op: "add", name: "e", inputs: ["d", "d"] },
    ];
    const graph = graphOf({ x: [1, 2, 2, 4], nodes });
    const free = plan(graph);
    expect(addressOf(free, "a")).toBe(free.values.get("x")!.address);
    expect(addressOf(free, "b")).toBe(addressOf(free, "a"));
    expect(addressOf(free, "c")).not.toBe(addressOf(free, "b"));
    expect([addressOf(free, "b"), addressOf(free, "c")]).toContain(addressOf(free, "d"));
    expect(addressOf(free, "e")).toBe(addressOf(free, "d"));
    const kept = plan(graph, new Set(["a", "d"]));
    expect(addressOf(kept, "b")).not.toBe(addressOf(kept, "a"));
    expect(addressOf(kept, "e")).not.toBe(addressOf(kept, "d"));
    expect(kept.memory.arena).toBeGreaterThan(free.memory.arena);
  });

  it("gives a reshape the bytes of its input, and keeps both as long as either is needed", () => {
    const nodes: Node[] = [
      { op: "sigmoid", name: "a", inputs: ["x"] },
      { op: "reshape", name: "flat", inputs: ["a"], shape: [-1, 16] },
      { op: "hardSwish", name: "b", inputs: ["a"] },
      { op: "softmax", name: "c", inputs: ["flat"], beta: 1 },
      { op: "reshape", name: "d", inputs: ["b"], shape: [1, 16] },
      { op: "add", name: "e", inputs: ["c", "d"] },
    ];
    const result = plan(graphOf({ x: [1, 2, 2, 4], nodes }));
    expect(result.steps.find(({ node }) => node.name === "c")!.fields.x).toBe(addressOf(result, "a"));
    expect(addressOf(result, "b")).not.toBe(addressOf(result, "a"));
  });

  it("packs weights that two nodes share once", () => {
    const nodes = [conv("a", "x", "w"), conv("b", "a", "w"), conv("c", "b", "v")];
    const constants = { w: [3, 3, 4, 4], v: [3, 3, 4, 4] };
    const result = plan(graphOf({ x: [1, 4, 4, 4], constants, nodes }));
    expect(result.weights).toHaveLength(2);
    expect(result.steps[0]!.fields.w).toBe(result.steps[1]!.fields.w);
    expect(result.steps[2]!.fields.w).not.toBe(result.steps[0]!.fields.w);
  });

  it("refuses 8-bit values that mean nothing, and types without kernels, by name", () => {
    const graph = graphOf({ x: [1, 2, 2, 4], nodes: [{ op: "sigmoid", name: "a", inputs: ["x"], dtype: "int8" }] });
    const of = (dtype: "uint8" | "int32"): Graph => ({ ...graph, inputs: [{ name: "x", shape: [1, 2, 2, 4], dtype }] });
    expect(() => plan(of("uint8"))).toThrow(UnsupportedError);
    expect(() => plan(of("uint8"))).toThrow(/value x: expected 8 bits with a scale/);
    expect(() => plan(of("int32"))).toThrow(/value x: expected float32 or 8 bits, got int32/);
  });
});
