/** Each operator for itself, against naive loops over channels first. */

import { describe, expect, it } from "vitest";
import { fromOnnx } from "../../../src/formats/onnx/read.ts";
import { build, conv, matMul, numbers, pool, transpose } from "./reference.ts";
import { expectImage, expectSame } from "./run.ts";
import { type Attribute, OnnxFile } from "./writer.ts";

const nowhere = async () => {
  throw new Error("no other files");
};
const image = numbers([1, 4, 7, 6]);
const file = (opset?: number, dims: readonly number[] = image.dims) => new OnnxFile(opset).input("x", dims);
type Settings = Readonly<Record<string, Attribute>>;

describe("Conv", () => {
  const constants = (w: { dims: readonly number[]; data: readonly number[] }, bias: readonly number[]) =>
    file().initializer("w", w.dims, w.data).initializer("b", [bias.length], bias);

  it.each<readonly [string, Settings, Parameters<typeof conv>[4]]>([
    ["no settings", {}, {}],
    ["strides", { strides: [2, 1] }, { strides: [2, 1] }],
    ["uneven pads", { pads: [1, 0, 2, 1] }, { pads: [1, 0, 2, 1] }],
    ["dilations", { dilations: [2, 1], pads: [1, 1, 1, 1] }, { dilations: [2, 1], pads: [1, 1, 1, 1] }],
    ["SAME_UPPER", { auto_pad: "SAME_UPPER", strides: [2, 2] }, { strides: [2, 2], pads: [1, 0, 1, 1] }],
    ["SAME_LOWER", { auto_pad: "SAME_LOWER", strides: [2, 2] }, { strides: [2, 2], pads: [1, 1, 1, 0] }],
    ["VALID", { auto_pad: "VALID", strides: [3, 3] }, { strides: [3, 3] }],
  ])("%s", async (_, settings, options) => {
    const w = numbers([5, 4, 3, 3], 2);
    const bias = [1, -2, 3, -4, 5];
    const expected = conv(image, w, bias, 1, options);
    await expectImage(constants(w, bias).node("Conv", ["x", "w", "b"], "y", settings).output("y"), image, expected);
  });

  it.each([1, 2])("one group for each channel, %i filters each", async (multiplier) => {
    const w = numbers([4 * multiplier, 1, 3, 2], 3);
    const bias = numbers([4 * multiplier], 4).data;
    const node = constants(w, bias).node("Conv", ["x", "w", "b"], "y", { group: 4, strides: [2, 1] });
    await expectImage(node.output("y"), image, conv(image, w, bias, 4, { strides: [2, 1] }));
  });

  it("of rows, whose channels are moved by nobody where there is one", async () => {
    const x = numbers([1, 1, 9]);
    const w = numbers([3, 1, 3], 2);
    const expected = conv({ dims: [1, 1, 1, 9], data: x.data }, { dims: [3, 1, 1, 3], data: w.data }, [], 1, {
      strides: [1, 2],
      pads: [0, 1, 0, 0],
    });
    const node = file(17, x.dims)
      .initializer("w", w.dims, w.data)
      .node("Conv", ["x", "w"], "c", { strides: [2], pads: [1, 0] })
      .node("GlobalAveragePool", ["c"], "y")
      .output("y");
    const means = build([1, 3, 1], ([, c]) => expected.data.slice(c! * 4, c! * 4 + 4).reduce((a, b) => a + b) / 4);
    await expectSame(node, x, means);
  });

  it("weights in float16, and in fields of their type", async () => {
    const w = build([2, 4, 1, 1], ([o, i]) => (o === i ? 1 : o! - 0.5 * i!));
    const bits = [0x3c00, 0xb800, 0xbc00, 0xbe00, 0x3c00, 0x3c00, 0, 0xb800];
    for (const storage of ["raw", "typed"] as const) {
      const node = file().initializer("w", [2, 4, 1, 1], bits, "float16", storage);
      await expectImage(node.node("Conv", ["x", "w"], "y").output("y"), image, conv(image, w, []));
      const typed = file().initializer("w", w.dims, w.data, "float32", storage);
      await expectImage(typed.node("Conv", ["x", "w"], "y").output("y"), image, conv(image, w, []));
    }
  });
});

