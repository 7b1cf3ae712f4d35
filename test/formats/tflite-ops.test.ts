import { describe, expect, test } from "vitest";
import { build } from "../../src/engine/build.ts";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { type Numbers, open } from "../../src/index.ts";
import { interpret } from "../reference/interpreter.ts";
import { buildTflite, type Field, type OperatorSpec, type TensorSpec } from "./builders/tflite.ts";

const PADDING = { SAME: { int8: 0 }, VALID: { int8: 1 } };
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** A model of one operator that reads tensor 0, the input, and writes the last tensor. */
function single(op: string, tensors: readonly TensorSpec[], options?: Readonly<Record<number, Field>>): Promise<Graph> {
  const last = tensors.length - 1;
  const operator: OperatorSpec = {
    op,
    inputs: count(last).map((i) => i - 1),
    outputs: [last],
    ...(options && { options }),
  };
  return fromTflite(buildTflite({ tensors, operators: [operator], inputs: [0], outputs: [last] }));
}

function data(graph: Graph, name: string): number[] {
  return Array.from(graph.constants.get(name)!.data!);
}

describe("convolutions", () => {
  const conv = (w: Partial<TensorSpec>, options: Record<number, Field>) =>
    single(
      "CONV_2D",
      [
        { name: "x", shape: [1, 4, 5, 2] },
        { name: "w", shape: [3, 2, 1, 2], data: count(12), ...w },
        { name: "b", shape: [3], data: [1, 2, 3] },
        { name: "y", shape: [1, 2, 5, 3] },
      ],
      {
        0: PADDING.SAME,
        1: { int32: 1 },
        2: { int32: 2 },
        3: { int8: 3 },
        4: { int32: 1 },
        5: { int32: 1 },
        ...options,
      },
    );

  test("CONV_2D: OHWI becomes HWIO, the fused RELU6 a clamp", async () => {
    const graph = await conv({}, {});
    expect(graph.nodes).toEqual([
      {
        op: "conv2d",
        name: "y",
        inputs: ["x"],
        weights: "w",
        bias: "b",
        strides: [2, 1],
        dilations: [1, 1],
        padding: "same",
        clamp: { lo: 0, hi: 6 },
      },
    ]);
    expect(graph.constants.get("w")!.shape).toEqual([2, 1, 2, 3]);
    // [o][h][w][i] = 1 + 4o + 2h + i
    expect(data(graph, "w")).toEqual([1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
    expect(data(graph, "b")).toEqual([1, 2, 3]);
  });

  test("weights in float16 are widened", async () => {
    const graph = await conv({ type: "float16", data: [0x3c00, 0x3800, 0xc000, ...new Array<number>(9).fill(0)] }, {});
    expect(
      data(graph, "w")
        .filter((v) => v !== 0)
        .sort(),
    ).toEqual([-2, 0.5, 1]);
  });

  test("weights in int8 with a scale per channel are dequantized", async () => {
    const graph = await conv(
      { type: "int8", data: count(12), scales: [1, 10, 100], zeroPoints: [0, 0, 1], axis: 0 },
      {},
    );
    expect(data(graph, "w").slice(0, 3)).toEqual([1, 50, 800]);
  });

  test.each<[string, Record<number, Field>, RegExp]>([
    ["stride 0", { 1: { int32: 0 } }, /operator 0 \(CONV_2D\) for 'y', stride_w: expected a whole number ≥ 1, got 0/],
    ["dilation −1", { 5: { int32: -1 } }, /dilation_h: expected a whole number ≥ 1, got -1/],
    ["padding 2", { 0: { int8: 2 } }, /padding: expected 0 \(SAME\) or 1 \(VALID\), got 2/],
    ["fused tanh", { 3: { int8: 4 } }, /expected the fused activation .*, got number 4/],
  ])("CONV_2D with %s is refused", async (_, options, message) => {
    await expect(conv({}, options)).rejects.toThrow(message);
  });

  test("CONV_2D in groups is refused, with wrong channels called a lie", async () => {
    await expect(conv({ shape: [3, 2, 2, 1] }, {})).rejects.toThrow(/expected one group, got 2/);
    await expect(conv({ shape: [3, 1, 1, 4] }, {})).rejects.toThrow(/expected weights for 2 channels, got \[3,1,1,4\]/);
  });

  test("DEPTHWISE_CONV_2D: multiplier and dilation", async () => {
    const graph = await single(
      "DEPTHWISE_CONV_2D",
      [
        { name: "x", shape: [1, 5, 5, 2] },
        { name: "w", shape: [1, 2, 2, 6], data: count(24) },
        { name: "y", shape: [1, 3, 5, 6] },
      ],
      {
        0: PADDING.VALID,
        1: { int32: 1 },
        2: { int32: 1 },
        3: { int32: 3 },
        4: { int8: 0 },
        5: { int32: 1 },
        6: { int32: 2 },
      },
    ).catch((error: Error) => error.message);
    // A 2×2 kernel of dilation 2 by 1 on 5×5 leaves 3×4: the file that says 3×5 lies.
    expect(graph).toMatch(/tensor 2 'y': expected \[1,3,4,6\] by its operator, got \[1,3,5,6\]/);
  });

  test("DEPTHWISE_CONV_2D: [1,h,w,C·m] becomes [h,w,C,m], in the same order", async () => {
    const graph = await single(
      "DEPTHWISE_CONV_2D",
      [
        { name: "x", shape: [1, 5, 5, 2] },
        { name: "w", shape: [1, 2, 2, 6], data: count(24) },
        { name: "y", shape: [1, 3, 4, 6] },
      ],
      {
        0: PADDING.VALID,
        1: { int32: 1 },
        2: { int32: 1 },
        3: { int32: 3 },
        4: { int8: 1 },
        5: { int32: 1 },
        6: { int32: 2 },
      },
    );
    expect(graph.nodes[0]).toMatchObject({ op: "depthwiseConv2d", dilations: [2, 1], clamp: { lo: 0, hi: Infinity } });
    expect(graph.constants.get("w")!.shape).toEqual([2, 2, 2, 3]);
    expect(data(graph, "w")).toEqual(count(24));
  });
});

describe("FULLY_CONNECTED", () => {
  const dense = (x: number[], y: number[], options: Record<number, Field>) =>
    single(
      "FULLY_CONNECTED",
      [
        { name: "x", shape: x },
        { name: "w", shape: [2, 3], data: count(6) },
        { name: "y", shape: y },
      ],
      options,
    );

  test("[out, in] becomes [in, out]", async () => {
    const graph = await dense([1, 3], [1, 2], { 0: { int8: 1 } });
    expect(graph.nodes).toEqual([
      { op: "dense", name: "y", inputs: ["x"], weights: "w", clamp: { lo: 0, hi: Infinity } },
    ]);
    expect(data(graph, "w")).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test("an image is flattened into rows", async () => {
    const graph = await dense([1, 1, 1, 3], [1, 2], {});
    expect(graph.nodes.map((node) => [node.op, node.name])).toEqual([
      ["reshape", "y/rows"],
      ["dense", "y"],
    ]);
  });

  test("keep_num_dims keeps them", async () => {
    const graph = await dense([1, 4, 5, 3], [1, 4, 5, 2], { 0: { int8: 0 }, 1: { int8: 0 }, 2: { int8: 1 } });
    expect(graph.nodes.map((node) => node.op)).toEqual(["dense"]);
  });
});

describe("rectifiers with a slope", () => {
  const [x, y]: TensorSpec[] = [
    { name: "x", shape: [1, 2, 2, 2] },
    { name: "y", shape: [1, 2, 2, 2] },
  ];
  const prelu = (shape: number[], numbers: number[], type: Partial<TensorSpec> = {}) =>
    single("PRELU", [
      { ...x!, ...type },
      { name: "a", shape, data: numbers },
      { ...y!, ...type },
    ]);

  test.each<[number[], number[], number[]]>([
    [[2], [0.5, -2], [0.5, -2]],
    [
      [1, 1, 2],
      [0.5, -2],
      [0.5, -2],
    ],
    [
      [1, 1, 1, 2],
      [0.5, -2],
      [0.5, -2],
    ],
    [
      [2, 2, 2],
      [0.5, -2, 0.5, -2, 0.5, -2, 0.5, -2],
      [0.5, -2],
    ],
    [[1], [3], [3, 3]],
    [[1, 1, 1], [3], [3, 3]],
  ])("PRELU with alpha %j", async (shape, numbers, expected) => {
    const graph = await prelu(shape, numbers);
    expect(graph.nodes).toEqual([{ op: "prelu", name: "y", inputs: ["x"], alpha: "a" }]);
    expect(data(graph, "a")).toEqual(expected);
    expect(graph.constants.get("a")!.shape).toEqual([2]);
  });

  test.each<[number[], number[]]>([
    [
      [2, 2, 2],
      [1, 2, 1, 2, 1, 2, 1, 3],
    ],
    [
      [2, 1, 2],
      [1, 2, 3, 4],
    ],
    [
      [2, 2, 1],
      [1, 2, 3, 4],
    ],
  ])("PRELU whose alpha %j varies over the image is refused", async (shape, numbers) => {
    await expect(prelu(shape, numbers)).rejects.toThrow(UnsupportedError);
    await expect(prelu(shape, numbers)).rejects.toThrow(/PRELU\) for 'y', alpha: expected the same .* at each pixel/);
  });

  test("PRELU with an alpha of other channels, and of other types, is refused", async () => {
    await expect(prelu([3], [1, 2, 3])).rejects.toThrow(/PRELU\) for 'y', alpha: expected \[2\], got \[3\]/);
    const byte = { type: "int8", scales: [1], zeroPoints: [0] };
    await expect(prelu([2], [1, 2], byte)).rejects.toThrow(/'a': expected int8 like the output, got float32/);
  });

  test("LEAKY_RELU is one whose alpha is an option", async () => {
    const graph = await single("LEAKY_RELU", [x!, y!], { 0: { float32: 0.25 } });
    expect(graph.nodes).toEqual([{ op: "prelu", name: "y", inputs: ["x"], alpha: "y/alpha" }]);
    expect(graph.outputs).toEqual(["y"]);
    expect(data(graph, "y/alpha")).toEqual([0.25, 0.25]);
    await expect(single("LEAKY_RELU", [x!, y!], { 0: { float32: NaN } })).rejects.toThrow(/alpha: expected a number/);
  });
});

const NAMES: Readonly<Record<string, string>> = {
  ...{ ADD: "add", SUB: "sub", MUL: "mul", DIV: "div", MAXIMUM: "maximum", MINIMUM: "minimum" },
};

describe("arithmetic", () => {
  const x: TensorSpec = { name: "x", shape: [1, 1, 1, 2] };
  const c: TensorSpec = { name: "c", shape: [2], data: [2, 4] };
  const y: TensorSpec = { name: "y", shape: [1, 1, 1, 2] };

  const constant = (op: string, first: boolean): Promise<Graph> => {
    const operators = [{ op, inputs: first ? [1, 0] : [0, 1], outputs: [2], options: { 0: { int8: 0 } } }];
    return fromTflite(buildTflite({ tensors: [x, c, y], operators, inputs: [0], outputs: [2] }));
  };
  const answers = async (op: string, first: boolean): Promise<number[]> => {
    const graph = await constant(op, first);
    expect(graph.nodes.map((node) => node.op)).toEqual(["scaleShift"]);
    return Array.from(interpret(graph, { x: [10, 20] }).get("y")!.values);
  };

  test.each<[string, boolean, number[]]>([
    ["ADD", false, [12, 24]],
    ["ADD", true, [12, 24]],
    ["SUB", false, [8, 16]],
    ["SUB", true, [-8, -16]],
    ["MUL", false, [20, 80]],
    ["MUL", true, [20, 80]],
    ["DIV", false, [5, 5]],
  ])("%s with a constant (first: %s)", async (op, first, expected) => {
    expect(await answers(op, first)).toEqual(expected);
  });

  test.each<[string, boolean, number[]]>([
    ["DIV", true, [0.2, 0.2]],
    ["MAXIMUM", false, [10, 20]],
    ["MINIMUM", true, [2, 4]],
  ])("%s with a constant (first: %s), which no factor and term can say", async (op, first, expected) => {
    const graph = await constant(op, first);
    expect(graph.nodes).toEqual([
      { op: NAMES[op], name: "y", inputs: ["x"], operand: "c", ...(first && { operandFirst: true }) },
    ]);
    expect(Array.from(interpret(graph, { x: [10, 20] }).get("y")!.values)).toEqual(expected);
  });

  test.each(Object.keys(NAMES))("%s of a value and a gate, whichever comes first", async (op) => {
    const [image, gate] = [
      { name: "x", shape: [2, 1, 2, 2] },
      { name: "g", shape: [2, 1, 1, 2] },
    ];
    for (const inputs of [
      [0, 1],
      [1, 0],
    ]) {
      const tensors = [image, gate, { name: "y", shape: [2, 1, 2, 2] }];
      const bytes = buildTflite({ tensors, operators: [{ op, inputs, outputs: [2] }], inputs: [0, 1], outputs: [2] });
      const { nodes } = await fromTflite(bytes);
      expect(nodes).toEqual([{ op: NAMES[op], name: "y", inputs: inputs.map((i) => ["x", "g"][i]) }]);
    }
  });

  test("a constant for each row is kept in its shape", async () => {
    const tensors = [
      { name: "x", shape: [1, 2, 1, 2] },
      { name: "c", shape: [2, 1, 1], data: [10, 20] },
      { ...y, shape: [1, 2, 1, 2] },
    ];
    const operators = [{ op: "SUB", inputs: [1, 0], outputs: [2] }];
    const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0], outputs: [2] }));
    expect(graph.nodes).toEqual([{ op: "sub", name: "y", inputs: ["x"], operand: "c", operandFirst: true }]);
    expect(Array.from(interpret(graph, { x: [1, 2, 3, 4] }).get("y")!.values)).toEqual([9, 8, 17, 16]);
  });

  test("a constant of 8 bits stays one, with its own scale", async () => {
    const byte = (name: string, scale: number, data?: number[]): TensorSpec => ({
      ...{ name, shape: data ? [2] : [1, 1, 1, 2], type: "uint8", scales: [scale], zeroPoints: [3] },
      ...(data && { data }),
    });
    const file = (op: string, c: TensorSpec) => {
      const operators = [{ op, inputs: [1, 0], outputs: [2] }];
      return fromTflite(
        buildTflite({ tensors: [byte("x", 1), c, byte("y", 2)], operators, inputs: [0], outputs: [2] }),
      );
    };
    const graph = await file("SUB", byte("c", 0.5, [7, 250]));
    expect(graph.nodes[0]).toMatchObject({
      op: "sub",
      inputs: ["x"],
      operand: "c",
      operandFirst: true,
      dtype: "uint8",
    });
    const quantization = { scales: [0.5], zeroPoints: [3], axis: 0 };
    expect(graph.constants.get("c")).toMatchObject({ data: Uint8Array.of(7, 250), quantization });
    await expect(file("DIV", byte("c", 0.5, [7, 250]))).rejects.toThrow(/division of float32, got one of uint8/);
    const float = { name: "c", shape: [2], data: [1, 2] };
    await expect(file("MUL", float)).rejects.toThrow(/expected uint8 like the output, got float32/);
    await expect(file("MUL", { ...byte("c", 1, [1, 2]), scales: [1, 2], zeroPoints: [0, 0] })).rejects.toThrow(
      /expected one scale for a value, got 2/,
    );
  });

  test("operands that do not go together are the file's fault", async () => {
    const tensors = [x, { name: "z", shape: [1, 1, 1, 3] }, y];
    const operators = [{ op: "MUL", inputs: [0, 1], outputs: [2] }];
    const attempt = fromTflite(buildTflite({ tensors, operators, inputs: [0, 1], outputs: [2] }));
    await expect(attempt).rejects.toThrow(FormatError);
    await expect(attempt).rejects.toThrow(/expected operands to be broadcast, got \[1,1,1,2\] and \[1,1,1,3\]/);
  });

  test("one constant read by several operators, each in its own way", async () => {
    const operators = ["ADD", "MUL", "SUB", "ADD"].map((op, i) => ({
      op,
      inputs: [i === 0 ? 0 : i + 1, 1],
      outputs: [i + 2],
    }));
    const tensors = [x, c, ...["p", "q", "r", "s"].map((name) => ({ ...y, name }))];
    const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0], outputs: [5] }));
    // ((x + c)·c − c) + c
    expect(Array.from(interpret(graph, { x: [10, 20] }).get("s")!.values)).toEqual([24, 96]);
  });

  test("a branch is added to itself and joined again", async () => {
    const operators: OperatorSpec[] = [
      { op: "RELU", inputs: [0], outputs: [1] },
      { op: "ADD", inputs: [0, 1], outputs: [2], options: { 0: { int8: 3 } } },
      { op: "CONCATENATION", inputs: [2, 0], outputs: [3], options: { 0: { int32: -1 }, 1: { int8: 1 } } },
    ];
    const tensors = [x, { ...y, name: "r" }, { ...y, name: "sum" }, { name: "z", shape: [1, 1, 1, 4] }];
    const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0], outputs: [3, 2] }));
    expect(graph.outputs).toEqual(["z", "sum"]);
    expect(graph.nodes.map((node) => node.name)).toEqual(["r", "sum", "z/concat", "z"]);
    expect(Array.from(interpret(graph, { x: [-1, 4] }).get("z")!.values)).toEqual([0, 6, 0, 4]);
  });
});

