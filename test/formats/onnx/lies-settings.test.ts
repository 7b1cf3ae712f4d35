/** Settings of operators that cannot be, or that are not here: one lie a test, each named with its node. */

import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../../src/errors.ts";
import { fromOnnx } from "../../../src/formats/onnx/read.ts";
import { OnnxFile } from "./writer.ts";

type Weights = readonly (readonly [dims: readonly number[], data: Float32Array | readonly number[], type?: string])[];
type Settings = NonNullable<Parameters<OnnxFile["node"]>[3]>;

const nowhere = async () => {
  throw new Error("no other files");
};

/** x [1, 2, 4, 4], constants c0, c1, … and a node y of both. */
async function refusal(op: string, weights: Weights, settings: Settings, dims = [1, 2, 4, 4]): Promise<Error> {
  const file = new OnnxFile(13).input("x", dims);
  const names = weights.map(([shape, data, type], i) => {
    if (shape.length === 1 && shape[0] === -1) return "";
    (file.initializer as (...of: unknown[]) => unknown)(`c${i}`, shape, data, ...(type ? [type] : []));
    return `c${i}`;
  });
  file.node(op, ["x", ...names], "y", settings).output("y");
  return fromOnnx(file.bytes(), nowhere, {}).then(
    () => new Error(`${op}: was read`),
    (error: Error) => error,
  );
}

const floats = (dims: readonly number[]) => [dims, new Float32Array(dims.reduce((a, b) => a * b, 1))] as const;
const whole = (...list: number[]) => [[list.length], list, "int64"] as const;
const none = [[-1], []] as const;
const W = floats([3, 2, 3, 3]);

describe("what cannot be is a FormatError that names the node", () => {
  it.each<readonly [string, string, Weights, Settings, RegExp]>([
    ["Conv: weights of three axes", "Conv", [floats([3, 2, 3])], {}, /weights of 4 dimensions, got \[3/],
    ["Conv: groups that do not divide", "Conv", [W], { group: 3 }, /weights for .* channels in 3 groups/],
    ["Conv: dilations of 0", "Conv", [W], { dilations: [0, 1] }, /dilations to be 2 numbers from 1/],
    ["Conv: one stride", "Conv", [W], { strides: [1] }, /strides to be 2 numbers/],
    ["Conv: a bias of another length", "Conv", [W, floats([2])], {}, /"c1"/],
    ["ConvTranspose: weights of three axes", "ConvTranspose", [floats([2, 3, 3])], {}, /\[2, ?3, ?3\]/],
    ["ConvTranspose: other taps", "ConvTranspose", [floats([2, 3, 3, 3])], { kernel_shape: [2, 2] }, /3,3|2,2/],
    ["ConvTranspose: pads larger than all", "ConvTranspose", [floats([2, 3, 3, 3])], { pads: [9, 9, 9, 9] }, /y/],
    ["ConvTranspose: negative pads", "ConvTranspose", [floats([2, 3, 3, 3])], { pads: [-1, 0, 0, 0] }, /pads from 0/],
    ["MaxPool: no kernel_shape", "MaxPool", [], {}, /kernel_shape/],
    ["MaxPool: a kernel of 0", "MaxPool", [], { kernel_shape: [0, 2] }, /kernel_shape to be 2 numbers from 1/],
    ["AveragePool: a window beyond the image", "AveragePool", [], { kernel_shape: [9, 9] }, /y/],
    ["Pad: seven pads", "Pad", [whole(0, 0, 0, 0, 0, 0, 1)], {}, /8 pads, got 7/],
    ["Concat: an axis beyond", "Concat", [], { axis: 7 }, /an axis of 4 dimensions, got 7/],
    ["Transpose: three axes of four", "Transpose", [], { perm: [0, 1, 2] }, /the 4 axes in some order/],
    ["Softmax: an axis before the first", "Softmax", [], { axis: -5 }, /an axis of 4 dimensions, got -5/],
    ["Squeeze: an axis that is not 1", "Squeeze", [whole(1)], {}, /y/],
    ["Unsqueeze: an axis beyond", "Unsqueeze", [whole(9)], {}, /9/],
    ["Reshape: two unknown sizes", "Reshape", [whole(-1, -1)], {}, /y/],
    ["Reshape: to another number of elements", "Reshape", [whole(5)], {}, /dimensions of 32 numbers/],
    ["Slice: a step of 0", "Slice", [whole(0), whole(2), whole(1), whole(0)], {}, /step/i],
    ["Split: parts that do not add up", "Split", [whole(3)], { axis: 1 }, /y/],
    ["Gemm: an input of four axes", "Gemm", [floats([2, 3])], {}, /y/],
    ["MatMul: matrices that do not fit", "MatMul", [floats([3, 5])], {}, /y/],
    [
      "BatchNormalization: statistics of other channels",
      "BatchNormalization",
      [3, 3, 3, 3].map((n) => floats([n])),
      {},
      /y/,
    ],
    ["PRelu: slopes of other channels", "PRelu", [floats([3, 1, 1])], {}, /y/],
    ["Resize: scales of three axes", "Resize", [none, [[3], [1, 1, 2]]], { mode: "nearest" }, /4 numbers|y/],
    ["Resize: sizes of 0", "Resize", [none, none, whole(1, 2, 0, 4)], { mode: "nearest" }, /sizes from 1|y/],
    ["ReduceMean: an axis beyond", "ReduceMean", [], { axes: [4] }, /an axis of 4 dimensions, got 4/],
    ["Gather: an axis beyond", "Gather", [whole(0)], { axis: 4 }, /an axis of 4 dimensions, got 4/],
    ["Flatten: an axis beyond", "Flatten", [], { axis: 5 }, /5/],
  ])("%s", async (_, op, weights, settings, message) => {
    const error = await refusal(op, weights, settings);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/"y"|c0|c1|c2/);
    expect(error).toBeInstanceOf(FormatError);
  });
});

