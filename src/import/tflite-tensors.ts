/**
 * Constants of a TFLite file as float32 or integers, and one operator's view of the file: its tensors, its settings, the nodes it adds.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import type { Clamp, Constant, Node, Quantisation, Shape } from "../graph/graph.ts";
import { sizeOf } from "../graph/references.ts";
import { fromFloat16 } from "./shards.ts";
import type { ModelFile, OperatorInfo, TensorInfo } from "./tflite-schema.ts";

/** Bytes of one element; other types have no constants here. */
const ITEM_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  float16: 2,
  int32: 4,
  uint8: 1,
  int64: 8,
  int16: 2,
  int8: 1,
};

/** @throws {FormatError} The buffer is not as long as the tensor needs. */
function rawData(tensor: TensorInfo): Uint8Array {
  const where = `tflite, tensor ${tensor.index} '${tensor.name}'`;
  if (tensor.sparse) throw new UnsupportedError(`${where}: expected dense data, got a sparse tensor`);
  const item = ITEM_BYTES[tensor.type];
  if (item === undefined) throw new UnsupportedError(`${where}: expected numbers, got ${tensor.type}`);
  const needed = sizeOf(tensor.shape) * item;
  if (tensor.data.length !== needed) {
    throw new FormatError(
      `${where}, byte ${tensor.offset}: expected ${needed} bytes for [${tensor.shape.join(",")}] ${tensor.type}, got ${tensor.data.length}`,
    );
  }
  // A copy, because views of 16 and 32 bits need alignment and the file must not stay in memory.
  return new Uint8Array(tensor.data);
}

function integersOf(tensor: TensorInfo): ArrayLike<number> {
  const { buffer } = rawData(tensor);
  switch (tensor.type) {
    case "int8":
      return new Int8Array(buffer);
    case "uint8":
      return new Uint8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return Array.from(new BigInt64Array(buffer), Number);
    default:
      throw new FormatError(`tflite, tensor ${tensor.index} '${tensor.name}': expected integers, got ${tensor.type}`);
  }
}

function floatsOf(tensor: TensorInfo): Float32Array {
  if (tensor.type === "float32") return new Float32Array(rawData(tensor).buffer);
  if (tensor.type === "float16") return fromFloat16(new Uint16Array(rawData(tensor).buffer));
  const quantised = integersOf(tensor);
  const { quantisation, shape } = tensor;
  if (!quantisation) {
    throw new FormatError(
      `tflite, tensor ${tensor.index} '${tensor.name}': expected a scale for ${tensor.type}, got none`,
    );
  }
  const { scales, zeroPoints, axis } = quantisation;
  const inner = sizeOf(shape.slice(axis + 1));
  return Float32Array.from(quantised, (q, i) => {
    const channel = scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length;
    return scales[channel]! * (q - zeroPoints[channel]!);
  });
}

/** What has been built so far. */
export interface TfliteDraft {
  readonly file: ModelFile;
  /** Values by the tensors that hold them: inputs, and what operators have computed. */
  readonly values: Map<number, string>;
  /** Tensors that hold constants: their own, or those of the tensor that they were dequantised from. */
  readonly aliases: Map<number, TensorInfo>;
  readonly constants: Map<string, Constant>;
  /** Names of constants by the tensor and layout they were made of. */
  readonly stored: Map<string, string>;
  readonly nodes: Node[];
  readonly names: Set<string>;
}

/** Claims a name for a value: the tensor's, `tensor7` if it has none, with `_1`, `_2` … where that is taken. */
export function claim(names: Set<string>, name: string): string {
  let unique = name;
  for (let i = 1; names.has(unique); i++) unique = `${name}_${i}`;
  names.add(unique);
  return unique;
}

/** A tensor's own name, or one for it. */
export function nameOf(tensor: TensorInfo): string {
  return tensor.name === "" ? `tensor${tensor.index}` : tensor.name;
}