describe("ARG_MAX", () => {
  const image = (type: string): TensorSpec => ({
    ...{ name: "x", shape: [1, 2, 1, 3], type },
    ...(type !== "float32" && { scales: [1], zeroPoints: [0] }),
  });
  const axis = (data: number[], type = "int32"): TensorSpec => ({ name: "axis", shape: [data.length], type, data });

  test.each([
    ["float32", "int32", "int64"],
    ["int8", "int64", "int32"],
    ["uint8", "int64", "int64"],
  ])("of %s, the axis in %s, the result in %s", async (type, axisType, to) => {
    const graph = await single("ARG_MAX", [
      image(type),
      axis([-1], axisType),
      { name: "y", shape: [1, 2, 1], type: to },
    ]);
    expect(graph.nodes).toEqual([{ op: "argMax", name: "y", inputs: ["x"], axis: 3, keepDims: false, dtype: "int32" }]);
    const of = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array }[type]!;
    const net = await build(graph);
    expect(net.run<Numbers>(of.of(1, 5, 5, 7, 2, 7)).output).toEqual(Int32Array.of(1, 0));
    expect((await open(net.save())).run<Numbers>(of.of(1, 5, 5, 7, 2, 7)).output).toEqual(Int32Array.of(1, 0));
  });

  test("goes on as numbers that are moved, and no others", async () => {
    const tensors = [image("float32"), axis([1]), { name: "a", shape: [1, 1, 3], type: "int64" }];
    const behind = (op: string, more: readonly TensorSpec[]) =>
      fromTflite(
        buildTflite({
          tensors: [...tensors, { name: "y", shape: [1, 3], type: "int64" }, ...more],
          operators: [
            { op: "ARG_MAX", inputs: [0, 1], outputs: [2] },
            { op, inputs: more.length > 0 ? [2, 4] : [2], outputs: [3] },
          ],
          ...{ inputs: [0], outputs: [3] },
        }),
      );
    const net = await build(await behind("SQUEEZE", []));
    expect(net.run<Numbers>(Float32Array.of(1, 2, 3, 4, 1, 3)).output).toEqual(Int32Array.of(1, 0, 0));
    await expect(behind("RELU", [])).rejects.toThrow(/RELU\) .*expected a result in float32 or 8 bits, got int64/);
  });

  test.each<[TensorSpec, string, RegExp]>([
    [axis([4]), "int32", /axis: expected -4 … 3, got 4/],
    [axis([0, 1]), "int32", /axis: expected -4 … 3, got 0,1/],
    [axis([0]), "float32", /expected a result in int32 or int64, got float32/],
  ])("%j, a result in %s: an error", async (spec, type, message) => {
    const file = single("ARG_MAX", [image("float32"), spec, { name: "y", shape: [1, 2, 1], type }]);
    await expect(file).rejects.toThrow(message);
  });
});

