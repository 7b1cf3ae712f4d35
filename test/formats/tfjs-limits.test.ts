/** TF.js graph models that ask for what there is not, for much, or for what makes no sense. */
import { describe, expect, test } from "vitest";
import { build } from "../../src/engine/build.ts";
import { MemoryError, UnsupportedError } from "../../src/errors.ts";
import { type ImportOptions, importModel } from "../../src/formats/recognize.ts";
import { Budget } from "../../src/limits.ts";
import { processorTime } from "../processor-time.ts";
import { GraphFile, ints, text, window } from "./builders/graphdef.ts";
import type { Json } from "./builders/tfjs.ts";

const base = () => new GraphFile().placeholder("x", 1, 4, 4, 2);
const read = (file: GraphFile, outputs: string[], options?: ImportOptions) =>
  importModel(file.files(...outputs), options);

async function refusal(file: GraphFile, ...outputs: string[]): Promise<string> {
  const error = await read(file, outputs).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnsupportedError);
  return (error as Error).message;
}

describe("what there is not", () => {
  test("stands in one message, whatever depends on it", async () => {
    const file = base()
      .weight("w", [1, 1, 2, 2])
      .list("axis", 3)
      .node("halves", "TopKV2", ["x", "axis"])
      .node("sum", "AddV2", ["halves", "halves:1"])
      .node("up", "Selu", ["x"])
      .node("conv", "Conv2D", ["up", "w"], window(1, "SAME"))
      .node("first", "Conv2D", ["x", "w"], window(1, "SAME", { data_format: text("NCHW") }))
      .node("again", "Selu", ["first"]);
    const message = await refusal(file, "sum", "conv", "again");
    expect(message).toContain("got 4 that it has not");
    expect(message).toContain("TopKV2 for 'halves'");
    expect(message).toContain("Selu for 'up', 'again'");
    expect(message).toContain("Conv2D (expected data_format NHWC, got NCHW) for 'first'");
  });

  test("a loop: what lies on its way back too", async () => {
    const file = base()
      .node("enter", "Enter", ["x"])
      .node("merge", "Merge", ["enter", "next"])
      .node("body", "Switch", ["merge", "merge"])
      .node("next", "NextIteration", ["step"])
      .node("step", "Selu", ["body:1"])
      .node("exit", "Exit", ["body"]);
    const error = await read(file, ["exit"]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnsupportedError);
    const blockers = ["Enter", "Merge", "Switch", "Exit", "Selu", "NextIteration"];
    const names = ["enter", "merge", "body", "exit", "step", "next"];
    expect((error as UnsupportedError).blockers).toEqual(blockers.map((what, i) => ({ what, nodes: [names[i]] })));
  });

  test("further outputs, read by a node or by the signature", async () => {
    const file = base().node("a", "Relu", ["x"]).node("b", "Relu", ["a:1"]).node("c", "Relu", ["a:2"]);
    expect(await refusal(file, "b", "c")).toMatch(/Relu \(a further output, a:1\) for 'a'; .*a:2\)/);
    const model = file.model("b") as { signature: { outputs: Record<string, Json> } };
    model.signature.outputs.b!.name = "a:3";
    const files = {
      ...file.files("b"),
      "model.json": new TextEncoder().encode(JSON.stringify({ ...model, weightsManifest: [] })),
    };
    await expect(importModel(files)).rejects.toThrow(/node "a" \(Relu\): .* got a:3, read by the signature/);
  });

  test("names of nodes that make up names of ours", async () => {
    const file = base()
      .weight("w", [1, 1, 2, 2])
      .weight("b", [2])
      .node("conv/sums", "Relu", ["x"])
      .node("conv", "_FusedConv2D", ["conv/sums", "w", "b"], window(1, "SAME", { fused_ops: sigmoid() }));
    const graph = await read(file, ["conv"]);
    expect(graph.nodes.map(({ name }) => name)).toEqual(["conv/sums", "conv/sums_1", "conv"]);
  });
});

const sigmoid = () => ({ list: { s: [text("BiasAdd").s, text("Sigmoid").s] } });

