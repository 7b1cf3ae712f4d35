/** Sizes that a TFLite file leaves open, and what it computes of them. */
import { describe, expect, test } from "vitest";
import { build } from "../../src/engine/build.ts";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite, type TfliteOptions } from "../../src/formats/tflite/read.ts";
import { buildTflite, type ModelSpec, type OperatorSpec, type TensorSpec } from "./builders/tflite.ts";

const ints = (name: string, ...values: number[]): TensorSpec => ({
  ...{ name, shape: [values.length], type: "int32", data: values },
});
const scalar = (name: string, value: number): TensorSpec => ({ name, shape: [], type: "int32", data: [value] });
const made = (name: string, ...shape: number[]): TensorSpec => ({ name, shape, type: "int32" });

const X: TensorSpec = { name: "x", shape: [1, 2, 3, 4], signature: [-1, 2, 3, 4] };
/** An output of which the file knows nothing but its rank. */
const open = (rank: number): TensorSpec => ({
  ...{ name: "y", shape: new Array<number>(rank).fill(1), signature: new Array<number>(rank).fill(-1) },
});

/** Tensors by name, and operators that name them. */
function model(tensors: readonly TensorSpec[], operators: readonly (readonly [string, string, string, object?])[]) {
  const indexOf = (name: string) => tensors.findIndex((tensor) => tensor.name === name);
  const spec: ModelSpec = {
    tensors,
    operators: operators.map(([op, inputs, output, options]): OperatorSpec => {
      const read = inputs === "" ? [] : inputs.split(" ").map(indexOf);
      return { op, inputs: read, outputs: [indexOf(output)], ...(options && { options: options as never }) };
    }),
    inputs: [indexOf("x")],
    outputs: [indexOf("y")],
  };
  return buildTflite(spec);
}

/** The shape of the output, for a batch of 2 as well. */
async function shapes(bytes: Uint8Array, options?: TfliteOptions): Promise<readonly (readonly number[])[]> {
  const graph = await fromTflite(bytes, options);
  const sessions = [await build(graph), await build(graph, { batch: 2 })];
  return sessions.map(({ outputs }) => outputs[0]!.shape);
}

const SHAPE = ["SHAPE", "x", "shape", { 0: { int8: 2 } }] as const;
const batch = (mask = 1) => ["STRIDED_SLICE", "shape begin end step", "n", { 4: { int32: mask } }] as const;
const SLICING = [made("shape", 4), ints("begin", 0), ints("end", 1), ints("step", 1), made("n")];

