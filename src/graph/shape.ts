/**
 * Shapes of all values of a graph, and TensorFlow's arithmetic of windows and padding.
 * @module
 */

import { ShapeError } from "../errors.ts";
import type { Concat, Graph, Node, Padding, Pair, Pool, Reshape, Shape, Window } from "./graph.ts";
import { sizeOf } from "./references.ts";

/** Padding in pixels and the size of the result. */
export interface ResolvedPadding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
  readonly outH: number;
  readonly outW: number;
}

/** Pixels that a kernel of `size` taps spans: (size − 1)·dilation + 1. */
export function spanOf(size: number, dilation: number): number {
  return (size - 1) * dilation + 1;
}

/**
 * Positions of a window along one axis. All in pixels; `padding` is "same", "valid" or the number of explicit pixels, before and after together.
 * The result is below 1 where the window does not fit: callers decide what to say.
 */
export function outputSize(
  padding: "same" | "valid" | number,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
): number {
  if (padding === "same") return Math.ceil(size / stride);
  const padded = padding === "valid" ? size : size + padding;
  return Math.floor((padded - spanOf(kernel, dilation)) / stride) + 1;
}

/**
 * What a padding means for an image of `inSize` (height, width): pixels at each side, and the output's size.
 *
 * "same" gives ⌈in/stride⌉ positions and needs max((out − 1)·stride + span − in, 0) pixels, the smaller half before; "valid" needs none.
 * Explicit padding is returned as it is. `where` begins the message of the ShapeError that a window without any position throws.
 */
export function resolvePadding(
  padding: Padding,
  inSize: Pair,
  kernel: Pair,
  strides: Pair,
  dilations: Pair,
  where = "window",
): ResolvedPadding {
  const spans = [spanOf(kernel[0], dilations[0]), spanOf(kernel[1], dilations[1])] as const;
  if (Math.max(...spans) >= 2 ** 31) {
    throw new ShapeError(`${where}: expected a window whose dilated span is less than 2³¹ pixels, got ${show(spans)}`);
  }
  const [[top, bottom, outH], [left, right, outW]] = [0, 1].map((axis) => {
    const size = inSize[axis] as number;
    const taps = kernel[axis] as number;
    const stride = strides[axis] as number;
    const dilation = dilations[axis] as number;
    if (typeof padding === "object") {
      const [before, after] = axis === 0 ? [padding.top, padding.bottom] : [padding.left, padding.right];
      return [before, after, outputSize(before + after, size, taps, stride, dilation)];
    }
    const out = outputSize(padding, size, taps, stride, dilation);
    if (padding === "valid") return [0, 0, out];
    const total = Math.max((out - 1) * stride + spanOf(taps, dilation) - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2), out];
  }) as [[number, number, number], [number, number, number]];
  if (outH < 1 || outW < 1) {
    const padded = [inSize[0] + top + bottom, inSize[1] + left + right];
    throw new ShapeError(
      `${where}: expected an image of at least ${show(spans)} pixels (the kernel's span), got ${show(padded)} with its padding`,
    );
  }
  return { top, bottom, left, right, outH, outW };
}

/** Whether every position of the window holds at least one pixel of the image, and not padding alone. */
export function everyWindowSeesImage(padding: ResolvedPadding, inSize: Pair, kernel: Pair, strides: Pair): boolean {
  const sees = (before: number, out: number, size: number, taps: number, stride: number) =>
    before < taps && (out - 1) * stride - before < size;
  return (
    sees(padding.top, padding.outH, inSize[0], kernel[0], strides[0]) &&
    sees(padding.left, padding.outW, inSize[1], kernel[1], strides[1])
  );
}

/**
 * The shape of every value: inputs, constants and nodes.
 * @throws ShapeError naming the node and both shapes where they disagree; TypeError where a name is not defined before it is read.
 */
export function inferShapes(graph: Graph): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const { name, shape } of graph.inputs) shapes.set(name, shape);
  for (const { name, shape } of graph.constants.values()) shapes.set(name, shape);
  for (const node of graph.nodes) shapes.set(node.name, nodeShape(node, shapes));
  return shapes;
}

/** A shape as messages write it. */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

type Shapes = ReadonlyMap<string, Shape>;

function where(node: Node): string {
  return `node "${node.name}" (${node.op})`;
}

function lookUp(node: Node, name: string | undefined, shapes: Shapes): Shape {
  const shape = name === undefined ? undefined : shapes.get(name);
  if (shape === undefined) throw new TypeError(`${where(node)}: expected a value defined before it, got "${name}"`);
  return shape;
}

