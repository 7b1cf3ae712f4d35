/**
 * Seeded random 8-bit graphs in the shape of real ones: separable blocks, residual additions, pools, joins, a
 * classifier.
 * @module
 */
import type { Constant, Graph, Node, Quantization } from "../../src/graph/graph.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { type Random, random } from "./random.ts";

type Bytes = "int8" | "uint8";

/** A graph and an input for it. `operands`: with gates and constant operands among its blocks. */
export function quantizedGraph(
  seed: number,
  operands = false,
): { graph: Graph; input: Int8Array | Uint8Array | Float32Array } {
  const builder = new Builder(random(`quantised graph ${seed}`), operands);
  const graph = builder.build();
  return { graph, input: builder.input(graph) };
}

class Builder {
  readonly numbers: Random;
  readonly dtype: Bytes;
  readonly constants = new Map<string, Constant>();
  readonly nodes: Node[] = [];
  inputs: Graph["inputs"] = [];

  readonly operands: boolean;

  constructor(numbers: Random, operands: boolean) {
    this.numbers = numbers;
    this.operands = operands;
    this.dtype = this.chance(0.5) ? "int8" : "uint8";
  }

  chance(p: number): boolean {
    return this.numbers.next() < p;
  }

  /** A meaning such as calibration gives; `relu`: with nothing below zero. */
  meaning(relu = false): Quantization {
    const [lo, hi] = this.dtype === "int8" ? [-128, 127] : [0, 255];
    const zero = relu ? lo : this.numbers.int(lo + 40, hi - 40);
    return { scales: [Math.fround(0.01 + 0.05 * this.numbers.next())], zeroPoints: [zero], axis: 0 };
  }

  shape(name: string): readonly number[] {
    return inferShapes(this.graph([name])).get(name)!;
  }

  graph(outputs: readonly string[]): Graph {
    const { inputs, constants, nodes } = this;
    return { name: "random", inputs, constants, nodes, outputs, endPoints: new Map(), source: { format: "test" } };
  }

  add(node: object, inputs: readonly string[], quantization: Quantization): string {
    const name = `n${this.nodes.length}`;
    this.nodes.push({ ...node, name, inputs, dtype: this.dtype, quantization } as Node);
    return name;
  }

  /** Weights and a bias for sums of k terms, scaled so that results fill their range. */
  layer(shape: readonly number[], axis: number, channels: number): { weights: string; bias: string } {
    const id = this.constants.size;
    const size = shape.reduce((a, b) => a * b, 1);
    const k = size / channels;
    const many = this.dtype === "int8" && this.chance(0.8) ? channels : 1;
    const zero = this.dtype === "int8" ? 0 : this.numbers.int(100, 160);
    const data = Array.from({ length: size }, () =>
      this.dtype === "int8" ? this.numbers.int(-127, 127) : this.numbers.int(0, 255),
    );
    // Now and then a channel that has died: no weights left, and a scale next to nothing.
    const dead = many > 1 && this.chance(0.3) ? this.numbers.int(0, channels - 1) : -1;
    if (dead >= 0) for (let i = dead; i < size; i += channels) data[i] = 0;
    const scales = Array.from({ length: many }, (_, c) =>
      c === dead ? Math.fround(1e-9) : Math.fround((0.5 + this.numbers.next()) / (60 * Math.sqrt(k))),
    );
    const weights = `w${id}`;
    const array = this.dtype === "int8" ? Int8Array.from(data) : Uint8Array.from(data);
    const quantization = { scales, zeroPoints: scales.map(() => zero), axis };
    this.constants.set(weights, { name: weights, shape, dtype: this.dtype, data: array, quantization });
    const bias = `b${id}`;
    const numbers = Int32Array.from({ length: channels }, (_, c) =>
      c === dead ? this.numbers.int(-(2 ** 30), 2 ** 30) : this.numbers.int(-2000, 2000),
    );
    this.constants.set(bias, { name: bias, shape: [channels], dtype: "int32", data: numbers });
    return { weights, bias };
  }

  operand(shape: readonly number[], quantization: Quantization): string {
    const name = `o${this.constants.size}`;
    const size = shape.reduce((a, b) => a * b, 1);
    const [lo, hi] = this.dtype === "int8" ? [-128, 127] : [0, 255];
    const numbers = Array.from({ length: size }, () => this.numbers.int(lo, hi));
    const data = this.dtype === "int8" ? Int8Array.from(numbers) : Uint8Array.from(numbers);
    this.constants.set(name, { name, shape, dtype: this.dtype, data, quantization });
    return name;
  }

  clamp() {
    const kind = this.numbers.int(0, 3);
    if (kind === 0) return {};
    return { clamp: { lo: 0, hi: kind === 1 ? 6 : Number.POSITIVE_INFINITY } };
  }

  window(stride = this.numbers.int(1, 2)) {
    const padding = this.chance(0.8) ? "same" : { top: 1, bottom: this.numbers.int(0, 1), left: 1, right: 1 };
    return { strides: [stride, stride], dilations: [1, 1], padding };
  }

  conv(x: string, outC: number, k: number, stride?: number): string {
    const inC = this.shape(x)[3]!;
    const layer = this.layer([k, k, inC, outC], 3, outC);
    const window = k === 1 ? { strides: [1, 1], dilations: [1, 1], padding: "same" } : this.window(stride);
    const clamp = this.clamp();
    return this.add({ op: "conv2d", ...layer, ...window, ...clamp }, [x], this.meaning("clamp" in clamp));
  }

