/**
 * What ONNX files compute of what is known beforehand: shapes that PyTorch writes as Shape, Gather, Unsqueeze, Concat,
 * sizes and factors. All of it is computed here and now.
 * @module
 */

import { sizeOf } from "../../graph/dimensions.ts";
import { gathered, joined, type Known, listOf, stridedSlice } from "../common/integers.ts";
import type { NodeCall } from "./call.ts";
import { MOST_VALUES, type Operand, ofInfo, ofValues, type Tensor } from "./operand.ts";
import { type ElementType, typeName } from "./tensors.ts";

/** The numbers for inputs that are all known; undefined where there is more to it than is done here. */
type Fold = (call: NodeCall, inputs: readonly Known[], whole: boolean) => Known | undefined;

const arithmetic =
  (f: (a: number, b: number, whole: boolean) => number): Fold =>
  (_, [a, b], whole) =>
    a && b && elementwise(a, b, (x, y) => f(x, y, whole));

const unary =
  (f: (a: number) => number): Fold =>
  (_, [data]) =>
    data && { shape: data.shape, values: data.values.map(f) };

const FOLDS: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ["Add", arithmetic((a, b) => a + b)],
  ["Sub", arithmetic((a, b) => a - b)],
  ["Mul", arithmetic((a, b) => a * b)],
  ["Div", arithmetic((a, b, whole) => (whole ? Math.trunc(a / b) : a / b))],
  ["Mod", arithmetic((a, b) => a - b * Math.floor(a / b))],
  ["Min", arithmetic((a, b) => Math.min(a, b))],
  ["Max", arithmetic((a, b) => Math.max(a, b))],
  ["Floor", unary(Math.floor)],
  ["Ceil", unary(Math.ceil)],
  ["Neg", unary((a) => 0 - a)],
  ["Sqrt", unary(Math.sqrt)],
  ["Gather", gather],
  ["Concat", (call, inputs) => joined(inputs, call.integer("axis", 0), false)],
  ["Slice", slice],
  ["Range", range],
  ["ReduceProd", (call, [data]) => data && product(call, data)],
  ["Expand", (_, [data, shape]) => (data && shape && data.values.length === 1 ? filled(shape, data) : undefined)],
]);

/** Operators of which nothing is run: they are known beforehand, or not supported. */
const ONLY_KNOWN: ReadonlySet<string> = new Set(["Mod", "Range"]);

/** Whether an operator is computed beforehand or not at all. */
export function isFolded(op: string): boolean {
  return ONLY_KNOWN.has(op) || OTHERS.has(op);
}

/** Operators with types of their own. */
const OTHERS: ReadonlyMap<string, (call: NodeCall) => Tensor> = new Map([
  ["Constant", constant],
  ["ConstantOfShape", constantOfShape],
  ["Shape", shape],
  ["Size", (call) => ofValues(call.output, "int64", [], [sizeOf(dimsOf(call.operand(0)))])],
]);

/**
 * What a node comes to where all that it reads is known; undefined for one that computes a value.
 * @throws {UnsupportedError} The operator is one for what is known, and its inputs are not, or not such as are
 * supported.
 */
export function fold(call: NodeCall): Operand | undefined {
  const other = OTHERS.get(call.op);
  if (other) return { tensor: other(call) };
  const rule = FOLDS.get(call.op);
  if (rule === undefined) return undefined;
  const inputs = call.node.inputs.filter((name) => name !== "").map((name) => call.draft.operands.get(name));
  const tensors = inputs.map((found) => (found && "tensor" in found ? found.tensor : undefined));
  const known = tensors.map((tensor) => tensor?.values && { shape: tensor.dims, values: tensor.values });
  const [first] = tensors;
  const whole = first !== undefined && !first.type.startsWith("float");
  const result = known.length === 0 || known.includes(undefined) ? undefined : rule(call, known as Known[], whole);
  if (result && result.values.length <= MOST_VALUES) {
    return { tensor: ofValues(call.output, first!.type, result.shape, result.values) };
  }
  if (!ONLY_KNOWN.has(call.op)) return undefined;
  const unknown = known.indexOf(undefined);
  throw call.unsupported(
    "a few numbers that are known beforehand",
    unknown < 0 ? "others" : `"${call.node.inputs[unknown]}"`,
  );
}

function dimsOf(found: Operand) {
  return "tensor" in found ? found.tensor.dims : found.value.layout.dims;
}

/** Dimensions from `start` to `end`, as the file has them. */
function shape(call: NodeCall): Tensor {
  const dims = dimsOf(call.operand(0));
  const part = dims.slice(call.integer("start", 0), call.hasAttribute("end") ? call.integer("end", 0) : undefined);
  return ofValues(call.output, "int64", [part.length], part);
}

function constant(call: NodeCall): Tensor {
  const name = call.output;
  const info = call.tensorAttribute("value");
  if (info) return { ...ofInfo(info), name };
  const one = call.floats("value_float");
  if (call.hasAttribute("value_float")) return ofValues(name, "float32", [], [call.float("value_float", 0)]);
  if (call.hasAttribute("value_int")) return ofValues(name, "int64", [], [call.integer("value_int", 0)]);
  const list = call.floats("value_floats") ?? one;
  if (call.hasAttribute("value_floats") && list) return few(call, "float32", list);
  if (call.hasAttribute("value_ints")) return few(call, "int64", call.list("value_ints")!);
  throw call.unsupported("a value, value_float(s) or value_int(s)", [...call.node.attributes.keys()].join(", "));
}

