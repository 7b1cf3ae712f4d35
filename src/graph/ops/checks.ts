/**
 * Checks of attributes that several ops have.
 * @module
 */

import type { Clamp } from "../clamp.ts";
import type { Padding, Pair, Window } from "../window.ts";
import { type AnyNode, where } from "./definition.ts";

/** Window sizes, strides, dilations and pads that a 32-bit file can name. */
const MOST = 2 ** 31 - 1;

export function checkNumber(
  node: AnyNode,
  field: string,
  value: number,
  holds: (x: number) => boolean,
  expected: string,
): void {
  if (!Number.isFinite(value) || !holds(value)) {
    throw new RangeError(`${where(node)}: expected ${field} to be ${expected}, got ${value}`);
  }
}

export function checkPair(node: AnyNode, field: string, pair: Pair, least: number): void {
  const holds = (x: unknown) => Number.isInteger(x) && (x as number) >= least && (x as number) <= MOST;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(holds)) {
    throw new RangeError(
      `${where(node)}: expected ${field} to be two integers from ${least} to 2³¹ − 1, got ${JSON.stringify(pair)}`,
    );
  }
}

export function checkWindow(node: AnyNode, { strides, dilations, padding }: Window): void {
  checkPair(node, "strides", strides, 1);
  checkPair(node, "dilations", dilations, 1);
  checkPadding(node, padding);
}

export function checkPadding(node: AnyNode, padding: Padding): void {
  if (padding === "same" || padding === "valid") return;
  if (typeof padding !== "object" || padding === null) {
    throw new TypeError(
      `${where(node)}: expected padding to be "same", "valid" or pixels, got ${JSON.stringify(padding)}`,
    );
  }
  for (const side of ["top", "bottom", "left", "right"] as const) {
    if (!Number.isInteger(padding[side]) || padding[side] < 0 || padding[side] > MOST) {
      throw new RangeError(
        `${where(node)}: expected padding.${side} to be an integer from 0 to 2³¹ − 1, got ${padding[side]}`,
      );
    }
  }
}

export function checkClamp(node: AnyNode, clamp: Clamp | undefined): void {
  // Written so that NaN fails too.
  if (clamp !== undefined && !(clamp.lo <= clamp.hi)) {
    throw new RangeError(`${where(node)}: expected clamp bounds lo ≤ hi, got ${clamp.lo} and ${clamp.hi}`);
  }
}