function expectShape(node: Node, what: string, name: string, expected: Shape, shapes: Shapes): void {
  const got = lookUp(node, name, shapes);
  if (got.length !== expected.length || got.some((dimension, i) => dimension !== expected[i])) {
    throw new ShapeError(`${where(node)}: expected ${what} "${name}" of shape ${show(expected)}, got ${show(got)}`);
  }
}

function expectRank(node: Node, what: string, shape: Shape, rank: number, form: string): void {
  if (shape.length !== rank) {
    throw new ShapeError(`${where(node)}: expected ${what} of shape ${form}, got ${show(shape)}`);
  }
}

/** The shape of the value that `node` computes, all that it reads being in `shapes`. */
export function nodeShape(node: Node, shapes: ReadonlyMap<string, Shape>): Shape {
  const x = lookUp(node, node.inputs[0], shapes);
  switch (node.op) {
    case "conv2d":
      return convShape(node, x, node, node, shapes);
    case "depthwiseConv2d":
      return depthwiseShape(node, x, node, node, shapes);
    case "separable": {
      const middle = depthwiseShape(node, x, node.depthwise, node.depthwise, shapes);
      return convShape(node, middle, POINTWISE, node.pointwise, shapes);
    }
    case "dense":
      return denseShape(node, x, node, shapes);
    case "batchNorm":
    case "scaleShift":
      return perChannelShape(node, x, shapes);
    case "normalise":
      expectShape(node, "moments", node.inputs[1] as string, [2, channels(node, x)], shapes);
      return perChannelShape(node, x, shapes);
    case "moments":
      return [2, channels(node, x)];
    case "movingAverage":
      expectRank(node, "moments", x, 2, "[2, C]");
      if (x[0] !== 2) throw new ShapeError(`${where(node)}: expected moments of shape [2, C], got ${show(x)}`);
      return perChannelShape(node, x, shapes);
    case "maxPool":
    case "averagePool":
      return poolShape(node, x);
    case "globalAveragePool": {
      expectRank(node, "input", x, 4, "[n, h, w, c]");
      const [n, , , c] = x as [number, number, number, number];
      return node.keepDims ? [n, 1, 1, c] : [n, c];
    }
    case "add":
      expectShape(node, "second input", node.inputs[1] as string, x, shapes);
      return x;
    case "concat":
      return concatShape(node, shapes);
    case "pad": {
      expectRank(node, "input", x, 4, "[n, h, w, c]");
      const [n, h, w, c] = x as [number, number, number, number];
      const { top, bottom, left, right } = node.padding;
      return [n, h + top + bottom, w + left + right, c];
    }
    case "resizeBilinear": {
      expectRank(node, "input", x, 4, "[n, h, w, c]");
      const [n, h, w, c] = x as [number, number, number, number];
      if (h * w === 0) throw new ShapeError(`${where(node)}: expected an image with pixels, got ${show(x)}`);
      return [n, ...node.size, c];
    }
    case "reshape":
      return reshapeShape(node, x);
    case "softmax":
      channels(node, x);
      return x;
    case "clamp":
    case "sigmoid":
    case "hardSwish":
    case "quantise":
    case "dequantise":
    case "identity":
      return x;
    default:
      return unknownOp(node);
  }
}

function unknownOp(node: never): never {
  const { name, op } = node as Node;
  throw new TypeError(`node "${name}": expected a known op, got "${op}"`);
}

function channels(node: Node, x: Shape): number {
  const last = x.at(-1);
  if (last === undefined)
    throw new ShapeError(`${where(node)}: expected an input with a channel axis, got a scalar []`);
  return last;
}

interface Weighted {
  readonly weights: string;
  readonly bias?: string;
}

const POINTWISE: Window = { strides: [1, 1], dilations: [1, 1], padding: "valid" };

function convShape(node: Node, x: Shape, window: Window, { weights, bias }: Weighted, shapes: Shapes): Shape {
  expectRank(node, "input", x, 4, "[n, h, w, c]");
  const w = lookUp(node, weights, shapes);
  expectRank(node, `weights "${weights}"`, w, 4, "[kH, kW, inC, outC]");
  const [n, h, width, c] = x as [number, number, number, number];
  const [kH, kW, inC, outC] = w as [number, number, number, number];
  if (inC !== c || (node.op === "separable" && kH * kW !== 1)) {
    const expected = node.op === "separable" ? [1, 1, c, outC] : [kH, kW, c, outC];
    throw new ShapeError(
      `${where(node)}: expected weights "${weights}" of shape ${show(expected)} for input ${show(x)}, got ${show(w)}`,
    );
  }
  if (bias !== undefined) expectShape(node, "bias", bias, [outC], shapes);
  const { strides, dilations, padding } = window;
  const { outH, outW } = resolvePadding(padding, [h, width], [kH, kW], strides, dilations, where(node));
  return [n, outH, outW, outC];
}

