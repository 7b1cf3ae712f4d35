/**
 * ONNX files → Graph. ONNX's images are channels first, this package's channels last: nothing is transposed, but it is
 * remembered of each value in which order it is held.
 * @module
 */

import { FormatError, ShapeError, UnsupportedError } from "../../errors.ts";
import type { Graph, Shape } from "../../graph/graph.ts";
import { constantsOf } from "../../graph/references.ts";
import { Budget } from "../../limits.ts";
import { nameEndPoints } from "../../models/end-points.ts";
import { checked } from "../common/checked.ts";
import type { Sibling } from "../common/source.ts";
import { inBytes } from "./bytes.ts";
import { NodeCall, whereIs } from "./call.ts";
import { heldValue, OnnxDraft } from "./draft.ts";
import { fold, isFolded } from "./fold.ts";
import { asWritten, channelsLast, isHeld } from "./layout.ts";
import { type Operand, ofInfo, type ValueType } from "./operand.ts";
import { OPS } from "./ops.ts";
import { neededNodes } from "./order.ts";
import { scaleIndex } from "./qlinear.ts";
import { type NodeInfo, readModel, type ValueInfo } from "./schema.ts";
import { externalData, typeName } from "./tensors.ts";

/** What a file may leave open, and how much it may ask for. */
export interface OnnxOptions {
  readonly budget?: Budget | undefined;
  /** Height and width of the input in pixels where the file leaves them open. */
  readonly resolution?: number | undefined;
}

/**
 * Reads an ONNX model of opset 7 to 21. Values bear the names of their tensors. Inputs and outputs that are images,
 * [n, c, h, w] in the file, are [n, h, w, c] here, as everywhere in this package.
 *
 * @param bytes The whole file.
 * @param sibling Reads a file of the model's folder: external data.
 * @throws {FormatError} The file is damaged, or contradicts itself.
 * @throws {UnsupportedError} Operators, or settings or types of some, that have no counterpart here: all of them in one
 * message.
 * @throws {LoadError} A file of external data is missing.
 */
export async function fromOnnx(bytes: Uint8Array, sibling: Sibling, options: OnnxOptions = {}): Promise<Graph> {
  const { budget = new Budget(), resolution } = options;
  const file = await readModel(bytes, budget);
  const nodes = neededNodes(file);
  const draft = new OnnxDraft(file, nodes, budget);
  const read = new Set([...draft.readers.keys(), ...file.outputs.map(({ name }) => name)]);
  const complete = externalData(sibling);
  for (const [name, info] of file.initializers) {
    await budget.turn();
    // Those that nothing reads are not looked at.
    if (read.has(name)) draft.operands.set(name, { tensor: ofInfo(await complete(info)) });
  }
  for (const input of file.inputs) if (!file.initializers.has(input.name)) addInput(draft, input, resolution);
  for (const node of nodes) {
    await budget.turn();
    addNode(draft, node);
  }
  draft.blockers.check("onnx");
  const outputs = file.outputs.map(({ name }) => outputOf(draft, name));
  const { builder } = draft;
  const whole = inBytes(builder.graph({ name: file.name, outputs, source: { format: "onnx" } }), draft);
  const graph = await checked("onnx", withoutUnread(named(whole, file.outputs)), budget);
  return builder.complete(nameEndPoints(graph), () => budget.turn());
}

// --- What goes in
// -------------------------------------------------------------------------------------------------------------------

/** An input, or a place for one that is not supported, which is noted. */
function addInput(draft: OnnxDraft, info: ValueInfo, resolution: number | undefined): void {
  const { name } = info;
  if (draft.operands.has(name)) throw new FormatError(`onnx: expected each input once, got "${name}" twice`);
  try {
    const { dims, held } = inputDims(draft, info, resolution);
    const type = inputType(draft, info);
    draft.builder.addInput({ name, shape: held.map((axis) => dims[axis]!), dtype: "float32", ...type });
    draft.operands.set(name, { value: heldValue(name, dims, held, type) });
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    draft.blockers.add(`an input (${error.message.replace(/^.*?": /, "")})`, [name], () => error);
    draft.blocked.add(name);
  }
}

/**
 * Dimensions of an input and the order in which they are handed over: images channels last. Where all that the file
 * does with an image is to transpose it to channels first, they are last in the file already.
 */
