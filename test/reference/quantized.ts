/**
 * 8-bit networks by definition: every value in whole numbers, straight from TFLite's formulas, in the signs that the
 * file has. Shares no code with the engine.
 * @module
 */

import type {
  Arithmetic,
  Clamp,
  Graph,
  Node,
  Padding,
  Pair,
  Quantization,
  Shape,
  TensorData,
} from "../../src/graph/graph.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { unary } from "./activation.ts";
import { largestAt } from "./arg-max.ts";
import { broadcastIndices } from "./arithmetic.ts";
import { difference8, nearest, sum8 } from "./elementwise_s8.ts";
import { away, mbqm, split } from "./fixed_point.ts";
import { mirrorPad, resizeNearest, slice, tile, transpose } from "./move.ts";
import { average, meanFactor } from "./pool_s8.ts";
import { resize8 } from "./resize_s8.ts";
import { softmax8 } from "./softmax_s8.ts";
import { transposedConv2d } from "./transposed.ts";
import { exact } from "./value.ts";
import { place } from "./window.ts";

type Values = Map<string, ArrayLike<number>>;

/** All values of a graph by name: inputs, constants aside. */
export function interpretQuantized(graph: Graph, inputs: Readonly<Record<string, ArrayLike<number>>>): Values {
  const values: Values = new Map(Object.entries(inputs));
  const scope = new Scope(graph, values);
  for (const node of graph.nodes) values.set(node.name, scope.compute(node));
  return values;
}

/** A part of a concatenation of unsigned bytes in the whole's meaning: in float32, as TFLite has it. */
function joined(q: number, scale: number, zero: number, to: { readonly scale: number; readonly zero: number }): number {
  const factor = Math.fround(scale * Math.fround(1 / to.scale));
  const bias = Math.fround(-zero * factor);
  return away(Math.fround(Math.fround(q * factor) + bias)) + to.zero;
}

class Scope {
  readonly graph: Graph;
  readonly values: Values;
  readonly shapes: ReadonlyMap<string, Shape>;

  constructor(graph: Graph, values: Values) {
    this.graph = graph;
    this.values = values;
    this.shapes = inferShapes(graph);
  }

  shape(name: string): readonly [number, number, number, number] {
    return this.shapes.get(name) as unknown as readonly [number, number, number, number];
  }

  /** Scale, zero point and type of an activation. */
  of(name: string) {
    const value = [...this.graph.inputs, ...this.graph.nodes].find((each) => each.name === name)!;
    const { scales, zeroPoints } = value.quantization ?? { scales: [1], zeroPoints: [0] };
    return { scale: scales[0]!, zero: zeroPoints[0]!, dtype: value.dtype ?? "float32" };
  }

  bounds(node: Node, clamp: Clamp | undefined): [number, number] {
    const { scale, zero, dtype } = this.of(node.name);
    const [least, most] = dtype === "uint8" ? [0, 255] : [-128, 127];
    const q = (x: number) => zero + away(Math.fround(Math.fround(x) / scale));
    return [
      clamp && clamp.lo !== Number.NEGATIVE_INFINITY ? Math.max(least, q(clamp.lo)) : least,
      clamp && clamp.hi !== Number.POSITIVE_INFINITY ? Math.min(most, q(clamp.hi)) : most,
    ];
  }

  data(name: string | undefined): TensorData | undefined {
    return name === undefined ? undefined : this.graph.constants.get(name)!.data;
  }

