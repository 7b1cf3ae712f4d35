/**
 * A function of each number for itself.
 * @module
 */

import { type NodeBase, type OpDefinition, where } from "./definition.ts";
import { unchanged } from "./shapes.ts";

/** The functions, by their names. */
export const FUNCTIONS = {
  abs: Math.abs,
  neg: (x: number) => -x,
  square: (x: number) => x * x,
  sqrt: Math.sqrt,
  rsqrt: (x: number) => 1 / Math.sqrt(x),
  reciprocal: (x: number) => 1 / x,
  exp: Math.exp,
  tanh: Math.tanh,
  floor: Math.floor,
  ceil: Math.ceil,
  round: nearestEven,
  truncate: Math.trunc,
  log: Math.log,
} as const;

/** The nearest whole number, of two equally near ones the even one. */
function nearestEven(x: number): number {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (Math.abs(below) % 2) : Math.round(x);
}

/** y = of(x). */
export interface Unary extends NodeBase {
  readonly op: "unary";
  readonly of: keyof typeof FUNCTIONS;
}

export const unary: OpDefinition<Unary> = {
  arity: 1,
  check(node) {
    if (Object.hasOwn(FUNCTIONS, node.of)) return;
    throw new RangeError(`${where(node)}: expected a function of ${Object.keys(FUNCTIONS).join(", ")}, got ${node.of}`);
  },
  shape: unchanged,
  quantized: "own",
};