function inputDims(draft: OnnxDraft, { name, shape }: ValueInfo, resolution: number | undefined) {
  const where = `onnx: input "${name}"`;
  if (shape === undefined) throw new UnsupportedError(`${where}: expected a shape, got none`);
  const rank = shape.length;
  const held = rank === 4 && !isTransposed(draft, name) ? channelsLast(rank) : asWritten(rank);
  const spatial = (axis: number) => rank === 4 && held.indexOf(axis) >= 1 && held.indexOf(axis) <= 2;
  const dims: Shape = shape.map((size, axis) => {
    if (size >= 0) return size;
    return axis === 0 ? 1 : spatial(axis) ? (resolution ?? -1) : -1;
  });
  if (dims.every((size) => size > 0 && size < 2 ** 31) && Number.isSafeInteger(dims.reduce((a, b) => a * b, 1))) {
    return { dims, held };
  }
  const hint = dims.every((size, axis) => size > 0 || (size < 0 && spatial(axis)));
  const more = hint ? "; the option resolution says height and width where they are open" : "";
  throw new UnsupportedError(`${where}: expected known sizes from 1, got [${shape.join(", ")}]${more}`);
}

/** What is done to pixels one by one before they are transposed. */
const PIXELWISE: ReadonlySet<string> = new Set(
  "QuantizeLinear DequantizeLinear Cast Add Sub Mul Div Clip Identity".split(" "),
);
/** Such operators one behind the other at the most. */
const STAGES = 8;

/** Whether all that reads an image, but for what is done to its pixels, transposes it to channels first. */
function isTransposed(draft: OnnxDraft, name: string, stages = STAGES): boolean {
  const readers = draft.readers.get(name) ?? [];
  return (
    readers.length > 0 &&
    readers.every(({ op, attributes, outputs }) => {
      if (op === "Transpose") return `${attributes.get("perm")?.integers ?? ""}` === "0,3,1,2";
      return stages > 0 && PIXELWISE.has(op) && outputs.length > 0 && isTransposed(draft, outputs[0]!, stages - 1);
    })
  );
}

/** Operators of which it makes no difference whether whole numbers are floats: they are given as such. */
const MOVES: ReadonlySet<string> = new Set(
  "Cast Pad Reshape Transpose Squeeze Unsqueeze Flatten Slice Split Concat Tile Expand Identity".split(" "),
);

/** Numbers of 16 bits are computed in 32; those of 8 have the meaning that the node gives them which reads them. */
function inputType(draft: OnnxDraft, { name, type }: ValueInfo): ValueType {
  const dtype = typeName(type);
  if (dtype === "float32" || dtype === "float16") return {};
  const where = `onnx: input "${name}"`;
  if (dtype === "int32" || dtype === "int64") {
    const readers = draft.readers.get(name) ?? [];
    if (readers.length > 0 && readers.every(({ op }) => MOVES.has(op))) return {};
    throw new UnsupportedError(`${where}: expected whole numbers to be cast or moved before all else, got ${dtype}`);
  }
  if (dtype !== "int8" && dtype !== "uint8") {
    throw new UnsupportedError(`${where}: expected float32, float16, int8 or uint8, got ${dtype}`);
  }
  const reader = (draft.readers.get(name) ?? []).find((node) => scaleIndex(node, name) !== undefined);
  const at = (reader && scaleIndex(reader, name)) ?? 0;
  const [scale, zero] = [at, at + 1].map((i) => {
    const found = draft.operands.get(reader?.inputs[i] ?? "");
    return found && "tensor" in found ? found.tensor : undefined;
  });
  if (scale?.values?.length !== 1 || (zero && (zero.values?.length !== 1 || zero.type !== dtype))) {
    throw new UnsupportedError(`${where}: expected a DequantizeLinear that says what ${dtype} means, got none`);
  }
  const quantization = { scales: [Math.fround(scale.values[0]!)], zeroPoints: [zero?.values?.[0] ?? 0], axis: 0 };
  return { dtype, quantization };
}

// --- What is computed
// -------------------------------------------------------------------------------------------------------------------