describe("other operators", () => {
  const image = { name: "x", shape: [1, 4, 4, 2] };

  test.each<[string, TensorSpec[], Record<number, Field>, Partial<Node>]>([
    [
      "AVERAGE_POOL_2D",
      [{ name: "y", shape: [1, 2, 2, 2] }],
      { 0: PADDING.SAME, 1: { int32: 2 }, 2: { int32: 2 }, 3: { int32: 2 }, 4: { int32: 3 }, 5: { int8: 0 } },
      { op: "averagePool", size: [3, 2], strides: [2, 2], padding: "same" },
    ],
    [
      "MAX_POOL_2D",
      [{ name: "y", shape: [1, 2, 3, 2] }],
      { 0: PADDING.VALID, 1: { int32: 1 }, 2: { int32: 2 }, 3: { int32: 2 }, 4: { int32: 2 }, 5: { int8: 2 } },
      { op: "maxPool", size: [2, 2], strides: [2, 1], padding: "valid", clamp: { lo: -1, hi: 1 } },
    ],
    [
      "MEAN",
      [
        { name: "axes", shape: [2], type: "int32", data: [-3, 2] },
        { name: "y", shape: [1, 1, 1, 2] },
      ],
      { 0: { int8: 1 } },
      { op: "globalAveragePool", keepDims: true },
    ],
    [
      "MEAN",
      [
        { name: "axes", shape: [2], type: "int32", data: [1, 2] },
        { name: "y", shape: [1, 2] },
      ],
      { 0: { int8: 0 } },
      { op: "globalAveragePool", keepDims: false },
    ],
    [
      "PAD",
      [
        { name: "pads", shape: [4, 2], type: "int32", data: [0, 0, 1, 2, 3, 4, 0, 0] },
        { name: "y", shape: [1, 7, 11, 2] },
      ],
      {},
      { op: "pad", padding: { top: 1, bottom: 2, left: 3, right: 4 }, value: 0 },
    ],
    [
      "PADV2",
      [
        { name: "pads", shape: [4, 2], type: "int64", data: [0, 0, 0, 1, 0, 1, 0, 0] },
        { name: "value", shape: [1], data: [-2] },
        { name: "y", shape: [1, 5, 5, 2] },
      ],
      {},
      { op: "pad", padding: { top: 0, bottom: 1, left: 0, right: 1 }, value: -2 },
    ],
    [
      "PAD",
      [
        { name: "pads", shape: [4, 2], type: "int32", data: [0, 0, 0, 0, 0, 0, 0, 5] },
        { name: "y", shape: [1, 4, 4, 7] },
      ],
      {},
      { op: "pad", padding: { top: 0, bottom: 0, left: 0, right: 0, back: 5 }, value: 0 },
    ],
    [
      "PADV2",
      [
        { name: "pads", shape: [4, 2], type: "int32", data: [0, 0, 1, 0, 0, 2, 3, 1] },
        { name: "value", shape: [1], data: [4] },
        { name: "y", shape: [1, 5, 6, 6] },
      ],
      {},
      { op: "pad", padding: { top: 1, bottom: 0, left: 0, right: 2, front: 3, back: 1 }, value: 4 },
    ],
    [
      "RESIZE_BILINEAR",
      [
        { name: "size", shape: [2], type: "int32", data: [3, 6] },
        { name: "y", shape: [1, 3, 6, 2] },
      ],
      { 2: { int8: 0 }, 3: { int8: 1 } },
      { op: "resizeBilinear", size: [3, 6], alignCorners: false, halfPixelCenters: true },
    ],
    ["RESHAPE", [{ name: "y", shape: [1, 32] }], {}, { op: "reshape", shape: [-1, 32] }],
    ["RESHAPE", [{ name: "y", shape: [4, 8] }], {}, { op: "reshape", shape: [4, 8] }],
    ["SOFTMAX", [{ name: "y", shape: [1, 4, 4, 2] }], { 0: { float32: 0.5 } }, { op: "softmax", beta: 0.5 }],
    ["LOGISTIC", [{ name: "y", shape: [1, 4, 4, 2] }], {}, { op: "sigmoid" }],
    ["HARD_SWISH", [{ name: "y", shape: [1, 4, 4, 2] }], {}, { op: "hardSwish" }],
    ["RELU", [{ name: "y", shape: [1, 4, 4, 2] }], {}, { op: "clamp", lo: 0, hi: Infinity }],
    ["RELU6", [{ name: "y", shape: [1, 4, 4, 2] }], {}, { op: "clamp", lo: 0, hi: 6 }],
    ["RELU_N1_TO_1", [{ name: "y", shape: [1, 4, 4, 2] }], {}, { op: "clamp", lo: -1, hi: 1 }],
    ["RELU_0_TO_1", [{ name: "y", shape: [1, 4, 4, 2] }], {}, { op: "clamp", lo: 0, hi: 1 }],
  ])("%s", async (op, tensors, options, expected) => {
    const graph = await single(op, [image, ...tensors], options);
    expect(graph.nodes).toEqual([{ name: "y", inputs: ["x"], ...expected }]);
  });

  test("SQUEEZE", async () => {
    const graph = await single("SQUEEZE", [
      { name: "x", shape: [1, 1, 1, 7] },
      { name: "y", shape: [1, 7] },
    ]);
    expect(graph.nodes).toEqual([{ op: "reshape", name: "y", inputs: ["x"], shape: [-1, 7] }]);
  });

  test("DEQUANTIZE of float16 constants is done at import", async () => {
    const tensors: TensorSpec[] = [
      { name: "x", shape: [1, 2] },
      { name: "half", shape: [1, 2], type: "float16", data: [0x3c00, 0x4000] },
      { name: "w", shape: [1, 2] },
      { name: "y", shape: [1, 1] },
    ];
    const operators: OperatorSpec[] = [
      { op: "DEQUANTIZE", inputs: [1], outputs: [2] },
      { op: "FULLY_CONNECTED", inputs: [0, 2], outputs: [3] },
    ];
    const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0], outputs: [3] }));
    expect(graph.nodes.map((node) => node.op)).toEqual(["dense"]);
    expect(data(graph, "w")).toEqual([1, 2]);
  });

  test("names: empty ones are made up, equal ones told apart", async () => {
    const tensors = ["", "same", "same"].map((name) => ({ name, shape: [1, 3] }));
    const operators = [0, 1].map((i) => ({ op: "RELU", inputs: [i], outputs: [i + 1] }));
    const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0], outputs: [2] }));
    expect(graph.inputs[0]!.name).toBe("tensor0");
    expect(graph.nodes.map((node) => node.name)).toEqual(["same", "same_1"]);
  });

  test("quantization of an input is kept, and used by nothing yet", async () => {
    const tensors: TensorSpec[] = [
      { name: "x", shape: [1, 2], type: "uint8", scales: [0.5], zeroPoints: [128] },
      { name: "other", shape: [1, 2] },
      { name: "y", shape: [1, 2] },
    ];
    const operators = [{ op: "RELU", inputs: [1], outputs: [2] }];
    const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0, 1], outputs: [2] }));
    expect(graph.inputs[0]).toEqual({
      name: "x",
      shape: [1, 2],
      dtype: "uint8",
      quantization: { scales: [0.5], zeroPoints: [128], axis: 0 },
    });
  });

  test.each<[string, TensorSpec[], RegExp]>([
    ["CUMSUM", [{ name: "y", shape: [1, 4, 4, 2] }], /operator 0 \(CUMSUM\) for 'y': .* got CUMSUM/],
    ["REDUCE_ALL", [{ name: "y", shape: [1, 4, 4, 2] }], /operator 0 \(REDUCE_ALL\) for 'y'/],
    ["250", [{ name: "y", shape: [1, 4, 4, 2] }], /operator 0 \(operator 250\) for 'y'/],
    ["CUSTOM", [{ name: "y", shape: [1, 4, 4, 2] }], /CUSTOM ''/],
    [
      "QUANTIZE",
      [{ name: "y", shape: [1, 4, 4, 2], type: "int16", scales: [1], zeroPoints: [0] }],
      /expected float32, int8 or uint8, got int16/,
    ],
    [
      "PAD",
      [
        { name: "p", shape: [4, 2], type: "int32", data: [0, 1, 0, 0, 0, 0, 0, 1] },
        { name: "y", shape: [2, 4, 4, 3] },
      ],
      /none of the batch/,
    ],
  ])("%s is refused by name where it goes beyond", async (op, tensors, message) => {
    const attempt = single(op, [image, ...tensors]);
    await expect(attempt).rejects.toThrow(UnsupportedError);
    await expect(single(op, [image, ...tensors])).rejects.toThrow(message);
  });
});
