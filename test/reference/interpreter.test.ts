/**
 * The interpreter joins the references as the graph says; the references themselves are tested beside it, and by every
 * kernel.
 */
import { describe, expect, it } from "vitest";
import type { Constant, Graph, Node } from "../../src/graph/graph.ts";
import { random } from "../cases/random.ts";
import { firstOutside } from "../kernels/harness.ts";
import { type Interpreted, interpret } from "./interpreter.ts";
import type { Value } from "./value.ts";

const numbers = random("interpreter");

function constant(name: string, shape: number[], size = 1): Constant {
  return {
    name,
    shape,
    dtype: "float32",
    data: numbers.floats(
      shape.reduce((a, b) => a * b, 1),
      size,
    ),
  };
}

/** A graph on an image [1, 6, 5, 4] named `x`. */
function graphOf(nodes: readonly Node[], constants: readonly Constant[] = []): Graph {
  return {
    name: "test",
    inputs: [{ name: "x", shape: [1, 6, 5, 4], dtype: "float32" }],
    constants: new Map(constants.map((c) => [c.name, c])),
    nodes,
    outputs: [nodes.at(-1)!.name],
    endPoints: new Map(),
    source: { format: "test" },
  };
}

const x = numbers.floats(6 * 5 * 4);
const window = { strides: [1, 1], dilations: [1, 1], padding: "same" } as const;

/** The interpreted value as a reference to compare with: its bound is the whole of what is allowed. */
function allowed({ shape, values, bound }: Interpreted): Value {
  return { shape, values, terms: new Float64Array(values.length), ops: 0, carried: bound };
}

const layers = {
  dw: constant("dw", [3, 3, 4, 1]),
  dwBias: constant("dwBias", [4]),
  pw: constant("pw", [4, 6]),
  pwBias: constant("pwBias", [6]),
};

