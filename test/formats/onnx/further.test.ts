/** ONNX's operators that come of several ops here, or move numbers, each against its own text in loops. */

import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../../src/errors.ts";
import { load } from "../../../src/index.ts";
import { type Array4, build, conv, numbers, transpose } from "./reference.ts";
import { expectImage, expectSame } from "./run.ts";
import { OnnxFile } from "./writer.ts";

const image = numbers([1, 4, 7, 6], 3);
const file = (opset = 17, dims: readonly number[] = image.dims) => new OnnxFile(opset).input("x", dims).output("y");
const at = ({ dims, data }: Array4, index: readonly number[]) =>
  data[index.reduce((sum, i, axis) => sum * dims[axis]! + i, 0)]!;

describe("functions of each number", () => {
  const softplus = (n: number) => Math.log1p(Math.exp(-Math.abs(n))) + Math.max(0, n);
  const elu = (n: number, alpha: number) => (n < 0 ? alpha * Math.expm1(n) : n);
  const SELU = [1.6732632423543772, 1.0507009873554805] as const;

  it.each<readonly [string, OnnxFile, (n: number) => number]>([
    ["Ceil", file().node("Ceil", ["x"], "y"), Math.ceil],
    [
      "Round, half to even",
      file().node("Round", ["x"], "y"),
      (n) => (n % 1 === 0.5 || n % 1 === -0.5 ? 2 * Math.round(n / 2) : Math.round(n)),
    ],
    ["Softplus", file().node("Softplus", ["x"], "y"), softplus],
    ["Mish", file(18).node("Mish", ["x"], "y"), (n) => n * Math.tanh(softplus(n))],
    ["Softsign", file().node("Softsign", ["x"], "y"), (n) => n / (1 + Math.abs(n))],
    ["Elu", file().node("Elu", ["x"], "y", { alpha: { float: 0.5 } }), (n) => elu(n, 0.5)],
    ["Selu", file().node("Selu", ["x"], "y"), (n) => SELU[1] * elu(n, SELU[0])],
    ["Celu", file().node("Celu", ["x"], "y", { alpha: { float: 2 } }), (n) => elu(n / 2, 1) * 2],
    ["Pow 2", file().initializer("e", [], [2]).node("Pow", ["x", "e"], "y"), (n) => n * n],
    ["Pow 3", file().initializer("e", [], [3]).node("Pow", ["x", "e"], "y"), (n) => n ** 3],
    [
      "Pow 1.5 of what is above 0",
      file().initializer("e", [], [1.5]).node("Abs", ["x"], "size").node("Pow", ["size", "e"], "y"),
      (n) => Math.abs(n) ** 1.5,
    ],
    [
      "Log of what is above 0",
      file()
        .initializer("one", [], [1])
        .node("Abs", ["x"], "size")
        .node("Add", ["size", "one"], "above")
        .node("Log", ["above"], "y"),
      (n) => Math.log1p(Math.abs(n)),
    ],
  ])("%s", async (_, model, f) => {
    await expectImage(model, image, { dims: image.dims, data: image.data.map(f) });
  });

  it("PRelu by slopes of any shape", async () => {
    const slopes = numbers([7, 1], 5);
    const model = file().initializer("a", slopes.dims, slopes.data).node("PRelu", ["x", "a"], "y");
    const expected = build(image.dims, (index) => {
      const n = at(image, index);
      return n < 0 ? n * slopes.data[index[2]!]! : n;
    });
    await expectImage(model, image, expected);
  });

  it("Pow by what is computed is refused", async () => {
    const model = file().node("Pow", ["x", "x"], "y");
    await expect(load(model.bytes())).rejects.toThrow(UnsupportedError);
    await expect(load(model.bytes())).rejects.toThrow(
      /\(Pow\): expected one exponent that is known beforehand, got "x"/,
    );
  });
});

