/**
 * TFLite files → Graph: float32 networks, their weights possibly stored as float16 or as integers with scales, and 8-bit ones.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import { nameEndPoints } from "../graph/endpoints.ts";
import type { DType, Graph, Input } from "../graph/graph.ts";
import { inferShapes } from "../graph/shape.ts";
import { Budget } from "../limits.ts";
import { readMetadata } from "./tflite-metadata.ts";
import { emitOperator } from "./tflite-ops.ts";
import { readModel, type TensorInfo } from "./tflite-schema.ts";
import { claim, nameOf, OperatorCall, type TfliteDraft, valueQuantisation } from "./tflite-tensors.ts";

/** What a file may leave open, and how much it may ask for. */
export interface TfliteOptions {
  readonly budget?: Budget | undefined;
}

/**
 * Reads a TFLite model: its first subgraph, any DAG. Weights come out in this package's layouts; values bear the names of their tensors.
 *
 * @param bytes The whole file; its appended metadata and labels are used where it has them.
 * @throws {FormatError} The file is truncated, mislabelled, points outside of itself or contradicts itself.
 * @throws {UnsupportedError} An operator, or a setting or type of one, that has no counterpart here.
 */
export async function fromTflite(bytes: Uint8Array, options: TfliteOptions = {}): Promise<Graph> {
  const { budget = new Budget() } = options;
  const file = await readModel(bytes);
  budget.tensors(file.tensors.length, "tflite");
  budget.nodes(file.operators.length, "tflite");
  const draft: TfliteDraft = {
    file,
    values: new Map(),
    aliases: new Map(),
    constants: new Map(),
    stored: new Map(),
    nodes: [],
    names: new Set(),
  };
  const inputs = file.inputs.map((index) => addInput(draft, file.tensors[index]!));
  for (const operator of file.operators) {
    const call = new OperatorCall(draft, operator);
    requireFirst(draft, call);
    const source = dequantised(call);
    if (source) draft.aliases.set(call.output.index, source);
    else draft.values.set(call.output.index, emitOperator(call));
  }
  const outputs = file.outputs.map((index) => outputOf(draft, file.tensors[index]!));
  const graph: Graph = {
    name: file.name,
    inputs,
    constants: draft.constants,
    nodes: draft.nodes,
    outputs: [...new Set(outputs)],
    endPoints: new Map(),
    source: { format: "tflite", ...(await readMetadata(file, bytes)) },
  };
  compareShapes(graph, draft);
  return nameEndPoints(graph);
}

const INPUT_TYPES: readonly string[] = ["float32", "uint8", "int8", "int32"] satisfies DType[];

function addInput(draft: TfliteDraft, tensor: TensorInfo): Input {
  const where = `tflite: input '${nameOf(tensor)}'`;
  if (draft.values.has(tensor.index)) throw new FormatError(`${where}: expected each input once, got it twice`);
  if (!INPUT_TYPES.includes(tensor.type)) {
    throw new UnsupportedError(`${where}: expected ${INPUT_TYPES.join(", ")}, got ${tensor.type}`);
  }
  if (tensor.open || tensor.shape.length === 0 || tensor.shape.includes(0)) {
    throw new UnsupportedError(`${where}: expected known sizes, got [${tensor.shape.join(",")}] with some left open`);
  }
  const name = claim(draft.names, nameOf(tensor));
  draft.values.set(tensor.index, name);
  const { shape, type } = tensor;
  const quantisation = type === "int8" || type === "uint8" ? valueQuantisation(tensor, where) : undefined;
  return { name, shape, dtype: type as DType, ...(quantisation && { quantisation }) };
}

/** A tensor is written once: neither two operators nor an operator and the file may give it a value. */
function requireFirst(draft: TfliteDraft, call: OperatorCall): void {
  const { index, data } = call.output;
  if (draft.values.has(index) || draft.aliases.has(index) || data.length > 0) {
    throw new FormatError(`${call.where}: expected the only source of tensor ${index}, got another before it`);
  }
}

/** DEQUANTIZE of a constant happens here and now: the tensor whose numbers it makes float. */
function dequantised(call: OperatorCall): TensorInfo | undefined {
  if (call.operator.op !== "DEQUANTIZE" || !call.isConstant(0)) return undefined;
  const source = call.tensor(0)!;
  call.requireFloat(call.output);
  return call.draft.aliases.get(source.index) ?? source;
}

function outputOf(draft: TfliteDraft, tensor: TensorInfo): string {
  const value = draft.values.get(tensor.index);
  if (value !== undefined) return value;
  throw new FormatError(`tflite: output '${nameOf(tensor)}': expected an operator that computes it, got none`);
}

/** What the file says of its tensors must be what its operators come to. */
function compareShapes(graph: Graph, draft: TfliteDraft): void {
  const shapes = inferShapes(graph);
  for (const [index, name] of draft.values) {
    const tensor = draft.file.tensors[index]!;
    const shape = shapes.get(name)!;
    if (tensor.open || tensor.shape.length === 0 || tensor.shape.join() === shape.join()) continue;
    throw new FormatError(
      `tflite, tensor ${index} '${tensor.name}': expected [${shape.join(",")}] by its operator, got [${tensor.shape.join(",")}]`,
    );
  }
}
