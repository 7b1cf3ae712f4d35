/**
 * Copies by steps: what transposes, slices and repetitions have in common.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Node, Shape } from "../../graph/graph.ts";
import { strideOf } from "../../graph/ops/slice.ts";
import { sizeOf } from "../../graph/references.ts";
import type { Kernel, StepFields } from "../step.ts";
import { type Context, type Lowered, shapeOf } from "./lowering.ts";

/** An axis of the output: its size, and how many elements of x further each of its steps leads. */
interface Axis {
  readonly size: number;
  readonly step: number;
}

type Strided = Extract<Node, { op: "transpose" | "slice" | "tile" }>;

/** The step of such a node. */
export function strided(kernel: Kernel, node: Strided, context: Context): readonly Lowered[] {
  const x = shapeOf(node.inputs[0]!, context);
  const { begin, axes } = viewOf(node, x, shapeOf(node.name, context));
  const together = joined(axes);
  if (together.length > 5) {
    throw new UnsupportedError(
      `node ${node.name} (${node.op}): expected at most five axes that move apart, got ${together.length}`,
    );
  }
  return [{ kernel, x: node.inputs[0]!, fields: { ...fieldsOf(together), padC: begin, inC: sizeOf(x) } }];
}

/** Where in x the output begins, and its axes. */
function viewOf(node: Strided, x: Shape, y: Shape): { readonly begin: number; readonly axes: readonly Axis[] } {
  const steps = x.map((_, axis) => sizeOf(x.slice(axis + 1)));
  switch (node.op) {
    case "transpose":
      return { begin: 0, axes: node.permutation.map((axis, i) => ({ size: y[i]!, step: steps[axis]! })) };
    case "slice":
      return {
        begin: node.begin.reduce((sum, from, axis) => sum + from * steps[axis]!, 0),
        axes: y.map((size, axis) => ({ size, step: size === 1 ? 0 : steps[axis]! * strideOf(node, axis) })),
      };
    case "tile":
      return {
        begin: 0,
        axes: x.flatMap((size, axis) => [
          { size: node.multiples[axis]!, step: 0 },
          { size, step: steps[axis]! },
        ]),
      };
  }
}

/** Without axes of size 1, and those in one that move as one does. */
function joined(axes: readonly Axis[]): readonly Axis[] {
  const result: Axis[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const before = result.at(-1);
    if (before && before.step === axis.size * axis.step) {
      result[result.length - 1] = { size: before.size * axis.size, step: axis.step };
    } else result.push(axis);
  }
  return result;
}

/** The last axis is the kernel's inner loop, the first ones are its rows. */
function fieldsOf(axes: readonly Axis[]): StepFields {
  const none = { size: 1, step: 1 };
  const outer = axes.slice(0, -1);
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => outer[i] ?? none) as [Axis, Axis, Axis, Axis];
  const last = axes.at(-1) ?? none;
  return {
    ...{ rows: a.size * b.size, n: a.size, outH: b.size, outW: c.size, midC: d.size, outC: last.size },
    ...{ xPitch: a.step, strideH: b.step, strideW: c.step, dilationH: d.step, dilationW: last.step },
  };
}
