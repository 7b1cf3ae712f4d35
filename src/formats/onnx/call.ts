/**
 * One ONNX node's view of the graph in the making: what it reads, its settings, the nodes it adds.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import type { NodeFields } from "../../graph/builder.ts";
import { positiveAxis } from "../../graph/dimensions.ts";
import type { Node, Shape } from "../../graph/graph.ts";
import { heldValue, type OnnxDraft, type Recipe, typeOf } from "./draft.ts";
import { channelsLast } from "./layout.ts";
import type { Operand, Tensor, Value, ValueType } from "./operand.ts";
import type { Attribute, NodeInfo } from "./schema.ts";

/** What sizes and their like are below: they have 32 bits where they are used. */
const LIMIT = 2 ** 31;

/** An image as the ops here want it. */
export interface Image {
  /** The value, [n, h, w, c]. */
  readonly name: string;
  readonly shape: readonly [n: number, h: number, w: number, c: number];
  /** Its spatial axes in the file, 1 or 2. */
  readonly axes: 1 | 2;
  readonly type: ValueType;
}

/** How messages call a node. */
export function whereIs({ name, op }: NodeInfo): string {
  return `onnx: node "${name.length > 240 ? `${name.slice(0, 240)}…` : name}" (${op})`;
}

/** One node while it is turned into nodes of ours. */
export class NodeCall {
  readonly draft: OnnxDraft;
  readonly node: NodeInfo;
  readonly where: string;

  constructor(draft: OnnxDraft, node: NodeInfo) {
    this.draft = draft;
    this.node = node;
    this.where = whereIs(node);
  }

  get op(): string {
    return this.node.op;
  }

  get opset(): number {
    return this.draft.file.opset;
  }

  /** The name of what it computes. */
  get output(): string {
    return this.node.outputs[0]!;
  }

  unsupported(expected: string, got: string): UnsupportedError {
    return new UnsupportedError(`${this.where}: expected ${expected}, got ${got}`);
  }

  wrong(expected: string, got: string): FormatError {
    return new FormatError(`${this.where}: expected ${expected}, got ${got}`);
  }

  // --- What it reads

  /** Whether an input is there: those at the end, and in between, can be left out. */
  has(i: number): boolean {
    return (this.node.inputs[i] ?? "") !== "";
  }

  operand(i: number): Operand {
    const name = this.node.inputs[i] ?? "";
    if (name === "") throw this.wrong(`an input ${i}`, "none");
    const found = this.draft.operands.get(name);
    if (found === undefined) throw this.wrong(`"${name}" to be computed before it is read`, "nothing that does");
    return found;
  }

  /** An input that must be known beforehand. */
  tensor(i: number): Tensor {
    const found = this.operand(i);
    if ("tensor" in found) return found.tensor;
    throw this.unsupported(`input ${i} to be constant`, `the computed value "${this.node.inputs[i]}"`);
  }

  /** A few numbers that are known beforehand: axes, sizes, bounds. */
  numbers(i: number): readonly number[] {
    const { values } = this.tensor(i);
    if (values) return values;
    throw this.unsupported(`input ${i} to be a few numbers`, `"${this.node.inputs[i]}"`);
  }

  /** Whole numbers that are known beforehand. */
  integers(i: number): number[] {
    const list = [...this.numbers(i)];
    if (!list.every(Number.isInteger)) throw this.wrong(`input ${i} to be whole numbers`, `[${list.slice(0, 8)}]`);
    return list;
  }

  /** One number that is known beforehand. */
  number(i: number): number {
    const list = this.numbers(i);
    if (list.length !== 1) throw this.wrong(`input ${i} to be one number`, `${list.length}`);
    return list[0]!;
  }

  /** An input that must be computed, of whatever type. */
  any(i: number): Value {
    const found = this.operand(i);
    if ("value" in found) return found.value;
    throw this.unsupported(`input ${i} to be computed`, `the constant "${this.node.inputs[i]}"`);
  }

  /** An input that must be computed, in float32. */
  value(i: number): Value {
    const value = this.any(i);
    if (value.dtype) throw this.unsupported(`input ${i} in float32`, value.dtype);
    return value;
  }

  /** An input that must be an image or a row of pixels, channels last. */
  image(i: number, value = this.value(i)): Image {
    const { dims } = value.layout;
    if (dims.length !== 3 && dims.length !== 4) {
      throw this.unsupported("an image [n, c, h, w] or a row [n, c, w]", `[${dims}]`);
    }
    const [n, c, ...size] = dims as [number, number, ...number[]];
    const [h, w] = size.length === 2 ? (size as [number, number]) : [1, size[0]!];
    const name = this.draft.held(value, channelsLast(dims.length), this.where, [n, h, w, c]);
    return { name, shape: [n, h, w, c], axes: size.length as 1 | 2, type: typeOf(value) };
  }