  compute(node: Node): ArrayLike<number> {
    const input = node.inputs[0]!;
    const x = this.values.get(input)!;
    const from = this.of(input);
    const to = this.of(node.name);
    const put = (value: number, [lo, hi]: [number, number]) => Math.min(hi, Math.max(lo, value));
    const all = this.bounds(node, undefined);
    switch (node.op) {
      case "conv2d":
      case "depthwiseConv2d":
        return this.convolve(node, x);
      case "dense": {
        const [k, n] = this.graph.constants.get(node.weights)!.shape as [number, number];
        const factors = this.factors(node.weights, from.scale, to.scale, n, true);
        const bounds = this.bounds(node, node.clamp);
        return this.each(x.length / k, n, (r, o) => {
          let sum = this.data(node.bias)?.[o] ?? 0;
          for (let i = 0; i < k; i++) sum += this.weight(node.weights, i * n + o, o) * (x[r * k + i]! - from.zero);
          return put(mbqm(sum, factors[o]!) + to.zero, bounds);
        });
      }
      case "maxPool":
      case "averagePool": {
        const bounds = this.bounds(node, node.clamp);
        return this.windows(node, node.size, { ...node, dilations: [1, 1] }, (taps, c) => {
          const seen = taps.map((at) => x[at + c]!);
          if (node.op === "maxPool") return put(Math.max(...seen), bounds);
          return put(average(seen), bounds);
        });
      }
      case "globalAveragePool": {
        const [n, h, w, c] = this.shape(input);
        const pixels = h * w;
        const factor = meanFactor(split(from.scale / to.scale), pixels);
        return this.each(n, c, (b, channel) => {
          let sum = 0;
          for (let p = 0; p < pixels; p++) sum += x[(b * pixels + p) * c + channel]!;
          return put(mbqm(sum - pixels * from.zero, factor) + to.zero, all);
        });
      }
      case "add":
      case "sub":
      case "mul":
      case "maximum":
      case "minimum":
        return this.arithmetic(node);
      case "argMax": {
        const shape = this.shapes.get(input)!;
        return largestAt(x, shape, node.axis, node.last);
      }
      case "concat": {
        const shape = this.shapes.get(node.name)!;
        const outer = shape.slice(0, node.axis).reduce((a, b) => a * b, 1);
        const parts = node.inputs.map((name) => {
          const { scale, zero } = this.of(name);
          const numbers = Array.from(this.values.get(name)!);
          if (scale === to.scale && zero === to.zero) return numbers;
          // TFLite joins signed bytes of one meaning only; what brings others to it is QUANTIZE.
          return node.dtype === "int8"
            ? numbers.map((q) => put(mbqm(q - zero, split(scale / to.scale)) + to.zero, all))
            : numbers.map((q) => put(joined(q, scale, zero, to), all));
        });
        return Array.from({ length: outer }, (_, r) =>
          parts.flatMap((part) => part.slice((r * part.length) / outer, ((r + 1) * part.length) / outer)),
        ).flat();
      }
      case "pad": {
        const [, inH, inW, c] = this.shape(input);
        const [n, outH, outW, outC] = this.shape(node.name);
        const { top, left, front = 0 } = node.padding;
        return this.each(n * outH * outW, outC, (p, channel) => {
          const [b, y, xx] = [Math.floor(p / outW / outH), (Math.floor(p / outW) % outH) - top, (p % outW) - left];
          const i = channel - front;
          if (y < 0 || y >= inH || xx < 0 || xx >= inW || i < 0 || i >= c) return to.zero;
          return x[((b * inH + y) * inW + xx) * c + i]!;
        });
      }
      case "transpose":
        return transpose(exact(this.shapes.get(input)!, x), node.permutation).values;
      case "slice":
        return slice(exact(this.shapes.get(input)!, x), this.shapes.get(node.name)!, node.begin, node.strides).values;
      case "tile":
        return tile(exact(this.shapes.get(input)!, x), node.multiples).values;
      case "resizeNearest":
        return resizeNearest(exact(this.shape(input), x), node.size, node).values;
      case "mirrorPad":
        return mirrorPad(exact(this.shape(input), x), node.padding, node.mode).values;
      case "transposedConv2d":
        return this.spread(node, x);
      case "unary":
        return Array.from(x, (q) => {
          const real = unary(exact([1], [Math.fround(Math.fround(from.scale) * (q - from.zero))]), node.of).values[0]!;
          return put(away(Math.fround(Math.fround(real) / Math.fround(to.scale))) + to.zero, all);
        });
      case "resizeBilinear":
        return resize8(x, this.shape(input), node, to.dtype === "uint8");
      case "reshape":
      case "identity":
        return x;
      case "softmax":
        return softmax8(x, this.shapes.get(node.name)!.at(-1)!, from.scale * node.beta, from.dtype === "uint8");
      case "clamp": {
        const factor = split(from.scale / to.scale);
        const bounds = this.bounds(node, node);
        return Array.from(x, (q) => put(mbqm(q - from.zero, factor) + to.zero, bounds));
      }
      case "sigmoid":
        return Array.from(x, (q) => {
          const real = Math.fround(from.scale * (q - from.zero));
          return put(away(Math.fround(Math.fround(1 / (1 + Math.exp(-real))) / to.scale)) + to.zero, all);
        });
      case "leakyRelu": {
        const f = Math.fround;
        const [same, less] = [split(f(from.scale / to.scale)), split(f(f(from.scale * f(node.alpha)) / to.scale))];
        return Array.from(x, (q) => put(mbqm(q - from.zero, q >= from.zero ? same : less) + to.zero, all));
      }
      case "prelu": {
        const { data, quantization } = this.graph.constants.get(node.alpha)!;
        const [scale, zero] = [quantization!.scales[0]!, quantization!.zeroPoints[0]!];
        const [same, less] = [split(from.scale / to.scale), split((from.scale * scale) / to.scale)];
        return Array.from(x, (q, i) => {
          if (q >= from.zero) return put(mbqm(q - from.zero, same) + to.zero, all);
          return put(mbqm((q - from.zero) * (data![i % data!.length]! - zero), less) + to.zero, all);
        });
      }
      case "hardSwish":
        return Array.from(x, (q) => {
          const real = Math.fround(from.scale * (q - from.zero));
          const swish = (real * Math.min(6, Math.max(0, real + 3))) / 6;
          return put(away(Math.fround(Math.fround(swish) / to.scale)) + to.zero, all);
        });
      case "quantize":
        if (from.dtype === "float32") {
          return Array.from(x, (real) => put(nearest(real, to.scale) + to.zero, all));
        }
        return Array.from(x, (q) => put(mbqm(q - from.zero, split(from.scale / to.scale)) + to.zero, all));
      case "dequantize":
        return Float32Array.from(x, (q) => from.scale * (q - from.zero));
      default:
        throw new TypeError(`node ${node.name}: no 8-bit reference of ${node.op}`);
    }
  }

