/**
 * Weights in Keras's HDF5 files: the group right below the top *is* the layer, whatever the variables in it are called;
 * a nested model's group holds the variables of all layers within. The attribute `weight_names` lists a group's
 * variables in the order in which Keras itself reads them back.
 * @module
 */

import { FormatError } from "../../errors.ts";
import { matchByNames } from "./matching.ts";
import {
  describeNeed,
  type KerasVariable,
  type KerasWeights,
  type LayerNeeds,
  leaves,
  missing,
  type Need,
  sameShape,
} from "./needs.ts";
import { bestNamed, type Candidate, candidateOf, components } from "./scopes.ts";
import { findNamed } from "./weights.ts";

/** What is stored below the top group. */
export interface StoredGroups {
  /** All datasets, under their paths from the top group. */
  readonly datasets: readonly (readonly [path: string, variable: KerasVariable])[];
  /** The variables that a layer's group lists; undefined where it lists none. */
  weightNames(layer: string): readonly string[] | undefined;
  /** The layers in the model's order, where the top group lists them. */
  readonly layerNames?: readonly string[] | undefined;
}

/** Variables of Keras's layers. Others, such as counters and states of random numbers, are nobody's here. */
const KNOWN = new Set([
  "kernel",
  "bias",
  "depthwise_kernel",
  "pointwise_kernel",
  "gamma",
  "beta",
  "moving_mean",
  "moving_variance",
  "mean",
  "variance",
]);

/** Weights of an HDF5 file whose groups have the layers' names. */
export function variablesByGroup(stored: StoredGroups): KerasWeights {
  return {
    assign: (layers) => assign(stored, layers),
    find({ path }, name) {
      const group = path[0] ?? "";
      const own = stored.datasets.filter(([dataset]) => dataset.startsWith(`${group}/`));
      const candidates = own.map(([dataset, variable]) => candidateOf(dataset, variable));
      return findNamed(candidates, path, name);
    },
  };
}

function assign(stored: StoredGroups, layers: readonly LayerNeeds[]): ReadonlyMap<Need, KerasVariable> {
  const needy = layers.filter((layer) => leaves([layer]).some(({ needs }) => needs.length > 0));
  const [byName, nobodys] = shared(stored, layers.map(nameOf));
  const homeless = needy.filter((layer) => !byName.has(joined(nameOf(layer))));
  if (homeless.length > 0) {
    const inOrder = assignInOrder(stored, needy, byName);
    if (inOrder) return inOrder;
  }
  const found = new Map<Need, KerasVariable>();
  const add = (more: ReadonlyMap<Need, KerasVariable>) => {
    for (const [need, variable] of more) found.set(need, variable);
  };
  for (const layer of needy) {
    const own = byName.get(joined(nameOf(layer)));
    if (own) add(inGroup(layer, own, listed(stored, nameOf(layer), own)));
  }
  // Tools other than Keras write nested models' layers side by side at the top.
  if (homeless.length > 0) add(matchByNames(leaves(homeless), nobodys, true));
  return found;
}

/**
 * Where groups have other names than layers: as Keras reads weights back by itself, in the order of `layer_names`.
 * @throws {FormatError} Some groups do have the names of layers, but of others than those whose turn it is.
 */
function assignInOrder(
  stored: StoredGroups,
  needy: readonly LayerNeeds[],
  byLayer: ReadonlyMap<string, readonly Candidate[]>,
): Map<Need, KerasVariable> | undefined {
  const names = stored.layerNames ?? [];
  const [byName] = shared(stored, names);
  const groups = names.filter((name) => byName.has(joined(name)));
  if (groups.length !== needy.length) return undefined;
  const found = new Map<Need, KerasVariable>();
  for (const [i, layer] of needy.entries()) {
    const [group, name] = [groups[i]!, nameOf(layer)];
    if (joined(group) !== joined(name) && byLayer.has(joined(name))) {
      throw new FormatError(
        `${layer.where}: expected its group in its place among layer_names, got '${group}' there, ` +
          "and others without one",
      );
    }
    const own = byName.get(joined(group))!;
    const variables = attempt(() => inGroup(layer, own, listed(stored, group, own)));
    if (!variables) return undefined;
    for (const [need, variable] of variables) found.set(need, variable);
  }
  return found;
}

function nameOf(layer: LayerNeeds): string {
  return layer.key.path[0]!;
}

/** A name as a key: slashes are levels of groups. */
function joined(name: string): string {
  return components(name).join("/");
}

/**
 * Each group's variables, by their names in it, and those in groups of none of the names. Names may hold slashes, and
 * begin each other.
 */
function shared({ datasets }: StoredGroups, names: readonly string[]): [ReadonlyMap<string, Candidate[]>, Candidate[]] {
  const owners = new Set(names.map(joined));
  const byName = new Map<string, Candidate[]>();
  const nobodys: Candidate[] = [];
  for (const [path, variable] of datasets) {
    const parts = components(path);
    let length = Math.min(parts.length - 1, 40);
    while (length > 0 && !owners.has(parts.slice(0, length).join("/"))) length--;
    if (length === 0) {
      nobodys.push(candidateOf(path, variable));
      continue;
    }
    const owner = parts.slice(0, length).join("/");
    const candidate = candidateOf(parts.slice(length).join("/"), variable);
    const own = byName.get(owner);
    if (own) own.push(candidate);
    else byName.set(owner, [candidate]);
  }
  return [byName, nobodys];
}

