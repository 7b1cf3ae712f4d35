/**
 * What graph models compute of shapes, computed while they are read: Keras writes a reshape with an open batch as
 * Shape, StridedSlice, Pack, Reshape.
 * @module
 */

import { FormatError } from "../../errors.ts";
import {
  DIVISIONS,
  elementwise,
  expanded,
  gathered,
  joined,
  type Known,
  listOf,
  reduced,
  sliced,
  spread,
  squeezed,
  stridedSlice,
} from "../common/integers.ts";
import type { Call, Operand } from "./call.ts";
import { booleanAttribute, numberAttribute, where } from "./graphdef.ts";
import { known, operand, unsupported } from "./operands.ts";

type Fold = (call: Call, inputs: readonly Known[]) => Known | undefined;

const arithmetic =
  (f: (a: number, b: number) => number): Fold =>
  (_, [a, b]) =>
    a && b && elementwise(a, b, f);

const reduction =
  (f: (a: number, b: number) => number): Fold =>
  (call, [data]) =>
    data && reduced(data, f, booleanAttribute(call.node, "keep_dims", false));

const FOLDS: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ["StridedSlice", slice],
  ["Slice", (_, [data, begin, size]) => data && begin && size && sliced(data, begin.values[0]!, size.values[0]!)],
  ["Pack", (call, inputs) => joined(inputs, numberAttribute(call.node, "axis", 0), true)],
  ["ConcatV2", (_, inputs) => joined(inputs.slice(0, -1), inputs.at(-1)?.values[0] ?? 0, false)],
  ["GatherV2", (_, [data, indices]) => data && indices && gathered(data, indices)],
  ["Add", arithmetic((a, b) => a + b)],
  ["AddV2", arithmetic((a, b) => a + b)],
  ["Sub", arithmetic((a, b) => a - b)],
  ["Mul", arithmetic((a, b) => a * b)],
  ["FloorDiv", arithmetic(DIVISIONS.flooring)],
  ["FloorMod", arithmetic(DIVISIONS.remainder)],
  ["Maximum", arithmetic(Math.max)],
  ["Minimum", arithmetic(Math.min)],
  ["Prod", reduction((a, b) => a * b)],
  ["Sum", reduction((a, b) => a + b)],
  ["Cast", (_, [data]) => data],
  ["Squeeze", (_, [data]) => data && squeezed(data)],
  ["ExpandDims", (_, [data]) => data && expanded(data)],
  [
    "SparseToDense",
    (_, [places, shape, numbers, fill]) => places && shape && numbers && fill && spread(places, shape, numbers, fill),
  ],
]);

/** The numbers that a node comes to, where all that it reads is known; undefined for one that computes a value. */
export function foldKnown(call: Call): Operand | undefined {
  const fold = FOLDS.get(call.node.op);
  if (!fold) return undefined;
  const inputs = call.inputs.map(known);
  const result = inputs.includes(undefined) ? undefined : fold(call, inputs as Known[]);
  return result && asOperand(call, result);
}

/** The shape of a value, its batch 1. */
export function shapeOp(call: Call): Operand {
  const found = operand(call, 0);
  return asOperand(call, listOf("constant" in found ? found.constant.shape : call.shape(found.value)));
}

/**
 * For ops that are there for what is known beforehand only. @throws UnsupportedError, for they are reached with
 * something else
 */
export function onlyKnown(call: Call): never {
  if (call.inputs.length === 0) throw new FormatError(`${where(call.node)}: expected inputs, got none`);
  const unknown = call.inputs.findIndex((found) => !known(found));
  const got = call.node.inputs[unknown];
  throw unsupported(
    call,
    "short lists of whole numbers that are known beforehand",
    got === undefined ? "others" : `"${got}"`,
  );
}

/** Ops of which nothing is run: they are known beforehand, or not supported. */
export const ONLY_KNOWN = ["GatherV2", "FloorMod", "SparseToDense"];

function asOperand({ node }: Call, { shape, values }: Known): Operand {
  return { name: node.name, constant: { shape, dtype: "int32", data: Int32Array.from(values) } };
}

function slice(call: Call, [data, begin, end, strides]: readonly Known[]): Known | undefined {
  if (!data || !begin || !end || !strides || begin.values.length !== 1) return undefined;
  const mask = (key: string) => numberAttribute(call.node, key, 0);
  if (mask("ellipsis_mask") !== 0 || mask("new_axis_mask") !== 0) return undefined;
  const masks = { begin: mask("begin_mask"), end: mask("end_mask"), shrink: mask("shrink_axis_mask") };
  return stridedSlice(data, [begin.values[0]!, end.values[0]!, strides.values[0]!], masks);
}
