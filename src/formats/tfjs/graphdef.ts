/**
 * A TensorFlow GraphDef as TF.js writes it in JSON: nodes, their attributes, the signature. Knows nothing of what an op
 * computes.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Budget } from "../../limits.ts";
import { shown } from "../common/json.ts";

type Json = Readonly<Record<string, unknown>>;

/** One node, its inputs without control edges. */
export interface TfNode {
  readonly name: string;
  readonly op: string;
  /** Names of the nodes whose first output it reads; `name:1`, `name:2` … where it is another one. */
  readonly inputs: readonly string[];
  readonly attributes: Json;
}

/** What there is to compute. */
export interface GraphDef {
  /** The nodes that the outputs need, each behind those that it reads. */
  readonly nodes: readonly TfNode[];
  /** Names of the nodes that are the model's outputs. */
  readonly outputs: readonly string[];
}

/** `node "name" (Op)`, as messages begin. */
export function where({ name, op }: TfNode): string {
  return `tfjs: node "${name}" (${op})`;
}

/**
 * Reads the graph of a `model.json`.
 * @throws FormatError when nodes are malformed, named twice, missing, or form a circle
 */
export function parseGraphDef(model: Json, budget: Budget): GraphDef {
  const topology = model.modelTopology as { readonly node: readonly unknown[] };
  budget.nodes(topology.node.length, "tfjs: nodes");
  const byName = new Map<string, TfNode>();
  for (const [i, value] of topology.node.entries()) {
    const node = parseNode(`tfjs: modelTopology.node[${i}]`, value);
    if (byName.has(node.name)) throw new FormatError(`${where(node)}: expected a name of its own, got one used before`);
    byName.set(node.name, node);
  }
  const metadata = model.userDefinedMetadata as Json | undefined;
  const signature = (model.signature ?? metadata?.signature) as Json | undefined;
  const signed = Object.values((signature?.outputs ?? {}) as object).map((output) => nodeOf(`${output?.name ?? ""}`));
  const outputs = signed.length > 0 ? signed : sinks(byName);
  if (outputs.length === 0) throw new FormatError("tfjs: expected a graph with an output, got none");
  return { nodes: ordered(byName, outputs), outputs };
}

function parseNode(at: string, value: unknown): TfNode {
  const { name, op, input = [], attr = {} } = (value ?? {}) as Json;
  if (typeof name !== "string" || typeof op !== "string")
    throw new FormatError(`${at}: expected a node with name and op`);
  if (!Array.isArray(input) || !input.every((item) => typeof item === "string")) {
    throw new FormatError(`${at} "${name}": expected input to be a list of names`);
  }
  if (typeof attr !== "object" || attr === null)
    throw new FormatError(`${at} "${name}": expected attr to be an object`);
  const inputs = input.filter((item) => !item.startsWith("^")).map(nodeOf);
  return { name, op, inputs, attributes: attr as Json };
}

/** `name:0` → name. Other outputs than the first keep their number, and no node has such a name. */
function nodeOf(tensor: string): string {
  return tensor.replace(/:0$/, "");
}

/** The node that computes a tensor, whichever of its outputs it is. */
export function baseOf(tensor: string): string {
  return tensor.replace(/:\d+$/, "");
}

/** Nodes that nobody reads: the outputs, where no signature names them. */
function sinks(byName: ReadonlyMap<string, TfNode>): string[] {
  const read = new Set([...byName.values()].flatMap(({ inputs }) => inputs.flatMap((name) => [name, baseOf(name)])));
  return [...byName.values()]
    .filter(({ name, op }) => !read.has(name) && op !== "Const" && op !== "NoOp")
    .map(({ name }) => name);
}

/**
 * Depth first, with a stack of its own: a chain of nodes may be longer than the host's. A loop's way back, which alone
 * leads through a NextIteration, is no circle: what lies on it comes last.
 */
function ordered(byName: ReadonlyMap<string, TfNode>, outputs: readonly string[]): TfNode[] {
  const done = new Map<string, "open" | "closed">();
  const order: TfNode[] = [];
  const find = (name: string) => byName.get(name) ?? byName.get(baseOf(name));
  const stack = outputs.toReversed().map((name) => ({ name, reader: "the signature" }));
  const back: typeof stack = [];
  while (stack.length > 0 || back.length > 0) {
    if (stack.length === 0) stack.push(back.pop()!);
    const { name, reader } = stack.at(-1)!;
    const node = find(name);
    if (!node) throw new FormatError(`tfjs: expected a node "${name}", read by ${reader}, got none`);
    const state = done.get(node.name);
    if (state === undefined) {
      done.set(node.name, "open");
      for (const input of node.inputs.toReversed()) {
        if (find(input)?.op === "NextIteration") {
          back.push({ name: input, reader: where(node) });
          continue;
        }
        const state = done.get(find(input)?.name ?? input);
        if (state === "open")
          throw new FormatError(`${where(node)}: expected no circle, got its own result as input "${input}"`);
        if (state === undefined) stack.push({ name: input, reader: where(node) });
      }
      continue;
    }
    stack.pop();
    if (state === "open") order.push(node);
    done.set(node.name, "closed");
  }
  return order;
}

