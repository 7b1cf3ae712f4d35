/**
 * Runs a graph node by node with the naive references: the answer that passes, plans and kernels are held against.
 *
 * Values stay f64 between nodes: the result is the graph's own, not one implementation's. How far an f32 implementation
 * may be from it is carried along as a bound (`value.ts`), through clamps, folded batch norms and fused pairs alike.
 * Through more than a few convolutions any rigorous bound grows by Σ|w| a layer and says little; `measured` keeps it
 * tight at any depth.
 * @module
 */
import type { Clamp, Graph, Node, Shape, TensorData } from "../../src/graph/graph.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { clamp, hardSwish, prelu, sigmoid, unary } from "./activation.ts";
import { argMax } from "./arg-max.ts";
import { arithmetic } from "./arithmetic.ts";
import { batchNorm, moments, movingAverage, normalize, scaleShift } from "./batchNorm.ts";
import { concat, pad } from "./concat.ts";
import { conv2d } from "./conv2d.ts";
import { dense, matMul } from "./dense.ts";
import { depthwise } from "./depthwise.ts";
import { gatherNd, mirrorPad, resizeNearest, slice, tile, transpose } from "./move.ts";
import { averagePool, globalAveragePool, maxPool } from "./pool.ts";
import { reduce } from "./reduce.ts";
import { resizeBilinear } from "./resize.ts";
import { separable } from "./separable.ts";
import { softmax } from "./softmax.ts";
import { transposedConv2d } from "./transposed.ts";
import { bounds, count, exact, nhwc, reshape, type Value, type Weights } from "./value.ts";
import { type Placement, place } from "./window.ts";

/** One value of a graph. */
export interface Interpreted {
  readonly shape: Shape;
  /** The exact results, in f64. */
  readonly values: Float64Array;
  /** How far an f32 computation, from the inputs or from the last measured values before it, may be from each. */
  readonly bound: Float64Array;
}

export interface InterpretOptions {
  /**
   * Values that the implementation under test computed, by name. The nodes behind them start from these instead of the
   * interpreter's own, so that what is compared at each name is the work since the last one. The map still answers with
   * the interpreter's own values for these names.
   */
  readonly measured?: Readonly<Record<string, ArrayLike<number>>>;
}

/**
 * All values of a graph (inputs and nodes) for the given inputs. @throws RangeError for a missing input or a constant
 * without data.
 */
export function interpret(
  graph: Graph,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  options: InterpretOptions = {},
): Map<string, Interpreted> {
  const shapes = inferShapes(graph);
  const values = new Map<string, Value>();
  const answer = new Map<string, Interpreted>();
  const keep = (name: string, value: Value) => {
    const measured = options.measured?.[name];
    if (measured && measured.length !== value.values.length) {
      throw new RangeError(`measured ${name}: expected [${value.shape}], got ${measured.length} values`);
    }
    values.set(name, measured ? exact(value.shape, measured) : value);
    answer.set(name, { shape: value.shape, values: value.values, bound: bounds(value) });
  };
  for (const { name, shape } of graph.inputs) {
    const data = inputs[name];
    if (data?.length !== count(shape)) {
      throw new RangeError(`input ${name}: expected ${count(shape)} values, got ${data?.length}`);
    }
    keep(name, exact(shape, data));
  }
  const scope: Scope = {
    shapes,
    value: (name) => values.get(name)!,
    weights: (name) => weightsOf(graph, name),
  };
  for (const node of graph.nodes) {
    const value = evaluate(node, scope);
    const expected = shapes.get(node.name);
    if (`${expected}` !== `${value.shape}`) {
      throw new RangeError(`node ${node.name}: expected the inferred shape [${expected}], got [${value.shape}]`);
    }
    keep(node.name, value);
  }
  return answer;
}

interface Scope {
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly value: (name: string) => Value;
  readonly weights: (name: string) => Weights;
}

function weightsOf(graph: Graph, name: string): Weights {
  const constant = graph.constants.get(name);
  if (!constant?.data) throw new RangeError(`constant ${name}: expected data, got none`);
  return { shape: constant.shape, data: constant.data };
}

