/**
 * TFLite's operators that change a value's shape alone.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { positiveAxis, resolvedShape, sizeOf, withOpenBatch } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import type { OperatorCall } from "./call.ts";
import { isOpen } from "./schema.ts";

/** The only option of RESHAPE and SQUEEZE: the new shape, the axes. */
const FIRST = 0;

/** RESHAPE comes to its second input, to its option, or to what the output declares. */
export function reshape(call: OperatorCall): string {
  const asked = call.known(1)?.values ?? (call.tensor(1) ? undefined : call.operator.options?.int32s(FIRST));
  return reshapeTo(call, asked?.length ? asked : call.output.shape);
}

/** SQUEEZE loses the axes of size 1 that its option names, or all. */
export function squeeze(call: OperatorCall): string {
  if (declares(call)) return reshapeTo(call, call.output.shape);
  const from = call.shape(0);
  const axes = (call.operator.options?.int32s(FIRST) ?? []).map((axis) => positiveAxis(axis, from.length));
  return reshapeTo(
    call,
    from.filter((n, axis) => !(axes.length === 0 ? n === 1 : axes.includes(axis))),
  );
}

/** EXPAND_DIMS gains one. */
export function expandDims(call: OperatorCall): string {
  if (declares(call)) return reshapeTo(call, call.output.shape);
  const from = call.shape(0);
  const [axis = 0] = call.integers(1);
  return reshapeTo(call, from.toSpliced(positiveAxis(axis, from.length + 1), 0, 1));
}

/** Whether what the file says of the output's shape holds: not where sizes were left open. */
export function declares({ draft, output }: OperatorCall): boolean {
  return !draft.resized && !isOpen(output) && output.shape.length > 0;
}

function reshapeTo(call: OperatorCall, target: Shape): string {
  const from = call.shape(0);
  const to = resolvedShape(sizeOf(from), target);
  if (!to || to.length === 0) {
    throw new FormatError(
      `${call.where}: expected an output with the numbers of [${from.join(",")}], got [${target.join(",")}]`,
    );
  }
  return call.node({ op: "reshape", shape: withOpenBatch(from, to) }, [call.value(0)]);
}
