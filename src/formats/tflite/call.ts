/**
 * One operator's view of a TFLite file: its tensors, its settings, the nodes it adds.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { NodeFields } from "../../graph/builder.ts";
import { RELU, RELU_N1_TO_1, RELU6 } from "../../graph/clamp.ts";
import type { Clamp, Node, Quantization, Shape } from "../../graph/graph.ts";
import { canBeWhole } from "../../graph/quant.ts";
import { sizeOf } from "../../graph/references.ts";
import type { Budget } from "../../limits.ts";
import type { Known } from "../common/integers.ts";
import {
  checkBytes,
  checkFloats,
  copyOf,
  floatsOf,
  integersOf,
  numberOf,
  requireQuantization,
  valueQuantization,
} from "./constants.ts";
import { nameOf, shownName, type TfliteDraft } from "./draft.ts";
import type { OperatorInfo, TensorInfo } from "./schema.ts";

/** A constant input: the tensor that the operator reads, and the one whose data that has. */
export interface Numbers {
  readonly tensor: TensorInfo;
  readonly source: TensorInfo;
  readonly shape: Shape;
}

/** Constant 8-bit data with its meaning. */
export interface ByteNumbers extends Numbers {
  readonly dtype: "int8" | "uint8";
  readonly quantization: Quantization;
}

/** Brings numbers into another order, or makes others of them. */
type Arrange<T> = (data: T, budget: Budget) => T | Promise<T>;

/** Operators that may have more outputs than one, each of which is computed for itself. */
const SEVERAL: ReadonlySet<string> = new Set(["SPLIT", "SPLIT_V", "UNPACK"]);
/** Operators whose value is not their first input. */
const FIRST_VALUE: ReadonlyMap<string, number> = new Map([
  ["SPLIT", 1],
  ["TRANSPOSE_CONV", 2],
]);

/** One operator while it is turned into nodes, of one output if it has several. */
export class OperatorCall {
  readonly draft: TfliteDraft;
  readonly operator: OperatorInfo;
  /** What it computes. */
  readonly output: TensorInfo;
  /** Which of its outputs that is. */
  readonly which: number;
  /** Which of its inputs is the value whose type the output has. */
  readonly first: number;

  constructor(draft: TfliteDraft, operator: OperatorInfo, which = 0) {
    this.draft = draft;
    this.operator = operator;
    this.which = which;
    this.first = FIRST_VALUE.get(operator.op) ?? 0;
    const output = operator.outputs[which];
    if (output === undefined || (operator.outputs.length !== 1 && !SEVERAL.has(operator.op))) {
      throw new FormatError(
        `tflite: operator ${operator.index} (${operator.op}): expected 1 output, got ${operator.outputs.length}`,
      );
    }
    this.output = draft.file.tensors[output]!;
  }

  /** How error messages call this operator. */
  get where(): string {
    return `tflite: operator ${this.operator.index} (${this.operator.op}) for '${shownName(this.output)}'`;
  }

  /** The tensor of an input; undefined if it is left out. */
  tensor(i: number): TensorInfo | undefined {
    const index = this.operator.inputs[i] ?? -1;
    return index < 0 ? undefined : this.draft.file.tensors[index];
  }

  private required(i: number): TensorInfo {
    const tensor = this.tensor(i);
    if (tensor) return tensor;
    throw new FormatError(`${this.where}: expected an input ${i}, got ${this.operator.inputs.length} inputs`);
  }

  isConstant(i: number): boolean {
    const tensor = this.tensor(i);
    return tensor !== undefined && this.source(tensor) !== undefined;
  }

  /** The tensor whose data a constant tensor has. */
  private source(tensor: TensorInfo): TensorInfo | undefined {
    if (this.draft.values.has(tensor.index)) return undefined;
    return this.draft.aliases.get(tensor.index) ?? (tensor.data.length > 0 ? tensor : undefined);
  }

