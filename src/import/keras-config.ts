/**
 * The JSON in which Keras 2, Keras 3 and TensorFlow.js describe a model → layers and who calls them. Knows nothing of what a layer computes.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import type { Budget } from "../limits.ts";
import { parseJson } from "./json.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** One tensor: what `layer` answered when it was called for the `node`-th time; `tensor` counts its outputs. */
export interface Ref {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/** One call of a layer. Arguments stand in their order: tensors as {@link Ref}, constants as numbers. */
export interface Call {
  readonly args: readonly (Ref | number)[];
}

/** One layer of a model, or a model within it. */
export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: unknown;
  readonly calls: readonly Call[];
}

/** A Sequential model has no `inputs` and `outputs`: each layer reads the one before it. */
export interface KerasModel {
  readonly name: string;
  readonly sequential: boolean;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly Ref[];
  readonly outputs: readonly Ref[];
}

const MODEL_CLASSES = new Set(["Functional", "Model", "Sequential"]);

/** Whether a layer is a model of its own. */
export function isModel(className: string): boolean {
  return MODEL_CLASSES.has(className);
}

/** @throws {FormatError} Not an object. */
export function record(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FormatError(`${where}: expected an object, got ${describe(value)}`);
  }
  return value as Json;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${where}: expected a list, got ${describe(value)}`);
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw new FormatError(`${where}: expected a string, got ${describe(value)}`);
  return value;
}

/** A value as it may stand in an error message: short. */
export function describe(value: unknown): string {
  const json = value === undefined ? "nothing" : JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

/**
 * Reads the topmost `{ class_name, config }`, also inside TensorFlow.js's `{ model_config }`.
 *
 * @param config An object, or its JSON text.
 */
export function parseModel(config: unknown, format: string, budget?: Budget): KerasModel {
  const where = `${format}: model configuration`;
  let top = record(typeof config === "string" ? parseJson(where, config, budget) : config, where);
  if (top.class_name === undefined && top.model_config !== undefined) {
    const inner = top.model_config;
    top = record(typeof inner === "string" ? parseJson(where, inner, budget) : inner, where);
  }
  const className = text(top.class_name, `${where}, class_name`);
  if (!isModel(className)) throw new UnsupportedError(`${where}: expected Functional or Sequential, got ${className}`);
  return modelOf(className, top.config, where);
}

/** Reads the configuration of a model, the topmost or a nested one. */
export function modelOf(className: string, config: unknown, where: string): KerasModel {
  // Keras before 2.2.3 wrote a Sequential model as the bare list of its layers.
  const fields: Json = Array.isArray(config) ? { layers: config } : record(config, `${where}, config`);
  const name = typeof fields.name === "string" ? fields.name : className.toLowerCase();
  const inside = `${where} '${name}'`;
  const sequential = className === "Sequential";
  const layers = list(fields.layers, `${inside}, layers`).map((layer, i) => layerOf(layer, `${inside}, layer ${i}`));
  const known = new Set<string>();
  for (const layer of layers) {
    if (known.has(layer.name))
      throw new FormatError(`${inside}: expected layers of different names, got '${layer.name}' twice`);
    known.add(layer.name);
  }
  if (sequential) return { name, sequential, layers, inputs: [], outputs: [] };
  return {
    name,
    sequential,
    layers,
    inputs: refs(fields.input_layers, `${inside}, input_layers`),
    outputs: refs(fields.output_layers, `${inside}, output_layers`),
  };
}

function layerOf(value: unknown, where: string): KerasLayer {
  const layer = record(value, where);
  const className = text(layer.class_name, `${where}, class_name`);
  const config = layer.config;
  const inner = Array.isArray(config) ? undefined : record(config, `${where} (${className}), config`).name;
  const name = text(layer.name ?? inner ?? className.toLowerCase(), `${where}, name`);
  const calls = list(layer.inbound_nodes ?? [], `${where} '${name}', inbound_nodes`).map((call) =>
    callOf(call, `layer '${name}', inbound_nodes`),
  );
  return { className, name, config, calls };
}

/** `["a",0,0]`, `[["a",0,0],["b",0,0]]` or `{ "x": ["a",0,0] }`. */
function refs(value: unknown, where: string): Ref[] {
  if (Array.isArray(value) && typeof value[0] === "string") return [refOf(value, where)];
  const entries = Array.isArray(value) ? value : Object.values(record(value, where));
  return entries.flatMap((entry) => refs(entry, where));
}

function refOf(value: unknown, where: string): Ref {
  const [layer, node, tensor] = list(value, where);
  if (typeof layer !== "string" || !isIndex(node) || !isIndex(tensor)) {
    throw new FormatError(`${where}: expected [layer, node, tensor], got ${describe(value)}`);
  }
  return { layer, node, tensor };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function callOf(value: unknown, where: string): Call {
  if (Array.isArray(value)) return { args: legacyArgs(value, where) };
  const call = record(value, where);
  const args = [...list(call.args ?? [], where), ...Object.values(record(call.kwargs ?? {}, where))];
  return { args: args.flatMap((arg) => keras3Args(arg, where)) };
}

/** Keras 2: `[["a",0,0,{…}],…]`; layers made of operators write `["a",0,0,{"y": 127.5}]`. */
function legacyArgs(call: readonly unknown[], where: string): (Ref | number)[] {
  const inputs = typeof call[0] === "string" ? [call] : call;
  return inputs.flatMap((input) => {
    const keywords = record(list(input, where)[3] ?? {}, where);
    return [refOf(input, where), ...Object.entries(keywords).flatMap(([key, arg]) => legacyKeyword(key, arg, where))];
  });
}

function legacyKeyword(key: string, value: unknown, where: string): (Ref | number)[] {
  if (key !== "x" && key !== "y") return [];
  if (typeof value === "number") return [value];
  if (!Array.isArray(value)) return [];
  if (value[0] === "_CONSTANT_VALUE") return typeof value[2] === "number" ? [value[2]] : [];
  return typeof value[0] === "string" ? [refOf(value, where)] : [];
}

/** Keras 3: tensors are `{ class_name: "__keras_tensor__", config: { keras_history } }`, possibly in lists. */
function keras3Args(value: unknown, where: string): (Ref | number)[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.flatMap((entry) => keras3Args(entry, where));
  if (typeof value !== "object" || value === null) return [];
  const arg = value as Json;
  if (arg.class_name !== "__keras_tensor__") return [];
  return [refOf(record(arg.config, where).keras_history, where)];
}
