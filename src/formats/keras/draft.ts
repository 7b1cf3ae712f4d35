/**
 * A graph in the making: its values and their shapes, the variables that its layers need, and what of it is not here.
 * @module
 */

import { FormatError, UnsupportedError } from "../../errors.ts";
import { GraphBuilder, type GraphFields } from "../../graph/builder.ts";
import type { Graph, Input, Node, Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import type { Need } from "./needs.ts";

/** Numbers that are known once the variables have been read. */
interface Pending {
  readonly needs: readonly Need[];
  make(variables: readonly Float32Array[]): Float32Array;
}

/** Stands for a value behind a layer that is not here. */
export const UNKNOWN: unique symbol = Symbol("unknown value");

/** A value's name, or that of none. */
export type Value = string | typeof UNKNOWN;

/** Thrown where a layer asks for the shape of a value that nothing computes; never leaves the importer. */
export class UnknownShape extends Error {}

/** Characters of a list of layers. */
const LONGEST_LIST = 1200;

/** What has been built so far. */
export class Draft {
  readonly format: string;
  readonly budget: Budget;
  /** Height and width where the model leaves them open. */
  readonly resolution: number;
  /** By the layer's place: the variables that it needs, by their names. */
  readonly needs = new Map<string, Map<string, Need>>();
  /** The constants that hold variables as they are. */
  readonly variables = new Map<Need, string>();
  /** What each refused layer lacks, by the layer's place. */
  readonly blockers = new Map<string, { readonly layer: string; readonly error: UnsupportedError }>();
  readonly #builder = new GraphBuilder();
  readonly #visited = new Set<string>();
  /** Reads a variable; there is one once the layers have said what they need. */
  #read: (need: Need) => Float32Array | Promise<Float32Array> = () => new Float32Array();

  constructor(format: string, budget: Budget, resolution: number) {
    this.format = format;
    this.budget = budget;
    this.resolution = resolution;
  }

  /** Draws from the budget where a layer is called again: nested models can multiply what little the file says. */
  visit(place: string, nodes: number): void {
    if (this.#visited.has(place)) this.budget.nodes(nodes, this.format);
    else this.#visited.add(place);
  }

  /** Claims a name for a value: `name`, or `name_1`, `name_2` … where that is taken. */
  claim(name: string): string {
    return this.#builder.claim(name);
  }

  /** Adds an input under a name that has been claimed. */
  addInput(input: Input): void {
    this.#builder.addInput(input);
  }

  /** Adds a constant whose numbers are there, or come later. Answers with its name. */
  addConstant(name: string, shape: Shape, numbers: Float32Array | Pending): string {
    if (numbers instanceof Float32Array) return this.#builder.addConstant(name, { shape }, numbers);
    const { needs, make } = numbers;
    return this.#builder.addConstant(name, { shape }, async () => {
      const variables: Float32Array[] = [];
      for (const need of needs) variables.push(await this.#read(need));
      return make(variables);
    });
  }

  /** @throws {FormatError} The layer at `where` cannot read what it reads. */
  addNode(node: Node, where: string): void {
    try {
      this.#builder.addNode(node);
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      throw new FormatError(`${where}: ${cause.message}`, { cause });
    }
    const shape = this.shapeOf(node.name);
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 1)) {
      throw new FormatError(`${where}: expected a result of sizes ≥ 1, got [${shape.join(",")}]`);
    }
  }

  /** The shape of a value; the batch is what the inputs say, 1. */
  shapeOf(value: Value): Shape {
    if (value === UNKNOWN) throw new UnknownShape();
    const shape = this.#builder.shapeOf(value);
    if (!shape) throw new FormatError(`${this.format}: expected value '${value}' to have a shape, got none`);
    return shape;
  }

  /** @throws {UnsupportedError} Some layers were refused: all of them, by name. */
  refuse(): void {
    const all = [...this.blockers.values()];
    if (all.length === 0) return;
    if (all.length === 1) throw all[0]!.error;
    // As many as a message holds.
    const shown: string[] = [];
    for (let length = 0; shown.length < all.length; length += shown.at(-1)!.length + 2) {
      if (length > LONGEST_LIST) break;
      shown.push(all[shown.length]!.layer);
    }
    const more = all.length > shown.length ? `, and ${all.length - shown.length} more` : "";
    throw new UnsupportedError(
      `${this.format}: ${all.length} layers that sepconv does not have: ${shown.join(", ")}${more}`,
    );
  }

  /** The graph, its variables read, giving way to the event loop in between. */
  complete(fields: GraphFields, read: (need: Need) => Float32Array | Promise<Float32Array>): Promise<Graph> {
    this.#read = read;
    return this.#builder.complete(this.#builder.graph(fields), () => this.budget.turn());
  }
}