/** Constant data and its shape. */
export interface Numbers {
  readonly tensor: TensorInfo;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Constant 8-bit data with its meaning. */
export interface ByteNumbers {
  readonly tensor: TensorInfo;
  readonly shape: Shape;
  readonly data: Int8Array | Uint8Array;
  readonly dtype: "int8" | "uint8";
  readonly quantisation: Quantisation;
}

const ZERO_POINTS: Readonly<Record<string, readonly [number, number]>> = { int8: [-128, 127], uint8: [0, 255] };

/**
 * @param least what scales must be at the least: weights may have scales of 0, of filters that were pruned
 * @throws {FormatError} There are no scales, or some that mean nothing.
 */
function requireQuantisation(tensor: TensorInfo, where: string, least: "positive" | "from 0 on"): Quantisation {
  const { quantisation, type, index } = tensor;
  if (!quantisation) throw new FormatError(`${where}: expected a scale for ${type}, got none`);
  const sound = (s: number) => Number.isFinite(s) && (least === "positive" ? s > 0 : s >= 0);
  const scale = quantisation.scales.find((s) => !sound(s));
  if (scale !== undefined) throw new FormatError(`${where}, tensor ${index}: expected positive scales, got ${scale}`);
  const [lo, hi] = ZERO_POINTS[type] ?? [0, 0];
  const zero = quantisation.zeroPoints.find((z) => !(z >= lo && z <= hi));
  if (zero !== undefined)
    throw new FormatError(`${where}, tensor ${index}: expected zero points from ${lo} to ${hi}, got ${zero}`);
  return quantisation;
}

/** The one scale and zero point of a value. */
export function valueQuantisation(tensor: TensorInfo, where: string): Quantisation {
  const { scales, zeroPoints } = requireQuantisation(tensor, where, "positive");
  if (scales.length !== 1) throw new UnsupportedError(`${where}: expected one scale for a value, got ${scales.length}`);
  return { scales, zeroPoints, axis: 0 };
}

/** Omits its argument from each member of a union, keeping the union apart. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** One operator while it is turned into nodes. */
export class OperatorCall {
  readonly draft: TfliteDraft;
  readonly operator: OperatorInfo;
  /** What it computes. */
  readonly output: TensorInfo;

  constructor(draft: TfliteDraft, operator: OperatorInfo) {
    this.draft = draft;
    this.operator = operator;
    const [output] = operator.outputs;
    if (output === undefined || operator.outputs.length !== 1) {
      throw new FormatError(
        `tflite: operator ${operator.index} (${operator.op}): expected 1 output, got ${operator.outputs.length}`,
      );
    }
    this.output = draft.file.tensors[output]!;
  }

  /** How error messages call this operator. */
  get where(): string {
    return `tflite: operator ${this.operator.index} (${this.operator.op}) for '${nameOf(this.output)}'`;
  }

  /** The tensor of an input; undefined if it is left out. */
  tensor(i: number): TensorInfo | undefined {
    const index = this.operator.inputs[i] ?? -1;
    return index < 0 ? undefined : this.draft.file.tensors[index];
  }

  private required(i: number): TensorInfo {
    const tensor = this.tensor(i);
    if (!tensor)
      throw new FormatError(`${this.where}: expected an input ${i}, got ${this.operator.inputs.length} inputs`);
    return tensor;
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
    throw new UnsupportedError(`${this.where}, '${nameOf(tensor)}': expected float32, got ${tensor.type}`);
  }

  /** Type and meaning of a value: nothing for float32, both for 8 bits. @throws {UnsupportedError} for other types */
  type(tensor: TensorInfo): { dtype?: "int8" | "uint8"; quantisation?: Quantisation } {
    if (tensor.type === "float32") return {};
    const where = `${this.where}, '${nameOf(tensor)}'`;
    if (tensor.type !== "int8" && tensor.type !== "uint8") {
      throw new UnsupportedError(`${where}: expected float32, int8 or uint8, got ${tensor.type}`);
    }
    return { dtype: tensor.type, quantisation: valueQuantisation(tensor, where) };
  }

  /** Whether input 0 is an 8-bit value. */
  get byte(): boolean {
    const type = this.tensor(0)?.type;
    return type === "int8" || type === "uint8";
  }

  /** The name of the value that an input holds. */
  value(i: number): string {
    const tensor = this.required(i);
    this.type(tensor);
    const value = this.draft.values.get(tensor.index);
    if (value !== undefined) return value;
    if (this.source(tensor)) {
      throw new UnsupportedError(
        `${this.where}: expected input ${i} to be computed, got the constant '${nameOf(tensor)}'`,
      );
    }
    throw new FormatError(
      `${this.where}: expected tensor ${tensor.index} '${tensor.name}' to be computed before it is read, got no operator that does`,
    );
  }

  /** The declared shape of an input. */
  shape(i: number): Shape {
    return this.required(i).shape;
  }

  /** An input that must be constant: the tensor, and the one whose data it has. */
  private constantInput(i: number): { tensor: TensorInfo; source: TensorInfo } {
    const tensor = this.required(i);
    const source = this.source(tensor);
    if (source) return { tensor, source };
    const where = `${this.where}, input ${i}, '${nameOf(tensor)}'`;
    if (this.draft.values.has(tensor.index)) {
      throw new UnsupportedError(`${where}: expected a constant, got a value that is computed`);
    }
    throw new FormatError(
      `${where}: expected data for [${tensor.shape.join(",")}] ${tensor.type}, got an empty buffer`,
    );
  }

  /** The numbers of a constant input; `rank`: the dimensions that it must have. */
  numbers(i: number, rank?: number): Numbers {
    const { tensor, source } = this.constantInput(i);
    if (rank !== undefined && tensor.shape.length !== rank) {
      throw new FormatError(
        `${this.where}, '${nameOf(tensor)}': expected ${rank} dimensions, got [${tensor.shape.join(",")}]`,
      );
    }
    const data = floatsOf(source);
    if (data.length !== sizeOf(tensor.shape)) {
      throw new FormatError(
        `${this.where}, '${nameOf(tensor)}': expected [${tensor.shape.join(",")}] like its source, got [${source.shape.join(",")}]`,
      );
    }
    return { tensor, shape: tensor.shape, data };
  }

