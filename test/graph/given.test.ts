/**
 * Graphs as callers hand them over: those written by hand in earlier words mean the same.
 */
import { expect, test } from "vitest";
import { graphGiven } from "../../src/graph/given.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { build } from "../../src/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";

const meaning = { scales: [0.1], zeroPoints: [0], axis: 0 };

/** Floats that become bytes and floats again, in the words that `word` makes of today's. */
function there(word: (today: string) => string): Graph {
  const quantization = word("quantization");
  return {
    name: "there and back",
    inputs: [{ name: "x", shape: [1, 4], dtype: "float32" }],
    constants: new Map(),
    nodes: [
      { op: word("quantize"), name: "q", inputs: ["x"], dtype: "int8", [quantization]: meaning },
      { op: word("dequantize"), name: "y", inputs: ["q"] },
    ],
    outputs: ["y"],
    endPoints: new Map(),
    source: { format: "test" },
  } as unknown as Graph;
}

test("a graph in earlier words is the same graph", async () => {
  const former = there((word) => word.replace("iz", "is"));
  const today = there((word) => word);
  expect(former.nodes.map(({ op }) => op as string)).toEqual(["quantise", "dequantise"]);
  expect(graphGiven("build", former)).toEqual(today);
  const x = Float32Array.of(-1, 0, 0.26, 100);
  const [one, other] = [await build(former), await build(today)];
  expect(one.run(x).output).toEqual(other.run(x).output);
  expect(Array.from(one.run(x).output as Float32Array, (v) => Math.round(10 * v))).toEqual([-10, 0, 3, 127]);
});

test("a graph in today's words is handed on as it is, and no other word is read as one", () => {
  const graph = mobilenetV1({ alpha: 0.25, resolution: 96 });
  expect(graphGiven("build", graph)).toBe(graph);
  const odd = { ...graph, nodes: [{ op: "constructor", name: "y", inputs: ["x"] }] } as unknown as Graph;
  expect(graphGiven("build", odd)).toBe(odd);
});
