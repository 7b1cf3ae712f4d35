/**
 * A Keras model's configuration (the JSON of `.h5`, `.keras` and TensorFlow.js layers models) and its weights → Graph.
 * @module
 */

import { type Graph, type Source } from "../graph/graph.ts";
import type { KerasWeights } from "./keras-weights.ts";

/** What {@link fromKerasConfig} needs to know beside the configuration. */
export interface KerasConfigOptions {
  /** The container: "keras", "tfjs", …; it stands in `source.format` and in front of error messages. */
  readonly format: string;
  /** Height and width where the model leaves them open; 224 if not given. */
  readonly resolution?: number;
  /** What else is known of the source. */
  readonly source?: Omit<Source, "format">;
}

/**
 * Builds the graph of a Sequential or Functional model, nested ones included. Activations keep Keras's NHWC, weights their layouts; the layer's name is
 * its value's name (`outer/inner` inside a nested model).
 *
 * @param config The model's `{ class_name, config }`, as an object or as JSON text.
 * @param weights Where the layers' variables are; see `variablesByName`.
 * @throws {FormatError} The configuration contradicts itself, or a variable is missing or has the wrong shape.
 * @throws {UnsupportedError} A layer, or a setting of one, that has no counterpart here.
 */
export function fromKerasConfig(config: unknown, weights: KerasWeights, options: KerasConfigOptions): Graph {
  throw new Error(`${options.format}: being written ${String(config)} ${weights.name}`);
}