/** Adds what a node computes; what is not supported is noted, and all that depends on it passed over. */
function addNode(draft: OnnxDraft, node: NodeInfo): void {
  const dirty = node.inputs.some((name) => draft.blocked.has(name));
  const op = OPS.get(node.op);
  if (op === undefined && !isFolded(node.op)) {
    block(draft, node, node.op || "an operator without a name", () => missing(node));
  } else if (dirty) {
    pass(draft, node);
  } else {
    try {
      const call = new NodeCall(draft, node);
      emit(draft, node, fold(call) ?? op!(call));
    } catch (error) {
      if (error instanceof ShapeError) throw new FormatError(`onnx: ${error.message}`, { cause: error });
      if (!(error instanceof UnsupportedError)) throw error;
      block(draft, node, `${node.op} (${error.message.replace(`${whereIs(node)}: `, "")})`, () => error);
    }
  }
}

function emit(draft: OnnxDraft, node: NodeInfo, result: Operand | readonly Operand[]): void {
  const results: readonly Operand[] = "length" in result ? result : [result as Operand];
  for (const [i, operand] of results.entries()) {
    const name = node.outputs[i] ?? "";
    if (name === "") continue;
    if (draft.operands.has(name)) {
      throw new FormatError(`${whereIs(node)}: expected the only source of "${name}", got another before it`);
    }
    draft.operands.set(name, operand);
  }
}

function missing(node: NodeInfo): UnsupportedError {
  return new UnsupportedError(`${whereIs(node)}: expected an operator that sepconv has, got ${node.op || "none"}`);
}

/** Notes what is in the way of a node. */
function block(draft: OnnxDraft, node: NodeInfo, kind: string, error: () => UnsupportedError): void {
  draft.blockers.add(kind, [node.name], error);
  pass(draft, node);
}

function pass(draft: OnnxDraft, { outputs }: NodeInfo): void {
  for (const name of outputs) draft.blocked.add(name);
}

// --- What comes out
// -------------------------------------------------------------------------------------------------------------------

/**
 * The value that an output is, under its name. Images are given channels last; what else is held in an order of its own
 * is brought into the file's.
 */
function outputOf(draft: OnnxDraft, name: string): string {
  const found = draft.operands.get(name);
  const where = `onnx: output "${name}"`;
  if (found === undefined) throw new FormatError(`${where}: expected a node that computes it, got none`);
  if ("tensor" in found) {
    const { dims } = found.tensor;
    if (dims.length === 4 || draft.builder.inputs.length === 0) {
      throw new UnsupportedError(`${where}: expected a value that is computed at each run, got a constant`);
    }
    const operand = draft.constant(found.tensor, { shape: dims, layout: "as written" });
    return draft.emit(name, { op: "constant", operand }, []);
  }
  const { value } = found;
  const { dims } = value.layout;
  const images = channelsLast(dims.length);
  const held = isHeld(value.layout, asWritten(dims.length)) && !isImage(draft, value.name, dims) ? undefined : images;
  const order = held && dims.length === 4 && isHeld(value.layout, held) ? held : asWritten(dims.length);
  const result = draft.held(value, order, where);
  if (result === name) return name;
  const { dtype, quantization } = value;
  return draft.emit(name, { op: "identity", ...(dtype && { dtype, quantization }) }, [result]);
}

/**
 * Outputs under their names in the file: the name of one whose numbers had to move is that of the value before they
 * did, and they change places.
 */
function named(graph: Graph, outputs: readonly { readonly name: string }[]): Graph {
  const names = new Map<string, string>();
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  for (const [i, { name }] of outputs.entries()) {
    const now = graph.outputs[i]!;
    // An input that is an output too keeps its name.
    if (now !== name && !inputs.has(name)) names.set(now, name).set(name, now);
  }
  if (names.size === 0) return graph;
  const of = (name: string) => names.get(name) ?? name;
  const nodes = graph.nodes.map((node) => ({ ...node, name: of(node.name), inputs: node.inputs.map(of) }));
  return { ...graph, nodes, outputs: graph.outputs.map(of) };
}

/** Whether a value is held as an image, channels last. */
function isImage(draft: OnnxDraft, name: string, dims: Shape): boolean {
  const held = channelsLast(dims.length).map((axis) => dims[axis]!);
  return dims.length === 4 && `${draft.shapeOf(name)}` === `${held}`;
}

/** Without constants that no node names: what they were made of serves in another form. */
function withoutUnread(graph: Graph): Graph {
  const named = new Set(graph.nodes.flatMap(constantsOf).map(({ name }) => name));
  return { ...graph, constants: new Map([...graph.constants].filter(([name]) => named.has(name))) };
}
