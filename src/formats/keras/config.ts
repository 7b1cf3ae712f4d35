/**
 * The JSON in which Keras 2, Keras 3 and TensorFlow.js describe a model → layers and who calls them. Knows nothing of
 * what a layer computes.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { Budget } from "../../limits.ts";
import { parseJson } from "../common/json.ts";
import { callsOf, type KerasCall, nodeNumbers, type Ref, refs } from "./calls.ts";
import { describe, type Json, list, plain, record, text } from "./json.ts";

/** One layer of a model, or a model within it. */
export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: Json;
  readonly calls: readonly KerasCall[];
  /** What Keras 3 stores it under: its class in snake case, numbered within the model (`conv2d_1`). */
  readonly stored: string;
  /** Whether training changed it; Keras lists variables in another order where it did not. */
  readonly trainable: boolean;
  /** The model that this layer is. */
  readonly model: KerasModel | undefined;
  /** The shape, batch included, that Keras 3 noted when the layer was built. */
  readonly buildShape: unknown;
}

/** A Sequential model has no `inputs` and `outputs`: each layer reads the one before it. */
export interface KerasModel {
  readonly name: string;
  readonly sequential: boolean;
  /** By name, in the file's order. */
  readonly layers: ReadonlyMap<string, KerasLayer>;
  readonly inputs: readonly Ref[];
  readonly outputs: readonly Ref[];
  /** For each layer: which of its calls a reference's number means. */
  readonly numbers: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** The input's shape, batch included, where the model itself says it. */
  readonly buildShape: unknown;
}

const MODEL_CLASSES = new Set(["Functional", "Model", "Sequential"]);

/** Names of values are made of layers' names: neither may grow without bounds. */
const LONGEST_NAME = 1000;

/** What stays the same while one configuration is read. */
interface Reading {
  readonly format: string;
  readonly budget: Budget;
}

/**
 * Reads the topmost `{ class_name, config }`, also inside TensorFlow.js's `{ model_config }`.
 *
 * @param config An object, or its JSON text.
 */
export function parseModel(config: unknown, format: string, budget: Budget = new Budget()): KerasModel {
  const where = `${format}: model configuration`;
  const objectOf = (value: unknown) =>
    record(plain(typeof value === "string" ? parseJson(where, value, budget) : value, where, budget), where);
  let top = objectOf(config);
  if (top.class_name === undefined && top.model_config !== undefined) top = objectOf(top.model_config);
  const className = text(top.class_name, `${where}, class_name`);
  if (!MODEL_CLASSES.has(className)) {
    throw new UnsupportedError(`${where}: expected Functional or Sequential, got ${describe(className)}`);
  }
  return modelOf(className, top, where, 1, { format, budget });
}

function modelOf(className: string, entry: Json, where: string, level: number, reading: Reading): KerasModel {
  reading.budget.depth(level, where);
  // Keras before 2.2.3 wrote a Sequential model as the bare list of its layers.
  const fields = Array.isArray(entry.config) ? { layers: entry.config } : record(entry.config, `${where}, config`);
  const name = nameOf(fields.name ?? entry.name ?? className.toLowerCase(), where);
  const inside = `${where} '${name}'`;
  const entries = list(fields.layers, `${inside}, layers`);
  reading.budget.nodes(entries.length, `${inside}, layers`);
  const stored = counted();
  const layers = new Map<string, KerasLayer>();
  for (const [i, value] of entries.entries()) {
    const layer = layerOf(value, `${inside}, layer ${i}`, level, stored, reading);
    if (layers.has(layer.name)) {
      throw new FormatError(`${inside}: expected layers of different names, got '${layer.name}' twice`);
    }
    layers.set(layer.name, layer);
  }
  const sequential = className === "Sequential";
  const ends = (key: "input_layers" | "output_layers") =>
    sequential ? [] : refs(fields[key], `${inside}, ${key}`).filter((ref) => typeof ref !== "number");
  const outputs = ends("output_layers");
  return {
    name,
    sequential,
    layers,
    inputs: ends("input_layers"),
    outputs,
    numbers: sequential ? new Map() : nodeNumbers(layers.values(), outputs, inside),
    buildShape: fields.build_input_shape ?? shapeIn(entry.build_config),
  };
}

/** Any layer may come without its configuration's usual wrapping; what is harmless and unknown is passed over. */
function layerOf(
  value: unknown,
  where: string,
  level: number,
  stored: (className: string) => string,
  reading: Reading,
): KerasLayer {
  const layer = record(value, where);
  const className = text(layer.class_name ?? layer.className, `${where}, class_name`);
  const isModel = MODEL_CLASSES.has(className);
  const bare = isModel && Array.isArray(layer.config);
  const config = bare ? {} : record(layer.config ?? {}, `${where} (${className}), config`);
  const name = nameOf(layer.name ?? config.name ?? className.toLowerCase(), where);
  return {
    className,
    name,
    config,
    calls: callsOf(layer.inbound_nodes ?? layer.inboundNodes ?? [], `${where} '${name}', inbound_nodes`),
    stored: stored(className),
    trainable: config.trainable !== false && config.trainable !== 0,
    model: isModel
      ? modelOf(className, { ...layer, name }, `${reading.format}: layer '${name}'`, level + 1, reading)
      : undefined,
    buildShape: shapeIn(layer.build_config),
  };
}

function shapeIn(buildConfig: unknown): unknown {
  return typeof buildConfig === "object" && buildConfig !== null ? (buildConfig as Json).input_shape : undefined;
}

function nameOf(value: unknown, where: string): string {
  const name = text(value, `${where}, name`);
  if (name === "" || name.length > LONGEST_NAME) {
    throw new FormatError(`${where}, name: expected 1 to ${LONGEST_NAME} characters, got ${name.length}`);
  }
  return name;
}

/** Keras 3 stores a layer under its class in snake case, the second of a class with `_1`. */
function counted(): (className: string) => string {
  const counts = new Map<string, number>();
  return (className) => {
    const snake = snakeCase(className === "Model" ? "Functional" : className);
    const count = counts.get(snake) ?? 0;
    counts.set(snake, count + 1);
    return count === 0 ? snake : `${snake}_${count}`;
  };
}

function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}
