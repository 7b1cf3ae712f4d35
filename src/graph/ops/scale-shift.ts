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
  meaning: "y = clamp(x·scale + shift), per channel",
  arity: 1,
  constants,
  check: (node) => checkClamp(node, node.clamp),
  shape: (node, x, shapes) => perChannel(node, x, constants(node), shapes),
  value: FLOAT,
  row: "before",
  ...clamping(),
};
