/**
 * TFLite files → Graph: float32 networks, their weights possibly stored as float16 or as integers with scales, and
 * 8-bit ones.
 * @module
 */

import { FormatError, SepconvError, UnsupportedError } from "../../errors.ts";
import type { DType, Graph, Shape } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { nameFaceDetector } from "../../models/blaze-face.ts";
import { nameEndPoints } from "../../models/end-points.ts";
import { checked } from "../common/checked.ts";
import { OperatorCall } from "./call.ts";
import { valueQuantization } from "./constants.ts";
import { densified } from "./densify.ts";
import { DETECTION, detectionOf, detectorOf } from "./detection.ts";
import { nameOf, shownName, TfliteDraft } from "./draft.ts";
import { fold, isFolded } from "./fold.ts";
import { readMetadata } from "./metadata.ts";
import { SCALELESS, STATEFUL } from "./operators.ts";
import { emitOperator, hasOperator } from "./ops.ts";
import { POSES, posesOf } from "./poses.ts";
import { isOpen, type OperatorInfo, readModel, type TensorInfo } from "./schema.ts";

/** What a file may leave open, and how much it may ask for. */
export interface TfliteOptions {
  readonly budget?: Budget | undefined;
  /** Height and width of the input in pixels where the file leaves them open. */
  readonly resolution?: number | undefined;
}

/**
 * Reads a TFLite model: its first subgraph, any DAG. Weights come out in this package's layouts; values bear the names
 * of their tensors.
 *
 * @param bytes The whole file; its appended metadata and labels are used where it has them.
 * @throws {FormatError} The file is truncated, mislabeled, points outside of itself or contradicts itself.
 * @throws {UnsupportedError} Operators, or settings or types of some, that have no counterpart here: all of them in one
 * message.
 */
export async function fromTflite(bytes: Uint8Array, options: TfliteOptions = {}): Promise<Graph> {
  const { budget = new Budget(), resolution } = options;
  if (resolution !== undefined && !(Number.isSafeInteger(resolution) && resolution >= 1)) {
    throw new RangeError(`resolution: expected a whole number from 1, got ${resolution}`);
  }
  const file = densified(await readModel(bytes, budget));
  const draft = new TfliteDraft(file, budget);
  for (const index of file.inputs) inputOf(draft, file.tensors[index]!, resolution);
  for (const operator of file.operators) {
    await budget.turn();
    addOperator(draft, operator);
  }
  draft.blockers.check("tflite");
  const metadata = await readMetadata(file, bytes, budget);
  const others = file.outputs.filter((index) => !isLeft(draft, index));
  const asked = <T extends { readonly outputs: readonly number[] }>(found: T | undefined): T | undefined =>
    found?.outputs.some((index) => file.outputs.includes(index)) ? found : undefined;
  const [found, pose] = [asked(draft.detection), asked(draft.pose)];
  const outputs = others.map((index) => outputOf(draft, file.tensors[index]!));
  if (found) outputs.unshift(found.boxes, found.scores);
  if (pose) outputs.unshift(...pose.values);
  const detector = found && (await detectorOf(found, metadata.labels, draft));
  const source = { format: "tflite", ...metadata, ...(detector && { detector }), ...(pose && { pose: pose.heads }) };
  const { builder } = draft;
  const graph = await checked("tflite", builder.graph({ name: file.name, outputs, source }), budget);
  compareShapes(draft);
  await budget.turn();
  return builder.complete(nameFaceDetector(nameEndPoints(graph)), () => budget.turn());
}

const INPUT_TYPES: readonly string[] = ["float32", "uint8", "int8", "int32"] satisfies DType[];

