/**
 * What TFLite calls each node, with its tensors and options.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import { RELU, RELU_N1_TO_1, RELU6, sameClamp } from "../../graph/clamp.ts";
import type {
  Arithmetic,
  Clamp,
  Constant,
  DType,
  Graph,
  Node,
  Quantization,
  Shape,
  TensorData,
} from "../../graph/graph.ts";
import { inferShapes } from "../../graph/shape.ts";
import type { Field } from "./write-flatbuffer.ts";

/** Operator codes, the kinds of their options in the union of options, and the version that takes int8. */
export const OPERATORS = {
  ADD: { code: 0, options: 11, int8: 2 },
  AVERAGE_POOL_2D: { code: 1, options: 5, int8: 2 },
  CONCATENATION: { code: 2, options: 10, int8: 2 },
  CONV_2D: { code: 3, options: 1, int8: 3 },
  DEPTHWISE_CONV_2D: { code: 4, options: 2, int8: 3 },
  DEQUANTIZE: { code: 6, options: 0, int8: 2 },
  FULLY_CONNECTED: { code: 9, options: 8, int8: 4 },
  LOGISTIC: { code: 14, options: 0, int8: 2 },
  MAX_POOL_2D: { code: 17, options: 5, int8: 2 },
  MUL: { code: 18, options: 21, int8: 2 },
  RELU: { code: 19, options: 0, int8: 2 },
  RELU_N1_TO_1: { code: 20, options: 0, int8: 1 },
  RELU6: { code: 21, options: 0, int8: 2 },
  RESHAPE: { code: 22, options: 17, int8: 1 },
  RESIZE_BILINEAR: { code: 23, options: 15, int8: 3 },
  SOFTMAX: { code: 25, options: 9, int8: 2 },
  PAD: { code: 34, options: 0, int8: 2 },
  MEAN: { code: 40, options: 27, int8: 2 },
  SUB: { code: 41, options: 28, int8: 2 },
  DIV: { code: 42, options: 29, int8: 1 },
  PRELU: { code: 54, options: 0, int8: 1 },
  MAXIMUM: { code: 55, options: 39, int8: 2 },
  ARG_MAX: { code: 56, options: 40, int8: 2 },
  MINIMUM: { code: 57, options: 39, int8: 2 },
  LEAKY_RELU: { code: 98, options: 75, int8: 2 },
  QUANTIZE: { code: 114, options: 0, int8: 1 },
  HARD_SWISH: { code: 117, options: 0, int8: 1 },
} as const;

/** A tensor of the file; without data, a value. */
export interface Tensor {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data?: TensorData;
  readonly quantization?: Quantization | undefined;
}

/** An operator of the file: tensors by their numbers. */
export interface Operator {
  readonly op: keyof typeof OPERATORS;
  readonly version: number;
  readonly inputs: readonly number[];
  readonly output: number;
  readonly options: readonly Field[];
}

/** Tensors and operators of a graph, in its order. */
export class Draft {
  readonly graph: Graph;
  readonly tensors: Tensor[] = [];
  readonly operators: Operator[] = [];
  readonly indices = new Map<string, number>();

  constructor(graph: Graph) {
    this.graph = graph;
    const shapes = inferShapes(graph);
    for (const { name, shape, dtype, quantization } of graph.inputs) this.value({ name, shape, dtype, quantization });
    for (const { name, dtype = "float32", quantization } of graph.nodes) {
      this.value({ name, shape: shapes.get(name)!, dtype, quantization });
    }
    for (const node of graph.nodes) emit(this, node, shapes);
  }

  private value(tensor: Tensor): void {
    this.indices.set(tensor.name, this.tensor(tensor));
  }

  tensor(tensor: Tensor): number {
    return this.tensors.push(tensor) - 1;
  }

  typeOf(name: string): Tensor {
    return this.tensors[this.indices.get(name)!]!;
  }

