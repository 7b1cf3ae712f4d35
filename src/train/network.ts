/**
 * A graph as training sees it: few kinds of layers, whose results are seen through views. A batch norm and an
 * activation behind a layer are no steps of their own, but the view through which its readers see its result.
 * @module
 */
import { ShapeError, UnsupportedError } from "../errors.ts";
import { type Clamp, joinedClamp, UNBOUNDED } from "../graph/clamp.ts";
import type {
  Arithmetic,
  BatchNorm,
  Concat,
  Conv2d,
  Dense,
  DepthwiseConv2d,
  Graph,
  Node,
  Pad,
  Pool,
  ScaleShift,
  Shape,
} from "../graph/graph.ts";
import { where } from "../graph/ops/definition.ts";
import { readersOf, sizeOf } from "../graph/references.ts";
import { inferShapes, resolvePadding, show } from "../graph/shape.ts";
import type { ResolvedPadding } from "../graph/window.ts";
import { CURVES, FLAGS } from "./abi.ts";
import type { StepRecord } from "./records.ts";

/** A batch norm within a view, or a scale and a shift, which are one of mean 0 and variance 1. */
export interface Norm {
  readonly node: BatchNorm | ScaleShift;
  readonly gamma?: string | undefined;
  readonly beta?: string | undefined;
  readonly mean?: string;
  readonly variance?: string;
  readonly epsilon: number;
  /** By the statistics of the batch, or by the moving averages. */
  readonly statistics: "batch" | "fixed";
}

/** How readers see a tensor. */
export interface View {
  norm?: Norm;
  clamp: Clamp;
}

/** The result of a layer, [images, rows, channels]. */
export interface Tensor {
  /** The node whose result it is. */
  readonly name: string;
  readonly rows: number;
  readonly channels: number;
  readonly view: View;
  /** The layer that computes it; none for the input. */
  readonly layer?: Layer;
  readonly readers: Layer[];
}

/** How a window moves. */
export interface Geometry extends ResolvedPadding {
  readonly inH: number;
  readonly inW: number;
  readonly kH: number;
  readonly kW: number;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
}

/** Something that is computed. */
export interface Layer {
  readonly kind: Kind;
  readonly node: Node;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly weights?: string;
  readonly bias?: string;
  readonly geometry?: Geometry;
  /** Fields of its record that are its own. */
  readonly own?: StepRecord;
}

/** Kinds of layers. */
export type Kind =
  | ("matrix" | "depthwise" | "conv" | "mean" | "copy" | "add" | "dropout")
  | ("curve" | "multiply" | "concat" | "pad" | "repeat" | "pool");

/** What makes a layer besides its node. */
interface Details {
  readonly name?: string;
  readonly geometry?: Geometry;
  readonly own?: StepRecord;
  /** Rows and channels of the result, where the node's value has others. */
  readonly rows?: number;
  readonly channels?: number;
}

/** All layers in order. */
export interface Network {
  readonly graph: Graph;
  readonly input: Tensor;
  readonly inputShape: Shape;
  readonly layers: readonly Layer[];
  readonly logits: Tensor;
  readonly classes: number;
}

/** Which constants change, by name. */
export interface Trained {
  readonly constant: (name: string) => boolean;
  /** Whether a batch norm takes the batch's statistics. */
  readonly statistics: (node: BatchNorm) => "batch" | "fixed";
}

/**
 * The layers of a graph that ends in softmax, or in logits.
 * @param dropout part of the last dense layer's input that is dropped
 * @throws UnsupportedError for an op that has no gradient here, naming the node; ShapeError for other inputs or outputs
 */
export function networkOf(graph: Graph, trained: Trained, dropout = 0): Network {
  return new Reader(graph, trained, dropout).network();
}

const isTrivial = ({ norm, clamp }: View) =>
  norm === undefined && clamp.lo === UNBOUNDED.lo && clamp.hi === UNBOUNDED.hi;

