/**
 * How Keras's layers find their variables by name or by position, whatever container these are in. All layers of a
 * model ask at once, because what one of them gets no other may.
 * @module
 */

import { matchByNames } from "./matching.ts";
import {
  type KerasLayerKey,
  type KerasVariable,
  type KerasWeights,
  leaves,
  missing,
  type Need,
  sameShape,
} from "./needs.ts";
import { bestNamed, type Candidate, candidateOf } from "./scopes.ts";

/**
 * Weights by full variable names such as `conv1/kernel`, `conv1/kernel:0` or `mobilenet/conv1/kernel`, as
 * TensorFlow.js's manifests have them: the last component is the variable, those before it tell the layer and perhaps
 * the models around it.
 */
export function variablesByName(variables: Iterable<readonly [name: string, variable: KerasVariable]>): KerasWeights {
  const candidates = [...variables].map(([name, variable]) => candidateOf(name, variable));
  return {
    assign: (layers) => matchByNames(leaves(layers), candidates),
    find: ({ path }, name) => findNamed(candidates, path, name),
  };
}

/** The variable of that name whose scope is closest to the path; undefined where none or several are. */
export function findNamed(
  candidates: readonly Candidate[],
  path: readonly string[],
  name: string,
): KerasVariable | undefined {
  const named = bestNamed(
    candidates.filter((candidate) => candidate.short === name),
    path,
  );
  return named.length === 1 ? named[0]!.variable : undefined;
}

/**
 * Weights by the paths inside a Keras 3 `model.weights.h5`: `layers/conv2d_1/vars/0`,
 * `layers/functional/layers/dense/vars/1`, or, in the first versions, `_layer_checkpoint_dependencies/conv2d_1/vars/0`.
 */
export function variablesByPosition(
  variables: Iterable<readonly [path: string, variable: KerasVariable]>,
): KerasWeights {
  const byPath = new Map<string, KerasVariable>();
  for (const [path, variable] of variables) {
    const names = path.split(/[/\\]/).filter((part) => part !== "" && !CONTAINERS.has(part));
    byPath.set(names.join("/"), variable);
  }
  const find = ({ classPath }: KerasLayerKey, index: number) =>
    byPath.get([...classPath, "vars", String(index)].join("/"));
  return {
    find: (key, _name, index) => find(key, index),
    assign(layers) {
      const found = new Map<Need, KerasVariable>();
      for (const layer of leaves(layers)) {
        for (const need of layer.needs) {
          const variable = find(layer.key, need.index);
          if (!variable || !sameShape(variable.shape, need.shape)) throw missing(layer, need, variable);
          found.set(need, variable);
        }
      }
      return found;
    },
  };
}

/** Groups that hold a model's layers. */
const CONTAINERS = new Set(["layers", "_layer_checkpoint_dependencies"]);
