/**
 * Inputs of Keras models: the shape that a model's first layer declares, or that was noted elsewhere when the model was
 * built.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Shape } from "../../graph/graph.ts";
import type { KerasLayer, KerasModel } from "./config.ts";
import type { Draft } from "./draft.ts";
import { describe } from "./json.ts";

/** The shape, batch included, that a layer declares; a nested model declares its own first layer's. */
export function declaredShape(layer: KerasLayer): unknown {
  const { config, model } = layer;
  const own = config.batch_shape ?? config.batch_input_shape ?? config.batchInputShape ?? config.batchShape;
  if (own !== undefined && own !== null) return own;
  const unbatched = config.input_shape ?? config.inputShape;
  if (Array.isArray(unbatched)) return [null, ...unbatched];
  if (typeof config.input_dim === "number") return [null, config.input_dim];
  return (model && modelShape(model)) ?? layer.buildShape ?? undefined;
}

/** The shape of a model's only input, or of its first. */
export function modelShape(model: KerasModel): unknown {
  const first = model.sequential ? model.layers.values().next().value : model.layers.get(model.inputs[0]?.layer ?? "");
  return (first && declaredShape(first)) ?? model.buildShape ?? undefined;
}

/**
 * Adds an input of the graph. Batch and open sizes of images become 1 and the resolution.
 * @param shape as the file says it, batch included
 */
export function addInput(draft: Draft, name: string, shape: unknown): string {
  const where = `${draft.format}: input '${name}'`;
  if (!Array.isArray(shape) || shape.length < 2 || shape.length > 8) {
    throw new FormatError(`${where}: expected a shape of two dimensions at least, got ${describe(shape)}`);
  }
  const sizes: Shape = shape.map((size: unknown, axis) => {
    if (axis === 0) return 1;
    if (size === null && shape.length === 4 && axis < 3) return draft.resolution;
    if (size === null) {
      throw new UnsupportedError(
        `${where}: expected known sizes (but for height and width, which the option resolution gives), ` +
          `got ${describe(shape)}`,
      );
    }
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1) {
      throw new FormatError(`${where}: expected sizes ≥ 1, got ${describe(shape)}`);
    }
    return size;
  });
  const value = draft.claim(name);
  draft.addInput({ name: value, shape: sizes, dtype: "float32" });
  return value;
}

/** Layers whose kernels tell how many channels they read. */
const KERNELS: ReadonlyMap<string, readonly [rank: number, axis: number, names: readonly string[]]> = new Map([
  ["Conv2D", [4, 2, ["kernel"]]],
  ["Convolution2D", [4, 2, ["kernel"]]],
  ["DepthwiseConv2D", [4, 2, ["depthwise_kernel", "kernel"]]],
  ["SeparableConv2D", [4, 2, ["depthwise_kernel"]]],
  ["Dense", [2, 0, ["kernel"]]],
]);

/** Looks at a stored variable's shape. */
export type Peek = (path: readonly string[], classPath: readonly string[], name: string) => Shape | undefined;

/**
 * The shape of a Sequential model that was saved without one: channels are those of its first kernel, height and width
 * the caller's.
 * @param resolution what the caller gave, undefined where that is nothing
 * @throws {FormatError} Not even that tells it: says which option to give.
 */
export function shapeByKernel(model: KerasModel, format: string, peek: Peek, resolution: number | undefined): unknown {
  for (const layer of model.layers.values()) {
    const kernel = KERNELS.get(layer.className);
    if (!kernel) {
      if (layer.model || layer.className === "Flatten" || layer.className === "Reshape") break;
      continue;
    }
    const [rank, axis, names] = kernel;
    for (const name of names) {
      const shape = peek([layer.name], [layer.stored], name);
      if (shape?.length !== rank) continue;
      if (rank === 2) return [null, shape[axis]];
      if (resolution !== undefined) return [null, resolution, resolution, shape[axis]];
    }
    break;
  }
  throw new FormatError(
    `${format}: model '${model.name}': expected its first layer to give an input shape, got none; ` +
      "give height and width by the option resolution, or save the model with an input shape",
  );
}