describe("pools", () => {
  it.each<readonly [string, "max" | "mean" | "mean with pads", Settings, Parameters<typeof pool>[3]]>([
    ["MaxPool", "max", { strides: [2, 2] }, { strides: [2, 2] }],
    ["MaxPool", "max", { pads: [1, 0, 0, 1] }, { pads: [1, 0, 0, 1] }],
    ["AveragePool", "mean", { pads: [1, 0, 0, 1] }, { pads: [1, 0, 0, 1] }],
    ["AveragePool", "mean with pads", { pads: [1, 0, 0, 1], count_include_pad: 1 }, { pads: [1, 0, 0, 1] }],
    ["AveragePool", "mean", { strides: [2, 3], ceil_mode: 1 }, { strides: [2, 3], pads: [0, 0, 1, 0] }],
    ["MaxPool", "max", { strides: [2, 3], ceil_mode: 1 }, { strides: [2, 3], pads: [0, 0, 1, 0] }],
    ["AveragePool", "mean", { auto_pad: "SAME_LOWER" }, { pads: [1, 1, 0, 0] }],
  ])("%s, %s, %o", async (op, kind, settings, options) => {
    const node = file().node(op, ["x"], "y", { kernel_shape: [2, 2], ...settings });
    await expectImage(node.output("y"), image, pool(kind, image, [2, 2], options));
  });

  it.each([
    ["GlobalAveragePool", "mean"],
    ["GlobalMaxPool", "max"],
  ] as const)("%s", async (op, kind) => {
    await expectImage(file().node(op, ["x"], "y").output("y"), image, pool(kind, image, [7, 6]));
  });

  it.each([0, 1])("ReduceMean over height and width, keepdims %i", async (keepdims) => {
    const mean = pool("mean", image, [7, 6]);
    const settings = file(17)
      .node("ReduceMean", ["x"], "y", { axes: [-1, 2], keepdims })
      .output("y");
    const inputs = file(18).initializer("a", [2], [2, 3], "int64").node("ReduceMean", ["x", "a"], "y", { keepdims });
    for (const node of [settings, inputs.output("y")]) {
      if (keepdims) await expectImage(node, image, mean);
      else await expectSame(node, image, { dims: [1, 4], data: mean.data });
    }
  });
});

