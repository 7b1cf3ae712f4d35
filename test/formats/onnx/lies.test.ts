/** Files that are damaged, lie, ask for too much, or for what is not here. */

import { describe, expect, it } from "vitest";
import { FormatError, LoadError, MemoryError, UnsupportedError } from "../../../src/errors.ts";
import { fromOnnx } from "../../../src/formats/onnx/read.ts";
import { importModel } from "../../../src/formats/recognize.ts";
import { load } from "../../../src/index.ts";
import { Budget } from "../../../src/limits.ts";
import { mobilenetV2File } from "./mobilenet.ts";
import { externalFiles } from "./small.ts";
import { bytesField, message, OnnxFile, tensor, text, varint } from "./writer.ts";

const nowhere = async () => {
  throw new Error("no other files");
};
const read = (file: OnnxFile | Uint8Array, options: Parameters<typeof fromOnnx>[2] = {}) =>
  fromOnnx(file instanceof Uint8Array ? file : file.bytes(), nowhere, options);

/** An input, a node that reads it and a weight, and its output. */
const one = (op: string, weight: Parameters<OnnxFile["initializer"]>, settings = {}) =>
  new OnnxFile()
    .input("x", [1, 2, 4, 4])
    .initializer(...weight)
    .node(op, ["x", "w"], "y", settings)
    .output("y");