/**
 * The group's variables in the order in which it lists them; undefined where it does not, or lists what is not there.
 */
function listed(stored: StoredGroups, group: string, own: readonly Candidate[]): readonly Candidate[] | undefined {
  const names = stored.weightNames(group);
  if (!names) return undefined;
  const byName = new Map(own.map((candidate) => [joined(candidate.name), candidate]));
  const list = names.map((name) => byName.get(joined(name)));
  return list.every((candidate) => candidate !== undefined) ? list : undefined;
}

function inGroup(
  layer: LayerNeeds,
  own: readonly Candidate[],
  list: readonly Candidate[] | undefined,
): ReadonlyMap<Need, KerasVariable> {
  const candidates = (list ?? own).filter(({ short }) => KNOWN.has(short));
  const byNames = () => (layer.layers ? matchByNames(leaves([layer]), candidates) : inLayer(layer, candidates));
  if (!list) return byNames();
  const orders = ordersOf(layer).filter((order) => follows(order, candidates));
  if (orders.length === 0) {
    const [plain] = ordersOf(layer);
    // Variables of other names can still be told by their order and shapes.
    const strange = !layer.layers && candidates.length === 0 && follows(plain!, list, false);
    return strange ? inOrder(plain!, list) : byNames();
  }
  const [first, ...others] = orders.map((order) => inOrder(order, candidates)) as [Map<Need, KerasVariable>];
  if (others.length === 0) return first;
  const named = attempt(byNames);
  return [first, ...others].find((order) => named && same(order, named)) ?? first;
}

function same(a: ReadonlyMap<Need, KerasVariable>, b: ReadonlyMap<Need, KerasVariable>): boolean {
  return a.size === b.size && [...a].every(([need, variable]) => b.get(need) === variable);
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The variables of a single layer: any scope will do, unless several have variables of one name. */
function inLayer(layer: LayerNeeds, candidates: readonly Candidate[]): Map<Need, KerasVariable> {
  const found = new Map<Need, KerasVariable>();
  for (const need of layer.needs) {
    const name = need.names.find((short) => candidates.some((candidate) => candidate.short === short));
    const named = candidates.filter(({ short }) => short === name);
    const fitting = named.filter(({ variable }) => sameShape(variable.shape, need.shape));
    const best = fitting.length > 1 ? bestNamed(fitting, layer.key.path) : fitting;
    if (fitting.length === 0) throw missing(layer, need, named[0]?.variable);
    if (best.length !== 1) {
      const names = fitting.slice(0, 8).map((candidate) => `'${candidate.name}'`);
      throw new FormatError(
        `${layer.where}: expected one ${describeNeed(need)}, ` +
          `got ${fitting.length}, and nothing that tells which: ${names.join(", ")}`,
      );
    }
    found.set(need, best[0]!.variable);
  }
  return found;
}

/** Variables that training does not change: they are stored after all others. */
const FIXED = new Set(["moving_mean", "moving_variance", "mean", "variance"]);

interface Split {
  readonly trained: readonly Need[];
  readonly fixed: readonly Need[];
}

/** A layer's variables as Keras counts them. Where a layer is not trainable, all are fixed. */
function split(layer: LayerNeeds, heedFlags: boolean): Split {
  const parts = layer.layers
    ? layer.layers.map((inner) => split(inner, heedFlags))
    : layer.needs.map((need): Split => {
        return FIXED.has(need.names[0]) ? { trained: [], fixed: [need] } : { trained: [need], fixed: [] };
      });
  const trained = parts.flatMap((part) => part.trained);
  const fixed = parts.flatMap((part) => part.fixed);
  return heedFlags && !layer.trainable ? { trained: [], fixed: [...trained, ...fixed] } : { trained, fixed };
}

/**
 * The orders in which versions of Keras list a group's variables, likeliest first: the trainable ones before the
 * others, as the configuration's flags say; the same without the flags; and layer by layer.
 */
function ordersOf(layer: LayerNeeds): (readonly Need[])[] {
  const orders = [true, false].map((heedFlags) => {
    const { trained, fixed } = split(layer, heedFlags);
    return [...trained, ...fixed];
  });
  orders.push(leaves([layer]).flatMap(({ needs }) => needs));
  return orders.filter((order, i) => !orders.slice(0, i).some((other) => order.every((need, j) => need === other[j])));
}

function follows(order: readonly Need[], list: readonly Candidate[], named = true): boolean {
  return (
    order.length === list.length &&
    order.every((need, i) => {
      const { short, variable } = list[i]!;
      return (!named || need.names.includes(short)) && sameShape(variable.shape, need.shape);
    })
  );
}

function inOrder(order: readonly Need[], list: readonly Candidate[]): Map<Need, KerasVariable> {
  return new Map(order.map((need, i) => [need, list[i]!.variable]));
}
