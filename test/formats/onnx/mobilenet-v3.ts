/**
 * MobileNet v3-small as PyTorch's exporter writes torchvision's, with random weights.
 * @module
 */

import { generator } from "../../fuzz/mutate.ts";
import { OnnxFile } from "./writer.ts";

export interface MobilenetV3Options {
  readonly resolution?: number;
  readonly classes?: number;
  /** HardSwish as one operator, or as x·HardSigmoid(x), as opsets before 14 have it. */
  readonly swish: "one" | "two";
  readonly seed?: number;
}

/** Kernel, expanded channels, channels, gate, hard swish, stride: the rows of the paper's table 2. */
const BLOCKS = [
  [3, 16, 16, true, false, 2],
  [3, 72, 24, false, false, 2],
  [3, 88, 24, false, false, 1],
  [5, 96, 40, true, true, 2],
  [5, 240, 40, true, true, 1],
  [5, 240, 40, true, true, 1],
  [5, 120, 48, true, true, 1],
  [5, 144, 48, true, true, 1],
  [5, 288, 96, true, true, 2],
  [5, 576, 96, true, true, 1],
  [5, 576, 96, true, true, 1],
] as const;

/** He's spread is scaled up by this: hard swishes let less through than ReLU. */
const SCALE = 1.2;

/** Input "input" [1, 3, resolution, resolution], output "logits". */
export function mobilenetV3SmallFile(options: MobilenetV3Options): Uint8Array {
  const { resolution = 224, classes = 1000, swish, seed = 1 } = options;
  const random = generator(seed);
  const draw = (count: number, spread: number) =>
    Float32Array.from({ length: count }, () => spread * (2 * random() - 1));
  const file = new OnnxFile(swish === "one" ? 14 : 13).input("input", [1, 3, resolution, resolution]);
  let names = 0;

  /** Hard swish of a value, under another name. */
  const hardSwish = (x: string): string => {
    const name = `swish${names++}`;
    if (swish === "one") {
      file.node("HardSwish", [x], name);
    } else {
      file.node("HardSigmoid", [x], `${name}.gate`, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
      file.node("Mul", [x, `${name}.gate`], name);
    }
    return name;
  };
  /** A convolution with the norm behind it folded in, as exported in evaluation mode. */
  const conv = (x: string, inC: number, outC: number, size: number, stride = 1, group = 1): string => {
    const name = `conv${names++}`;
    const fan = (inC / group) * size * size;
    const weights = draw(outC * fan, SCALE * Math.sqrt(6 / fan));
    file.initializer(`${name}.w`, [outC, inC / group, size, size], weights);
    file.initializer(`${name}.b`, [outC], draw(outC, 0.2));
    file.node("Conv", [x, `${name}.w`, `${name}.b`], name, {
      kernel_shape: [size, size],
      strides: [stride, stride],
      dilations: [1, 1],
      group,
      pads: new Array<number>(4).fill(size >> 1),
    });
    return name;
  };
  const relu = (x: string): string => {
    file.node("Relu", [x], `${x}.relu`);
    return `${x}.relu`;
  };
  /** Squeeze and excite: a factor for each channel, of the means of all. */
  const gated = (x: string, channels: number): string => {
    const name = `gate${names++}`;
    const squeezed = Math.max(8, Math.floor((channels / 4 + 4) / 8) * 8);
    const inner = squeezed < (0.9 * channels) / 4 ? squeezed + 8 : squeezed;
    file.node("GlobalAveragePool", [x], `${name}.mean`);
    const excited = conv(relu(conv(`${name}.mean`, channels, inner, 1)), inner, channels, 1);
    file.node("HardSigmoid", [excited], `${name}.factor`, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
    file.node("Mul", [`${name}.factor`, x], name);
    return name;
  };

  let c = 16;
  let x = hardSwish(conv("input", 3, c, 3, 2));
  for (const [size, expanded, outC, gate, swishes, stride] of BLOCKS) {
    const bend = swishes ? hardSwish : relu;
    const before = x;
    if (expanded !== c) x = bend(conv(x, c, expanded, 1));
    x = bend(conv(x, expanded, expanded, size, stride, expanded));
    if (gate) x = gated(x, expanded);
    x = conv(x, expanded, outC, 1);
    if (stride === 1 && outC === c) {
      file.node("Add", [x, before], `sum${names}`);
      x = `sum${names++}`;
    }
    c = outC;
  }
  x = hardSwish(conv(x, c, 576, 1));
  file.node("GlobalAveragePool", [x], "mean").node("Flatten", ["mean"], "vector", { axis: 1 });
  const dense = (from: string, inputs: number, outputs: number, to: string) => {
    file.initializer(`${to}.w`, [outputs, inputs], draw(outputs * inputs, SCALE * Math.sqrt(3 / inputs)));
    file.initializer(`${to}.b`, [outputs], draw(outputs, 0.2));
    file.node("Gemm", [from, `${to}.w`, `${to}.b`], to, { alpha: { float: 1 }, beta: { float: 1 }, transB: 1 });
  };
  dense("vector", 576, 1024, "hidden");
  dense(hardSwish("hidden"), 1024, classes, "logits");
  return file.output("logits", [1, classes]).bytes();
}