/** The error for a tensor that is not the first of its node. */
export function notFirst(node: TfNode, tensor: string, reader: string): UnsupportedError {
  return new UnsupportedError(`${where(node)}: expected its first output to be read, got ${tensor}, read by ${reader}`);
}

// --- Attributes
// -------------------------------------------------------------------------------------------------------------------

function attribute(node: TfNode, key: string): Json | undefined {
  const value = node.attributes[key];
  return typeof value === "object" && value !== null ? (value as Json) : undefined;
}

function malformed(node: TfNode, key: string, expected: string): FormatError {
  return new FormatError(
    `${where(node)}: expected attribute ${key} to be ${expected}, got ${shown(node.attributes[key])}`,
  );
}

/** Strings are base64 or lists of bytes. */
function decodeString(node: TfNode, key: string, value: unknown): string {
  // The longest name of an op or a padding has some twenty characters.
  if (Array.isArray(value) && value.length < 100) return String.fromCharCode(...(value as number[]));
  try {
    return atob(value as string);
  } catch {
    throw malformed(node, key, "a string in base64");
  }
}

/** A string attribute; `otherwise` where the node has none. */
export function stringAttribute(node: TfNode, key: string, otherwise: string): string {
  const value = attribute(node, key)?.s;
  return value === undefined ? otherwise : decodeString(node, key, value);
}

/** A list of strings; empty where the node has none. */
export function stringsAttribute(node: TfNode, key: string): string[] {
  const list = (attribute(node, key)?.list as Json | undefined)?.s ?? [];
  if (!Array.isArray(list)) throw malformed(node, key, "a list");
  return list.map((value) => decodeString(node, key, value));
}

/** A float or whole number; `otherwise` where the node has none. */
export function numberAttribute(node: TfNode, key: string, otherwise: number): number {
  const found = attribute(node, key);
  const value = found?.f ?? found?.i;
  if (value === undefined) return otherwise;
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) throw malformed(node, key, "a number");
  return number;
}

/** A truth value; `otherwise` where the node has none. */
export function booleanAttribute(node: TfNode, key: string, otherwise: boolean): boolean {
  const value = attribute(node, key)?.b;
  return value === undefined ? otherwise : Boolean(value);
}

/** What sizes and their like are below: they have 32 bits where they are used. */
const LIMIT = 2 ** 31;

/** Whole numbers; 64-bit ones come as strings. */
export function numbersAttribute(node: TfNode, key: string, otherwise: readonly number[]): readonly number[] {
  const found = attribute(node, key);
  if (!found) return otherwise;
  const list = (found.list as Json | undefined)?.i ?? [];
  const isText = (item: unknown) => (typeof item === "string" && item !== "") || typeof item === "number";
  if (!Array.isArray(list) || !list.every((item) => isText(item) && Number.isSafeInteger(Number(item)))) {
    throw malformed(node, key, "a list of whole numbers");
  }
  const numbers = list.map(Number);
  if (numbers.some((n) => Math.abs(n) >= LIMIT)) throw malformed(node, key, "a list of whole numbers of 32 bits");
  return numbers;
}

/** Element type, such as `DT_FLOAT`; the numbers of the protocol buffer are understood too. */
export function typeAttribute(node: TfNode, key: string): string | undefined {
  const value = attribute(node, key)?.type;
  if (typeof value === "number") return value === 1 ? "DT_FLOAT" : value === 3 ? "DT_INT32" : `type ${value}`;
  return value === undefined ? undefined : `${value}`;
}

/** Axes of a tensor of TensorFlow at the most. */
const MOST_AXES = 254;

/** Dimensions, −1 where they are open; undefined where even the rank is. */
export function shapeAttribute(node: TfNode, key: string): number[] | undefined {
  const shape = attribute(node, key)?.shape as Json | undefined;
  if (!shape || shape.unknownRank || shape.unknown_rank) return undefined;
  const dim = shape.dim ?? [];
  if (!Array.isArray(dim) || dim.length > MOST_AXES) throw malformed(node, key, "a shape");
  return dim.map((item) => {
    const size = Number((item as Json | null)?.size ?? -1);
    if (!Number.isSafeInteger(size) || size >= LIMIT) throw malformed(node, key, "a shape");
    return size;
  });
}