describe("convolutions", () => {
  it.each([
    [2, 6, true],
    [2, 4, false],
  ])("of %i groups, %i channels out", async (group, outC, biased) => {
    const w = numbers([outC, 4 / group, 3, 3], 7);
    const bias = Array.from({ length: outC }, (_, i) => i - 2);
    const model = file().initializer("w", w.dims, w.data);
    if (biased) model.initializer("b", [outC], bias);
    model.node("Conv", biased ? ["x", "w", "b"] : ["x", "w"], "y", { group, pads: [1, 1, 1, 1], strides: [2, 1] });
    const options = { pads: [1, 1, 1, 1], strides: [2, 1] } as const;
    await expectImage(model, image, conv(image, w, biased ? bias : bias.map(() => 0), group, options));
  });

  const SPREADS: readonly (readonly [
    string,
    Record<string, readonly number[] | string>,
    [number, number],
    readonly [number, number],
  ])[] = [
    ["stride 2", { strides: [2, 2] }, [0, 0], [15, 13]],
    ["pads, and more at the end", { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }, [1, 1], [14, 12]],
    ["dilations", { strides: [1, 1], dilations: [2, 2] }, [0, 0], [11, 10]],
    ["SAME_UPPER", { strides: [2, 2], auto_pad: "SAME_UPPER" }, [0, 0], [14, 12]],
    ["SAME_LOWER", { strides: [2, 2], auto_pad: "SAME_LOWER" }, [1, 1], [14, 12]],
    ["a size of its own", { strides: [2, 2], output_shape: [14, 12], auto_pad: "SAME_UPPER" }, [0, 0], [14, 12]],
  ];

  it.each(SPREADS)("transposed, %s", async (_, attributes, [top, left], [h, w]) => {
    const weights = numbers([4, 3, 3, 3], 9);
    const model = file().initializer("w", weights.dims, weights.data).initializer("b", [3], [1, 2, 3]);
    model.node("ConvTranspose", ["x", "w", "b"], "y", { kernel_shape: [3, 3], ...attributes });
    const [[sH, sW], [dH, dW]] = [attributes.strides ?? [1, 1], attributes.dilations ?? [1, 1]] as [number[], number[]];
    const sums = new Map<string, number>();
    for (let iy = 0; iy < 7; iy++)
      for (let ix = 0; ix < 6; ix++)
        for (let c = 0; c < 4; c++)
          for (let o = 0; o < 3; o++)
            for (let ky = 0; ky < 3; ky++)
              for (let kx = 0; kx < 3; kx++) {
                const key = `${[o, iy * sH! + ky * dH! - top, ix * sW! + kx * dW! - left]}`;
                const term = at(image, [0, c, iy, ix]) * at(weights, [c, o, ky, kx]);
                sums.set(key, (sums.get(key) ?? 0) + term);
              }
    const expected = build([1, 3, h, w], ([, o, y, x]) => (sums.get(`${[o, y, x]}`) ?? 0) + o! + 1);
    await expectImage(model, image, expected);
  });
});

describe("numbers that move", () => {
  it("DepthToSpace and SpaceToDepth, back and forth", async () => {
    for (const mode of ["DCR", "CRD"]) {
      const up = file().node("DepthToSpace", ["x"], "y", { blocksize: 2, mode });
      const expected = build([1, 1, 14, 12], ([, , y, x]) => {
        return at(image, [0, (y! % 2) * 2 + (x! % 2), Math.floor(y! / 2), Math.floor(x! / 2)]);
      });
      await expectImage(up, image, expected);
    }
    const even = numbers([1, 2, 6, 4], 4);
    const there = file(17, even.dims).node("SpaceToDepth", ["x"], "deep", { blocksize: 2 });
    await expectImage(there.node("DepthToSpace", ["deep"], "y", { blocksize: 2 }), even, even);
  });

  it("Tile, along more axes than one step moves", async () => {
    const model = file().initializer("times", [4], [1, 2, 3, 2], "int64").node("Tile", ["x", "times"], "y");
    await expectImage(
      model,
      image,
      build([1, 8, 21, 12], ([, c, y, x]) => at(image, [0, c! % 4, y! % 7, x! % 6])),
    );
  });

  it("Expand, of a gate", async () => {
    const model = file().node("GlobalMaxPool", ["x"], "gate").initializer("to", [3], [4, 7, 6], "int64");
    const expected = build(image.dims, ([, c]) => Math.max(...image.data.slice(c! * 42, (c! + 1) * 42)));
    await expectImage(model.node("Expand", ["gate", "to"], "y"), image, expected);
  });

  it("Gather, by one index, by neighbors and in any order", async () => {
    const by = (dims: readonly number[], list: readonly number[], axis: number) =>
      file().initializer("i", dims, list, "int64").node("Gather", ["x", "i"], "y", { axis });
    await expectSame(
      by([], [-1], 2),
      image,
      build([1, 4, 6], ([, c, x]) => at(image, [0, c!, 6, x!])),
    );
    await expectImage(
      by([2], [1, 2], 1),
      image,
      build([1, 2, 7, 6], ([, c, y, x]) => at(image, [0, c! + 1, y!, x!])),
    );
    const order = [5, 0, -3];
    const expected = build([1, 4, 7, 3], ([, c, y, x]) => at(image, [0, c!, y!, (order[x!]! + 6) % 6]));
    await expectImage(by([3], order, 3), image, expected);
  });

  it("Pad, by a mirror and by edges", async () => {
    for (const mode of ["reflect", "edge"]) {
      const pads = [0, 0, 2, 3, 0, 0, 1, 4];
      const model = file().initializer("pads", [8], pads, "int64").node("Pad", ["x", "pads"], "y", { mode });
      const of = (i: number, n: number) => {
        if (mode === "edge") return Math.min(Math.max(i, 0), n - 1);
        return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i;
      };
      await expectImage(
        model,
        image,
        build([1, 4, 10, 13], ([, c, y, x]) => at(image, [0, c!, of(y! - 2, 7), of(x! - 3, 6)])),
      );
    }
  });
});

