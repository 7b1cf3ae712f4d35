/**
 * ONNX's messages, as far as they matter here: the model, its graph, nodes with their attributes, what goes in and
 * comes out.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Budget } from "../../limits.ts";
import { type Message, ProtobufFile } from "./protobuf.ts";
import { readTensor, type TensorInfo } from "./tensors.ts";

/** Opsets of the standard operators that this reader knows. */
const OPSETS = { least: 7, most: 21 } as const;

/** Dimensions of a value at the most. */
const MOST_AXES = 16;

/** A value that goes in or comes out. */
export interface ValueInfo {
  readonly name: string;
  /** ONNX's number of the type; 0 where it is no tensor. */
  readonly type: number;
  /** Dimensions, −1 where they are open; undefined where even the rank is. */
  readonly shape: readonly number[] | undefined;
}

/** A setting of a node. */
export interface Attribute {
  readonly float: number | undefined;
  readonly integer: number | undefined;
  readonly text: string | undefined;
  readonly integers: readonly number[];
  /** Numbers of 32 bits, as bytes. */
  readonly floats: Uint8Array;
  readonly tensor: TensorInfo | undefined;
}

/** One node. */
export interface NodeInfo {
  /** Its own name, else that of its first output. */
  readonly name: string;
  /** `Conv`, or `com.microsoft.QLinearAdd` where it is none of the standard ones. */
  readonly op: string;
  /** Names of tensors; "" for one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** What is read of a file. */
export interface ModelFile {
  readonly name: string;
  readonly opset: number;
  /** In an order in which each comes behind those that it reads. */
  readonly nodes: readonly NodeInfo[];
  readonly initializers: ReadonlyMap<string, TensorInfo>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

// Numbers of fields in the messages, as onnx.proto has them.
const MODEL = { graph: 7, opsets: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparse: 15 } as const;
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, float: 2, integer: 3, text: 4, tensor: 5, floats: 7, integers: 8 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { type: 1, shape: 2 } as const;
const SHAPE = { dim: 1 } as const;
const DIMENSION = { value: 1 } as const;

/**
 * Reads a model's structure; data are views of the file.
 * @throws {FormatError} The file is damaged or no ONNX model. @throws {UnsupportedError} Its opset is another one than
 * those that are known.
 */
export async function readModel(bytes: Uint8Array, budget: Budget): Promise<ModelFile> {
  const file = await ProtobufFile.open(bytes, "onnx");
  const model = file.root("model");
  const graph = model.message(MODEL.graph, "graph");
  if (graph === undefined) throw new FormatError("onnx: expected a model with a graph, got none");
  const opset = opsetOf(model);
  if (graph.has(GRAPH.sparse)) throw new UnsupportedError("onnx: expected dense initializers, got sparse ones");
  budget.nodes(graph.count(GRAPH.node), "onnx: nodes");
  budget.tensors(graph.count(GRAPH.initializer), "onnx: initializers");
  const initializers = new Map<string, TensorInfo>();
  for (const message of graph.messages(GRAPH.initializer, "initializer")) {
    await budget.turn();
    const tensor = readTensor(message, budget);
    if (initializers.has(tensor.name)) {
      throw new FormatError(`onnx: expected each initializer once, got "${tensor.name}" twice`);
    }
    initializers.set(tensor.name, tensor);
  }
  const nodes: NodeInfo[] = [];
  for (const message of graph.messages(GRAPH.node, "node")) {
    await budget.turn();
    nodes.push(readNode(message, budget));
  }
  return {
    name: graph.text(GRAPH.name) || "onnx",
    opset,
    nodes,
    initializers,
    inputs: graph.messages(GRAPH.input, "input").map(readValue),
    outputs: graph.messages(GRAPH.output, "output").map(readValue),
  };
}

/** The version of the standard operators. */
function opsetOf(model: Message): number {
  const sets = model.messages(MODEL.opsets, "opset_import");
  const own = sets.find((set) => isStandard(set.text(OPSET.domain)));
  const version = own?.integer(OPSET.version) ?? (sets.length === 0 ? 1 : undefined);
  if (version === undefined) throw new UnsupportedError("onnx: expected an opset of ONNX's own operators, got none");
  if (version < OPSETS.least || version > OPSETS.most) {
    throw new UnsupportedError(`onnx: expected an opset from ${OPSETS.least} to ${OPSETS.most}, got ${version}`);
  }
  return version;
}

function isStandard(domain: string): boolean {
  return domain === "" || domain === "ai.onnx";
}

function readNode(message: Message, budget: Budget): NodeInfo {
  const [inputs, outputs] = [message.texts(NODE.input), message.texts(NODE.output)];
  const type = message.text(NODE.op);
  const domain = message.text(NODE.domain);
  const attributes = new Map<string, Attribute>();
  for (const attribute of message.messages(NODE.attribute, `${message.name} (${type}), attribute`)) {
    attributes.set(attribute.text(ATTRIBUTE.name), readAttribute(attribute, budget));
  }
  return {
    name: message.text(NODE.name) || outputs.find((name) => name !== "") || message.name,
    op: isStandard(domain) ? type : `${domain}.${type}`,
    inputs,
    outputs,
    attributes,
  };
}

function readAttribute(message: Message, budget: Budget): Attribute {
  const tensor = message.message(ATTRIBUTE.tensor, `${message.name}, tensor`);
  return {
    float: message.float(ATTRIBUTE.float),
    integer: message.integer(ATTRIBUTE.integer),
    text: message.has(ATTRIBUTE.text) ? message.text(ATTRIBUTE.text) : undefined,
    integers: message.integers(ATTRIBUTE.integers),
    floats: message.packed(ATTRIBUTE.floats),
    tensor: tensor && readTensor(tensor, budget),
  };
}

function readValue(message: Message): ValueInfo {
  const name = message.text(VALUE.name);
  const tensor = message.message(VALUE.type, "type")?.message(TYPE.tensor, "tensor type");
  const shape = tensor?.message(TENSOR_TYPE.shape, `shape of "${name}"`)?.messages(SHAPE.dim, "dimension");
  if (shape && shape.length > MOST_AXES) {
    throw new FormatError(`onnx: "${name}": expected at most ${MOST_AXES} dimensions, got ${shape.length}`);
  }
  return {
    name,
    type: tensor?.integer(TENSOR_TYPE.type) ?? 0,
    shape: shape?.map((dimension) => Math.max(-1, dimension.integer(DIMENSION.value) ?? -1)),
  };
}
