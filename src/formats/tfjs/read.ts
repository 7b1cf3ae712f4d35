/**
 * TF.js `model.json` → Graph: a layers model (Keras's configuration, weights by name) or a graph model (a TensorFlow
 * GraphDef in JSON). Either names its weights in a manifest, whose shards lie beside it.
 * @module
 */
import { FormatError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { shown } from "../common/json.ts";
import { readWeights, type Weight } from "../common/shards.ts";
import type { Sibling } from "../common/source.ts";

/** What a TF.js model may leave open. */
export interface TfjsOptions {
  /** How much the files may ask for. */
  readonly budget?: Budget | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Height and width of the input in pixels where the model leaves them open; 224 if not given. */
  readonly resolution?: number;
}

/**
 * Builds the graph of a TF.js model.
 * @param model the parsed `model.json`, not yet trusted
 * @param sibling reads a shard by the name that the manifest gives it
 * @throws FormatError when the file is malformed or misses a part; LoadError when a shard is missing; UnsupportedError
 * naming op and node, or layer
 */
export async function fromTfjs(model: unknown, sibling: Sibling, options: TfjsOptions = {}): Promise<Graph> {
  if (!isRecord(model)) throw new FormatError("tfjs: expected an object with modelTopology and weightsManifest");
  const { format, modelTopology: topology, weightsManifest: manifest } = model;
  if (format !== undefined && format !== "layers-model" && format !== "graph-model") {
    throw new FormatError(`tfjs: expected format layers-model or graph-model, got ${shown(format)}`);
  }
  if (!isRecord(topology)) throw new FormatError("tfjs: expected a modelTopology, got a file of weights alone");
  if (manifest === undefined) throw new FormatError("tfjs: expected a weightsManifest, got a topology alone");
  const isGraph = Array.isArray(topology.node);
  const config = topology.model_config ?? topology;
  if (!isGraph && !(isRecord(config) && "class_name" in config) && typeof config !== "string") {
    const keys = Object.keys(topology).slice(0, 8).join(", ");
    throw new FormatError(`tfjs: expected a modelTopology with node or class_name, got ${keys || "nothing in it"}`);
  }
  const { budget = new Budget({ signal: options.signal }) } = options;
  if (!isGraph) return fromLayers(config, await readWeights(manifest, sibling, { ...options, budget }), options);
  const { parseGraphDef } = await import("./graphdef.ts");
  const definition = parseGraphDef(model, budget);
  const constants = new Set(definition.nodes.flatMap(({ name, op }) => (op === "Const" ? [name] : [])));
  const wanted = (name: string) => constants.has(name);
  const weights = await readWeights(manifest, sibling, { ...options, budget, wanted });
  return (await import("./graph.ts")).fromGraphDef(definition, weights, { ...options, budget });
}

async function fromLayers(config: unknown, weights: ReadonlyMap<string, Weight>, options: TfjsOptions): Promise<Graph> {
  const { fromKerasConfig } = await import("../keras/layers.ts");
  const { variablesByName } = await import("../keras/weights.ts");
  const variables = [...weights].map(([name, { shape, data }]) => {
    return [name, { shape, read: () => (data instanceof Float32Array ? data : Float32Array.from(data)) }] as const;
  });
  const { resolution, budget } = options;
  return fromKerasConfig(config, variablesByName(variables), { format: "tfjs", resolution, budget });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