describe("activations", () => {
  const each = (f: (n: number, c: number) => number) =>
    build(image.dims, (index) => f(image.data[(index[1]! * 7 + index[2]!) * 6 + index[3]!]!, index[1]!));
  const clamp = (n: number) => Math.min(1, Math.max(0, n));
  const sigmoid = (n: number) => 1 / (1 + Math.exp(-n));

  it.each<readonly [string, OnnxFile, (n: number, c: number) => number]>([
    ["Relu", file().node("Relu", ["x"], "y"), (n) => Math.max(0, n)],
    ["Clip, settings", file(10).node("Clip", ["x"], "y", { min: { float: -1 } }), (n) => Math.max(-1, n)],
    ["Clip, inputs", file(11).initializer("hi", [], [6]).node("Clip", ["x", "", "hi"], "y"), (n) => Math.min(6, n)],
    [
      "Clip, bounds the wrong way round",
      file().initializer("lo", [], [3]).initializer("hi", [], [1]).node("Clip", ["x", "lo", "hi"], "y"),
      () => 1,
    ],
    ["LeakyRelu", file().node("LeakyRelu", ["x"], "y", { alpha: { float: 0.25 } }), (n) => (n < 0 ? n / 4 : n)],
    [
      "PRelu by channel",
      file().initializer("a", [4, 1, 1], [1, 2, 3, 4]).node("PRelu", ["x", "a"], "y"),
      (n, c) => (n < 0 ? n * (c + 1) : n),
    ],
    [
      "PRelu by one number",
      file().initializer("a", [1], [2]).node("PRelu", ["x", "a"], "y"),
      (n) => (n < 0 ? 2 * n : n),
    ],
    ["Sigmoid", file().node("Sigmoid", ["x"], "y"), sigmoid],
    ["HardSwish", file().node("HardSwish", ["x"], "y"), (n) => n * clamp(n / 6 + 0.5)],
    ["HardSigmoid", file().node("HardSigmoid", ["x"], "y"), (n) => clamp(0.2 * n + 0.5)],
    [
      "HardSigmoid times its input",
      file()
        .node("HardSigmoid", ["x"], "h", { alpha: { float: 1 / 6 } })
        .node("Mul", ["x", "h"], "y"),
      (n) => n * clamp(n / 6 + 0.5),
    ],
    ["Max", file().initializer("a", [], [2]).node("Max", ["x", "a"], "y"), (n) => Math.max(2, n)],
    ["Min", file().initializer("a", [], [2]).node("Min", ["a", "x"], "y"), (n) => Math.min(2, n)],
    ["Add", file().initializer("a", [1], [2]).node("Add", ["x", "a"], "y"), (n) => n + 2],
    ["Sub", file().initializer("a", [1, 4, 1, 1], [1, 2, 3, 4]).node("Sub", ["a", "x"], "y"), (n, c) => c + 1 - n],
    ["Mul", file().initializer("a", [4, 1, 1], [1, 2, 3, 4]).node("Mul", ["x", "a"], "y"), (n, c) => n * (c + 1)],
    ["Div", file().initializer("a", [], [4]).node("Div", ["x", "a"], "y"), (n) => n / 4],
    ["Max of two values", file().node("Neg", ["x"], "n").node("Max", ["x", "n"], "y"), Math.abs],
    ["Min of three", file().node("Neg", ["x"], "n").node("Min", ["x", "n", "x"], "y"), (n) => -Math.abs(n)],
    ["Div by a value", file().node("Exp", ["x"], "e").node("Div", ["x", "e"], "y"), (n) => n / Math.exp(n)],
    [
      "a dividend",
      file().initializer("a", [], [4]).node("Exp", ["x"], "e").node("Div", ["a", "e"], "y"),
      (n) => 4 / Math.exp(n),
    ],
    ["Abs and Sqrt", file().node("Abs", ["x"], "a").node("Sqrt", ["a"], "y"), (n) => Math.sqrt(Math.abs(n))],
    ["Tanh and Floor", file().node("Tanh", ["x"], "t").node("Floor", ["t"], "y"), (n) => Math.floor(Math.tanh(n))],
    ["Reciprocal", file().node("Exp", ["x"], "e").node("Reciprocal", ["e"], "y"), (n) => Math.exp(-n)],
    ["Add of itself", file().node("Add", ["x", "x"], "y"), (n) => 2 * n],
    ["Sum of three", file().node("Sum", ["x", "x", "x"], "y"), (n) => 3 * n],
    ["Identity and Dropout", file().node("Identity", ["x"], "i").node("Dropout", ["i"], "y"), (n) => n],
    [
      "BatchNormalization",
      file()
        .initializer("g", [4], [1, 2, 3, 4])
        .initializer("b", [4], [0, 1, 0, 1])
        .initializer("m", [4], [1, 1, 2, 2])
        .initializer("v", [4], [4, 4, 1, 1])
        .node("BatchNormalization", ["x", "g", "b", "m", "v"], "y", { epsilon: { float: 0 } }),
      (n, c) => ((c + 1) * (n - (c < 2 ? 1 : 2))) / (c < 2 ? 2 : 1) + (c % 2),
    ],
  ])("%s", async (_, node, f) => expectImage(node.output("y"), image, each(f)));

  it.each([
    ["13, over the channels", 13, 1, (i: readonly number[]) => `${i[0]},${i[2]},${i[3]}`],
    ["12, over all behind the batch", 12, 1, (i: readonly number[]) => `${i[0]}`],
  ] as const)("Softmax of opset %s", async (_, opset, axis, group) => {
    const sums = new Map<string, number>();
    const exps = build(image.dims, (i) => Math.exp(image.data[(i[1]! * 7 + i[2]!) * 6 + i[3]!]! - 8));
    build(image.dims, (i) => {
      const e = exps.data[(i[1]! * 7 + i[2]!) * 6 + i[3]!]!;
      sums.set(group(i), (sums.get(group(i)) ?? 0) + e);
      return e;
    });
    const expected = build(image.dims, (i) => exps.data[(i[1]! * 7 + i[2]!) * 6 + i[3]!]! / sums.get(group(i))!);
    await expectImage(file(opset).node("Softmax", ["x"], "y", { axis }).output("y"), image, expected);
  });
});

