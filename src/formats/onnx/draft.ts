/**
 * A graph in the making out of an ONNX file: what its tensors have become so far.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { GraphBuilder } from "../../graph/builder.ts";
import { sizeOf, withOpenBatch } from "../../graph/dimensions.ts";
import type { Node, Quantization, Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { Blockers } from "../common/blockers.ts";
import { floats } from "./arrange.ts";
import { isHeld, orderFor, permuted } from "./layout.ts";
import type { Operand, Tensor, Value, ValueType } from "./operand.ts";
import type { ModelFile, NodeInfo } from "./schema.ts";
import type { Numbers } from "./tensors.ts";

/** Brings numbers into the order in which a constant keeps them, or makes others of them. */
export type Arrange = <T extends Numbers>(data: T, budget: Budget) => T | Promise<T>;

/** How a constant is made of a tensor. */
export interface Recipe {
  readonly shape: Shape;
  /** What is done with the numbers, equal for what is equal. */
  readonly layout: string;
  /** Nothing is done with them where this is left out. */
  readonly arrange?: Arrange;
  /** The axis of output channels in the tensor, and that in the result, where it can be weights in 8 bits. */
  readonly channels?: { readonly from: number; readonly to: number };
}

/** Axes that a transposition can have. */
const MOST_FACTORS = 5;

/** What a constant was made of. */
export interface Origin {
  readonly tensor: Tensor;
  readonly recipe: Recipe;
  /** Its numbers. */
  readonly floats: () => Promise<Float32Array>;
}

/** What has been built so far. */
export class OnnxDraft {
  readonly file: ModelFile;
  readonly budget: Budget;
  readonly builder: GraphBuilder;
  readonly blockers = new Blockers();
  /** What tensors of the file have become. */
  readonly operands = new Map<string, Operand>();
  /** Tensors that what is not supported would have computed. */
  readonly blocked = new Set<string>();
  /** The nodes that read a tensor; the graph's outputs count as one reader more. */
  readonly readers = new Map<string, NodeInfo[]>();
  /** What constants were made of: where it is whole numbers, these may serve as well. */
  readonly made = new Map<string, Origin>();
  /** What hard sigmoids were computed of, by their own names. */
  readonly hardSigmoids = new Map<string, string>();
  private readonly outputs: ReadonlySet<string>;
  private readonly reshapes = new Map<string, string>();

  constructor(file: ModelFile, nodes: readonly NodeInfo[], budget: Budget) {
    this.file = file;
    this.budget = budget;
    this.builder = new GraphBuilder(
      new Set([...file.inputs.map(({ name }) => name), ...nodes.flatMap(({ outputs }) => outputs)]),
    );
    this.outputs = new Set(file.outputs.map(({ name }) => name));
    for (const node of nodes) {
      for (const input of node.inputs) {
        const list = this.readers.get(input);
        if (list === undefined) this.readers.set(input, [node]);
        else list.push(node);
      }
    }
  }

  /** The only node that reads a tensor; undefined where there are several, none, or it is an output of the graph. */
  onlyReader(tensor: string): NodeInfo | undefined {
    const readers = this.readers.get(tensor) ?? [];
    return readers.length === 1 && !this.outputs.has(tensor) ? readers[0] : undefined;
  }

  shapeOf(value: string): Shape {
    return this.builder.shapeOf(value)!;
  }

  /** Adds a node under the name of a tensor of the file, or, with a suffix, one on the way to it. */
  emit(tensor: string, fields: Record<string, unknown>, inputs: readonly string[], suffix?: string): string {
    const free = suffix === undefined && !this.builder.hasName(tensor);
    const name = free ? tensor : this.builder.claim(suffix === undefined ? tensor : `${tensor}/${suffix}`);
    return this.builder.addNode({ ...fields, name, inputs } as unknown as Node);
  }

