/**
 * The parts of the TFLite schema that are used, as facts: indices of fields, numbers of types; and a file read by them
 * → plain data.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Quantization, Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { FlatFile, type Table } from "./flatbuffer.ts";
import { CALLS, OPERATORS } from "./operators.ts";
import { dense } from "./sparse.ts";

export { OPERATORS } from "./operators.ts";

/** Indices of fields in their tables, in the order in which the schema lists them. */
const MODEL = { operatorCodes: 1, subgraphs: 2, description: 3, buffers: 4, metadata: 6 } as const;
const OPERATOR_CODE = { deprecated: 0, custom: 1, builtin: 3 } as const;
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3, name: 4 } as const;
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3, quantization: 4, sparsity: 6, signature: 7 } as const;
const QUANTIZATION = { scale: 2, zeroPoint: 3, axis: 6 } as const;
// A union takes two fields: its type, then its table.
const OPERATOR = { code: 0, inputs: 1, outputs: 2, options: 4, custom: 5 } as const;
const BUFFER = { data: 0, offset: 1, size: 2 } as const;
const METADATA = { name: 0, buffer: 1 } as const;

/** Element types by number. */
export const TENSOR_TYPES: readonly string[] = [
  "float32",
  "float16",
  "int32",
  "uint8",
  "int64",
  "string",
  "bool",
  "int16",
  "complex64",
  "int8",
  "float64",
  "complex128",
  "uint64",
  "resource",
  "variant",
  "uint32",
  "uint16",
  "int4",
];

/** More dimensions than any operator knows what to do with. */
const MAX_RANK = 8;

/** One tensor as the file declares it. */
export interface TensorInfo {
  readonly index: number;
  /** As written; may be empty or used twice. */
  readonly name: string;
  readonly shape: Shape;
  /** The shape with −1 where a size is left open (`shape` then says 1 there); the shape itself where none is. */
  readonly signature: Shape;
  /** Name of the element type. */
  readonly type: string;
  /** Constant data, empty for values that are computed. */
  readonly data: Uint8Array;
  /** Where the data begins in the file. */
  readonly offset: number;
  /** Whether the file stores what is not 0 alone; `data` has all of it. */
  readonly sparse: boolean;
  readonly quantization?: Quantization;
}

/** Whether sizes beside the batch are left open. */
export function isOpen({ signature }: TensorInfo): boolean {
  return signature.slice(1).some((size) => size < 0);
}

/** One operator as the file lists it. Tensors by index, −1 for optional ones left out. */
export interface OperatorInfo {
  readonly index: number;
  /** `CONV_2D`, `CUSTOM 'TFLite_Detection_PostProcess'`, `operator 250`. */
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: Table | undefined;
  /** The options of a custom operator, in its own form; empty without. */
  readonly custom: Uint8Array;
  /** Names of the subgraphs that control flow runs. */
  readonly calls: readonly string[];
}