describe("a reshape whose batch is taken from its input", () => {
  test("SHAPE, STRIDED_SLICE, PACK, RESHAPE, as Keras's Reshape is converted", async () => {
    const tensors = [X, ...SLICING, scalar("c", 24), made("target", 2), open(2)];
    const bytes = model(tensors, [SHAPE, batch(), ["PACK", "n c", "target"], ["RESHAPE", "x target", "y"]]);
    expect(await shapes(bytes)).toEqual([
      [1, 24],
      [2, 24],
    ]);
    const values = Float32Array.from({ length: 24 }, (_, i) => i);
    expect((await build(await fromTflite(bytes))).run(values).output).toEqual(values);
  });

  test("GATHER and CONCATENATION instead", async () => {
    const tensors = [X, made("shape", 4), ints("which", 0, -1), made("ends", 2), ints("c", 6), made("t", 3), open(3)];
    const bytes = model(tensors, [
      SHAPE,
      ["GATHER", "shape which", "ends", { 0: { int32: 0 } }],
      ["CONCATENATION", "ends c", "t", { 0: { int32: 0 } }],
      ["RESHAPE", "x t", "y"],
    ]);
    expect(await shapes(bytes)).toEqual([
      [1, 4, 6],
      [2, 4, 6],
    ]);
  });

  test("a slice without the mask, a product of the rest", async () => {
    const tensors = [X, ...SLICING, ints("one", 1), ints("rest", -1), made("tail", 3), ints("zero", 0), made("c", 1)];
    const bytes = model(
      [...tensors, made("t", 2), open(2)],
      [
        SHAPE,
        batch(0),
        ["SLICE", "shape one rest", "tail"],
        ["REDUCE_PROD", "tail zero", "c", { 0: { int8: 1 } }],
        ["CONCATENATION", "n c", "t"],
        ["RESHAPE", "x t", "y"],
      ],
    );
    expect(await shapes(bytes)).toEqual([
      [1, 24],
      [2, 24],
    ]);
  });

  test("a PACK of constants alone", async () => {
    const bytes = model(
      [{ name: "x", shape: [1, 2, 3, 4] }, scalar("a", -1), scalar("b", 8), made("t", 2), { name: "y", shape: [3, 8] }],
      [
        ["PACK", "a b", "t"],
        ["RESHAPE", "x t", "y"],
      ],
    );
    expect((await fromTflite(bytes)).nodes).toMatchObject([{ op: "reshape", shape: [3, 8] }]);
  });

  test.each<[string, string, string, number[]]>([
    ["ADD", "a b", "sizes", [7, 6]],
    ["SUB", "a b", "sizes", [1, 2]],
    ["MUL", "a b", "sizes", [12, 8]],
    ["DIV", "a b", "sizes", [1, 2]],
    ["FLOOR_DIV", "a b", "sizes", [1, 2]],
    ["MAXIMUM", "a b", "sizes", [4, 4]],
    ["MINIMUM", "a b", "sizes", [3, 2]],
    ["ADD", "a one", "sizes", [5, 5]],
  ])("%s of %s as the size of a resize", async (op, inputs, output, expected) => {
    const tensors = [X, ints("a", 4, 4), ints("b", 3, 2), ints("one", 1), made("sizes", 2), open(4)];
    const bytes = model(tensors, [
      [op, inputs, output],
      ["RESIZE_BILINEAR", "x sizes", "y", { 2: { int8: 0 }, 3: { int8: 0 } }],
    ]);
    expect((await shapes(bytes))[0]).toEqual([1, ...expected, 4]);
  });

  test("what is not known beforehand is named", async () => {
    const tensors = [X, { name: "v", shape: [4] }, ints("begin", 0), ints("end", 1), ints("step", 1), open(1)];
    const bytes = model(tensors, [["FLOOR_DIV", "x step", "y"]]);
    await expect(fromTflite(bytes)).rejects.toThrow(UnsupportedError);
    await expect(fromTflite(bytes)).rejects.toThrow(/operator 0 \(FLOOR_DIV\) for 'y': .*known beforehand, got 'x'/);
  });

  test("a list that doubles without end", async () => {
    const tensors = [X, made("p0", 4), ...Array.from({ length: 30 }, (_, i) => made(`p${i + 1}`, 1)), open(2)];
    const operators = Array.from({ length: 30 }, (_, i) => ["CONCATENATION", `p${i} p${i}`, `p${i + 1}`] as const);
    const bytes = model(tensors, [["SHAPE", "x", "p0"], ...operators, ["RESHAPE", "x p30", "y"]]);
    await expect(fromTflite(bytes)).rejects.toThrow(UnsupportedError);
  });

  test("a division by zero", async () => {
    const tensors = [X, ints("a", 4), ints("zero", 0), made("q", 1), open(1)];
    const bytes = model(tensors, [
      ["FLOOR_DIV", "a zero", "q"],
      ["RESHAPE", "x q", "y"],
    ]);
    await expect(fromTflite(bytes)).rejects.toThrow(/FLOOR_DIV/);
  });
});