/** An input, or a place for one that is not supported, which is noted. */
function inputOf(draft: TfliteDraft, tensor: TensorInfo, resolution: number | undefined): void {
  try {
    addInput(draft, tensor, resolution);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    const reason = error.message.replace(/^.*?': /, "");
    draft.blockers.add(`an input (${reason})`, [nameOf(tensor)], () => error);
    pretend(draft, tensor.index);
  }
}

function addInput(draft: TfliteDraft, tensor: TensorInfo, resolution: number | undefined): void {
  const where = `tflite: input '${shownName(tensor)}'`;
  if (draft.values.has(tensor.index)) throw new FormatError(`${where}: expected each input once, got it twice`);
  const { type } = tensor;
  if (!INPUT_TYPES.includes(type)) {
    throw new UnsupportedError(`${where}: expected ${INPUT_TYPES.join(", ")}, got ${type}`);
  }
  const shape = inputShape(tensor, where, resolution);
  if (`${shape}` !== `${tensor.shape}`) draft.resized = true;
  const name = draft.claim(nameOf(tensor));
  draft.values.set(tensor.index, name);
  const byte = type === "int8" || type === "uint8";
  const raw = byte && tensor.quantization === undefined && asksForNoScale(draft, tensor.index);
  if (raw) draft.raw.add(tensor.index);
  const meaning = () => (raw ? { scales: [1], zeroPoints: [0], axis: 0 } : valueQuantization(tensor, where));
  const quantization = byte ? meaning() : undefined;
  draft.builder.addInput({ name, shape, dtype: type as DType, ...(quantization && { quantization }) });
}

/** Whether nothing that reads a tensor needs to know what its numbers mean. */
function asksForNoScale({ file }: TfliteDraft, index: number): boolean {
  const readers = file.operators.filter(({ inputs }) => inputs.includes(index));
  return readers.length > 0 && readers.every(({ op }) => SCALELESS.has(op));
}

/** An open batch is what the file declares, 1 as a rule; open heights and widths are up to the caller. */
function inputShape({ shape, signature }: TensorInfo, where: string, resolution: number | undefined): Shape {
  const sizes = shape.map((size, axis) => {
    if (signature[axis]! >= 0) return size;
    if (axis === 0) return Math.max(size, 1);
    return shape.length === 4 && axis < 3 ? (resolution ?? -1) : -1;
  });
  const shown = signature.join(",");
  if (sizes.length > 0 && sizes.every((size) => size > 0)) return sizes;
  if (shape.length === 4 && signature[3]! > 0) {
    throw new UnsupportedError(
      `${where}: expected known sizes, got [${shown}]; the option resolution says height and width where they are open`,
    );
  }
  throw new UnsupportedError(`${where}: expected known sizes, got [${shown}] with some left open`);
}

/** Adds what an operator computes; what is not supported is noted, and all that depends on it passed over. */
function addOperator(draft: TfliteDraft, operator: OperatorInfo): void {
  const dirty = operator.inputs.some((index) => draft.blocked.has(index));
  if (operator.op === DETECTION && draft.detection === undefined) {
    attempt(draft, operator, dirty, () => {
      draft.detection = detectionOf(draft, operator);
    });
    return;
  }
  if (operator.op === POSES && draft.pose === undefined) {
    attempt(draft, operator, dirty, () => {
      draft.pose = posesOf(draft, operator);
    });
    return;
  }
  if (!hasOperator(operator.op) && !isFolded(operator.op)) {
    block(draft, operator, quoted(operator), () => missing(draft, operator));
    return;
  }
  attempt(draft, operator, dirty, () => {
    // Without outputs there is one call, which says so.
    for (const which of operator.outputs.length > 1 ? operator.outputs.keys() : [0]) {
      emit(draft, new OperatorCall(draft, operator, which));
    }
  });
}

/** Does what an operator asks for, and notes what is in the way; `dirty`: whether it reads what there is not. */
function attempt(draft: TfliteDraft, operator: OperatorInfo, dirty: boolean, act: () => void): void {
  try {
    requireRun(draft, operator);
    act();
    // Sizes that are made of what there is not are not known either, whatever the file declares.
    const whole = operator.outputs.some((index) => /^int(32|64)$/.test(draft.file.tensors[index]?.type ?? ""));
    if (dirty && whole) pass(draft, operator);
  } catch (error) {
    // What is wrong with a value that there is not may well be the fault of that.
    if (dirty && error instanceof SepconvError) pass(draft, operator);
    else if (error instanceof UnsupportedError) {
      block(draft, operator, `${operator.op} (${reasonOf(error, operator)})`, () => error);
    } else throw error;
  }
}

/** Whether a tensor is one of those that post-processing would have computed, of which nothing is run. */
function isLeft({ detection, pose }: TfliteDraft, index: number): boolean {
  return [detection, pose].some((found) => found?.outputs.includes(index));
}

/** Nothing of a file's post-processing is run with the network, so that nothing can read its results. */
function requireRun(draft: TfliteDraft, { index, op, inputs }: OperatorInfo): void {
  const read = inputs.find((input) => isLeft(draft, input));
  if (read === undefined) return;
  const [what, name] = [draft.detection ? "boxes" : "poses", shownName(draft.file.tensors[read]!)];
  throw new UnsupportedError(
    `tflite: operator ${index} (${op}): expected the ${what} found to be outputs, got '${name}' as an input`,
  );
}

function emit(draft: TfliteDraft, call: OperatorCall): void {
  requireFirst(draft, call);
  const { index } = call.output;
  keepRaw(draft, call);
  const source = dequantized(call);
  const known = source ? undefined : fold(call);
  if (source) draft.aliases.set(index, source);
  else if (known) draft.integers.set(index, known);
  else draft.values.set(index, emitOperator(call));
}

/** Of numbers without a scale come others without, where an operator asks for none. */
function keepRaw({ raw, file }: TfliteDraft, { operator: { op, inputs }, output, where }: OperatorCall): void {
  const bare = inputs.find((index) => raw.has(index));
  if (bare === undefined) return;
  const tensor = file.tensors[bare]!;
  if (!SCALELESS.has(op)) {
    throw new FormatError(`${where}, '${shownName(tensor)}': expected a scale for ${tensor.type}, got none`);
  }
  if (output.type === tensor.type && output.quantization === undefined) raw.add(output.index);
}

/** An operator as messages list it: by its name, and what makes it unlike others. */
function quoted({ op, outputs, calls }: OperatorInfo): string {
  const name = /^CUSTOM '(.+)'$/.exec(op)?.[1] ?? op;
  const more = [
    ...(STATEFUL.has(op) ? ["keeps a state from run to run"] : []),
    ...(calls.length > 0 ? [`runs ${calls.map((call) => `'${call}'`).join(" and ")}`] : []),
    ...(outputs.length === 1 ? [] : [`${outputs.length} outputs`]),
  ];
  return more.length > 0 ? `${name} (${more.join(", ")})` : name;
}

/** The error for an operator that there is not. */
function missing(draft: TfliteDraft, operator: OperatorInfo): UnsupportedError {
  const { index, op, outputs } = operator;
  const names = outputs.slice(0, 4).map((output) => `'${shownName(draft.file.tensors[output]!)}'`);
  const more = outputs.length > names.length ? " …" : "";
  const where = `tflite: operator ${index} (${op})${names.length > 0 ? ` for ${names.join(", ")}${more}` : ""}`;
  return new UnsupportedError(`${where}: expected an operator that sepconv has, got ${quoted(operator)}`);
}

/** Notes what is in the way of an operator. */
function block(draft: TfliteDraft, operator: OperatorInfo, kind: string, error: () => UnsupportedError): void {
  const names = operator.outputs.map((index) => nameOf(draft.file.tensors[index]!));
  draft.blockers.add(kind, names, error);
  pass(draft, operator);
}

function pass(draft: TfliteDraft, { outputs }: OperatorInfo): void {
  for (const index of outputs) pretend(draft, index);
}

/** What an error says beside where it happened. */
function reasonOf({ message }: Error, { op, index }: OperatorInfo): string {
  const where = `operator ${index} (${op})`;
  const at = message.indexOf(where);
  const rest = at < 0 ? message : message.slice(at + where.length).replace(/^ for '.*?'(?=[:,])/, "");
  return rest.replace(/^[:,] /, "");
}

/** A value in place of the one that there is not, so that what reads it can be looked at. */
function pretend(draft: TfliteDraft, index: number): void {
  draft.blocked.add(index);
  if (draft.values.has(index)) return;
  const tensor = draft.file.tensors[index]!;
  const name = draft.claim(nameOf(tensor));
  draft.values.set(index, name);
  draft.builder.pretend(name, tensor.shape);
}

/** A tensor is written once: neither two operators nor an operator and the file may give it a value. */
function requireFirst(draft: TfliteDraft, call: OperatorCall): void {
  const { index, data } = call.output;
  if (draft.values.has(index) || draft.aliases.has(index) || draft.integers.has(index) || data.length > 0) {
    throw new FormatError(`${call.where}: expected the only source of tensor ${index}, got another before it`);
  }
}

/** DEQUANTIZE of a constant happens here and now: the tensor whose numbers it makes float. */
function dequantized(call: OperatorCall): TensorInfo | undefined {
  if (call.operator.op !== "DEQUANTIZE" || !call.isConstant(0)) return undefined;
  const source = call.tensor(0)!;
  call.requireFloat(call.output);
  return call.draft.aliases.get(source.index) ?? source;
}

function outputOf(draft: TfliteDraft, tensor: TensorInfo): string {
  const value = draft.values.get(tensor.index);
  if (value !== undefined) return value;
  const where = `tflite: output '${shownName(tensor)}'`;
  if (draft.integers.has(tensor.index) || draft.aliases.has(tensor.index) || tensor.data.length > 0) {
    throw new UnsupportedError(`${where}: expected a value that is computed at each run, got a constant`);
  }
  throw new FormatError(`${where}: expected an operator that computes it, got none`);
}

/** What the file says of its tensors must be what its operators come to. */
function compareShapes(draft: TfliteDraft): void {
  if (draft.resized) return;
  for (const index of draft.values.keys()) {
    const tensor = draft.file.tensors[index]!;
    const shape = draft.shapeOf(index)!;
    if (isOpen(tensor) || tensor.shape.length === 0 || tensor.shape.join() === shape.join()) continue;
    throw new FormatError(
      `tflite, tensor ${index} '${shownName(tensor)}': expected [${shape.join(",")}] by its operator, got [${tensor.shape.join(",")}]`,
    );
  }
}