  /** Scale, zero point, shape and numbers of a constant operand, or of a value. */
  operand(name: string) {
    const constant = this.graph.constants.get(name);
    if (constant === undefined) return { ...this.of(name), shape: this.shapes.get(name)!, q: this.values.get(name)! };
    const { scales, zeroPoints } = constant.quantization!;
    return { scale: scales[0]!, zero: zeroPoints[0]!, shape: constant.shape, q: constant.data! };
  }

  arithmetic(node: Arithmetic): number[] {
    const operands = [node.inputs[0]!, node.operand ?? node.inputs[1]!].map((name) => this.operand(name));
    if (node.operandFirst) operands.reverse();
    const [a, b] = operands as [(typeof operands)[number], (typeof operands)[number]];
    const to = this.of(node.name);
    const shape = this.shapes.get(node.name)!;
    const [from, from2] = [broadcastIndices(a.shape, shape), broadcastIndices(b.shape, shape)];
    const t = 2 * Math.max(a.scale, b.scale);
    const factors = [split(a.scale / t), split(b.scale / t), split(t / (2 ** 20 * to.scale))] as const;
    const product = split(Math.fround(Math.fround(a.scale * b.scale) / to.scale));
    const of = (p: number, q: number) => {
      if (node.op === "maximum") return Math.max(p, q);
      if (node.op === "minimum") return Math.min(p, q);
      const [x, x2] = [p - a.zero, q - b.zero];
      if (node.op === "mul") return mbqm(x * x2, product) + to.zero;
      return (node.op === "add" ? sum8(x, x2, ...factors) : difference8(x, x2, ...factors)) + to.zero;
    };
    const [lo, hi] = this.bounds(node, node.clamp);
    return from.map((i, at) => Math.min(hi, Math.max(lo, of(a.q[i]!, b.q[from2[at]!]!))));
  }

  each(rows: number, columns: number, of: (row: number, column: number) => number): number[] {
    return Array.from({ length: rows * columns }, (_, i) => of(Math.floor(i / columns), i % columns));
  }

  /** A weight without its zero point; `o`: its output channel. */
  weight(name: string, i: number, o: number): number {
    const { data, quantization } = this.graph.constants.get(name)!;
    const { zeroPoints } = quantization as Quantization;
    return data![i]! - (zeroPoints.length === 1 ? zeroPoints[0]! : zeroPoints[o]!);
  }

  factors(name: string, from: number, to: number, n: number, dense: boolean) {
    const { dtype, quantization } = this.graph.constants.get(name)!;
    const { scales } = quantization!;
    const single = dtype === "uint8" || (dense && scales.length === 1);
    return Array.from({ length: n }, (_, o) => {
      const product = from * (scales.length === 1 ? scales[0]! : scales[o]!);
      return split((single ? Math.fround(product) : product) / to);
    });
  }

