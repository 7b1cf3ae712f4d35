/**
 * A TF.js graph model → Graph: node by node, constants apart from activations.
 * @module
 */
import { FormatError, UnsupportedError } from "../errors.ts";
import { nameEndPoints } from "../graph/endpoints.ts";
import type { Constant, Graph, Input, Node, Shape } from "../graph/graph.ts";
import { nodeShape } from "../graph/shape.ts";
import { Budget } from "../limits.ts";
import { Blockers } from "./blockers.ts";
import { checked } from "./checked.ts";
import { Names } from "./names.ts";
import type { Weight } from "./shards.ts";
import { baseOf, type GraphDef, notFirst, shapeAttribute, type TfNode, typeAttribute, where } from "./tfjs-graphdef.ts";
import { foldKnown } from "./tfjs-known.ts";
import { OPS } from "./tfjs-ops.ts";

/** What an edge carries: numbers known beforehand (weights, shapes, axes), or a value computed at each run. */
export type Operand = { readonly constant: Weight; readonly name: string } | { readonly value: string };

/** A node of the graph under construction: without a name it takes the TensorFlow node's own. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type Emitted = Without<Node, "name"> & { readonly name?: string };

/** What a constant is made of and takes. */
export interface Recipe {
  /** What it is made of, and how: the same under one key, name and shape is the same constant. */
  readonly key: string;
  readonly shape: Shape;
  /** Bytes that it takes beside those of the weights that were read. */
  readonly bytes: number;
}

/** One TensorFlow node while it is turned into nodes of ours. */
export interface Call {
  readonly node: TfNode;
  readonly inputs: readonly Operand[];
  /** The shape of a value, batch 1. */
  shape(value: string): Shape;
  /** Adds a node and returns its name; one that is not the TensorFlow node's own gives way to names in use. */
  emit(node: Emitted): string;
  /** Adds float data, which is made at the end, and returns its name. */
  constant(name: string, recipe: Recipe, make: () => Float32Array | Promise<Float32Array>): string;
  /** The node that computes `value`, if this call is all that reads it, so that it may be rewritten. */
  replaceable(value: string): Node | undefined;
  /** Puts another node, under this call's name, in the place of the one that computes `value`. */
  replace(value: string, node: Emitted): string;
  readonly budget: Budget;
}

/** What a graph model may leave open, and how much it may ask for. */
export interface GraphDefOptions {
  readonly resolution?: number | undefined;
  readonly budget?: Budget | undefined;
}

/**
 * Builds the graph of a graph model.
 * @param weights by the names of the Const nodes
 * @throws FormatError, ShapeError naming the node; UnsupportedError naming all that there is not
 */
export async function fromGraphDef(
  { nodes, outputs }: GraphDef,
  weights: ReadonlyMap<string, Weight>,
  { resolution = 224, budget = new Budget() }: GraphDefOptions = {},
): Promise<Graph> {
  const draft = new Draft(nodes, outputs, budget);
  for (const node of nodes) {
    await budget.turn();
    draft.add(node, weights, resolution);
  }
  for (const name of outputs) draft.requireOutput(name);
  draft.blockers.check("tfjs");
  const architecture: Graph = {
    name: "graph-model",
    inputs: draft.inputs,
    constants: draft.architecture,
    nodes: [...draft.nodes.values()],
    outputs,
    endPoints: new Map(),
    source: { format: "tfjs" },
  };
  const graph = nameEndPoints(await checked("tfjs", architecture, budget));
  return { ...graph, constants: await draft.constants() };
}

class Draft {
  readonly inputs: Input[] = [];
  readonly nodes = new Map<string, Node>();
  readonly blockers = new Blockers();
  private readonly budget: Budget;
  private readonly operands = new Map<string, Operand>();
  /** Nodes whose value there is not, because something in their way is not supported. */
  private readonly blocked = new Set<string>();
  private readonly byName: ReadonlyMap<string, TfNode>;
  private readonly shapes = new Map<string, Shape>();
  private readonly promised: {
    readonly constant: Constant;
    readonly make: () => Float32Array | Promise<Float32Array>;
  }[] = [];
  /** Constants by what they are made of. */
  private readonly made = new Map<string, string>();
  /** How often each TensorFlow node is read; an output counts as one reader more. */
  private readonly readers = new Map<string, number>();
  /** Names that nodes of ours must leave to those of TensorFlow are reserved. */
  private readonly names: Names;

