/**
 * Cases of reduce_f32 and unary_f32.
 * @module
 */
import { unary } from "../reference/activation.ts";
import { type By, reduce } from "../reference/reduce.ts";
import { count, exact } from "../reference/value.ts";
import { random } from "./random.ts";
import { type Case, SPECIAL, strew, type Trial } from "./trial.ts";
import { CHANNELS } from "./window.ts";

const BITS: Readonly<Record<By, number>> = { sum: 1, mean: 2, max: 4, min: 8, product: 16 };
const BY = Object.keys(BITS) as By[];

type Sizes = readonly [n: number, kH: number, midC: number, kW: number, inC: number];

function reduceTrial(by: By, sizes: Sizes, special: boolean): Trial {
  const [n, kH, midC, kW, inC] = sizes;
  const x = random(`reduce ${by} ${sizes}`).floats(count(sizes), 2);
  if (special) strew(x, 7);
  return {
    expected: reduce(exact(sizes, x), by, [1, 3]),
    problem: {
      ...{ kernel: "reduce_f32", x, outputs: n * midC * inC },
      fields: { rows: n * midC, n, kH, midC, kW, inC, flags: BITS[by] },
    },
  };
}

/** The grid of reduce_f32: every function, one axis and two, every remainder of a vector. */
export function reduceCases(): Case[] {
  const of = (by: By, sizes: Sizes, special = false): Case => ({
    name: `${by}_${sizes.join("x")}${special ? "_special_values" : ""}`,
    make: () => reduceTrial(by, sizes, special),
  });
  return BY.flatMap((by) => [
    ...CHANNELS.map((c) => of(by, [3, 1, 1, 5, c])),
    of(by, [3, 2, 4, 5, 6]),
    of(by, [1, 4, 7, 1, 1]),
    of(by, [5, 1, 1, 9, 1]),
    of(by, [2, 3, 3, 4, 1]),
    of(by, [1, 1, 1, 1, 1]),
    of(by, [2, 1, 1, 1, 9]),
    ...(by === "max" || by === "min" ? [of(by, [4, 1, 1, 11, 5], true)] : []),
  ]);
}

const FUNCTIONS = [
  ...(["abs", "neg", "square", "sqrt", "rsqrt", "reciprocal", "exp", "tanh"] as const),
  ...(["floor", "ceil", "round", "truncate", "log"] as const),
] as const;
type Name = (typeof FUNCTIONS)[number];

function unaryTrial(name: Name, rows: number, x: Float32Array, inPlace: boolean): Trial {
  const inC = x.length / rows;
  const fields = { rows, inC, flags: 2 ** FUNCTIONS.indexOf(name) };
  const problem = { kernel: "unary_f32", x, outputs: x.length, fields } as const;
  return { expected: unary(exact([rows, inC], x), name), problem: inPlace ? { ...problem, inPlace: "x" } : problem };
}

/** Numbers where a function bends, saturates, or changes how it is computed. */
const CORNERS = [
  ...[-200, -89, -88, -20, -9.01, -4, -1.5, -1, -0.6250001, -0.625, -0.6249999, -0.1, -1e-3, -1e-10, -0, 0],
  ...[1e-20, 1e-10, 1e-3, 0.1, 0.5, 0.6249999, 0.625, 0.6250001, 1, 1.0000001, 2, 4, 9.01, 20, 44, 88, 1e10, 1e18],
  ...[-3.5, -2.5, -0.5, 2.5, 3.5, 8388607.5],
];

/** The grid of unary_f32: every function, every remainder of a vector, in place and not. */
export function unaryCases(): Case[] {
  return FUNCTIONS.flatMap((name) => {
    const numbers = random(`unary ${name}`);
    // No roots of what is below 0 but among the special values.
    const positive = name === "sqrt" || name === "rsqrt" || name === "log";
    const signed = (x: Float32Array) => (positive ? x.map((v) => Math.abs(v)) : x);
    const of = (what: string, rows: number, x: Float32Array, inPlace = false): Case => ({
      name: `${name}_${what}`,
      make: () => unaryTrial(name, rows, x, inPlace),
    });
    return [
      ...CHANNELS.map((c) => of(`rows_3_c_${c}`, 3, signed(numbers.floats(3 * c, 3)))),
      of("corners", 2, signed(Float32Array.from(CORNERS))),
      of("many", 8, signed(numbers.floats(8 * 125, 12))),
      of("in_place", 5, signed(numbers.floats(35, 2)), true),
      ...(name === "exp" ? [] : [of("special_values", 3, signed(strew(numbers.floats(27), 3, SPECIAL)))]),
    ];
  });
}
