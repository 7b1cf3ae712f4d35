import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import type { Node, Padding, Pair, Shape } from "../../src/graph/graph.ts";
import { inferShapes, outputSize, resolvePadding } from "../../src/graph/shape.ts";
import { graphOf, PLAIN } from "./build.ts";

const ONE: Pair = [1, 1];
const square = (n: number): Pair => [n, n];

describe("resolvePadding", () => {
  const same: [string, number, number, number, number, [before: number, after: number, out: number]][] = [
    ["kernel 3 stride 2 on an even size pads after only", 224, 3, 2, 1, [0, 1, 112]],
    ["kernel 3 stride 2 on an odd size pads both sides", 7, 3, 2, 1, [1, 1, 4]],
    ["kernel 3 stride 1", 5, 3, 1, 1, [1, 1, 5]],
    ["even kernel pads more after", 5, 2, 1, 1, [0, 1, 5]],
    ["kernel 4 pads 1 before, 2 after", 6, 4, 1, 1, [1, 2, 6]],
    ["a single pixel under a kernel of 3", 1, 3, 1, 1, [1, 1, 1]],
    ["a single pixel, stride 2", 1, 3, 2, 1, [1, 1, 1]],
    ["stride larger than the input", 3, 3, 5, 1, [0, 0, 1]],
    ["stride larger than the kernel leaves pixels out and pads none", 8, 1, 3, 1, [0, 0, 3]],
    ["dilation widens the kernel", 6, 3, 1, 2, [2, 2, 6]],
    ["dilation with stride", 10, 3, 2, 3, [2, 3, 5]],
  ];
  for (const [name, size, kernel, stride, dilation, [before, after, out]] of same) {
    it(`same: ${name}`, () => {
      const resolved = resolvePadding("same", square(size), square(kernel), square(stride), square(dilation));
      expect(resolved).toEqual({ top: before, bottom: after, left: before, right: after, outH: out, outW: out });
    });
  }

  it("keeps height and width apart", () => {
    expect(resolvePadding("same", [7, 4], [3, 1], [2, 3], [1, 2])).toEqual({
      ...{ top: 1, bottom: 1, left: 0, right: 0 },
      ...{ outH: 4, outW: 2 },
    });
  });

  it("valid: counts only whole windows", () => {
    const valid = (size: number, kernel: number, stride: number, dilation = 1) =>
      resolvePadding("valid", square(size), square(kernel), square(stride), square(dilation)).outH;
    expect([valid(7, 3, 2), valid(8, 3, 2), valid(3, 3, 1), valid(5, 3, 1, 2), valid(9, 2, 9)]).toEqual([
      3, 3, 1, 1, 1,
    ]);
  });

  it("explicit: counts what is given", () => {
    const padding = { top: 0, bottom: 1, left: 2, right: 3 };
    expect(resolvePadding(padding, [224, 8], [3, 3], [2, 2], ONE)).toEqual({ ...padding, outH: 112, outW: 6 });
  });

  it("refuses a window that does not fit, with both sizes", () => {
    const small: [Padding, Pair, Pair, Pair][] = [
      ["valid", [2, 9], [3, 3], ONE],
      ["valid", [4, 4], [3, 3], [2, 2]],
      [{ top: 0, bottom: 0, left: 1, right: 0 }, [5, 1], [3, 3], ONE],
    ];
    for (const [padding, size, kernel, dilations] of small) {
      expect(() => resolvePadding(padding, size, kernel, ONE, dilations, 'node "c"')).toThrow(ShapeError);
      expect(() => resolvePadding(padding, size, kernel, ONE, dilations, 'node "c"')).toThrow(
        /^node "c": expected .*\[\d, \d\].*, got \[\d, \d\]/,
      );
    }
  });

  const axis = { size: fc.integer({ min: 1, max: 64 }), taps: fc.integer({ min: 1, max: 9 }) };
  const steps = { stride: fc.integer({ min: 1, max: 9 }), dilation: fc.integer({ min: 1, max: 4 }) };

  it("same: reaches every pixel that the last window starts before, and wastes no padding", () => {
    fc.assert(
      fc.property(fc.record({ ...axis, ...steps }), ({ size, taps, stride, dilation }) => {
        const { top, bottom, outH } = resolvePadding(
          "same",
          square(size),
          square(taps),
          square(stride),
          square(dilation),
        );
        const span = (taps - 1) * dilation + 1;
        expect(outH).toBe(Math.ceil(size / stride));
        expect(bottom - top === 0 || bottom - top === 1).toBe(true);
        const reach = (outH - 1) * stride + span;
        expect(top + bottom).toBe(Math.max(reach - size, 0));
      }),
    );
  });

  it("written out as explicit pixels, same and valid mean the same", () => {
    fc.assert(
      fc.property(fc.record({ ...axis, ...steps }), fc.constantFrom("same", "valid"), (a, padding) => {
        fc.pre(padding === "same" || (a.taps - 1) * a.dilation < a.size);
        const rest = [square(a.size), square(a.taps), square(a.stride), square(a.dilation)] as const;
        const { outH, outW, ...pixels } = resolvePadding(padding as Padding, ...rest);
        expect(resolvePadding(pixels, ...rest)).toEqual({ ...pixels, outH, outW });
      }),
    );
  });

  it("outputSize is where the last whole window ends", () => {
    fc.assert(
      fc.property(fc.record({ ...axis, ...steps }), fc.nat(9), ({ size, taps, stride, dilation }, padding) => {
        const out = outputSize(padding, size, taps, stride, dilation);
        const span = (taps - 1) * dilation + 1;
        fc.pre(out >= 1);
        expect((out - 1) * stride + span).toBeLessThanOrEqual(size + padding);
        expect(out * stride + span).toBeGreaterThan(size + padding);
      }),
    );
  });
});

