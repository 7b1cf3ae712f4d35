/**
 * A graph on its way from a recipe.
 * @module
 */
import { ShapeError } from "../../src/errors.ts";
import type { Constant, Graph, Node, Quantization, Shape } from "../../src/graph/graph.ts";
import { definitionOf } from "../../src/graph/ops/index.ts";
import { random } from "../cases/random.ts";
import type { Recipe, Step } from "./recipe.ts";

/** Values of more numbers than this are not made: the reference takes its time. */
const MOST = 1200;
const INFINITY = Number.POSITIVE_INFINITY;
/** Functions that are defined for all numbers, and those that are for positive ones. */
const ANY = ["abs", "neg", "square", "exp", "tanh", "floor", "ceil", "round", "truncate"] as const;
const POSITIVE = ["sqrt", "rsqrt", "reciprocal", "log"] as const;
const OPERATORS = ["add", "sub", "mul", "maximum", "minimum", "div"] as const;

type Bytes = "int8" | "uint8";
type Four = readonly [number, number, number, number];

export class Sketch {
  readonly #recipe: Recipe;
  readonly #bytes: Bytes | undefined;
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #shapes = new Map<string, Shape>();
  readonly #meanings = new Map<string, Quantization>();
  /** Values that steps can start from. */
  readonly #values = ["x"];
  #step: Step | undefined;