describe("interpret", () => {
  it("gives a separable node the values of its two halves", () => {
    const pw4 = { ...layers.pw, name: "pw4", shape: [1, 1, 4, 6] };
    const apart = graphOf(
      [
        {
          op: "depthwiseConv2d",
          name: "a",
          inputs: ["x"],
          weights: "dw",
          bias: "dwBias",
          clamp: { lo: 0, hi: 6 },
          ...window,
        },
        { op: "conv2d", name: "b", inputs: ["a"], weights: "pw4", bias: "pwBias", clamp: { lo: 0, hi: 6 }, ...window },
      ],
      [...Object.values(layers), pw4],
    );
    const fused = graphOf(
      [
        {
          op: "separable",
          name: "b",
          inputs: ["x"],
          depthwise: { weights: "dw", bias: "dwBias", clamp: { lo: 0, hi: 6 }, ...window },
          pointwise: { weights: "pw4", bias: "pwBias", clamp: { lo: 0, hi: 6 } },
        },
      ],
      [...Object.values(layers), pw4],
    );
    const [first, second] = [apart, fused].map((graph) => interpret(graph, { x }).get("b")!) as [
      Interpreted,
      Interpreted,
    ];
    expect(second).toEqual(first);
    expect(first.bound.every((b) => b > 0 && b < 1e-4)).toBe(true);
  });

  it("bounds an f32 run of a convolution with a batch norm, folded or not", () => {
    const statistics = [constant("gamma", [6]), constant("beta", [6]), constant("mean", [6], 8), constant("raw", [6])];
    const variance = {
      ...statistics[3]!,
      name: "variance",
      data: (statistics[3]!.data as Float32Array).map((v) => v * v),
    };
    const w = constant("w", [1, 1, 4, 6]);
    const graph = graphOf(
      [
        { op: "conv2d", name: "a", inputs: ["x"], weights: "w", ...window },
        {
          op: "batchNorm",
          name: "b",
          inputs: ["a"],
          gamma: "gamma",
          beta: "beta",
          mean: "mean",
          variance: "variance",
          epsilon: 1e-3,
        },
      ],
      [...statistics, variance, w],
    );
    const expected = interpret(graph, { x }).get("b")!;
    const [gamma, beta, mean] = statistics.map(({ data }) => data as Float32Array) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const f = Math.fround;
    const scale = gamma.map((g, o) => g / f(Math.sqrt(f(variance.data[o]! + f(1e-3)))));
    const data = w.data as Float32Array;
    const folded = data.map((v, i) => v * scale[i % 6]!);
    const shift = beta.map((b, o) => b - f(mean[o]! * scale[o]!));
    const run = (weights: Float32Array, bias: (o: number) => number, after: (v: number, o: number) => number) => {
      return Float32Array.from({ length: 30 * 6 }, (_, to) => {
        const o = to % 6;
        let sum = bias(o);
        for (let i = 0; i < 4; ++i) sum = f(sum + f(x[Math.floor(to / 6) * 4 + i]! * weights[i * 6 + o]!));
        return after(sum, o);
      });
    };
    const unfolded = run(
      data,
      () => 0,
      (v, o) => f(f(v * scale[o]!) + shift[o]!),
    );
    expect(firstOutside(unfolded, allowed(expected))).toBeUndefined();
    expect(
      firstOutside(
        run(
          folded,
          (o) => shift[o]!,
          (v) => v,
        ),
        allowed(expected),
      ),
    ).toBeUndefined();
  });

  it("starts from measured values, and still answers with its own", () => {
    const nodes: Node[] = [
      { op: "dense", name: "a", inputs: ["x"], weights: "pw" },
      { op: "sigmoid", name: "b", inputs: ["a"] },
    ];
    const graph = graphOf(nodes, Object.values(layers));
    const own = interpret(graph, { x });
    const measured = { a: new Float32Array(30 * 6).fill(0.5) };
    const restarted = interpret(graph, { x }, { measured });
    expect(restarted.get("a")).toEqual(own.get("a"));
    expect(restarted.get("b")!.values[7]).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 12);
    expect(restarted.get("b")!.bound[0]).toBeLessThan(1e-6);
    expect(() => interpret(graph, { x }, { measured: { a: [1] } })).toThrow(
      /measured a: expected \[1,6,5,6\], got 1 values/,
    );
  });

  it("moves values and their bounds through reshape, pad, concat and identity", () => {
    const nodes: Node[] = [
      { op: "sigmoid", name: "a", inputs: ["x"] },
      { op: "identity", name: "b", inputs: ["a"] },
      { op: "pad", name: "c", inputs: ["b"], padding: { top: 1, bottom: 0, left: 0, right: 2 }, value: -1 },
      { op: "concat", name: "d", inputs: ["c", "c"], axis: 3 },
      { op: "reshape", name: "e", inputs: ["d"], shape: [-1, 56] },
    ];
    const all = interpret(graphOf(nodes), { x });
    const [a, e] = [all.get("a")!, all.get("e")!];
    expect(e.shape).toEqual([7, 56]);
    expect(e.values.slice(0, 56).every((v) => v === -1)).toBe(true);
    expect(e.values.slice(56, 64)).toEqual(Float64Array.of(...a.values.slice(0, 4), ...a.values.slice(0, 4)));
    expect(e.bound.slice(56, 60)).toEqual(a.bound.slice(0, 4));
  });

  it("answers with inputs and nodes, and refuses what is missing", () => {
    const graph = graphOf([{ op: "dense", name: "a", inputs: ["x"], weights: "pw" }], Object.values(layers));
    expect([...interpret(graph, { x }).keys()]).toEqual(["x", "a"]);
    expect(() => interpret(graph, {})).toThrow(/input x: expected 120 values, got undefined/);
    expect(() => interpret(graph, { x: x.slice(1) })).toThrow(/input x: expected 120 values, got 119/);
    const { data: _, ...bare } = layers.pw;
    const architecture = graphOf(graph.nodes, [bare]);
    expect(() => interpret(architecture, { x })).toThrow(/constant pw: expected data, got none/);
  });
});
