/**
 * Whether a graph is what `graph.ts` says a graph is. Run on every graph that a caller or an importer hands over.
 * @module
 */

import { ShapeError } from "../errors.ts";
import { show, sizeOf } from "./dimensions.ts";
import type { Constant, DType, Graph, Node, Quantization, Shape } from "./graph.ts";
import { type Types, where } from "./ops/definition.ts";
import { definitionOf } from "./ops/index.ts";
import { constantsOf } from "./references.ts";
import { inferShapes } from "./shape.ts";

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array } as const;

/**
 * Checks names (unique, defined before they are read, of the right kind), constants (dtype, length), attributes and
 * shapes.
 * @throws TypeError for wrong kinds, RangeError for wrong values, ShapeError where numbers or types disagree; each
 * names the node or tensor.
 */
export function validate(graph: Graph): void {
  const kinds = new Map<string, "input" | "constant" | "node">();
  const define = (name: unknown, kind: "input" | "constant" | "node") => {
    if (typeof name !== "string" || name === "") {
      throw new TypeError(`graph "${graph.name}": expected a name for every ${kind}, got ${JSON.stringify(name)}`);
    }
    const other = kinds.get(name);
    if (other !== undefined) {
      throw new RangeError(`${kind} "${name}": expected a unique name, got that of another ${other}`);
    }
    kinds.set(name, kind);
  };
  for (const { name, shape, dtype, quantization } of graph.inputs) {
    define(name, "input");
    checkTensor(`input "${name}"`, shape, dtype);
    checkValueQuantization(`input "${name}"`, dtype, quantization);
  }
  for (const [key, constant] of graph.constants) {
    checkConstant(key, constant);
    define(constant.name, "constant");
  }
  const types = new Map<string, DType>(graph.inputs.map(({ name, dtype }) => [name, dtype]));
  for (const node of graph.nodes) {
    checkNode(node);
    for (const input of node.inputs) checkRead(node, input, kinds.get(input), graph);
    for (const { role, name } of constantsOf(node)) {
      if (kinds.get(name) !== "constant") {
        throw new RangeError(
          `${where(node)}: expected ${role} to be a constant, got "${name}" (${describe(name, kinds)})`,
        );
      }
    }
    checkTypes(node, graph, types);
    define(node.name, "node");
    types.set(node.name, node.dtype ?? "float32");
  }
  checkExits(graph, kinds);
  inferShapes(graph);
}

function describe(name: string, kinds: ReadonlyMap<string, string>): string {
  return kinds.get(name) ?? "not defined";
}

function checkTensor(what: string, shape: Shape, dtype: DType): void {
  if (!Object.hasOwn(ARRAYS, dtype)) {
    throw new TypeError(`${what}: expected a dtype of ${Object.keys(ARRAYS).join(", ")}, got ${JSON.stringify(dtype)}`);
  }
  if (!Array.isArray(shape)) throw new TypeError(`${what}: expected a shape, got ${JSON.stringify(shape)}`);
  if (!shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 1)) {
    throw new RangeError(`${what}: expected dimensions of at least 1, got ${show(shape)}`);
  }
  if (!Number.isSafeInteger(sizeOf(shape))) {
    throw new RangeError(`${what}: expected a countable number of elements, got ${show(shape)}`);
  }
}

