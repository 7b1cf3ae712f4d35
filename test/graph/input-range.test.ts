import { describe, expect, it } from "vitest";
import type { Constant, Graph, Node } from "../../src/graph/graph.ts";
import { ownNormalization } from "../../src/graph/input-range.ts";
import { graphOf } from "../graph/build.ts";

const BYTES = { mean: 0, std: 1 };
const UNIT = { mean: 0, std: 255 };
const SIGNED = { mean: 127.5, std: 127.5 };

/**
 * A graph that begins with these multiplications and additions, one number or one per channel, and goes on with a pool.
 */
function graph(...stages: readonly (readonly [scale: number | number[], shift: number | number[]])[]): Graph {
  const constants: Record<string, number[]> = {};
  const nodes: Node[] = stages.map(([scale, shift], i) => {
    for (const [role, value] of Object.entries({ scale, shift })) {
      constants[`${role}${i}`] = [value].flat().length === 3 ? (value as number[]) : new Array(3).fill(value);
    }
    const input = i === 0 ? "x" : `stage${i - 1}`;
    return { op: "scaleShift", name: `stage${i}`, inputs: [input], scale: `scale${i}`, shift: `shift${i}` };
  });
  nodes.push({ op: "globalAveragePool", name: "y", inputs: [nodes.at(-1)?.name ?? "x"], keepDims: false });
  const sketch = graphOf({ x: [1, 4, 4, 3], nodes });
  const filled = Object.entries(constants).map(([name, data]): [string, Constant] => [
    name,
    { name, shape: [3], dtype: "float32", data: Float32Array.from(data) },
  ]);
  return { ...sketch, constants: new Map(filled) };
}

describe("the range of pixels that a network with a stage of its own wants", () => {
  const MEAN = [0.485, 0.456, 0.406];
  const STD = [0.229, 0.224, 0.225];
  const cases: [string, Graph, object | undefined][] = [
    ["nothing in front", graph(), undefined],
    ["Rescaling(1/255)", graph([1 / 255, 0]), BYTES],
    ["Rescaling(1/127.5, -1)", graph([1 / 127.5, -1]), BYTES],
    ["truediv 127.5, subtract 1", graph([1 / 127.5, 0], [1, -1]), BYTES],
    ["ImageNet's mean and deviation of [0, 1]", graph([STD.map((s) => 1 / s), MEAN.map((m, c) => -m / STD[c]!)]), UNIT],
    ["the same of [0, 255]", graph([STD.map((s) => 1 / (255 * s)), MEAN.map((m, c) => -m / STD[c]!)]), BYTES],
    [
      "1/255 and then the mean and deviation",
      graph([1 / 255, 0], [STD.map((s) => 1 / s), MEAN.map((m, c) => -m / STD[c]!)]),
      BYTES,
    ],
    ["the mean alone, as Caffe does", graph([1, [-103.939, -116.779, -123.68]]), BYTES],
    ["x·2 − 1", graph([2, -1]), UNIT],
    ["x/2 + 1/2", graph([0.5, 0.5]), SIGNED],
    ["from [0, 1] to [0, 255]", graph([255, 0]), UNIT],
    ["from [−1, 1] to [0, 255]", graph([127.5, 127.5]), SIGNED],
    ["numbers that fit no range", graph([17, 3]), undefined],
    ["a scale of 0", graph([0, 0]), undefined],
  ];
  for (const [name, of, expected] of cases) it(name, () => expect(ownNormalization(of)).toEqual(expected));

  it("ends where a pad moves the channels", () => {
    const source = graph([1 / 255, 0]);
    const around = { top: 0, bottom: 1, left: 0, right: 1 };
    for (const [padding, expected] of [
      [around, BYTES],
      [{ ...around, back: 1 }, undefined],
      [{ ...around, front: 1 }, undefined],
    ] as const) {
      const pad: Node = { op: "pad", name: "p", inputs: ["x"], padding, value: 0 };
      const [stage, ...rest] = source.nodes as [Node, ...Node[]];
      const behind = { ...source, nodes: [pad, { ...stage, inputs: ["p"] }, ...rest] };
      expect(ownNormalization(behind)).toEqual(expected);
    }
  });

  it("is seen behind a resize, and through a batch normalization", () => {
    const source = graph([1 / 255, 0]);
    const resize = {
      op: "resizeBilinear",
      name: "r",
      inputs: ["x"],
      size: [4, 4],
      alignCorners: false,
      halfPixelCenters: true,
    };
    const nodes = [resize as unknown as Node, { ...source.nodes[0]!, inputs: ["r"] } as Node, ...source.nodes.slice(1)];
    expect(ownNormalization({ ...source, nodes })).toEqual(BYTES);
    const norm: Node = { op: "batchNorm", name: "n", inputs: ["x"], mean: "m", variance: "v", epsilon: 1e-3 };
    const three = (value: number) => Float32Array.of(value, value, value);
    const constants = new Map<string, Constant>([
      ["m", { name: "m", shape: [3], dtype: "float32", data: three(120) }],
      ["v", { name: "v", shape: [3], dtype: "float32", data: three(60 ** 2) }],
    ]);
    expect(
      ownNormalization({ ...source, constants, nodes: [norm, { ...source.nodes.at(-1)!, inputs: ["n"] } as Node] }),
    ).toEqual(BYTES);
  });

  it("is not taken from a stage that not everything passes", () => {
    const source = graph([1 / 255, 0]);
    const other: Node = { op: "clamp", name: "c", inputs: ["x"], lo: 0, hi: 1 };
    expect(ownNormalization({ ...source, nodes: [...source.nodes, other], outputs: ["y", "c"] })).toBeUndefined();
  });
});
