/**
 * A TF.js graph model → Graph: node by node, constants apart from activations.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import { GraphBuilder, type Make } from "../../graph/builder.ts";
import type { Graph, Input, Node } from "../../graph/graph.ts";
import { Budget } from "../../limits.ts";
import { nameFaceDetector } from "../../models/blaze-face.ts";
import { nameEndPoints } from "../../models/end-points.ts";
import { Blockers } from "../common/blockers.ts";
import { checked } from "../common/checked.ts";
import type { Weight } from "../common/shards.ts";
import type { Call, Emitted, Operand, Recipe } from "./call.ts";
import { baseOf, type GraphDef, notFirst, shapeAttribute, type TfNode, typeAttribute, where } from "./graphdef.ts";
import { foldKnown } from "./known.ts";
import { OPS } from "./ops.ts";

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
  const graph = draft.builder.graph({ name: "graph-model", outputs, source: { format: "tfjs" } });
  const named = nameFaceDetector(nameEndPoints(await checked("tfjs", graph, budget)));
  return draft.builder.complete(named, () => budget.turn());
}

/** Ops whose result has the type of what they read. */
const MOVING: ReadonlySet<string> = new Set(["reshape", "identity"]);

class Draft {
  /** Names that nodes of ours must leave to those of TensorFlow are reserved. */
  readonly builder: GraphBuilder;
  readonly blockers = new Blockers();
  private readonly budget: Budget;
  private readonly operands = new Map<string, Operand>();
  /** Nodes whose value there is not, because something in their way is not supported. */
  private readonly blocked = new Set<string>();
  private readonly byName: ReadonlyMap<string, TfNode>;
  /** Values of whole numbers as floats. */
  private readonly cast = new Map<string, string>();
  /** How often each TensorFlow node is read; an output counts as one reader more. */
  private readonly readers = new Map<string, number>();

  constructor(nodes: readonly TfNode[], outputs: readonly string[], budget: Budget) {
    this.budget = budget;
    this.byName = new Map(nodes.map((node) => [node.name, node]));
    this.builder = new GraphBuilder(new Set(nodes.filter(({ op }) => op !== "Const").map(({ name }) => name)));
    for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) {
      this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
    }
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
      const message = () => `${where(node)}: expected an op that sepconv has, got ${node.op}`;
      this.block(node, node.op, () => new UnsupportedError(message()));
    } else if (dirty) {
      this.blocked.add(node.name);
    } else {
      try {
        const found = this.operandOf(node, weights, resolution);
        for (const [i, operand] of [found].flat().entries()) {
          this.operands.set(i === 0 ? node.name : `${node.name}:${i}`, operand);
        }
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

  /**
   * Whether there is no such tensor because of something that is not supported: a node, or a further output of it.
   */
  private isBlocked(tensor: string, reader: string): boolean {
    if (this.blocked.has(tensor)) return true;
    if (this.byName.has(tensor) || this.operands.has(tensor)) return false;
    const node = this.byName.get(baseOf(tensor))!;
    if (!this.blocked.has(node.name)) {
      this.blockers.add(`${node.op} (a further output, ${tensor})`, [node.name], () => notFirst(node, tensor, reader));
    }
    this.blocked.add(tensor);
    return true;
  }

  private operandOf(
    node: TfNode,
    weights: ReadonlyMap<string, Weight>,
    resolution: number,
  ): Operand | readonly Operand[] {
    if (node.op === "Const") {
      const constant = weights.get(node.name);
      if (!constant) throw new FormatError(`${where(node)}: expected its value in the weightsManifest, got none`);
      return { constant, name: node.name };
    }
    if (node.op === "Placeholder") {
      return { value: this.builder.addInput(placeholder(node, resolution)) };
    }
    const call = this.call(node);
    return foldKnown(call) ?? OPS.get(node.op)!(call);
  }

  private constant(asked: string, { key, shape, bytes }: Recipe, make: Make): string {
    const whole = JSON.stringify([asked, key, shape]);
    const known = this.builder.constantOf(whole);
    if (known !== undefined) return known;
    this.budget.unpack(bytes, `tfjs: constant "${asked}"`);
    return this.builder.addConstant(asked, { shape }, make, whole);
  }

  private emit(node: TfNode, { name = node.name, ...rest }: Emitted): string {
    const own = name === node.name;
    if (own && this.builder.hasName(name)) {
      throw new FormatError(`${where(node)}: expected a free name "${name}", got one in use`);
    }
    const fields = {
      ...rest,
      ...(MOVING.has(rest.op) && this.isWhole(rest.inputs[0]!) && { dtype: "int32" as const }),
    };
    return this.builder.addNode({ ...fields, name: own ? name : this.builder.claim(name) } as Node);
  }

  private isWhole(value: string): boolean {
    return this.builder.node(value)?.dtype === "int32";
  }

  /** Each value is cast once. */
  private floats(value: string): string {
    if (!this.isWhole(value)) return value;
    const known = this.cast.get(value);
    if (known !== undefined) return known;
    const name = this.builder.addNode({ op: "cast", name: this.builder.claim(`${value}/float`), inputs: [value] });
    this.cast.set(value, name);
    return name;
  }

  private call(node: TfNode): Call {
    const { builder } = this;
    return {
      node,
      inputs: node.inputs.map((name) => this.operands.get(name)!),
      budget: this.budget,
      shape: (value) => builder.shapeOf(value)!,
      floats: (value) => this.floats(value),
      emit: (emitted) => this.emit(node, emitted),
      constant: (name, recipe, make) => this.constant(name, recipe, make),
      replaceable: (value) => (this.readers.get(value) === 1 ? builder.node(value) : undefined),
      replace: (value, replacement) => {
        builder.removeNode(value);
        return this.emit(node, replacement);
      },
    };
  }
}

/** Types of inputs; whole numbers are given as floats. */
const INPUT_TYPES = ["DT_FLOAT", "DT_INT32", "DT_UINT8"];

/** An image or vector that the caller supplies; open sizes become batch 1 and the resolution. */
function placeholder(node: TfNode, resolution: number): Input {
  const type = typeAttribute(node, "dtype") ?? "DT_FLOAT";
  if (!INPUT_TYPES.includes(type)) {
    throw new UnsupportedError(`${where(node)}: expected dtype ${INPUT_TYPES.join(", ")}, got ${type}`);
  }
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
