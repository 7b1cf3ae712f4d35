import { describe, expect, it } from "vitest";
import type { Conv2d, Graph, Node, Pool, Shape } from "../../src/graph/graph.ts";
import {
  dropIdentities,
  foldBatchNorm,
  foldPad,
  fuseActivation,
  fuseSeparable,
  prune,
} from "../../src/graph/passes/index.ts";
import { evaluated, expectSame, graphOf, names, ops, PLAIN } from "./build.ts";

const INFINITY = Number.POSITIVE_INFINITY;
const NONE: ReadonlySet<string> = new Set();
const node = <T extends Node>(graph: Graph, name: string) => graph.nodes.find((n) => n.name === name) as T;

const conv = (inputs: readonly string[], fields: Partial<Conv2d> = {}): Conv2d => ({
  ...{ op: "conv2d", name: "conv", inputs, weights: "w", ...PLAIN },
  ...fields,
});
const relu = (input: string, name = "relu"): Node => ({ op: "clamp", name, inputs: [input], lo: 0, hi: INFINITY });
const norm = (input: string, name = "bn"): Node => ({
  ...{ op: "batchNorm", name, inputs: [input], epsilon: 0.001 },
  ...{ gamma: "gamma", beta: "beta", mean: "mean", variance: "variance" },
});
const statistics = (c: number) => ({ gamma: [c], beta: [c], mean: [c], variance: [c] });
const identity = (input: string, name = "same"): Node => ({ op: "identity", name, inputs: [input] });

describe("prune", () => {
  it("removes what leads nowhere, with its constants, but not what is kept", () => {
    const graph = graphOf({
      x: [1, 3, 3, 2],
      constants: { w: [1, 1, 2, 2], v: [1, 1, 2, 2] },
      nodes: [relu("x"), conv(["relu"]), conv(["conv"], { name: "dead", weights: "v" })],
      outputs: ["relu"],
    });
    expect([names(prune(graph, NONE)), [...prune(graph, NONE).constants.keys()]]).toEqual([["relu"], []]);
    expect(names(prune(graph, new Set(["conv"])))).toEqual(["relu", "conv"]);
    expect(names(prune({ ...graph, endPoints: new Map([["e", "conv"]]) }, NONE))).toEqual(["relu"]);
    expect(prune({ ...graph, endPoints: new Map([["e", "conv"]]) }, NONE).endPoints.size).toBe(0);
  });
});

describe("dropIdentities", () => {
  const x: Shape = [2, 3];
  const nothing = { top: 0, bottom: 0, left: 0, right: 0 };
  it("lets readers read what an identity reads", () => {
    const graph = graphOf({ x, nodes: [relu("x"), identity("relu"), identity("same", "again"), relu("again", "y")] });
    const after = dropIdentities(graph, NONE);
    expect(after.nodes).toEqual([relu("x"), relu("relu", "y")]);
    expectSame(graph, after);
  });

  it("gives a name that must survive to the node before", () => {
    const graph = graphOf({
      ...{
        x,
        nodes: [relu("x"), identity("relu"), { op: "sigmoid", name: "side", inputs: ["relu"] }, identity("same", "y")],
      },
      outputs: ["side", "y"],
    });
    const after = dropIdentities({ ...graph, endPoints: new Map([["e", "same"]]) }, NONE);
    expect(names(after)).toEqual(["y", "side"]);
    expect([...after.endPoints]).toEqual([["e", "y"]]);
    expectSame(graph, after);
  });

  it("stays where both names must survive, or the input is the graph's own", () => {
    const both = graphOf({ x, nodes: [relu("x"), identity("relu", "y")] });
    expect(names(dropIdentities(both, new Set(["relu"])))).toEqual(["relu", "y"]);
    const own = graphOf({ x, nodes: [identity("x", "y")] });
    expect(names(dropIdentities(own, NONE))).toEqual(["y"]);
  });

  it("knows reshapes to the same shape, clamps without bounds and pads of nothing", () => {
    const nodes: Node[] = [
      { op: "reshape", name: "a", inputs: ["x"], shape: [-1, 3] },
      { op: "clamp", name: "b", inputs: ["a"], lo: -INFINITY, hi: INFINITY },
      { op: "reshape", name: "c", inputs: ["b"], shape: [3, 2] },
      relu("c"),
    ];
    const after = dropIdentities(graphOf({ x, nodes }), NONE);
    expect(names(after)).toEqual(["c", "relu"]);
    expect(node(after, "c").inputs).toEqual(["x"]);
    const pad: Node = { op: "pad", name: "p", inputs: ["x"], padding: nothing, value: 1 };
    expect(names(dropIdentities(graphOf({ x: [1, 2, 2, 1], nodes: [pad, relu("p")] }), NONE))).toEqual(["relu"]);
  });
});

