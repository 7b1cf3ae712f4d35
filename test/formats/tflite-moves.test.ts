/** TFLite's operators that move, spread, reduce and map numbers, in floats and in 8 bits. */
import { describe, expect, test } from "vitest";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { build, toTflite } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { interpretQuantized } from "../reference/quantized.ts";
import { buildTflite, type Field, type OperatorSpec, type TensorSpec } from "./builders/tflite.ts";

const SHAPE = [1, 4, 6, 8];
const BYTES = { type: "int8", scales: [0.5], zeroPoints: [3] } as const;
type Type = Partial<TensorSpec>;

/** A list of whole numbers. */
const list = (...data: number[]): TensorSpec => ({ shape: [data.length], type: "int32", data });

interface Op {
  readonly op: string;
  /** Constants behind the value, or before it. */
  readonly lists?: readonly TensorSpec[];
  readonly before?: boolean;
  readonly options?: Readonly<Record<number, Field>>;
  /** Shapes of the outputs. */
  readonly y: readonly (readonly number[])[];
}

function read({ op, lists = [], before = false, options, y }: Op, type: Type = {}) {
  const outputs = y.map((shape, i): TensorSpec => ({ name: `y${i}`, shape, ...type }));
  const tensors = [{ name: "x", shape: SHAPE, ...type }, ...lists, ...outputs];
  const constants = lists.map((_, i) => i + 1);
  const indices = y.map((_, i) => 1 + lists.length + i);
  const operator = { op, inputs: before ? [...constants, 0] : [0, ...constants], outputs: indices };
  return fromTflite(
    buildTflite({ tensors, operators: [{ ...operator, ...(options && { options }) }], inputs: [0], outputs: indices }),
  );
}

const int = (int32: number): Field => ({ int32 });
const whole = [-1, -1, -1, -1];
const paddings: TensorSpec = { shape: [4, 2], type: "int32", data: [0, 0, 1, 2, 3, 0, 0, 0] };

/** Operators that move numbers, and what the last node is. */
const MOVES: readonly [Op, object][] = [
  [
    { op: "TRANSPOSE", lists: [list(0, 3, 1, 2)], y: [[1, 8, 4, 6]] },
    { op: "transpose", permutation: [0, 3, 1, 2] },
  ],
  [
    { op: "TILE", lists: [list(1, 2, 1, 1)], y: [[1, 8, 6, 8]] },
    { op: "tile", multiples: [1, 2, 1, 1] },
  ],
  [
    { op: "SLICE", lists: [list(0, 1, 0, 2), list(1, 2, 6, -1)], y: [[1, 2, 6, 6]] },
    { op: "slice", begin: [0, 1, 0, 2], size: [-1, 2, -1, 6] },
  ],
  [
    {
      ...{ op: "STRIDED_SLICE", lists: [list(0, 3, 1, 0), list(0, -5, 5, 8), list(1, -2, 2, 1)] },
      ...{ options: { 0: int(1), 1: int(1) }, y: [[1, 2, 2, 8]] },
    },
    { op: "slice", begin: [0, 3, 1, 0], size: [-1, 2, 2, -1], strides: [1, -2, 2, 1] },
  ],
  [
    {
      op: "SPLIT",
      lists: [list(3)],
      before: true,
      options: { 0: int(2) },
      y: [
        [1, 4, 6, 4],
        [1, 4, 6, 4],
      ],
    },
    { op: "slice", begin: [0, 0, 0, 4], size: [-1, -1, -1, 4] },
  ],
  [
    {
      op: "SPLIT_V",
      lists: [list(3, -1), list(1)],
      y: [
        [1, 3, 6, 8],
        [1, 1, 6, 8],
      ],
    },
    { op: "slice", begin: [0, 3, 0, 0], size: [-1, 1, -1, -1] },
  ],
  [
    { op: "UNPACK", options: { 0: int(4), 1: int(1) }, y: new Array(4).fill([1, 6, 8]) },
    { op: "reshape", name: "y3", inputs: ["y3/part"] },
  ],
  [
    { op: "PACK", options: { 0: int(1), 1: int(1) }, y: [[1, 1, 4, 6, 8]] },
    { op: "concat", axis: 1 },
  ],
  [
    { op: "RESIZE_NEAREST_NEIGHBOR", lists: [list(8, 3)], options: { 1: { int8: 1 } }, y: [[1, 8, 3, 8]] },
    { op: "resizeNearest", size: [8, 3], alignCorners: false, halfPixelCenters: true },
  ],
  [
    { op: "MIRROR_PAD", lists: [paddings], options: { 0: { int8: 1 } }, y: [[1, 7, 9, 8]] },
    { op: "mirrorPad", padding: { top: 1, bottom: 2, left: 3, right: 0 }, mode: "symmetric" },
  ],
  [
    { op: "DEPTH_TO_SPACE", options: { 0: int(2) }, y: [[1, 8, 12, 2]] },
    { op: "reshape", shape: [-1, 8, 12, 2] },
  ],
  [
    { op: "SPACE_TO_DEPTH", options: { 0: int(2) }, y: [[1, 2, 3, 32]] },
    { op: "reshape", shape: [-1, 2, 3, 32] },
  ],
];

