/**
 * What Keras's layers need of a file's weights, and what a stored variable is.
 * @module
 */
import { FormatError } from "../../errors.ts";
import type { Shape } from "../../graph/graph.ts";

/**
 * A stored variable. `read` decodes it, row-major float32, when it is called; it throws `FormatError` when the file is
 * damaged there.
 */
export interface KerasVariable {
  readonly shape: Shape;
  read(): Float32Array | Promise<Float32Array>;
}

/** Which layer is asking. */
export interface KerasLayerKey {
  /** Names of the enclosing models, outermost first (without the whole model's own), then of the layer. */
  readonly path: readonly string[];
  /**
   * The same path as Keras 3 stores it: class names in snake case, numbered within their model (`functional`,
   * `conv2d_1`).
   */
  readonly classPath: readonly string[];
}

/** A path as a key: names may hold any character, slashes too. */
export function placeOf(path: readonly string[]): string {
  return JSON.stringify(path);
}

/** A variable that a layer needs. */
export interface Need {
  /** Its short name; versions of Keras differ, so possibly several. */
  readonly names: readonly [string, ...string[]];
  readonly shape: Shape;
  /** Position among the variables that the layer has. */
  readonly index: number;
}

/** A layer and what it needs, or a nested model and its layers, in the order of the configuration. */
export interface LayerNeeds {
  readonly key: KerasLayerKey;
  /** How error messages call it. */
  readonly where: string;
  /** Whether training changes it: variables are stored in another order where it does not. */
  readonly trainable: boolean;
  /** In Keras's order of creation. */
  readonly needs: readonly Need[];
  /** Those of a nested model. */
  readonly layers?: readonly LayerNeeds[];
}

/** A file's variables. */
export interface KerasWeights {
  /**
   * Finds every variable that the topmost model's layers need.
   * @throws {FormatError} One is missing, or has another shape, or nothing tells which of several it is.
   */
  assign(layers: readonly LayerNeeds[]): ReadonlyMap<Need, KerasVariable>;
  /** Finds one variable of a layer by the first of its names; for files whose configuration is not known. */
  find(key: KerasLayerKey, name: string, index: number): KerasVariable | undefined;
}

/** All layers that are no models, at any depth. */
export function leaves(layers: readonly LayerNeeds[]): LayerNeeds[] {
  return layers.flatMap((layer) => (layer.layers ? leaves(layer.layers) : [layer]));
}

/** Names as messages write what is needed. */
export function describeNeed({ names, shape }: Need): string {
  return `variable '${names.join("' or '")}' [${shape.join(",")}]`;
}

/** @throws {FormatError} The layer's variable is missing, or has another shape. */
export function missing(layer: LayerNeeds, need: Need, got: KerasVariable | undefined): FormatError {
  const found = got ? `[${got.shape.slice(0, 32).join(",")}]` : "none";
  return new FormatError(`${layer.where}: expected ${describeNeed(need)}, got ${found}`);
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
