/**
 * Networks of QuantizeLinear and DequantizeLinear pairs: they run in 8 bits, and how far they are from onnxruntime.
 */

import { describe, expect, it } from "vitest";
import { fromOnnx } from "../../../src/formats/onnx/read.ts";
import { optimize } from "../../../src/graph/passes/index.ts";
import { load } from "../../../src/index.ts";
import { generator } from "../../fuzz/mutate.ts";
import { missingOnnxruntime, onnxruntime } from "../../peers/onnxruntime.ts";
import { OnnxFile, type TypeName } from "./writer.ts";

const nowhere = async () => {
  throw new Error("no other files");
};

interface QdqOptions {
  /** Type of activations; of weights it is int8. */
  readonly type: "int8" | "uint8";
  readonly perChannel: boolean;
  readonly seed?: number;
}

/** Stem, depthwise, pointwise, a sum, a pool and a matrix, each between pairs, as quantizers write them. */
function qdqFile({ type, perChannel, seed = 1 }: QdqOptions): Uint8Array {
  const random = generator(seed);
  const file = new OnnxFile(13).input("x", [1, 3, 16, 16]);
  const zeroOf = (zero: number) => (type === "int8" ? zero - 128 : zero);
  const pair = (x: string, scale: number, zero: number) => {
    file.initializer(`${x}.s`, [], [scale]).initializer(`${x}.z`, [], [zeroOf(zero)], type);
    file.node("QuantizeLinear", [x, `${x}.s`, `${x}.z`], `${x}.q`);
    file.node("DequantizeLinear", [`${x}.q`, `${x}.s`, `${x}.z`], `${x}.f`);
    return `${x}.f`;
  };
  const stored = (name: string, dims: readonly number[], channels: number, input: number, outC: number) => {
    const size = dims.reduce((a, b) => a * b, 1);
    const count = perChannel ? outC : 1;
    const scales = Float32Array.from({ length: count }, () => 0.002 + 0.004 * random());
    const list = perChannel ? [outC] : [];
    const axis = perChannel ? { axis: channels } : {};
    const bytes = Array.from({ length: size }, () => Math.round(254 * random()) - 127);
    file.initializer(`${name}.wq`, dims, bytes, "int8").initializer(`${name}.ws`, list, scales);
    file.initializer(`${name}.wz`, list, new Array<number>(count).fill(0), "int8");
    file.node("DequantizeLinear", [`${name}.wq`, `${name}.ws`, `${name}.wz`], `${name}.w`, axis);
    const unit = Float32Array.from(scales, (s) => Math.fround(s * Math.fround(input)));
    const whole = Array.from({ length: outC }, () => Math.round(4000 * (random() - 0.5)));
    file.initializer(`${name}.bq`, [outC], whole, "int32").initializer(`${name}.bs`, list, unit);
    file.initializer(`${name}.bz`, list, new Array<number>(count).fill(0), "int32");
    file.node(
      "DequantizeLinear",
      [`${name}.bq`, `${name}.bs`, `${name}.bz`],
      `${name}.b`,
      perChannel ? { axis: 0 } : {},
    );
    return [`${name}.w`, `${name}.b`];
  };
  const conv = (x: string, name: string, [inC, outC, size, group, input]: readonly number[], relu: boolean) => {
    const constants = stored(name, [outC!, inC! / group!, size!, size!], 0, input!, outC!);
    const pads = new Array<number>(4).fill(size! >> 1);
    file.node("Conv", [x, ...constants], name, { group: group!, pads, kernel_shape: [size!, size!] });
    if (!relu) return name;
    file.node("Relu", [name], `${name}.relu`);
    return `${name}.relu`;
  };
  const x = pair("x", 1 / 64, 128);
  const stem = pair(conv(x, "stem", [3, 8, 3, 1, 1 / 64], true), 0.02, 0);
  const depthwise = pair(conv(stem, "depthwise", [8, 8, 3, 8, 0.02], true), 0.03, 0);
  const pointwise = pair(conv(depthwise, "pointwise", [8, 8, 1, 1, 0.03], false), 0.05, 120);
  file.node("Add", [pointwise, stem], "sum");
  const sum = pair("sum", 0.06, 110);
  file.node("GlobalAveragePool", [sum], "pool");
  file.node("Flatten", [pair("pool", 0.04, 100)], "vector");
  const dense = stored("dense", [5, 8], 0, 0.04, 5);
  file.node("Gemm", ["vector", ...dense], "logits", { transB: 1 });
  file.node("Identity", [pair("logits", 0.05, 128)], "y");
  return file.output("y", [1, 5]).bytes();
}

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
