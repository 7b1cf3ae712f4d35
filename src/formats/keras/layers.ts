/**
 * A Keras model's configuration (the JSON of `.h5`, `.keras` and TensorFlow.js layers models) and its weights → Graph.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Graph, Normalization, Source } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { nameEndPoints } from "../../models/end-points.ts";
import { NORMALIZATION } from "../../models/mobilenet-v1.ts";
import { checked } from "../common/checked.ts";
import { LayerCall } from "./call.ts";
import { isRef, type Literal, type Ref } from "./calls.ts";
import { type KerasLayer, type KerasModel, parseModel } from "./config.ts";
import { Draft, UNKNOWN, UnknownShape, type Value } from "./draft.ts";
import { addInput, declaredShape, modelShape, shapeByKernel } from "./inputs.ts";
import { type KerasWeights, type LayerNeeds, placeOf } from "./needs.ts";
import { emitLayer } from "./ops.ts";

/** What {@link fromKerasConfig} needs to know beside the configuration. */
export interface KerasConfigOptions {
  /** The container: "keras", "tfjs", …; it stands in `source.format` and in front of error messages. */
  readonly format: string;
  /** Height and width where the model leaves them open; 224 if not given. */
  readonly resolution?: number | undefined;
  /** What else is known of the source. */
  readonly source?: Omit<Source, "format">;
  /** How much the model may ask for. */
  readonly budget?: Budget | undefined;
}

/** Models within models beyond this are somebody's joke. */
const MAX_DEPTH = 32;

/** Characters of a layer's path: names of values are made of them. */
const LONGEST_PATH = 4000;

/**
 * Builds the graph of a Sequential or Functional model, nested ones included. Activations keep Keras's NHWC, weights
 * their layouts; the layer's name is its value's name (`outer/inner` inside a nested model).
 *
 * @param config The model's `{ class_name, config }`, as an object or as JSON text.
 * @param weights Where the layers' variables are; see `variablesByName`.
 * @throws {FormatError} The configuration contradicts itself, or a variable is missing or has the wrong shape.
 * @throws {UnsupportedError} Layers, or settings of them, that have no counterpart here: all of them at once.
 */
export async function fromKerasConfig(
  config: unknown,
  weights: KerasWeights,
  options: KerasConfigOptions,
): Promise<Graph> {
  const { format, budget = new Budget() } = options;
  const model = parseModel(config, format, budget);
  const draft = new Draft(format, budget, options.resolution ?? 224);
  const scope: Scope = { path: [], classPath: [], values: "" };
  let outputs: readonly Value[];
  if (model.sequential) {
    const peek = (path: readonly string[], classPath: readonly string[], name: string) =>
      weights.find({ path, classPath }, name, 0)?.shape;
    const shape = modelShape(model) ?? shapeByKernel(model, format, peek, options.resolution);
    outputs = emitSequential(draft, model, scope, [addInput(draft, inputName(model), shape)]);
  } else outputs = emitFunctional(draft, model, scope, undefined);
  draft.refuse();
  if (outputs.length === 0) throw new FormatError(`${format}: model '${model.name}': expected outputs, got none`);
  const found = weights.assign(needsOf(draft, model, [], []));
  const normalization = options.source?.normalization ?? applicationNormalization(model);
  const source = { format, ...options.source, ...(normalization && { normalization }) };
  const fields = { name: model.name, outputs: outputs as readonly string[], source };
  const graph = await draft.complete(fields, (need) => found.get(need)!.read());
  return nameEndPoints(await checked(format, graph, draft.budget));
}

/** What all layers of a model need, in the configuration's order. */
function needsOf(
  draft: Draft,
  model: KerasModel,
  outer: readonly string[],
  outerClasses: readonly string[],
): LayerNeeds[] {
  return [...model.layers.values()].map((layer): LayerNeeds => {
    const path = [...outer, layer.name];
    const classPath = [...outerClasses, layer.stored];
    const { trainable } = layer;
    const where = `${draft.format}: layer '${path.join("/")}' (${layer.className})`;
    const needs = [...(draft.needs.get(placeOf(path))?.values() ?? [])];
    const layers = layer.model && needsOf(draft, layer.model, path, classPath);
    return { key: { path, classPath }, where, trainable, needs, ...(layers && { layers }) };
  });
}

/** Where in the nest of models one is. */
interface Scope {
  /** Names of the enclosing models. */
  readonly path: readonly string[];
  /** The same as Keras 3 stores them; see `KerasLayerKey`. */
  readonly classPath: readonly string[];
  /** What stands in front of the names of values. */
  readonly values: string;
}

