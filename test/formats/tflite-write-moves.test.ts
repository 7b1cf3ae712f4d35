/**
 * What moves numbers, and what takes each or many for themselves, written to TFLite and read again: the same bits, in
 * floats and in 8 bits.
 */
import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { toTflite } from "../../src/formats/tflite/write.ts";
import type { Constant, Graph, Node, Shape } from "../../src/graph/graph.ts";
import { build, type Numbers } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { keepWritten } from "./builders/written.ts";

const SHAPE = [2, 4, 6, 3];
const meaning = (type: "int8" | "uint8") => ({ scales: [0.125], zeroPoints: [type === "int8" ? -7 : 121], axis: 0 });

type Type = "float32" | "int8" | "uint8";
/** A node but for where it stands. */
type Sketch = Node extends infer N ? (N extends Node ? Omit<N, "name" | "inputs"> : never) : never;

function graphOf(node: Sketch, type: Type, constants: readonly Constant[] = [], x: Shape = SHAPE): Graph {
  const typed = type === "float32" ? { dtype: type } : { dtype: type, quantization: meaning(type) };
  const y = { name: "y", inputs: ["x"], ...(type !== "float32" && node.op !== "argMax" && typed), ...node } as Node;
  return {
    name: "move",
    inputs: [{ name: "x", shape: x, ...typed }],
    constants: new Map(constants.map((constant) => [constant.name, constant])),
    nodes: [y],
    outputs: ["y"],
    endPoints: new Map(),
    source: { format: "test" },
  };
}

function input(type: Type, x: Shape, positive = false): Numbers {
  const { next } = random(`write ${type}`);
  const count = x.reduce((a, b) => a * b);
  if (type === "float32") return Float32Array.from({ length: count }, () => 4 * next() - (positive ? 0 : 2));
  const bytes = Array.from({ length: count }, () => Math.floor(256 * next()));
  return type === "uint8" ? Uint8Array.from(bytes) : Int8Array.from(bytes, (b) => b - 128);
}

async function answer(graph: Graph, x: Numbers): Promise<Numbers> {
  return (await build(graph, { variant: "simd" })).run<Numbers>(x as Float32Array).output;
}

/** What comes back; its outputs have the same bits. */
async function expectSame(graph: Graph, positive = false): Promise<Graph> {
  const { dtype, shape } = graph.inputs[0]!;
  const x = input(dtype as Type, shape, positive);
  const file = await toTflite(graph);
  const back = await fromTflite(file);
  const expected = await answer(graph, x);
  await keepWritten(graph, x, [expected]);
  expect(expected.some((number) => number !== expected[0])).toBe(true);
  expect(await answer(back, x)).toEqual(expected);
  return back;
}

const MOVES: Readonly<Record<string, Sketch>> = {
  transpose: { op: "transpose", permutation: [0, 3, 1, 2] },
  "transpose, batch too": { op: "transpose", permutation: [3, 2, 0, 1] },
  slice: { op: "slice", begin: [0, 1, 2, 0], size: [-1, 2, 3, 3] },
  "slice of steps": { op: "slice", begin: [0, 1, 0, 2], size: [-1, 2, 3, 1], strides: [1, 2, 2, 1] },
  "slice backwards": { op: "slice", begin: [1, 3, 4, 2], size: [2, -1, 2, 2], strides: [-1, -1, -3, -2] },
  tile: { op: "tile", multiples: [1, 2, 1, 3] },
  reflect: { op: "mirrorPad", padding: { top: 1, bottom: 2, left: 0, right: 5 }, mode: "reflect" },
  symmetric: { op: "mirrorPad", padding: { top: 4, bottom: 0, left: 3, right: 1 }, mode: "symmetric" },
  nearest: { op: "resizeNearest", size: [7, 3], alignCorners: false, halfPixelCenters: false },
  "nearest, corners": { op: "resizeNearest", size: [7, 9], alignCorners: true, halfPixelCenters: false },
  "nearest, half pixels": { op: "resizeNearest", size: [3, 11], alignCorners: false, halfPixelCenters: true },
  "a pad of another number": { op: "pad", padding: { top: 1, bottom: 0, left: 2, right: 1 }, value: -1.5 },
  "a pad of channels": { op: "pad", padding: { top: 0, bottom: 0, left: 0, right: 0, front: 1, back: 2 }, value: 2 },
  "where the largest stand": { op: "argMax", axis: 2, keepDims: false, dtype: "int32" },
  "where they stand, axis kept": { op: "argMax", axis: 2, keepDims: true, dtype: "int32" },
};

