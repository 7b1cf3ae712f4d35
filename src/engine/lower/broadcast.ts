/**
 * Two operands in the record: axes that have the same part in both are one axis, and five of them are left at most.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Arithmetic, Shape } from "../../graph/graph.ts";
import { FLAGS, OPERATORS, type StepFields } from "../step.ts";
import { type Context, dims, shapeOf } from "./lowering.ts";

/** An axis of the result; bits: 1, the first operand is the same all along it, 2, the second one is. */
interface Axis {
  readonly size: number;
  readonly spread: number;
}

/** Axes of the record. */
const AXES = 5;

const NUMBERS = {
  add: OPERATORS.ADD,
  sub: OPERATORS.SUB,
  mul: OPERATORS.MUL,
  div: OPERATORS.DIV,
  maximum: OPERATORS.MAXIMUM,
  minimum: OPERATORS.MINIMUM,
} as const;

/** Axes and operator; the value, or the first one, is the record's first operand, whichever it is in the node. */
export function operatorFields(node: Arithmetic, context: Context): StepFields {
  const { name, op, inputs, operand, operandFirst = false } = node;
  const [x, x2] = inputs as readonly [string, string];
  const other = operand === undefined ? shapeOf(x2, context) : dims(operand, context);
  const axes = axesOf(shapeOf(x, context), other);
  if (axes.length > AXES) {
    throw new UnsupportedError(`node ${name} (${op}): expected at most ${AXES} axes to be broadcast along, got more`);
  }
  const [inC, outC, outW, outH, n] = Array.from({ length: AXES }, (_, i) => axes[i]?.size ?? 1);
  const bits = (one: number) => axes.reduce((sum, { spread }, i) => sum + (spread & one ? 1 << i : 0), 0);
  const turned = operand !== undefined && operandFirst && (op === "sub" || op === "div");
  return {
    ...{ rows: n! * outH! * outW! * outC!, n: n!, outH: outH!, outW: outW!, outC: outC!, inC: inC! },
    ...{ operator: NUMBERS[op] + (turned ? 1 : 0), spread: bits(1), spread2: bits(2) },
    flags: operand === undefined ? 0 : FLAGS.CONSTANT,
  };
}

/** Axes of the result, the innermost first, without those of one element. */
function axesOf(a: Shape, b: Shape): readonly Axis[] {
  const axes: Axis[] = [];
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const [p = 1, q = 1] = [a.at(-i), b.at(-i)];
    const [size, spread] = [Math.max(p, q), p === q ? 0 : p === 1 ? 1 : 2];
    if (size === 1) continue;
    const inner = axes.at(-1);
    if (inner?.spread === spread) axes[axes.length - 1] = { size: inner.size * size, spread };
    else axes.push({ size, spread });
  }
  const [only, ...more] = axes;
  if (only === undefined || more.length > 0) return axes;
  // Rows to be split by; the kernel knows that they are one run.
  const last = [a, b].map((shape) => shape.at(-1) ?? 1).reduce((most, size) => Math.max(most, size));
  return [
    { ...only, size: last },
    { ...only, size: only.size / last },
  ];
}