  depthwise(x: string): string {
    const inC = this.shape(x)[3]!;
    const multiplier = this.chance(0.15) ? 2 : 1;
    const k = this.chance(0.8) ? 3 : 5;
    const layer = this.layer([k, k, inC, multiplier], 2, inC * multiplier);
    const window = k === 5 ? { strides: [1, 1], dilations: [1, 1], padding: "same" } : this.window();
    const clamp = this.clamp();
    return this.add({ op: "depthwiseConv2d", ...layer, ...window, ...clamp }, [x], this.meaning("clamp" in clamp));
  }

  build(): Graph {
    const size = this.numbers.int(6, 14);
    const shape = [this.numbers.int(1, 2), size, size + this.numbers.int(-1, 1), this.numbers.int(1, 4)];
    const float = this.chance(0.25);
    const quantization = this.meaning();
    this.inputs = [{ name: "x", shape, dtype: float ? "float32" : this.dtype, ...(!float && { quantization }) }];
    let x = float ? this.add({ op: "quantize" }, ["x"], quantization) : "x";
    x = this.conv(x, 4 * this.numbers.int(1, 5), 3);
    for (let block = this.numbers.int(1, 4); block > 0; block--) x = this.block(x);
    return this.graph([this.head(x)]);
  }

  block(x: string): string {
    const { quantization } = this.nodes.at(-1)!;
    const [, h, w] = this.shape(x);
    switch (this.numbers.int(0, this.operands ? 11 : 8)) {
      case 0:
        return this.add(
          { op: this.chance(0.5) ? "maxPool" : "averagePool", size: [2, 2], ...this.window(1) },
          [x],
          quantization!,
        );
      case 1: {
        const other = this.conv(x, this.shape(x)[3]!, 1);
        return this.add({ op: "add", ...this.clamp() }, [x, other], this.meaning());
      }
      case 9: {
        const mean = this.add({ op: "globalAveragePool", keepDims: true }, [x], quantization!);
        const [lowest] = this.dtype === "int8" ? [-128] : [0];
        const unit = { scales: [1 / 256], zeroPoints: [lowest!], axis: 0 };
        const gate = this.add({ op: "sigmoid" }, [mean], unit);
        const inputs = this.chance(0.5) ? [x, gate] : [gate, x];
        const op = ["mul", "sub", "add"][this.numbers.int(0, 2)]!;
        return this.add({ op, ...this.clamp() }, inputs, this.meaning());
      }
      case 10: {
        const op = ["mul", "sub", "add", "maximum", "minimum"][this.numbers.int(0, 4)]!;
        const shared = op.startsWith("m") && op !== "mul";
        const c = this.shape(x)[3]!;
        const shape = [[], [c], [h!, 1, 1], [1, w!, c]][this.numbers.int(0, 3)]!;
        const operand = this.operand(shape, shared ? quantization! : this.meaning());
        return this.add(
          { op, operand, operandFirst: this.chance(0.5), ...this.clamp() },
          [x],
          shared ? quantization! : this.meaning(),
        );
      }
      case 11: {
        const other = this.conv(x, 4 * this.numbers.int(1, 2), 1);
        return this.add({ op: "concat", axis: 3 }, [x, other, x], this.chance(0.5) ? quantization! : this.meaning());
      }
      case 2:
        return this.add({ op: "concat", axis: 3 }, [x, x], quantization!);
      case 3: {
        const padding = { top: 1, bottom: 2, left: 0, right: 1 };
        return this.add({ op: "pad", padding, value: 0 }, [x], quantization!);
      }
      case 8: {
        const way = this.numbers.int(0, 2);
        const size = [this.numbers.int(1, 2 * h!), this.numbers.int(1, 2 * w!)];
        const pixels = { alignCorners: way === 1, halfPixelCenters: way === 2 };
        return this.add({ op: "resizeBilinear", size, ...pixels }, [x], quantization!);
      }
      case 4:
        return this.add({ op: this.chance(0.5) ? "quantize" : "sigmoid" }, [x], this.meaning());
      default:
        if (h! * w! === 1) return this.conv(x, this.numbers.int(3, 20), 1);
        return this.conv(this.depthwise(x), this.numbers.int(3, 40), 1);
    }
  }

  head(x: string): string {
    const pooled = this.add({ op: "globalAveragePool", keepDims: false }, [x], this.meaning());
    const k = this.shape(pooled)[1]!;
    const classes = this.numbers.int(2, 11);
    const logits = this.add({ op: "dense", ...this.layer([k, classes], 1, classes) }, [pooled], this.meaning());
    const zero = this.dtype === "int8" ? -128 : 0;
    const last = this.add({ op: "softmax", beta: 1 }, [logits], { scales: [1 / 256], zeroPoints: [zero], axis: 0 });
    if (this.chance(0.5)) return last;
    const name = "real";
    this.nodes.push({ op: "dequantize", name, inputs: [last] });
    return name;
  }

  input({ inputs }: Graph): Int8Array | Uint8Array | Float32Array {
    const { shape, dtype } = inputs[0]!;
    const length = shape.reduce((a, b) => a * b, 1);
    if (dtype === "float32") return this.numbers.floats(length, 2);
    return dtype === "int8"
      ? Int8Array.from({ length }, () => this.numbers.int(-128, 127))
      : Uint8Array.from({ length }, () => this.numbers.int(0, 255));
  }
}