describe("foldBatchNorm", () => {
  const x: Shape = [1, 4, 5, 2];
  const layers: [string, Node, Record<string, Shape>, number][] = [
    ["conv2d", conv(["x"]), { w: [3, 3, 2, 3] }, 3],
    ["conv2d with bias", conv(["x"], { bias: "b" }), { w: [3, 2, 2, 3], b: [3] }, 3],
    ["depthwiseConv2d", { ...conv(["x"]), op: "depthwiseConv2d" }, { w: [3, 3, 2, 3] }, 6],
    ["dense", { op: "dense", name: "conv", inputs: ["x"], weights: "w", bias: "b" }, { w: [2, 3], b: [3] }, 3],
    ["scaleShift", { op: "scaleShift", name: "conv", inputs: ["x"], scale: "w", shift: "b" }, { w: [2], b: [2] }, 2],
  ];
  for (const [name, layer, constants, channels] of layers) {
    it(`folds into ${name}`, () => {
      const graph = graphOf({ x, constants: { ...constants, ...statistics(channels) }, nodes: [layer, norm("conv")] });
      const after = foldBatchNorm(graph, NONE);
      expect([ops(after), names(after)]).toEqual([[layer.op], ["bn"]]);
      expectSame(graph, after);
    });
  }

  it("does without gamma and beta", () => {
    const bare: Node = {
      op: "batchNorm",
      name: "bn",
      inputs: ["conv"],
      mean: "mean",
      variance: "variance",
      epsilon: 1e-5,
    };
    const graph = graphOf({ x, constants: { w: [1, 1, 2, 3], mean: [3], variance: [3] }, nodes: [conv(["x"]), bare] });
    expect(ops(foldBatchNorm(graph, NONE))).toEqual(["conv2d"]);
    expectSame(graph, foldBatchNorm(graph, NONE));
  });

  it("folds several in a row, and a scale-shift with its bounds", () => {
    const clamp = { lo: -0.1, hi: 0.2 };
    const shift: Node = { op: "scaleShift", name: "y", inputs: ["bn"], scale: "beta", shift: "gamma", clamp };
    const graph = graphOf({
      x,
      constants: { w: [1, 1, 2, 3], ...statistics(3) },
      nodes: [conv(["x"]), norm("conv"), shift],
    });
    const after = foldBatchNorm(graph, NONE);
    expect(after.nodes).toMatchObject([{ op: "conv2d", name: "y", clamp }]);
    expectSame(graph, after);
  });

  const stays: [string, Node[], Record<string, Shape>, string[], string[]][] = [
    [
      "before a convolution",
      [norm("x"), conv(["bn"])],
      { w: [1, 1, 2, 3], ...statistics(2) },
      [],
      ["scaleShift", "conv2d"],
    ],
    [
      "behind a clamp",
      [conv(["x"], { clamp: { lo: 0, hi: 6 } }), norm("conv")],
      { w: [1, 1, 2, 3], ...statistics(3) },
      [],
      ["conv2d", "scaleShift"],
    ],
    [
      "behind a kept layer",
      [conv(["x"]), norm("conv")],
      { w: [1, 1, 2, 3], ...statistics(3) },
      ["conv"],
      ["conv2d", "scaleShift"],
    ],
    [
      "behind a layer that others read",
      [conv(["x"]), norm("conv"), { op: "add", name: "y", inputs: ["conv", "bn"] }],
      { w: [1, 1, 2, 3], ...statistics(3) },
      [],
      ["conv2d", "scaleShift", "add"],
    ],
    [
      "behind a pad, which its shift would reach",
      [
        conv(["x"]),
        { op: "pad", name: "p", inputs: ["conv"], padding: { top: 1, bottom: 0, left: 0, right: 1 }, value: 0 },
        norm("p"),
      ],
      { w: [1, 1, 2, 3], ...statistics(3) },
      [],
      ["conv2d", "pad", "scaleShift"],
    ],
  ];
  for (const [name, nodes, constants, keep, expected] of stays) {
    it(`becomes a scale-shift ${name}`, () => {
      const graph = graphOf({ x, constants, nodes });
      const after = foldBatchNorm(graph, new Set(keep));
      expect(ops(after)).toEqual(expected);
      expectSame(graph, after, new Set(keep));
    });
  }

  it("writes new constants, for others may read the old ones, under names that are free", () => {
    const nodes = [
      conv(["x"]),
      norm("conv"),
      conv(["x"], { name: "other" }),
      { op: "add", name: "y", inputs: ["bn", "other"] },
    ] as Node[];
    const graph = graphOf({ x, constants: { w: [1, 1, 2, 3], "bn/weights": [1], ...statistics(3) }, nodes });
    const after = foldBatchNorm(graph, NONE);
    expect([node<Conv2d>(after, "bn").weights, node<Conv2d>(after, "other").weights]).toEqual(["bn/weights_1", "w"]);
    expectSame(graph, after);
  });

  it("multiplies in f64 and rounds once", () => {
    const graph = graphOf({ x, constants: { w: [1, 1, 2, 3], ...statistics(3) }, nodes: [conv(["x"]), norm("conv")] });
    const after = foldBatchNorm(graph, NONE);
    const at = (name: string, c: number) => graph.constants.get(name)?.data?.[c] as number;
    const scale = (c: number) => at("gamma", c) / Math.sqrt(at("variance", c) + 0.001);
    const expected = [0, 1, 2, 3, 4, 5].map((i) => Math.fround(at("w", i) * scale(i % 3)));
    expect([...(after.constants.get("bn/weights")?.data ?? [])]).toEqual(expected);
    const bias = [0, 1, 2].map((c) => Math.fround(at("beta", c) - at("mean", c) * scale(c)));
    expect([...(after.constants.get("bn/bias")?.data ?? [])]).toEqual(bias);
  });
});

