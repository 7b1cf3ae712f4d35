/**
 * Keras files → Graph: `.h5` (full model, or weights alone of a keras-applications MobileNet) and Keras 3's `.keras`.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { parseJson } from "../common/json.ts";
import { readZip } from "../common/zip.ts";
import { variablesByGroup } from "./groups.ts";
import { openHdf5 } from "./hdf5.ts";
import { fromKerasConfig } from "./layers.ts";
import { fromMobilenetWeights } from "./names.ts";
import { variablesByPosition } from "./weights.ts";

/** What a file may leave open. */
export interface KerasOptions {
  /** Height and width of the input where the file does not say them (weights alone, open sizes); 224 if not given. */
  readonly resolution?: number;
  /** How much the file may ask for. */
  readonly budget?: Budget | undefined;
}

/** The same, with a budget. */
type Reading = KerasOptions & { readonly budget: Budget };

const CONFIG = "config.json";
const WEIGHTS = "model.weights.h5";
/** What stands in the place of the weights where they are spread over several files. */
const SHARDED = "model.weights.json";

/**
 * Reads a Keras model.
 *
 * @param bytes The file: HDF5, or the zip that Keras 3 writes.
 * @throws {FormatError} The file is damaged, contradicts itself or lacks a variable.
 * @throws {UnsupportedError} Layers, or settings of them, that have no counterpart here.
 * @throws {MemoryError} It asks for more than the budget allows.
 */
export async function fromKeras(bytes: Uint8Array, options: KerasOptions = {}): Promise<Graph> {
  const reading = { ...options, budget: options.budget ?? new Budget() };
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  return isZip ? fromZip(bytes, reading) : fromHdf5(bytes, reading);
}

async function fromHdf5(bytes: Uint8Array, options: Reading): Promise<Graph> {
  const file = openHdf5(bytes, "keras", options.budget);
  const config = file.attribute("model_config");
  const top = file.names.includes("model_weights") ? "model_weights" : "";
  const datasets = file.datasets(top);
  // Full models of Keras store variables by name, weights alone of Keras 3 by position.
  const isPositional = datasets.some(([path]) => /(^|\/)vars\/\d+$/.test(path));
  const weightNames = (layer: string) => file.texts(top === "" ? layer : `${top}/${layer}`, "weight_names");
  const weights = isPositional
    ? variablesByPosition(datasets)
    : variablesByGroup({ datasets, weightNames, layerNames: file.texts(top, "layer_names") });
  if (config === undefined) return fromMobilenetWeights(weights, options);
  return fromKerasConfig(config, weights, { format: "keras", ...options });
}

async function fromZip(bytes: Uint8Array, options: Reading): Promise<Graph> {
  const { budget } = options;
  const files = await readZip(bytes, [CONFIG, WEIGHTS, SHARDED], "keras", budget);
  if (files.has(SHARDED) && !files.has(WEIGHTS)) {
    throw new UnsupportedError(
      `keras: expected '${WEIGHTS}' in the zip, got weights in several files; save them as one`,
    );
  }
  const [config, weights] = [CONFIG, WEIGHTS].map((name) => {
    const file = files.get(name);
    if (!file) {
      throw new FormatError(`keras: expected '${name}' in the zip, got ${[...files.keys()].join(", ") || "neither"}`);
    }
    return file;
  }) as [Uint8Array, Uint8Array];
  budget.unpack(config.length, `keras: '${CONFIG}'`);
  const model = parseJson(`keras: ${CONFIG}`, config, budget);
  const hdf5 = openHdf5(weights, `keras: ${WEIGHTS}`, budget);
  return fromKerasConfig(model, variablesByPosition(hdf5.datasets("")), { format: "keras", ...options });
}
