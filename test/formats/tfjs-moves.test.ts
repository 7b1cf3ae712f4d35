/** TF.js graph models that move, spread, reduce and map numbers, node by node against TF.js itself. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { blockMove, partsAlong, plainPart, stridedPart } from "../../src/formats/common/slices.ts";
import { importModel } from "../../src/formats/recognize.ts";
import { crossCheck } from "./builders/cross-check.ts";
import { GraphFile, ints, text } from "./builders/graphdef.ts";
import type { Json } from "./builders/tfjs.ts";

beforeAll(async () => {
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  await tf.ready();
});

const SHAPE = [1, 6, 4, 8];
const base = () => new GraphFile().placeholder("x", ...SHAPE);

/** A node of lists of whole numbers, each an input of its own. */
function listed(op: string, lists: readonly (readonly number[])[], attr: Json = {}): GraphFile {
  const file = base();
  for (const [i, numbers] of lists.entries()) file.list(`list${i}`, ...numbers);
  return file.node("y", op, ["x", ...lists.map((_, i) => `list${i}`)], attr);
}

const flag = (key: string) => ({ [key]: { b: true } });

describe("against TF.js", () => {
  test.each<[string, GraphFile]>([
    // Sizes whose quotients float32 has: TF.js finds places in double precision.
    ["bilinear, larger", listed("ResizeBilinear", [[8, 16]])],
    ["bilinear, corners", listed("ResizeBilinear", [[11, 8]], flag("align_corners"))],
    ["bilinear, centers", listed("ResizeBilinear", [[24, 2]], flag("half_pixel_centers"))],
    ["nearest", listed("ResizeNearestNeighbor", [[9, 7]])],
    ["nearest, corners", listed("ResizeNearestNeighbor", [[11, 8]], flag("align_corners"))],
    ["nearest, centers", listed("ResizeNearestNeighbor", [[12, 3]], flag("half_pixel_centers"))],
    ["channels first", listed("Transpose", [[0, 3, 1, 2]])],
    ["tiles", listed("Tile", [[1, 2, 1, 3]])],
    ["the largest of each channel", listed("Max", [[1, 2]])],
    ["the smallest of all", listed("Min", [[0, 1, 2, 3]])],
    ["sums over channels", listed("Sum", [[-1]], flag("keep_dims"))],
    ["means over columns", listed("Mean", [[2]])],
    ["products", listed("Prod", [[3]])],
    [
      "a part",
      listed("Slice", [
        [0, 1, 0, 2],
        [1, -1, 2, 3],
      ]),
    ],
    ["channels to pixels", blocks(2)],
    ["a mirror's frame", mirrored("REFLECT")],
    ["a mirror's frame with edges", mirrored("SYMMETRIC")],
    ...["Abs", "Neg", "Square", "Exp", "Tanh", "Floor", "Ceil", "Round"].map((op): [string, GraphFile] => [
      op,
      base().node("y", op, ["x"]),
    ]),
  ])("%s", async (_, file) => {
    const graph = await crossCheck(file, SHAPE, "y");
    expect(graph.nodes.at(-1)).toMatchObject({ name: "y" });
  });

  test("roots, of squares and one", async () => {
    const file = base().constant("one", [], Float32Array.of(1)).node("square", "Square", ["x"]);
    file.node("above", "AddV2", ["square", "one"]).node("root", "Sqrt", ["above"]).node("turned", "Rsqrt", ["above"]);
    file.node("log", "Log", ["above"]);
    await crossCheck(file.node("y", "AddN", ["root", "turned", "above", "log"]), SHAPE, "y");
  });

  test.each(["AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference"])(
    "%s: of two values, of a gate, of weights of any shape, in either order",
    async (op) => {
      const above = (n: number) => Float32Array.from({ length: n }, (_, i) => 1 + (i % 5) / 4);
      const file = base().list("axes", 1, 2).node("gate", "Max", ["x", "axes"], flag("keep_dims"));
      file.constant("two", [], Float32Array.of(2)).node("away", "AddV2", ["gate", "two"]);
      file.constant("columns", [4, 1], above(4)).constant("all", [1, 6, 4, 8], above(192));
      file.node("gated", op, ["x", "away"]).node("turned", op, ["away", "x"]);
      file.node("two_values", op, ["gated", "x"]).node("by_column", op, ["x", "columns"]);
      file.node("from_all", op, ["all", "away"]);
      await crossCheck(
        file,
        SHAPE,
        "gated",
        ...(op === "RealDiv" ? [] : ["turned", "two_values"]),
        "by_column",
        "from_all",
      );
    },
  );

  test("the place of the largest", async () => {
    for (const axis of [1, -1]) {
      const file = base().constant("axis", [], Int32Array.of(axis)).node("y", "ArgMax", ["x", "axis"]);
      await crossCheck(file, SHAPE, "y");
    }
  });

  test("parts in steps, by masks", async () => {
    const mask = (masks: Readonly<Record<string, number>>): Json =>
      Object.fromEntries(Object.entries(masks).map(([key, bits]) => [`${key}_mask`, { i: `${bits}` }]));
    for (const [begin, end, strides, masks] of [
      [[0, 1, 0, 2], [1, 5, 4, 7], [1, 2, 1, 3], {}],
      [[0, -1, 0, -2], [1, 0, 4, -8], [1, -2, 1, -1], {}],
      [[0, 0, 3, 0], [0, 0, 4, 0], [1, 1, 1, 1], { begin: 0b1011, end: 0b1011, shrink: 0b100 }],
      [[0, 2], [0, 3], [1, 1], { ellipsis: 1, shrink: 2 }],
      [[0, 0, 1], [0, 0, 4], [1, 1, 2], { begin: 1, end: 1, new_axis: 2 }],
    ] as [number[], number[], number[], Record<string, number>][]) {
      await crossCheck(listed("StridedSlice", [begin, end, strides], mask(masks)), SHAPE, "y");
    }
  });

  test("values in parts, and parts as one", async () => {
    const file = base()
      .constant("axis", [], Int32Array.of(3))
      .node("halves", "Split", ["axis", "x"], { num_split: { i: "2" } })
      .list("sizes", 1, -1, 2)
      .node("parts", "SplitV", ["halves:1", "sizes", "axis"], { num_split: { i: "3" } })
      .node("rows", "Unpack", ["parts:2"], { axis: { i: "1" }, num: { i: "6" } })
      .node("sum", "AddV2", ["rows", "rows:5"])
      .constant("first", [], Int32Array.of(0))
      .node("wide", "ExpandDims", ["sum", "first"])
      .node("pair", "Pack", ["sum", "rows:3"], { axis: { i: "1" } })
      .node("narrow", "Squeeze", ["wide"], { squeeze_dims: ints(0, 1) })
      .node("cast", "Cast", ["narrow"], { SrcT: { type: "DT_FLOAT" }, DstT: { type: "DT_FLOAT" } })
      .node("joined", "ConcatV2", ["halves", "parts:1", "axis"], { N: { i: "2" } });
    const graph = await crossCheck(file, SHAPE, "joined", "pair", "cast");
    const last = await importModel(
      base()
        .constant("axis", [], Int32Array.of(3))
        .node("y", "Split", ["axis", "x"], {
          num_split: { i: "2" },
        })
        .files("y:1"),
    );
    expect(last.outputs).toEqual(["y:1"]);
    expect(graph.outputs).toEqual(["joined", "pair", "cast"]);
  });

  test.each([
    [2, [2, 2], "SAME", [1, 12, 8, 5]],
    [2, [3, 3], "SAME", [1, 11, 8, 5]],
    [2, [4, 4], "SAME", [1, 12, 7, 5]],
    [3, [3, 2], "VALID", [1, 18, 12, 5]],
    [1, [3, 3], "SAME", [1, 6, 4, 5]],
  ] as [number, [number, number], string, number[]][])(
    "transposed, stride %i, kernel %j, %s",
    async (stride, kernel, padding, size) => {
      const file = base()
        .list("size", ...size)
        .weight("w", [...kernel, 5, 8])
        .weight("b", [5])
        .node("up", "Conv2DBackpropInput", ["size", "w", "x"], {
          strides: ints(1, stride, stride, 1),
          padding: text(padding),
          data_format: text("NHWC"),
        })
        .node("y", "BiasAdd", ["up", "b"]);
      const graph = await crossCheck(file, SHAPE, "y");
      expect(graph.nodes.map(({ op }) => op)).toEqual(["transposedConv2d"]);
    },
  );
});