describe("fuseActivation", () => {
  const x: Shape = [1, 4, 4, 3];
  const pool: Pool = { op: "maxPool", name: "l", inputs: ["x"], size: [2, 2], strides: [2, 2], padding: "same" };
  const window = { inputs: ["x"], weights: "w", ...PLAIN } as const;
  const layers: Node[] = [
    { op: "conv2d", name: "l", ...window },
    { op: "depthwiseConv2d", name: "l", ...window },
    { op: "dense", name: "l", inputs: ["x"], weights: "d" },
    { op: "scaleShift", name: "l", inputs: ["x"], scale: "s", shift: "s" },
    { op: "add", name: "l", inputs: ["x", "x"] },
    pool,
    { ...pool, op: "averagePool" },
  ];
  for (const layer of layers) {
    it(`gives ${layer.op} its bounds`, () => {
      const graph = graphOf({ x, constants: { w: [1, 1, 3, 3], d: [3, 3], s: [3] }, nodes: [layer, relu("l")] });
      const after = fuseActivation(graph, NONE);
      expect(after.nodes).toMatchObject([{ op: layer.op, name: "relu", clamp: { lo: 0, hi: INFINITY } }]);
      expectSame(graph, after);
    });
  }

  const bounds = [
    { first: [0, INFINITY], second: [-INFINITY, 6], both: [0, 6] },
    { first: [-1, 0.5], second: [0, 6], both: [0, 0.5] },
    { first: [-1, 0], second: [2, 6], both: [2, 2] },
    { first: [0.25, 6], second: [-2, 0.125], both: [0.125, 0.125] },
  ] as const;
  for (const { first, second, both } of bounds) {
    it(`joins bounds ${first} and then ${second}`, () => {
      const nodes: Node[] = [first, second].map(([lo, hi], i) => ({
        op: "clamp",
        name: `c${i}`,
        inputs: [i ? "c0" : "x"],
        lo,
        hi,
      }));
      const graph = graphOf({ x, nodes });
      const after = fuseActivation(graph, NONE);
      expect(after.nodes).toEqual([{ op: "clamp", name: "c1", inputs: ["x"], lo: both[0], hi: both[1] }]);
      expectSame(graph, after);
    });
  }

  it("leaves a layer whose own value is wanted", () => {
    const constants = { w: [3, 3, 3, 3] };
    const graph = graphOf({ x, constants, nodes: [conv(["x"]), relu("conv")] });
    expect(ops(fuseActivation(graph, new Set(["conv"])))).toEqual(["conv2d", "clamp"]);
    expect(ops(fuseActivation({ ...graph, outputs: ["conv", "relu"] }, NONE))).toEqual(["conv2d", "clamp"]);
    const read = graphOf({
      x,
      constants,
      nodes: [conv(["x"]), relu("conv"), { op: "add", name: "y", inputs: ["conv", "relu"] }],
    });
    expect(ops(fuseActivation(read, NONE))).toEqual(["conv2d", "clamp", "add"]);
  });
});