describe("open heights and widths", () => {
  const pixels: TensorSpec = { name: "x", shape: [1, 1, 1, 3], signature: [-1, -1, -1, 3] };
  const one = { int32: 1 };
  const conv = ["CONV_2D", "x w", "m", { 0: { int8: 0 }, 1: one, 2: one, 3: { int8: 0 } }] as const;
  const w: TensorSpec = { name: "w", shape: [2, 1, 1, 3], data: [1, 2, 3, 4, 5, 6] };

  test("the option resolution gives them, and what lies behind follows", async () => {
    const m: TensorSpec = { name: "m", shape: [1, 1, 1, 2], signature: [-1, -1, -1, 2] };
    const bytes = model([pixels, w, m, { name: "y", shape: [1, 1, 1, 2] }], [conv, ["RELU", "m", "y"]]);
    expect(await shapes(bytes, { resolution: 5 })).toEqual([
      [1, 5, 5, 2],
      [2, 5, 5, 2],
    ]);
    await expect(fromTflite(bytes)).rejects.toThrow(UnsupportedError);
    await expect(fromTflite(bytes)).rejects.toThrow(/input 'x': .* got \[-1,-1,-1,3\]; the option resolution/);
  });

  test("a known batch and one open side", async () => {
    const x: TensorSpec = { name: "x", shape: [1, 6, 1, 3], signature: [1, 6, -1, 3] };
    const bytes = model([x, { name: "y", shape: [1, 6, 1, 3] }], [["RELU", "x", "y"]]);
    expect((await shapes(bytes, { resolution: 4 }))[0]).toEqual([1, 6, 4, 3]);
  });

  test("sizes that follow: a mean, a squeeze, an expansion", async () => {
    const shapesOf = (...shape: number[]) => ({ shape, signature: shape.map(() => -1) });
    const bytes = model(
      [
        pixels,
        ints("axes", 1, 2),
        { name: "mean", ...shapesOf(1, 1, 1, 3) },
        { name: "flat", ...shapesOf(1, 1) },
        scalar("axis", 1),
        { name: "y", ...shapesOf(1, 1, 1) },
      ],
      [
        ["MEAN", "x axes", "mean", { 0: { int8: 1 } }],
        ["SQUEEZE", "mean", "flat"],
        ["EXPAND_DIMS", "flat axis", "y"],
      ],
    );
    const graph = await fromTflite(bytes, { resolution: 4 });
    // All axes of size 1 go where none is named, the batch too.
    expect(graph.nodes.at(-2)).toMatchObject({ op: "reshape", shape: [3] });
    expect(graph.nodes.at(-1)).toMatchObject({ op: "reshape", shape: [-1, 1] });
  });

  test("a closed file keeps its sizes, whatever is asked for", async () => {
    const bytes = model(
      [
        { name: "x", shape: [1, 2, 2, 3] },
        { name: "y", shape: [1, 2, 2, 3] },
      ],
      [["RELU", "x", "y"]],
    );
    expect((await shapes(bytes, { resolution: 7 }))[0]).toEqual([1, 2, 2, 3]);
    await expect(fromTflite(bytes, { resolution: 0 })).rejects.toThrow(RangeError);
  });

  test.each<[string, TensorSpec]>([
    ["open channels", { name: "x", shape: [1, 1, 1, 1], signature: [1, 4, 4, -1] }],
    ["an open row", { name: "x", shape: [1, 1], signature: [1, -1] }],
    ["a size of 0", { name: "x", shape: [1, 0, 4, 1] }],
  ])("%s", async (_, x) => {
    const bytes = model([x, { name: "y", shape: x.shape }], [["RELU", "x", "y"]]);
    await expect(fromTflite(bytes, { resolution: 4 })).rejects.toThrow(/input 'x': expected known sizes/);
  });
});

describe("outputs", () => {
  const value = (name: string): TensorSpec => ({ name, shape: [1, 1, 1, 4] });
  const [x, a, b] = [value("x"), value("a"), value("b")];
  const operators = [
    { op: "RELU", inputs: [0], outputs: [1] },
    { op: "RELU6", inputs: [1], outputs: [2] },
  ];
  const outputsOf = (...outputs: number[]) =>
    fromTflite(buildTflite({ tensors: [x, a, b], operators, inputs: [0], outputs }));

  test("keep the file's order, one that is listed twice both its places", async () => {
    const graph = await outputsOf(2, 1, 2);
    expect(graph.outputs).toEqual(["b", "a", "b"]);
    const session = await build(graph);
    expect(session.run(Float32Array.of(-1, 2, 8, 0)).output).toEqual(Float32Array.of(0, 2, 6, 0));
  });

  test("may be inputs too", async () => {
    expect((await outputsOf(0, 1)).outputs).toEqual(["x", "a"]);
  });

  test("must be there, and be computed", async () => {
    await expect(outputsOf()).rejects.toThrow(FormatError);
    const tensors = [x, a, b, { name: "c", shape: [2], data: [1, 2] }];
    const bytes = buildTflite({ tensors, operators, inputs: [0], outputs: [3] });
    await expect(fromTflite(bytes)).rejects.toThrow(/output 'c': expected a value that is computed/);
  });
});