class Reader {
  readonly #graph: Graph;
  readonly #trained: Trained;
  readonly #dropout: number;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #readers: ReadonlyMap<string, readonly Node[]>;
  readonly #values = new Map<string, Tensor>();
  readonly #layers: Layer[] = [];

  constructor(graph: Graph, trained: Trained, dropout: number) {
    this.#graph = graph;
    this.#trained = trained;
    this.#dropout = dropout;
    this.#shapes = inferShapes(graph);
    this.#readers = readersOf(graph);
  }

  network(): Network {
    const graph = this.#graph;
    const [input, more] = graph.inputs;
    if (input === undefined || more !== undefined) {
      throw new UnsupportedError(`trainer: expected a graph of one input, got ${graph.inputs.length}`);
    }
    if (input.dtype !== "float32") {
      throw new UnsupportedError(`trainer: expected a float32 graph, got input "${input.name}" of ${input.dtype}`);
    }
    const [result] = graph.outputs;
    const last = graph.nodes.find(({ name }) => name === result);
    if (result === undefined || last === undefined || graph.outputs.length > 1) {
      throw new UnsupportedError(`trainer: expected a graph of one output, got ${graph.outputs.length}`);
    }
    const { rows, channels } = this.#size(input.name);
    const tensor: Tensor = { name: input.name, rows, channels, view: { clamp: UNBOUNDED }, readers: [] };
    this.#values.set(input.name, tensor);
    const scores = last.op === "softmax" ? last.inputs[0]! : last.name;
    for (const node of graph.nodes) {
      if (node === last && node.op === "softmax") continue;
      this.#values.set(node.name, this.#read(node));
    }
    let logits = this.#values.get(scores)!;
    if (logits.rows !== 1) {
      const got = show(this.#shapes.get(scores)!);
      throw new ShapeError(
        `trainer: expected logits [images, classes] as output, got value "${scores}" of shape ${got}`,
      );
    }
    if (!isTrivial(logits.view) || logits.layer === undefined) {
      logits = this.#add("copy", last, [logits], { ...logits, name: scores });
    }
    const shape = this.#shapes.get(input.name)!;
    const layers = this.#layers;
    return { graph, input: tensor, inputShape: shape, layers, logits, classes: logits.channels };
  }

  #size(name: string): { readonly rows: number; readonly channels: number } {
    const shape = this.#shapes.get(name)!;
    const channels = shape.at(-1) ?? 1;
    return { rows: sizeOf(shape) / (shape[0] ?? 1) / channels, channels };
  }

  #read(node: Node): Tensor {
    const x = this.#values.get(node.inputs[0]!)!;
    switch (node.op) {
      case "conv2d":
        return this.#clamped(this.#convolution(node, x), node.clamp);
      case "depthwiseConv2d":
        return this.#clamped(this.#depthwise(node, x), node.clamp);
      case "dense":
        return this.#clamped(this.#dense(node, x), node.clamp);
      case "batchNorm": {
        const y = this.#alone(node, isTrivial);
        const { gamma, beta, mean, variance, epsilon } = node;
        y.view.norm = { ...{ node, gamma, beta, mean, variance, epsilon }, statistics: this.#trained.statistics(node) };
        return y;
      }
      case "scaleShift": {
        const y = this.#alone(node, isTrivial);
        y.view.norm = { node, gamma: node.scale, beta: node.shift, epsilon: 0, statistics: "fixed" };
        return this.#clamped(y, node.clamp);
      }
      case "clamp": {
        const y = this.#alone(node, () => true);
        y.view.clamp = joinedClamp(y.view.clamp, node);
        return y;
      }
      case "globalAveragePool":
        return this.#add("mean", node, [x]);
      case "sigmoid":
        return this.#add("curve", node, [x], { own: { which: CURVES.SIGMOID } });
      case "hardSwish":
        return this.#add("curve", node, [x], { own: { which: CURVES.HARD_SWISH } });
      case "leakyRelu":
        return this.#add("curve", node, [x], { own: { which: CURVES.LEAKY, a: node.alpha } });
      case "prelu":
        return this.#add("curve", node, [x], { own: { which: CURVES.PRELU } });
      case "add":
      case "sub":
      case "mul":
      case "div":
        return this.#clamped(this.#arithmetic(node, x), node.clamp);
      case "maxPool":
      case "averagePool":
        return this.#clamped(this.#pool(node, x), node.clamp);
      case "concat":
        return this.#concat(node);
      case "pad":
        return this.#pad(node, x);
      case "identity":
        return x;
      case "reshape": {
        const { rows, channels } = this.#size(node.name);
        if (channels === x.channels && rows === x.rows) return x;
        return this.#add("copy", node, [x]);
      }
      default:
        throw unsupported(node);
    }
  }