function evaluate(node: Node, scope: Scope): Value {
  const [x, x2] = node.inputs.map(scope.value) as [Value, Value];
  const data = (name: string | undefined): TensorData | undefined => {
    return name === undefined ? undefined : (scope.weights(name).data as TensorData);
  };
  switch (node.op) {
    case "conv2d": {
      const w = scope.weights(node.weights);
      return clamp(conv2d(x, w, data(node.bias), onImage(x, w.shape, node)), node.clamp);
    }
    case "depthwiseConv2d": {
      const w = scope.weights(node.weights);
      return clamp(depthwise(x, w, data(node.bias), onImage(x, w.shape, node)), node.clamp);
    }
    case "separable": {
      const half = (h: { weights: string; bias?: string; clamp?: Clamp }) => {
        return { weights: scope.weights(h.weights), bias: data(h.bias), clamp: h.clamp };
      };
      const first = half(node.depthwise);
      const second = half(node.pointwise);
      const { shape, data: matrix } = second.weights;
      const flat = { shape: shape.slice(-2), data: matrix };
      const at = onImage(x, first.weights.shape, node.depthwise);
      return separable(x, first, { ...second, weights: flat }, at);
    }
    case "dense":
      return clamp(dense(x, scope.weights(node.weights), data(node.bias)), node.clamp);
    case "maxPool":
      return clamp(maxPool(x, node.size, onImage(x, node.size, { ...node, dilations: [1, 1] })), node.clamp);
    case "averagePool":
      return clamp(averagePool(x, node.size, onImage(x, node.size, { ...node, dilations: [1, 1] })), node.clamp);
    case "globalAveragePool":
      return reshape(globalAveragePool(x), scope.shapes.get(node.name)!);
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "maximum":
    case "minimum": {
      const { operand, operandFirst = false } = node;
      const other = operand === undefined ? x2 : exact(scope.weights(operand).shape, data(operand)!);
      const [a, b] = operand !== undefined && operandFirst ? [other, x] : [x, other];
      return clamp(arithmetic(node.op, a, b), node.clamp);
    }
    case "argMax":
      return argMax(x, node.axis, scope.shapes.get(node.name)!, node.last);
    case "concat":
      return concat(node.inputs.map(scope.value), node.axis);
    case "pad":
      return pad(x, node.padding, node.value);
    case "resizeBilinear":
      return resizeBilinear(x, node);
    case "transpose":
      return transpose(x, node.permutation);
    case "slice":
      return slice(x, scope.shapes.get(node.name)!, node.begin, node.strides);
    case "tile":
      return tile(x, node.multiples);
    case "resizeNearest":
      return resizeNearest(x, node.size, node);
    case "mirrorPad":
      return mirrorPad(x, node.padding, node.mode);
    case "reduce":
      return reshape(reduce(x, node.by, node.axes), scope.shapes.get(node.name)!);
    case "unary":
      return unary(x, node.of);
    case "transposedConv2d": {
      const w = scope.weights(node.weights);
      const kernel = [w.shape[0]!, w.shape[1]!] as const;
      const { padT: top, padL: left } = place(...node.size, kernel, node.strides, [1, 1], node.padding);
      return clamp(transposedConv2d(x, w, data(node.bias), { ...node, top, left }), node.clamp);
    }
    case "reshape":
      return reshape(x, resolve(node.shape, x.values.length));
    case "identity":
    case "cast":
      return x;
    case "constant":
      return exact(scope.weights(node.operand).shape, data(node.operand)!);
    case "matMul":
      return matMul(x, x2);
    case "gatherNd":
      return gatherNd(x, x2);
    case "clamp":
      return clamp(x, node);
    case "sigmoid":
      return sigmoid(x);
    case "hardSwish":
      return hardSwish(x);
    case "softmax":
      return softmax(x, node.beta);
    case "scaleShift":
      return clamp(scaleShift(x, data(node.scale)!, data(node.shift)!), node.clamp);
    case "leakyRelu":
      return prelu(x, new Float64Array(x.shape.at(-1) ?? 1).fill(Math.fround(node.alpha)));
    case "prelu":
      return prelu(x, data(node.alpha)!);
    case "quantize":
    case "dequantize":
      throw new TypeError(`node ${node.name}: expected a float32 network, got ${node.op}`);
    default:
      return statistics(node, x, x2, data);
  }
}

type Statistical = Extract<Node, { op: "batchNorm" | "moments" | "normalize" | "movingAverage" }>;

function statistics(
  node: Statistical,
  x: Value,
  x2: Value,
  data: (name: string | undefined) => TensorData | undefined,
): Value {
  switch (node.op) {
    case "batchNorm": {
      const [gamma, beta] = [data(node.gamma), data(node.beta)];
      return batchNorm(x, {
        gamma,
        beta,
        mean: data(node.mean)!,
        variance: data(node.variance)!,
        epsilon: node.epsilon,
      });
    }
    case "moments":
      return moments(x);
    case "normalize":
      return normalize(x, x2, data(node.gamma), data(node.beta), node.epsilon);
    case "movingAverage":
      return movingAverage(x, data(node.mean)!, data(node.variance)!, node.momentum, node.varianceFactor);
  }
}

function onImage(x: Value, kernel: Shape, window: Parameters<typeof placeOn>[2]): Placement {
  return placeOn(x, [kernel[0]!, kernel[1]!], window);
}

function placeOn(
  x: Value,
  kernel: readonly [number, number],
  window: Pick<Extract<Node, { op: "conv2d" }>, "strides" | "dilations" | "padding">,
): Placement {
  const { h, w } = nhwc(x.shape);
  return place(h, w, kernel, window.strides, window.dilations, window.padding);
}

/** Fills in the dimension that is −1. */
function resolve(shape: Shape, length: number): Shape {
  const known = shape.reduce((product, d) => (d < 0 ? product : product * d), 1);
  return shape.map((d) => (d < 0 ? length / known : d));
}