describe("numbers that move", () => {
  test.each(MOVES.map(([op, node]) => [op.op, op, node] as const))("%s", async (_, op, node) => {
    const graph = await read(op);
    expect(graph.nodes.at(-1)).toMatchObject(node);
    expect(graph.outputs).toEqual(op.y.map((_, i) => `y${i}`));
    (await build(graph, { variant: "scalar" })).dispose();
  });

  test.each(MOVES.map(([op]) => [op.op, op] as const))("%s in 8 bits, to the bit", async (_, op) => {
    const graph = await read(op, BYTES);
    const x = Int8Array.from({ length: 4 * 6 * 8 }, (_, i) => i - 96);
    const session = await build(graph);
    const { outputs } = session.run<Int8Array>(x);
    const expected = interpretQuantized(graph, { x });
    for (const name of graph.outputs) expect([...outputs[name]!]).toEqual(Array.from(expected.get(name)!));
  });

  test("parts lose the axes that they are told to", async () => {
    const lists = [list(0, 2, 0, 0), list(1, 3, 6, 8), list(1, 1, 1, 1)];
    const graph = await read({ op: "STRIDED_SLICE", lists, options: { 4: int(2) }, y: [[1, 6, 8]] });
    expect(graph.nodes).toMatchObject([
      { op: "slice", name: "y0/part", begin: [0, 2, 0, 0], size: [-1, 1, -1, -1] },
      { op: "reshape", name: "y0", shape: [-1, 6, 8] },
    ]);
  });

  test.each<[string, Op, new (message: string) => Error, RegExp]>([
    [
      "axes that are none",
      { op: "TRANSPOSE", lists: [list(0, 1, 2, 4)], y: [[1]] },
      FormatError,
      /an axis below 4, got 4/,
    ],
    ["axes twice", { op: "TRANSPOSE", lists: [list(0, 1, 1, 2)], y: [[1]] }, FormatError, /each of 4 axes once/],
    [
      "parts outside",
      { op: "SLICE", lists: [list(0, 9, 0, 0), list(...whole)], y: [[1]] },
      FormatError,
      /one outside of it/,
    ],
    [
      "halves of 8 in three",
      { op: "SPLIT", lists: [list(3)], before: true, y: [[1], [1], [1]] },
      FormatError,
      /3 sizes/,
    ],
    ["too few parts", { op: "UNPACK", options: { 1: int(1) }, y: [[1], [1]] }, FormatError, /expected 2 along axis 1/],
    ["blocks of 3", { op: "DEPTH_TO_SPACE", options: { 0: int(3) }, y: [[1]] }, FormatError, /an image of blocks of 3/],
    ["no tiles", { op: "TILE", lists: [list(1, 0, 1, 1)], y: [[1]] }, UnsupportedError, /multiples from 1 on/],
    [
      "a mirrored batch",
      { op: "MIRROR_PAD", lists: [{ ...paddings, data: [1, 0, 0, 0, 0, 0, 0, 0] }], y: [[1]] },
      UnsupportedError,
      /height and width only/,
    ],
    ["two outputs of one", { op: "RELU", y: [SHAPE, SHAPE] }, FormatError, /expected 1 output, got 2/],
  ])("%s", async (_, op, kind, message) => {
    await expect(read(op)).rejects.toThrow(kind);
    await expect(read(op)).rejects.toThrow(message);
  });
});

