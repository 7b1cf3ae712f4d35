/**
 * A graph in the making, and one Keras layer's view of it: its settings, its variables, the nodes it adds.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import type { Clamp, Constant, Graph, Input, Node, Pair, Shape } from "../graph/graph.ts";
import { inferShapes } from "../graph/shape.ts";
import { describe, type Json } from "./keras-config.ts";
import type { KerasLayerKey, KerasWeights } from "./keras-weights.ts";

/** What has been built so far. */
export interface Draft {
  readonly format: string;
  readonly weights: KerasWeights;
  readonly resolution: number;
  readonly inputs: Input[];
  readonly constants: Map<string, Constant>;
  readonly nodes: Node[];
  readonly names: Set<string>;
}

/** Claims a name for a value: `name`, or `name_1`, `name_2` … where that is taken. */
export function claim(draft: Draft, name: string): string {
  let unique = name;
  for (let i = 1; draft.names.has(unique); i++) unique = `${name}_${i}`;
  draft.names.add(unique);
  return unique;
}

/** The shape of a value; the batch is what the inputs say, 1. */
export function shapeOf(draft: Draft, value: string): Shape {
  const graph: Graph = {
    name: "draft",
    inputs: draft.inputs,
    constants: draft.constants,
    nodes: draft.nodes,
    outputs: [value],
    endPoints: new Map(),
    source: { format: draft.format },
  };
  const shape = inferShapes(graph).get(value);
  if (!shape) throw new FormatError(`${draft.format}: expected value '${value}' to have a shape, got none`);
  return shape;
}

/** Omits its argument from each member of a union, keeping the union apart. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** An activation function of Keras: what stands behind a layer's sums. */
export type Activation = { readonly clamp: Clamp } | { readonly op: "softmax" | "sigmoid" | "hardSwish" } | undefined;

/** Nodes that can clamp their result themselves. */
type Clampable = Extract<Node, { readonly clamp?: Clamp }>;

/** One call of one layer while it is turned into nodes. */
export class LayerCall {
  readonly draft: Draft;
  readonly key: KerasLayerKey;
  readonly className: string;
  /** Name of the value that the call computes. */
  readonly name: string;
  readonly config: Json;
  /** Names of the values it reads. */
  readonly inputs: readonly string[];
  /** All its arguments in order: names of values, and constants. */
  readonly args: readonly (string | number)[];
  private variables = 0;

  constructor(
    draft: Draft,
    layer: { key: KerasLayerKey; className: string; config: Json },
    name: string,
    args: readonly (string | number)[],
  ) {
    this.draft = draft;
    this.key = layer.key;
    this.className = layer.className;
    this.config = layer.config;
    this.name = name;
    this.args = args;
    this.inputs = args.filter((arg) => typeof arg === "string");
  }

  /** How error messages call this layer. */
  get where(): string {
    return `${this.draft.format}: layer '${this.key.path.join("/")}' (${this.className})`;
  }

  unsupported(setting: string, expected: string, got: unknown): UnsupportedError {
    return new UnsupportedError(`${this.where}, ${setting}: expected ${expected}, got ${describe(got)}`);
  }

  /** The only input. */
  get input(): string {
    const [input] = this.inputs;
    if (input === undefined || this.inputs.length !== 1) {
      throw new FormatError(`${this.where}: expected 1 input, got ${this.inputs.length}`);
    }
    return input;
  }

  /** Adds the node that computes this call's value, or, with a suffix, one on the way to it. */
  node(node: Without<Node, "name" | "inputs">, inputs: readonly string[], suffix?: string): string {
    const name = suffix === undefined ? this.name : claim(this.draft, `${this.name}/${suffix}`);
    this.draft.nodes.push({ ...node, name, inputs } as Node);
    return name;
  }

  /** Adds a node followed by the layer's own activation function: within the node where it is a clamp, else behind it. */
  activated(
    node: Without<Clampable, "name" | "inputs" | "clamp">,
    activation: Activation,
    inputs: readonly string[] = [this.input],
  ): string {
    if (activation === undefined) return this.node(node, inputs);
    if ("clamp" in activation) return this.node({ ...node, clamp: activation.clamp }, inputs);
    const sums = this.node(node, inputs, "preactivation");
    return this.node(activation.op === "softmax" ? { op: "softmax", beta: 1 } : { op: activation.op }, [sums]);
  }

  /**
   * A variable of the layer as a constant. Variables must be asked for in the order in which Keras creates them.
   *
   * @param names Its short name; versions of Keras differ, so possibly several.
   * @param shape What it must be; −1 stands for any size.
   */
  variable(names: readonly [string, ...string[]], shape: Shape): string {
    const index = this.variables++;
    const constant = `${this.key.path.join("/")}/${names[0]}`;
    const known = this.draft.constants.get(constant);
    if (known) return constant; // the layer has been called before
    const expected = `variable '${names.join("' or '")}' [${shape.map((n) => (n < 0 ? "?" : n)).join(",")}]`;
    for (const name of names) {
      const found = this.draft.weights(this.key, name, index);
      if (!found) continue;
      const fits = found.shape.length === shape.length && shape.every((n, i) => n < 0 || n === found.shape[i]);
      if (!fits) throw new FormatError(`${this.where}: expected ${expected}, got [${found.shape.join(",")}]`);
      return this.constant(constant, found.shape, found.read());
    }
    throw new FormatError(`${this.where}: expected ${expected}, got none`);
  }

  /** Adds a constant under exactly this name. */
  constant(name: string, shape: Shape, data: Float32Array): string {
    const size = shape.reduce((a, b) => a * b, 1);
    if (data.length !== size) {
      throw new FormatError(
        `${this.where}, '${name}': expected ${size} numbers for [${shape.join(",")}], got ${data.length}`,
      );
    }
    if (this.draft.names.has(name)) throw new FormatError(`${this.where}: expected one value named '${name}', got two`);
    this.draft.names.add(name);
    this.draft.constants.set(name, { name, shape, dtype: "float32", data });
    return name;
  }

  /** A setting that is a number. */
  number(setting: string, fallback: number): number {
    const value = this.config[setting] ?? fallback;
    if (typeof value !== "number")
      throw new FormatError(`${this.where}, ${setting}: expected a number, got ${describe(value)}`);
    return value;
  }

  /** A setting that is true or false. */
  flag(setting: string, fallback: boolean): boolean {
    const value = this.config[setting] ?? fallback;
    if (typeof value !== "boolean")
      throw new FormatError(`${this.where}, ${setting}: expected true or false, got ${describe(value)}`);
    return value;
  }

  /** A setting of one or two whole numbers ≥ 1, for height and width. */
  pair(setting: string, fallback: Pair): Pair {
    const value = this.config[setting] ?? fallback;
    const [height, width = height] = Array.isArray(value) ? value : [value];
    if (!Number.isSafeInteger(height) || !Number.isSafeInteger(width) || height < 1 || width < 1) {
      throw new FormatError(`${this.where}, ${setting}: expected whole numbers ≥ 1, got ${describe(value)}`);
    }
    return [height, width];
  }

  /** Refuses images whose channels come first: everything here is NHWC. */
  requireChannelsLast(): void {
    const format = this.config.data_format ?? "channels_last";
    if (format !== "channels_last" && format !== "channelsLast")
      throw this.unsupported("data_format", "channels_last", format);
  }
}