  /**
   * The weights of an 8-bit operator as they are stored; `channels`: the axis of the output channels in the file, along which there may be a scale each.
   * @throws {UnsupportedError} The types do not go together: float weights, 4 or 16 bits, other signs than the input's.
   */
  byteWeights(i: number, rank: number, channels: number): ByteNumbers {
    const { tensor, source } = this.constantInput(i);
    const where = `${this.where}, weights '${nameOf(tensor)}'`;
    const type = this.tensor(0)!.type;
    if (tensor.type !== type || source !== tensor) {
      throw new UnsupportedError(`${where}: expected ${type} like the input, got ${source.type}`);
    }
    if (tensor.shape.length !== rank) {
      throw new FormatError(`${where}: expected ${rank} dimensions, got [${tensor.shape.join(",")}]`);
    }
    const quantisation = requireQuantisation(tensor, where, "from 0 on");
    const { scales, zeroPoints, axis } = quantisation;
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
    const raw = rawData(tensor);
    const data = tensor.type === "int8" ? new Int8Array(raw.buffer) : raw;
    return { tensor, shape: tensor.shape, data, quantisation, dtype: tensor.type as "int8" | "uint8" };
  }

  /** Adds 8-bit weights in this package's layout, in which the output channels are at `axis`. */
  byteConstant(
    { tensor, dtype, quantisation: { scales, zeroPoints } }: ByteNumbers,
    shape: Shape,
    axis: number,
    data: Int8Array | Uint8Array,
  ): string {
    return this.stored(tensor, shape, `bytes ${shape.join()}`, {
      dtype,
      data,
      quantisation: { scales, zeroPoints, axis },
    });
  }

  /** The int32 bias of an 8-bit operator: `channels` numbers. */
  byteBias(i: number, channels: number): string | undefined {
    if (!this.tensor(i)) return undefined;
    const { tensor, source } = this.constantInput(i);
    const where = `${this.where}, bias '${nameOf(tensor)}'`;
    if (source.type !== "int32") throw new UnsupportedError(`${where}: expected int32, got ${source.type}`);
    if (sizeOf(source.shape) !== channels) {
      throw new FormatError(`${where}: expected [${channels}], got [${source.shape.join(",")}]`);
    }
    const data = new Int32Array(rawData(source).buffer);
    return this.stored(tensor, [channels], "int32", { dtype: "int32", data });
  }

  /** The integers of a constant input: axes, paddings. */
  integers(i: number): number[] {
    return Array.from(integersOf(this.constantInput(i).source));
  }

  /** Adds a constant made of an input. Tensors that several operators read in the same layout are stored once. */
  constant(numbers: Numbers, shape: Shape, layout: string, data: Float32Array): string {
    return this.stored(numbers.tensor, shape, layout, { dtype: "float32", data });
  }

  private stored(tensor: TensorInfo, shape: Shape, layout: string, rest: Omit<Constant, "name" | "shape">): string {
    const key = `${tensor.index}:${layout}`;
    const known = this.draft.stored.get(key);
    if (known !== undefined) return known;
    const name = claim(this.draft.names, nameOf(tensor));
    this.draft.constants.set(name, { name, shape, ...rest });
    this.draft.stored.set(key, name);
    return name;
  }

  /** Adds the node that computes the output, or, with a suffix, one on the way to it. */
  node(node: Without<Node, "name" | "inputs">, inputs: readonly string[], suffix?: string): string {
    // A value on the way has the type of the input: the operators that need one reshape it, or clamp what they have joined.
    const type = this.type(suffix === undefined ? this.output : this.required(0));
    const from = this.required(0).type;
    const to = this.output.type;
    if (from !== to && node.op !== "quantise" && node.op !== "dequantise") {
      throw new UnsupportedError(`${this.where}: expected a result in ${from} like the input, got ${to}`);
    }
    const own = nameOf(this.output);
    const name = claim(this.draft.names, suffix === undefined ? own : `${own}/${suffix}`);
    this.draft.nodes.push({ ...node, name, inputs, ...type } as Node);
    return name;
  }

  /** The fused activation function of field `index` as a field of the node. */
  fused(index: number): { clamp?: Clamp } {
    const code = this.operator.options?.int8(index) ?? 0;
    if (code === 0) return {};
    const clamp = FUSED.get(code);
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

/** What TFLite's RELU holds values within. */
export const RELU: Clamp = { lo: 0, hi: Number.POSITIVE_INFINITY };
/** … its RELU_N1_TO_1, */
export const RELU_N1_TO_1: Clamp = { lo: -1, hi: 1 };
/** … and its RELU6. */
export const RELU6: Clamp = { lo: 0, hi: 6 };

const FUSED: ReadonlyMap<number, Clamp> = new Map([
  [1, RELU],
  [2, RELU_N1_TO_1],
  [3, RELU6],
]);