describe("matrices", () => {
  const x = numbers([2, 6]);
  const w = numbers([6, 3], 2);
  const matrices = () => file(17, x.dims);

  it.each<readonly [string, Settings, readonly number[], number, number]>([
    ["plain", {}, w.dims, 1, 1],
    ["transB", { transB: 1 }, [3, 6], 1, 1],
    ["alpha and beta", { alpha: { float: 0.5 }, beta: { float: 2 } }, w.dims, 0.5, 2],
  ])("Gemm, %s", async (_, settings, dims, alpha, beta) => {
    const product = matMul(x, w);
    const expected = build([2, 3], ([n, m]) => alpha * product.data[n! * 3 + m!]! + beta * (m! + 1));
    const stored = dims === w.dims ? w : transpose(w, [1, 0]);
    for (const bias of [[3], [1, 3]]) {
      const node = matrices().initializer("w", dims, stored.data).initializer("c", bias, [1, 2, 3]);
      await expectSame(node.node("Gemm", ["x", "w", "c"], "y", settings).output("y"), x, expected);
    }
  });

  it("MatMul, and what is added is its bias", async () => {
    const node = matrices().initializer("w", w.dims, w.data).initializer("b", [3], [1, 2, 3]);
    node.node("MatMul", ["x", "w"], "m").node("Add", ["m", "b"], "y").output("y");
    const product = matMul(x, w);
    await expectSame(
      node,
      x,
      build([2, 3], ([n, m]) => product.data[n! * 3 + m!]! + m! + 1),
    );
    expect((await fromOnnx(node.bytes(), nowhere)).nodes.map(({ op }) => op)).toEqual(["dense"]);
  });

  it("MatMul over the last axis of three", async () => {
    const three = numbers([1, 2, 6]);
    const node = file(17, three.dims).initializer("w", w.dims, w.data).node("MatMul", ["x", "w"], "y").output("y");
    await expectSame(node, three, { dims: [1, 2, 3], data: matMul({ dims: [2, 6], data: three.data }, w).data });
  });

  it.each(["Flatten", "Reshape"])("%s of a map: the rows of the matrix come into its order", async (op) => {
    const rows = numbers([168, 3], 5);
    const node = file()
      .initializer("w", rows.dims, rows.data)
      .initializer("shape", [2], [0, -1], "int64")
      .node(op, op === "Flatten" ? ["x"] : ["x", "shape"], "f")
      .node("Gemm", ["f", "w"], "y")
      .output("y");
    await expectSame(node, image, matMul({ dims: [1, 168], data: image.data }, rows));
    const ops = (await fromOnnx(node.bytes(), nowhere)).nodes.map(({ op }) => op);
    expect(ops).toEqual(["reshape", "dense"]);
  });
});