describe("what lies is a FormatError", () => {
  const conv = (dims: readonly number[], count: number, settings = {}) =>
    one("Conv", ["w", dims, new Float32Array(count)], settings);

  it.each<readonly [string, OnnxFile | Uint8Array, RegExp]>([
    ["a message longer than the file", message(varint(1, 8), Uint8Array.of(0x3a, 0x7f, 1)), /byte 2 .*premature EOF/],
    ["no graph", message(varint(1, 8), bytesField(8, varint(2, 13))), /a graph, got none/],
    ["a name where a message should be", message(varint(1, 8), varint(7, 3)), /field 7.*expected bytes/],
    ["no output", new OnnxFile().input("x", [1]), /an output, got none/],
    ["an output that nothing computes", new OnnxFile().input("x", [1]).output("y"), /"y": expected a node/],
    ["data too short", conv([3, 2, 3, 3], 53), /"w": expected 216 bytes for \[3, 2, 3, 3\] float32, got 212/],
    ["dimensions beyond counting", conv([2 ** 30, 2 ** 30, 3, 3], 1), /dimensions below 2³¹/],
    ["negative dimensions", conv([3, -2, 3, 3], 1), /dimensions below 2³¹, got \[3, -2/],
    ["weights for other channels", conv([3, 3, 3, 3], 81), /weights for 2 channels in 1 groups/],
    ["another kernel_shape", conv([3, 2, 3, 3], 54, { kernel_shape: [5, 5] }), /weights of 5,5 taps/],
    ["strides of 0", conv([3, 2, 3, 3], 54, { strides: [0, 1] }), /strides to be 2 numbers from 1/],
    ["three pads", conv([3, 2, 3, 3], 54, { pads: [1, 1, 1] }), /4 pads/],
    ["a window larger than its image", conv([3, 2, 9, 9], 486), /an image of at least \[9, 9\]/],
    ["an initializer twice", conv([3, 2, 3, 3], 54).initializer("w", [1], [1]), /each initializer once, got "w"/],
    [
      "a node behind its reader",
      new OnnxFile().input("x", [1]).node("Relu", ["a"], "y").node("Relu", ["x"], "a").output("y"),
      /"a" to be computed before/,
    ],
    [
      "two nodes for one value",
      new OnnxFile().input("x", [1]).node("Relu", ["x"], "y").node("Relu", ["x"], "y").output("y"),
      /one node that computes "y"/,
    ],
    ["a reshape to other sizes", one("Reshape", ["w", [2], [5, 7], "int64"]), /dimensions of 32 numbers/],
    [
      "an axis that there is not",
      new OnnxFile().input("x", [1, 2]).node("Softmax", ["x"], "y", { axis: 2 }).output("y"),
      /an axis of 2 dimensions, got 2/,
    ],
    [
      "a permutation that is none",
      new OnnxFile()
        .input("x", [1, 2])
        .node("Transpose", ["x"], "y", { perm: [0, 0] })
        .output("y"),
      /the 2 axes in some order/,
    ],
    ["settings that overflow", conv([3, 2, 3, 3], 54, { strides: [2 ** 40, 1] }), /strides to have 32 bits/],
    [
      "an input of a node left out",
      new OnnxFile().input("x", [1]).node("Relu", [""], "y").output("y"),
      /an input 0, got none/,
    ],
  ])("%s", async (_, file, expected) => {
    await expect(read(file)).rejects.toThrow(FormatError);
    await expect(read(file)).rejects.toThrow(expected);
  });

  it("at whatever byte it ends", async () => {
    const file = mobilenetV2File({ alpha: 0.35, resolution: 32, classes: 2 });
    for (let length = 4; length < file.length; length += Math.ceil(file.length / 60)) {
      await expect(read(file.slice(0, length))).rejects.toThrow(FormatError);
    }
  });
});

describe("what is sound but not here is an UnsupportedError", () => {
  it.each<readonly [string, OnnxFile, RegExp]>([
    ["opset 6", new OnnxFile(6), /an opset from 7 to 21, got 6/],
    ["opset 22", new OnnxFile(22), /an opset from 7 to 21, got 22/],
    ["int64 inputs", new OnnxFile().input("x", [1], "int64").node("Relu", ["x"], "y").output("y"), /got int64/],
    ["an unknown operator", new OnnxFile().input("x", [1]).node("LSTM", ["x"], "y").output("y"), /node "y" \(LSTM\)/],
    [
      "another domain",
      new OnnxFile().input("x", [1]).node("Gelu", ["x"], "y", {}, "com.microsoft").output("y"),
      /com\.microsoft\.Gelu/,
    ],
    [
      "open channels",
      new OnnxFile().input("x", [1, "c", 4, 4]).node("Relu", ["x"], "y").output("y"),
      /got \[1, -1, 4, 4\]$/,
    ],
    [
      "open sizes",
      new OnnxFile().input("x", ["n", 3, "h", "w"]).node("Relu", ["x"], "y").output("y"),
      /the option resolution/,
    ],
    [
      "a constant output",
      new OnnxFile().initializer("w", [1], [1]).node("Identity", ["w"], "y").output("y"),
      /got a constant/,
    ],
  ])("%s", async (_, file, expected) => {
    await expect(read(file)).rejects.toThrow(UnsupportedError);
    await expect(read(file)).rejects.toThrow(expected);
  });

  it("all of it in one message, what depends on it left out", async () => {
    const file = new OnnxFile()
      .input("x", [1, 4, 4, 4])
      .node("Erf", ["x"], "a")
      .node("Relu", ["a"], "b")
      .node("MaxPool", ["x"], "c", { kernel_shape: [2, 2], dilations: [2, 2] })
      .node("Erf", ["b"], "d")
      .node("Concat", ["d", "c"], "y", { axis: 1 })
      .output("y");
    await expect(read(file)).rejects.toThrow(
      "onnx: expected operators that sepconv has, got 3 that it has not: Erf for 'a', 'd'; MaxPool (expected dilations of 1, got 2,2) for 'c'",
    );
  });

  it("nodes that no output needs are not looked at", async () => {
    const file = new OnnxFile().input("x", [1, 2]).node("LSTM", ["x"], "z").node("Relu", ["x"], "y").output("y");
    expect((await read(file)).nodes).toHaveLength(1);
  });
});

describe("limits", () => {
  const file = mobilenetV2File({ alpha: 0.35, resolution: 32, classes: 2 });

  it.each([
    ["maxNodes", 20, UnsupportedError],
    ["maxTensors", 20, UnsupportedError],
    ["maxUnpackedBytes", 10_000, MemoryError],
    ["maxFileBytes", 10_000, MemoryError],
  ] as const)("%s", async (limit, most, type) => {
    await expect(importModel(file, { budget: new Budget({ limits: { [limit]: most } }) })).rejects.toThrow(type);
  });

  it("a shape cannot ask for memory before it is looked at", async () => {
    const large = new OnnxFile()
      .input("x", [1, 2])
      .initializer("s", [2], [2, 2 ** 30], "int64")
      .node("ConstantOfShape", ["s"], "w")
      .node("MatMul", ["x", "w"], "y")
      .output("y");
    await expect(load(large.bytes())).rejects.toThrow(MemoryError);
  });
});

describe("external data", () => {
  const files = externalFiles();

  it("lies beside the model", async () => {
    const session = await load(files);
    const { output } = session.run(new Float32Array(128).fill(1));
    expect(output).toHaveLength(4 * session.outputs[0]!.shape[1]! * session.outputs[0]!.shape[2]!);
    expect(output.every((n) => n > 0 && n < 1)).toBe(true);
    session.dispose();
  });

  it("missing, too short", async () => {
    await expect(load(files["model.onnx"]!)).rejects.toThrow(LoadError);
    const short = { ...files, "model.data": new Uint8Array(300) };
    await expect(load(short)).rejects.toThrow(/expected 288 bytes from 16 of "model.data", got 300 in all/);
  });

  it.each(["../model.data", "/etc/hostname", "a\\b", "C:x", "file:///etc/hostname", ""])("not %o", async (location) => {
    const weights = tensor("w", [4, 2, 3, 3], [], "float32", { location });
    const file = new OnnxFile().input("x", [1, 2, 4, 4]).raw(5, weights).node("Conv", ["x", "w"], "y").output("y");
    await expect(load({ "model.onnx": file.bytes(), "model.data": new Uint8Array(288) })).rejects.toThrow(FormatError);
  });

  it("offsets that are none", async () => {
    const entry = (key: string, value: string) => bytesField(13, message(text(1, key), text(2, value)));
    const weights = message(
      varint(1, 2),
      varint(2, 1),
      text(8, "w"),
      entry("location", "d"),
      entry("offset", "-4"),
      varint(14, 1),
    );
    const file = new OnnxFile().input("x", [1, 2]).raw(5, weights).node("Add", ["x", "w"], "y").output("y");
    await expect(load({ "m.onnx": file.bytes(), d: new Uint8Array(8) })).rejects.toThrow(/offset to be a whole number/);
  });
});

describe("what a file leaves open", () => {
  const open = new OnnxFile()
    .input("x", ["batch", 3, "height", "width"])
    .node("GlobalAveragePool", ["x"], "y")
    .output("y");

  it("a batch is 1, the option resolution says height and width", async () => {
    expect((await read(open, { resolution: 32 })).inputs[0]!.shape).toEqual([1, 32, 32, 3]);
  });

  it("shapes that are computed of it", async () => {
    const file = mobilenetV2File({ alpha: 0.35, resolution: 32, classes: 2, head: "reshape" });
    expect((await read(file)).outputs).toEqual(["logits"]);
  });
});
