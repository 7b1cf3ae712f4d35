/**
 * Writes small TFLite files, honest ones and, by overriding single fields, lying ones.
 */
import { Builder, type Offset } from "flatbuffers";
import { OPERATORS, TENSOR_TYPES } from "../../../src/formats/tflite/schema.ts";

/** One field of a table. */
export type Field =
  | { readonly int8: number }
  | { readonly int32: number }
  | { readonly float32: number }
  | { readonly offset: Offset };

export interface TensorSpec {
  readonly name?: string;
  readonly shape: readonly number[];
  /** Default float32. */
  readonly type?: string;
  /** Constant data, as numbers of the type (float16 as its bits). */
  readonly data?: readonly number[];
  readonly scales?: readonly number[];
  readonly zeroPoints?: readonly number[];
  readonly axis?: number;
  readonly signature?: readonly number[];
  /** Index of the buffer, where it shall not be the tensor's own. */
  readonly buffer?: number;
  /** How `data` is spread over the shape. */
  readonly sparsity?: SparsitySpec;
}

/** The tree of a sparse tensor. */
export interface SparsitySpec {
  readonly order: readonly number[];
  readonly blocks?: readonly number[];
  /** A dense level by its size, or lists. */
  readonly levels: readonly (number | ListsSpec)[];
}

/** A level that lists its places, in lists of as many bits. */
export interface ListsSpec {
  readonly segments: readonly number[];
  readonly indices: readonly number[];
  readonly bits: 8 | 16 | 32;
  /** Number of the level's format, where it shall not be the one of lists. */
  readonly format?: number;
}

export interface OperatorSpec {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Fields of the options by index. */
  readonly options?: Readonly<Record<number, Field>>;
  /** Index of the operator code, where it shall not be the operator's own. */
  readonly code?: number;
  /** Name of a custom operator; `op` is then "CUSTOM". */
  readonly custom?: string;
  /** Options of a custom operator. */
  readonly customOptions?: Uint8Array;
}

