/**
 * Whether a graph is what `graph.ts` says a graph is. Run on every graph that a caller or an importer hands over.
 * @module
 */

import { ShapeError } from "../errors.ts";
import type { Constant, DType, Graph, Node, Padding, Pair, Quantisation, Shape, Window } from "./graph.ts";
import { constantsOf, sizeOf } from "./references.ts";
import { inferShapes, show } from "./shape.ts";

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array } as const;

/** Number of activations that an op reads; concat reads any number from 1 on. */
const ARITY: Record<Node["op"], number> = {
  conv2d: 1,
  depthwiseConv2d: 1,
  dense: 1,
  separable: 1,
  batchNorm: 1,
  moments: 1,
  normalise: 2,
  movingAverage: 1,
  scaleShift: 1,
  clamp: 1,
  sigmoid: 1,
  hardSwish: 1,
  softmax: 1,
  maxPool: 1,
  averagePool: 1,
  globalAveragePool: 1,
  add: 2,
  concat: Number.NaN,
  pad: 1,
  resizeBilinear: 1,
  reshape: 1,
  quantise: 1,
  dequantise: 1,
  identity: 1,
};

/**
 * Checks names (unique, defined before they are read, of the right kind), constants (dtype, length), attributes and shapes.
 * @throws TypeError for wrong kinds, RangeError for wrong values, ShapeError where numbers or types disagree; each names the node or tensor.
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
  for (const { name, shape, dtype, quantisation } of graph.inputs) {
    define(name, "input");
    checkTensor(`input "${name}"`, shape, dtype);
    checkValueQuantisation(`input "${name}"`, dtype, quantisation);
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

function where(node: Node): string {
  return `node "${node.name}" (${node.op})`;
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

function checkConstant(key: string, { name, shape, dtype, data, quantisation }: Constant): void {
  const what = `constant "${name}"`;
  if (key !== name) throw new RangeError(`${what}: expected to be stored under its own name, got "${key}"`);
  checkTensor(what, shape, dtype);
  if (quantisation !== undefined) checkQuantisation(what, dtype, quantisation);
  else if (dtype === "int8" || dtype === "uint8")
    throw new TypeError(`${what}: expected a quantisation for ${dtype}, got none`);
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
function checkValueQuantisation(what: string, dtype: DType, quantisation: Quantisation | undefined): void {
  if (dtype !== "int8" && dtype !== "uint8") return;
  if (quantisation === undefined) throw new TypeError(`${what}: expected a quantisation for ${dtype}, got none`);
  checkQuantisation(what, dtype, quantisation);
  const { length } = quantisation.scales;
  if (length !== 1) throw new RangeError(`${what}: expected one scale for the whole value, got ${length}`);
  if (quantisation.scales[0] === 0) throw new RangeError(`${what}: expected a scale that is a positive number, got 0`);
}

/**
 * A channel of weights may have the scale 0: a filter that was pruned.
 * @throws RangeError for scales that are no numbers from 0 on, zero points out of the type's range, lists of different lengths
 */
