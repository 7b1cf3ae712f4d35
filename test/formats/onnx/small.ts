/**
 * Small networks as quantizers and exporters write them.
 * @module
 */

import { generator } from "../../fuzz/mutate.ts";
import { encoded, OnnxFile } from "./writer.ts";

export interface QdqOptions {
  /** Type of activations; of weights it is int8. */
  readonly type: "int8" | "uint8";
  readonly perChannel: boolean;
  readonly seed?: number;
}

/** Stem, depthwise, pointwise, a sum, a pool and a matrix, each between pairs, as quantizers write them. */
export function qdqFile({ type, perChannel, seed = 1 }: QdqOptions): Uint8Array {
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

/** A convolution and a matrix in the operators that have their bytes within, behind a resizing to a computed size. */
export function qlinearFile(): Uint8Array {
  const file = new OnnxFile(13).input("x", [1, 2, 6, 6]);
  const meaning = (name: string, scale: number, zero: number, type: "int8" | "uint8" = "uint8") =>
    file.initializer(`${name}.s`, [], [scale], "float32", "typed").initializer(`${name}.z`, [], [zero], type, "typed");
  for (const [name, scale] of [
    ["x", 0.02],
    ["c", 0.05],
    ["y", 0.1],
  ] as const)
    meaning(name, scale, 128);
  meaning("w", 0.01, 0, "int8");
  const bytes = Array.from({ length: 54 }, (_, i) => ((i * 37) % 255) - 127);
  return file
    .node("Shape", ["x"], "shape")
    .node("Slice", ["shape", "two", "four", "none", "one"], "sizes")
    .initializer("none", [1], [0], "int64")
    .initializer("one", [1], [1], "int64", "typed")
    .initializer("two", [1], [2], "int64")
    .initializer("four", [1], [4], "int64")
    .node("Cast", ["sizes"], "floats", { to: 1 })
    .node("Constant", [], "factors", { value_floats: { floats: [2, 2] } })
    .node("Mul", ["floats", "factors"], "larger")
    .node("Floor", ["larger"], "floor")
    .node("Cast", ["floor"], "whole", { to: 7 })
    .node("Slice", ["shape", "none", "two", "none", "one"], "front")
    .node("Concat", ["front", "whole"], "target", { axis: 0 })
    .node("Resize", ["x", "", "", "target"], "large", {
      mode: "linear",
      coordinate_transformation_mode: "pytorch_half_pixel",
    })
    .node("QuantizeLinear", ["large", "x.s", "x.z"], "xq")
    .initializer("w", [3, 2, 3, 3], bytes, "int8", "typed")
    .initializer("b", [3], [10, -10, 0], "int32", "typed")
    .node("QLinearConv", ["xq", "x.s", "x.z", "w", "w.s", "w.z", "c.s", "c.z", "b"], "c", { auto_pad: "SAME_UPPER" })
    .node("MaxPool", ["c"], "pooled", { kernel_shape: [12, 12] })
    .node("Flatten", ["pooled"], "vector")
    .initializer("m", [3, 4], bytes.slice(0, 12), "int8")
    .node("QLinearMatMul", ["vector", "c.s", "c.z", "m", "w.s", "w.z", "y.s", "y.z"], "y")
    .output("y", [1, 4], "uint8")
    .bytes();
}

/** A network whose weights lie in a file of their own. */
export function externalFiles(): Readonly<Record<string, Uint8Array>> {
  const numbers = Array.from({ length: 72 }, (_, i) => Math.sin(i));
  const file = new OnnxFile(11)
    .input("x", ["n", 2, 8, 8])
    .initializer("w", [4, 2, 3, 3], [], "float32", { location: "model.data", offset: 16, length: 288 })
    .initializer("slope", [4, 1, 1], [0.1, 0.2, 0.3, 0.4])
    .node("Pad", ["x", "pads"], "padded")
    .initializer("pads", [8], [0, 0, 1, 1, 0, 0, 0, 0], "int64")
    .node("Conv", ["padded", "w"], "c", { strides: [2, 2], pads: [0, 0, 1, 1] })
    .node("PRelu", ["c", "slope"], "p")
    .node("HardSigmoid", ["p"], "h", { alpha: { float: 1 / 6 } })
    .node("Mul", ["p", "h"], "s")
    .node("AveragePool", ["s"], "a", { kernel_shape: [2, 2], ceil_mode: 1, pads: [1, 1, 1, 1], count_include_pad: 1 })
    .node("Transpose", ["a"], "t", { perm: [0, 2, 3, 1] })
    .node("Softmax", ["t"], "y", { axis: 3 })
    .output("y", ["n", 6, 6, 4]);
  const data = new Uint8Array(16 + 288);
  data.set(encoded(numbers, "float32"), 16);
  return { "model.onnx": file.bytes(), "model.data": data };
}