describe("places that are computed", () => {
  const whole = { T: { type: "DT_INT32" } };
  const int = { type: "DT_INT32" };
  const float = { type: "DT_FLOAT" };

  test("the largest pixel of each channel, found and fetched", async () => {
    const file = base()
      .list("flat", 24, 8)
      .node("pixels", "Reshape", ["x", "flat"])
      .constant("first", [], Int32Array.of(0))
      .node("where", "ArgMax", ["pixels", "first"], { Tidx: int, output_type: int })
      .constant("width", [], Int32Array.of(4))
      .node("row", "FloorDiv", ["where", "width"], whole)
      .node("before", "Mul", ["row", "width"], whole)
      .node("column", "Sub", ["where", "before"], whole)
      .list("image", 0, 0, 0, 0, 0, 0, 0, 0)
      .list("channel", 0, 1, 2, 3, 4, 5, 6, 7)
      .node("places", "Pack", ["image", "row", "column", "channel"], { axis: { i: "1" }, ...whole })
      .node("largest", "GatherNd", ["x", "places"], { Tindices: int })
      .constant("some", [2, 2], Int32Array.of(0, 5, 0, 2))
      .node("rows", "GatherNd", ["x", "some"], { Tindices: int })
      .node("as_float", "Cast", ["row"], { SrcT: int, DstT: float })
      .node("y", "AddV2", ["largest", "as_float"]);
    const graph = await crossCheck(file, SHAPE, "y", "rows");
    const ops = graph.nodes.map(({ op }) => op);
    expect(ops.filter((op) => op === "cast")).toHaveLength(1);
    expect(ops).toContain("gatherNd");
  });

  test("whole numbers of an argmax stay what they are through reshapes, and are floats in a sum", async () => {
    const file = base()
      .list("last", 3)
      .node("where", "ArgMax", ["x", "last"], { Tidx: int, output_type: int })
      .constant("first", [], Int32Array.of(0))
      .node("longer", "ExpandDims", ["where", "first"])
      .node("shorter", "Squeeze", ["longer"], { squeeze_dims: ints(0) })
      .node("cast", "Cast", ["shorter"], { SrcT: int, DstT: float })
      .node("y", "AddV2", ["cast", "cast"]);
    const graph = await crossCheck(file, SHAPE, "y", "shorter");
    expect(graph.nodes.find(({ name }) => name === "shorter")).toMatchObject({ dtype: "int32" });
  });

  test("a cast to whole numbers cuts fractions off", async () => {
    const file = base()
      .constant("ten", [], Float32Array.of(10))
      .node("wide", "Mul", ["x", "ten"])
      .node("y", "Cast", ["wide"], { SrcT: float, DstT: int });
    await crossCheck(file, SHAPE, "y");
  });

  test("quotients of whole numbers are exact", async () => {
    const file = base()
      .list("flat", 192)
      .node("pixels", "Reshape", ["x", "flat"])
      .constant("hundred", [], Float32Array.of(1000))
      .node("wide", "Mul", ["pixels", "hundred"])
      .node("whole", "Cast", ["wide"], { SrcT: float, DstT: int })
      .constant("by", [], Int32Array.of(49))
      .node("up", "Mul", ["whole", "by"], whole)
      .node("y", "FloorDiv", ["up", "by"], whole);
    const graph = await crossCheck(file, SHAPE, "y");
    expect(graph.nodes.at(-1)).toMatchObject({ op: "unary", of: "floor" });
  });
});

