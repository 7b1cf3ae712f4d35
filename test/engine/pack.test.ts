import { describe, expect, it } from "vitest";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import type { Constant, Graph, Node } from "../../src/graph/graph.ts";
import { build, type Numbers } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { interpretQuantized } from "../reference/quantized.ts";

/**
 * An int8 layer of `k` inputs and `n` outputs: the packed weights are far larger than everything that the network
 * computes.
 */
function wide(op: "dense" | "conv2d", k: number, n: number): Graph {
  const numbers = random(`wide ${op} ${k} ${n}`);
  const scales = Array.from({ length: op === "conv2d" ? n : 1 }, () => Math.fround(0.001 + 0.01 * numbers.next()));
  const axis = op === "conv2d" ? 3 : 1;
  const weights: Constant = {
    ...{ name: "w", shape: op === "conv2d" ? [1, 1, k, n] : [k, n], dtype: "int8" },
    data: Int8Array.from({ length: k * n }, () => numbers.int(-127, 127)),
    quantization: { scales, zeroPoints: scales.map(() => 0), axis },
  };
  const bias: Constant = {
    ...{ name: "b", shape: [n], dtype: "int32" },
    data: Int32Array.from({ length: n }, () => numbers.int(-1000, 1000)),
  };
  const window = op === "conv2d" ? { strides: [1, 1], dilations: [1, 1], padding: "valid" } : {};
  const node = {
    ...{ op, name: "y", inputs: ["x"], weights: "w", bias: "b", ...window, dtype: "int8" },
    quantization: { scales: [0.05], zeroPoints: [3], axis: 0 },
  } as Node;
  const shape = op === "conv2d" ? [1, 1, 1, k] : [1, k];
  const quantization = { scales: [0.02], zeroPoints: [-5], axis: 0 };
  return {
    ...{ name: "wide", inputs: [{ name: "x", shape, dtype: "int8", quantization }], nodes: [node], outputs: ["y"] },
    ...{
      constants: new Map([weights, bias].map((c) => [c.name, c])),
      endPoints: new Map(),
      source: { format: "test" },
    },
  };
}

describe("8-bit layers whose rows are longer than all that the network computes", () => {
  for (const [op, k, n] of [
    ["dense", 32, 1000],
    ["dense", 2, 10_000],
    ["dense", 1, 5],
    ["dense", 255, 257],
    ["conv2d", 32, 1000],
    ["conv2d", 3, 2000],
  ] as const) {
    for (const variant of VARIANTS.filter(accepts)) {
      it(`${op} ${k} → ${n} (${variant})`, async () => {
        const graph = wide(op, k, n);
        const x = Int8Array.from({ length: k }, (_, i) => ((i * 37) % 256) - 128);
        const session = await build(graph, { variant });
        expect(session.run<Numbers>(x).output).toEqual(Int8Array.from(interpretQuantized(graph, { x }).get("y")!));
      });
    }
  }
});

describe("8-bit softmax", () => {
  it("of logits without a scale to speak of is even", async () => {
    for (const scale of [1e-15, 2 ** -26, 2 ** -25, 1e-4]) {
      const graph: Graph = {
        ...{ name: "softmax", constants: new Map(), outputs: ["y"], endPoints: new Map(), source: { format: "test" } },
        inputs: [
          { name: "x", shape: [1, 4], dtype: "int8", quantization: { scales: [scale], zeroPoints: [0], axis: 0 } },
        ],
        nodes: [
          {
            ...{ op: "softmax", name: "y", inputs: ["x"], beta: 1, dtype: "int8" },
            quantization: { scales: [1 / 256], zeroPoints: [-128], axis: 0 },
          },
        ],
      };
      for (const variant of VARIANTS.filter(accepts)) {
        const session = await build(graph, { variant });
        const { output } = session.run<Numbers>(Int8Array.of(-128, -1, 0, 127));
        for (const q of output) expect(Math.abs(q + 64)).toBeLessThanOrEqual(scale === 1e-4 ? 2 : 0);
      }
    }
  });
});