  constructor(recipe: Recipe) {
    this.#recipe = recipe;
    this.#bytes = recipe.dtype === "float32" ? undefined : recipe.dtype;
    this.#shapes.set("x", recipe.x);
    if (this.#bytes) this.#meanings.set("x", this.#meaning("x"));
  }

  graph(): Graph {
    const { dtype, x, second } = this.#recipe;
    const inputs = [{ name: "x", shape: x, dtype, ...(this.#bytes && { quantization: this.#meanings.get("x")! }) }];
    if (this.#nodes.length === 0) this.#add({ op: "identity" }, ["x"], this.#meanings.get("x"));
    const names = this.#nodes.map(({ name }) => name);
    const outputs = [...new Set([names.at(-1)!, ...(second ? [names[names.length >> 1]!] : [])])];
    const [constants, nodes] = [this.#constants, this.#nodes];
    return { name: "random", inputs, constants, nodes, outputs, endPoints: new Map(), source: { format: "test" } };
  }

  input(): Float32Array | Int8Array | Uint8Array {
    const numbers = this.#numbers("x");
    const length = this.#recipe.x.reduce((a, b) => a * b, 1);
    if (!this.#bytes) return numbers.floats(length, 2);
    const bytes = numbers.bytes(length);
    return this.#bytes === "int8" ? bytes : new Uint8Array(bytes.buffer);
  }

  /** One step more, where it fits. */
  grow(step: Step): void {
    this.#step = step;
    const at = (back: number) => this.#values[Math.max(this.#values.length - 1 - back, 0)]!;
    const [nodes, constants] = [this.#nodes.length, [...this.#constants.keys()].length];
    try {
      const x = at(step.from);
      // A number without a shape is given one: most of what there is to do wants channels.
      const scalar = this.#shapes.get(x)!.length === 0;
      const from = scalar ? this.#add({ op: "reshape", shape: [1] }, [x], "shared") : x;
      const name = this.#made(step, from, at(step.other));
      // Whole numbers go no further: what they are is tried where they are made.
      if (this.#nodes.at(-1)?.op !== "argMax") this.#values.push(name);
    } catch (error) {
      if (!(error instanceof ShapeError || error instanceof Misfit)) throw error;
      this.#nodes.length = nodes;
      for (const name of [...this.#constants.keys()].slice(constants)) this.#constants.delete(name);
    }
  }

  #made(step: Step, x: string, other: string): string {
    const { kind, a, b, c, d } = step;
    switch (kind) {
      case "conv":
        return this.#conv(this.#image(x), [1 + (a % 3), 1 + (b % 4)], 1 + c + (d & 1) * 8, this.#window());
      case "pointwise":
        return this.#conv(this.#image(x), [1, 1], 1 + a + 8 * (b % 3), PLAIN);
      case "depthwise":
        return this.#depthwise(this.#image(x));
      case "separable":
        return this.#conv(this.#depthwise(this.#image(x), 3), [1, 1], 1 + a + 8 * (b % 3), PLAIN);
      case "dense": {
        const [inner, outer] = [this.#shapes.get(x)!.at(-1)!, 1 + a + 8 * (b % 4)];
        return this.#add({ op: "dense", ...this.#layer([inner, outer], 1, outer), ...this.#clamp() }, [x], "own");
      }
      case "transposedConv": {
        const image = this.#image(x);
        const [, h, w, inner] = this.#four(image);
        const [strides, kernel] = [[1 + (a & 1), 1 + (b & 1)] as const, [2 + (c & 1), 2 + (d & 1)] as const];
        const size = [h * strides[0], w * strides[1]];
        const layer = this.#layer([...kernel, inner, 1 + c], 3, 1 + c);
        return this.#add({ op: "transposedConv2d", ...layer, strides, size, padding: "same" }, [image], "own");
      }
      case "maxPool":
      case "averagePool": {
        const size = [1 + (a % 3), 1 + (b % 3)];
        const { strides, padding } = this.#window();
        return this.#add({ op: kind, size, strides, padding, ...this.#clamp() }, [this.#image(x)], "shared");
      }
      case "mean":
        return this.#add({ op: "globalAveragePool", keepDims: (a & 1) === 0 }, [this.#image(x)], "own");
      case "arithmetic":
      case "gate":
        return this.#arithmetic(step, x, kind === "gate" ? this.#gate(x) : this.#alike(x, other));
      case "operand":
        return this.#arithmetic(step, x, undefined);
      case "concat":
        return this.#concat(x, other);
      case "pad": {
        const padding = { top: a % 3, bottom: b % 3, left: c % 3, right: d % 3, front: a >> 2, back: d >> 2 };
        return this.#add({ op: "pad", padding, value: this.#bytes || c < 4 ? 0 : 0.5 }, [this.#image(x)], "shared");
      }
      case "mirrorPad": {
        const padding = { top: a % 3, bottom: b % 3, left: c % 3, right: d % 3 };
        const mode = (["reflect", "symmetric", "edge"] as const)[(a + d) % 3]!;
        return this.#add({ op: "mirrorPad", padding, mode }, [this.#image(x)], "shared");
      }
      case "resizeBilinear":
      case "resizeNearest": {
        const pixels = { alignCorners: c % 3 === 1, halfPixelCenters: c % 3 === 2 };
        return this.#add({ op: kind, size: [1 + a, 1 + b], ...pixels }, [this.#image(x)], "shared");
      }
      case "transpose":
        return this.#add({ op: "transpose", permutation: this.#permutation(x) }, [x], "shared");
      case "slice":
        return this.#slice(x);
      case "tile": {
        const multiples = this.#shapes.get(x)!.map((_, axis) => 1 + (([a, b, c, d][axis % 4]! & 4) >> 2));
        return this.#add({ op: "tile", multiples }, [x], "shared");
      }
      case "reshape":
        return this.#reshape(x);
      case "identity":
        return this.#add({ op: "identity" }, [x], "shared");
      case "clamp":
        return this.#add({ op: "clamp", lo: a < 2 ? -INFINITY : a / 4 - 2, hi: b < 2 ? INFINITY : b / 4 }, [x], "own");
      case "sigmoid":
      case "hardSwish":
        return this.#add({ op: kind }, [x], "own");
      case "softmax":
        return this.#add({ op: "softmax", beta: a < 4 ? 1 : a / 8 }, [x], "unit");
      case "leakyRelu":
        return this.#add({ op: "leakyRelu", alpha: a / 8 }, [x], "own");
      case "prelu":
        return this.#add({ op: "prelu", alpha: this.#operand([this.#shapes.get(x)!.at(-1)!]) }, [x], "own");
      case "unary":
        return this.#unary(x, ([...ANY, ...POSITIVE] as const)[(a + 8 * b) % (this.#bytes ? ANY.length : 13)]!);
      case "quantize":
        return this.#add({ op: "quantize" }, [x], "own");
      case "argMax":
        return this.#add({ op: "argMax", axis: a % this.#rank(x), keepDims: b > 3, last: c > 3 }, [x], "whole");
      default:
        return this.#ofFloats(step, x);
    }
  }

  /** What there is for float32 only. */
  #ofFloats({ kind, a, b, c }: Step, x: string): string {
    const shape = this.#shapes.get(x)!;
    const channels = shape.at(-1)!;
    const constant = (least: number, size = 1) => this.#floats([channels], size, least);
    switch (kind) {
      case "scaleShift":
        return this.#add({ op: "scaleShift", scale: constant(-1), shift: constant(-1), ...this.#clamp() }, [x]);
      case "batchNorm": {
        const more = { ...(a > 2 && { gamma: constant(-1) }), ...(b > 2 && { beta: constant(-1) }) };
        return this.#add({ op: "batchNorm", mean: constant(-1), variance: constant(0.5), epsilon: 0.01, ...more }, [x]);
      }
      case "normalize":
      case "movingAverage": {
        const moments = this.#add({ op: "moments" }, [x]);
        if (kind === "normalize") {
          const more = { ...(a > 2 && { gamma: constant(-1) }), ...(b > 2 && { beta: constant(-1) }) };
          return this.#add({ op: "normalize", epsilon: 0.1, ...more }, [x, moments]);
        }
        const [momentum, varianceFactor] = [a / 8, 1 + b / 8];
        const settings = { mean: constant(-1), variance: constant(0.5), momentum, varianceFactor };
        return this.#add({ op: "movingAverage", ...settings }, [moments]);
      }
      case "reduce": {
        const by = (["sum", "mean", "max", "min", "product"] as const)[a % 5]!;
        const axes = shape.map((_, axis) => axis).filter((axis) => ((b + 1) >> axis) & 1);
        // The product of many numbers, of which none decides alone.
        const from = by === "product" ? this.#add({ op: "clamp", lo: 0.9, hi: 1.1 }, [x]) : x;
        return this.#add({ op: "reduce", by, axes, keepDims: c > 3 }, [from]);
      }
      case "matMul": {
        if (shape.length < 2) throw new Misfit();
        const axes = shape.map((_, axis) => axis);
        const permutation = [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!];
        return this.#add({ op: "matMul" }, [x, this.#add({ op: "transpose", permutation }, [x])]);
      }
      case "gatherNd": {
        const [count, depth] = [1 + a, 1 + (b % Math.min(4, shape.length))];
        const name = this.#name("places");
        const numbers = this.#numbers(name);
        const data = Float32Array.from({ length: count * depth }, (_, i) => numbers.int(0, shape[i % depth]! - 1));
        this.#keep({ name, shape: [count, depth], dtype: "float32", data });
        return this.#add({ op: "gatherNd" }, [x, this.#add({ op: "constant", operand: name }, [])]);
      }
      default:
        throw new TypeError(`no step ${kind}`);
    }
  }

  /** x ∘ other, or x and a constant. */
  #arithmetic({ a, b, c }: Step, x: string, other: string | undefined): string {
    const op = OPERATORS[a % (this.#bytes ? 5 : 6)]!;
    const shared = this.#bytes && op.startsWith("m") && op !== "mul";
    const meaning = shared ? this.#meanings.get(x)! : ("own" as const);
    if (other !== undefined) {
      let second = other;
      if (op === "div") second = this.#add({ op: "clamp", lo: 0.5, hi: 4 }, [other]);
      if (shared && other !== x) second = this.#add({ op: "quantize" }, [other], meaning);
      return this.#add({ op, ...this.#clamp() }, b > 3 || op === "div" ? [x, second] : [second, x], meaning);
    }
    const shape = this.#shapes.get(x)!;
    const ones = shape.map((dimension, axis) => ((b >> (axis % 3)) & 1 ? dimension : 1));
    const least = op === "div" ? 0.5 : -1;
    const operand = this.#operand(c < 2 ? [] : c < 4 ? shape.slice(-1) : ones, shared ? meaning : undefined, least);
    return this.#add({ op, operand, operandFirst: op !== "div" && c % 2 === 1, ...this.#clamp() }, [x], meaning);
  }

  /** Of an image one number for each channel, between 0 and 1. */
  #gate(x: string): string {
    const image = this.#image(x);
    if (image !== x) throw new Misfit();
    return this.#add({ op: "sigmoid" }, [this.#add({ op: "globalAveragePool", keepDims: true }, [x], "own")], "unit");
  }

  /** The other value, or one that is made of x, where their shapes do not go together. */
  #alike(x: string, other: string): string {
    const [one, two] = [this.#shapes.get(x)!, this.#shapes.get(other)!];
    if (`${one}` === `${two}`) return other;
    return this.#add({ op: "sigmoid" }, [x], "own");
  }

  #concat(x: string, other: string): string {
    const { a, b } = this.#step!;
    const axis = b < 5 ? this.#rank(x) - 1 : a % this.#rank(x);
    const shape = this.#shapes.get(x)!;
    const two = this.#shapes.get(other)!;
    const fits = two.length === shape.length && two.every((dimension, i) => i === axis || dimension === shape[i]);
    const parts = [x, fits ? other : x, ...(a > 5 ? [x] : [])];
    return this.#add({ op: "concat", axis }, parts, a & 1 ? "own" : "shared");
  }

  #permutation(x: string): number[] {
    const left = this.#shapes.get(x)!.map((_, axis) => axis);
    const { a, b, c } = this.#step!;
    const order: number[] = [];
    for (let i = 0; left.length > 0; i++) order.push(...left.splice([a, b, c][i % 3]! % left.length, 1));
    return order;
  }

  #slice(x: string): string {
    const { a, b, c, d } = this.#step!;
    const shape = this.#shapes.get(x)!;
    const strides = shape.map((_, axis) => [1, 1, 2, -1, -2, 1, 3, 1][[a, b, c, d][axis % 4]!]!);
    const begin = shape.map((dimension, axis) => (strides[axis]! < 0 ? dimension - 1 : [a, b][axis & 1]! % dimension));
    const size = shape.map((_, axis) => (axis === 0 || (c + axis) % 2 ? -1 : 1));
    return this.#add({ op: "slice", begin, size, strides }, [x], "shared");
  }

  #reshape(x: string): string {
    const { a } = this.#step!;
    const shape = this.#shapes.get(x)!;
    const rest = shape.slice(1).reduce((all, dimension) => all * dimension, 1);
    const flat = [[-1, rest], [shape[0]!, 1, 1, -1], [shape[0]!, rest, 1, 1], shape.toReversed()] as const;
    return this.#add({ op: "reshape", shape: flat[a % 4]! }, [x], "shared");
  }

  #unary(x: string, of: string): string {
    if (this.#bytes) return this.#add({ op: "unary", of }, [x], "own");
    const positive = (POSITIVE as readonly string[]).includes(of);
    const [lo, hi] = positive ? [0.25, 16] : [-8, 8];
    return this.#add({ op: "unary", of }, [this.#add({ op: "clamp", lo, hi }, [x])]);
  }

  #conv(x: string, kernel: readonly [number, number], outC: number, window: object): string {
    const inC = this.#four(x)[3];
    return this.#add(
      { op: "conv2d", ...this.#layer([...kernel, inC, outC], 3, outC), ...window, ...this.#clamp() },
      [x],
      "own",
    );
  }

  #depthwise(x: string, k?: number): string {
    const { a, b, c } = this.#step!;
    const inC = this.#four(x)[3];
    const multiplier = k === undefined && c > 5 ? 2 : 1;
    const kernel = k
      ? [k, k]
      : [
          [3, 3],
          [3, 3],
          [5, 5],
          [1 + (a % 4), 1 + (b % 3)],
        ][c % 4]!;
    const layer = this.#layer([...kernel, inC, multiplier], 2, inC * multiplier);
    return this.#add({ op: "depthwiseConv2d", ...layer, ...this.#window(), ...this.#clamp() }, [x], "own");
  }

  #window(): { strides: readonly [number, number]; dilations: readonly [number, number]; padding: unknown } {
    const { b, c, d } = this.#step!;
    const stride = (
      [
        [1, 1],
        [1, 1],
        [2, 2],
        [1, 2],
      ] as const
    )[d % 4]!;
    const dilations = (
      [
        [1, 1],
        [1, 1],
        [1, 1],
        [2, 1],
      ] as const
    )[c % 4]!;
    const padding = b < 4 ? "same" : b < 6 ? "valid" : { top: c & 1, bottom: d & 1, left: b & 1, right: 1 };
    return { strides: stride, dilations, padding };
  }

  #clamp(): object {
    const { c, d } = this.#step!;
    return [{}, {}, { clamp: { lo: 0, hi: 6 } }, { clamp: { lo: 0, hi: INFINITY } }, { clamp: { lo: -1, hi: 1 } }][
      (c + d) % 5
    ]!;
  }

  /** x as an image: of other ranks, its numbers in a row of pixels. */
  #image(x: string): string {
    const shape = this.#shapes.get(x)!;
    if (shape.length === 4) return x;
    const size = shape.reduce((all, dimension) => all * dimension, 1);
    const channels = shape.at(-1) ?? 1;
    return this.#add({ op: "reshape", shape: [1, 1, size / channels, channels] }, [x], "shared");
  }

  #four(x: string): Four {
    return this.#shapes.get(x) as unknown as Four;
  }

