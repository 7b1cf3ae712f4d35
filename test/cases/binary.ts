/**
 * Cases of binary_f32: every operator, on every way in which two operands can be broadcast.
 * @module
 */
import { OPERATORS } from "../../src/engine/abi.ts";
import { clamp } from "../reference/activation.ts";
import { arithmetic, type Operator } from "../reference/arithmetic.ts";
import { count, exact } from "../reference/value.ts";
import { axisFields, type Broadcast, fiveAxes, operandShape, perChannel, rowsOf } from "./broadcast.ts";
import { random } from "./random.ts";
import { type Bounding, boundsFor, type Case, strew, type Trial } from "./trial.ts";
import { CHANNELS } from "./window.ts";

/** What each of the kernel's operators is, and whether it takes its operands the other way round. */
export const MEANINGS: Readonly<Record<keyof typeof OPERATORS, readonly [Operator, turned: boolean]>> = {
  ADD: ["add", false],
  MUL: ["mul", false],
  MAXIMUM: ["maximum", false],
  MINIMUM: ["minimum", false],
  SUB: ["sub", false],
  SUB_FROM: ["sub", true],
  DIV: ["div", false],
  DIV_INTO: ["div", true],
};

interface Options {
  readonly bounding?: Bounding;
  readonly special?: boolean;
  readonly constant?: boolean;
  readonly inPlace?: "x" | "x2";
}

function trial(name: keyof typeof OPERATORS, on: Broadcast, options: Options): Trial {
  const { bounding = "active", special = false, constant = false, inPlace } = options;
  const numbers = random(`binary ${name} ${on.name}`);
  const shapes = [operandShape(on, on.spread), operandShape(on, on.spread2)] as const;
  const [x, x2] = [numbers.floats(count(shapes[0]), 4), numbers.floats(count(shapes[1]), 4)];
  if (special) {
    strew(x, 2);
    strew(x2, 3);
  }
  const [a, b] = [exact(shapes[0], x), exact(shapes[1], x2)];
  const [operator, turned] = MEANINGS[name];
  const rounded = arithmetic(operator, turned ? b : a, turned ? a : b);
  // Rounded to double precision first, which moves no result of two floats across a float's half.
  const open = exact(rounded.shape, Float32Array.from(rounded.values));
  const bounds = boundsFor(open, bounding);
  const fields = { ...axisFields(on), operator: OPERATORS[name], flags: constant ? 1 : 0, ...bounds };
  const problem = { kernel: "binary_f32", x, ...(constant ? { w: x2 } : { x2 }), outputs: open.values.length, fields };
  return { expected: clamp(open, bounds), problem: inPlace ? { ...problem, inPlace } : problem } as Trial;
}

/** The grid of binary_f32. */
export function binaryCases(): Case[] {
  const names = Object.keys(OPERATORS) as (keyof typeof OPERATORS)[];
  const of = (prefix: string, name: keyof typeof OPERATORS, on: Broadcast, options: Options = {}): Case => ({
    name: `${name.toLowerCase()}_${prefix}${on.name}`,
    make: () => trial(name, on, options),
  });
  return [
    ...names.flatMap((name) => [
      ...CHANNELS.flatMap((c) => [...perChannel(c), rowsOf(3, c)].map((on) => of("", name, on))),
      ...[rowsOf(1, 100), rowsOf(13, 37), rowsOf(64, 8), rowsOf(9, 1)].map((on) => of("", name, on)),
      ...[...perChannel(9), rowsOf(9, 9)].map((on) => of("special_values_", name, on, { special: true })),
      ...perChannel(9).map((on) => of("open_", name, on, { bounding: "open", special: true })),
      ...perChannel(7).map((on) => of("constant_", name, on, { constant: true })),
      ...perChannel(7).flatMap((on) => [
        ...(on.spread ? [] : [of("in_place_x_", name, on, { inPlace: "x" })]),
        ...(on.spread2 ? [] : [of("in_place_x2_", name, on, { inPlace: "x2" })]),
      ]),
    ]),
    ...fiveAxes([2, 3, 2, 3, 5]).map((on) => of("", "SUB", on)),
    ...fiveAxes([2, 2, 3, 1, 4]).map((on) => of("", "MAXIMUM", on)),
    ...fiveAxes([1, 3, 1, 2, 1]).map((on) => of("", "DIV_INTO", on)),
  ];
}