function depthwiseShape(node: Node, x: Shape, window: Window, { weights, bias }: Weighted, shapes: Shapes): Shape {
  expectRank(node, "input", x, 4, "[n, h, w, c]");
  const w = lookUp(node, weights, shapes);
  expectRank(node, `weights "${weights}"`, w, 4, "[kH, kW, C, multiplier]");
  const [n, h, width, c] = x as [number, number, number, number];
  const [kH, kW, inC, multiplier] = w as [number, number, number, number];
  if (inC !== c) {
    throw new ShapeError(
      `${where(node)}: expected weights "${weights}" of shape ${show([kH, kW, c, multiplier])} for input ${show(x)}, got ${show(w)}`,
    );
  }
  if (bias !== undefined) expectShape(node, "bias", bias, [c * multiplier], shapes);
  const { strides, dilations, padding } = window;
  const { outH, outW } = resolvePadding(padding, [h, width], [kH, kW], strides, dilations, where(node));
  return [n, outH, outW, c * multiplier];
}

function denseShape(node: Node, x: Shape, { weights, bias }: Weighted, shapes: Shapes): Shape {
  const w = lookUp(node, weights, shapes);
  expectRank(node, `weights "${weights}"`, w, 2, "[in, out]");
  const [inputs, outputs] = w as [number, number];
  if (channels(node, x) !== inputs) {
    throw new ShapeError(
      `${where(node)}: expected an input [..., ${inputs}] for weights "${weights}" ${show(w)}, got ${show(x)}`,
    );
  }
  if (bias !== undefined) expectShape(node, "bias", bias, [outputs], shapes);
  return [...x.slice(0, -1), outputs];
}

const PER_CHANNEL = ["gamma", "beta", "mean", "variance", "scale", "shift"] as const;

function perChannelShape(node: Node, x: Shape, shapes: Shapes): Shape {
  const fields = node as unknown as Partial<Record<(typeof PER_CHANNEL)[number], string>>;
  for (const role of PER_CHANNEL) {
    const name = fields[role];
    if (name !== undefined) expectShape(node, role, name, [channels(node, x)], shapes);
  }
  return x;
}

function poolShape(node: Pool, x: Shape): Shape {
  expectRank(node, "input", x, 4, "[n, h, w, c]");
  const [n, h, w, c] = x as [number, number, number, number];
  const resolved = resolvePadding(node.padding, [h, w], node.size, node.strides, [1, 1], where(node));
  if (!everyWindowSeesImage(resolved, [h, w], node.size, node.strides)) {
    const { top, bottom, left, right } = resolved;
    throw new ShapeError(
      `${where(node)}: expected windows ${show(node.size)} that reach into the image ${show(x)}, got padding ${show([top, bottom, left, right])} (top, bottom, left, right)`,
    );
  }
  return [n, resolved.outH, resolved.outW, c];
}

function concatShape(node: Concat, shapes: Shapes): Shape {
  const parts = node.inputs.map((name) => lookUp(node, name, shapes));
  const first = parts[0] as Shape;
  if (node.axis >= first.length) {
    throw new ShapeError(`${where(node)}: expected an axis below the rank of ${show(first)}, got ${node.axis}`);
  }
  let total = 0;
  for (const [i, part] of parts.entries()) {
    if (
      part.length !== first.length ||
      part.some((dimension, axis) => axis !== node.axis && dimension !== first[axis])
    ) {
      throw new ShapeError(
        `${where(node)}: expected input "${node.inputs[i]}" to be like ${show(first)} but for axis ${node.axis}, got ${show(part)}`,
      );
    }
    total += part[node.axis] as number;
  }
  return first.map((dimension, axis) => (axis === node.axis ? total : dimension));
}

function reshapeShape(node: Reshape, x: Shape): Shape {
  const size = sizeOf(x);
  const unknown = node.shape.indexOf(-1);
  const known = sizeOf(node.shape.filter((_, i) => i !== unknown));
  const resolved = node.shape.map((dimension, i) => (i === unknown ? size / known : dimension));
  if (sizeOf(resolved) !== size || !resolved.every(Number.isInteger)) {
    throw new ShapeError(
      `${where(node)}: expected a shape of ${size} elements like input ${show(x)}, got ${show(node.shape)}`,
    );
  }
  return resolved;
}