function blocks(size: number): GraphFile {
  return base().node("y", "DepthToSpace", ["x"], { block_size: { i: `${size}` }, data_format: text("NHWC") });
}

function mirrored(mode: string): GraphFile {
  return base()
    .constant("frame", [4, 2], Int32Array.of(0, 0, 2, 1, 3, 0, 0, 0))
    .node("y", "MirrorPad", ["x", "frame"], { mode: text(mode) });
}

describe("what does not fit", () => {
  test.each<[string, GraphFile, RegExp]>([
    [
      "a part outside",
      listed("Slice", [
        [0, 5, 0, 0],
        [1, 2, 4, 8],
      ]),
      /\(Slice\): expected a part of \[1,6,4,8\]/,
    ],
    ["no size", listed("ResizeBilinear", [[0, 3]]), /\(ResizeBilinear\): expected a height and a width from 1 on/],
    [
      "corners and centers",
      listed("ResizeBilinear", [[3, 3]], { ...flag("align_corners"), ...flag("half_pixel_centers") }),
      /expected align_corners or half_pixel_centers, got both/,
    ],
    ["an axis too many", listed("Max", [[4]]), /\(Max\): expected axes below 4, got \[4\]/],
    ["an axis twice", listed("Transpose", [[0, 1, 1, 2]]), /expected each axis once, got \[0, 1, 1, 2\]/],
    ["blocks of 3", blocks(3), /an image of blocks of 3/],
    [
      "parts that are not the whole",
      base().list("sizes", 3, 4).list("axis", 3).node("y", "SplitV", ["x", "sizes", "axis"]),
      /\(SplitV\): expected sizes that make up axis 3 of \[1,6,4,8\], got \[3,4\]/,
    ],
    [
      "a squeeze of what is wide",
      base().node("y", "Squeeze", ["x"], { squeeze_dims: ints(1) }),
      /squeeze_dims of size 1/,
    ],
  ])("%s", async (_, file, message) => {
    await expect(importModel(file.files("y"))).rejects.toThrow(message);
  });
});

