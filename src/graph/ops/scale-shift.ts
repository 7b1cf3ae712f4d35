/**
 * A factor and a term for each channel.
 * @module
 */

import type { Clamp } from "../clamp.ts";
import { checkClamp } from "./checks.ts";
import { clamping, FLOAT, type NodeBase, named, type OpDefinition } from "./definition.ts";
import { perChannel } from "./shapes.ts";

/** y = clamp(x·scale + shift) per channel (last axis). Both [C]. What a batch norm becomes when it cannot be folded. */
export interface ScaleShift extends NodeBase {
  readonly op: "scaleShift";
  readonly scale: string;
  readonly shift: string;
  readonly clamp?: Clamp;
}

const constants = named("scale", "shift");

export const scaleShift: OpDefinition<ScaleShift> = {
  arity: 1,
  constants,
  check: (node) => checkClamp(node, node.clamp),
  shape: (node, x, shapes) => perChannel(node, x, constants(node), shapes),
  value: FLOAT,
  quantized: "float",
  row: "before",
  ...clamping(),
};

/** Scale and shift as functions of a constant c. */
export type AffineForm = readonly [scale: (c: number) => number, shift: (c: number) => number];

/** Arithmetic of a value x and a constant c in the form x·scale + shift; undefined where it has none: c/x. */
export function affineForm(operator: "add" | "sub" | "mul" | "div", constantFirst: boolean): AffineForm | undefined {
  switch (operator) {
    case "add":
      return [() => 1, (c) => c];
    case "sub":
      return constantFirst ? [() => -1, (c) => c] : [() => 1, (c) => -c];
    case "mul":
      return [(c) => c, () => 0];
    case "div":
      return constantFirst ? undefined : [(c) => 1 / c, () => 0];
  }
}