describe("toTflite of what moves", () => {
  for (const [name, node] of Object.entries(MOVES)) {
    for (const type of ["float32", "int8", "uint8"] as const) {
      it(`writes ${name} in ${type}`, async () => {
        const back = await expectSame(graphOf(node, type));
        expect(back.nodes[0]!.op).toBe(node.op);
      });
    }
  }

  it("writes outputs that are inputs", async () => {
    await expectSame(graphOf({ op: "identity" }, "float32"));
    await expectSame(graphOf({ op: "identity" }, "int8"));
  });

  it("refuses what has no form there, by name", async () => {
    const refusals: readonly [Sketch, Type, RegExp][] = [
      [{ op: "mirrorPad", padding: { top: 1, bottom: 1, left: 1, right: 1 }, mode: "edge" }, "float32", /got edge/],
      [{ op: "argMax", axis: 1, keepDims: false, last: true, dtype: "int32" }, "float32", /first of equal ones/],
      [{ op: "unary", of: "truncate" }, "float32", /expected a function of abs, .* got truncate/],
      [{ op: "unary", of: "abs" }, "int8", /expected float32 for abs, got int8/],
      [{ op: "unary", of: "exp" }, "uint8", /expected float32 or int8 for exp, got uint8/],
    ];
    for (const [node, type, message] of refusals) {
      const written = toTflite(graphOf(node, type));
      await expect(written).rejects.toThrow(UnsupportedError);
      await expect(written).rejects.toThrow(message);
    }
  });
});

describe("toTflite of functions and reductions", () => {
  for (const of of ["abs", "neg", "square", "floor", "ceil", "round", "exp", "tanh"] as const) {
    it(`writes ${of}`, async () => {
      await expectSame(graphOf({ op: "unary", of }, "float32"));
      if (of === "exp" || of === "tanh") await expectSame(graphOf({ op: "unary", of }, "int8"));
      if (of === "tanh") await expectSame(graphOf({ op: "unary", of }, "uint8"));
    });
  }
  for (const of of ["sqrt", "rsqrt", "log", "reciprocal"] as const) {
    it(`writes ${of}`, async () => {
      await expectSame(graphOf({ op: "unary", of }, "float32"), true);
    });
  }
  for (const by of ["sum", "mean", "max", "min", "product"] as const) {
    it(`writes ${by} along any axes`, async () => {
      for (const axes of [[3], [1], [2, 3], [0, 3]]) {
        for (const keepDims of [true, false])
          await expectSame(graphOf({ op: "reduce", by, axes, keepDims }, "float32"));
      }
    });
  }

  it("writes means of images, which are read as pools: the same but for roundings", async () => {
    const graph = graphOf({ op: "reduce", by: "mean", axes: [1, 2], keepDims: true }, "float32");
    const back = await fromTflite(await toTflite(graph));
    expect(back.nodes[0]!.op).toBe("globalAveragePool");
    const x = input("float32", SHAPE);
    const expected = await answer(graph, x);
    // 24 numbers of at most 2: each sum is off by 24 roundings of 48 at the most.
    for (const [i, y] of (await answer(back, x)).entries())
      expect(Math.abs(y - expected[i]!)).toBeLessThan(48 * 2 ** -24);
  });

  it("writes products of two values, and constants that are read like values", async () => {
    const { next } = random("write product");
    const data = Float32Array.from({ length: 2 * 4 * 5 * 3 }, () => next() - 0.5);
    const constant = { name: "c", shape: [2, 4, 5, 3], dtype: "float32", data } as const;
    const graph = graphOf({ op: "identity" }, "float32", [constant]);
    const nodes: Node[] = [
      { op: "constant", name: "row", inputs: [], operand: "c" },
      { op: "concat", name: "joined", inputs: ["row", "x"], axis: 2 },
      { op: "transpose", name: "turned", inputs: ["x"], permutation: [0, 1, 3, 2] },
      { op: "matMul", name: "y", inputs: ["joined", "turned"] },
    ];
    const back = await expectSame({ ...graph, nodes });
    expect(back.nodes.map(({ op }) => op)).toEqual(nodes.map(({ op }) => op));
  });

  it("writes int32 as floats", async () => {
    const graph = graphOf({ op: "argMax", axis: 3, keepDims: false, dtype: "int32" }, "float32");
    const cast: Node = { op: "cast", name: "z", inputs: ["y"] };
    await expectSame({ ...graph, nodes: [...graph.nodes, cast], outputs: ["z"] });
  });
});

