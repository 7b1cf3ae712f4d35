/**
 * MobileNet v2 as PyTorch's exporter writes torchvision's, with random weights.
 * @module
 */

import { generator } from "../../fuzz/mutate.ts";
import { OnnxFile } from "./writer.ts";

export interface MobilenetOptions {
  /** Factor of all channels, rounded to multiples of 8; 1 by default. */
  readonly alpha?: number;
  readonly resolution?: number;
  readonly classes?: number;
  /** Without batch norms, as exported in evaluation mode: their numbers are in weights and biases. */
  readonly folded?: boolean;
  /** How the map becomes a vector: by a mean over axes, or by a pool and a reshape to a computed shape. */
  readonly head?: "mean" | "reshape";
  readonly opset?: number;
  readonly seed?: number;
}

/** Expansion, channels, repetitions and stride of each row of the paper's table 2. */
const BLOCKS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Input "input" [batch, 3, resolution, resolution], output "logits". */
export function mobilenetV2File(options: MobilenetOptions = {}): Uint8Array {
  const { alpha = 1, resolution = 224, classes = 1000, folded = false, head = "mean", opset = 13, seed = 1 } = options;
  const random = generator(seed);
  const draw = (count: number, from: number, to: number) =>
    Float32Array.from({ length: count }, () => from + (to - from) * random());
  const channels = (count: number) => Math.max(8, Math.round((count * alpha) / 8) * 8);
  const file = new OnnxFile(opset).input("input", ["batch", 3, resolution, resolution]);
  let names = 0;

  /** Convolution, batch norm and, unless linear, ReLU6. */
  const layer = (x: string, inC: number, outC: number, size: number, stride: number, group: number, linear = false) => {
    const name = `layer${names++}`;
    const fan = (inC / group) * size * size;
    const spread = Math.sqrt(6 / fan);
    file.initializer(`${name}.w`, [outC, inC / group, size, size], draw(outC * fan, -spread, spread));
    const window = {
      kernel_shape: [size, size],
      strides: [stride, stride],
      dilations: [1, 1],
      group,
      pads: new Array<number>(4).fill(size >> 1),
    };
    const conv = folded ? [x, `${name}.w`, `${name}.b`] : [x, `${name}.w`];
    if (folded) file.initializer(`${name}.b`, [outC], draw(outC, -0.2, 0.2));
    file.node("Conv", conv, `${name}.conv`, window);
    let value = `${name}.conv`;
    if (!folded) {
      const statistics = [
        ["gamma", 0.8, 1.2],
        ["beta", -0.2, 0.2],
        ["mean", -0.2, 0.2],
        ["variance", 0.5, 1.5],
      ] as const;
      for (const [role, from, to] of statistics) file.initializer(`${name}.${role}`, [outC], draw(outC, from, to));
      const inputs = [value, ...statistics.map(([role]) => `${name}.${role}`)];
      file.node("BatchNormalization", inputs, `${name}.norm`, { epsilon: { float: 1e-5 }, momentum: { float: 0.9 } });
      value = `${name}.norm`;
    }
    if (linear) return value;
    if (opset < 11) {
      file.node("Clip", [value], `${name}.relu`, { min: { float: 0 }, max: { float: 6 } });
    } else {
      file.node("Constant", [], `${name}.lo`, { value_float: { float: 0 } });
      file.node("Constant", [], `${name}.hi`, { value_float: { float: 6 } });
      file.node("Clip", [value, `${name}.lo`, `${name}.hi`], `${name}.relu`);
    }
    return `${name}.relu`;
  };

  let c = channels(32);
  let x = layer("input", 3, c, 3, 2, 1);
  for (const [expansion, out, repetitions, first] of BLOCKS) {
    for (let i = 0; i < repetitions; i++) {
      const [outC, stride, before, inner] = [channels(out), i === 0 ? first : 1, x, c * expansion];
      if (expansion > 1) x = layer(x, c, inner, 1, 1, 1);
      x = layer(x, inner, inner, 3, stride, inner);
      x = layer(x, inner, outC, 1, 1, 1, true);
      if (stride === 1 && outC === c) {
        file.node("Add", [before, x], `sum${names}`);
        x = `sum${names}`;
      }
      c = outC;
    }
  }
  const last = Math.max(1280, channels(1280));
  x = layer(x, c, last, 1, 1, 1);
  x = vector(file, x, head);
  file.node("Dropout", [x], "dropped");
  file.initializer("classifier.w", [classes, last], draw(classes * last, -0.05, 0.05));
  file.initializer("classifier.b", [classes], draw(classes, -0.1, 0.1));
  file.node("Gemm", ["dropped", "classifier.w", "classifier.b"], "logits", {
    alpha: { float: 1 },
    beta: { float: 1 },
    transB: 1,
  });
  return file.output("logits", ["batch", classes]).bytes();
}

function vector(file: OnnxFile, x: string, head: "mean" | "reshape"): string {
  if (head === "mean") {
    file.node("ReduceMean", [x], "mean", { axes: [2, 3], keepdims: 0 });
    return "mean";
  }
  file.node("GlobalAveragePool", [x], "pool");
  file.node("Shape", [x], "shape");
  file.initializer("zero", [], [0], "int64");
  file.initializer("axis", [1], [0], "int64");
  file.initializer("rest", [1], [-1], "int64");
  file.node("Gather", ["shape", "zero"], "batch", { axis: 0 });
  file.node("Unsqueeze", ["batch", "axis"], "batches");
  file.node("Concat", ["batches", "rest"], "target", { axis: 0 });
  file.node("Reshape", ["pool", "target"], "vector");
  return "vector";
}