  #rank(x: string): number {
    const { length } = this.#shapes.get(x)!;
    if (length === 0) throw new Misfit();
    return length;
  }

  #name(what: string): string {
    return `${what}${this.#nodes.length + this.#constants.size}`;
  }

  #numbers(name: string): ReturnType<typeof random> {
    return random(`${this.#recipe.seed} ${name}`);
  }

  #keep(constant: Constant): string {
    this.#constants.set(constant.name, constant);
    this.#shapes.set(constant.name, constant.shape);
    return constant.name;
  }

  /** A node, whose result means what `means` says where it has 8 bits. */
  #add(
    node: object,
    inputs: readonly string[],
    means: Quantization | "own" | "shared" | "unit" | "whole" | undefined = undefined,
  ): string {
    const { op } = node as Node;
    const name = this.#name(op);
    const quantization = this.#bytes && this.#means(means, name, inputs[0]!, "clamp" in node);
    const dtype = means === "whole" ? "int32" : this.#bytes;
    const made = { ...node, name, inputs, ...(dtype && { dtype }), ...(quantization && { quantization }) } as Node;
    const shape = (definitionOf(made).shape as (...of: unknown[]) => Shape)(
      made,
      this.#shapes.get(inputs[0] ?? "") ?? [],
      this.#shapes,
    );
    if (shape.reduce((all, dimension) => all * dimension, 1) > MOST) throw new Misfit();
    this.#nodes.push(made);
    this.#shapes.set(name, shape);
    if (quantization) this.#meanings.set(name, quantization);
    return name;
  }

  #means(
    means: Quantization | "own" | "shared" | "unit" | "whole" | undefined,
    name: string,
    input: string,
    clamped: boolean,
  ): Quantization | undefined {
    if (typeof means === "object") return means;
    if (means === "shared") return this.#meanings.get(input)!;
    if (means === "unit") return { scales: [1 / 256], zeroPoints: [this.#bytes === "int8" ? -128 : 0], axis: 0 };
    return means === "own" ? this.#meaning(name, clamped) : undefined;
  }

  /** A meaning such as calibration gives; `clamped`: often with nothing below zero. */
  #meaning(name: string, clamped = false): Quantization {
    const numbers = this.#numbers(`meaning of ${name}`);
    const [lo, hi] = this.#bytes === "int8" ? [-128, 127] : [0, 255];
    const zero = clamped && numbers.next() < 0.7 ? lo : numbers.int(lo + 40, hi - 40);
    return { scales: [Math.fround(0.01 + 0.05 * numbers.next())], zeroPoints: [zero], axis: 0 };
  }

  /** Weights, and often a bias, for sums of k terms. */
  #layer(shape: readonly number[], axis: number, channels: number): { weights: string; bias?: string } {
    const name = this.#name("w");
    const numbers = this.#numbers(name);
    const size = shape.reduce((all, dimension) => all * dimension, 1);
    const k = size / channels;
    const biased = numbers.next() < 0.8;
    if (!this.#bytes) {
      const weights = this.#keep({ name, shape, dtype: "float32", data: numbers.floats(size, Math.sqrt(3 / k)) });
      return { weights, ...(biased && { bias: this.#floats([channels], 1, -1) }) };
    }
    const signed = this.#bytes === "int8";
    const many = signed && numbers.next() < 0.8 ? channels : 1;
    const zero = signed ? 0 : numbers.int(100, 160);
    const scales = Array.from({ length: many }, () => Math.fround((0.5 + numbers.next()) / (60 * Math.sqrt(k))));
    const bytes = Array.from({ length: size }, () => (signed ? numbers.int(-127, 127) : numbers.int(0, 255)));
    const data = signed ? Int8Array.from(bytes) : Uint8Array.from(bytes);
    const quantization = { scales, zeroPoints: scales.map(() => zero), axis };
    const weights = this.#keep({ name, shape, dtype: this.#bytes, data, quantization });
    if (!biased) return { weights };
    const bias = Int32Array.from({ length: channels }, () => numbers.int(-2000, 2000));
    return { weights, bias: this.#keep({ name: this.#name("b"), shape: [channels], dtype: "int32", data: bias }) };
  }

  /** A constant operand of the graph's type. */
  #operand(shape: Shape, meaning?: Quantization | "own", least = -1): string {
    if (!this.#bytes) return this.#floats(shape, 1, least);
    const name = this.#name("o");
    const bytes = this.#numbers(name).bytes(shape.reduce((all, dimension) => all * dimension, 1));
    const data = this.#bytes === "int8" ? bytes : new Uint8Array(bytes.buffer);
    const quantization = typeof meaning === "object" ? meaning : this.#meaning(name);
    return this.#keep({ name, shape, dtype: this.#bytes, data, quantization });
  }

  /** A constant of numbers from `least` to `size`. */
  #floats(shape: Shape, size: number, least: number): string {
    const name = this.#name("c");
    const numbers = this.#numbers(name);
    const length = shape.reduce((all, dimension) => all * dimension, 1);
    const data = Float32Array.from({ length }, () => least + (size - least) * numbers.next());
    return this.#keep({ name, shape, dtype: "float32", data });
  }
}

/** A step that there is no place for. */
class Misfit extends Error {}

const PLAIN = { strides: [1, 1], dilations: [1, 1], padding: "same" } as const;