describe("toTflite of transposed convolutions", () => {
  const SIDES = { top: 1, bottom: 0, left: 0, right: 1 };
  const forms: Readonly<Record<string, Partial<Extract<Sketch, { op: "transposedConv2d" }>>>> = {
    same: { padding: "same", size: [8, 12] },
    valid: { padding: "valid", size: [9, 13] },
    "a clamp": { padding: "same", size: [7, 11], clamp: { lo: 0, hi: Number.POSITIVE_INFINITY } },
    "sides that cut": { padding: SIDES, size: [8, 12], clamp: { lo: 0, hi: 6 } },
    "sides that are as valid": { padding: { top: 0, bottom: 0, left: 0, right: 0 }, size: [9, 13] },
  };
  const weights = (type: Type): Constant[] => {
    const { next } = random("write transposed");
    const shape = [3, 3, 3, 5];
    const floats = Float32Array.from({ length: 135 }, () => next() - 0.5);
    const bias = Float32Array.from({ length: 5 }, () => next() - 0.5);
    if (type === "float32") {
      return [
        { name: "w", shape, dtype: "float32", data: floats },
        { name: "b", shape: [5], dtype: "float32", data: bias },
      ];
    }
    const scales = type === "int8" ? [0.01, 0.02, 0.005, 0.01, 0.03] : [0.01];
    const quantization = {
      scales,
      zeroPoints: scales.map(() => (type === "int8" ? 0 : 120)),
      axis: type === "int8" ? 3 : 0,
    };
    const bytes = Array.from(floats, (x) => Math.round(250 * x));
    const data = type === "int8" ? Int8Array.from(bytes) : Uint8Array.from(bytes, (b) => b + 128);
    return [
      { name: "w", shape, dtype: type, quantization, data },
      { name: "b", shape: [5], dtype: "int32", data: Int32Array.from(bias, (x) => Math.round(500 * x)) },
    ];
  };
  for (const [name, form] of Object.entries(forms)) {
    for (const type of ["float32", "int8", "uint8"] as const) {
      it(`writes ${name} in ${type}, with a bias and without`, async () => {
        for (const bias of [{ bias: "b" }, {}]) {
          const node = { op: "transposedConv2d", weights: "w", ...bias, strides: [2, 2], ...form } as Sketch;
          const used = weights(type).filter((constant) => constant.name === "w" || "bias" in bias);
          await expectSame(graphOf(node, type, used));
        }
      });
    }
  }

  it("refuses sides that add what is not there", async () => {
    const padding = { top: 1, bottom: 0, left: 0, right: 0 };
    const node = { op: "transposedConv2d", weights: "w", strides: [2, 2], padding, size: [9, 13] } as const;
    const written = toTflite(graphOf(node, "float32", weights("float32").slice(0, 1)));
    await expect(written).rejects.toThrow(
      /node y: expected a part of \[9, 13\], got \[9, 13\] from row 1 and column 0 on/,
    );
  });
});
