/**
 * TF.js graph models, with TF.js itself as the outside reference: it executes them on its CPU backend. Each node is
 * compared on its own, fed with what TF.js computed before it, within the bound of `test/reference/value.ts`.
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { FormatError, ShapeError, UnsupportedError } from "../../src/errors.ts";
import { importModel } from "../../src/formats/recognize.ts";
import { validate } from "../../src/graph/validate.ts";
import { crossCheck } from "./builders/cross-check.ts";
import { FLOAT, GraphFile, ints, text, texts, window } from "./builders/graphdef.ts";

beforeAll(async () => {
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  await tf.ready();
});

describe("graph model", () => {
  test("a MobileNet as the converter fuses it", async () => {
    const file = new GraphFile()
      .placeholder("x", -1, 20, 20, 3)
      .weight("stem/w", [3, 3, 3, 8])
      .weight("stem/b", [8])
      .node(
        "stem",
        "_FusedConv2D",
        ["x", "stem/w", "stem/b"],
        window(2, "SAME", { fused_ops: texts("BiasAdd", "Relu6"), num_args: { i: "1" } }),
      )
      .weight("dw/w", [3, 3, 8, 1])
      .weight("dw/b", [8])
      .node(
        "dw",
        "FusedDepthwiseConv2dNative",
        ["stem", "dw/w", "dw/b"],
        window(1, "SAME", { fused_ops: texts("BiasAdd", "Relu"), num_args: { i: "1" } }),
      )
      .weight("pw/w", [1, 1, 8, 12])
      .weight("pw/b", [12])
      .node(
        "pw",
        "_FusedConv2D",
        ["dw", "pw/w", "pw/b"],
        window(1, "VALID", { fused_ops: texts("BiasAdd"), num_args: { i: "1" } }),
      )
      .node("pw/relu", "Relu6", ["pw"])
      .list("axes", 1, 2)
      .node("pool", "Mean", ["pw/relu", "axes"], { keep_dims: { b: true } })
      .weight("logits/w", [1, 1, 12, 5])
      .weight("logits/b", [5])
      .node("logits/conv", "Conv2D", ["pool", "logits/w"], window(1, "SAME"))
      .node("logits", "BiasAdd", ["logits/conv", "logits/b"])
      .node("squeezed", "Squeeze", ["logits"], { squeeze_dims: ints(1, 2) })
      .node("softmax", "Softmax", ["squeezed"])
      .node("Identity", "Identity", ["softmax", "^pool"]);
    const graph = await crossCheck(file, [1, 20, 20, 3], "Identity");
    expect(graph.inputs).toEqual([{ name: "x", shape: [1, 20, 20, 3], dtype: "float32" }]);
    expect(graph.outputs).toEqual(["Identity"]);
    expect(graph.nodes.map(({ name }) => name)).not.toContain("logits/conv");
    expect(graph.nodes.find(({ name }) => name === "logits")).toMatchObject({ op: "conv2d", bias: "logits/b" });
  });

  test("unfused arithmetic: batch norms, constants a channel or for all, residuals", async () => {
    const file = new GraphFile()
      .placeholder("x", 1, 7, 9, 4)
      .weight("w", [3, 3, 4, 2])
      .node("dw", "DepthwiseConv2dNative", ["x", "w"], window(2, "SAME"))
      .weight("gamma", [8])
      .weight("beta", [8])
      .weight("mean", [8])
      .weight("variance", [8], 0.1, 1)
      .node("bn", "FusedBatchNormV3", ["dw", "gamma", "beta", "mean", "variance"], {
        epsilon: { f: 0.002 },
        is_training: { b: false },
      })
      .node("relu", "Relu", ["bn"])
      .constant("two", [], Float32Array.of(2))
      .weight("per/channel", [1, 1, 1, 8])
      .node("scaled", "Mul", ["two", "relu"])
      .node("shifted", "Sub", ["scaled", "per/channel"])
      .node("turned", "Sub", ["two", "shifted"])
      .node("added", "AddV2", ["turned", "gamma"])
      .node("sum", "Add", ["added", "relu"])
      .node("below", "Minimum", ["sum", "two"])
      .constant("half", [1], Float32Array.of(0.5))
      .node("above", "Maximum", ["half", "below"])
      .node("sigmoid", "Sigmoid", ["above"])
      .list("axis", -1)
      .node("joined", "ConcatV2", ["sigmoid", "relu", "axis"], { N: { i: "2" } });
    const graph = await crossCheck(file, [1, 7, 9, 4], "joined");
    expect(graph.nodes.find(({ name }) => name === "bn")).toMatchObject({ epsilon: 0.002 });
  });

  test("rectifiers with a slope, by themselves and fused", async () => {
    const activation = (last: string, count: string, more = {}) =>
      window(1, "SAME", { fused_ops: texts("BiasAdd", last), num_args: { i: count }, ...more });
    const file = new GraphFile()
      .placeholder("x", 1, 5, 6, 4)
      .weight("w", [3, 3, 4, 4])
      .weight("d", [3, 3, 4, 1])
      .weight("b", [4])
      .weight("a", [4])
      .weight("image/a", [1, 1, 4])
      .node("alone", "Prelu", ["x", "image/a"])
      .node("leaky", "LeakyRelu", ["alone"], { alpha: { f: 0.25 } })
      .node("conv", "_FusedConv2D", ["leaky", "w", "b", "a"], activation("Prelu", "2"))
      .node("dw", "FusedDepthwiseConv2dNative", ["conv", "d", "b", "image/a"], activation("Prelu", "2"))
      .node("last", "_FusedConv2D", ["dw", "w", "b"], activation("LeakyRelu", "1", { leakyrelu_alpha: { f: 0.125 } }));
    const graph = await crossCheck(file, [1, 5, 6, 4], "last");
    const rectifiers = graph.nodes.filter(({ op }) => op === "prelu");
    expect(rectifiers).toEqual([
      { op: "prelu", name: "alone", inputs: ["x"], alpha: "image/a/4" },
      { op: "prelu", name: "leaky", inputs: ["alone"], alpha: "leaky/alpha" },
      { op: "prelu", name: "conv", inputs: ["conv/sums"], alpha: "a" },
      { op: "prelu", name: "dw", inputs: ["dw/sums"], alpha: "image/a/4" },
      { op: "prelu", name: "last", inputs: ["last/sums"], alpha: "last/alpha" },
    ]);
  });

  test("pools, pads, and reshapes, with an open batch too", async () => {
    const file = new GraphFile()
      .placeholder("x", -1, 8, 8, 3)
      .constant("pads", [4, 2], Int32Array.of(0, 0, 1, 2, 0, 1, 0, 0))
      .node("padded", "Pad", ["x", "pads"])
      .constant("value", [], Float32Array.of(-3))
      .node("filled", "PadV2", ["padded", "pads", "value"])
      .node("max", "MaxPool", ["filled"], { ...window(2, "SAME"), ksize: ints(1, 3, 3, 1) })
      .node("average", "AvgPool", ["max"], { ...window(1, "SAME"), ksize: ints(1, 2, 2, 1) })
      .node("shape", "Shape", ["average"])
      .list("zero", 0)
      .list("one", 1)
      .node("batch", "StridedSlice", ["shape", "zero", "one", "one"], { shrink_axis_mask: { i: "1" } })
      .constant("size", [], Int32Array.of(105))
      .node("target", "Pack", ["batch", "size"], { N: { i: "2" }, axis: { i: "0" } })
      .node("flattened", "Reshape", ["average", "target"])
      .weight("m", [5, 105])
      .node("product", "MatMul", ["flattened", "m"], { transpose_a: { b: false }, transpose_b: { b: true } })
      .weight("b", [5])
      .node("dense", "BiasAdd", ["product", "b"])
      .weight("m2", [5, 3])
      .weight("b2", [3])
      .node("out", "_FusedMatMul", ["dense", "m2", "b2"], {
        fused_ops: texts("BiasAdd", "Relu"),
        num_args: { i: "1" },
        transpose_a: { b: false },
        transpose_b: { b: false },
      });
    const graph = await crossCheck(file, [1, 8, 8, 3], "out");
    expect(graph.nodes.find(({ name }) => name === "flattened")).toMatchObject({ op: "reshape", shape: [-1, 105] });
    expect(graph.nodes.find(({ name }) => name === "dense")).toMatchObject({ op: "dense", bias: "b" });
  });

  test("pads of channels, before and behind", async () => {
    const file = new GraphFile()
      .placeholder("x", -1, 5, 4, 3)
      .constant("behind", [4, 2], Int32Array.of(0, 0, 0, 0, 0, 0, 0, 5))
      .node("padded", "Pad", ["x", "behind"])
      .constant("around", [4, 2], Int32Array.of(0, 0, 1, 0, 0, 2, 3, 1))
      .constant("value", [], Float32Array.of(-3))
      .node("filled", "PadV2", ["padded", "around", "value"]);
    const graph = await crossCheck(file, [1, 5, 4, 3], "filled");
    const sides = { top: 1, bottom: 0, left: 0, right: 2, front: 3, back: 1 };
    expect(graph.nodes.find(({ name }) => name === "filled")).toMatchObject({ op: "pad", padding: sides, value: -3 });
  });

  test("end points of a MobileNet v1, its ReLU6 written out", async () => {
    const file = new GraphFile().placeholder("x", -1, 32, 32, 3).constant("six", [], Float32Array.of(6));
    file.constant("zero", [], Float32Array.of(0));
    let last = "x";
    const layer = (name: string, op: string, shape: number[], stride: number) => {
      file.weight(`${name}/w`, shape).node(name, op, [last, `${name}/w`], window(stride, "SAME"));
      file.node(`${name}/relu`, "Relu", [name]).node(`${name}/min`, "Minimum", [`${name}/relu`, "six"]);
      file.node(`${name}/max`, "Maximum", [`${name}/min`, "zero"]);
      last = `${name}/max`;
    };
    layer("conv", "Conv2D", [3, 3, 3, 4], 2);
    for (let i = 1; i <= 13; i++) {
      layer(`dw${i}`, "DepthwiseConv2dNative", [3, 3, 4, 1], [2, 4, 6, 12].includes(i) ? 2 : 1);
      layer(`pw${i}`, "Conv2D", [1, 1, 4, 4], 1);
    }
    file.list("axes", 1, 2).node("pool", "Mean", [last, "axes"]);
    const graph = await crossCheck(file, [1, 32, 32, 3], "pool");
    expect(graph.endPoints.get("block0")).toBe("conv/max");
    expect(graph.endPoints.get("block13")).toBe("pw13/max");
    expect(graph.endPoints.get("output")).toBe("pool");
    expect(graph.nodes.filter(({ op }) => op === "clamp")).toHaveLength(27);
    expect(graph.nodes[1]).toEqual({ op: "clamp", name: "conv/max", inputs: ["conv"], lo: 0, hi: 6 });
  });

  test("explicit padding, fused batch norms, weights used twice", async () => {
    const file = new GraphFile()
      .placeholder("x", 1, 6, 6, 4)
      .weight("w", [3, 3, 4, 4])
      .weight("v", [4], 0.1, 1)
      .node("conv", "Conv2D", ["x", "w"], window(2, "EXPLICIT", { explicit_paddings: ints(0, 0, 1, 0, 2, 1, 0, 0) }))
      .node("again", "BiasAdd", ["conv", "v"])
      .node("both", "AddV2", ["again", "conv"])
      .node(
        "fused",
        "_FusedConv2D",
        ["x", "w", "v", "v", "v", "v"],
        window(1, "SAME", { fused_ops: texts("FusedBatchNorm", "Relu6"), epsilon: { f: 0.5 } }),
      );
    const graph = await importModel(file.files("both", "fused"));
    validate(graph);
    expect(graph.nodes.map(({ name, op }) => `${name}: ${op}`)).toEqual([
      "conv: conv2d",
      "again: scaleShift",
      "both: add",
      "fused/sums: conv2d",
      "fused/normalized: batchNorm",
      "fused: clamp",
    ]);
    expect(graph.nodes[0]).toMatchObject({ strides: [2, 2], padding: { top: 1, bottom: 0, left: 2, right: 1 } });
    expect(graph.nodes[4]).toMatchObject({ gamma: "v", variance: "v", epsilon: 0.5 });
    expect([...graph.constants.keys()].toSorted()).toEqual(["again/scale", "again/shift", "v", "w"]);
  });

  test("names made up do not collide with the file's", async () => {
    const file = new GraphFile()
      .placeholder("x", 1, 2, 2, 2)
      .weight("mul/scale", [2])
      .weight("other", [2])
      .node("mul", "Mul", ["x", "other"])
      .node("mul/shift", "BiasAdd", ["mul", "mul/scale"])
      .node("last", "Mul", ["mul/shift", "mul/scale"]);
    await crossCheck(file, [1, 2, 2, 2], "last");
  });

  test("without signature the outputs are what nobody reads; open sizes are the resolution", async () => {
    const file = new GraphFile().placeholder("x", -1, -1, -1, 3).node("a", "Relu", ["x"]).node("b", "Sigmoid", ["x:0"]);
    const graph = await importModel(file.files(), { resolution: 10 });
    expect(graph.outputs).toEqual(["a", "b"]);
    expect(graph.inputs[0]!.shape).toEqual([1, 10, 10, 3]);
  });

  test("nodes may stand in any order, and be many", async () => {
    const file = new GraphFile().placeholder("x", 1, 1, 1, 1);
    for (let i = 0; i < 3000; i++) file.node(`n${i}`, "Relu", [i ? `n${i - 1}` : "x"]);
    file.nodes.reverse();
    const graph = await importModel(file.files("n2999"));
    expect(graph.nodes.map(({ name }) => name)).toEqual(Array.from({ length: 3000 }, (_, i) => `n${i}`));
  });

  const base = () => new GraphFile().placeholder("x", 1, 4, 4, 2).weight("w", [3, 3, 2, 2]);

  test.each<readonly [string, (file: GraphFile) => GraphFile, new (message: string) => Error, RegExp]>([
    [
      "an unknown op",
      (f) => f.node("y", "Selu", ["x"]),
      UnsupportedError,
      /node "y" \(Selu\): expected an op that sepconv has, got Selu/,
    ],
    [
      "channels first",
      (f) => f.node("y", "Conv2D", ["x", "w"], window(1, "SAME", { data_format: text("NCHW") })),
      UnsupportedError,
      /node "y" \(Conv2D\): expected data_format NHWC, got NCHW/,
    ],
    [
      "a padded batch",
      (f) => f.constant("p", [4, 2], Int32Array.of(0, 1, 0, 0, 0, 0, 0, 2)).node("y", "Pad", ["x", "p"]),
      UnsupportedError,
      /node "y" \(Pad\): expected padding of height, width and channels only, got \[0,1,0,0,0,0,0,2\]/,
    ],
    [
      "a window that counts channels",
      (f) =>
        f.node("y", "Conv2D", ["x", "w"], window(1, "EXPLICIT", { explicit_paddings: ints(0, 0, 0, 0, 0, 0, 0, 1) })),
      UnsupportedError,
      /node "y" \(Conv2D\): expected padding of height and width only, got \[0,0,0,0,0,0,0,1\]/,
    ],
    [
      "computed weights",
      (f) => f.node("y", "Conv2D", ["x", "x"], window(1, "SAME")),
      UnsupportedError,
      /node "y" .*: expected input 1 to be constant, got the computed value "x"/,
    ],
    [
      "a constant where a value belongs",
      (f) => f.node("y", "Relu", ["w"]),
      UnsupportedError,
      /expected input 0 to be computed, got the constant "w"/,
    ],
    [
      "an unknown fused op",
      (f) =>
        f
          .weight("b", [2])
          .node("y", "_FusedConv2D", ["x", "w", "b"], window(1, "SAME", { fused_ops: texts("BiasAdd", "Elu") })),
      UnsupportedError,
      /fused_ops .* got BiasAdd, Elu/,
    ],
    [
      "slopes fused without a bias",
      (f) => f.node("y", "_FusedConv2D", ["x", "w", "w"], window(1, "SAME", { fused_ops: texts("Prelu") })),
      UnsupportedError,
      /fused_ops of BiasAdd .* got Prelu/,
    ],
    [
      "a slope for each pixel",
      (f) => f.weight("a", [4, 4, 2]).node("y", "Prelu", ["x", "a"]),
      UnsupportedError,
      /node "y" \(Prelu\): expected "a" to be one number or 2, one per channel, got shape \[4,4,2\]/,
    ],
    [
      "a constant that is no channel's",
      (f) => f.weight("c", [3, 1]).node("y", "AddV2", ["x", "c"]),
      UnsupportedError,
      /"c" to be one number or 2, one per channel, got shape \[3,1\]/,
    ],
    [
      "strides over the batch",
      (f) => f.node("y", "Conv2D", ["x", "w"], { ...window(1, "SAME"), strides: ints(2, 1, 1, 1) }),
      UnsupportedError,
      /expected strides \[1, height, width, 1\], got \[2,1,1,1\]/,
    ],
    [
      "training",
      (f) => f.weight("v", [2]).node("y", "FusedBatchNorm", ["x", "v", "v", "v", "v"], { is_training: { b: true } }),
      UnsupportedError,
      /expected is_training false, got true/,
    ],
    [
      "a second output",
      (f) => f.node("a", "Relu", ["x"]).node("y", "Relu", ["a:1"]),
      UnsupportedError,
      /node "a" \(Relu\): .* got a:1, read by tfjs: node "y"/,
    ],
    [
      "an input of text",
      (f) => f.node("i", "Placeholder", [], { dtype: { type: "DT_STRING" } }).node("y", "Relu", ["i"]),
      UnsupportedError,
      /node "i" \(Placeholder\): expected dtype DT_FLOAT, DT_INT32, DT_UINT8, got DT_STRING/,
    ],
    [
      "an input of unknown rank",
      (f) =>
        f
          .node("i", "Placeholder", [], { dtype: FLOAT, shape: { shape: { unknownRank: true } } })
          .node("y", "Relu", ["i"]),
      UnsupportedError,
      /unknown rank/,
    ],
    [
      "a missing node",
      (f) => f.node("y", "Relu", ["gone"]),
      FormatError,
      /expected a node "gone", read by tfjs: node "y" \(Relu\), got none/,
    ],
    [
      "a missing input",
      (f) => f.node("y", "Conv2D", ["x"], window(1, "SAME")),
      FormatError,
      /node "y" .*: expected an input 1, got 1 inputs/,
    ],
    [
      "a circle",
      (f) => f.node("a", "Relu", ["y"]).node("y", "Relu", ["a"]),
      FormatError,
      /expected no circle, got its own result/,
    ],
    [
      "a name used twice",
      (f) => f.node("y", "Relu", ["x"]).node("y", "Relu", ["x"]),
      FormatError,
      /node "y" .*: expected a name of its own/,
    ],
    [
      "an output that is constant",
      (f) => f.node("y", "Identity", ["w"]),
      FormatError,
      /output "y": expected a computed value/,
    ],
    [
      "a node without op",
      (f) => f.push({ name: "y" }),
      FormatError,
      /modelTopology\.node\[2\]: expected a node with name and op/,
    ],
    [
      "a value that the manifest lacks",
      (f) => f.node("c", "Const", []).node("y", "BiasAdd", ["x", "c"]),
      FormatError,
      /node "c" \(Const\): expected its value in the weightsManifest/,
    ],
    [
      "a string that is no base64",
      (f) => f.node("y", "Conv2D", ["x", "w"], window(1, "SAME", { padding: { s: "%%%" } })),
      FormatError,
      /attribute padding to be a string in base64/,
    ],
    [
      "a size that is no number",
      (f) => f.node("y", "Conv2D", ["x", "w"], window(1, "SAME", { strides: { list: { i: ["x"] } } })),
      FormatError,
      /attribute strides/,
    ],
    [
      "weights of a wrong depth",
      (f) => f.weight("v", [3, 3, 5, 2]).node("y", "Conv2D", ["x", "v"], window(1, "SAME")),
      ShapeError,
      /node "y" \(conv2d\)/,
    ],
    [
      "a reshape that loses elements",
      (f) => f.list("s", -1, 5).node("y", "Reshape", ["x", "s"]),
      FormatError,
      /expected a shape of 32 elements, got \[-1,5\]/,
    ],
  ])("%s", async (_, change, kind, message) => {
    const files = change(base()).files("y");
    await expect(importModel(files)).rejects.toThrow(kind);
    await expect(importModel(files)).rejects.toThrow(message);
  });
});
