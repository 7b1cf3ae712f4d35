/**
 * Small networks for tests of training: each has one kind of layer at its beginning, or two, and then what every
 * classifier ends in.
 * @module
 */
import type { Graph, Node, Shape } from "../../src/graph/graph.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { graphOf, numbers } from "../graph/build.ts";

/** A network with a name, and pictures for it. */
export interface Trial {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: Float32Array;
  readonly labels: readonly number[];
}

const SAME = { strides: [1, 1], dilations: [1, 1], padding: "same" } as const;
const RELU6 = { lo: 0, hi: 6 } as const;

type Layers = readonly { readonly nodes: readonly Node[]; readonly constants: Record<string, Shape> }[];

const norm = (name: string, input: string, c: number, clamp: { lo: number; hi: number } = { lo: -0.7, hi: 0.9 }) => ({
  nodes: [
    {
      ...{ op: "batchNorm", name: `${name}/bn`, inputs: [input], epsilon: 0.001 },
      ...{ gamma: `${name}/gamma`, beta: `${name}/beta`, mean: `${name}/mean`, variance: `${name}/variance` },
    },
    { op: "clamp", name, inputs: [`${name}/bn`], ...clamp },
  ] as const satisfies readonly Node[],
  constants: { [`${name}/gamma`]: [c], [`${name}/beta`]: [c], [`${name}/mean`]: [c], [`${name}/variance`]: [c] },
});

const depthwise = (
  name: string,
  input: string,
  c: number,
  window: object = {},
  k: readonly [number, number] = [3, 3],
) => ({
  nodes: [
    { op: "depthwiseConv2d", name: `${name}/conv`, inputs: [input], weights: `${name}/weights`, ...SAME, ...window },
  ] as const satisfies readonly Node[],
  constants: { [`${name}/weights`]: [...k, c, 1] },
});

const conv = (name: string, input: string, shape: Shape, window: object = {}) => ({
  nodes: [
    {
      ...{ op: "conv2d", name: `${name}/conv`, inputs: [input], weights: `${name}/weights`, bias: `${name}/bias` },
      ...SAME,
      ...window,
    },
  ] as const satisfies readonly Node[],
  constants: { [`${name}/weights`]: shape, [`${name}/bias`]: [shape[3]!] },
});

/** Pooled, dense, softmax. */
function network(name: string, x: Shape, layers: Layers, classes = 3): Trial {
  const constants = Object.assign({}, ...layers.map((layer) => layer.constants)) as Record<string, Shape>;
  const nodes = layers.flatMap((layer) => layer.nodes);
  const body = graphOf({ x, constants, nodes });
  const c = inferShapes(body).get(nodes.at(-1)!.name)!.at(-1)!;
  const graph = graphOf({
    x,
    constants: { ...constants, "head/weights": [c, classes], "head/bias": [classes] },
    nodes: [
      ...nodes,
      { op: "globalAveragePool", name: "pool", inputs: [nodes.at(-1)!.name], keepDims: true },
      { op: "reshape", name: "flat", inputs: ["pool"], shape: [-1, c] },
      { op: "dense", name: "head", inputs: ["flat"], weights: "head/weights", bias: "head/bias" },
      { op: "softmax", name: "scores", inputs: ["head"], beta: 1 },
    ],
  });
  const size = x.reduce((product, dimension) => product * dimension, 1);
  const labels = Array.from({ length: x[0]! }, (_, i) => (i * 2 + 1) % classes);
  return { name, graph, inputs: numbers(size, name.length * 31 + size), labels };
}

