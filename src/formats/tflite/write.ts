/**
 * Graph → TFLite file, float32 or 8-bit.
 * @module
 */
import type { Builder } from "flatbuffers";
import type { Graph } from "../../graph/graph.ts";
import { prepared } from "../../graph/passes/index.ts";
import { validate } from "../../graph/validate.ts";
import { Draft, OPERATORS, type Operator, type Tensor } from "./write-draft.ts";
import { bytesVector, table, vector } from "./write-flatbuffer.ts";
import { METADATA, metadataOf, withLabels } from "./write-metadata.ts";
import { emit } from "./write-ops.ts";

const SCHEMA_VERSION = 3;
const TYPES = { float32: 0, int32: 2, uint8: 3, int8: 9 } as const;

/**
 * The bytes of a TFLite model that computes what the graph does. Batch norms are folded and activations fused, as
 * converters do it; names of inputs and outputs survive; pixel range and class names are written as TFLite metadata,
 * end points are not.
 * @throws UnsupportedError naming a node that has no form in TFLite; TypeError for a graph without weights
 */
export async function toTflite(graph: Graph): Promise<Uint8Array> {
  validate(graph);
  const { Builder } = await import("flatbuffers");
  const plain = prepared(graph, "tflite");
  const draft = new Draft(plain);
  for (const node of plain.nodes) emit(draft, node);
  const bytes = draft.tensors.reduce((sum, { data }) => sum + (data?.byteLength ?? 0) + 512, 1 << 16);
  const indexOf = (name: string) => draft.indices.get(name)!;
  const ends = [plain.inputs.map(({ name }) => indexOf(name)), plain.outputs.map(indexOf)] as const;
  const metadata = metadataOf(new Builder(1024), graph);
  const model = encode(new Builder(bytes), plain.name, draft.tensors, draft.operators, ...ends, metadata);
  return withLabels(model, graph.source.labels);
}

function encode(
  builder: Builder,
  name: string,
  tensors: readonly Tensor[],
  operators: readonly Operator[],
  inputs: readonly number[],
  outputs: readonly number[],
  metadata: Uint8Array | undefined,
): Uint8Array {
  const keyOf = ({ op, version }: Operator) => `${op} ${version}`;
  const kinds = new Map(operators.map((operator) => [keyOf(operator), operator]));
  const codes = [...kinds.values()].map(({ op, version }) => {
    const { code } = OPERATORS[op];
    return table(builder, [
      [0, "Int8", code],
      [2, "Int32", version],
      [3, "Int32", code],
    ]);
  });
  // Buffer 0 is empty, by custom: values have it.
  const buffers = [table(builder, [])];
  const tensorTables = tensors.map(({ name: label, shape, dtype, data, quantization }) => {
    const buffer = data ? buffers.push(table(builder, [[0, "Offset", bytesVector(builder, data)]])) - 1 : 0;
    const dims = vector(builder, "Int32", shape);
    const text = builder.createString(label);
    const meaning = quantization ? quantizationTable(builder, quantization) : 0;
    return table(builder, [
      [0, "Offset", dims],
      [1, "Int8", TYPES[dtype]],
      [2, "Int32", buffer],
      [3, "Offset", text],
      [4, "Offset", meaning],
    ]);
  });
  const keys = [...kinds.keys()];
  const operatorTables = operators.map((operator) => {
    const kind = OPERATORS[operator.op].options;
    const options = kind ? table(builder, operator.options) : 0;
    const reads = vector(builder, "Int32", operator.inputs);
    const writes = vector(builder, "Int32", [operator.output]);
    return table(builder, [
      [0, "Int32", keys.indexOf(keyOf(operator))],
      [1, "Offset", reads],
      [2, "Offset", writes],
      [3, "Int8", kind],
      [4, "Offset", options],
    ]);
  });
  const described = metadata ? [metadataEntry(builder, metadata, buffers)] : [];
  const parts = [
    vector(builder, "Offset", tensorTables),
    vector(builder, "Int32", inputs),
    vector(builder, "Int32", outputs),
    vector(builder, "Offset", operatorTables),
    builder.createString(name),
  ];
  const subgraph = table(
    builder,
    parts.map((part, i) => [i, "Offset", part]),
  );
  const lists = [codes, [subgraph], buffers, described].map((list) => vector(builder, "Offset", list)) as number[];
  const root = table(builder, [
    [0, "Int32", SCHEMA_VERSION],
    [1, "Offset", lists[0]!],
    [2, "Offset", lists[1]!],
    [4, "Offset", lists[2]!],
    [6, "Offset", described.length > 0 ? lists[3]! : 0],
  ]);
  builder.finish(root, "TFL3");
  return builder.asUint8Array().slice();
}

/** The entry that says which buffer holds the metadata. */
function metadataEntry(builder: Builder, metadata: Uint8Array, buffers: number[]): number {
  const buffer = buffers.push(table(builder, [[0, "Offset", bytesVector(builder, metadata)]])) - 1;
  const name = builder.createString(METADATA);
  return table(builder, [
    [0, "Offset", name],
    [1, "Int32", buffer],
  ]);
}

function quantizationTable(
  builder: Builder,
  { scales, zeroPoints, axis }: NonNullable<Tensor["quantization"]>,
): number {
  const scale = vector(builder, "Float32", scales);
  const zero = vector(builder, "Int64", zeroPoints);
  return table(builder, [
    [2, "Offset", scale],
    [3, "Offset", zero],
    [6, "Int32", axis],
  ]);
}