describe("foldPad", () => {
  const NO_SIDES = { top: 0, bottom: 0, left: 0, right: 0 };
  const x: Shape = [1, 6, 5, 2];
  const constants = { w: [3, 3, 2, 2] };
  const pad = (input: string, value = 0): Node => ({
    ...{ op: "pad", name: "pad", inputs: [input], value },
    padding: { top: 0, bottom: 1, left: 2, right: 1 },
  });
  const folded = (graph: Graph) => prune(foldPad(graph), NONE);

  it("becomes a convolution's own padding, on top of what it has", () => {
    for (const op of ["conv2d", "depthwiseConv2d"] as const) {
      const cases = [
        ["valid", { top: 0, bottom: 1, left: 2, right: 1 }],
        ["same", { top: 1, bottom: 2, left: 2, right: 2 }],
        [
          { top: 1, bottom: 0, left: 0, right: 3 },
          { top: 1, bottom: 1, left: 2, right: 4 },
        ],
      ] as const;
      for (const [padding, expected] of cases) {
        const last: Node = { ...conv(["pad"], { padding, strides: [2, 3] }), op };
        const graph = graphOf({ x, constants, nodes: [pad("x"), last] });
        const after = folded(graph);
        expect(after.nodes).toMatchObject([{ op, inputs: ["x"], padding: expected }]);
        expectSame(graph, after);
      }
    }
  });

  it("folds pads in a row", () => {
    const again: Node = { ...pad("pad"), name: "again" };
    const graph = graphOf({ x, constants, nodes: [pad("x"), again, conv(["again"], { padding: "valid" })] });
    const after = folded(graph);
    expect(after.nodes).toMatchObject([{ inputs: ["x"], padding: { top: 0, bottom: 2, left: 4, right: 2 } }]);
    expectSame(graph, after);
  });

  it("stays for others that read it, or want it", () => {
    const nodes: Node[] = [pad("x"), conv(["pad"]), { op: "add", name: "y", inputs: ["pad", "conv"] }];
    const graph = graphOf({ x, constants, nodes });
    expect(names(folded(graph))).toEqual(["pad", "conv", "y"]);
    expect(node(folded(graph), "conv").inputs).toEqual(["x"]);
    expectSame(graph, folded(graph));
  });

  it("stays when it is not zero", () => {
    const graph = graphOf({ x, constants, nodes: [pad("x", 1), conv(["pad"])] });
    expect(ops(folded(graph))).toEqual(["pad", "conv2d"]);
  });

  it("stays when it pads channels, which no window counts", () => {
    const deep: Node = { op: "pad", name: "pad", inputs: ["x"], value: 0, padding: { ...NO_SIDES, top: 1, back: 1 } };
    const pool: Pool = { op: "maxPool", name: "y", inputs: ["pad"], size: [2, 2], strides: [1, 1], padding: "valid" };
    const nodes: Node[] = [conv(["pad"]), { ...conv(["pad"]), op: "depthwiseConv2d" }, pool];
    for (const last of nodes) {
      const relued: Node[] = [relu("x"), { ...deep, inputs: ["relu"] }, last];
      const graph = graphOf({ x, constants: { w: [3, 3, 3, 2] }, nodes: relued });
      expect(ops(folded(graph))).toEqual(["clamp", "pad", last.op]);
    }
  });

  it("goes into a maximum only if no pixel can be below it, and never into a mean", () => {
    const pool: Pool = { op: "maxPool", name: "y", inputs: ["pad"], size: [3, 3], strides: [2, 2], padding: "valid" };
    const cases: [string, Node[], boolean][] = [
      ["zeros behind ReLU", [relu("x"), pad("relu"), pool], true],
      ["zeros behind a sigmoid", [{ op: "sigmoid", name: "s", inputs: ["x"] }, pad("s"), pool], true],
      ["zeros behind anything", [pad("x"), pool], false],
      ["minus infinity", [pad("x", -INFINITY), pool], true],
      ["a window that sees nothing else", [relu("x"), pad("relu"), { ...pool, size: [3, 2], strides: [2, 1] }], false],
      ["a mean", [relu("x"), pad("relu"), { ...pool, op: "averagePool" }], false],
    ];
    for (const [name, nodes, goes] of cases) {
      const graph = graphOf({ x, nodes });
      expect(ops(folded(graph)).includes("pad"), name).toBe(!goes);
      // The interpreter's bounds have no meaning for an infinite pixel.
      if (name !== "minus infinity") expectSame(graph, folded(graph));
      else expect(evaluated(folded(graph)).get("y")?.values).toEqual(evaluated(graph).get("y")?.values);
    }
  });
});