describe("matrices", () => {
  it("MatMul of two values, as attention has it", async () => {
    const x = numbers([2, 3, 5], 6);
    const model = file(17, x.dims).node("Transpose", ["x"], "turned", { perm: [0, 2, 1] });
    model.node("MatMul", ["x", "turned"], "y");
    const turned = transpose(x, [0, 2, 1]);
    const expected = build([2, 3, 3], ([n, i, j]) =>
      [0, 1, 2, 3, 4].reduce((sum, k) => sum + at(x, [n!, i!, k]) * at(turned, [n!, k, j!]), 0),
    );
    await expectSame(model, x, expected);
  });

  it("Gemm of a transposed value, with a matrix added", async () => {
    const x = numbers([5, 3], 6);
    const [b, c] = [numbers([5, 2], 7), numbers([3, 2], 8)];
    const model = file(17, x.dims).initializer("b", b.dims, b.data).initializer("c", c.dims, c.data);
    model.node("Gemm", ["x", "b", "c"], "y", { transA: 1, alpha: { float: 0.5 } });
    const expected = build([3, 2], ([i, j]) =>
      [0, 1, 2, 3, 4].reduce((sum, k) => sum + 0.5 * at(x, [k, i!]) * at(b, [k, j!]), at(c, [i!, j!])),
    );
    await expectSame(model, x, expected);
  });
});

describe("sums of functions", () => {
  it.each<readonly [string, (numbers: readonly number[]) => number]>([
    ["ReduceL1", (list) => list.reduce((sum, n) => sum + Math.abs(n), 0)],
    ["ReduceL2", (list) => Math.hypot(...list)],
    ["ReduceSumSquare", (list) => list.reduce((sum, n) => sum + n * n, 0)],
  ])("%s over channels", async (op, f) => {
    const model = file(13).node(op, ["x"], "y", { axes: [1], keepdims: 1 });
    const expected = build([1, 1, 7, 6], ([, , y, x]) => f([0, 1, 2, 3].map((c) => at(image, [0, c, y!, x!]))));
    await expectImage(model, image, expected);
  });

  it("the last of equal ones", async () => {
    const x: Array4 = { dims: [2, 4], data: [3, 1, 3, 2, 0, 5, 5, 5] };
    for (const [op, last, expected] of [
      ["ArgMax", 0, [0, 1]],
      ["ArgMax", 1, [2, 3]],
      ["ArgMin", 1, [1, 0]],
    ] as const) {
      const model = file(17, x.dims).node(op, ["x"], "y", { axis: 1, keepdims: 0, select_last_index: last });
      await expectSame(model, x, { dims: [2], data: expected });
    }
  });
});

describe("Resize by matrices", () => {
  const cubic = (d: number, a = -0.75) =>
    d <= 1 ? (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1 : d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;

  it.each([
    ["cubic, larger", [14, 9]],
    ["cubic, smaller", [4, 5]],
  ] as const)("%s", async (_, [h, w]) => {
    const model = file().initializer("sizes", [4], [1, 4, h, w], "int64");
    model.node("Resize", ["x", "", "", "sizes"], "y", { mode: "cubic" });
    const taps = (o: number, from: number, to: number) => {
      const x = ((o + 0.5) * from) / to - 0.5;
      return [-1, 0, 1, 2].map((step) => {
        const i = Math.floor(x) + step;
        return [Math.min(Math.max(i, 0), from - 1), cubic(Math.abs(x - i))] as const;
      });
    };
    const expected = build([1, 4, h, w], ([, c, y, x]) => {
      let sum = 0;
      for (const [iy, rows] of taps(y!, 7, h))
        for (const [ix, columns] of taps(x!, 6, w)) sum += rows * columns * at(image, [0, c!, iy, ix]);
      return sum;
    });
    await expectImage(model, image, expected);
  });

  it("linear, by factors that leave parts of pixels", async () => {
    const model = file().initializer("scales", [4], [1, 1, 0.6, 1.3]);
    model.node("Resize", ["x", "", "scales"], "y", { mode: "linear" });
    const [h, w] = [Math.floor(7 * 0.6), Math.floor(6 * 1.3)];
    const sample = (c: number, y: number, x: number) => {
      const hold = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);
      const [top, left] = [Math.floor(y), Math.floor(x)];
      let sum = 0;
      for (const [iy, rows] of [
        [top, 1 - (y - top)],
        [top + 1, y - top],
      ] as const)
        for (const [ix, columns] of [
          [left, 1 - (x - left)],
          [left + 1, x - left],
        ] as const)
          sum += rows * columns * at(image, [0, c, hold(iy, 7), hold(ix, 6)]);
      return sum;
    };
    const [down, wide] = [Math.fround(0.6), Math.fround(1.3)];
    const expected = build([1, 4, h, w], ([, c, y, x]) => sample(c!, (y! + 0.5) / down - 0.5, (x! + 0.5) / wide - 0.5));
    await expectImage(model, image, expected);
  });
});