describe("outputs", () => {
  test("keep the signature's order, one that stands there twice both its places, an input too", async () => {
    const file = base().node("a", "Relu", ["x"]).node("b", "Sigmoid", ["a"]);
    const model = file.model("b", "a") as { signature: { outputs: Record<string, Json> } };
    model.signature.outputs.again = { name: "b:0" };
    model.signature.outputs.given = { name: "x:0" };
    const bytes = new TextEncoder().encode(JSON.stringify({ ...model, weightsManifest: [{ paths: [], weights: [] }] }));
    const graph = await importModel({ "model.json": bytes });
    expect(graph.outputs).toEqual(["b", "a", "b", "x"]);
    await expect(build({ ...graph, outputs: ["b", "a", "b"] })).resolves.toBeDefined();
  });
});

describe("what is known of shapes", () => {
  test("gathers, slices and products", async () => {
    const file = new GraphFile()
      .placeholder("x", -1, 4, 4, 2)
      .node("shape", "Shape", ["x"])
      .list("one", 1)
      .list("rest", -1)
      .list("zero", 0)
      .node("tail", "Slice", ["shape", "one", "rest"])
      .node("size", "Prod", ["tail", "zero"], { keep_dims: { b: true } })
      .node("batch", "GatherV2", ["shape", "zero", "zero"])
      .node("target", "ConcatV2", ["batch", "size", "zero"])
      .node("flat", "Reshape", ["x", "target"]);
    const graph = await read(file, ["flat"]);
    expect(graph.nodes).toMatchObject([{ op: "reshape", name: "flat", shape: [-1, 32] }]);
  });

  test("a list with numbers in their places", async () => {
    const file = new GraphFile()
      .placeholder("x", -1, 4, 4, 2)
      .constant("places", [1, 1], Int32Array.of(1))
      .list("length", 2)
      .list("rest", 32)
      .constant("open", [], Int32Array.of(-1))
      .node("target", "SparseToDense", ["places", "length", "rest", "open"])
      .node("flat", "Reshape", ["x", "target"]);
    const graph = await read(file, ["flat"]);
    expect(graph.nodes).toMatchObject([{ op: "reshape", name: "flat", shape: [-1, 32] }]);
    const outside = file
      .constant("far", [1, 1], Int32Array.of(2))
      .node("y", "SparseToDense", [...["far", "length", "rest", "open"]]);
    expect(await refusal(outside, "y")).toMatch(/SparseToDense.*known beforehand, got others/);
  });

  test("doubling lists end, and what is not known is named", async () => {
    const file = base().node("p0", "Shape", ["x"]).list("zero", 0);
    for (let i = 0; i < 40; i++) file.node(`p${i + 1}`, "ConcatV2", [`p${i}`, `p${i}`, "zero"]);
    file.node("y", "Reshape", ["x", "p40"]);
    expect(await refusal(file, "y")).toContain("ConcatV2");
    const division = base().list("one", 1).node("y", "FloorMod", ["x", "one"]);
    expect(await refusal(division, "y")).toMatch(/known beforehand, got "x"/);
  });
});