  convolve(node: Extract<Node, { op: "conv2d" | "depthwiseConv2d" }>, x: ArrayLike<number>): number[] {
    const from = this.of(node.inputs[0]!);
    const to = this.of(node.name);
    const [kH, kW, inC, last] = this.graph.constants.get(node.weights)!.shape as [number, number, number, number];
    const deep = node.op === "depthwiseConv2d";
    const n = deep ? inC * last : last;
    const factors = this.factors(node.weights, from.scale, to.scale, n, false);
    const [lo, hi] = this.bounds(node, node.clamp);
    const bias = this.data(node.bias);
    return this.windows(node, [kH, kW], node, (taps, o, which) => {
      let sum = bias?.[o] ?? 0;
      taps.forEach((at, i) => {
        const tap = which[i]!;
        if (deep) {
          sum += this.weight(node.weights, tap * n + o, o) * (x[at + Math.floor(o / last)]! - from.zero);
        } else {
          for (let c = 0; c < inC; c++)
            sum += this.weight(node.weights, (tap * inC + c) * n + o, o) * (x[at + c]! - from.zero);
        }
      });
      return Math.min(hi, Math.max(lo, mbqm(sum, factors[o]!) + to.zero));
    });
  }

  /** Each pixel over its window: the sums are those of the formula, whatever their order. */
  spread(node: Extract<Node, { op: "transposedConv2d" }>, x: ArrayLike<number>): number[] {
    const [from, to] = [this.of(node.inputs[0]!), this.of(node.name)];
    const { shape, data } = this.graph.constants.get(node.weights)!;
    const [kH, kW, , n] = shape as [number, number, number, number];
    const kernel = [kH, kW] as const;
    const { padT: top, padL: left } = place(...node.size, kernel, node.strides, [1, 1], node.padding);
    const numbers = Array.from(data!, (_, i) => this.weight(node.weights, i, i % n));
    const real = exact(
      this.shape(node.inputs[0]!),
      Array.from(x, (q) => q - from.zero),
    );
    const bias = this.data(node.bias);
    const sums = transposedConv2d(real, { shape, data: numbers }, bias, { ...node, top, left }).values;
    const factors = this.factors(node.weights, from.scale, to.scale, n, false);
    const [lo, hi] = this.bounds(node, node.clamp);
    return Array.from(sums, (sum, i) => Math.min(hi, Math.max(lo, mbqm(sum, factors[i % n]!) + to.zero)));
  }

  /**
   * One value for each place and channel; `taps`: where the pixels that a window sees begin, `which`: the taps that
   * they meet.
   */
  windows(
    node: Node,
    [kH, kW]: Pair,
    window: { readonly strides: Pair; readonly dilations: Pair; readonly padding: Padding },
    of: (taps: readonly number[], channel: number, which: readonly number[]) => number,
  ): number[] {
    const [, inH, inW, inC] = this.shape(node.inputs[0]!);
    const [n, outH, outW, outC] = this.shape(node.name);
    const before = (out: number, size: number, k: number, axis: 0 | 1) => {
      const { padding, strides, dilations } = window;
      if (typeof padding === "object") return axis === 0 ? padding.top : padding.left;
      const total = Math.max((out - 1) * strides[axis] + (k - 1) * dilations[axis] + 1 - size, 0);
      return padding === "same" ? Math.floor(total / 2) : 0;
    };
    const [top, left] = [before(outH, inH, kH, 0), before(outW, inW, kW, 1)];
    return this.each(n * outH * outW, outC, (place, channel) => {
      const [b, oy, ox] = [Math.floor(place / outW / outH), Math.floor(place / outW) % outH, place % outW];
      const taps: number[] = [];
      const which: number[] = [];
      for (let tap = 0; tap < kH * kW; tap++) {
        const y = oy * window.strides[0] - top + Math.floor(tap / kW) * window.dilations[0];
        const x = ox * window.strides[1] - left + (tap % kW) * window.dilations[1];
        if (y < 0 || x < 0 || y >= inH || x >= inW) continue;
        taps.push(((b * inH + y) * inW + x) * inC);
        which.push(tap);
      }
      return of(taps, channel, which);
    });
  }
}