/** Every layer, window, number of channels beside the lanes, and way through a network that there is. */
export const TRIALS: readonly Trial[] = [
  network("pointwise, no norm", [3, 4, 3, 5], [conv("a", "x", [1, 1, 5, 7])]),
  network("pointwise with norm", [3, 4, 4, 8], [conv("a", "x", [1, 1, 8, 16]), norm("n", "a/conv", 16)]),
  network("pointwise of many columns", [2, 3, 3, 6], [conv("a", "x", [1, 1, 6, 37]), norm("n", "a/conv", 37)]),
  network(
    "two pointwise",
    [4, 3, 3, 5],
    [
      ...[
        conv("a", "x", [1, 1, 5, 13]),
        norm("n", "a/conv", 13),
        conv("b", "n", [1, 1, 13, 9]),
        norm("m", "b/conv", 9),
      ],
    ],
  ),
  network(
    "depthwise",
    [2, 5, 4, 8],
    [conv("a", "x", [1, 1, 8, 8]), depthwise("b", "a/conv", 8), norm("n", "b/conv", 8)],
  ),
  network(
    "depthwise, channels beside the lanes",
    [3, 4, 5, 3],
    [...[conv("a", "x", [1, 1, 3, 7]), norm("n", "a/conv", 7), depthwise("b", "n", 7), norm("m", "b/conv", 7)]],
  ),
  network(
    "depthwise, stride 2, even",
    [2, 6, 6, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 8]), norm("n", "a/conv", 8)],
      ...[depthwise("b", "n", 8, { strides: [2, 2] }), norm("m", "b/conv", 8)],
    ],
  ),
  network(
    "depthwise, stride 2, odd",
    [2, 7, 5, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 5]), norm("n", "a/conv", 5)],
      ...[depthwise("b", "n", 5, { strides: [2, 2] }), norm("m", "b/conv", 5)],
    ],
  ),
  network(
    "depthwise 5×5, stride 2, valid",
    [2, 9, 8, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 4]), norm("n", "a/conv", 4)],
      ...[depthwise("b", "n", 4, { strides: [2, 2], padding: "valid" }, [5, 5]), norm("m", "b/conv", 4)],
    ],
  ),
  network(
    "depthwise 3×2, dilated, strides 1 and 3",
    [2, 8, 9, 3],
    [
      ...[conv("a", "x", [1, 1, 3, 6]), norm("n", "a/conv", 6)],
      ...[depthwise("b", "n", 6, { strides: [1, 3], dilations: [2, 1] }, [3, 2]), norm("m", "b/conv", 6)],
    ],
  ),
  network(
    "depthwise 3×3, dilated, padded",
    [2, 6, 6, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 4]), norm("n", "a/conv", 4)],
      ...[
        depthwise("b", "n", 4, { dilations: [2, 2], padding: { top: 1, bottom: 3, left: 2, right: 0 } }),
        norm("m", "b/conv", 4),
      ],
    ],
  ),
  network(
    "convolution first",
    [3, 7, 6, 3],
    [conv("a", "x", [3, 3, 3, 8], { strides: [2, 2] }), norm("n", "a/conv", 8)],
  ),
  network(
    "convolution behind another",
    [2, 6, 5, 2],
    [
      ...[conv("a", "x", [3, 3, 2, 5]), norm("n", "a/conv", 5, RELU6)],
      ...[conv("b", "n", [3, 2, 5, 6], { strides: [1, 2] }), norm("m", "b/conv", 6)],
    ],
  ),
  network(
    "convolution 1×1, stride 2",
    [3, 5, 5, 4],
    [...[conv("a", "x", [1, 1, 4, 6]), norm("n", "a/conv", 6), conv("b", "n", [1, 1, 6, 5], { strides: [2, 2] })]],
  ),
  network(
    "convolution, dilated",
    [2, 8, 7, 2],
    [...[conv("a", "x", [1, 1, 2, 3]), norm("n", "a/conv", 3), conv("b", "n", [3, 3, 3, 4], { dilations: [2, 2] })]],
  ),
  network(
    "clamps without norms",
    [3, 4, 4, 4],
    [
      conv("a", "x", [1, 1, 4, 8], { clamp: { lo: -0.3, hi: 0.4 } }),
      depthwise("b", "a/conv", 8, { clamp: { lo: -0.2, hi: 0.3 } }),
      conv("c", "b/conv", [3, 3, 8, 5], { clamp: { lo: 0, hi: Number.POSITIVE_INFINITY } }),
    ],
  ),
  network(
    "residual",
    [3, 4, 4, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 6]), norm("n", "a/conv", 6)],
      ...[depthwise("b", "n", 6), norm("m", "b/conv", 6), conv("c", "m", [1, 1, 6, 6])],
      { nodes: [{ op: "add", name: "sum", inputs: ["n", "c/conv"] }], constants: {} },
      ...[norm("o", "sum", 6), conv("d", "o", [1, 1, 6, 5])],
    ],
  ),
  network(
    "a value read three times, with a clamp behind one",
    [3, 3, 4, 4],
    [
      conv("a", "x", [1, 1, 4, 6]),
      { nodes: [{ op: "clamp", name: "r", inputs: ["a/conv"], lo: -0.2, hi: 0.5 }], constants: {} },
      depthwise("b", "a/conv", 6),
      { nodes: [{ op: "add", name: "s", inputs: ["r", "b/conv"], clamp: { lo: -1, hi: 1 } }], constants: {} },
      { nodes: [{ op: "add", name: "t", inputs: ["s", "a/conv"] }], constants: {} },
    ],
  ),
  network(
    "several filters a channel",
    [2, 5, 4, 3],
    [
      ...[conv("a", "x", [1, 1, 3, 5]), norm("n", "a/conv", 5)],
      {
        nodes: [
          {
            op: "depthwiseConv2d",
            name: "b/conv",
            inputs: ["n"],
            weights: "b/weights",
            bias: "b/bias",
            ...SAME,
            strides: [2, 1],
          },
        ],
        constants: { "b/weights": [3, 3, 5, 2], "b/bias": [10] },
      },
    ],
  ),
  network(
    "a depthwise convolution of one channel",
    [3, 5, 5, 1],
    [
      {
        nodes: [{ op: "depthwiseConv2d", name: "b/conv", inputs: ["x"], weights: "b/weights", ...SAME }],
        constants: { "b/weights": [3, 3, 1, 6] },
      },
      norm("m", "b/conv", 6),
    ],
  ),
  network(
    "curves",
    [3, 3, 4, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 6]), norm("n", "a/conv", 6, { lo: -4, hi: 4 })],
      { nodes: [{ op: "hardSwish", name: "h", inputs: ["n"] }], constants: {} },
      depthwise("b", "h", 6),
      { nodes: [{ op: "sigmoid", name: "s", inputs: ["b/conv"] }], constants: {} },
      conv("c", "s", [1, 1, 6, 5]),
      { nodes: [{ op: "leakyRelu", name: "l", inputs: ["c/conv"], alpha: 0.2 }], constants: {} },
      conv("d", "l", [1, 1, 5, 7]),
      { nodes: [{ op: "prelu", name: "p", inputs: ["d/conv"], alpha: "p/alpha" }], constants: { "p/alpha": [7] } },
    ],
  ),
  network(
    "scale and shift",
    [3, 3, 4, 4],
    [
      conv("a", "x", [3, 3, 4, 6]),
      {
        nodes: [
          {
            op: "scaleShift",
            name: "s",
            inputs: ["a/conv"],
            scale: "s/scale",
            shift: "s/shift",
            clamp: { lo: -0.6, hi: 0.7 },
          },
        ],
        constants: { "s/scale": [6], "s/shift": [6] },
      },
      conv("b", "s", [1, 1, 6, 4]),
    ],
  ),
  network(
    "a gate",
    [2, 4, 3, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 6]), norm("n", "a/conv", 6)],
      { nodes: [{ op: "globalAveragePool", name: "mean", inputs: ["n"], keepDims: true }], constants: {} },
      conv("g", "mean", [1, 1, 6, 6], { clamp: { lo: -2, hi: 2 } }),
      {
        nodes: [
          { op: "add", name: "g/shifted", inputs: ["g/conv"], operand: "operand/three", clamp: { lo: 0, hi: 6 } },
          { op: "mul", name: "g/scaled", inputs: ["g/shifted"], operand: "operand/sixth" },
          { op: "mul", name: "gated", inputs: ["n", "g/scaled"] },
          { op: "mul", name: "squared", inputs: ["gated", "n"], clamp: { lo: -0.3, hi: 0.2 } },
        ],
        constants: { "operand/three": [1], "operand/sixth": [1] },
      },
      conv("b", "squared", [1, 1, 6, 4]),
    ],
  ),
  network(
    "pools",
    [2, 7, 6, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 5]), norm("n", "a/conv", 5, { lo: -9, hi: 9 })],
      {
        nodes: [{ op: "maxPool", name: "most", inputs: ["n"], size: [3, 3], strides: [2, 2], padding: "same" }],
        constants: {},
      },
      conv("b", "most", [1, 1, 5, 8]),
      {
        nodes: [
          {
            op: "averagePool",
            name: "mid",
            inputs: ["b/conv"],
            size: [2, 3],
            strides: [1, 2],
            padding: "same",
            clamp: RELU6,
          },
        ],
        constants: {},
      },
      conv("c", "mid", [1, 1, 8, 4]),
    ],
  ),
  network(
    "parts and pads",
    [2, 4, 3, 4],
    [
      ...[conv("a", "x", [1, 1, 4, 5]), norm("n", "a/conv", 5), conv("b", "n", [3, 3, 5, 4])],
      {
        nodes: [
          { op: "concat", name: "joined", inputs: ["n", "b/conv", "n"], axis: 3 },
          {
            ...{ op: "pad", name: "padded", inputs: ["joined"], value: 0.25 },
            padding: { top: 1, bottom: 0, left: 2, right: 1, front: 1, back: 2 },
          },
        ],
        constants: {},
      },
      ...[depthwise("c", "padded", 17), norm("m", "c/conv", 17)],
    ],
  ),
];
