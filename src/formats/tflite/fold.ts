/**
 * What TFLite files compute of shapes: a reshape with an open batch takes the batch from its input (SHAPE,
 * STRIDED_SLICE, PACK). All of it is known once the sizes of the inputs are, so it is computed here and now.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import {
  DIVISIONS,
  elementwise,
  expanded,
  gathered,
  joined,
  type Known,
  listOf,
  reduced,
  reshaped,
  sliced,
  squeezed,
  stridedSlice,
} from "../common/integers.ts";
import type { OperatorCall } from "./call.ts";
import { shownName } from "./draft.ts";

/** The result for inputs that are all known; undefined where the operator does more than is done here. */
type Fold = (call: OperatorCall, inputs: readonly Known[]) => Known | undefined;

// Indices of fields in the tables of options, in the order of the schema.
const SLICE = { begin: 0, end: 1, ellipsis: 2, newAxis: 3, shrink: 4 } as const;
const PACK_AXIS = 1;
/** Options of CONCATENATION, GATHER and the reductions begin with what matters. */
const FIRST = 0;

const setting = (call: OperatorCall, index: number): number => call.operator.options?.int32(index) ?? 0;

const arithmetic =
  (f: (a: number, b: number) => number): Fold =>
  (_, [a, b]) =>
    a && b && elementwise(a, b, f);

const reduction =
  (f: (a: number, b: number) => number): Fold =>
  (call, [data]) =>
    data && reduced(data, f, call.operator.options?.int8(FIRST) === 1);

const same: Fold = (_, [data]) => data;

/** What is known stays so, whatever type it is cast to. */
const CAST = "CAST";

/** Operators of which nothing is run: they are known beforehand, or not supported. */
const ONLY_KNOWN: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  [
    "GATHER",
    (call, [data, indices]) => (setting(call, FIRST) === 0 ? data && indices && gathered(data, indices) : undefined),
  ],
  ["FLOOR_DIV", arithmetic(DIVISIONS.flooring)],
  ["FLOOR_MOD", arithmetic(DIVISIONS.remainder)],
]);

/** Operators that there are for values too. */
const ALSO_KNOWN: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ["CONCATENATION", (call, inputs) => joined(inputs, setting(call, FIRST), false)],
  ["ADD", arithmetic((a, b) => a + b)],
  ["SUB", arithmetic((a, b) => a - b)],
  ["MUL", arithmetic((a, b) => a * b)],
  ["DIV", arithmetic(DIVISIONS.truncating)],
  ["NEG", (_, [data]) => data && elementwise(data, data, (a) => 0 - a)],
  ["MAXIMUM", arithmetic(Math.max)],
  ["MINIMUM", arithmetic(Math.min)],
  ["RESHAPE", (call, [data, shape]) => data && reshaped(data, shape?.values ?? call.output.shape)],
  ["SQUEEZE", (_, [data]) => data && squeezed(data)],
  ["EXPAND_DIMS", (_, [data]) => data && expanded(data)],
  ["STRIDED_SLICE", slice],
  ["SLICE", (_, [data, begin, size]) => data && begin && size && sliced(data, begin.values[0]!, size.values[0]!)],
  ["PACK", (call, inputs) => joined(inputs, setting(call, PACK_AXIS), true)],
  ["REDUCE_PROD", reduction((a, b) => a * b)],
  ["SUM", reduction((a, b) => a + b)],
  ["REDUCE_MAX", reduction(Math.max)],
  ["REDUCE_MIN", reduction(Math.min)],
  [CAST, same],
]);

/** Whether an operator is one of those that are computed beforehand or not at all. */
export function isFolded(op: string): boolean {
  return op === "SHAPE" || ONLY_KNOWN.has(op);
}

/**
 * The whole numbers that an operator comes to; undefined for one that computes a value.
 * @throws {UnsupportedError} The operator is one for whole numbers, and its inputs are not known, or not such as are
 * supported.
 */
export function fold(call: OperatorCall): Known | undefined {
  const { op, inputs } = call.operator;
  if (op === "SHAPE") return listOf(call.shape(0));
  const only = ONLY_KNOWN.get(op);
  const rule = only ?? ALSO_KNOWN.get(op);
  if (!rule || !(only || op === CAST || /^int(32|64)$/.test(call.output.type))) return undefined;
  const known = inputs.map((_, i) => call.known(i));
  const result = known.includes(undefined) ? undefined : rule(call, known as Known[]);
  if (result || !only) return result;
  const unknown = known.indexOf(undefined);
  const tensor = unknown < 0 ? undefined : call.tensor(unknown);
  throw new UnsupportedError(
    `${call.where}: expected short lists of whole numbers that are known beforehand, got ${tensor ? `'${shownName(tensor)}'` : "others"}`,
  );
}

function slice(call: OperatorCall, [data, begin, end, strides]: readonly Known[]): Known | undefined {
  if (!data || !begin || !end || !strides || begin.values.length !== 1) return undefined;
  if (setting(call, SLICE.ellipsis) !== 0 || setting(call, SLICE.newAxis) !== 0) return undefined;
  const [bounds, masks] = [
    [begin.values[0]!, end.values[0]!, strides.values[0]!] as const,
    { begin: setting(call, SLICE.begin), end: setting(call, SLICE.end), shrink: setting(call, SLICE.shrink) },
  ];
  return stridedSlice(data, bounds, masks);
}
