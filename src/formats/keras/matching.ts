/**
 * Which variable is whose, by names. A layer's name in Keras need not be the one that its variables got when they were
 * made: layers are renamed, and TensorFlow 1 numbers scopes on its own. So names decide where they are complete and
 * contradict nothing, then shapes; what stays open is an error.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { describeNeed, type KerasVariable, type LayerNeeds, missing, type Need, sameShape } from "./needs.ts";
import { bestNamed, type Candidate, components } from "./scopes.ts";

/** The variables of one scope: those of one layer. */
interface Block {
  readonly scope: readonly string[];
  readonly variables: Map<string, Candidate>;
}

function blocksOf(candidates: readonly Candidate[]): Block[] {
  const blocks = new Map<string, Block>();
  for (const candidate of candidates) {
    const key = JSON.stringify(candidate.scope);
    let block = blocks.get(key);
    if (!block) {
      block = { scope: candidate.scope, variables: new Map() };
      blocks.set(key, block);
    }
    const same = block.variables.get(candidate.short);
    if (same) {
      throw new FormatError(
        `weights: expected variables of different names, got '${same.name}' and '${candidate.name}'`,
      );
    }
    block.variables.set(candidate.short, candidate);
  }
  return [...blocks.values()];
}

function variableIn(block: Block, need: Need): Candidate | undefined {
  for (const name of need.names) {
    const found = block.variables.get(name);
    if (found) return found;
  }
  return undefined;
}

/** What layers and scopes have in common but for TensorFlow's numbers: `dense_2` → dense. */
function family(name: string): string {
  return name.replace(/_\d+$/, "");
}

/** The last component of a layer's name. */
function lastPart(layer: LayerNeeds): string {
  return components(layer.key.path.at(-1) ?? "").at(-1) ?? "";
}

/**
 * Finds the layers' variables among these.
 * @param namesAlone whether shapes and parts of names shall not do where the names do not tell all
 * @throws {FormatError} A variable is missing, has another shape, or could be several layers'.
 */
export function matchByNames(
  all: readonly LayerNeeds[],
  candidates: readonly Candidate[],
  namesAlone = false,
): Map<Need, KerasVariable> {
  const layers = all.filter(({ needs }) => needs.length > 0);
  const matching = new Matching(layers, blocksOf(candidates));
  const found = new Map<Need, KerasVariable>();
  for (const [layer, block] of matching.blocks(namesAlone)) {
    for (const need of layer.needs) found.set(need, variableIn(block, need)!.variable);
  }
  return found;
}

/** Comparisons of a layer with a scope beyond this are nobody's model: all layers with the same few names. */
const MOST_COMPARISONS = 4_000_000;

class Matching {
  readonly #layers: readonly LayerNeeds[];
  readonly #all: readonly Block[];
  readonly #byScope = new Map<string, Block>();
  /** By every component of a scope: which blocks a name can mean. */
  readonly #byPart = new Map<string, Block[]>();
  #comparisons = 0;

  constructor(layers: readonly LayerNeeds[], blocks: readonly Block[]) {
    this.#layers = layers;
    this.#all = blocks;
    for (const block of blocks) {
      this.#byScope.set(JSON.stringify(block.scope), block);
      for (const part of new Set(block.scope)) {
        const list = this.#byPart.get(part);
        if (list) list.push(block);
        else this.#byPart.set(part, [block]);
      }
    }
  }