  /** @throws {UnsupportedError} The tensor is not float32. */
  requireFloat(tensor: TensorInfo): void {
    if (tensor.type === "float32") return;
    throw new UnsupportedError(`${this.where}, '${shownName(tensor)}': expected float32, got ${tensor.type}`);
  }

  /** Type and meaning of a value: nothing for float32, both for 8 bits. @throws {UnsupportedError} for other types */
  type(tensor: TensorInfo): { dtype?: "int8" | "uint8"; quantization?: Quantization } {
    if (tensor.type === "float32") return {};
    const where = `${this.where}, '${shownName(tensor)}'`;
    if (tensor.type !== "int8" && tensor.type !== "uint8") {
      throw new UnsupportedError(`${where}: expected float32, int8 or uint8, got ${tensor.type}`);
    }
    const raw = this.draft.raw.has(tensor.index) ? { scales: [1], zeroPoints: [0], axis: 0 } : undefined;
    return { dtype: tensor.type, quantization: raw ?? valueQuantization(tensor, where) };
  }

  /** The same of a value that may be computed in whole numbers; those of 64 bits are of 32 here. */
  private valueType(tensor: TensorInfo): Pick<Node, "dtype" | "quantization"> {
    return /^int(32|64)$/.test(tensor.type) ? { dtype: "int32" } : this.type(tensor);
  }

  /** Whether the value that it reads first has 8 bits. */
  get byte(): boolean {
    const type = this.tensor(this.first)?.type;
    return type === "int8" || type === "uint8";
  }

  /** The name of the value that an input holds. */
  value(i: number): string {
    const tensor = this.required(i);
    this.valueType(tensor);
    const value = this.draft.values.get(tensor.index);
    if (value !== undefined) return value;
    if (this.source(tensor) || this.draft.integers.has(tensor.index)) {
      throw new UnsupportedError(
        `${this.where}: expected input ${i} to be computed, got the constant '${shownName(tensor)}'`,
      );
    }
    throw new FormatError(
      `${this.where}: expected tensor ${tensor.index} '${shownName(tensor)}' to be computed before it is read, got no operator that does`,
    );
  }

  /** The same of an operator that reads constants like values: floats become a value. */
  valueOrConstant(i: number): string {
    if (!this.isConstant(i)) return this.value(i);
    const numbers = this.numbers(i);
    const { tensor, shape } = numbers;
    this.requireFloat(tensor);
    const known = this.draft.constants.get(tensor.index);
    if (known !== undefined) return known;
    const operand = this.constant(numbers, shape, "as stored");
    const name = this.draft.claim(`${nameOf(tensor)}/value`);
    this.draft.builder.addNode({ op: "constant", name, inputs: [], operand });
    this.draft.constants.set(tensor.index, name);
    return name;
  }

  /** The shape of an input: what it comes to where it is computed, else what the file declares. */
  shape(i: number): Shape {
    const tensor = this.required(i);
    return this.draft.shapeOf(tensor.index) ?? tensor.shape;
  }

  /** An input that must be constant: the tensor, and the one whose data it has. */
  private constantInput(i: number): { tensor: TensorInfo; source: TensorInfo } {
    const tensor = this.required(i);
    const source = this.source(tensor);
    if (source) return { tensor, source };
    const where = `${this.where}, input ${i}, '${shownName(tensor)}'`;
    if (this.draft.values.has(tensor.index)) {
      throw new UnsupportedError(`${where}: expected a constant, got a value that is computed`);
    }
    if (this.draft.integers.has(tensor.index)) {
      throw new UnsupportedError(`${where}: expected constant data, got what is made of a shape`);
    }
    throw new FormatError(
      `${where}: expected data for [${tensor.shape.join(",")}] ${tensor.type}, got an empty buffer`,
    );
  }

