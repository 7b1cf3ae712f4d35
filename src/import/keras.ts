/**
 * Keras files → Graph: `.h5` (full model, or weights alone of a keras-applications MobileNet) and Keras 3's `.keras`.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { Budget } from "../limits.ts";
import { variablesByGroup } from "./keras-groups.ts";
import { openHdf5 } from "./keras-hdf5.ts";
import { fromKerasConfig } from "./keras-layers.ts";
import { fromMobilenetWeights } from "./keras-names.ts";
import { variablesByPosition } from "./keras-weights.ts";

/** What a file may leave open. */
export interface KerasOptions {
  /** Height and width of the input where the file does not say them (weights alone, open sizes); 224 if not given. */
  readonly resolution?: number;
  /** How much the file may ask for. */
  readonly budget?: Budget | undefined;
}

const CONFIG = "config.json";
const WEIGHTS = "model.weights.h5";

/**
 * Reads a Keras model.
 *
 * @param bytes The file: HDF5, or the zip that Keras 3 writes.
 * @throws {FormatError} The file is damaged, contradicts itself or lacks a variable.
 * @throws {UnsupportedError} A layer, or a setting of one, that has no counterpart here.
 */
export async function fromKeras(bytes: Uint8Array, options: KerasOptions = {}): Promise<Graph> {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  return isZip ? fromZip(bytes, options) : fromHdf5(bytes, options);
}

async function fromHdf5(bytes: Uint8Array, options: KerasOptions): Promise<Graph> {
  const file = await openHdf5(bytes, "keras");
  const config = file.attribute("model_config");
  const top = file.names.includes("model_weights") ? "model_weights" : "";
  const datasets = file.datasets(top);
  // Full models of Keras store variables by name, weights alone of Keras 3 by position.
  const isPositional = datasets.some(([path]) => /(^|\/)vars\/\d+$/.test(path));
  const weightNames = (layer: string) => file.texts(top === "" ? layer : `${top}/${layer}`, "weight_names");
  const weights = isPositional ? variablesByPosition(datasets) : variablesByGroup({ datasets, weightNames });
  if (config === undefined)
    return fromMobilenetWeights(weights, { ...options, budget: options.budget ?? new Budget() });
  return fromKerasConfig(config, weights, { format: "keras", ...options });
}

async function fromZip(bytes: Uint8Array, options: KerasOptions): Promise<Graph> {
  const files = await unzip(bytes, [CONFIG, WEIGHTS]);
  const [config, weights] = [CONFIG, WEIGHTS].map((name) => {
    const file = files[name];
    if (!file)
      throw new FormatError(`keras: expected '${name}' in the zip, got ${Object.keys(files).join(", ") || "neither"}`);
    return file;
  }) as [Uint8Array, Uint8Array];
  const hdf5 = await openHdf5(weights, `keras: ${WEIGHTS}`);
  return fromKerasConfig(new TextDecoder().decode(config), variablesByPosition(hdf5.datasets("")), {
    format: "keras",
    ...options,
  });
}

/** More than this unpacked is not a network for this package but a zip bomb. */
const MAX_UNPACKED = 2 ** 31;

async function unzip(bytes: Uint8Array, wanted: readonly string[]): Promise<Record<string, Uint8Array>> {
  let fflate: typeof import("fflate");
  try {
    fflate = await import("fflate");
  } catch (cause) {
    throw new UnsupportedError("keras: expected the package 'fflate' to read .keras files with, got none; install it", {
      cause,
    });
  }
  try {
    return fflate.unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!wanted.includes(name)) return false;
        if (originalSize > MAX_UNPACKED) throw new Error(`'${name}' claims ${originalSize} bytes`);
        return true;
      },
    });
  } catch (cause) {
    throw new FormatError(`keras: expected a whole zip file, got a damaged one (${(cause as Error).message})`, {
      cause,
    });
  }
}