  blocks(namesAlone: boolean): Map<LayerNeeds, Block> {
    const named = new Map(this.#layers.map((layer) => [layer, this.#named(layer)]));
    const unanimous = oneEach(named);
    if (unanimous) return unanimous;
    if (namesAlone) {
      const open = this.#layers.filter((layer) => named.get(layer)!.length !== 1);
      return this.#fail(open.length > 0 ? open : this.#layers, this.#all);
    }
    const trusted = this.#trusted(named);
    const [open, left] = this.#open(trusted);
    return new Map([...trusted, ...(eliminated(open, left) ?? this.#affixed(open, left) ?? this.#fail(open, left))]);
  }

  #fits(block: Block, layer: LayerNeeds): boolean {
    if (++this.#comparisons > MOST_COMPARISONS) {
      throw new FormatError(`${layer.where}: expected variables of telling names, got too many that it could be`);
    }
    return layer.needs.every((need) => {
      const found = variableIn(block, need);
      return found !== undefined && sameShape(found.variable.shape, need.shape);
    });
  }

  /** Blocks of the right shapes whose scopes fit the layer's name best. */
  #named(layer: LayerNeeds): Block[] {
    // Most have the very path as their scope, and no other can be closer.
    const exact = this.#byScope.get(JSON.stringify(layer.key.path.flatMap(components)));
    if (exact && this.#fits(exact, layer)) return [exact];
    const fitting = (this.#byPart.get(lastPart(layer)) ?? []).filter((block) => this.#fits(block, layer));
    return bestNamed(fitting, layer.key.path);
  }

  /**
   * Layers that names decide although others stay open: those whose kin (names but for the number) are complete and
   * have no variables too many. In `dense_1`, `dense_2` with variables of `dense` and `dense_1`, a scope of the right
   * name is the wrong one.
   */
  #trusted(named: ReadonlyMap<LayerNeeds, readonly Block[]>): Map<LayerNeeds, Block> {
    const byFamily = new Map<string, LayerNeeds[]>();
    for (const layer of this.#layers) {
      const key = family(lastPart(layer));
      const kin = byFamily.get(key);
      if (kin) kin.push(layer);
      else byFamily.set(key, [layer]);
    }
    const scopes = new Map<string, number>();
    for (const { scope } of this.#all) {
      for (const key of new Set(scope.map(family))) scopes.set(key, (scopes.get(key) ?? 0) + 1);
    }
    const trusted = new Map<LayerNeeds, Block>();
    for (const [key, layers] of byFamily) {
      const own = oneEach(new Map(layers.map((layer) => [layer, named.get(layer)!])));
      if (own && scopes.get(key) === layers.length) for (const [layer, block] of own) trusted.set(layer, block);
    }
    const taken = new Set(trusted.values());
    return taken.size === trusted.size ? trusted : new Map();
  }

  #open(trusted: ReadonlyMap<LayerNeeds, Block>): [LayerNeeds[], Block[]] {
    const taken = new Set(trusted.values());
    return [this.#layers.filter((layer) => !trusted.has(layer)), this.#all.filter((block) => !taken.has(block))];
  }

  /** Layers that were renamed by something put before or behind their names, other than a number. */
  #affixed(open: readonly LayerNeeds[], left: readonly Block[]): Map<LayerNeeds, Block> | undefined {
    // Nothing may be left over: a scope that is could as well be the one that was renamed.
    if (left.length !== open.length) return undefined;
    const named = new Map<LayerNeeds, Block[]>();
    for (const layer of open) {
      const name = lastPart(layer);
      const own = left.filter((block) => this.#fits(block, layer));
      const same = own.filter(({ scope }) => scope.at(-1) === name);
      named.set(layer, same.length > 0 ? same : own.filter(({ scope }) => isAffixed(name, scope.at(-1))));
    }
    return oneEach(named);
  }

  /** @throws {FormatError} Says for the first layer that stays open what is missing, or what it could be. */
  #fail(open: readonly LayerNeeds[], left: readonly Block[]): never {
    for (const layer of open) {
      if (left.some((block) => this.#fits(block, layer))) continue;
      const nearest = bestNamed(this.#all, layer.key.path)[0];
      const need = layer.needs.find((n) => {
        const found = nearest && variableIn(nearest, n);
        return !found || !sameShape(found.variable.shape, n.shape);
      });
      throw missing(layer, need ?? layer.needs[0]!, nearest && need && variableIn(nearest, need)?.variable);
    }
    const layer = open[0]!;
    const names = left
      .filter((block) => this.#fits(block, layer))
      .map((block) => `'${variableIn(block, layer.needs[0]!)!.name}'`);
    const shown = names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "");
    throw new FormatError(
      `${layer.where}: expected one ${describeNeed(layer.needs[0]!)}, ` +
        `got ${names.length} that it could be, and nothing that tells which: ${shown}`,
    );
  }
}

/** The blocks, where each layer has one and none has that of another. */
function oneEach(named: ReadonlyMap<LayerNeeds, readonly Block[]>): Map<LayerNeeds, Block> | undefined {
  const found = new Map<LayerNeeds, Block>();
  for (const [layer, blocks] of named) if (blocks.length === 1) found.set(layer, blocks[0]!);
  return found.size === named.size && new Set(found.values()).size === named.size ? found : undefined;
}

/**
 * Blocks by what they hold: the layer's variables, of its shapes, and no others. Undefined where that leaves a choice.
 */
function eliminated(open: readonly LayerNeeds[], left: readonly Block[]): Map<LayerNeeds, Block> | undefined {
  const kinds = new Map<string, { layers: LayerNeeds[]; blocks: Block[] }>();
  const kindOf = (key: string) => {
    let kind = kinds.get(key);
    if (!kind) {
      kind = { layers: [], blocks: [] };
      kinds.set(key, kind);
    }
    return kind;
  };
  for (const layer of open) {
    kindOf(signature(layer.needs.map(({ names, shape }) => [names.join("|"), shape]))).layers.push(layer);
  }
  for (const block of left) {
    const held = [...block.variables.values()].map(({ short, variable }) => [spelt(short), variable.shape] as const);
    kindOf(signature(held)).blocks.push(block);
    // Depthwise kernels are called plainly "kernel" by Keras 3, like other layers'.
    if (block.variables.has("kernel")) {
      const other = held.map(([name, shape]) => [name === "kernel" ? spelt("depthwise_kernel") : name, shape] as const);
      kindOf(signature(other)).blocks.push(block);
    }
  }
  const found = new Map<LayerNeeds, Block>();
  for (const { layers, blocks } of kinds.values()) {
    if (layers.length === 0) continue;
    if (layers.length !== 1 || blocks.length !== 1) return undefined;
    found.set(layers[0]!, blocks[0]!);
  }
  return new Set(found.values()).size === found.size ? found : undefined;
}

function spelt(short: string): string {
  return short === "depthwise_kernel" ? "depthwise_kernel|kernel" : short;
}

function signature(variables: readonly (readonly [name: string, shape: readonly number[]])[]): string {
  return JSON.stringify(variables.map(([name, shape]) => `${name} ${shape.join(",")}`).sort());
}

function isAffixed(name: string, scope: string | undefined): boolean {
  if (!scope || name.length <= scope.length) return false;
  if (name.endsWith(scope)) return true;
  return name.startsWith(scope) && !/^_?\d+$/.test(name.slice(scope.length));
}
