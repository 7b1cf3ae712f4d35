/** Ops that move, spread, reduce and map numbers: as graphs, against the references, in floats and in 8 bits. */
import { describe, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { UnsupportedError } from "../../src/errors.ts";
import type { Graph, Node, Quantization, Shape } from "../../src/graph/graph.ts";
import { prepared } from "../../src/graph/passes/index.ts";
import { sizeOf } from "../../src/graph/references.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { validate } from "../../src/graph/validate.ts";
import { random } from "../cases/random.ts";
import { interpret } from "../reference/interpreter.ts";
import { interpretQuantized } from "../reference/quantized.ts";
import { graphOf } from "./build.ts";

const on = { name: "y", inputs: ["x"] };
const POINTS = { alignCorners: false, halfPixelCenters: false };
const SIDES = { top: 1, bottom: 2, left: 3, right: 0 };

/** Nodes that move numbers, and the shapes that they come to. */
const MOVES: readonly [name: string, x: Shape, node: Node, y: Shape][] = [
  ["channels first", [2, 3, 4, 5], { ...on, op: "transpose", permutation: [0, 3, 1, 2] }, [2, 5, 3, 4]],
  ["all axes", [2, 3, 4, 5, 6], { ...on, op: "transpose", permutation: [4, 3, 2, 1, 0] }, [6, 5, 4, 3, 2]],
  ["axes of size 1", [1, 7, 1, 5], { ...on, op: "transpose", permutation: [2, 1, 0, 3] }, [1, 7, 1, 5]],
  ["a part", [2, 5, 6, 3], { ...on, op: "slice", begin: [0, 1, 2, 1], size: [-1, 3, -1, 2] }, [2, 3, 4, 2]],
  [
    "every other one, backwards",
    [2, 5, 6, 3],
    { ...on, op: "slice", begin: [0, 4, 1, 2], size: [-1, -1, 2, -1], strides: [1, -2, 3, -1] },
    [2, 3, 2, 3],
  ],
  ["one number", [2, 5], { ...on, op: "slice", begin: [1, 3], size: [1, 1] }, [1, 1]],
  ["tiles", [2, 3, 4], { ...on, op: "tile", multiples: [2, 1, 3] }, [4, 3, 12]],
  ["tiles of pixels", [1, 2, 2, 3], { ...on, op: "tile", multiples: [1, 3, 2, 1] }, [1, 6, 4, 3]],
  ["nearest, larger", [2, 3, 4, 5], { ...on, op: "resizeNearest", size: [6, 9], ...POINTS }, [2, 6, 9, 5]],
  ["nearest, smaller", [1, 7, 5, 3], { ...on, op: "resizeNearest", size: [3, 2], ...POINTS }, [1, 3, 2, 3]],
  [
    "nearest, corners",
    [1, 3, 4, 2],
    { ...on, op: "resizeNearest", size: [7, 6], ...POINTS, alignCorners: true },
    [1, 7, 6, 2],
  ],
  [
    "nearest, centers",
    [1, 5, 4, 2],
    { ...on, op: "resizeNearest", size: [7, 3], ...POINTS, halfPixelCenters: true },
    [1, 7, 3, 2],
  ],
  ["reflected", [2, 3, 4, 5], { ...on, op: "mirrorPad", padding: SIDES, mode: "reflect" }, [2, 6, 7, 5]],
  [
    "edges",
    [1, 2, 3, 2],
    { ...on, op: "mirrorPad", padding: { top: 3, bottom: 4, left: 0, right: 5 }, mode: "edge" },
    [1, 9, 8, 2],
  ],
  ["symmetric", [1, 2, 3, 1], { ...on, op: "mirrorPad", padding: SIDES, mode: "symmetric" }, [1, 5, 6, 1]],
];

/** Nodes that compute. */
const SUMS: typeof MOVES = [
  ["a mean over channels", [2, 3, 4, 5], { ...on, op: "reduce", by: "mean", axes: [3], keepDims: true }, [2, 3, 4, 1]],
  [
    "a sum over two axes apart",
    [2, 3, 4, 5],
    { ...on, op: "reduce", by: "sum", axes: [1, 3], keepDims: false },
    [2, 4],
  ],
  [
    "a sum over the outer axes",
    [2, 3, 4, 5],
    { ...on, op: "reduce", by: "sum", axes: [2, 0], keepDims: false },
    [3, 5],
  ],
  ["a maximum over images", [2, 3, 4, 5], { ...on, op: "reduce", by: "max", axes: [1, 2], keepDims: false }, [2, 5]],
  ["a minimum over all", [2, 3, 4], { ...on, op: "reduce", by: "min", axes: [0, 1, 2], keepDims: false }, []],
  ["a product", [2, 3, 4], { ...on, op: "reduce", by: "product", axes: [2], keepDims: false }, [2, 3]],
  ["no axis", [2, 3], { ...on, op: "reduce", by: "mean", axes: [], keepDims: false }, [2, 3]],
  ...(["abs", "neg", "square", "exp", "tanh", "floor", "ceil", "round", "truncate"] as const).map(
    (of) => [of, [2, 3, 5], { ...on, op: "unary", of }, [2, 3, 5]] as (typeof MOVES)[number],
  ),
];

/** Numbers between −2 and 2. */
const input = (x: Shape) => random(`moving ${x}`).floats(sizeOf(x), 2);

async function expectReference(graph: Graph, y: Shape): Promise<void> {
  validate(graph);
  expect(inferShapes(graph).get(graph.outputs[0]!)).toEqual(y);
  const x = input(graph.inputs[0]!.shape);
  const { values, bound } = interpret(graph, { x }).get(graph.outputs[0]!)!;
  for (const variant of VARIANTS.filter(accepts)) {
    const session = await build(graph, { variant });
    const { output } = session.run(x);
    expect(output).toHaveLength(values.length);
    const off = output.findIndex((got, i) => !(Math.abs(got - values[i]!) <= bound[i]!));
    expect(off, variant).toBe(-1);
    session.dispose();
  }
}

/** One convolution of every geometry that there may be: strides to 3, kernels to 5, three paddings. */
const SPREADS: [string, Extract<Node, { op: "transposedConv2d" }>, Shape][] = [1, 2, 3].flatMap((stride) =>
  [1, 2, 3, 4, 5].flatMap((kernel) =>
    (["same", "valid", "sides"] as const).flatMap((how) =>
      [0, 1].map((more): [string, Extract<Node, { op: "transposedConv2d" }>, Shape] => {
        const [h, w] = [3, 4];
        const by = Math.min(1, kernel - 1);
        const padding = how === "sides" ? { top: by, bottom: 0, left: 0, right: by } : how;
        const rest = Math.min(more, stride - 1);
        const size = (n: number) => {
          if (how === "same") return n * stride - rest;
          return (n - 1) * stride + kernel + rest - (how === "sides" ? by : 0);
        };
        const node = { ...on, op: "transposedConv2d", weights: "w", bias: "b" } as const;
        return [
          `stride ${stride}, kernel ${kernel}, ${how}, ${more}`,
          { ...node, strides: [stride, stride], padding, size: [size(h), size(w)] },
          [kernel, kernel, 2, 3],
        ];
      }),
    ),
  ),
);

describe("ops that move numbers, and that make one of many", () => {
  it.each([...MOVES, ...SUMS])("%s", async (_, x, node, y) => {
    await expectReference(graphOf({ x, nodes: [node] }), y);
  });

  it("roots, of what is above 0", async () => {
    for (const of of ["sqrt", "rsqrt", "reciprocal", "log"] as const) {
      const nodes: Node[] = [
        { op: "unary", name: "above", inputs: ["x"], of: "exp" },
        { op: "unary", name: "y", inputs: ["above"], of },
      ];
      await expectReference(graphOf({ x: [3, 7], nodes }), [3, 7]);
    }
  });

  it("a batch of another size", async () => {
    const nodes: Node[] = [
      { op: "slice", name: "part", inputs: ["x"], begin: [0, 1, 0, 0], size: [-1, 2, -1, -1] },
      {
        op: "transposedConv2d",
        name: "up",
        inputs: ["part"],
        weights: "w",
        strides: [2, 2],
        padding: "same",
        size: [4, 8],
      },
      { op: "transpose", name: "y", inputs: ["up"], permutation: [0, 3, 1, 2] },
    ];
    const graph = graphOf({ x: [1, 3, 4, 2], constants: { w: [3, 3, 2, 5] }, nodes });
    const x = input([3, 3, 4, 2]);
    const session = await build(graph, { batch: 3 });
    const single = await build(graph);
    const size = x.length / 3;
    const each = [0, 1, 2].flatMap((i) => [...single.run(x.slice(i * size, (i + 1) * size)).output]);
    expect([...session.run(x).output]).toEqual(each);
  });

  it("parts at places that are found by the run, with a constant beside them", async () => {
    const nodes: Node[] = [
      { op: "reshape", name: "pixels", inputs: ["x"], shape: [12, 5] },
      { op: "argMax", name: "where", inputs: ["pixels"], axis: 0, keepDims: true, dtype: "int32" },
      { op: "cast", name: "place", inputs: ["where"] },
      { op: "reshape", name: "column", inputs: ["place"], shape: [5, 1] },
      { op: "constant", name: "image", inputs: [], operand: "noughts" },
      { op: "concat", name: "places", inputs: ["image", "column"], axis: 1 },
      { op: "reshape", name: "flat", inputs: ["x"], shape: [1, 12, 5] },
      { op: "gatherNd", name: "y", inputs: ["flat", "places"] },
    ];
    const noughts = { name: "noughts", shape: [5, 1], dtype: "float32", data: new Float32Array(5) } as const;
    const graph = { ...graphOf({ x: [1, 3, 4, 5], nodes }), constants: new Map([["noughts", noughts]]) };
    await expectReference(graph, [5, 5]);
    const off = nodes.map((node) => (node.op === "constant" ? { ...node, operand: "ones" } : node));
    const ones = { ...noughts, name: "ones", data: new Float32Array(5).fill(1) };
    const beside = { ...graphOf({ x: [1, 3, 4, 5], nodes: off }), constants: new Map([["ones", ones]]) };
    const session = await build(beside, { endPoints: ["image"] });
    const { output, endPoints } = session.run(input([1, 3, 4, 5]));
    expect([...output]).toEqual(new Array(25).fill(0));
    expect([...endPoints.image!]).toEqual([1, 1, 1, 1, 1]);
  });

  it("places of more axes than there are", () => {
    const nodes: Node[] = [
      { op: "constant", name: "places", inputs: [], operand: "c" },
      { op: "gatherNd", name: "y", inputs: ["x", "places"] },
    ];
    const graph = graphOf({ x: [3, 4], constants: { c: [2, 3] }, nodes });
    expect(() => inferShapes(graph)).toThrow(/node "y" \(gatherNd\): expected places of 1 to 2 axes of \[3, 4\]/);
  });

  it("more axes than a kernel moves", async () => {
    const node: Node = { ...on, op: "transpose", permutation: [5, 4, 3, 2, 1, 0] };
    const graph = graphOf({ x: [2, 2, 2, 2, 2, 2], nodes: [node] });
    await expect(build(graph)).rejects.toThrow(UnsupportedError);
    const three: Node = { ...on, op: "reduce", by: "sum", axes: [1, 3, 5], keepDims: false };
    const sums = graphOf({ x: [2, 2, 2, 2, 2, 2], nodes: [three] });
    await expect(build(sums)).rejects.toThrow(/node y \(reduce\): expected axes in at most two groups/);
  });
});

describe("transposed convolutions", () => {
  it.each(SPREADS)("%s", async (_, node, w) => {
    const graph = graphOf({ x: [2, 3, 4, 2], constants: { w, b: [3] }, nodes: [node] });
    const after = prepared(graph, "kernels");
    expect(after.nodes.map(({ op }) => op)).not.toContain("transposedConv2d");
    await expectReference(graph, [2, ...node.size, 3]);
  });

  it("take a batch norm and bounds behind them in", async () => {
    const nodes: Node[] = [
      {
        op: "transposedConv2d",
        name: "up",
        inputs: ["x"],
        weights: "w",
        strides: [2, 2],
        padding: "same",
        size: [6, 8],
      },
      { op: "batchNorm", name: "norm", inputs: ["up"], mean: "mean", variance: "variance", epsilon: 0.1 },
      { op: "clamp", name: "y", inputs: ["norm"], lo: 0, hi: 1 },
    ];
    const constants = { w: [2, 2, 2, 3], mean: [3], variance: [3] };
    const graph = graphOf({ x: [1, 3, 4, 2], constants, nodes });
    const after = prepared(graph, "kernels");
    expect(after.nodes.map(({ op }) => op)).toEqual(["conv2d", "reshape", "transpose", "reshape"]);
    await expectReference(graph, [1, 6, 8, 3]);
    const blank = prepared(graphOf({ x: [1, 3, 4, 2], constants, nodes, blank: true }), "kernels");
    expect(blank.nodes).toEqual(after.nodes);
  });

  it("are refused where no convolution makes the input of the size", () => {
    const node: Node = {
      ...{ ...on, op: "transposedConv2d", weights: "w", strides: [2, 2] },
      ...{ padding: "same", size: [9, 8] },
    };
    const graph = graphOf({ x: [1, 3, 4, 2], constants: { w: [2, 2, 2, 3] }, nodes: [node] });
    expect(() => inferShapes(graph)).toThrow(/expected a size that a window \[2, 2\] makes \[3, 4\] of, got \[9, 8\]/);
  });
});

describe("in 8 bits", () => {
  const types = ["int8", "uint8"] as const;
  const meaning = (zero: number, scale: number): Quantization => ({ scales: [scale], zeroPoints: [zero], axis: 0 });
  const bytes = (x: Shape, type: (typeof types)[number]) => {
    const drawn = random(`bytes ${x}`).bytes(sizeOf(x));
    return type === "int8" ? drawn : Uint8Array.from(drawn, (q) => q + 128);
  };

  async function expectBits(graph: Graph, type: (typeof types)[number]): Promise<void> {
    validate(graph);
    const x = bytes(graph.inputs[0]!.shape, type);
    const expected = interpretQuantized(graph, { x }).get("y")!;
    for (const variant of VARIANTS.filter(accepts)) {
      const session = await build(graph, { variant });
      expect([...session.run<Int8Array>(x as Int8Array).output], variant).toEqual(Array.from(expected));
      session.dispose();
    }
  }

  for (const type of types) {
    const quantization = meaning(type === "int8" ? -7 : 121, 0.05);
    const typed = (graph: Graph): Graph => ({
      ...graph,
      inputs: graph.inputs.map((value) => ({ ...value, dtype: type, quantization })),
    });

    it.each(MOVES)(`%s, ${type}`, async (_, x, node) => {
      await expectBits(typed(graphOf({ x, nodes: [{ ...node, dtype: type, quantization }] })), type);
    });

    it.each(["abs", "neg", "square", "exp", "tanh", "floor", "round"] as const)(`%s, ${type}`, async (of) => {
      const to = meaning(type === "int8" ? 3 : 131, 0.02);
      const node: Node = { ...on, op: "unary", of, dtype: type, quantization: to };
      await expectBits(typed(graphOf({ x: [4, 64], nodes: [node] })), type);
    });

    it.each(SPREADS.filter((_, i) => i % 5 === 0))(`%s, ${type}`, async (_, node, w) => {
      const to = meaning(type === "int8" ? 5 : 133, 0.4);
      const graph = typed(graphOf({ x: [2, 3, 4, 2], nodes: [{ ...node, dtype: type, quantization: to }] }));
      const weights = {
        ...{ name: "w", shape: w, dtype: type, data: bytes(w, type) },
        quantization:
          type === "int8" ? { scales: [0.01, 0.02, 0.03], zeroPoints: [0, 0, 0], axis: 3 } : meaning(120, 0.02),
      };
      const bias = { name: "b", shape: [3], dtype: "int32", data: Int32Array.of(100, -2000, 30) } as const;
      const constants = new Map<string, Graph["constants"] extends ReadonlyMap<string, infer T> ? T : never>([
        ["w", weights],
        ["b", bias],
      ]);
      await expectBits({ ...graph, constants }, type);
    });
  }
});
