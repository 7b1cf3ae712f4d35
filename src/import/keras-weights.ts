/**
 * How a Keras layer finds its variables, whatever container they are in: HDF5 groups, the `vars/0` of Keras 3, TensorFlow.js shards.
 * @module
 */

import type { Shape } from "../graph/graph.ts";

/** A stored variable. `read` decodes it, row-major float32, when it is called; it throws `FormatError` when the file is damaged there. */
export interface KerasVariable {
  readonly shape: Shape;
  read(): Float32Array;
}

/** Which layer is asking. */
export interface KerasLayerKey {
  /** Names of the enclosing models, outermost first (without the whole model's own), then of the layer. */
  readonly path: readonly string[];
  /** The same path as Keras 3 stores it: class names in snake case, numbered within their model (`functional`, `conv2d_1`). */
  readonly classPath: readonly string[];
}

/**
 * Looks a layer's variable up: `variable` is its short name (`kernel`, `moving_mean`), `index` its position among the variables that the
 * layer has. Answers undefined when there is none.
 */
export type KerasWeights = (layer: KerasLayerKey, variable: string, index: number) => KerasVariable | undefined;

/** `conv1/conv1/kernel:0` → [conv1, conv1, kernel]. Backslashes are what Keras on Windows wrote. */
function components(name: string): string[] {
  const parts = name.split(/[/\\]/).filter((part) => part !== "");
  const last = parts.pop();
  if (last !== undefined) parts.push(last.replace(/:\d+$/, ""));
  return parts;
}

interface Candidate {
  readonly scope: readonly string[];
  readonly variable: KerasVariable;
}

/** Higher is better: the layer's name stands right before the variable's, more enclosing models agree, less stands in between. */
function rank(scope: readonly string[], path: readonly string[]): number {
  const layer = path[path.length - 1];
  const outer = path.slice(0, -1).filter((name) => scope.includes(name)).length;
  return (scope[scope.length - 1] === layer ? 1000 : 0) + 10 * outer - 0.01 * scope.length;
}

/**
 * Weights by full variable names such as `conv1/kernel`, `conv1/conv1/kernel:0` or `mobilenet/conv1/kernel`: the last component is the variable,
 * the layer's name is any component before it. Where several fit, the closest to the layer's own path wins.
 */
export function variablesByName(variables: Iterable<readonly [name: string, variable: KerasVariable]>): KerasWeights {
  const byLayer = new Map<string, Candidate[]>();
  for (const [name, variable] of variables) {
    const scope = components(name);
    const last = scope.pop();
    for (const layer of new Set(scope)) {
      const key = `${layer}/${last}`;
      const candidates = byLayer.get(key);
      if (candidates) candidates.push({ scope, variable });
      else byLayer.set(key, [{ scope, variable }]);
    }
  }
  return ({ path }, variable) => {
    const candidates = byLayer.get(`${path[path.length - 1]}/${variable}`) ?? [];
    let best: Candidate | undefined;
    for (const candidate of candidates) {
      if (!best || rank(candidate.scope, path) > rank(best.scope, path)) best = candidate;
    }
    return best?.variable;
  };
}

/**
 * Weights by the paths inside a Keras 3 `model.weights.h5`: `layers/conv2d_1/vars/0`, `layers/functional/layers/dense/vars/1`, or, in the first
 * versions, `_layer_checkpoint_dependencies/conv2d_1/vars/0`.
 */
export function variablesByPosition(
  variables: Iterable<readonly [path: string, variable: KerasVariable]>,
): KerasWeights {
  const byPath = new Map<string, KerasVariable>();
  for (const [path, variable] of variables) {
    const names = path.split(/[/\\]/).filter((part) => part !== "" && part !== "layers" && part !== CHECKPOINT_LAYERS);
    byPath.set(names.join("/"), variable);
  }
  return ({ classPath }, _variable, index) => byPath.get([...classPath, "vars", String(index)].join("/"));
}

const CHECKPOINT_LAYERS = "_layer_checkpoint_dependencies";