  add(
    node: Node,
    op: Operator["op"],
    options: readonly Field[] = [],
    more: readonly number[] = [],
    output?: number,
    moreFirst = false,
  ): void {
    const int8 = this.typeOf(node.inputs[0]!).dtype === "int8" || node.dtype === "int8";
    const values = node.inputs.map((name) => this.indices.get(name)!);
    const inputs = moreFirst ? [...more, ...values] : [...values, ...more];
    const version = int8 ? OPERATORS[op].int8 : 1;
    this.operators.push({ op, version, inputs, output: output ?? this.indices.get(node.name)!, options });
  }
}

function emit(draft: Draft, node: Node, shapes: ReadonlyMap<string, Shape>): void {
  const constant = (name: string): Constant => draft.graph.constants.get(name)!;
  const integers = (role: string, values: readonly number[], shape: Shape = [values.length]) =>
    draft.tensor({ name: `${node.name}/${role}`, shape, dtype: "int32", data: Int32Array.from(values) });
  const vector = (role: string, name: string, shape: Shape = constant(name).shape) =>
    draft.tensor({ name: `${node.name}/${role}`, shape, dtype: "float32", data: data(draft, name) });
  switch (node.op) {
    case "conv2d": {
      const { shape } = constant(node.weights);
      const [kH, kW, inC, outC] = shape as [number, number, number, number];
      const filter = weights(draft, node, [outC, kH, kW, inC], 0, true);
      const [dH, dW] = node.dilations;
      const options: Field[] = [...window(node), [3, "Int8", activation(node)], [4, "Int32", dW], [5, "Int32", dH]];
      draft.add(node, "CONV_2D", options, [filter, bias(draft, node, outC)]);
      return;
    }
    case "depthwiseConv2d": {
      const [kH, kW, inC, m] = constant(node.weights).shape as [number, number, number, number];
      const filter = weights(draft, node, [1, kH, kW, inC * m], 3, false);
      const [dH, dW] = node.dilations;
      const options: Field[] = [...window(node), [3, "Int32", m], [4, "Int8", activation(node)]];
      options.push([5, "Int32", dW], [6, "Int32", dH]);
      draft.add(node, "DEPTHWISE_CONV_2D", options, [filter, bias(draft, node, inC * m)]);
      return;
    }
    case "dense": {
      const [k, n] = constant(node.weights).shape as [number, number];
      const filter = weights(draft, node, [n, k], 0, true);
      const keep = shapes.get(node.name)!.length > 2 ? 1 : 0;
      const options: Field[] = [
        [0, "Int8", activation(node)],
        [2, "Int8", keep],
      ];
      draft.add(node, "FULLY_CONNECTED", options, [filter, bias(draft, node, n)]);
      return;
    }
    case "scaleShift": {
      const x = draft.typeOf(node.inputs[0]!);
      const middle = draft.tensor({ ...x, name: `${node.name}/scaled` });
      draft.add(node, "MUL", [], [vector("scale", node.scale)], middle);
      const output = draft.indices.get(node.name)!;
      const inputs = [middle, vector("shift", node.shift)];
      draft.operators.push({ op: "ADD", version: 1, inputs, output, options: [[0, "Int8", activation(node)]] });
      return;
    }
    case "prelu": {
      // As TensorFlow's converter writes it: of the value's rank but for the batch, pixels sharing one number.
      const [, ...sizes] = shapes.get(node.name)!;
      const ones = sizes.slice(1).map(() => 1);
      const { shape, dtype, quantization } = constant(node.alpha);
      const stored = { shape: [...ones, ...shape], dtype, data: data(draft, node.alpha) };
      const alpha = { name: `${node.name}/alpha`, ...stored, quantization };
      draft.add(node, "PRELU", [], [draft.tensor(alpha)]);
      return;
    }
    case "leakyRelu":
      draft.add(node, "LEAKY_RELU", [[0, "Float32", node.alpha]]);
      return;
    case "maxPool":
    case "averagePool": {
      const [height, width] = node.size;
      const options: Field[] = [
        ...window(node),
        [3, "Int32", width],
        [4, "Int32", height],
        [5, "Int8", activation(node)],
      ];
      draft.add(node, node.op === "maxPool" ? "MAX_POOL_2D" : "AVERAGE_POOL_2D", options);
      return;
    }
    case "globalAveragePool":
      draft.add(node, "MEAN", [[0, "Int8", node.keepDims ? 1 : 0]], [integers("axes", [1, 2])]);
      return;
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "maximum":
    case "minimum":
      emitArithmetic(draft, node);
      return;
    case "argMax": {
      if (node.keepDims) throw refused(node, "an axis that goes", "keepDims");
      if (node.last) throw refused(node, "the first of equal ones", "the last");
      draft.add(node, "ARG_MAX", [[0, "Int8", INT32]], [integers("axis", [node.axis], [])]);
      return;
    }
    case "concat":
      draft.add(node, "CONCATENATION", [[0, "Int32", node.axis]]);
      return;
    case "pad": {
      if (node.value !== 0) throw refused(node, "a padding of zeros", node.value);
      const { top, bottom, left, right, front = 0, back = 0 } = node.padding;
      draft.add(node, "PAD", [], [integers("paddings", [0, 0, top, bottom, left, right, front, back], [4, 2])]);
      return;
    }
    case "resizeBilinear": {
      const options: Field[] = [
        [2, "Int8", node.alignCorners ? 1 : 0],
        [3, "Int8", node.halfPixelCenters ? 1 : 0],
      ];
      draft.add(node, "RESIZE_BILINEAR", options, [integers("size", node.size)]);
      return;
    }
    case "reshape":
      draft.add(node, "RESHAPE", [], [integers("shape", shapes.get(node.name)!)]);
      return;
    case "softmax":
      draft.add(node, "SOFTMAX", [[0, "Float32", node.beta]]);
      return;
    case "clamp": {
      draft.add(node, RECTIFIERS[activation({ name: node.name, clamp: node }) - 1]!);
      return;
    }
    case "sigmoid":
      draft.add(node, "LOGISTIC");
      return;
    case "hardSwish":
      draft.add(node, "HARD_SWISH");
      return;
    case "quantize":
      draft.add(node, "QUANTIZE");
      return;
    case "dequantize":
      draft.add(node, "DEQUANTIZE");
      return;
    default:
      throw refused(node, "an op that TFLite has", node.op);
  }
}

