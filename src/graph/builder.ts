/**
 * A graph in the making: unique names, inputs, constants whose numbers are there or come later, nodes and the shapes
 * that they come to.
 * @module
 */

import type { Constant, Graph, Input, Node, Shape, TensorData } from "./graph.ts";
import { Names } from "./names.ts";
import { nodeShape } from "./shape.ts";

/** Omits a field from each member of a union, keeping the union apart. */
export type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What a node computes, before it is known what it is called and what it reads. */
export type NodeFields = Without<Node, "name" | "inputs">;

/** What is known of a constant beside its name and numbers; float32 where nothing else is said. */
export type ConstantFields = Omit<Constant, "name" | "dtype" | "data"> & Partial<Pick<Constant, "dtype">>;

/** Numbers that are made when all else has turned out to be sound. */
export type Make = () => TensorData | Promise<TensorData>;

/** What a graph has beside inputs, constants and nodes. */
export type GraphFields = Pick<Graph, "name" | "outputs" | "source"> & Partial<Pick<Graph, "endPoints">>;

/** Builds graphs, in readers as in passes. */
export class GraphBuilder {
  readonly #names: Names;
  readonly #inputs: Input[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #nodes = new Map<string, Node>();
  readonly #shapes = new Map<string, Shape>();
  /** How the numbers come about of constants that have none yet. */
  readonly #makes = new Map<string, Make>();
  /** Constants by what they are made of. */
  readonly #keys = new Map<string, string>();
  /** What values are called now, by what they were called before. */
  readonly #aliases = new Map<string, string>();

  /** @param reserved names that are never given out, only taken by those whose they are */
  constructor(reserved: ReadonlySet<string> = new Set()) {
    this.#names = new Names(reserved);
  }

  /**
   * A builder of another form of `graph`: it has the inputs and constants, and no node yet; the names of all are taken.
   */
  static of({ inputs, constants, nodes }: Pick<Graph, "inputs" | "constants" | "nodes">): GraphBuilder {
    const builder = new GraphBuilder();
    for (const input of inputs) builder.addInput(input);
    for (const constant of constants.values()) builder.#put(constant);
    for (const { name } of nodes) builder.take(name);
    return builder;
  }

  get inputs(): readonly Input[] {
    return this.#inputs;
  }

  get constants(): ReadonlyMap<string, Constant> {
    return this.#constants;
  }

  get nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  hasName(name: string): boolean {
    return this.#names.has(name);
  }

  /** Claims a name: `name`, or `name_1`, `name_2` … where that is taken or reserved. */
  claim(name: string): string {
    return this.#names.claim(name);
  }

  /** Takes a name as it is. */
  take(name: string): void {
    this.#names.take(name);
  }

  /** From now on `name` means another value. */
  alias(name: string, now: string): void {
    this.#aliases.set(name, now);
  }

  /** What a value is called now. */
  current(name: string): string {
    return this.#aliases.get(name) ?? name;
  }

  /** Adds an input under its own name. */
  addInput(input: Input): string {
    this.take(input.name);
    this.#inputs.push(input);
    this.#shapes.set(input.name, input.shape);
    return input.name;
  }

  /**
   * Adds a constant, and answers with its name: `wanted`, or another where that is taken.
   * @param numbers those it has, or how they are made in the end; without any it is to be initialized
   * @param key what it is made of: see {@link constantOf}
   */
  addConstant(wanted: string, fields: ConstantFields, numbers?: TensorData | Make, key?: string): string {
    const name = this.claim(wanted);
    const made = typeof numbers === "function";
    this.#put({ dtype: "float32", ...fields, name, ...(numbers !== undefined && !made && { data: numbers }) });
    if (made) this.#makes.set(name, numbers);
    if (key !== undefined) this.#keys.set(key, name);
    return name;
  }

  /** The constant that was added under a key: what several nodes read is stored once. */
  constantOf(key: string): string | undefined {
    return this.#keys.get(key);
  }

  #put(constant: Constant): void {
    this.take(constant.name);
    this.#constants.set(constant.name, constant);
    this.#shapes.set(constant.name, constant.shape);
  }

  /**
   * Adds a node under its own name.
   * @throws ShapeError, TypeError where it cannot read what it reads
   */
  addNode(node: Node): string {
    this.take(node.name);
    this.#shapes.set(node.name, nodeShape(node, this.#shapes));
    this.#nodes.set(node.name, node);
    return node.name;
  }

  node(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  /** Takes a node away that nobody reads any more, and gives its name back. */
  removeNode(name: string): void {
    this.#nodes.delete(name);
    this.#shapes.delete(name);
    this.#names.release(name);
  }

  /** Stands for a value that nothing here can compute, so that what reads it can be looked at. */
  pretend(name: string, shape: Shape): void {
    this.take(name);
    this.#shapes.set(name, shape);
  }

  /** The shape of a value or constant. */
  shapeOf(name: string): Shape | undefined {
    return this.#shapes.get(name);
  }

  /** The graph so far; constants whose numbers are made in the end have none. */
  graph({ name, outputs, source, endPoints = new Map() }: GraphFields): Graph {
    const { inputs, nodes } = this;
    return { name, inputs: [...inputs], constants: new Map(this.#constants), nodes, outputs, endPoints, source };
  }

  /** A graph of this builder's with the numbers that were still to be made; `turn` gives way to others in between. */
  async complete(graph: Graph, turn: () => unknown): Promise<Graph> {
    return withNumbers(graph, async ({ name, data }) => {
      const make = this.#makes.get(name);
      if (make === undefined) return data;
      await turn();
      return make();
    });
  }
}

/** `graph` with the numbers that `numbersOf` answers with for each constant in turn. */
export async function withNumbers(
  graph: Graph,
  numbersOf: (constant: Constant) => TensorData | undefined | Promise<TensorData | undefined>,
): Promise<Graph> {
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) {
    const data = await numbersOf(constant);
    constants.set(name, data === undefined ? constant : { ...constant, data });
  }
  return { ...graph, constants };
}