  /** The numbers of a constant input; `rank`: the dimensions that it must have. */
  numbers(i: number, rank?: number): Numbers {
    const { tensor, source } = this.constantInput(i);
    const where = `${this.where}, '${shownName(tensor)}'`;
    const [own, other] = [tensor, source].map(({ shape }) => `[${shape.join(",")}]`);
    if (rank !== undefined && tensor.shape.length !== rank) {
      throw new FormatError(`${where}: expected ${rank} dimensions, got ${own}`);
    }
    checkFloats(source);
    if (sizeOf(source.shape) !== sizeOf(tensor.shape)) {
      throw new FormatError(`${where}: expected ${own} like its source, got ${other}`);
    }
    return { tensor, source, shape: tensor.shape };
  }

  /** A constant input of one number; `what` it is. */
  number(i: number, what: string): number {
    const { source } = this.constantInput(i);
    const count = sizeOf(source.shape);
    if (count !== 1) throw new FormatError(`${this.where}, ${what}: expected one number, got ${count}`);
    return numberOf(source);
  }

  /**
   * The weights of an 8-bit operator as they are stored; `channels`: the axis of the output channels in the file, along
   * which there may be a scale each.
   * @throws {UnsupportedError} The types do not go together: float weights, 4 or 16 bits, other signs than the input's.
   */
  byteWeights(i: number, rank: number, channels: number): ByteNumbers {
    const { tensor, source } = this.constantInput(i);
    const where = `${this.where}, weights '${shownName(tensor)}'`;
    const { type } = this.required(this.first);
    if (tensor.type !== type || source !== tensor) {
      throw new UnsupportedError(`${where}: expected ${type} like the input, got ${source.type}`);
    }
    if (tensor.shape.length !== rank) {
      throw new FormatError(`${where}: expected ${rank} dimensions, got [${tensor.shape.join(",")}]`);
    }
    const quantization = requireQuantization(tensor, where, "from 0 on");
    const { scales, zeroPoints, axis } = quantization;
    if (scales.length > 1 && axis !== channels) {
      throw new UnsupportedError(
        `${where}: expected a scale for each output channel (axis ${channels}), got axis ${axis}`,
      );
    }
    if (tensor.type === "int8" && zeroPoints.some((z) => z !== 0)) {
      throw new UnsupportedError(
        `${where}: expected int8 weights around 0, got the zero point ${zeroPoints.find(Boolean)}`,
      );
    }
    checkBytes(tensor);
    return { tensor, source, shape: tensor.shape, quantization, dtype: type as "int8" | "uint8" };
  }

  /** Adds 8-bit weights in this package's layout, in which the output channels are at `axis`. */
  byteConstant(
    { tensor, dtype, quantization: { scales, zeroPoints } }: ByteNumbers,
    shape: Shape,
    axis: number,
    arrange: Arrange<Int8Array | Uint8Array> = (data) => data,
  ): string {
    const { draft } = this;
    const stored = { shape, dtype, quantization: { scales, zeroPoints, axis }, bytes: sizeOf(shape) };
    return draft.store(tensor, `bytes ${shape.join()}`, stored, () => {
      const raw = copyOf(tensor);
      return arrange(dtype === "int8" ? new Int8Array(raw) : new Uint8Array(raw), draft.budget);
    });
  }

  /** A constant of 8 bits that is read like a value: of the output's type, with one scale and one zero point. */
  byteOperand(i: number, as?: Shape, arrange?: Arrange<Int8Array | Uint8Array>): string {
    const { tensor, source } = this.constantInput(i);
    const where = `${this.where}, '${shownName(tensor)}'`;
    const { dtype, quantization } = this.type(tensor);
    if (dtype === undefined || tensor.type !== this.output.type || source !== tensor) {
      throw new UnsupportedError(`${where}: expected ${this.output.type} like the output, got ${source.type}`);
    }
    checkBytes(tensor);
    const { shape } = tensor;
    const numbers = { tensor, source, shape, dtype, quantization: quantization! };
    return this.byteConstant(numbers, as ?? shape, 0, arrange);
  }