describe("inferShapes", () => {
  /** The shape of the last of `nodes`. */
  const last = (x: Shape, nodes: readonly Node[], constants: Record<string, Shape> = {}) =>
    inferShapes(graphOf({ x, nodes, constants, blank: true })).get((nodes.at(-1) as Node).name);
  const on = { name: "y", inputs: ["x"] } as const;

  const right: [string, Shape, Node, Record<string, Shape>, Shape][] = [
    [
      "conv2d",
      [2, 9, 8, 3],
      { ...on, op: "conv2d", weights: "w", bias: "b", ...PLAIN, strides: [2, 1] },
      { w: [3, 3, 3, 5], b: [5] },
      [2, 5, 8, 5],
    ],
    [
      "depthwiseConv2d with a multiplier",
      [1, 4, 4, 3],
      { ...on, op: "depthwiseConv2d", weights: "w", bias: "b", ...PLAIN },
      { w: [3, 3, 3, 2], b: [6] },
      [1, 4, 4, 6],
    ],
    [
      "separable",
      [1, 8, 8, 3],
      {
        ...on,
        op: "separable",
        depthwise: { weights: "w", ...PLAIN, strides: [2, 2] },
        pointwise: { weights: "v", bias: "b" },
      },
      { w: [3, 3, 3, 2], v: [1, 1, 6, 4], b: [4] },
      [1, 4, 4, 4],
    ],
    ["dense on features", [3, 6], { ...on, op: "dense", weights: "w", bias: "b" }, { w: [6, 2], b: [2] }, [3, 2]],
    ["dense on an image", [1, 4, 5, 6], { ...on, op: "dense", weights: "w" }, { w: [6, 2] }, [1, 4, 5, 2]],
    [
      "batchNorm",
      [1, 2, 2, 3],
      { ...on, op: "batchNorm", gamma: "c", mean: "c", variance: "c", epsilon: 0 },
      { c: [3] },
      [1, 2, 2, 3],
    ],
    ["scaleShift on features", [4, 3], { ...on, op: "scaleShift", scale: "c", shift: "c" }, { c: [3] }, [4, 3]],
    ["prelu", [4, 2, 2, 3], { ...on, op: "prelu", alpha: "c" }, { c: [3] }, [4, 2, 2, 3]],
    ["a gate", [4, 2, 2, 3], { ...on, op: "mul", operand: "c" }, { c: [4, 1, 1, 3] }, [4, 2, 2, 3]],
    ["an outer sum", [4, 1, 3], { ...on, op: "add", operand: "c" }, { c: [2, 1] }, [4, 2, 3]],
    ["a number over a vector", [3], { ...on, op: "div", operand: "c", operandFirst: true }, { c: [1, 1] }, [1, 3]],
    ["argMax", [4, 2, 2, 3], { ...on, op: "argMax", axis: 1, keepDims: false, dtype: "int32" }, {}, [4, 2, 3]],
    ["argMax kept", [4, 2, 3], { ...on, op: "argMax", axis: 2, keepDims: true, dtype: "int32" }, {}, [4, 2, 1]],
    ["moments", [4, 2, 2, 3], { ...on, op: "moments" }, {}, [2, 3]],
    [
      "movingAverage",
      [2, 3],
      { ...on, op: "movingAverage", mean: "c", variance: "c", momentum: 0.9, varianceFactor: 1 },
      { c: [3] },
      [2, 3],
    ],
    [
      "maxPool",
      [1, 7, 7, 3],
      { ...on, op: "maxPool", size: [3, 3], strides: [2, 2], padding: "same" },
      {},
      [1, 4, 4, 3],
    ],
    [
      "averagePool",
      [1, 7, 7, 3],
      { ...on, op: "averagePool", size: [7, 7], strides: [1, 1], padding: "valid" },
      {},
      [1, 1, 1, 3],
    ],
    ["globalAveragePool", [2, 7, 5, 3], { ...on, op: "globalAveragePool", keepDims: true }, {}, [2, 1, 1, 3]],
    [
      "globalAveragePool without dimensions",
      [2, 7, 5, 3],
      { ...on, op: "globalAveragePool", keepDims: false },
      {},
      [2, 3],
    ],
    ["add", [2, 3], { name: "y", op: "add", inputs: ["x", "x"] }, {}, [2, 3]],
    ["concat", [2, 3, 4], { name: "y", op: "concat", inputs: ["x", "x", "x"], axis: 1 }, {}, [2, 9, 4]],
    [
      "pad",
      [1, 3, 3, 2],
      { ...on, op: "pad", padding: { top: 1, bottom: 2, left: 3, right: 0 }, value: 0 },
      {},
      [1, 6, 6, 2],
    ],
    [
      "pad of channels",
      [2, 3, 3, 2],
      { ...on, op: "pad", padding: { top: 1, bottom: 0, left: 0, right: 0, front: 4, back: 3 }, value: 0 },
      {},
      [2, 4, 3, 9],
    ],
    ["reshape", [2, 3, 4], { ...on, op: "reshape", shape: [4, 6] }, {}, [4, 6]],
    ["reshape with an unknown batch", [2, 3, 4], { ...on, op: "reshape", shape: [-1, 12] }, {}, [2, 12]],
    ["softmax", [2, 5], { ...on, op: "softmax", beta: 1 }, {}, [2, 5]],
  ];
  for (const [name, x, node, constants, shape] of right) {
    it(name, () => expect(last(x, [node], constants)).toEqual(shape));
  }

  it("normalize reads an activation and its moments", () => {
    const nodes: Node[] = [
      { op: "moments", name: "m", inputs: ["x"] },
      { op: "normalize", name: "y", inputs: ["x", "m"], gamma: "c", beta: "c", epsilon: 0 },
    ];
    expect(last([2, 4, 4, 3], nodes, { c: [3] })).toEqual([2, 4, 4, 3]);
  });

  const wrong: [string, Shape, Node, Record<string, Shape>, string][] = [
    [
      "channels of a convolution",
      [1, 4, 4, 2],
      { ...on, op: "conv2d", weights: "w", ...PLAIN },
      { w: [3, 3, 3, 5] },
      'node "y" (conv2d): expected weights "w" of shape [3, 3, 2, 5] for input [1, 4, 4, 2], got [3, 3, 3, 5]',
    ],
    [
      "slopes of other channels",
      [1, 4, 4, 2],
      { ...on, op: "prelu", alpha: "a" },
      { a: [1] },
      'node "y" (prelu): expected alpha "a" of shape [2], got [1]',
    ],
    [
      "rank of an image",
      [4, 4],
      { ...on, op: "conv2d", weights: "w", ...PLAIN },
      { w: [3, 3, 4, 5] },
      'node "y" (conv2d): expected input of shape [n, h, w, c], got [4, 4]',
    ],
    [
      "rank of weights",
      [1, 4, 4, 2],
      { ...on, op: "conv2d", weights: "w", ...PLAIN },
      { w: [2, 5] },
      'node "y" (conv2d): expected weights "w" of shape [kH, kW, inC, outC], got [2, 5]',
    ],
    [
      "bias of a convolution",
      [1, 4, 4, 2],
      { ...on, op: "conv2d", weights: "w", bias: "b", ...PLAIN },
      { w: [1, 1, 2, 5], b: [2] },
      'node "y" (conv2d): expected bias "b" of shape [5], got [2]',
    ],
    [
      "channels of a depthwise convolution",
      [1, 4, 4, 2],
      { ...on, op: "depthwiseConv2d", weights: "w", ...PLAIN },
      { w: [3, 3, 3, 1] },
      'node "y" (depthwiseConv2d): expected weights "w" of shape [3, 3, 2, 1] for input [1, 4, 4, 2], got [3, 3, 3, 1]',
    ],
    [
      "bias of a depthwise convolution",
      [1, 4, 4, 2],
      { ...on, op: "depthwiseConv2d", weights: "w", bias: "b", ...PLAIN },
      { w: [3, 3, 2, 2], b: [2] },
      'node "y" (depthwiseConv2d): expected bias "b" of shape [4], got [2]',
    ],
    [
      "pointwise half that is not 1×1",
      [1, 8, 8, 3],
      { ...on, op: "separable", depthwise: { weights: "w", ...PLAIN }, pointwise: { weights: "v" } },
      { w: [3, 3, 3, 1], v: [3, 3, 3, 4] },
      'node "y" (separable): expected weights "v" of shape [1, 1, 3, 4] for input [1, 8, 8, 3], got [3, 3, 3, 4]',
    ],
    [
      "features of a dense layer",
      [1, 4],
      { ...on, op: "dense", weights: "w" },
      { w: [5, 2] },
      'node "y" (dense): expected an input [..., 5] for weights "w" [5, 2], got [1, 4]',
    ],
    [
      "statistics",
      [1, 4, 4, 2],
      { ...on, op: "batchNorm", mean: "m", variance: "v", epsilon: 0 },
      { m: [2], v: [3] },
      'node "y" (batchNorm): expected variance "v" of shape [2], got [3]',
    ],
    [
      "axis of concat",
      [1, 4],
      { ...on, op: "concat", axis: 2 },
      {},
      'node "y" (concat): expected an axis below the rank of [1, 4], got 2',
    ],
    [
      "reshape",
      [2, 3],
      { ...on, op: "reshape", shape: [4, 2] },
      {},
      'node "y" (reshape): expected a shape of 6 elements like input [2, 3], got [4, 2]',
    ],
    [
      "reshape that does not divide",
      [2, 3],
      { ...on, op: "reshape", shape: [-1, 4] },
      {},
      'node "y" (reshape): expected a shape of 6 elements like input [2, 3], got [-1, 4]',
    ],
    [
      "pool window in padding alone",
      [1, 4, 4, 2],
      { ...on, op: "maxPool", size: [2, 2], strides: [1, 1], padding: { top: 2, bottom: 0, left: 0, right: 0 } },
      {},
      'node "y" (maxPool): expected windows [2, 2] that reach into the image [1, 4, 4, 2], got padding [2, 0, 0, 0] (top, bottom, left, right)',
    ],
    [
      "moments",
      [3, 4],
      { ...on, op: "movingAverage", mean: "c", variance: "c", momentum: 0, varianceFactor: 1 },
      { c: [4] },
      'node "y" (movingAverage): expected moments of shape [2, C], got [3, 4]',
    ],
    [
      "softmax of a scalar",
      [],
      { ...on, op: "softmax", beta: 1 },
      {},
      'node "y" (softmax): expected an input with a channel axis, got a scalar []',
    ],
  ];
  for (const [name, x, node, constants, message] of wrong) {
    it(`wrong ${name}`, () => {
      expect(() => last(x, [node], constants)).toThrow(new ShapeError(message));
    });
  }

  it("wrong second input of add and part of concat", () => {
    const short: Node = { op: "reshape", name: "s", inputs: ["x"], shape: [3, 2] };
    const add: Node = { op: "add", name: "y", inputs: ["x", "s"] };
    const concat: Node = { op: "concat", name: "y", inputs: ["x", "s"], axis: 0 };
    expect(() => last([2, 3], [short, add])).toThrow(
      'node "y" (add): expected "s" to be broadcast with [2, 3], got [3, 2]',
    );
    expect(() => last([2, 3], [short, concat])).toThrow(
      'node "y" (concat): expected input "s" to be like [2, 3] but for axis 0, got [3, 2]',
    );
  });
});