describe("fuseSeparable", () => {
  const x: Shape = [2, 6, 5, 2];
  const constants = { w: [3, 3, 2, 2], b: [4], v: [1, 1, 4, 3], wide: [3, 3, 4, 3] };
  const clamp = { lo: 0, hi: 6 };
  const depthwise: Node = { ...conv(["x"], { name: "dw", strides: [2, 2], bias: "b", clamp }), op: "depthwiseConv2d" };
  const pointwise = conv(["dw"], { name: "pw", weights: "v", padding: "same", dilations: [2, 2] });

  it("makes one step of two, under the second's name", () => {
    const graph = graphOf({ x, constants, nodes: [depthwise, pointwise] });
    const after = fuseSeparable(graph, NONE);
    const { strides, dilations, padding } = { ...PLAIN, strides: [2, 2] };
    expect(after.nodes).toEqual([
      {
        ...{ op: "separable", name: "pw", inputs: ["x"] },
        depthwise: { strides, dilations, padding, weights: "w", bias: "b", clamp },
        pointwise: { weights: "v" },
      },
    ]);
    expectSame(graph, after);
  });

  const apart: [string, Node[], string[]][] = [
    ["the intermediate is kept", [depthwise, pointwise], ["dw"]],
    [
      "others read the intermediate",
      [depthwise, pointwise, relu("dw"), { op: "concat", name: "y", inputs: ["pw", "relu"], axis: 3 }],
      [],
    ],
    ["the second has a larger kernel", [depthwise, { ...pointwise, weights: "wide" }], []],
    ["the second has a stride", [depthwise, { ...pointwise, strides: [1, 2] }], []],
    ["the second has padding", [depthwise, { ...pointwise, padding: { top: 0, bottom: 1, left: 0, right: 0 } }], []],
  ];
  for (const [name, nodes, keep] of apart) {
    it(`leaves two where ${name}`, () => {
      expect(ops(fuseSeparable(graphOf({ x, constants, nodes }), new Set(keep)))).toEqual(ops(graphOf({ x, nodes })));
    });
  }
});
