/**
 * ONNX's operators that change a value's dimensions, or go along some of them. Where only dimensions or their order
 * change, no number moves: what is read is remembered as another layout of the same value.
 * @module
 */

import type { NodeFields } from "../../graph/builder.ts";
import { resolvedShape, sizeOf } from "../../graph/dimensions.ts";
import type { Shape, Unary } from "../../graph/graph.ts";
import type { Reduction } from "../../graph/ops/reduce.ts";
import { commonOrder } from "./arithmetic.ts";
import type { NodeCall } from "./call.ts";
import { typeOf } from "./draft.ts";
import { asWritten, isHeld, plain, reshaped, transposed } from "./layout.ts";
import { type Operand, type Value, type ValueType, withAxes, withDims } from "./operand.ts";

/** The dimensions of an input, known or computed. */
function dimsOf(found: Operand): Shape {
  return "tensor" in found ? found.tensor.dims : found.value.layout.dims;
}

/** The first input under other dimensions. */
function under(call: NodeCall, dims: Shape): Operand {
  const found = call.operand(0);
  if ("tensor" in found) return { tensor: withDims(found.tensor, call.output, dims) };
  const { value } = found;
  const layout = reshaped(value.layout, dims);
  if (layout) return { value: { ...value, layout } };
  // Factors that do not go together have to be held as the file has them.
  const name = call.draft.held(value, asWritten(value.layout.dims.length), call.where);
  return { value: { ...value, name, layout: plain(dims) } };
}

/** To dimensions of which 0 means the one that is there (unless `allowzero` says otherwise), −1 what is left. */
export function reshape(call: NodeCall): Operand {
  const from = dimsOf(call.operand(0));
  const target = call.integers(1);
  const keeps = call.integer("allowzero", 0) === 0;
  if (keeps && target.some((n, i) => n === 0 && i >= from.length)) {
    throw call.wrong("0 for dimensions that there are", `[${target}] of [${from}]`);
  }
  const dims = resolvedShape(
    sizeOf(from),
    target.map((n, i) => (n === 0 && keeps ? from[i]! : n)),
  );
  if (dims === undefined) throw call.wrong(`dimensions of ${sizeOf(from)} numbers`, `[${target.slice(0, 16)}]`);
  return under(call, dims);
}

/** All dimensions before the axis as one, and all from it on as another. */
export function flatten(call: NodeCall): Operand {
  const from = dimsOf(call.operand(0));
  const axis = call.integer("axis", 1);
  const at = axis < 0 ? axis + from.length : axis;
  if (at < 0 || at > from.length) throw call.wrong(`an axis of ${from.length} dimensions`, `${axis}`);
  return under(call, [sizeOf(from.slice(0, at)), sizeOf(from.slice(at))]);
}

/** Without dimensions of 1: those that are named, or all. */
export function squeeze(call: NodeCall): Operand {
  const from = dimsOf(call.operand(0));
  const axes = call.axes(1)?.map((axis) => call.axis(axis, from.length));
  if (axes?.some((axis) => from[axis] !== 1)) throw call.wrong("axes of size 1", `[${axes}] of [${from}]`);
  return under(
    call,
    from.filter((n, axis) => (axes ? !axes.includes(axis) : n !== 1)),
  );
}

/** With dimensions of 1 where they are named. */
export function unsqueeze(call: NodeCall): Operand {
  const from = dimsOf(call.operand(0));
  const given = call.axes(1) ?? [];
  const rank = from.length + given.length;
  const axes = new Set(given.map((axis) => call.axis(axis, rank)));
  if (axes.size !== given.length || rank > 16) throw call.wrong("axes, each once", `[${given.slice(0, 16)}]`);
  const rest = [...from];
  return under(
    call,
    Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : rest.shift()!)),
  );
}

/** The dimensions in another order, which is remembered. */
export function transpose(call: NodeCall): Operand {
  const found = call.operand(0);
  const { length } = dimsOf(found);
  const permutation = call.list("perm") ?? asWritten(length).reverse();
  if (permutation.length !== length || `${[...permutation].sort((a, b) => a - b)}` !== `${asWritten(length)}`) {
    throw call.wrong(`the ${length} axes in some order`, `[${permutation.slice(0, 16)}]`);
  }
  if ("tensor" in found) return { tensor: withAxes(found.tensor, call.output, permutation) };
  const { value } = found;
  return { value: { ...value, layout: transposed(value.layout, permutation) } };
}

/** Nothing: Identity, Dropout. */
export function nothing(call: NodeCall): Operand {
  if (call.integer("training_mode", 0) !== 0 || (call.op === "Dropout" && call.has(2) && call.number(2) !== 0)) {
    throw call.unsupported("inference", "training");
  }
  if (call.node.outputs.slice(1).some((name) => call.draft.readers.has(name))) {
    throw call.unsupported("one output", "a mask beside it");
  }
  return call.operand(0);
}