const OPERANDS = {
  add: "ADD",
  sub: "SUB",
  mul: "MUL",
  div: "DIV",
  maximum: "MAXIMUM",
  minimum: "MINIMUM",
} as const satisfies Record<Arithmetic["op"], keyof typeof OPERATORS>;

/** MAXIMUM and MINIMUM have no fused activation: theirs is an operator of its own. */
function emitArithmetic(draft: Draft, node: Arithmetic): void {
  const { name, op, operand, operandFirst = false } = node;
  const value = draft.typeOf(node.inputs[0]!);
  let constants: readonly number[] = [];
  if (operand !== undefined) {
    const { shape, dtype, quantization } = draft.graph.constants.get(operand)!;
    const tensor = { name: `${name}/operand`, shape, dtype, data: data(draft, operand), quantization };
    constants = [draft.tensor(tensor)];
  }
  const add = (options: readonly Field[], output?: number) => {
    draft.add(node, OPERANDS[op], options, constants, output, operandFirst);
  };
  if (op !== "maximum" && op !== "minimum") {
    add([[0, "Int8", activation(node)]]);
    return;
  }
  if (node.clamp === undefined) {
    add([]);
    return;
  }
  const output = draft.indices.get(name)!;
  const code = activation(node);
  const middle = draft.tensor({ ...draft.tensors[output]!, name: `${name}/unbounded` });
  add([], middle);
  const rectifier = RECTIFIERS[code - 1]!;
  const version = value.dtype === "int8" ? OPERATORS[rectifier].int8 : 1;
  draft.operators.push({ op: rectifier, version, inputs: [middle], output, options: [] });
}