/** The first subgraph of a file: what TFLite runs unless it is told another signature. */
export interface ModelFile {
  readonly name: string;
  readonly tensors: readonly TensorInfo[];
  readonly operators: readonly OperatorInfo[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** The buffer that a metadata entry of that name points at. */
  metadata(name: string): Uint8Array | undefined;
}

/** @throws {FormatError} The file is truncated, mislabeled or points outside of itself. */
export async function readModel(bytes: Uint8Array, budget: Budget): Promise<ModelFile> {
  const model = (await FlatFile.open(bytes, "TFL3", "tflite")).root("model");
  const buffers = model.tableList(MODEL.buffers, "buffer");
  const bufferOf = (index: number, what: string): Uint8Array => {
    const buffer = buffers.at(index);
    if (!buffer) throw new FormatError(`tflite, ${what}: expected a buffer below ${buffers.count}, got ${index}`);
    return dataOf(buffer, bytes);
  };
  const subgraphs = model.tableList(MODEL.subgraphs, "subgraph");
  const subgraph = subgraphs.at(0);
  if (!subgraph) throw new FormatError("tflite, byte 0 (model): expected a subgraph, got none");

  const tensorList = subgraph.tableList(SUBGRAPH.tensors, "tensor");
  budget.tensors(tensorList.count, "tflite: tensors");
  const tensors: TensorInfo[] = [];
  for (let i = 0; i < tensorList.count; i++) {
    tensors.push(tensorOf(tensorList.at(i)!, i, bufferOf, bytes.byteOffset, budget));
    await budget.turn();
  }

  const codeList = model.tableList(MODEL.operatorCodes, "operator code");
  const most = budget.limits.maxNodes;
  if (codeList.count > most) {
    throw new UnsupportedError(
      `tflite: operator codes: expected at most ${most} (limits.maxNodes), got ${codeList.count}`,
    );
  }
  const codes = Array.from({ length: codeList.count }, (_, i) => operatorName(codeList.at(i)!));
  const operatorList = subgraph.tableList(SUBGRAPH.operators, "operator");
  budget.nodes(operatorList.count, "tflite: operators");
  const nameOfSubgraph = (i: number) => subgraphs.at(i)?.string(SUBGRAPH.name) || `subgraph ${i}`;
  const operators: OperatorInfo[] = [];
  for (let i = 0; i < operatorList.count; i++) {
    operators.push(operatorOf(operatorList.at(i)!, i, codes, tensors.length, nameOfSubgraph));
    await budget.turn();
  }

  const known = (index: number, what: string): number => checkedIndex(index, tensors.length, what);
  return {
    name: subgraph.string(SUBGRAPH.name) || model.string(MODEL.description) || "model",
    tensors,
    operators,
    inputs: subgraph.int32s(SUBGRAPH.inputs).map((index) => known(index, "inputs of the model")),
    outputs: subgraph.int32s(SUBGRAPH.outputs).map((index) => known(index, "outputs of the model")),
    metadata: (name) => {
      const entry = model.tables(MODEL.metadata, "metadata").find((table) => table.string(METADATA.name) === name);
      return entry && bufferOf(entry.uint32(METADATA.buffer), `metadata '${name}'`);
    },
  };
}

/** Files beyond 2 GB keep buffers behind the flatbuffer and say where. */
function dataOf(buffer: Table, bytes: Uint8Array): Uint8Array {
  const offset = buffer.uint64(BUFFER.offset);
  if (offset <= 1) return buffer.bytes(BUFFER.data);
  const size = buffer.uint64(BUFFER.size);
  buffer.file.check(offset, size, buffer.name);
  return bytes.subarray(offset, offset + size);
}

function tensorOf(
  table: Table,
  index: number,
  bufferOf: (index: number, what: string) => Uint8Array,
  fileOffset: number,
  budget: Budget,
): TensorInfo {
  const name = table.string(TENSOR.name);
  const what = `tensor ${index} '${name}'`;
  const shape = table.int32s(TENSOR.shape);
  if (shape.length > MAX_RANK) {
    throw new FormatError(`tflite, ${what}: expected at most ${MAX_RANK} dimensions, got ${shape.length}`);
  }
  const negative = shape.find((size) => size < 0);
  if (negative !== undefined) throw new FormatError(`tflite, ${what}: expected sizes ≥ 0, got [${shape.join(",")}]`);
  const signature = table.int32s(TENSOR.signature);
  const type = table.int8(TENSOR.type);
  const quantization = quantizationOf(table, shape, TENSOR_TYPES[type] === "int32", what);
  const stored = bufferOf(table.uint32(TENSOR.buffer), what);
  const typeName = TENSOR_TYPES[type] ?? `type ${type}`;
  const sparsity = table.table(TENSOR.sparsity, `${what}, sparsity`);
  const data = sparsity ? dense(stored, { shape, type: typeName, where: `tflite, ${what}` }, sparsity, budget) : stored;
  return {
    index,
    name,
    shape,
    signature: signature.length === shape.length ? shape.map((n, i) => (signature[i]! < 0 ? -1 : n)) : shape,
    type: typeName,
    data,
    offset: stored.byteOffset - fileOffset,
    sparse: sparsity !== undefined,
    ...(quantization && { quantization }),
  };
}

/**
 * Scales without zero points have zeros; one of each holds for the whole tensor.
 * @param bias Whether it is an int32 tensor, a bias as a rule: its scales follow from others, so that nobody needs
 * them, and some files get them wrong.
 */
function quantizationOf(tensor: Table, shape: Shape, bias: boolean, what: string): Quantization | undefined {
  const table = tensor.table(TENSOR.quantization, `${what}, quantization`);
  const scales = table?.float32s(QUANTIZATION.scale) ?? [];
  if (!table || scales.length === 0) return undefined;
  const given = table.int64s(QUANTIZATION.zeroPoint);
  const zeroPoints = given.length === 0 ? scales.map(() => 0) : given;
  // A tensor of one axis has no other: writers give a bias the axis that its weights are quantized along, the last one
  // of four.
  const axis = shape.length === 1 ? 0 : table.int32(QUANTIZATION.axis);
  // An axis beside a single scale says nothing; microcontroller runtimes accept it too.
  const fits = scales.length === 1 || scales.length === shape[axis];
  if (!fits || zeroPoints.length !== scales.length) {
    if (bias) return undefined;
    throw new FormatError(
      `tflite, ${what}: expected one scale and zero point, or one for each of [${shape.join(",")}] along axis ${axis}, got ${scales.length} and ${zeroPoints.length}`,
    );
  }
  return { scales, zeroPoints, axis };
}

/** Old files have the code in 8 bits only; new ones write 127 there when it does not fit. */
function operatorName(table: Table): string {
  const code = Math.max(table.int8(OPERATOR_CODE.deprecated), table.int32(OPERATOR_CODE.builtin));
  const name = OPERATORS.get(code) ?? `operator ${code}`;
  return name === "CUSTOM" ? `CUSTOM '${table.string(OPERATOR_CODE.custom)}'` : name;
}

function operatorOf(
  table: Table,
  index: number,
  codes: readonly string[],
  tensors: number,
  subgraph: (index: number) => string,
): OperatorInfo {
  const code = table.uint32(OPERATOR.code);
  const op = codes[code];
  if (op === undefined) {
    throw new FormatError(`tflite, operator ${index}: expected an operator code below ${codes.length}, got ${code}`);
  }
  const where = `operator ${index} (${op})`;
  const options = table.table(OPERATOR.options, `options of ${where}`);
  return {
    index,
    op,
    inputs: table.int32s(OPERATOR.inputs).map((i) => (i === -1 ? -1 : checkedIndex(i, tensors, `inputs of ${where}`))),
    outputs: table.int32s(OPERATOR.outputs).map((i) => checkedIndex(i, tensors, `outputs of ${where}`)),
    options,
    custom: table.bytes(OPERATOR.custom),
    calls: (CALLS.get(op) ?? []).map((field) => subgraph(options?.int32(field) ?? 0)),
  };
}

function checkedIndex(index: number, count: number, what: string): number {
  if (index >= 0 && index < count) return index;
  throw new FormatError(`tflite, ${what}: expected a tensor below ${count}, got ${index}`);
}