  #convolution(node: Conv2d, x: Tensor): Tensor {
    const geometry = this.#geometry(node);
    const { kH, kW, strides, top, bottom, left, right } = geometry;
    const plain = kH * kW === 1 && Math.max(...strides) === 1 && top + bottom + left + right === 0;
    if (plain) return this.#add("matrix", node, [x]);
    return this.#add("conv", node, [x], { geometry });
  }

  #depthwise(node: DepthwiseConv2d, x: Tensor): Tensor {
    const geometry = this.#geometry(node);
    const multiplier = this.#shapes.get(node.weights)![3]!;
    if (x.channels === 1) return this.#add("conv", node, [x], { geometry });
    if (multiplier === 1) return this.#add("depthwise", node, [x], { geometry });
    // Several filters a channel are one a channel, of each channel several times.
    const several = { name: `${node.name}/repeated`, rows: x.rows, channels: x.channels * multiplier };
    const repeated = this.#add("repeat", node, [x], { ...several, own: { which: multiplier } });
    return this.#add("depthwise", node, [repeated], { geometry });
  }

  #arithmetic(node: Arithmetic, x: Tensor): Tensor {
    const { op, operand, operandFirst = false } = node;
    if (operand !== undefined) {
      const [value, ...more] = this.#data(operand);
      if (value === undefined || more.length > 0) throw unsupported(node, "with a constant of one number");
      const own =
        op === "add"
          ? { a: 1, c: value }
          : op === "mul"
            ? { a: value, c: 0 }
            : op === "sub"
              ? { a: operandFirst ? -1 : 1, c: operandFirst ? value : -value }
              : { a: 1 / value, c: 0 };
      if (op === "div" && operandFirst) throw unsupported(node, "whose constant is the divisor");
      return this.#add("curve", node, [x], { own: { which: CURVES.AFFINE, ...own } });
    }
    const other = this.#values.get(node.inputs[1]!)!;
    if (x.channels !== other.channels) throw unsupported(node, "of two values of as many channels");
    if (op === "add" && x.rows === other.rows) return this.#add("add", node, [x, other]);
    if (op !== "mul") throw unsupported(node, "of two equal shapes, or a product");
    if (x.rows !== other.rows && Math.min(x.rows, other.rows) !== 1) throw unsupported(node, "of rows that fit");
    return this.#add("multiply", node, x.rows >= other.rows ? [x, other] : [other, x]);
  }

  #data(name: string): ArrayLike<number> & Iterable<number> {
    const { data, initializer, shape } = this.#graph.constants.get(name)!;
    return data ?? new Float32Array(sizeOf(shape)).fill(initializer === "ones" ? 1 : 0);
  }

  #pool(node: Pool, x: Tensor): Tensor {
    const [, inH, inW] = this.#shapes.get(node.inputs[0]!) as [number, number, number, number];
    const { size, strides, padding } = node;
    const resolved = resolvePadding(padding, [inH, inW], size, strides, [1, 1], where(node));
    const geometry = { ...resolved, inH, inW, kH: size[0], kW: size[1], strides, dilations: [1, 1] as const };
    return this.#add("pool", node, [x], { geometry, own: { which: node.op === "maxPool" ? 0 : 1 } });
  }

  #concat(node: Concat): Tensor {
    const { length } = this.#shapes.get(node.name)!;
    if (node.axis !== length - 1 && node.axis !== -1) throw unsupported(node, "of channels");
    return this.#add(
      "concat",
      node,
      node.inputs.map((name) => this.#values.get(name)!),
    );
  }

  #pad(node: Pad, x: Tensor): Tensor {
    const [, inH, inW] = this.#shapes.get(node.inputs[0]!) as [number, number, number, number];
    const [, outH, outW] = this.#shapes.get(node.name) as [number, number, number, number];
    const { top, left, front = 0 } = node.padding;
    const own = { ...{ inH, inW, outH, outW, padT: top, padL: left, padC: front, a: node.value }, flags: FLAGS.FILL };
    return this.#add("pad", node, [x], { own });
  }

  #dense(node: Dense, x: Tensor): Tensor {
    const isLast = node.name === this.#graph.outputs[0] || this.#readers.get(node.name)?.[0]?.op === "softmax";
    const input =
      isLast && this.#dropout > 0 ? this.#add("dropout", node, [x], { ...x, name: `${node.name}/dropout` }) : x;
    return this.#add("matrix", node, [input]);
  }

  #geometry(node: Conv2d | DepthwiseConv2d): Geometry {
    const [, inH, inW] = this.#shapes.get(node.inputs[0]!) as [number, number, number, number];
    const [kH, kW] = this.#shapes.get(node.weights) as [number, number, number, number];
    const { strides, dilations, padding } = node;
    const resolved = resolvePadding(padding, [inH, inW], [kH, kW], strides, dilations, where(node));
    return { ...resolved, inH, inW, kH, kW, strides, dilations };
  }

  #clamped(y: Tensor, clamp: Clamp | undefined): Tensor {
    if (clamp !== undefined) y.view.clamp = joinedClamp(y.view.clamp, clamp);
    return y;
  }

  /** The tensor that a node can put something into the view of: its input, or a copy where others see that as it is. */
  #alone(node: Node, fits: (view: View) => boolean): Tensor {
    const value = node.inputs[0]!;
    const x = this.#values.get(value)!;
    const isFree = this.#readers.get(value)?.length === 1 && x.readers.length === 0 && x.layer !== undefined;
    return isFree && fits(x.view) ? x : this.#add("copy", node, [x]);
  }

  #add(kind: Kind, node: Node, inputs: readonly Tensor[], details: Details = {}): Tensor {
    const { name = node.name, geometry, own } = details;
    const { rows, channels } = details.rows === undefined ? this.#size(name) : (details as Tensor);
    const { weights, bias } = this.#constants(kind, node);
    const output: { -readonly [K in keyof Tensor]: Tensor[K] } = {
      ...{ name, rows, channels, readers: [] },
      view: { clamp: UNBOUNDED },
    };
    const layer: Layer = {
      ...{ kind, node, inputs, output },
      ...(weights !== undefined && { weights }),
      ...(bias !== undefined && { bias }),
      ...(geometry !== undefined && { geometry }),
      ...(own !== undefined && { own }),
    };
    output.layer = layer;
    for (const input of inputs) input.readers.push(layer);
    this.#layers.push(layer);
    return output;
  }

  #constants(kind: Kind, node: Node): { readonly weights?: string | undefined; readonly bias?: string | undefined } {
    if (kind === "curve" && node.op === "prelu") return { weights: node.alpha };
    return kind === "matrix" || kind === "conv" || kind === "depthwise" ? (node as Conv2d) : {};
  }
}

function unsupported(node: Node, what?: string): UnsupportedError {
  const expected = what === undefined ? "an op that has a gradient here" : `one ${what}, whose gradient there is`;
  const cure = "what is frozen may have any op";
  return new UnsupportedError(`${where(node)}: expected ${expected}, got ${node.op}; ${cure}`, {
    blockers: [{ what: node.op, nodes: [node.name] }],
  });
}