function checkQuantisation(what: string, dtype: DType, { scales, zeroPoints }: Quantisation): void {
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

/** Ops whose arithmetic there is in float32 only. */
const FLOAT_ONLY: ReadonlySet<Node["op"]> = new Set([
  "batchNorm",
  "moments",
  "normalise",
  "movingAverage",
  "scaleShift",
]);

/**
 * Every op computes in one type, that of its value: what it reads has it too, but for the two ops that convert. Weights are of that type, biases of 8-bit
 * layers of 32 bits, and a layer's weights share one zero point.
 */
function checkTypes(node: Node, graph: Graph, types: ReadonlyMap<string, DType>): void {
  const dtype = node.dtype ?? "float32";
  const byte = dtype === "int8" || dtype === "uint8";
  const expectType = (what: string, expected: string, holds: boolean, got: string) => {
    if (!holds) throw new ShapeError(`${where(node)}: expected ${what} of ${expected}, got ${got}`);
  };
  if (node.op === "quantise") expectType("a value", "int8 or uint8", byte, dtype);
  else if (node.op === "dequantise") expectType("a value", "float32", dtype === "float32", dtype);
  if (FLOAT_ONLY.has(node.op)) expectType("a value", "float32", dtype === "float32", dtype);
  for (const name of node.inputs) {
    const got = types.get(name)!;
    if (node.op === "quantise") expectType(`input "${name}"`, "float32 or 8 bits", got !== "int32", got);
    else if (node.op === "dequantise")
      expectType(`input "${name}"`, "int8 or uint8", got === "int8" || got === "uint8", got);
    else expectType(`input "${name}"`, dtype, got === dtype, got);
  }
  if (byte && node.op === "separable") {
    checkValueQuantisation(`${where(node)}, between its halves`, dtype, node.depthwise.quantisation);
  }
  for (const { role, name } of constantsOf(node)) {
    const constant = graph.constants.get(name)!;
    const expected = !byte ? "float32" : role === "bias" ? "int32" : dtype;
    expectType(`${role} "${name}"`, expected, constant.dtype === expected, constant.dtype);
    const zeroPoints = constant.quantisation?.zeroPoints ?? [];
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
  checkValueQuantisation(where(node), node.dtype ?? "float32", node.quantisation);
  const arity = ARITY[node.op];
  if (!Object.hasOwn(ARITY, node.op)) {
    throw new TypeError(`node "${node.name}": expected a known op, got ${JSON.stringify(node.op)}`);
  }
  const got = node.inputs.length;
  if (Number.isNaN(arity) ? got < 1 : got !== arity) {
    throw new RangeError(`${where(node)}: expected ${Number.isNaN(arity) ? "1 or more" : arity} inputs, got ${got}`);
  }
  switch (node.op) {
    case "conv2d":
    case "depthwiseConv2d":
      checkWindow(node, node);
      checkClamp(node, node.clamp);
      return;
    case "separable":
      checkWindow(node, node.depthwise);
      checkClamp(node, node.depthwise.clamp);
      checkClamp(node, node.pointwise.clamp);
      return;
    case "maxPool":
    case "averagePool":
      checkPair(node, "size", node.size, 1);
      checkPair(node, "strides", node.strides, 1);
      checkPadding(node, node.padding);
      checkClamp(node, node.clamp);
      return;
    case "dense":
    case "scaleShift":
    case "add":
      checkClamp(node, node.clamp);
      return;
    case "clamp":
      checkClamp(node, node);
      return;
    case "batchNorm":
    case "normalise":
      checkNumber(node, "epsilon", node.epsilon, (x) => x >= 0, "a number from 0 on");
      return;
    case "movingAverage":
      checkNumber(node, "momentum", node.momentum, (x) => x >= 0 && x <= 1, "a number from 0 to 1");
      checkNumber(node, "varianceFactor", node.varianceFactor, (x) => x > 0, "a positive number");
      return;
    case "softmax":
      checkNumber(node, "beta", node.beta, () => true, "a number");
      return;
    case "concat":
      checkNumber(node, "axis", node.axis, (x) => Number.isInteger(x) && x >= 0, "an integer from 0 on");
      return;
    case "pad":
      checkPadding(node, node.padding);
      // Minus infinity is the right neighbour of a maximum; NaN is nobody's.
      if (typeof node.value !== "number" || Number.isNaN(node.value)) {
        throw new RangeError(`${where(node)}: expected a number as value, got ${node.value}`);
      }
      return;
    case "resizeBilinear":
      checkPair(node, "size", node.size, 1);
      if (node.alignCorners && node.halfPixelCenters) {
        throw new RangeError(`${where(node)}: expected alignCorners or halfPixelCenters, got both`);
      }
      return;
    case "reshape":
      checkReshape(node, node.shape);
      return;
    default:
      return;
  }
}

function checkNumber(node: Node, field: string, value: number, holds: (x: number) => boolean, expected: string): void {
  if (!Number.isFinite(value) || !holds(value)) {
    throw new RangeError(`${where(node)}: expected ${field} to be ${expected}, got ${value}`);
  }
}

/** Window sizes, strides, dilations and pads that a 32-bit file can name. */
const MOST = 2 ** 31 - 1;

function checkPair(node: Node, field: string, pair: Pair, least: number): void {
  const holds = (x: unknown) => Number.isInteger(x) && (x as number) >= least && (x as number) <= MOST;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(holds)) {
    throw new RangeError(
      `${where(node)}: expected ${field} to be two integers from ${least} to 2³¹ − 1, got ${JSON.stringify(pair)}`,
    );
  }
}

function checkWindow(node: Node, { strides, dilations, padding }: Window): void {
  checkPair(node, "strides", strides, 1);
  checkPair(node, "dilations", dilations, 1);
  checkPadding(node, padding);
}

function checkPadding(node: Node, padding: Padding): void {
  if (padding === "same" || padding === "valid") return;
  if (typeof padding !== "object" || padding === null) {
    throw new TypeError(
      `${where(node)}: expected padding to be "same", "valid" or pixels, got ${JSON.stringify(padding)}`,
    );
  }
  for (const side of ["top", "bottom", "left", "right"] as const) {
    if (!Number.isInteger(padding[side]) || padding[side] < 0 || padding[side] > MOST) {
      throw new RangeError(
        `${where(node)}: expected padding.${side} to be an integer from 0 to 2³¹ − 1, got ${padding[side]}`,
      );
    }
  }
}

function checkClamp(node: Node, clamp: { readonly lo: number; readonly hi: number } | undefined): void {
  // Written so that NaN fails too.
  if (clamp !== undefined && !(clamp.lo <= clamp.hi)) {
    throw new RangeError(`${where(node)}: expected clamp bounds lo ≤ hi, got ${clamp.lo} and ${clamp.hi}`);
  }
}

function checkReshape(node: Node, shape: Shape): void {
  const unknown = shape.filter((dimension) => dimension === -1).length;
  if (
    unknown > 1 ||
    !shape.every((dimension) => dimension === -1 || (Number.isSafeInteger(dimension) && dimension >= 1))
  ) {
    throw new RangeError(`${where(node)}: expected dimensions from 1 on and at most one −1, got ${show(shape)}`);
  }
}
