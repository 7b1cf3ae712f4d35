/**
 * A Keras model's configuration (the JSON of `.h5`, `.keras` and TensorFlow.js layers models) and its weights → Graph.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import { nameEndPoints } from "../graph/endpoints.ts";
import type { Graph, Normalisation, Shape, Source } from "../graph/graph.ts";
import {
  describe,
  isModel,
  type KerasLayer,
  type KerasModel,
  modelOf,
  parseModel,
  type Ref,
  record,
} from "./keras-config.ts";
import { claim, type Draft, LayerCall } from "./keras-draft.ts";
import { emitLayer } from "./keras-ops.ts";
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

/** How keras-applications prepares pixels for its MobileNets: to [−1, 1]. */
export const MOBILENET_NORMALISATION: Normalisation = { mean: 127.5, std: 127.5 };

/** Models within models beyond this are somebody's joke. */
const MAX_DEPTH = 32;

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
  const { format } = options;
  const model = parseModel(config, format);
  const draft: Draft = {
    format,
    weights,
    resolution: options.resolution ?? 224,
    inputs: [],
    constants: new Map(),
    nodes: [],
    names: new Set(),
  };
  const scope: Scope = { path: [], classPath: [], values: "" };
  const outputs = model.sequential
    ? emitSequential(draft, model, scope, [])
    : emitFunctional(draft, model, scope, undefined);
  const normalisation = options.source?.normalisation ?? applicationNormalisation(model);
  return nameEndPoints({
    name: model.name,
    inputs: draft.inputs,
    constants: draft.constants,
    nodes: draft.nodes,
    outputs: [...new Set(outputs)],
    endPoints: new Map(),
    source: { format, ...options.source, ...(normalisation && { normalisation }) },
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

/** A layer and its place among its model's. */
interface Placed {
  readonly layer: KerasLayer;
  readonly className: string;
}

/** Keras 3 stores a layer under its class in snake case, the second of a class with `_1`. */
function place(model: KerasModel): Map<string, Placed> {
  const counts = new Map<string, number>();
  const placed = new Map<string, Placed>();
  for (const layer of model.layers) {
    const snake = snakeCase(layer.className === "Model" ? "Functional" : layer.className);
    const count = counts.get(snake) ?? 0;
    counts.set(snake, count + 1);
    placed.set(layer.name, { layer, className: count === 0 ? snake : `${snake}_${count}` });
  }
  return placed;
}

function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** Turns one call of one layer, or of a nested model, into nodes; answers with the names of its values. */
function emitCall(draft: Draft, placed: Placed, scope: Scope, node: number, args: (string | number)[]): string[] {
  const { layer, className } = placed;
  const path = [...scope.path, layer.name];
  const classPath = [...scope.classPath, className];
  const values = `${scope.values}${layer.name}${node === 0 ? "" : `/call${node}`}`;
  if (isModel(layer.className)) {
    if (path.length > MAX_DEPTH)
      throw new FormatError(`${draft.format}: expected models nested ${MAX_DEPTH} deep at most, got more`);
    const model = modelOf(layer.className, layer.config, `${draft.format}: layer '${layer.name}'`);
    const inner: Scope = { path, classPath, values: `${values}/` };
    const inputs = args.filter((arg) => typeof arg === "string");
    return model.sequential ? emitSequential(draft, model, inner, inputs) : emitFunctional(draft, model, inner, inputs);
  }
  const config = record(layer.config, `${draft.format}: layer '${path.join("/")}', config`);
  const key = { path, classPath };
  const call = new LayerCall(draft, { key, className: layer.className, config }, claim(draft, values), args);
  return [emitLayer(call)];
}

function emitSequential(draft: Draft, model: KerasModel, scope: Scope, given: readonly string[]): string[] {
  const placed = place(model);
  let current = [...given];
  if (current.length === 0) {
    const [first] = model.layers;
    const shape = first && inputShape(first, draft.format);
    if (!first || !shape) {
      throw new FormatError(
        `${draft.format}: model '${model.name}': expected its first layer to give an input shape, got none`,
      );
    }
    const name = first.className === "InputLayer" ? first.name : "input";
    current = [addInput(draft, `${scope.values}${name}`, shape)];
  }
  for (const layer of model.layers) {
    if (layer.className !== "InputLayer") current = emitCall(draft, placed.get(layer.name)!, scope, 0, current);
  }
  return current;
}

/** The shape that a model's first layer declares; a nested model declares its own first layer's. */
function inputShape(layer: KerasLayer, format: string, depth = 0): unknown {
  if (!isModel(layer.className)) {
    const config = record(layer.config, `${format}: layer '${layer.name}', config`);
    return config.batch_shape ?? config.batch_input_shape ?? undefined;
  }
  if (depth > MAX_DEPTH) return undefined;
  const model = modelOf(layer.className, layer.config, `${format}: layer '${layer.name}'`);
  const first = model.sequential
    ? model.layers[0]
    : model.layers.find((inner) => inner.name === model.inputs[0]?.layer);
  return first && inputShape(first, format, depth + 1);
}

/** Adds an input of the graph. Batch and open sizes of images become 1 and the resolution. */
function addInput(draft: Draft, name: string, shape: unknown): string {
  const where = `${draft.format}: input '${name}'`;
  if (!Array.isArray(shape) || shape.length < 2) {
    throw new FormatError(`${where}: expected a shape of two dimensions at least, got ${describe(shape)}`);
  }
  const sizes: Shape = shape.map((size: unknown, axis) => {
    if (axis === 0) return 1;
    if (size === null && shape.length === 4 && axis < 3) return draft.resolution;
    if (size === null) throw new UnsupportedError(`${where}: expected known sizes, got ${describe(shape)}`);
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1) {
      throw new FormatError(`${where}: expected sizes ≥ 1, got ${describe(shape)}`);
    }
    return size;
  });
  const value = claim(draft, name);
  draft.inputs.push({ name: value, shape: sizes, dtype: "float32" });
  return value;
}

/** A call that has been reached but not yet turned into nodes. */
interface Pending {
  readonly ref: Ref;
  opened: boolean;
}

function emitFunctional(draft: Draft, model: KerasModel, scope: Scope, given: readonly string[] | undefined): string[] {
  const where = `${draft.format}: model '${model.name}'`;
  const placed = place(model);
  const results = new Map<string, readonly string[]>();
  if (given && given.length !== model.inputs.length) {
    throw new FormatError(`${where}: expected ${model.inputs.length} inputs, got ${given.length}`);
  }
  for (const [i, ref] of model.inputs.entries()) {
    const layer = placed.get(ref.layer)?.layer;
    if (!layer) throw new FormatError(`${where}: expected an input layer '${ref.layer}', got none`);
    const value = given?.[i] ?? addInput(draft, `${scope.values}${layer.name}`, inputShape(layer, draft.format));
    results.set(`${ref.layer}:0`, [value]);
  }

  /** The call a reference means; some versions of Keras count calls that the file does not list. */
  const callOf = (ref: Ref): { node: number; args: readonly (Ref | number)[] } => {
    const calls = placed.get(ref.layer)?.layer.calls;
    const node = calls?.length === 1 || (results.has(`${ref.layer}:0`) && !calls?.length) ? 0 : ref.node;
    if (!calls) throw new FormatError(`${where}: expected a layer '${ref.layer}', got none`);
    const call = calls[node];
    if (!call && !results.has(`${ref.layer}:${node}`)) {
      throw new FormatError(
        `${where}: expected layer '${ref.layer}' to be called ${node + 1} times, got ${calls.length}`,
      );
    }
    return { node, args: call?.args ?? [] };
  };
  const resolve = (ref: Ref): string => {
    const value = results.get(`${ref.layer}:${callOf(ref).node}`)?.[ref.tensor];
    if (value === undefined)
      throw new FormatError(`${where}: expected output ${ref.tensor} of layer '${ref.layer}', got none`);
    return value;
  };

  // Depth first from the outputs, with a stack of our own: files may list layers in any order, and deep ones must not overflow the host's.
  const open = new Set<string>();
  const stack: Pending[] = [...model.outputs].reverse().map((ref) => ({ ref, opened: false }));
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const { node, args } = callOf(top.ref);
    const key = `${top.ref.layer}:${node}`;
    if (results.has(key)) {
      stack.pop();
    } else if (top.opened) {
      const values = args.map((arg) => (typeof arg === "number" ? arg : resolve(arg)));
      results.set(key, emitCall(draft, placed.get(top.ref.layer)!, scope, node, values));
      stack.pop();
    } else {
      if (open.has(key))
        throw new FormatError(`${where}: expected no circles, got one through layer '${top.ref.layer}'`);
      open.add(key);
      top.opened = true;
      const reads = args.filter((arg) => typeof arg !== "number").reverse();
      stack.push(...reads.map((ref) => ({ ref, opened: false })));
    }
  }
  return model.outputs.map(resolve);
}

/** The range of pixels where the model, or what it begins with, is one of keras-applications' MobileNets. */
function applicationNormalisation(model: KerasModel): Normalisation | undefined {
  let inner: KerasModel | undefined = model;
  for (let depth = 0; inner && depth < MAX_DEPTH; depth++) {
    if (/^mobilenet(v2)?_[\d.]+_\d+$/.test(inner.name)) return MOBILENET_NORMALISATION;
    const first: KerasLayer | undefined = inner.sequential
      ? inner.layers.find((layer) => layer.className !== "InputLayer")
      : undefined;
    inner = first && isModel(first.className) ? modelOf(first.className, first.config, first.name) : undefined;
  }
  return undefined;
}