describe("numbers that are made", () => {
  test.each([
    ["SUM", "sum"],
    ["MEAN", "mean"],
    ["REDUCE_MAX", "max"],
    ["REDUCE_MIN", "min"],
    ["REDUCE_PROD", "product"],
  ])("%s along any axes", async (op, by) => {
    const graph = await read({ op, lists: [list(-1, 1, 3)], options: { 0: { int8: 1 } }, y: [[1, 1, 6, 1]] });
    expect(graph.nodes).toEqual([{ op: "reduce", name: "y0", inputs: ["x"], by, axes: [3, 1], keepDims: true }]);
    const pool = await read({ op, lists: [list(1, 2)], y: [[1, 8]] });
    expect(pool.nodes[0]!.op).toBe(op === "MEAN" ? "globalAveragePool" : "reduce");
    const beyond = read({ op, lists: [list(4)], y: [[1]] });
    await expect(beyond).rejects.toThrow(/axes: expected some below 4, got 4/);
    const bytes = read({ op, lists: [list(3)], y: [[1, 4, 6]] }, BYTES);
    await expect(bytes).rejects.toThrow(/expected float32, got int8/);
  });

  test.each(["ABS", "NEG", "SQUARE", "SQRT", "RSQRT", "EXP", "TANH", "FLOOR"])("%s", async (op) => {
    const graph = await read({ op, y: [SHAPE] });
    expect(graph.nodes).toEqual([{ op: "unary", name: "y0", inputs: ["x"], of: op.toLowerCase() }]);
    if (op === "TANH" || op === "EXP") expect((await read({ op, y: [SHAPE] }, BYTES)).nodes[0]!.dtype).toBe("int8");
    else await expect(read({ op, y: [SHAPE] }, BYTES)).rejects.toThrow(UnsupportedError);
  });

  test("pixels without a scale are what they are, and cast to floats", async () => {
    for (const type of ["uint8", "int8"] as const) {
      const tensors = [
        { name: "x", shape: SHAPE, type },
        { name: "y", shape: SHAPE },
      ];
      const cast = { op: "CAST", inputs: [0], outputs: [1] };
      const graph = await fromTflite(buildTflite({ tensors, operators: [cast], inputs: [0], outputs: [1] }));
      expect(graph.nodes).toEqual([{ op: "dequantize", name: "y", inputs: ["x"] }]);
      const session = await build(graph);
      const numbers = Array.from({ length: 192 }, (_, i) => (type === "uint8" ? (i * 7) & 255 : ((i * 7) & 255) - 128));
      const x = type === "uint8" ? Uint8Array.from(numbers) : Int8Array.from(numbers);
      expect([...session.run<Uint8Array>(x as Uint8Array).output]).toEqual(numbers);
      const other = { op: "ABS", inputs: [0], outputs: [1] };
      const file = buildTflite({ tensors, operators: [other], inputs: [0], outputs: [1] });
      await expect(fromTflite(file)).rejects.toThrow(/expected a scale for u?int8, got none/);
    }
  });

  test("leaky and parametric rectifiers in 8 bits, to the bit, and written as they are read", async () => {
    const alpha = { name: "a", shape: [1, 1, 8], data: [-128, -50, -9, 0, 9, 50, 100, 127] };
    for (const type of ["uint8", "int8"] as const) {
      const z = type === "uint8" ? 128 : 0;
      const own = (scale: number, zero: number) => ({ type, scales: [scale], zeroPoints: [zero + z] });
      const tensors = [
        { name: "x", shape: SHAPE, ...own(0.5, 3) },
        { ...alpha, data: alpha.data.map((q) => q + z), ...own(0.02, -5) },
        { name: "y", shape: SHAPE, ...own(0.3, -7) },
        { name: "l", shape: SHAPE, ...own(0.45, 9) },
      ];
      const operators = [
        { op: "PRELU", inputs: [0, 1], outputs: [2] },
        { op: "LEAKY_RELU", inputs: [0], outputs: [3], options: { 0: { float32: 0.3 } } },
      ];
      const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0], outputs: [2, 3] }));
      expect(graph.nodes.map(({ op }) => op)).toEqual(["prelu", "leakyRelu"]);
      const numbers = Array.from({ length: 192 }, (_, i) => ((i * 89) & 255) - 128 + z);
      const x = type === "uint8" ? Uint8Array.from(numbers) : Int8Array.from(numbers);
      const expected = interpretQuantized(graph, { x });
      const forms = type === "int8" ? [graph, await fromTflite(await toTflite(graph))] : [graph];
      for (const form of forms) {
        for (const variant of VARIANTS.filter(accepts)) {
          const session = await build(form, { variant });
          const { outputs } = session.run<Int8Array>(x as Int8Array);
          for (const name of ["y", "l"])
            expect([...outputs[name]!], `${name}, ${variant}`).toEqual(Array.from(expected.get(name)!));
          session.dispose();
        }
      }
    }
  });

  test("BATCH_MATMUL of values and constants, turned or not", async () => {
    const made = (a: readonly number[], b: TensorSpec, turned: readonly [number, number], y: readonly number[]) =>
      fromTflite(
        buildTflite({
          tensors: [
            { name: "x", shape: a },
            { name: "b", ...b },
            { name: "y", shape: y },
          ],
          operators: [
            {
              op: "BATCH_MATMUL",
              inputs: [0, 1],
              outputs: [2],
              options: { 0: { int8: turned[0] }, 1: { int8: turned[1] } },
            },
          ],
          ...{ inputs: [0], outputs: [2] },
        }),
      );
    const numbers = [1, 2, 3, 4, 5, 6];
    const x = Float32Array.of(1, -1, 2, 0);
    // Rows of x, [2,2], times [[1,2,3],[4,5,6]]; the other way round the columns.
    const plain = await made([1, 2, 2], { shape: [1, 2, 3], data: numbers }, [0, 0], [1, 2, 3]);
    expect([...(await build(plain)).run(x).output]).toEqual([-3, -3, -3, 2, 4, 6]);
    const turned = await made([1, 2, 2], { shape: [1, 3, 2], data: [1, 4, 2, 5, 3, 6] }, [1, 1], [1, 2, 3]);
    expect([...(await build(turned)).run(x).output]).toEqual([9, 12, 15, -1, -2, -3]);
    const spread = made([2, 2, 2], { shape: [1, 2, 3], data: numbers }, [0, 0], [2, 2, 3]);
    await expect(spread).rejects.toThrow(/expected as many matrices of each, got \[2,2,2\] and \[1,2,3\]/);
    const misfit = made([1, 2, 2], { shape: [1, 3, 2], data: numbers }, [0, 0], [1, 2, 2]);
    await expect(misfit).rejects.toThrow(FormatError);
    await expect(misfit).rejects.toThrow(/expected matrices that can be multiplied, got \[1,2,2\] and \[1,3,2\]/);
  });

  test("pixels without a scale may be moved and resized before they are cast, and not computed with", async () => {
    const made = (last: OperatorSpec, y: Type = {}) =>
      fromTflite(
        buildTflite({
          tensors: [
            { name: "x", shape: [1, 4, 4, 3], type: "uint8" },
            list(1, 1, 2, 3),
            { name: "rows", shape: [1, 2, 4, 3], type: "uint8" },
            list(2, 2),
            { name: "small", shape: [1, 2, 2, 3], type: "uint8" },
            { name: "y", shape: [1, 2, 2, 3], ...y },
            { ...list(0, 1, 0, 0), name: "begin" },
            { ...list(1, 2, 4, 3), name: "size" },
          ],
          operators: [
            { op: "SLICE", inputs: [0, 6, 7], outputs: [2] },
            { op: "RESIZE_NEAREST_NEIGHBOR", inputs: [2, 3], outputs: [4] },
            last,
          ],
          ...{ inputs: [0], outputs: [5] },
        }),
      );
    const graph = await made({ op: "CAST", inputs: [4], outputs: [5] });
    const x = Uint8Array.from({ length: 48 }, (_, i) => 5 * i);
    const { output } = (await build(graph)).run(x);
    const pixel = (row: number, column: number) => [0, 1, 2].map((c) => 5 * (12 * row + 3 * column + c));
    expect([...output]).toEqual([...pixel(1, 0), ...pixel(1, 2), ...pixel(2, 0), ...pixel(2, 2)]);
    const bytes = { type: "uint8", scales: [0.5], zeroPoints: [0] };
    for (const op of ["DEQUANTIZE", "RELU", "QUANTIZE"]) {
      const lie = made({ op, inputs: [4], outputs: [5] }, op === "DEQUANTIZE" ? {} : bytes);
      await expect(lie).rejects.toThrow(FormatError);
      await expect(lie).rejects.toThrow(/'small': expected a scale for uint8, got none/);
    }
  });

  test("CAST between floats, and sums of several", async () => {
    expect((await read({ op: "CAST", y: [SHAPE] })).nodes).toMatchObject([{ op: "identity", name: "y0" }]);
    await expect(read({ op: "CAST", y: [SHAPE] }, BYTES)).rejects.toThrow(/expected float32, got int8/);
    const tensors = ["x", "z", "w", "y"].map((name) => ({ name, shape: SHAPE }));
    const operators = [{ op: "ADD_N", inputs: [0, 1, 2], outputs: [3] }];
    const graph = await fromTflite(buildTflite({ tensors, operators, inputs: [0, 1, 2], outputs: [3] }));
    expect(graph.nodes).toEqual([
      { op: "add", name: "y/0", inputs: ["x", "z"] },
      { op: "add", name: "y", inputs: ["y/0", "w"] },
    ]);
  });

  const transposed = (type: Type, more: Type) => {
    const tensors: TensorSpec[] = [
      { name: "size", shape: [4], type: "int32", data: [1, 4, 6, 3] },
      { name: "w", shape: [3, 2, 2, 2], data: Array.from({ length: 24 }, (_, i) => i - 12), ...type, ...more },
      { name: "x", shape: [1, 2, 3, 2], ...type },
      { name: "b", shape: [3], data: [1, -2, 3], ...(type.type && { type: "int32" }) },
      { name: "y", shape: [1, 4, 6, 3], ...type },
    ];
    const options = { 0: { int8: 0 }, 1: { int32: 2 }, 2: { int32: 2 }, 3: { int8: 1 } };
    const operators = [{ op: "TRANSPOSE_CONV", inputs: [0, 1, 2, 3], outputs: [4], options }];
    return fromTflite(buildTflite({ tensors, operators, inputs: [2], outputs: [4] }));
  };

  test("TRANSPOSE_CONV: OHWI becomes HWIO", async () => {
    const graph = await transposed({}, {});
    expect(graph.nodes).toEqual([
      {
        ...{ op: "transposedConv2d", name: "y", inputs: ["x"], weights: "w", bias: "b" },
        ...{ size: [4, 6], strides: [2, 2], padding: "same", clamp: { lo: 0, hi: Number.POSITIVE_INFINITY } },
      },
    ]);
    expect([...graph.constants.get("w")!.data!].slice(0, 6)).toEqual([-12, -4, 4, -11, -3, 5]);
  });

  test("TRANSPOSE_CONV in 8 bits, to the bit", async () => {
    const graph = await transposed(BYTES, { scales: [0.1, 0.2, 0.05], zeroPoints: [0, 0, 0], axis: 0 });
    const x = Int8Array.from({ length: 12 }, (_, i) => 20 * i - 120);
    const { output } = (await build(graph)).run<Int8Array>(x);
    expect([...output]).toEqual(Array.from(interpretQuantized(graph, { x }).get("y")!));
  });

  /** MediaPipe's transposed convolution of [2, h, w, 3] to 2 channels. */
  const mediapipe = (
    [h, w]: readonly [number, number],
    [kH, kW]: readonly [number, number],
    settings: readonly number[],
    y: readonly number[],
    bias = 2,
  ) => {
    const options = new DataView(new ArrayBuffer(4 * settings.length));
    settings.forEach((n, i) => {
      options.setInt32(4 * i, n, true);
    });
    const { next } = random("transposed with bias");
    return buildTflite({
      tensors: [
        { name: "x", shape: [2, h, w, 3] },
        { name: "w", shape: [2, kH, kW, 3], data: Array.from({ length: 6 * kH * kW }, () => next() - 0.5) },
        { name: "b", shape: [bias], data: Array.from({ length: bias }, (_, i) => i + 0.25) },
        { name: "y", shape: y },
      ],
      operators: [
        {
          ...{ op: "CUSTOM", custom: "Convolution2DTransposeBias", inputs: [0, 1, 2], outputs: [3] },
          customOptions: new Uint8Array(options.buffer),
        },
      ],
      ...{ inputs: [0], outputs: [3] },
    });
  };

  test("Convolution2DTransposeBias: as loops over pixels and taps have it", async () => {
    for (const padding of [1, 2]) {
      for (const [[h, w], [kH, kW], [across, down]] of [
        [
          [2, 3],
          [2, 2],
          [2, 2],
        ],
        [
          [3, 4],
          [3, 3],
          [2, 2],
        ],
        [
          [3, 2],
          [4, 3],
          [1, 3],
        ],
        [
          [1, 1],
          [5, 2],
          [2, 1],
        ],
      ] as const) {
        const cut = (size: number, k: number, s: number) => (padding === 1 ? Math.max(0, k - ((size - 1) % s) - 1) : 0);
        const [rows, columns] = [cut(h, kH, down), cut(w, kW, across)];
        const [outH, outW] = [down * (h - 1) + kH - rows, across * (w - 1) + kW - columns];
        const graph = await fromTflite(mediapipe([h, w], [kH, kW], [padding, across, down], [2, outH, outW, 2]));
        const x = random("transposed x").floats(2 * h * w * 3);
        const weights = graph.constants.get("w")!.data!;
        const expected = new Float64Array(2 * outH * outW * 2).map((_, i) => (i % 2) + 0.25);
        x.forEach((value, i) => {
          const [c, ix, iy, n] = [i % 3, Math.floor(i / 3) % w, Math.floor(i / 3 / w) % h, Math.floor(i / 3 / w / h)];
          for (let ky = 0; ky < kH; ky++) {
            for (let kx = 0; kx < kW; kx++) {
              const [oy, ox] = [iy * down - (rows >> 1) + ky, ix * across - (columns >> 1) + kx];
              if (oy < 0 || ox < 0 || oy >= outH || ox >= outW) continue;
              for (let o = 0; o < 2; o++) {
                const tap = weights[((ky * kW + kx) * 3 + c) * 2 + o]!;
                expected[((n * outH + oy) * outW + ox) * 2 + o]! += value * tap;
              }
            }
          }
        });
        const { output } = (await build(graph)).run(x);
        expect(output).toHaveLength(expected.length);
        // At most 60 products of 1 and a half, each sum rounded.
        for (const [i, y] of output.entries()) expect(Math.abs(y - expected[i]!)).toBeLessThan(60 * 32 * 2 ** -24);
        expect((await build(await fromTflite(await toTflite(graph)))).run(x).output).toEqual(output);
      }
    }
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["no settings", mediapipe([2, 2], [2, 2], [1, 2], [2, 4, 4, 2]), /settings: expected 12 bytes, got 8/],
    ["no padding", mediapipe([2, 2], [2, 2], [0, 2, 2], [2, 4, 4, 2]), /padding 1 or 2 .* got 0, 2 and 2/],
    ["no stride", mediapipe([2, 2], [2, 2], [1, 2, 0], [2, 4, 4, 2]), /strides from 1 on, got 1, 2 and 0/],
    ["a bias too long", mediapipe([2, 2], [2, 2], [1, 2, 2], [2, 4, 4, 2], 3), /a bias, got .*\[3\]/],
    ["another size", mediapipe([2, 2], [2, 2], [1, 2, 2], [2, 5, 4, 2]), /expected \[2,4,4,2\] by its operator/],
  ])("Convolution2DTransposeBias with %s: a FormatError", async (_, bytes, message) => {
    await expect(fromTflite(bytes)).rejects.toThrow(FormatError);
    await expect(fromTflite(bytes)).rejects.toThrow(message);
  });
});