/** Values one behind the other along an axis. */
export function concat(call: NodeCall): Operand {
  const values = call.node.inputs.map((_, i) => call.value(i));
  const [first] = values as [Value, ...Value[]];
  if (first === undefined) throw call.wrong("an input", "none");
  const { dims } = first.layout;
  const axis = call.axis(call.integer("axis", call.opset < 4 ? 1 : 0), dims.length);
  if (values.some(({ layout }) => layout.dims.length !== dims.length)) {
    throw call.wrong("inputs of one rank", values.map(({ layout }) => `[${layout.dims}]`).join(", "));
  }
  const held = commonOrder(values);
  const names = values.map((value) => call.draft.held(value, held, call.where));
  const total = values.reduce((size, { layout }) => size + layout.dims[axis]!, 0);
  const result = call.emit({ op: "concat", axis: held.indexOf(axis) }, names);
  return call.of(result, dims.toSpliced(axis, 1, total), held, typeOf(first));
}

/** Sums of what a function makes of each number, and what another one makes of the sums. */
export function sumOf(of: Unary["of"], then?: Unary["of"]): (call: NodeCall) => Operand {
  return (call) => {
    const x = call.value(0);
    const each = { ...x, name: call.emit({ op: "unary", of }, [x.name], of) };
    if (then === undefined) return reduced(call, "sum", each);
    const sums = reduced(call, "sum", each, "sums");
    return "value" in sums ? call.like(sums.value, { op: "unary", of: then }) : sums;
  };
}

/** Sums, means and the like along axes. */
export function reduction(by: Reduction): (call: NodeCall) => Operand {
  return (call) => reduced(call, by, call.value(0));
}

function reduced(call: NodeCall, by: Reduction, x: Value, as?: string): Operand {
  const { dims } = x.layout;
  const asked = call.axes(1);
  // Without axes it is all of them, or nothing where the node says so.
  if (asked?.length === 0 && call.integer("noop_with_empty_axes", 0) !== 0) return { value: x };
  const axes = [
    ...new Set((asked?.length ? asked : asWritten(dims.length)).map((axis) => call.axis(axis, dims.length))),
  ];
  const keeps = call.integer("keepdims", 1) !== 0;
  const rest = asWritten(dims.length).filter((axis) => !axes.includes(axis));
  // The mean over the rows and columns of a map of pixels is a pool, wherever they stand in the file.
  const map = dims.length === 4 && axes.length === 2 && rest[0] === 0;
  if (by === "mean" && map && isHeld(x.layout, [0, ...[...axes].sort(), rest[1]!])) return reduceMean(call);
  const held = commonOrder([x]);
  const name = call.draft.held(x, held, call.where);
  const own = axes.map((axis) => held.indexOf(axis)).sort((a, b) => a - b);
  const result = call.emit({ op: "reduce", by, axes: own, keepDims: keeps }, [name], as);
  if (keeps)
    return call.of(
      result,
      dims.map((n, axis) => (axes.includes(axis) ? 1 : n)),
      held,
    );
  const order = held.filter((axis) => rest.includes(axis)).map((axis) => rest.indexOf(axis));
  return call.of(
    result,
    rest.map((axis) => dims[axis]!),
    order,
  );
}

/** ArgMax and ArgMin along an axis: whole numbers, which are of 32 bits here. */
export function argMax(call: NodeCall): Operand {
  const given = call.value(0);
  const least = call.op === "ArgMin";
  const x = least ? { ...given, name: call.emit({ op: "unary", of: "neg" }, [given.name], "negative") } : given;
  const { dims } = x.layout;
  const last = call.integer("select_last_index", 0) !== 0;
  const axis = call.axis(call.integer("axis", 0), dims.length);
  const keeps = call.integer("keepdims", 1) !== 0;
  const held = commonOrder([x]);
  const name = call.draft.held(x, held, call.where);
  const fields = {
    op: "argMax",
    axis: held.indexOf(axis),
    keepDims: keeps,
    dtype: "int32",
    ...(last && { last }),
  } as const;
  const result = call.emit(fields as unknown as NodeFields, [name]);
  const type: ValueType = { dtype: "int32" };
  if (keeps) return call.of(result, dims.with(axis, 1), held, type);
  const rest = asWritten(dims.length).filter((one) => one !== axis);
  return call.of(
    result,
    dims.toSpliced(axis, 1),
    held.filter((one) => one !== axis).map((one) => rest.indexOf(one)),
    type,
  );
}

/** The mean over two axes: those of a map of pixels, wherever they are. */
function reduceMean(call: NodeCall): Operand {
  const x = call.value(0);
  const { dims } = x.layout;
  const axes = [...new Set((call.axes(1) ?? asWritten(dims.length)).map((axis) => call.axis(axis, dims.length)))];
  const keeps = call.integer("keepdims", 1) !== 0;
  const rest = asWritten(dims.length).filter((axis) => !axes.includes(axis));
  if (dims.length !== 4 || axes.length !== 2 || !rest.includes(0)) {
    throw call.unsupported("the mean over height and width", `axes [${axes}] of [${dims}]`);
  }
  const held = [0, ...axes.sort(), rest[1]!];
  const name = call.draft.held(x, held, call.where);
  const result = call.emit({ op: "globalAveragePool", keepDims: keeps }, [name]);
  const kept = dims.map((n, axis) => (axes.includes(axis) ? 1 : n));
  if (keeps) return call.of(result, kept, held);
  return call.of(
    result,
    rest.map((axis) => dims[axis]!),
    [0, 1],
  );
}
