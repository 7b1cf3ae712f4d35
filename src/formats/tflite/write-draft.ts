/**
 * A TFLite file in the making: its tensors and operators.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { DType, Graph, Node, Quantization, Shape, TensorData } from "../../graph/graph.ts";
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
  FLOOR: { code: 8, options: 0, int8: 1 },
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
  TANH: { code: 28, options: 0, int8: 2 },
  PAD: { code: 34, options: 0, int8: 2 },
  TRANSPOSE: { code: 39, options: 26, int8: 2 },
  MEAN: { code: 40, options: 27, int8: 2 },
  SUB: { code: 41, options: 28, int8: 2 },
  DIV: { code: 42, options: 29, int8: 1 },
  STRIDED_SLICE: { code: 45, options: 32, int8: 2 },
  EXP: { code: 47, options: 33, int8: 2 },
  CAST: { code: 53, options: 37, int8: 1 },
  PRELU: { code: 54, options: 0, int8: 1 },
  MAXIMUM: { code: 55, options: 39, int8: 2 },
  ARG_MAX: { code: 56, options: 40, int8: 2 },
  MINIMUM: { code: 57, options: 39, int8: 2 },
  NEG: { code: 59, options: 42, int8: 1 },
  PADV2: { code: 60, options: 43, int8: 2 },
  SLICE: { code: 65, options: 48, int8: 2 },
  TRANSPOSE_CONV: { code: 67, options: 49, int8: 2 },
  TILE: { code: 69, options: 51, int8: 3 },
  LOG: { code: 73, options: 0, int8: 1 },
  SUM: { code: 74, options: 27, int8: 2 },
  SQRT: { code: 75, options: 0, int8: 1 },
  RSQRT: { code: 76, options: 0, int8: 1 },
  REDUCE_PROD: { code: 81, options: 27, int8: 2 },
  REDUCE_MAX: { code: 82, options: 27, int8: 2 },
  REDUCE_MIN: { code: 89, options: 27, int8: 2 },
  SQUARE: { code: 92, options: 66, int8: 1 },
  RESIZE_NEAREST_NEIGHBOR: { code: 97, options: 74, int8: 2 },
  LEAKY_RELU: { code: 98, options: 75, int8: 2 },
  MIRROR_PAD: { code: 100, options: 77, int8: 2 },
  ABS: { code: 101, options: 78, int8: 1 },
  CEIL: { code: 104, options: 0, int8: 1 },
  QUANTIZE: { code: 114, options: 0, int8: 1 },
  ROUND: { code: 116, options: 0, int8: 1 },
  HARD_SWISH: { code: 117, options: 0, int8: 1 },
  BATCH_MATMUL: { code: 126, options: 101, int8: 2 },
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
  readonly shapes: ReadonlyMap<string, Shape>;
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
    this.shapes = shapes;
  }

  private value(tensor: Tensor): void {
    this.indices.set(tensor.name, this.tensor(tensor));
  }

  tensor(tensor: Tensor): number {
    return this.tensors.push(tensor) - 1;
  }

  /** A list of whole numbers that an operator reads: axes, paddings, sizes. */
  integers({ name }: Node, role: string, values: readonly number[], shape: Shape = [values.length]): number {
    return this.tensor({ name: `${name}/${role}`, shape, dtype: "int32", data: Int32Array.from(values) });
  }

  /** An operator between tensors, of the first version where nothing else is said. */
  push(operator: Pick<Operator, "op" | "inputs" | "output"> & Partial<Operator>): void {
    this.operators.push({ version: 1, options: [], ...operator });
  }

  /** Gives a value its numbers: it is one that no operator computes. */
  give(name: string, numbers: TensorData): void {
    const index = this.indices.get(name)!;
    this.tensors[index] = { ...this.tensors[index]!, data: numbers };
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

/** The error for a node that has no form there. */
export function refused({ name }: { readonly name: string }, expected: string, got: unknown): UnsupportedError {
  return new UnsupportedError(`toTflite: node ${name}: expected ${expected}, got ${got}`);
}

/** The numbers of a constant. @throws TypeError where it has none yet */
export function data(draft: Draft, name: string): TensorData {
  const { data } = draft.graph.constants.get(name)!;
  if (data === undefined)
    throw new TypeError(`toTflite: constant ${name}: expected data, got none (initialize the graph)`);
  return data;
}