export interface ModelSpec {
  readonly tensors: readonly TensorSpec[];
  readonly operators: readonly OperatorSpec[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly identifier?: string;
  readonly metadata?: Uint8Array;
  /** Names of further subgraphs, with nothing in them. */
  readonly subgraphs?: readonly string[];
}

/** Adds a table; absent indices stay absent. */
export function table(builder: Builder, fields: Readonly<Record<number, Field | undefined>>): Offset {
  const indices = Object.keys(fields).map(Number);
  builder.startObject(Math.max(0, ...indices.map((index) => index + 1)));
  for (const index of indices) {
    const field = fields[index];
    if (!field) continue;
    if ("int8" in field) builder.addFieldInt8(index, field.int8, 0);
    else if ("int32" in field) builder.addFieldInt32(index, field.int32, 0);
    else if ("float32" in field) builder.addFieldFloat32(index, field.float32, 0);
    else builder.addFieldOffset(index, field.offset, 0);
  }
  return builder.endObject();
}

/** Adds a vector of offsets. */
export function offsets(builder: Builder, items: readonly Offset[]): Offset {
  builder.startVector(4, items.length, 4);
  for (const item of [...items].reverse()) builder.addOffset(item);
  return builder.endVector();
}

/** Adds a vector of 32-bit integers. */
export function int32s(builder: Builder, items: readonly number[]): Offset {
  builder.startVector(4, items.length, 4);
  for (const item of [...items].reverse()) builder.addInt32(item);
  return builder.endVector();
}

/** Adds a vector of 32-bit floats. */
export function float32s(builder: Builder, items: readonly number[]): Offset {
  builder.startVector(4, items.length, 4);
  for (const item of [...items].reverse()) builder.addFloat32(item);
  return builder.endVector();
}

function int64s(builder: Builder, items: readonly number[]): Offset {
  builder.startVector(8, items.length, 8);
  for (const item of [...items].reverse()) builder.addInt64(BigInt(item));
  return builder.endVector();
}

const WRITERS: Readonly<Record<string, (data: readonly number[]) => ArrayBufferLike>> = {
  float32: (data) => Float32Array.from(data).buffer,
  float16: (data) => Uint16Array.from(data).buffer,
  int64: (data) => BigInt64Array.from(data, BigInt).buffer,
  int32: (data) => Int32Array.from(data).buffer,
  int8: (data) => Int8Array.from(data).buffer,
  uint8: (data) => Uint8Array.from(data).buffer,
};

function buffer(builder: Builder, data: Uint8Array): Offset {
  return table(builder, data.length === 0 ? {} : { 0: { offset: builder.createByteVector(data) } });
}

/** A vector of whole numbers in a table of its own; its type's number. */
function list(builder: Builder, values: readonly number[], bits: 8 | 16 | 32): { type: number; table: Offset } {
  const bytes = bits / 8;
  builder.startVector(bytes, values.length, 4);
  for (const value of [...values].reverse()) {
    if (bits === 8) builder.addInt8(value);
    else if (bits === 16) builder.addInt16(value);
    else builder.addInt32(value);
  }
  const offset = builder.endVector();
  return { type: { 8: 3, 16: 2, 32: 1 }[bits], table: table(builder, { 0: { offset } }) };
}

function sparsityTable(builder: Builder, { order, blocks = [], levels }: SparsitySpec): Offset {
  const tables = levels.map((level) => {
    if (typeof level === "number") return table(builder, { 0: { int8: 0 }, 1: { int32: level } });
    const [segments, indices] = [level.segments, level.indices].map((values) => list(builder, values, level.bits));
    return table(builder, {
      ...{ 0: { int8: level.format ?? 1 }, 2: { int8: segments!.type }, 3: { offset: segments!.table } },
      ...{ 4: { int8: indices!.type }, 5: { offset: indices!.table } },
    });
  });
  return table(builder, {
    0: { offset: int32s(builder, order) },
    1: { offset: int32s(builder, blocks) },
    2: { offset: offsets(builder, tables) },
  });
}

function tensor(builder: Builder, spec: TensorSpec, index: number): Offset {
  const name = builder.createString(spec.name ?? `t${index}`);
  const shape = int32s(builder, spec.shape);
  const signature = spec.signature && int32s(builder, spec.signature);
  const scales = spec.scales && float32s(builder, spec.scales);
  const zeroPoints = spec.zeroPoints && int64s(builder, spec.zeroPoints);
  const quantization =
    scales &&
    table(builder, {
      2: { offset: scales },
      3: zeroPoints ? { offset: zeroPoints } : undefined,
      6: { int32: spec.axis ?? 0 },
    });
  const sparsity = spec.sparsity && sparsityTable(builder, spec.sparsity);
  return table(builder, {
    0: { offset: shape },
    1: { int8: TENSOR_TYPES.indexOf(spec.type ?? "float32") },
    2: { int32: spec.buffer ?? (spec.data ? index + 1 : 0) },
    3: { offset: name },
    4: quantization ? { offset: quantization } : undefined,
    6: sparsity ? { offset: sparsity } : undefined,
    7: signature ? { offset: signature } : undefined,
  });
}

/** The bytes of a model. Operators have a code each. */
export function buildTflite(spec: ModelSpec): Uint8Array {
  const builder = new Builder(1024);
  builder.forceDefaults(true);
  const byName = new Map([...OPERATORS].map(([code, name]) => [name, code]));
  const codes = spec.operators.map(({ op, custom }) => {
    const code = byName.get(op) ?? Number(op);
    const name = custom === undefined ? undefined : { offset: builder.createString(custom) };
    return table(builder, { 0: { int8: Math.min(code, 127) }, 1: name, 3: { int32: code } });
  });
  const operators = spec.operators.map((operator, index) => {
    const options = operator.options && table(builder, operator.options);
    const inputs = int32s(builder, operator.inputs);
    const outputs = int32s(builder, operator.outputs);
    const custom = operator.customOptions && builder.createByteVector(operator.customOptions);
    return table(builder, {
      0: { int32: operator.code ?? index },
      1: { offset: inputs },
      2: { offset: outputs },
      4: options === undefined ? undefined : { offset: options },
      5: custom === undefined ? undefined : { offset: custom },
    });
  });
  // Buffer 0 is always empty; then one for each tensor, then the metadata.
  const data = spec.tensors.map((t) =>
    t.data ? new Uint8Array(WRITERS[t.type ?? "float32"]!(t.data)) : new Uint8Array(),
  );
  const buffers = [new Uint8Array(), ...data, spec.metadata ?? new Uint8Array()].map((d) => buffer(builder, d));
  const subgraph = table(builder, {
    0: {
      offset: offsets(
        builder,
        spec.tensors.map((t, i) => tensor(builder, t, i)),
      ),
    },
    1: { offset: int32s(builder, spec.inputs) },
    2: { offset: int32s(builder, spec.outputs) },
    3: { offset: offsets(builder, operators) },
  });
  const others = (spec.subgraphs ?? []).map((name) => table(builder, { 4: { offset: builder.createString(name) } }));
  const entry = spec.metadata && {
    name: builder.createString("TFLITE_METADATA"),
    buffer: spec.tensors.length + 1,
  };
  const metadata =
    entry && offsets(builder, [table(builder, { 0: { offset: entry.name }, 1: { int32: entry.buffer } })]);
  const root = table(builder, {
    0: { int32: 3 },
    1: { offset: offsets(builder, codes) },
    2: { offset: offsets(builder, [subgraph, ...others]) },
    4: { offset: offsets(builder, buffers) },
    6: metadata ? { offset: metadata } : undefined,
  });
  builder.finish(root, spec.identifier ?? "TFL3");
  return builder.asUint8Array();
}

/** TFLite metadata: normalization of the first input, and the name of the first output's label file. */
export function buildMetadata(mean: readonly number[], std: readonly number[], labels: string): Uint8Array {
  const builder = new Builder(256);
  builder.forceDefaults(true);
  const options = table(builder, {
    0: { offset: float32s(builder, mean) },
    1: { offset: float32s(builder, std) },
  });
  const unit = table(builder, { 0: { int8: 1 }, 1: { offset: options } });
  const input = table(builder, { 4: { offset: offsets(builder, [unit]) } });
  const file = table(builder, { 0: { offset: builder.createString(labels) }, 2: { int8: 2 } });
  const output = table(builder, { 6: { offset: offsets(builder, [file]) } });
  const subgraph = table(builder, {
    2: { offset: offsets(builder, [input]) },
    3: { offset: offsets(builder, [output]) },
  });
  const root = table(builder, { 3: { offset: offsets(builder, [subgraph]) } });
  builder.finish(root, "M001");
  return builder.asUint8Array();
}