/** Turns one call of one layer, or of a nested model, into nodes; answers with the names of its values. */
function emitCall(
  draft: Draft,
  layer: KerasLayer,
  scope: Scope,
  node: number,
  args: readonly (Value | Literal)[],
): readonly Value[] {
  const path = [...scope.path, layer.name];
  const classPath = [...scope.classPath, layer.stored];
  const values = `${scope.values}${layer.name}${node === 0 ? "" : `/call${node}`}`;
  if (values.length > LONGEST_PATH) {
    throw new FormatError(
      `${draft.format}: expected paths of at most ${LONGEST_PATH} characters, got ${values.length}`,
    );
  }
  draft.visit(placeOf(path), 1 + (layer.model ? layer.model.inputs.length + layer.model.outputs.length : 0));
  if (layer.model) {
    if (path.length > MAX_DEPTH) {
      throw new FormatError(`${draft.format}: expected models nested ${MAX_DEPTH} deep at most, got more`);
    }
    const inner: Scope = { path, classPath, values: `${values}/` };
    const inputs = args.filter((arg) => typeof arg === "string" || arg === UNKNOWN);
    return layer.model.sequential
      ? emitSequential(draft, layer.model, inner, inputs)
      : emitFunctional(draft, layer.model, inner, inputs);
  }
  const { className, config } = layer;
  const call = new LayerCall(draft, { key: { path, classPath }, className, config }, draft.claim(values), args);
  try {
    return [emitLayer(call)];
  } catch (error) {
    if (error instanceof UnsupportedError) {
      const lacking = call.lacking === "" ? "" : `, ${call.lacking}`;
      const layer = `'${path.join("/").slice(0, 200)}' (${className.slice(0, 60)}${lacking})`;
      draft.blockers.set(placeOf(path), { layer, error });
    } else if (!(error instanceof UnknownShape)) throw error;
    return [UNKNOWN];
  }
}

/** What the input of a Sequential model is called. */
function inputName(model: KerasModel): string {
  const first = model.layers.values().next().value;
  return first?.className === "InputLayer" ? first.name : "input";
}

function emitSequential(draft: Draft, model: KerasModel, scope: Scope, given: readonly Value[]): readonly Value[] {
  let current = given;
  for (const layer of model.layers.values()) {
    if (layer.className !== "InputLayer") current = emitCall(draft, layer, scope, 0, current);
  }
  return current;
}

/** A call that has been reached but not yet turned into nodes. */
interface Pending {
  readonly ref: Ref;
  opened: boolean;
}

function emitFunctional(
  draft: Draft,
  model: KerasModel,
  scope: Scope,
  given: readonly Value[] | undefined,
): readonly Value[] {
  const where = `${draft.format}: model '${model.name}'`;
  const results = new Map<string, readonly Value[]>();
  const layerOf = (name: string): KerasLayer => {
    const layer = model.layers.get(name);
    if (!layer) throw new FormatError(`${where}: expected a layer '${name}', got none`);
    return layer;
  };
  if (given && given.length !== model.inputs.length) {
    throw new FormatError(`${where}: expected ${model.inputs.length} inputs, got ${given.length}`);
  }
  for (const [i, ref] of model.inputs.entries()) {
    const layer = layerOf(ref.layer);
    const shape = given
      ? undefined
      : (declaredShape(layer) ?? (model.inputs.length === 1 ? model.buildShape : undefined));
    results.set(`${ref.layer}:0`, [given?.[i] ?? addInput(draft, `${scope.values}${layer.name}`, shape)]);
  }

  /** The call a reference means, and its place among the results. */
  const callOf = (ref: Ref): { key: string; node: number; layer: KerasLayer; args: readonly (Ref | Literal)[] } => {
    const layer = layerOf(ref.layer);
    const node = model.numbers.get(ref.layer)?.get(ref.node) ?? 0;
    const key = `${ref.layer}:${node}`;
    const call = layer.calls[node];
    if (!call && !results.has(key)) {
      throw new FormatError(
        `${where}: expected layer '${ref.layer}' to be called ${node + 1} times, got ${layer.calls.length}`,
      );
    }
    return { key, node, layer, args: call?.args ?? [] };
  };
  const resolve = (ref: Ref): Value => {
    const values = results.get(callOf(ref).key);
    if (values?.[0] === UNKNOWN) return UNKNOWN;
    const value = values?.[ref.tensor];
    if (value === undefined)
      throw new FormatError(`${where}: expected output ${ref.tensor} of layer '${ref.layer}', got none`);
    return value;
  };

  // Depth first from the outputs, with a stack of our own: files may list layers in any order, and deep ones must not
  // overflow the host's.
  const open = new Set<string>();
  const stack: Pending[] = [...model.outputs].reverse().map((ref) => ({ ref, opened: false }));
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const { key, node, layer, args } = callOf(top.ref);
    if (results.has(key)) {
      stack.pop();
    } else if (top.opened) {
      const values = args.map((arg) => (isRef(arg) ? resolve(arg) : arg));
      results.set(key, emitCall(draft, layer, scope, node, values));
      stack.pop();
    } else {
      if (open.has(key))
        throw new FormatError(`${where}: expected no circles, got one through layer '${top.ref.layer}'`);
      open.add(key);
      top.opened = true;
      for (const ref of args.filter(isRef).reverse()) {
        if (!results.has(callOf(ref).key)) stack.push({ ref, opened: false });
      }
    }
  }
  return model.outputs.map(resolve);
}

/** The range of pixels where the model, or what it begins with, is one of keras-applications' MobileNets. */
function applicationNormalization(model: KerasModel): Normalization | undefined {
  for (let inner: KerasModel | undefined = model; inner; ) {
    if (/^mobilenet(v2)?_[\d.]+_\d+$/.test(inner.name)) return NORMALIZATION;
    const first: KerasLayer | undefined = inner.sequential
      ? [...inner.layers.values()].find((layer) => layer.className !== "InputLayer")
      : undefined;
    inner = first?.model;
  }
  return undefined;
}