  constructor(nodes: readonly TfNode[], outputs: readonly string[], budget: Budget) {
    this.budget = budget;
    this.byName = new Map(nodes.map((node) => [node.name, node]));
    this.names = new Names(new Set(nodes.filter(({ op }) => op !== "Const").map(({ name }) => name)));
    for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) {
      this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
    }
  }

  /** The constants, their numbers still to come. */
  get architecture(): Map<string, Constant> {
    return new Map(this.promised.map(({ constant }) => [constant.name, constant]));
  }

  /** The constants with their numbers. */
  async constants(): Promise<Map<string, Constant>> {
    const constants = new Map<string, Constant>();
    for (const { constant, make } of this.promised) {
      await this.budget.turn();
      constants.set(constant.name, { ...constant, data: await make() });
    }
    return constants;
  }

  requireOutput(name: string): void {
    if (this.isBlocked(name, "the signature")) return;
    const found = this.operands.get(name);
    if (found && "value" in found) return;
    throw new FormatError(`tfjs: output "${name}": expected a computed value, got a constant`);
  }

  /** Adds what a node computes; what is not supported is noted, and all that depends on it passed over. */
  add(node: TfNode, weights: ReadonlyMap<string, Weight>, resolution: number): void {
    const dirty = node.inputs.map((name) => this.isBlocked(name, where(node))).includes(true);
    if (node.op !== "Const" && node.op !== "Placeholder" && !OPS.has(node.op)) {
      const message = () => `${where(node)}: expected one of ${[...OPS.keys()].join(", ")}, got ${node.op}`;
      this.block(node, node.op, () => new UnsupportedError(message()));
    } else if (dirty) {
      this.blocked.add(node.name);
    } else {
      try {
        this.operands.set(node.name, this.operandOf(node, weights, resolution));
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        const reason = error.message.replace(`${where(node)}: `, "");
        this.block(node, `${node.op} (${reason})`, () => error);
      }
    }
  }

  private block(node: TfNode, kind: string, error: () => UnsupportedError): void {
    this.blocked.add(node.name);
    this.blockers.add(kind, [node.name], error);
  }

  /** Whether there is no such tensor because of something that is not supported; other outputs than the first are not. */
  private isBlocked(tensor: string, reader: string): boolean {
    if (this.blocked.has(tensor)) return true;
    if (this.byName.has(tensor)) return false;
    const node = this.byName.get(baseOf(tensor))!;
    if (!this.blocked.has(node.name)) {
      this.blockers.add(`${node.op} (a further output, ${tensor})`, [node.name], () => notFirst(node, tensor, reader));
    }
    this.blocked.add(tensor);
    return true;
  }

  private operandOf(node: TfNode, weights: ReadonlyMap<string, Weight>, resolution: number): Operand {
    if (node.op === "Const") {
      const constant = weights.get(node.name);
      if (!constant) throw new FormatError(`${where(node)}: expected its value in the weightsManifest, got none`);
      return { constant, name: node.name };
    }
    if (node.op === "Placeholder") {
      const input = placeholder(node, resolution);
      this.inputs.push(input);
      this.names.take(input.name);
      this.shapes.set(input.name, input.shape);
      return { value: input.name };
    }
    const call = this.call(node);
    return foldKnown(call) ?? OPS.get(node.op)!(call);
  }

  private constant(asked: string, { key, shape, bytes }: Recipe, make: () => Float32Array | Promise<Float32Array>) {
    const whole = JSON.stringify([asked, key, shape]);
    const known = this.made.get(whole);
    if (known !== undefined) return known;
    this.budget.unpack(bytes, `tfjs: constant "${asked}"`);
    const name = this.names.claim(asked);
    this.promised.push({ constant: { name, shape, dtype: "float32" }, make });
    this.shapes.set(name, shape);
    this.made.set(whole, name);
    return name;
  }

  private emit(node: TfNode, { name = node.name, ...rest }: Emitted): string {
    const own = name === node.name;
    if (own && this.names.has(name)) {
      throw new FormatError(`${where(node)}: expected a free name "${name}", got one in use`);
    }
    const emitted = { ...rest, name: own ? name : this.names.claim(name) } as Node;
    if (own) this.names.take(name);
    this.shapes.set(emitted.name, nodeShape(emitted, this.shapes));
    this.nodes.set(emitted.name, emitted);
    return emitted.name;
  }

  private call(node: TfNode): Call {
    return {
      node,
      inputs: node.inputs.map((name) => this.operands.get(name)!),
      budget: this.budget,
      shape: (value) => this.shapes.get(value)!,
      emit: (emitted) => this.emit(node, emitted),
      constant: (name, recipe, make) => this.constant(name, recipe, make),
      replaceable: (value) => (this.readers.get(value) === 1 ? this.nodes.get(value) : undefined),
      replace: (value, replacement) => {
        this.nodes.delete(value);
        this.shapes.delete(value);
        this.names.release(value);
        return this.emit(node, replacement);
      },
    };
  }
}

/** An image or vector that the caller supplies; open sizes become batch 1 and the resolution. */
function placeholder(node: TfNode, resolution: number): Input {
  const type = typeAttribute(node, "dtype") ?? "DT_FLOAT";
  if (type !== "DT_FLOAT") throw new UnsupportedError(`${where(node)}: expected dtype DT_FLOAT, got ${type}`);
  const shape = shapeAttribute(node, "shape");
  if (!shape || shape.length === 0)
    throw new UnsupportedError(`${where(node)}: expected a shape, got one of unknown rank`);
  const open = (size: number, axis: number) => (axis === 0 ? 1 : shape.length === 4 && axis < 3 ? resolution : size);
  const sizes = shape.map((size, axis) => (size < 0 ? open(size, axis) : size));
  if (sizes.some((size) => size < 1)) {
    throw new UnsupportedError(
      `${where(node)}: expected a shape known but for batch, height and width, got [${shape}]`,
    );
  }
  return { name: node.name, shape: sizes, dtype: "float32" };
}