function checkConstant(key: string, { name, shape, dtype, data, quantization }: Constant): void {
  const what = `constant "${name}"`;
  if (key !== name) throw new RangeError(`${what}: expected to be stored under its own name, got "${key}"`);
  checkTensor(what, shape, dtype);
  if (quantization !== undefined) checkQuantization(what, dtype, quantization);
  else if (dtype === "int8" || dtype === "uint8")
    throw new TypeError(`${what}: expected a quantization for ${dtype}, got none`);
  if (data === undefined) return;
  if (!(data instanceof ARRAYS[dtype])) {
    const got = (data as object | null)?.constructor?.name ?? typeof data;
    throw new TypeError(`${what}: expected data of ${ARRAYS[dtype].name} for ${dtype}, got ${got}`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(`${what}: expected ${sizeOf(shape)} elements for shape ${show(shape)}, got ${data.length}`);
  }
}

const ZERO_POINTS: Readonly<Partial<Record<DType, readonly [number, number]>>> = { int8: [-128, 127], uint8: [0, 255] };

/** A value of 8 bits has one scale and one zero point; other types have none. */
function checkValueQuantization(what: string, dtype: DType, quantization: Quantization | undefined): void {
  if (dtype !== "int8" && dtype !== "uint8") return;
  if (quantization === undefined) throw new TypeError(`${what}: expected a quantization for ${dtype}, got none`);
  checkQuantization(what, dtype, quantization);
  const { length } = quantization.scales;
  if (length !== 1) throw new RangeError(`${what}: expected one scale for the whole value, got ${length}`);
  if (quantization.scales[0] === 0) throw new RangeError(`${what}: expected a scale that is a positive number, got 0`);
}

/**
 * A channel of weights may have the scale 0: a filter that was pruned.
 * @throws RangeError for scales that are no numbers from 0 on, zero points out of the type's range, lists of different
 * lengths
 */
function checkQuantization(what: string, dtype: DType, { scales, zeroPoints }: Quantization): void {
  const scale = scales.find((s) => !(Number.isFinite(s) && s >= 0));
  if (scale !== undefined || scales.length === 0) {
    throw new RangeError(`${what}: expected scales that are positive numbers or 0, got ${scale ?? "none"}`);
  }
  if (scales.length !== zeroPoints.length) {
    throw new RangeError(`${what}: expected ${scales.length} zero points like scales, got ${zeroPoints.length}`);
  }
  const [lo, hi] = ZERO_POINTS[dtype] ?? [0, 0];
  const zero = zeroPoints.find((z) => !(Number.isInteger(z) && z >= lo && z <= hi));
  if (zero !== undefined) throw new RangeError(`${what}: expected zero points from ${lo} to ${hi}, got ${zero}`);
}

function checkRead(node: Node, input: string, kind: string | undefined, graph: Graph): void {
  if (kind === "input" || kind === "node") return;
  if (kind === "constant") {
    throw new RangeError(`${where(node)}: expected an activation as input, got constant "${input}"`);
  }
  const later = graph.nodes.some(({ name }) => name === input);
  const got = later ? "which comes later (or is itself)" : "which is not defined";
  throw new RangeError(`${where(node)}: expected inputs defined before it, got "${input}", ${got}`);
}

/**
 * Every op computes in one type, that of its value: what it reads has it too, but for the two ops that convert. Weights
 * are of that type, biases of 8-bit layers of 32 bits, and a layer's weights share one zero point.
 */
function checkTypes(node: Node, graph: Graph, types: ReadonlyMap<string, DType>): void {
  const dtype = node.dtype ?? "float32";
  const byte = dtype === "int8" || dtype === "uint8";
  const { value, reads, within } = definitionOf(node);
  const expectType = (what: string, { expected, types }: Types, got: DType) => {
    if (!types.includes(got)) throw new ShapeError(`${where(node)}: expected ${what} of ${expected}, got ${got}`);
  };
  const only = (type: DType): Types => ({ expected: type, types: [type] });
  if (value) expectType("a value", value, dtype);
  for (const name of node.inputs) expectType(`input "${name}"`, reads ?? only(dtype), types.get(name)!);
  if (byte && within) {
    const { what, quantization } = within(node);
    checkValueQuantization(`${where(node)}, ${what}`, dtype, quantization);
  }
  for (const { role, name } of constantsOf(node)) {
    const constant = graph.constants.get(name)!;
    const expected = !byte ? "float32" : role === "bias" ? "int32" : dtype;
    expectType(`${role} "${name}"`, only(expected), constant.dtype);
    if (role === "operand") checkValueQuantization(`${where(node)}, operand "${name}"`, dtype, constant.quantization);
    const zeroPoints = constant.quantization?.zeroPoints ?? [];
    if (byte && role === "weights" && zeroPoints.some((z) => z !== zeroPoints[0])) {
      throw new ShapeError(
        `${where(node)}: expected one zero point for all of weights "${name}", got ${zeroPoints.length}`,
      );
    }
  }
}

function checkExits(graph: Graph, kinds: ReadonlyMap<string, string>): void {
  if (graph.outputs.length === 0) throw new RangeError(`graph "${graph.name}": expected at least one output, got none`);
  const exits = [
    ...graph.outputs.map((name) => [`output "${name}"`, name] as const),
    ...[...graph.endPoints].map(([label, name]) => [`end point "${label}"`, name] as const),
  ];
  for (const [what, name] of exits) {
    const kind = kinds.get(name);
    if (kind !== "input" && kind !== "node") {
      throw new RangeError(`${what}: expected the name of an input or node, got "${name}" (${describe(name, kinds)})`);
    }
  }
}

function checkNode(node: Node): void {
  checkValueQuantization(where(node), node.dtype ?? "float32", node.quantization);
  const { arity: of, check } = definitionOf(node);
  const arity = typeof of === "function" ? of(node) : of;
  const got = node.inputs.length;
  if (arity === "some" ? got < 1 : got !== arity) {
    throw new RangeError(`${where(node)}: expected ${arity === "some" ? "1 or more" : arity} inputs, got ${got}`);
  }
  check?.(node);
}