describe("parts", () => {
  const none = { begin: 0, end: 0, ellipsis: 0, newAxis: 0, shrink: 0 };

  test("keep what is whole open", () => {
    const part = stridedPart([3, 5], [0, 1], [3, 3], [1, 1], none);
    expect(part).toEqual({ begin: [0, 1], size: [-1, 2], strides: [1, 1], shape: [3, 2] });
    expect(plainPart([3, 5], [0, 1], [-1, 2])).toEqual(part);
    expect(partsAlong([3, 5], 1, [1, 4])?.map(({ begin, shape }) => [begin, shape])).toEqual([
      [
        [0, 0],
        [3, 1],
      ],
      [
        [0, 1],
        [3, 4],
      ],
    ]);
  });

  test("are none where nothing is left, or lists do not fit", () => {
    expect(stridedPart([3], [2], [1], [1], none)).toBeUndefined();
    expect(stridedPart([3], [0], [3], [0], none)).toBeUndefined();
    expect(stridedPart([3], [0, 0], [1, 1], [1, 1], none)).toBeUndefined();
    expect(stridedPart([3], [0], [1, 1], [1], none)).toBeUndefined();
    expect(stridedPart([3], [3], [4], [1], { ...none, shrink: 1 })).toBeUndefined();
    expect(plainPart([3], [1], [3])).toBeUndefined();
    expect(plainPart([3], [1], [0])).toBeUndefined();
    expect(partsAlong([3], 1, [3])).toBeUndefined();
    expect(partsAlong([3], 0, [2, 2])).toBeUndefined();
    expect(blockMove([1, 2, 3, 8], 2, "depth")).toBeUndefined();
    expect(blockMove([1, 2, 2], 2, "space")).toBeUndefined();
  });
});