function few(call: NodeCall, type: ElementType, list: readonly number[]): Tensor {
  if (list.length > MOST_VALUES) throw call.unsupported(`at most ${MOST_VALUES} numbers`, `${list.length}`);
  return ofValues(call.output, type, [list.length], list);
}

function constantOfShape(call: NodeCall): Tensor {
  const dims = call.integers(0);
  const info = call.tensorAttribute("value");
  const { values = [0], type } = info ? ofInfo(info) : { type: "float32" as const };
  const [number = 0] = values;
  const size = sizeOf(dims);
  if (dims.some((n) => !(n >= 0 && n < 2 ** 31)) || !Number.isSafeInteger(size) || dims.length > 16) {
    throw call.wrong("a shape", `[${dims.slice(0, 16)}]`);
  }
  if (size <= MOST_VALUES) return ofValues(call.output, type, dims, new Array<number>(size).fill(number));
  const where = `onnx: constant "${call.output}"`;
  return {
    name: call.output,
    type,
    dims,
    numbers: async (budget) => {
      budget.unpack(4 * size, where);
      return new Float32Array(size).fill(number);
    },
  };
}

/** A known tensor in another type; a value that stays what it is. */
export function cast(call: NodeCall): Operand {
  const found = call.operand(0);
  const to = typeName(call.integer("to", 0));
  if ("value" in found) {
    if (!found.value.dtype && (to === "float32" || to === "float16")) return found;
    throw call.unsupported("a cast to float", to);
  }
  const { tensor } = found;
  const { values, dims } = tensor;
  const isFloat = (type: string) => type.startsWith("float");
  if (isFloat(to) && isFloat(tensor.type)) return { tensor: { ...tensor, name: call.output } };
  if (values === undefined)
    throw call.unsupported("a few numbers, or a cast between floats", `${tensor.type} to ${to}`);
  if (isFloat(to)) return { tensor: ofValues(call.output, to, dims, values.map(Math.fround)) };
  if (!/int|bool/.test(to)) throw call.unsupported("a cast to numbers", to);
  return { tensor: ofValues(call.output, to, dims, values.map(to === "bool" ? (n) => (n === 0 ? 0 : 1) : Math.trunc)) };
}

function elementwise(a: Known, b: Known, f: (a: number, b: number) => number): Known | undefined {
  const [long, short] = a.shape.length >= b.shape.length && a.values.length >= b.values.length ? [a, b] : [b, a];
  if (short.values.length !== 1 && `${a.shape}` !== `${b.shape}`) return undefined;
  if (short.shape.length > long.shape.length) return undefined;
  const at = (list: readonly number[], i: number) => list[list.length === 1 ? 0 : i]!;
  return { shape: long.shape, values: long.values.map((_, i) => f(at(a.values, i), at(b.values, i))) };
}

function gather(call: NodeCall, [data, indices]: readonly Known[]): Known | undefined {
  return data && indices && call.integer("axis", 0) === 0 ? gathered(data, indices) : undefined;
}

/** Of a list; starts and ends are settings until opset 9, inputs from then on. */
function slice(call: NodeCall, [data, ...rest]: readonly Known[]): Known | undefined {
  const inputs = call.opset >= 10;
  const list = (key: string, i: number) => (inputs ? rest[i]?.values : call.list(key));
  const [starts, ends] = [list("starts", 0), list("ends", 1)];
  const [axes, steps] = [list("axes", 2) ?? [0], inputs && call.has(4) ? rest.at(-1)!.values : [1]];
  if (!data || starts?.length !== 1 || ends?.length !== 1) return undefined;
  if ((axes[0] !== 0 && axes[0] !== -1 && call.has(3)) || steps.length !== 1) return undefined;
  return stridedSlice(data, [starts[0]!, ends[0]!, steps[0]!], { begin: 0, end: 0, shrink: 0 });
}

function range(_: NodeCall, [start, limit, delta]: readonly Known[]): Known | undefined {
  const [from, to, step] = [start, limit, delta].map((known) => known?.values[0]);
  if (from === undefined || to === undefined || !step) return undefined;
  const count = Math.max(0, Math.ceil((to - from) / step));
  return count <= MOST_VALUES ? listOf(Array.from({ length: count }, (_, i) => from + i * step)) : undefined;
}

function product(call: NodeCall, { shape, values }: Known): Known | undefined {
  if (shape.length > 1) return undefined;
  const keeps = call.integer("keepdims", 1) !== 0;
  return { shape: keeps ? shape.map(() => 1) : [], values: [values.reduce((a, b) => a * b, 1)] };
}

function filled({ values: dims }: Known, { values }: Known): Known | undefined {
  const size = sizeOf(dims);
  if (!dims.every((n) => Number.isInteger(n) && n >= 0) || !(size <= MOST_VALUES)) return undefined;
  return { shape: dims, values: new Array<number>(size).fill(values[0]!) };
}
