/**
 * A TF.js graph model → Graph: node by node, constants apart from activations.
 * @module
 */
import { FormatError, UnsupportedError } from "../errors.ts";
import { nameEndPoints } from "../graph/endpoints.ts";
import type { Constant, Graph, Input, Node, Shape } from "../graph/graph.ts";
import { nodeShape } from "../graph/shape.ts";
import type { Weight } from "./shards.ts";
import { parseGraphDef, shapeAttribute, type TfNode, typeAttribute, where } from "./tfjs-graphdef.ts";
import { OPS } from "./tfjs-ops.ts";

/** What an edge carries: numbers known beforehand (weights, shapes, axes), or a value computed at each run. */
export type Operand = { readonly constant: Weight; readonly name: string } | { readonly value: string };

/** A node of the graph under construction: without a name it takes the TensorFlow node's own. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type Emitted = Without<Node, "name"> & { readonly name?: string };

/** One TensorFlow node while it is turned into nodes of ours. */
export interface Call {
  readonly node: TfNode;
  readonly inputs: readonly Operand[];
  /** The shape of a value, batch 1. */
  shape(value: string): Shape;
  /** Adds a node and returns its name. */
  emit(node: Emitted): string;
  /** Adds float data and returns its name. */
  constant(name: string, shape: Shape, data: Float32Array): string;
  /** The node that computes `value`, if this call is all that reads it, so that it may be rewritten. */
  replaceable(value: string): Node | undefined;
  /** Puts another node, under this call's name, in the place of the one that computes `value`. */
  replace(value: string, node: Emitted): string;
}

/**
 * Builds the graph of a graph model.
 * @param model the parsed `model.json`; its `modelTopology.node` is a list
 * @param weights by the names of the Const nodes
 * @throws FormatError, ShapeError, UnsupportedError naming the node
 */
export function fromGraphDef(
  model: Readonly<Record<string, unknown>>,
  weights: ReadonlyMap<string, Weight>,
  options: { readonly resolution?: number } = {},
): Graph {
  const { nodes, outputs } = parseGraphDef(model);
  const draft = new Draft(nodes, outputs);
  for (const node of nodes) draft.add(node, weights, options.resolution ?? 224);
  for (const name of outputs) {
    if (!draft.isComputed(name))
      throw new FormatError(`tfjs: output "${name}": expected a computed value, got a constant or an input`);
  }
  return nameEndPoints({
    name: "graph-model",
    inputs: draft.inputs,
    constants: draft.constants,
    nodes: draft.nodes,
    outputs,
    endPoints: new Map(),
    source: { format: "tfjs" },
  });
}

class Draft {
  readonly inputs: Input[] = [];
  readonly constants = new Map<string, Constant>();
  readonly nodes: Node[] = [];
  private readonly operands = new Map<string, Operand>();
  private readonly shapes = new Map<string, Shape>();
  /** How often each TensorFlow node is read; an output counts as one reader more. */
  private readonly readers = new Map<string, number>();

  /** Names that nodes of ours must leave to those of TensorFlow. */
  private readonly reserved: ReadonlySet<string>;

  constructor(nodes: readonly TfNode[], outputs: readonly string[]) {
    this.reserved = new Set(nodes.filter(({ op }) => op !== "Const").map(({ name }) => name));
    for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) {
      this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
    }
  }

  isComputed(name: string): boolean {
    return this.nodes.some((node) => node.name === name);
  }

  add(node: TfNode, weights: ReadonlyMap<string, Weight>, resolution: number): void {
    if (node.op === "Const") {
      const constant = weights.get(node.name);
      if (!constant) throw new FormatError(`${where(node)}: expected its value in the weightsManifest, got none`);
      this.operands.set(node.name, { constant, name: node.name });
    } else if (node.op === "Placeholder") {
      const input = placeholder(node, resolution);
      this.inputs.push(input);
      this.shapes.set(input.name, input.shape);
      this.operands.set(node.name, { value: input.name });
    } else {
      const op = OPS.get(node.op);
      if (!op)
        throw new UnsupportedError(`${where(node)}: expected one of ${[...OPS.keys()].join(", ")}, got ${node.op}`);
      this.operands.set(node.name, op(this.call(node)));
    }
  }

  /** `name`, or `name_1`, `name_2` … where a TensorFlow node or one of our own has it. */
  private free(name: string): string {
    let unique = name;
    for (let i = 1; this.shapes.has(unique) || this.reserved.has(unique); i++) unique = `${name}_${i}`;
    return unique;
  }

  /** Equal data asked for again under a name is the same constant. */
  private constant(asked: string, shape: Shape, data: Float32Array): string {
    const known = this.constants.get(asked)?.data;
    const same = known && `${this.shapes.get(asked)}` === `${shape}` && data.every((x, i) => Object.is(x, known[i]));
    if (same) return asked;
    const name = this.free(asked);
    this.constants.set(name, { name, shape, dtype: "float32", data });
    this.shapes.set(name, shape);
    return name;
  }

  private call(node: TfNode): Call {
    const emit = ({ name = node.name, ...rest }: Emitted): string => {
      const emitted = { ...rest, name } as Node;
      if (this.shapes.has(name))
        throw new FormatError(`${where(node)}: expected a free name "${name}", got one in use`);
      this.shapes.set(name, nodeShape(emitted, this.shapes));
      this.nodes.push(emitted);
      return name;
    };
    return {
      node,
      inputs: node.inputs.map((name) => this.operands.get(name)!),
      shape: (value) => this.shapes.get(value)!,
      emit,
      constant: (name, shape, data) => this.constant(name, shape, data),
      replaceable: (value) =>
        this.readers.get(value) === 1 ? this.nodes.find(({ name }) => name === value) : undefined,
      replace: (value, replacement) => {
        this.nodes.splice(
          this.nodes.findIndex(({ name }) => name === value),
          1,
        );
        this.shapes.delete(value);
        return emit(replacement);
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