  // --- Its settings

  private attribute(key: string): Attribute | undefined {
    return this.node.attributes.get(key);
  }

  hasAttribute(key: string): boolean {
    return this.node.attributes.has(key);
  }

  integer(key: string, otherwise: number): number {
    const value = this.attribute(key)?.integer ?? otherwise;
    if (!(Math.abs(value) < LIMIT)) throw this.wrong(`${key} to have 32 bits`, `${value}`);
    return value;
  }

  float(key: string, otherwise: number): number {
    const value = this.attribute(key)?.float ?? otherwise;
    if (Number.isNaN(value)) throw this.wrong(`${key} to be a number`, "NaN");
    return value;
  }

  text(key: string, otherwise: string): string {
    return this.attribute(key)?.text ?? otherwise;
  }

  list(key: string): readonly number[] | undefined {
    const list = this.attribute(key)?.integers;
    if (list?.some((n) => !(Math.abs(n) < LIMIT))) throw this.wrong(`${key} to have 32 bits each`, `[${list}]`);
    return list;
  }

  floats(key: string): number[] | undefined {
    const bytes = this.attribute(key)?.floats;
    if (bytes === undefined) return undefined;
    if (bytes.length % 4 !== 0) throw this.wrong(`${key} to be numbers of 32 bits`, `${bytes.length} bytes`);
    return Array.from(new Float32Array(new Uint8Array(bytes).buffer));
  }

  tensorAttribute(key: string) {
    return this.attribute(key)?.tensor;
  }

  /** An axis of a value of `rank` dimensions. */
  axis(axis: number, rank: number): number {
    const positive = positiveAxis(axis, rank);
    if (positive >= 0 && positive < rank) return positive;
    throw this.wrong(`an axis of ${rank} dimensions`, `${axis}`);
  }

  /** Axes that became an input in one opset or another; undefined where they are left out. */
  axes(i: number): readonly number[] | undefined {
    if (this.has(i)) return this.integers(i);
    return this.list("axes");
  }

  // --- What it computes

  /** Adds the node that computes the output, or, with a suffix, one on the way to it; answers with its name. */
  emit(fields: NodeFields, inputs: readonly string[], suffix?: string): string {
    return this.draft.emit(this.output, fields as unknown as Record<string, unknown>, inputs, suffix);
  }

  /** The value of a node that leaves dimensions and their order as they are. */
  like(value: Value, fields: NodeFields): Operand {
    const name = this.emit({ ...fields, ...typeOf(value) } as NodeFields, [value.name]);
    return { value: { ...value, name } };
  }

  /** The value of a node that computed dimensions that are held in some order. */
  of(name: string, dims: Shape, held: readonly number[], type: ValueType = {}): Operand {
    return { value: heldValue(name, dims, held, type) };
  }

  /** The value of a node that computed an image [n, h, w, c]. */
  ofImage(name: string, { axes, type }: Image): Operand {
    const [n, h, w, c] = this.draft.shapeOf(name) as [number, number, number, number];
    const dims: Shape = axes === 2 ? [n, c, h, w] : [n, c, w];
    return this.of(name, dims, channelsLast(dims.length), type);
  }

  /** Makes a tensor one of the graph's constants. */
  constant(tensor: Tensor, recipe: Recipe): string {
    return this.draft.constant(tensor, recipe);
  }

  /** A constant of one number per channel, stored in whatever dimensions. */
  perChannel(i: number, channels: number): string {
    const tensor = this.tensor(i);
    const size = tensor.dims.reduce((product, n) => product * n, 1);
    if (size !== channels) throw this.wrong(`"${tensor.name}" to be ${channels} numbers`, `[${tensor.dims}]`);
    return this.constant(tensor, { shape: [channels], layout: "channels" });
  }

  /** The node that computes a value, if this node is all that reads it, so that it may be rewritten. */
  replaceable(i: number): Node | undefined {
    const found = this.operand(i);
    if (!("value" in found) || this.draft.onlyReader(this.node.inputs[i]!) !== this.node) return undefined;
    const node = this.draft.builder.node(found.value.name);
    // Another tensor may be the same value under other dimensions.
    return node?.name === this.node.inputs[i] ? node : undefined;
  }

  /** Puts another node, under this one's name, in the place of the one that computes a value. */
  replace(old: Node, fields: NodeFields): string {
    this.draft.builder.removeNode(old.name);
    return this.emit(fields, old.inputs);
  }
}
