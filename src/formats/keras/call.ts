/**
 * One Keras layer's view of the graph in the making: its settings, its variables, the nodes it adds.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { NodeFields, Without } from "../../graph/builder.ts";
import type { Clamp, Node, Pair, Shape } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import type { Literal } from "./calls.ts";
import { type Draft, UNKNOWN, type Value } from "./draft.ts";
import { describe, type Json } from "./json.ts";
import { type KerasLayerKey, type Need, placeOf } from "./needs.ts";

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
  readonly inputs: readonly Value[];
  /** All its arguments in order: names of values, and constants. */
  readonly args: readonly (Value | Literal)[];
  /** The setting that is not here, in a few words. */
  lacking = "";
  #variables = 0;

  constructor(
    draft: Draft,
    layer: { key: KerasLayerKey; className: string; config: Json },
    name: string,
    args: readonly (Value | Literal)[],
  ) {
    this.draft = draft;
    this.key = layer.key;
    this.className = layer.className;
    this.config = layer.config;
    this.name = name;
    this.args = args;
    this.inputs = args.filter((arg) => typeof arg === "string" || arg === UNKNOWN);
  }

  /** How error messages call this layer. */
  get where(): string {
    return `${this.draft.format}: layer '${this.key.path.join("/")}' (${this.className})`;
  }

  unsupported(setting: string, expected: string, got: unknown): UnsupportedError {
    this.lacking = `${setting} ${describe(got)}`;
    return new UnsupportedError(`${this.where}, ${setting}: expected ${expected}, got ${describe(got)}`);
  }

  wrong(setting: string, expected: string, got: unknown): FormatError {
    return new FormatError(`${this.where}, ${setting}: expected ${expected}, got ${describe(got)}`);
  }

  /** The only input. */
  get input(): Value {
    const [input] = this.inputs;
    if (input === undefined || this.inputs.length !== 1) {
      throw new FormatError(`${this.where}: expected 1 input, got ${this.inputs.length}`);
    }
    return input;
  }

  /** Shape of the only input. */
  get shape(): Shape {
    return this.draft.shapeOf(this.input);
  }

  /** Size of the only input's last axis. */
  get channels(): number {
    const channels = this.shape.at(-1);
    if (channels === undefined) throw new FormatError(`${this.where}: expected an input with channels, got a scalar`);
    return channels;
  }

  /** Adds the node that computes this call's value, or, with a suffix, one on the way to it. */
  node(node: NodeFields, inputs: readonly Value[], suffix?: string): string {
    for (const input of inputs) this.draft.shapeOf(input);
    const name = suffix === undefined ? this.name : this.draft.claim(`${this.name}/${suffix}`);
    this.draft.addNode({ ...node, name, inputs } as Node, this.where);
    return name;
  }

  /**
   * Adds a node followed by the layer's own activation function: within the node where it is a clamp, else behind it.
   */
  activated(
    node: Without<Clampable, "name" | "inputs" | "clamp">,
    activation: Activation,
    inputs: readonly Value[] = [this.input],
  ): string {
    if (activation === undefined) return this.node(node, inputs);
    if ("clamp" in activation) return this.node({ ...node, clamp: activation.clamp }, inputs);
    const sums = this.node(node, inputs, "preactivation");
    return this.node(activation.op === "softmax" ? { op: "softmax", beta: 1 } : { op: activation.op }, [sums]);
  }

  /**
   * Says that the layer has a variable. Variables must be asked for in the order in which Keras creates them; numbers
   * are read later.
   *
   * @param names Its short name; versions of Keras differ, so possibly several.
   */
  need(names: readonly [string, ...string[]], shape: Shape): Need {
    const index = this.#variables++;
    const place = placeOf(this.key.path);
    let needs = this.draft.needs.get(place);
    if (!needs) {
      needs = new Map();
      this.draft.needs.set(place, needs);
    }
    const known = needs.get(names[0]);
    if (known) {
      // The layer has been called before: its variables are those of then.
      if (known.shape.join() === shape.join()) return known;
      const [was, is] = [known.shape, shape].map((s) => `[${s.join(",")}]`);
      throw new FormatError(`${this.where}: expected all calls to need '${names[0]}' ${was}, got one of ${is}`);
    }
    const need: Need = { names, shape, index };
    needs.set(names[0], need);
    return need;
  }

  /** A variable of the layer as a constant; see {@link need}. */
  variable(names: readonly [string, ...string[]], shape: Shape): string {
    const need = this.need(names, shape);
    const { draft } = this;
    const known = draft.variables.get(need);
    if (known !== undefined) return known;
    const name = draft.addConstant(`${this.key.path.join("/")}/${names[0]}`, shape, {
      needs: [need],
      make: ([numbers]) => numbers!,
    });
    draft.variables.set(need, name);
    return name;
  }

  /** Adds a constant made of the configuration, or of variables. */
  constant(suffix: string, shape: Shape, numbers: readonly number[] | Float32Array): string {
    const size = sizeOf(shape);
    if (numbers.length !== size) {
      throw new FormatError(`${this.where}, ${suffix}: expected ${size} numbers, got ${numbers.length}`);
    }
    this.draft.budget.unpack(4 * size, this.where);
    return this.draft.addConstant(`${this.name}/${suffix}`, shape, Float32Array.from(numbers));
  }

  /** A setting by its name in Python, or as JavaScript spells it. */
  setting(name: string): unknown {
    return this.config[name] ?? this.config[name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())];
  }

  /** A setting that is a number. */
  number(setting: string, fallback: number): number {
    const value = this.setting(setting) ?? fallback;
    const number = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (typeof number !== "number" || !Number.isFinite(number)) throw this.wrong(setting, "a number", value);
    return number;
  }

  /** A setting that counts something: a whole number ≥ 1. */
  count(setting: string, fallback?: number): number {
    const value = this.setting(setting) ?? fallback;
    const number = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (!Number.isSafeInteger(number) || number < 1) throw this.wrong(setting, "a whole number ≥ 1", value);
    return number;
  }

  /** A setting that is true or false; some writers say 1 and 0. */
  flag(setting: string, fallback: boolean): boolean {
    const value = this.setting(setting) ?? fallback;
    if (value === 0 || value === 1) return value === 1;
    if (typeof value !== "boolean") throw this.wrong(setting, "true or false", value);
    return value;
  }

  /** A setting of one or two whole numbers ≥ 1, for height and width. */
  pair(setting: string, fallback?: Pair): Pair {
    const value = this.setting(setting) ?? fallback;
    const [height, width = height, more] = Array.isArray(value) ? value : [value];
    const fits = [height, width].every((size) => Number.isSafeInteger(size) && size >= 1);
    if (!fits || more !== undefined) throw this.wrong(setting, "whole numbers ≥ 1", value);
    return [height, width];
  }

  /** Refuses images whose channels come first: everything here is NHWC. */
  requireChannelsLast(): void {
    const format = this.setting("data_format") ?? "channels_last";
    if (typeof format !== "string") throw this.wrong("data_format", "a string", format);
    if (format !== "channels_last" && format !== "channelsLast")
      throw this.unsupported("data_format", "channels_last", format);
  }
}
