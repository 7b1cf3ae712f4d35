/**
 * Numbers at the ends of what a convolution of 8 bits can meet: zero points, weights, multipliers, shifts, biases,
 * bounds.
 * @module
 */
import { bothWays, type LayerOptions, layerCase } from "./drawn_s8.ts";
import type { Layer8 } from "./layer_s8.ts";
import type { Case } from "./trial.ts";
import { type Geometry, geometry } from "./window.ts";

const LEAST = 2 ** 30;
const MOST = 2 ** 31 - 1;
const FILLINGS = ["low", "high", "ends"] as const;

/** Shifts 1 … 12, which the fast form is exact for. */
const short = (o: number) => 1 + (o % 12);

/** Biases from which sums of k terms come as near to the ends of 32 bits as they may. */
const atTheEnds = (o: number, k: number) => {
  const reach = 255 * 255 * k;
  return o % 2 === 0 ? 2 ** 31 - 1 - reach : reach - 2 ** 31;
};

/** The shift that brings sums of k differences of 255 times 255 to the range of 8 bits. */
function spread(k: number): number {
  return Math.round(Math.log2((255 * 255 * k * 0.75) / 120));
}

/** Inputs and weights at the ends of their range, around zero points in the middle and at the other end. */
function extremes(shift: (k: number) => number): (readonly [string, LayerOptions])[] {
  const zeros = [
    [0, 0],
    [127, -128],
    [-128, 127],
  ] as const;
  const numbers: LayerOptions = { e: (_, k) => shift(k), bias: () => 0 };
  return FILLINGS.flatMap((filling) =>
    FILLINGS.flatMap((weights) =>
      zeros.map(([zx, zw]) => {
        const name = `all_${filling}_weights_${weights}_zx_${zx}_zw_${zw}`;
        return [name, { ...numbers, filling, weights, zx, zw }] as const;
      }),
    ),
  );
}

/** What both ways of requantizing are exact for. */
const BOTH: readonly (readonly [string, LayerOptions])[] = [
  ...[-128, 0, 127].flatMap((zx) =>
    [-128, 0, 127].map((zero) => [`zx_${zx}_zy_${zero}`, { zx, to: { zero, hi: 127 } }] as const),
  ),
  ...[-128, -1, 1, 127].map((zw) => [`zw_${zw}`, { zw, zx: 7 }] as const),
  ...extremes((k) => Math.min(12, spread(k))),
  ["clamp_active", { to: { zero: -10, lo: -10, hi: 40 } }],
  ["clamp_above_zero", { to: { zero: -10, lo: 15, hi: 40 } }],
  ["clamp_to_one", { to: { zero: -10, lo: 20, hi: 20 } }],
  ["clamp_to_the_least", { to: { zero: -128, lo: -128, hi: -128 } }],
  ["clamp_to_the_most", { to: { zero: -128, lo: 127, hi: 127 } }],
  [
    "dead_channels",
    {
      m: (o) => (o % 3 === 0 ? 0 : LEAST + o),
      e: (o) => (o % 3 === 0 ? 1 : 9),
      bias: (o) => (o % 3 === 0 ? (o % 2 === 0 ? MOST : -MOST) : o * 100),
    },
  ],
  ["dead_channels_all", { m: () => 0, e: () => 1, bias: () => -MOST }],
  ...[LEAST, LEAST + 1, MOST - 1, MOST].flatMap((m) => [
    [`multiplier_${m}`, { m: () => m }] as const,
    [`multiplier_${m}_shifts_1_to_12`, { m: () => m, e: short }] as const,
    [`halves_multiplier_${m}`, halves(m, (o) => 1 + (o % 5))] as const,
    [`sums_at_the_ends_multiplier_${m}`, { m: () => m, e: short, bias: atTheEnds }] as const,
  ]),
  ["halves_shifted_far", halves(LEAST, short)],
];

/** What the formula alone is exact for: longer shifts, shifts to the left, results below the zero point. */
const EXACT: readonly (readonly [string, LayerOptions])[] = [
  ["clamp_below_zero", { to: { zero: 30, lo: -40, hi: 20 } }],
  ["clamp_to_one_below_zero", { to: { zero: 30, lo: -5, hi: -5 } }],
  ["shifts_13_to_31", { e: (o) => 13 + (o % 19) }],
  ["shifts_0_to_31", { e: (o) => (7 * o) % 32 }],
  ...[0, -1, -3, -7, -16, -20].map(
    (e) => [`shift_${e}`, { ...halves(LEAST + 7, () => e), bias: (o: number) => o - 5 }] as const,
  ),
  ...[24, 28, 31].flatMap((e) =>
    [LEAST, MOST].map((m) => [`sums_at_the_ends_m_${m}_e_${e}`, { m: () => m, e: () => e, bias: atTheEnds }] as const),
  ),
  ...extremes(spread).map(([name, options]) => [`${name}_unsaturated`, options] as const),
];

/** What the fast form is exact for too: results below the zero point, many of them half way. */
const BELOW: readonly (readonly [string, LayerOptions])[] = [
  ["clamp_below_zero_fast", { to: { zero: 30, lo: -40, hi: 20 } }],
  ["clamp_to_one_below_zero_fast", { to: { zero: 30, lo: -5, hi: -5 } }],
  ...[LEAST, LEAST + 1, MOST - 1, MOST].flatMap((m) => [
    [`below_halves_${m}`, { ...halves(m, (o) => 1 + (o % 5)), to: { zero: 3, lo: -128 } }] as const,
    [`below_multiplier_${m}`, { m: () => m, e: short, to: { zero: 0, lo: -128 } }] as const,
    [`below_sums_at_the_ends_${m}`, { m: () => m, e: short, bias: atTheEnds, to: { zero: 9, lo: -128 } }] as const,
  ]),
  ...extremes((k) => Math.min(12, spread(k))).map(
    ([name, options]) => [`below_${name}`, { ...options, to: { zero: 0, lo: -128 } }] as const,
  ),
];

/** Small sums of either sign, many of which lie half way between two results. */
function halves(m: number, e: (o: number) => number): LayerOptions {
  return { filling: "near", weights: "sparse", bias: (o) => 3 * o - 15, m: () => m, e };
}

/** The grid, around one geometry; a step of two halves also with only one of them fast. */
export function numberCases(kernel: Layer8["kernel"], base: Geometry, more: LayerOptions = {}): Case[] {
  const named = (name: string) => geometry(name, { ...base, name });
  const mixed = (flags: 1 | 2): Case[] =>
    BOTH.filter(([name]) => /^(zx|zw|dead|halves)/.test(name)).map(([name, options]) =>
      layerCase(kernel, named(`${name}_flags_${flags}`), { ...options, ...more, flags }),
    );
  return [
    ...BOTH.flatMap(([name, options]) => bothWays(kernel, named(name), { ...options, ...more })),
    ...EXACT.map(([name, options]) => layerCase(kernel, named(name), { ...options, ...more, flags: 0 })),
    ...BELOW.flatMap(([name, options]) =>
      (kernel === "separable_s8" ? ([1, 2, 3] as const) : kernel === "dwconv_s8" ? ([1] as const) : ([2] as const)).map(
        (flags) => layerCase(kernel, named(`${name}_flags_${flags}`), { ...options, ...more, flags }),
      ),
    ),
    ...(kernel === "separable_s8" ? [...mixed(1), ...mixed(2)] : []),
  ];
}