describe("dimensions", () => {
  it("transposed away and back: nothing is left of it", async () => {
    const node = file()
      .node("Transpose", ["x"], "t", { perm: [0, 2, 3, 1] })
      .node("Relu", ["t"], "r")
      .node("Transpose", ["r"], "b", { perm: [0, 3, 1, 2] })
      .node("MaxPool", ["b"], "y", { kernel_shape: [1, 1] })
      .output("y");
    const positive = build(image.dims, (i) => Math.max(0, image.data[(i[1]! * 7 + i[2]!) * 6 + i[3]!]!));
    await expectImage(node, image, positive);
    expect((await fromOnnx(node.bytes(), nowhere)).nodes.map(({ op }) => op)).toEqual(["clamp", "maxPool"]);
  });

  it("a value and the same one transposed are not one", async () => {
    const node = new OnnxFile()
      .input("x", [1, 4, 4, 4])
      .node("HardSigmoid", ["x"], "h", { alpha: { float: 1 / 6 } })
      .node("Transpose", ["h"], "t", { perm: [0, 2, 1, 3] })
      .node("Mul", ["x", "t"], "y")
      .output("y");
    const { nodes } = await fromOnnx(node.bytes(), nowhere);
    expect(nodes.map(({ op }) => op)).not.toContain("hardSwish");
    expect(nodes.map(({ op }) => op)).toContain("transpose");
  });

  /** What a reference makes of each place of the image. */
  const eachPlace = (f: (n: number, at: readonly number[]) => number) =>
    build(image.dims, (at) => f(image.data[((at[0]! * 4 + at[1]!) * 7 + at[2]!) * 6 + at[3]!]!, at as number[]));

  it("a gate for each channel, and weights along other axes, in their places", async () => {
    const sums = [0, 1, 2, 3].map((c) => image.data.slice(42 * c, 42 * c + 42).reduce((a, b) => a + b));
    const gate = file(12)
      .node("ReduceSum", ["x"], "s", { axes: [2, 3] })
      .node("Mul", ["s", "x"], "y")
      .output("y");
    await expectImage(
      gate,
      image,
      eachPlace((n, [, c]) => n * sums[c!]!),
    );
    const rows = [1, 2, 3, 4, 5, 6, 7];
    const byRow = file().initializer("r", [7, 1], rows).node("Sub", ["r", "x"], "y").output("y");
    await expectImage(
      byRow,
      image,
      eachPlace((n, [, , h]) => rows[h!]! - n),
    );
    const grid = numbers([4, 7, 1], 5);
    const byGrid = file().initializer("g", grid.dims, grid.data).node("Mul", ["x", "g"], "y").output("y");
    await expectImage(
      byGrid,
      image,
      eachPlace((n, [, c, h]) => n * grid.data[7 * c! + h!]!),
    );
  });

  it.each<readonly [string, number[], (list: number[]) => number]>([
    ["ReduceMax", [1], (list) => Math.max(...list)],
    ["ReduceMin", [-1], (list) => Math.min(...list)],
    ["ReduceMean", [1, 3], (list) => list.reduce((a, b) => a + b) / list.length],
    ["ReduceProd", [2], (list) => list.reduce((a, b) => a * b)],
  ])("%s along %s", async (op, axes, f) => {
    const along = axes.map((axis) => (axis + 4) % 4);
    const reduced = (keeps: boolean) => {
      const dims = image.dims.map((n, i) => (along.includes(i) ? 1 : n));
      const lists = new Map<string, number[]>();
      eachPlace((n, at) => {
        const key = `${at.map((place, i) => (along.includes(i) ? 0 : place))}`;
        lists.set(key, [...(lists.get(key) ?? []), n]);
        return n;
      });
      const data = build(dims, (at) => f(lists.get(`${at}`)!)).data;
      return { dims: keeps ? dims : image.dims.filter((_, i) => !along.includes(i)), data };
    };
    await expectImage(file(12).node(op, ["x"], "y", { axes }).output("y"), image, reduced(true));
    await expectSame(file(12).node(op, ["x"], "y", { axes, keepdims: 0 }).output("y"), image, reduced(false));
  });

  it("parts of rows and channels, backwards too, and parts joined again", async () => {
    const part = file()
      .initializer("starts", [2], [1, -1], "int64")
      .initializer("ends", [2], [3, -100], "int64")
      .initializer("axes", [2], [1, 3], "int64")
      .initializer("steps", [2], [1, -2], "int64")
      .node("Slice", ["x", "starts", "ends", "axes", "steps"], "y")
      .output("y");
    const at = (c: number, h: number, w: number) => image.data[(c * 7 + h) * 6 + w]!;
    await expectImage(
      part,
      image,
      build([1, 2, 7, 3], ([, c, h, w]) => at(c! + 1, h!, 5 - 2 * w!)),
    );
    const swapped = file(12).node("Split", ["x"], ["a", "b"], { axis: 1, split: [1, 3] });
    swapped.node("Concat", ["b", "a"], "y", { axis: 1 }).output("y");
    await expectImage(
      swapped,
      image,
      build(image.dims, ([, c, h, w]) => at((c! + 1) % 4, h!, w!)),
    );
  });

  it.each([1, 2, 3])("a softmax along axis %i", async (axis) => {
    const along = (at: readonly number[], i: number) => at.map((n, k) => (k === axis ? i : n));
    const value = (at: readonly number[]) => image.data[((at[0]! * 4 + at[1]!) * 7 + at[2]!) * 6 + at[3]!]!;
    const soft = eachPlace((n, at) => {
      const list = Array.from({ length: image.dims[axis]! }, (_, i) => Math.exp(value(along(at, i))));
      return Math.exp(n) / list.reduce((a, b) => a + b);
    });
    await expectImage(file().node("Softmax", ["x"], "y", { axis }).output("y"), image, soft);
  });

  it("the place of the largest, along channels", async () => {
    const graph = file().node("ArgMax", ["x"], "y", { axis: 1, keepdims: 0 }).output("y");
    const expected = build([1, 7, 6], ([, h, w]) => {
      const list = [0, 1, 2, 3].map((c) => image.data[(c * 7 + h!) * 6 + w!]!);
      return list.indexOf(Math.max(...list));
    });
    await expectSame(graph, image, expected);
  });

  it.each([
    ["half_pixel", "round_prefer_floor", [14, 12]],
    ["asymmetric", "floor", [10, 9]],
    ["align_corners", "round_prefer_ceil", [13, 11]],
  ] as const)("nearest pixels: %s, %s", async (kind, rounding, [h, w]) => {
    const at = (o: number, from: number, to: number) => {
      const position = {
        half_pixel: ((o + 0.5) * from) / to - 0.5,
        asymmetric: (o * from) / to,
        align_corners: (o * (from - 1)) / (to - 1),
      }[kind];
      return Math.min(
        from - 1,
        rounding === "floor"
          ? Math.floor(position)
          : rounding === "round_prefer_ceil"
            ? Math.floor(position + 0.5)
            : Math.max(0, Math.ceil(position - 0.5)),
      );
    };
    const graph = file()
      .initializer("sizes", [4], [1, 4, h, w], "int64")
      .node("Resize", ["x", "", "", "sizes"], "y", {
        mode: "nearest",
        coordinate_transformation_mode: kind,
        nearest_mode: rounding,
      })
      .output("y");
    await expectImage(
      graph,
      image,
      build([1, 4, h, w], ([, c, y, x]) => image.data[(c! * 7 + at(y!, 7, h)) * 6 + at(x!, 6, w)]!),
    );
  });

  it("an image that the file transposes to channels last comes out in its dimensions", async () => {
    const node = file()
      .node("Transpose", ["x"], "y", { perm: [0, 2, 3, 1] })
      .output("y");
    await expectSame(node, image, transpose(image, [0, 2, 3, 1]));
  });

  it("an input that is only transposed to channels first is channels last in the file already", async () => {
    const node = new OnnxFile()
      .input("x", [1, 7, 6, 4])
      .initializer("mean", [4], [1, 2, 3, 4])
      .node("Sub", ["x", "mean"], "s")
      .node("Transpose", ["s"], "t", { perm: [0, 3, 1, 2] })
      .node("MaxPool", ["t"], "y", { kernel_shape: [1, 1] })
      .output("y");
    const graph = await fromOnnx(node.bytes(), nowhere);
    expect(graph.inputs[0]!.shape).toEqual([1, 7, 6, 4]);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["scaleShift", "maxPool"]);
  });

  it.each<readonly [string, OnnxFile, readonly number[]]>([
    ["Squeeze of opset 11", file(11, [1, 3, 1]).node("Squeeze", ["x"], "y", { axes: [0, -1] }), [3]],
    ["Squeeze of all", file(13, [1, 3, 1]).node("Squeeze", ["x"], "y"), [3]],
    ["Unsqueeze of opset 11", file(11, [3]).node("Unsqueeze", ["x"], "y", { axes: [0, 2] }), [1, 3, 1]],
    ["Unsqueeze", file(13, [3]).initializer("a", [1], [-1], "int64").node("Unsqueeze", ["x", "a"], "y"), [3, 1]],
    ["Flatten by axis", file(13, [2, 3, 1]).node("Flatten", ["x"], "y", { axis: 2 }), [6, 1]],
  ])("%s", async (_, node, dims) => {
    const from = (await fromOnnx(node.output("y").bytes(), nowhere)).inputs[0]!.shape;
    const x = numbers(from);
    await expectSame(node, x, { dims, data: x.data });
  });

  it.each([1, 2, 3])("Concat along axis %i", async (axis) => {
    const node = file().node("Relu", ["x"], "r").node("Concat", ["x", "r"], "y", { axis }).output("y");
    const dims = image.dims.map((n, i) => (i === axis ? 2 * n : n));
    const expected = build(dims, (index) => {
      const second = index[axis]! >= image.dims[axis]!;
      const [, c, y, x] = index.map((n, i) => (i === axis ? n % image.dims[axis]! : n)) as [
        number,
        number,
        number,
        number,
      ];
      const number = image.data[(c * 7 + y) * 6 + x]!;
      return second ? Math.max(0, number) : number;
    });
    await expectImage(node, image, expected);
  });

  it.each([10, 13])("Pad of opset %i, channels too", async (opset) => {
    const pads = [0, 1, 2, 0, 0, 0, 1, 3];
    const node =
      opset < 11
        ? file(opset).node("Pad", ["x"], "y", { pads, value: { float: 5 } })
        : file(opset).initializer("p", [8], pads, "int64").initializer("v", [], [5]).node("Pad", ["x", "p", "v"], "y");
    const expected = build([1, 5, 10, 9], ([, c, y, x]) => {
      const inside = c! >= 1 && y! >= 2 && y! < 9 && x! < 6;
      return inside ? image.data[((c! - 1) * 7 + y! - 2) * 6 + x!]! : 5;
    });
    await expectImage(node.output("y"), image, expected);
  });
});