  /** A value's numbers under another shape; what was reshaped so before is not reshaped again. */
  reshape(value: string, shape: Shape, type: ValueType, as = value): string {
    const from = this.shapeOf(value);
    if (as === value && `${from}` === `${shape}`) return value;
    const key = JSON.stringify([value, shape]);
    const known = as === value ? this.reshapes.get(key) : undefined;
    if (known !== undefined) return known;
    const fields = { op: "reshape", shape: withOpenBatch(from, shape), ...type };
    const name = this.emit(as, fields, [value], as === value ? "reshaped" : undefined);
    this.reshapes.set(key, name);
    return name;
  }

  /**
   * A value whose dimensions are held in another order, or under another shape of the same numbers.
   * @param held indices of its dimensions, outermost first
   * Its numbers move where they have to: at the ends of a network, and where it mixes dimensions.
   * @throws {UnsupportedError} They would have to move along more axes than there can be.
   */
  held(value: Value, held: readonly number[], where: string, shape?: Shape): string {
    const { name, layout, dtype, quantization } = value;
    const type = { ...(dtype && { dtype }), ...(quantization && { quantization }) };
    const target = shape ?? held.map((axis) => layout.dims[axis]!);
    if (isHeld(layout, held)) return this.reshape(name, target, type);
    const { factors, order } = layout;
    if (movedApart(order, orderFor(layout, held)) > MOST_FACTORS) {
      const shown = held.map((axis) => layout.dims[axis]);
      throw new UnsupportedError(
        `${where}: expected an input that needs not be transposed to [${shown}], got one of [${this.shapeOf(name)}]`,
      );
    }
    const apart = this.reshape(
      name,
      order.map((factor) => factors[factor]!),
      type,
    );
    const permutation = orderFor(layout, held).map((factor) => order.indexOf(factor));
    const key = JSON.stringify([apart, "transposed", permutation]);
    const moved =
      this.reshapes.get(key) ?? this.emit(name, { op: "transpose", permutation, ...type }, [apart], "moved");
    this.reshapes.set(key, moved);
    return this.reshape(moved, target, type);
  }

  /** Makes a tensor one of the graph's constants, in float32. */
  constant(tensor: Tensor, recipe: Recipe): string {
    const { shape, layout, arrange } = recipe;
    const key = JSON.stringify([tensor.name, layout, shape]);
    const known = this.builder.constantOf(key);
    if (known !== undefined) return known;
    const { budget } = this;
    const numbers = async () => {
      budget.unpack(4 * sizeOf(shape), `onnx: constant "${tensor.name}"`);
      const data = await floats(await tensor.numbers(budget), budget);
      return arrange ? arrange(data, budget) : data;
    };
    const name = this.builder.addConstant(tensor.name || "constant", { shape }, numbers, key);
    this.made.set(name, { tensor, recipe, floats: numbers });
    return name;
  }

  /** One number per channel, all the same. */
  filled(tensor: string, role: string, channels: number, number: number): string {
    const key = JSON.stringify([tensor, role, channels]);
    const known = this.builder.constantOf(key);
    if (known !== undefined) return known;
    const make = () => {
      this.budget.unpack(4 * channels, `onnx: constant "${tensor}/${role}"`);
      return new Float32Array(channels).fill(number);
    };
    return this.builder.addConstant(`${tensor}/${role}`, { shape: [channels] }, make, key);
  }
}

/** How many groups of factors a transposition moves: those next to each other before and after go together. */
function movedApart(from: readonly number[], to: readonly number[]): number {
  return to.filter((factor, i) => i === 0 || from.indexOf(factor) !== from.indexOf(to[i - 1]!) + 1).length;
}

/** A value that a node computed, its dimensions held in some order. */
export function heldValue(name: string, dims: Shape, held: readonly number[], type: ValueType = {}): Value {
  if (dims.some((n) => n < 1)) throw new FormatError(`onnx: "${name}": expected dimensions from 1, got [${dims}]`);
  return { ...typeOf(type), name, layout: permuted(dims, held) };
}

/** Type and meaning alone. */
export function typeOf({ dtype, quantization }: ValueType): ValueType {
  return { ...(dtype && { dtype }), ...(quantization && { quantization: quantization as Quantization }) };
}
