/**
 * ONNX's operators that take parts of a value: Slice and Split.
 * @module
 */

import type { NodeFields } from "../../graph/builder.ts";
import { commonOrder } from "./arithmetic.ts";
import type { NodeCall } from "./call.ts";
import { heldValue, typeOf } from "./draft.ts";
import type { Operand } from "./operand.ts";

/** A part of an axis: its first index, how many there are, and the step from one to the next. */
interface Span {
  readonly begin: number;
  readonly size: number;
  readonly stride: number;
}

/** Slice: from starts to ends, in steps that may go backwards, of some axes. */
export function slice(call: NodeCall): Operand {
  const { dims } = call.value(0).layout;
  const inputs = call.opset >= 10;
  const list = (key: string, i: number) => (inputs ? (call.has(i) ? call.integers(i) : undefined) : call.list(key));
  const [starts, ends] = [list("starts", 1), list("ends", 2)];
  const axes = list("axes", 3) ?? starts?.map((_, i) => i);
  const steps = (inputs ? list("steps", 4) : undefined) ?? starts?.map(() => 1);
  if (!starts || !ends || !axes || !steps || [ends, axes, steps].some(({ length }) => length !== starts.length)) {
    throw call.wrong("starts, ends, axes and steps of one length", "others");
  }
  const spans = dims.map((size): Span => ({ begin: 0, size, stride: 1 }));
  for (const [i, asked] of axes.entries()) {
    const axis = call.axis(asked, dims.length);
    spans[axis] = spanOf(call, dims[axis]!, starts[i]!, ends[i]!, steps[i]!);
  }
  return part(call, spans, call.output);
}

/** As NumPy takes it: indices from the end below 0, and no further than there are any. */
function spanOf(call: NodeCall, n: number, start: number, end: number, step: number): Span {
  if (step === 0) throw call.wrong("steps other than 0", "0");
  const [lo, hi] = step > 0 ? [0, n] : [-1, n - 1];
  const within = (index: number) => Math.min(hi, Math.max(lo, index < 0 ? index + n : index));
  const begin = within(start);
  const size = Math.ceil((within(end) - begin) / step);
  if (!(size >= 1)) throw call.unsupported("a part of one at least", `${size <= 0 ? "none" : size} of ${n}`);
  return { begin, size, stride: step };
}

/** Split: a part for each output, of equal sizes where none are said. */
export function split(call: NodeCall): readonly Operand[] {
  const { dims } = call.value(0).layout;
  const axis = call.axis(call.integer("axis", 0), dims.length);
  const count = call.node.outputs.length;
  const even = Math.ceil(dims[axis]! / count);
  const sizes =
    (call.opset >= 13 ? (call.has(1) ? call.integers(1) : undefined) : call.list("split")) ??
    Array.from({ length: count }, (_, i) => Math.min(even, dims[axis]! - i * even));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.length !== count || total !== dims[axis] || sizes.some((size) => !(size >= 1))) {
    throw call.wrong(`${count} parts that make up ${dims[axis]}`, `[${sizes.slice(0, 16)}]`);
  }
  let begin = 0;
  return call.node.outputs.map((name, i) => {
    const size = sizes[i]!;
    const spans = dims.map(
      (n, at): Span => (at === axis ? { begin, size, stride: 1 } : { begin: 0, size: n, stride: 1 }),
    );
    begin += size;
    return part(call, spans, name);
  });
}

/** One part, under the name of an output. */
function part(call: NodeCall, spans: readonly Span[], output: string): Operand {
  const x = call.value(0);
  const held = commonOrder([x]);
  const name = call.draft.held(x, held, call.where);
  const own = held.map((axis) => spans[axis]!);
  const fields = {
    op: "slice",
    begin: own.map(({ begin }) => begin),
    size: own.map(({ size }) => size),
    strides: own.map(({ stride }) => stride),
    ...typeOf(x),
  };
  const result = call.draft.emit(output, fields as unknown as NodeFields & Record<string, unknown>, [name]);
  return {
    value: heldValue(
      result,
      spans.map(({ size }) => size),
      held,
      typeOf(x),
    ),
  };
}