describe("Resize", () => {
  /** Positions by the formulas of ONNX's text, between the nearest two in each direction. */
  const expected = (outH: number, outW: number, position: (o: number, out: number, size: number) => number) =>
    build([1, 4, outH, outW], ([, c, oy, ox]) => {
      const part = (o: number, out: number, size: number) => {
        const p = Math.min(size - 1, Math.max(0, position(o, out, size)));
        return [Math.floor(p), Math.min(size - 1, Math.floor(p) + 1), p - Math.floor(p)] as const;
      };
      const [y0, y1, fy] = part(oy!, outH, 7);
      const [x0, x1, fx] = part(ox!, outW, 6);
      const pixel = (y: number, x: number) => image.data[(c! * 7 + y) * 6 + x]!;
      const row = (y: number) => pixel(y, x0) * (1 - fx) + pixel(y, x1) * fx;
      return row(y0) * (1 - fy) + row(y1) * fy;
    });

  it.each<readonly [string, (o: number, out: number, size: number) => number]>([
    ["half_pixel", (o, out, size) => ((o + 0.5) * size) / out - 0.5],
    ["pytorch_half_pixel", (o, out, size) => ((o + 0.5) * size) / out - 0.5],
    ["align_corners", (o, out, size) => (o * (size - 1)) / (out - 1)],
    ["asymmetric", (o, out, size) => (o * size) / out],
  ])("linear, %s", async (kind, position) => {
    const settings = { mode: "linear", coordinate_transformation_mode: kind };
    const sizes = file()
      .initializer("s", [4], [1, 4, 10, 9], "int64")
      .node("Resize", ["x", "", "", "s"], "y", settings);
    await expectImage(sizes.output("y"), image, expected(10, 9, position));
    const scales = file().initializer("s", [4], [1, 1, 2, 0.5]).node("Resize", ["x", "", "s"], "y", settings);
    await expectImage(scales.output("y"), image, expected(14, 3, position));
  });

  it("Upsample of opset 9", async () => {
    const node = file(9).initializer("s", [4], [1, 1, 2, 2]).node("Upsample", ["x", "s"], "y", { mode: "linear" });
    await expectImage(
      node.output("y"),
      image,
      expected(14, 12, (o, out, size) => (o * size) / out),
    );
  });
});