describe("what is sound but not here is an UnsupportedError that names the node", () => {
  it.each<readonly [string, string, Weights, Settings, RegExp]>([
    ["Conv: an auto_pad of another name", "Conv", [W], { auto_pad: "SAME_MIDDLE" }, /a known auto_pad/],
    ["Conv: negative pads", "Conv", [W], { pads: [-1, 0, 0, 0] }, /pads from 0/],
    ["ConvTranspose: groups", "ConvTranspose", [floats([2, 3, 3, 3])], { group: 2 }, /one group, got 2/],
    ["Pad: another mode", "Pad", [whole(0, 0, 1, 1, 0, 0, 1, 1)], { mode: "wrap" }, /wrap/],
    ["Pad: fewer pixels", "Pad", [whole(0, 0, -1, 0, 0, 0, 0, 0)], {}, /pads from 0/],
    ["Pad: the batch", "Pad", [whole(1, 0, 0, 0, 0, 0, 0, 0)], {}, /no padding of the batch/],
    ["Pad: channels by reflection", "Pad", [whole(0, 1, 0, 0, 0, 0, 0, 0)], { mode: "reflect" }, /no channels added/],
    ["Resize: another mode", "Resize", [none, [[4], [1, 1, 2, 2]]], { mode: "spline" }, /modes/],
    ["Resize: the channels", "Resize", [none, [[4], [1, 2, 2, 2]]], { mode: "nearest" }, /y/],
    [
      "Resize: other coordinates",
      "Resize",
      [none, [[4], [1, 1, 2, 2]]],
      { mode: "nearest", coordinate_transformation_mode: "sideways" },
      /coordinates of/,
    ],
    [
      "Resize: another rounding",
      "Resize",
      [none, [[4], [1, 1, 2, 2]]],
      { mode: "nearest", nearest_mode: "sometimes" },
      /sometimes/,
    ],
  ])("%s", async (_, op, weights, settings, message) => {
    const error = await refusal(op, weights, settings);
    expect(error.message).toMatch(message);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toContain('"y"');
  });
});
