/**
 * Networks of QuantizeLinear and DequantizeLinear pairs: they run in 8 bits, and how far they are from onnxruntime.
 */

import { describe, expect, it } from "vitest";
import { fromOnnx } from "../../../src/formats/onnx/read.ts";
import { optimize } from "../../../src/graph/passes/index.ts";
import { load } from "../../../src/index.ts";
import { generator } from "../../fuzz/mutate.ts";
import { missingOnnxruntime, onnxruntime } from "../../peers/onnxruntime.ts";
import { qdqFile } from "./small.ts";
import { OnnxFile, type TypeName } from "./writer.ts";

const nowhere = async () => {
  throw new Error("no other files");
};

const FORMS = (["int8", "uint8"] as const).flatMap((type) =>
  [false, true].map(
    (perChannel) => [`${type}, ${perChannel ? "a scale per channel" : "one scale"}`, { type, perChannel }] as const,
  ),
);

const image = (seed: number) => {
  const next = generator(seed);
  return Float32Array.from({ length: 768 }, () => 4 * next() - 2);
};

describe("QuantizeLinear and DequantizeLinear", () => {
  it.each(FORMS)("%s: all between the first and the last is in 8 bits", async (_, options) => {
    const { nodes } = optimize(await fromOnnx(qdqFile(options), nowhere));
    expect(nodes.filter(({ dtype }) => dtype !== "int8").map(({ op }) => op)).toEqual(["dequantize"]);
    expect(nodes.map(({ op }) => op)).toEqual([
      "quantize",
      "conv2d",
      ...(nodes.some(({ op }) => op === "separable") ? ["separable"] : ["depthwiseConv2d", "conv2d"]),
      "add",
      "globalAveragePool",
      "reshape",
      "dense",
      "dequantize",
    ]);
  });

  it("keeps pairs around what there is only in float", async () => {
    const file = new OnnxFile(13)
      .input("x", [1, 4])
      .initializer("s", [], [0.5])
      .initializer("z", [], [3], "uint8")
      .node("QuantizeLinear", ["x", "s", "z"], "q")
      .node("DequantizeLinear", ["q", "s", "z"], "f")
      .node("LeakyRelu", ["f"], "leaky", { alpha: { float: 0.5 } })
      .node("QuantizeLinear", ["leaky", "s", "z"], "yq")
      .output("yq", [1, 4], "uint8");
    const session = await load(file.bytes());
    expect(session.outputs[0]!.dtype).toBe("uint8");
    expect([...session.run(Float32Array.of(-4, -1, 0.2, 300)).output]).toEqual([1, 2, 3, 255]);
  });

  it.each<readonly [TypeName, number[], number[]]>([
    ["int8", [-128, 0, 127], [-128, -10, 117]],
    ["uint8", [0, 10, 255], [0, 0, 245]],
  ])("takes and gives %s as it is", async (type, given, expected) => {
    const file = new OnnxFile(13)
      .input("x", [1, 3], type)
      .initializer("s", [], [1])
      .initializer("z", [], [0], type)
      .initializer("ten", [], [10], type)
      .node("DequantizeLinear", ["x", "s", "ten"], "f")
      .node("QuantizeLinear", ["f", "s", "z"], "y")
      .output("y", [1, 3], type);
    const session = await load(file.bytes());
    const data = type === "int8" ? Int8Array.from(given) : Uint8Array.from(given);
    expect([...session.run(data).output]).toEqual(expected);
  });

  it("quantizes weights that a file stores as floats, ties to even", async () => {
    const file = new OnnxFile(13)
      .input("x", [1, 4])
      .initializer("s", [], [0.5])
      .initializer("z", [], [0], "int8")
      .initializer("w", [4, 4], [0.25, 0.75, -0.25, 100, ...new Array<number>(12).fill(0)])
      .node("QuantizeLinear", ["w", "s", "z"], "wq")
      .node("DequantizeLinear", ["wq", "s", "z"], "wf")
      .node("MatMul", ["x", "wf"], "y")
      .output("y", [1, 4]);
    const session = await load(file.bytes());
    expect([...session.run(Float32Array.of(1, 0, 0, 0)).output]).toEqual([0, 1, 0, 63.5]);
  });

  describe.skipIf(missingOnnxruntime())("beside onnxruntime", () => {
    it.each(FORMS)("%s: a step of the result at most", async (_, options) => {
      const differences: number[] = [];
      for (let seed = 1; seed <= 20; seed++) {
        const bytes = qdqFile({ ...options, seed });
        const session = await load(bytes);
        const data = image(seed);
        const first = Float32Array.from({ length: 768 }, (_, i) => data[(i % 256) * 3 + Math.floor(i / 256)]!);
        const { y } = await onnxruntime(bytes, { x: { dims: [1, 3, 16, 16], data: first } }, "disabled");
        const got = session.run(data).output;
        differences.push(...Array.from(got, (n, i) => Math.round(Math.abs(n - y!.data[i]!) / 0.05)));
        session.dispose();
      }
      const equal = differences.filter((d) => d === 0).length;
      console.info(
        `${equal} of ${differences.length} numbers equal, the others ${Math.max(...differences)} steps away`,
      );
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    });
  });
});