  /**
   * The int32 bias of an 8-bit operator: `channels` numbers. What its scales say is not looked at: it is the product of
   * the input's and the weights'.
   */
  byteBias(i: number, channels: number): string | undefined {
    if (!this.tensor(i)) return undefined;
    const { tensor, source } = this.constantInput(i);
    const where = `${this.where}, bias '${shownName(tensor)}'`;
    if (source.type !== "int32") throw new UnsupportedError(`${where}: expected int32, got ${source.type}`);
    if (sizeOf(source.shape) !== channels) {
      throw new FormatError(`${where}: expected [${channels}], got [${source.shape.join(",")}]`);
    }
    checkBytes(source);
    const stored = { shape: [channels], dtype: "int32", bytes: 4 * channels } as const;
    return this.draft.store(tensor, "int32", stored, () => new Int32Array(copyOf(source)));
  }

  /** The integers of a constant input, or of one that is known beforehand: axes, paddings, sizes. */
  integers(i: number): number[] {
    const known = this.known(i);
    if (known) return [...known.values];
    return integersOf(this.constantInput(i).source);
  }

  /**
   * The whole numbers that an input is known to hold; undefined where it is computed, or is no list of a few integers.
   */
  known(i: number): Known | undefined {
    const tensor = this.tensor(i);
    if (!tensor) return undefined;
    const made = this.draft.integers.get(tensor.index);
    if (made) return made;
    const source = this.source(tensor);
    if (!source || !/^int(32|64)$/.test(source.type)) return undefined;
    return { shape: source.shape, values: integersOf(source) };
  }

  /** Adds a constant made of an input. Tensors that several operators read in the same layout are stored once. */
  constant(
    { tensor, source }: Numbers,
    shape: Shape,
    layout: string,
    arrange: Arrange<Float32Array> = (data) => data,
  ): string {
    const { budget } = this.draft;
    const stored = { shape, dtype: "float32", bytes: 4 * sizeOf(shape) } as const;
    return this.draft.store(tensor, layout, stored, async () => arrange(await floatsOf(source, budget), budget));
  }

  /** Adds the node that computes the output, or, with a suffix, one on the way to it. */
  node(node: NodeFields, inputs: readonly string[], suffix?: string): string {
    // A value on the way has the type of the input: operators that need one reshape it, or clamp what they have joined.
    const type = this.valueType(suffix === undefined ? this.output : this.required(this.first));
    const from = this.required(this.first).type;
    const to = this.output.type;
    if (type.dtype === "int32" && !canBeWhole(node.op)) {
      throw new UnsupportedError(`${this.where}: expected a result in float32 or 8 bits, got ${to}`);
    }
    if (
      from !== to &&
      node.op !== "quantize" &&
      node.op !== "dequantize" &&
      node.op !== "argMax" &&
      node.op !== "cast"
    ) {
      throw new UnsupportedError(`${this.where}: expected a result in ${from} like the input, got ${to}`);
    }
    const name = this.draft.claim(nameOf(this.output) + (suffix === undefined ? "" : `/${suffix}`));
    return this.draft.builder.addNode({ ...node, name, inputs, ...type } as Node);
  }

  /** The fused activation function of field `index` as a field of the node. */
  fused(index: number): { clamp?: Clamp } {
    const code = this.operator.options?.int8(index) ?? 0;
    if (code === 0) return {};
    const clamp = FUSED[code - 1];
    if (clamp) return { clamp };
    throw new UnsupportedError(
      `${this.where}: expected the fused activation none, RELU, RELU_N1_TO_1 or RELU6, got number ${code}`,
    );
  }

  /** A setting that is a whole number ≥ 1. */
  positive(index: number, what: string, fallback = 0): number {
    const value = this.operator.options?.int32(index, fallback) ?? fallback;
    if (value < 1) throw new FormatError(`${this.where}, ${what}: expected a whole number ≥ 1, got ${value}`);
    return value;
  }
}

/** Fused activations from number 1 on. */
const FUSED = [RELU, RELU_N1_TO_1, RELU6] as const;