describe("settings that make no sense are FormatErrors", () => {
  const convolution = (attr: Json) =>
    base()
      .weight("w", [3, 3, 2, 2])
      .node("y", "Conv2D", ["x", "w"], window(1, "SAME", attr));
  const pool = (attr: Json) => base().node("y", "MaxPool", ["x"], { ...window(1, "SAME"), ...attr });
  const norm = (epsilon: unknown) =>
    base()
      .weight("v", [2])
      .node("y", "FusedBatchNormV3", ["x", "v", "v", "v", "v"], { epsilon: { f: epsilon }, is_training: { b: false } });

  test.each<[string, GraphFile, RegExp]>([
    [
      "a dilation of 2³²",
      convolution({ dilations: ints(1, 2 ** 32, 2 ** 32, 1) }),
      /"y" \(Conv2D\).*dilations.* 32 bits/,
    ],
    ["a dilation of 2³¹", convolution({ dilations: ints(1, 2 ** 31, 1, 1) }), /dilations/],
    ["a dilation of 0", convolution({ dilations: ints(1, 0, 1, 1) }), /"y" .*dilations .*from 1 on, got \[1,0,1,1\]/],
    ["a negative stride", convolution({ strides: ints(1, -1, 1, 1) }), /strides .*from 1 on/],
    ["strides of three axes", convolution({ strides: ints(1, 1, 1) }), /strides/],
    ["a number that is none", convolution({ strides: { list: { i: [null, "1", "1", "1"] } } }), /attribute strides/],
    [
      "a negative padding",
      convolution({ padding: text("EXPLICIT"), explicit_paddings: ints(0, 0, -1, 0, 0, 0, 0, 0) }),
      /padding from 0 on/,
    ],
    ["a window of 2³²", pool({ ksize: ints(1, 2 ** 32, 2 ** 32, 1) }), /"y" \(MaxPool\).*ksize/],
    ["a window of 0", pool({ ksize: ints(1, 0, 2, 1) }), /ksize .*from 1 on/],
    ["a negative epsilon", norm(-1), /tfjs: node "y" \(batchNorm\): expected epsilon .* got -1/],
    ["an epsilon that is NaN", norm("NaN"), /"y" .*attribute epsilon to be a number/],
    ["an epsilon that is a list", norm([]), /attribute epsilon/],
    [
      "axes that are fractions",
      base().constant("axes", [2], Float32Array.of(0.5, 1)).node("y", "Mean", ["x", "axes"]),
      /"y" \(Mean\): expected "axes" to be at most 1024 whole numbers/,
    ],
    [
      "a thousand axes",
      base()
        .list("axes", ...new Array<number>(2000).fill(1))
        .node("y", "Mean", ["x", "axes"]),
      /at most 1024 whole numbers, got 2000/,
    ],
    [
      "a bound that is NaN",
      base().constant("n", [], Float32Array.of(Number.NaN)).node("y", "Minimum", ["x", "n"]),
      /tfjs: node "y" \(clamp\)/,
    ],
    [
      "an input beyond 32 bits",
      new GraphFile().placeholder("x", 1, 2 ** 31, 4, 2).node("y", "Relu", ["x"]),
      /"x".*shape/,
    ],
    ["an axis that is none", base().list("a", -9).node("y", "ConcatV2", ["x", "x", "a"]), /"y" \(concat\).*axis/],
  ])("%s", async (_, file, message) => {
    await expect(read(file, ["y"])).rejects.toThrow(expect.objectContaining({ code: "FORMAT" }));
    await expect(read(file, ["y"])).rejects.toThrow(message);
  });
});

describe("limits", () => {
  test("nodes are counted", async () => {
    const file = base();
    for (let i = 0; i < 30; i++) file.node(`n${i}`, "Relu", [i ? `n${i - 1}` : "x"]);
    const budget = new Budget({ limits: { maxNodes: 30 } });
    await expect(read(file, ["n29"], { budget })).rejects.toThrow(/tfjs: nodes: .*limits\.maxNodes.*got 31/);
  });

  test("thousands of outputs, readers, and layers that are rewritten take no time to speak of", async () => {
    const file = base().weight("w", [1, 1, 2, 2]).weight("b", [2]);
    for (let i = 0; i < 3000; i++) {
      file
        .node(`c${i}`, "Conv2D", [i ? `b${i - 1}` : "x", "w"], window(1, "SAME"))
        .node(`b${i}`, "BiasAdd", [`c${i}`, "b"]);
    }
    const names = Array.from({ length: 3000 }, (_, i) => `b${i}`);
    const files = file.files(...names);
    const began = processorTime();
    const graph = await importModel(files);
    expect(processorTime() - began).toBeLessThan(1500);
    expect([...graph.constants.keys()].toSorted()).toEqual(["b", "w"]);
  });

  test("constants that are made count before they are", async () => {
    const file = new GraphFile().placeholder("x", 1, 1, 1, 2 ** 30).constant("two", [], Float32Array.of(2));
    await expect(read(file.node("y", "Mul", ["x", "two"]), ["y"])).rejects.toThrow(MemoryError);
  });

  test("weights that no node reads are not decoded", async () => {
    const file = base().weight("large", [1000]).node("y", "Relu", ["x"]);
    const budget = new Budget({ limits: { maxUnpackedBytes: 100 } });
    expect((await read(file, ["y"], { budget })).nodes).toHaveLength(1);
    const used = base().weight("large", [1, 1, 2, 500]).node("y", "Conv2D", ["x", "large"], window(1, "SAME"));
    await expect(read(used, ["y"], { budget })).rejects.toThrow(/weight "large": .*limits\.maxUnpackedBytes/);
  });
});