function refused({ name }: { readonly name: string }, expected: string, got: unknown): UnsupportedError {
  return new UnsupportedError(`toTflite: node ${name}: expected ${expected}, got ${got}`);
}

function data(draft: Draft, name: string): TensorData {
  const { data } = draft.graph.constants.get(name)!;
  if (data === undefined)
    throw new TypeError(`toTflite: constant ${name}: expected data, got none (initialize the graph)`);
  return data;
}

type Layer = Extract<Node, { op: "conv2d" | "depthwiseConv2d" | "dense" }>;

/** The weights in TFLite's order, output channels at `axis`; first, when they are last here. */
function weights(draft: Draft, node: Layer, shape: Shape, axis: number, transpose: boolean): number {
  const { dtype, quantization } = draft.graph.constants.get(node.weights)!;
  const numbers = data(draft, node.weights);
  const columns = shape[axis]!;
  const ordered = transpose ? transposed(numbers, numbers.length / columns, columns) : numbers;
  const meaning = quantization && {
    quantization: { ...quantization, axis: quantization.scales.length > 1 ? axis : 0 },
  };
  return draft.tensor({ name: `${node.name}/filter`, shape, dtype, data: ordered, ...meaning });
}

/** The bias, zeros where there is none; of an 8-bit layer in 32 bits, with the scale of its sums. */
function bias(draft: Draft, node: Layer, channels: number): number {
  const { quantization } = draft.graph.constants.get(node.weights)!;
  const scale = draft.typeOf(node.inputs[0]!).quantization?.scales[0];
  const scales =
    quantization && scale !== undefined ? quantization.scales.map((s) => Math.fround(s * scale)) : undefined;
  const none = scales ? new Int32Array(channels) : new Float32Array(channels);
  const numbers = node.bias === undefined ? none : data(draft, node.bias);
  const meaning = scales && { quantization: { scales, zeroPoints: scales.map(() => 0), axis: 0 } };
  const dtype = scales ? "int32" : "float32";
  return draft.tensor({ name: `${node.name}/bias`, shape: [channels], dtype, data: numbers, ...meaning });
}

/** [rows, columns] → [columns, rows]. */
function transposed(numbers: TensorData, rows: number, columns: number): TensorData {
  const result = numbers.slice();
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = numbers[r * columns + c]!;
  return result;
}

function window(node: Extract<Node, { op: "conv2d" | "depthwiseConv2d" | "maxPool" | "averagePool" }>): Field[] {
  const { padding, strides } = node;
  if (typeof padding === "object") throw refused(node, 'padding "same" or "valid"', "explicit padding");
  return [
    [0, "Int8", padding === "same" ? 0 : 1],
    [1, "Int32", strides[1]],
    [2, "Int32", strides[0]],
  ];
}

/** Number of the type int32. */
const INT32 = 2;

/** What the fused activations from 1 on hold values within, and what they are called as operators. */
const FUSED = [RELU, RELU_N1_TO_1, RELU6] as const;
const RECTIFIERS = ["RELU", "RELU_N1_TO_1", "RELU6"] as const;

/** The number of a fused activation: none, RELU, RELU_N1_TO_1, RELU6. */
function activation(node: { readonly name: string; readonly clamp?: Clamp }): number {
  const { clamp } = node;
  if (!clamp) return 0;
  const code = FUSED.findIndex((bounds) => sameClamp(bounds, clamp));
  if (code >= 0) return code + 1;
  throw refused(node, "bounds of ReLU, ReLU6 or −1 … 1", `${clamp.lo} … ${clamp.hi}`);
}
