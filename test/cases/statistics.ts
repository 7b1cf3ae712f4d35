/**
 * Cases of moments_f32, normalize_f32 and moving_average_f32: batch normalization in training.
 * @module
 */
import { moments, movingAverage, normalize } from "../reference/batchNorm.ts";
import { exact } from "../reference/value.ts";
import { random } from "./random.ts";
import { type Case, strew, type Trial } from "./trial.ts";
import { CHANNELS } from "./window.ts";

/** `offset` moves the data away from 0, where a one-pass variance would lose its digits. */
function momentsTrial(pixels: number, c: number, offset: number, special: boolean): Trial {
  const x = random(`moments ${pixels} ${c}`)
    .floats(pixels * c)
    .map((v) => v + offset);
  if (special) strew(x, 29, [Number.NaN, -0, 0, 2 ** -149]);
  // Runs of 16 sums and compensated sums of runs: at most 24 roundings whatever the number of pixels, as the kernel's
  // header has it.
  const expected = moments(exact([pixels, c], x), Math.min(pixels + 5, 24));
  return { expected, problem: { kernel: "moments_f32", x, outputs: 2 * c, fields: { rows: 1, inH: pixels, inC: c } } };
}

/** The grid of moments_f32. */
export function momentsCases(): Case[] {
  const of = (pixels: number, c: number, offset = 0, special = false): Case => ({
    name: `${special ? "special_values_" : ""}pixels_${pixels}_c_${c}_offset_${offset}`,
    make: () => momentsTrial(pixels, c, offset, special),
  });
  return [
    ...CHANNELS.map((c) => of(20, c)),
    ...[1, 2, 3, 15, 16, 17, 31, 32, 33, 100, 1000].map((pixels) => of(pixels, 5)),
    ...[1, 100, 10000].map((offset) => of(500, 6, offset)),
    of(112 * 112, 8, 3),
    of(50, 33, 0, true),
  ];
}

function normalizeTrial(
  rows: number,
  c: number,
  options: { least?: boolean; special?: boolean; inPlace?: boolean },
): Trial {
  const numbers = random(`normalize ${rows} ${c}`);
  const x = numbers.floats(rows * c, 3);
  if (options.special) strew(x, 5);
  const mean = numbers.floats(c);
  const variance = numbers.floats(c).map((v) => (options.least ? 0 : v * v));
  const [gamma, beta] = [numbers.floats(c, 2), numbers.floats(c)];
  const x2 = Float32Array.of(...mean, ...variance);
  const a = Math.fround(1e-3);
  const expected = normalize(exact([rows, c], x), exact([2, c], x2), gamma, beta, a);
  const w = Float32Array.of(...gamma, ...beta);
  const problem = { kernel: "normalize_f32", x, x2, w, outputs: rows * c, fields: { rows, inC: c, a } } as const;
  return { expected, problem: options.inPlace ? { ...problem, inPlace: "x" } : problem };
}

/** The grid of normalize_f32. */
export function normalizeCases(): Case[] {
  const of = (name: string, rows: number, c: number, options = {}): Case => ({
    name: `${name}rows_${rows}_c_${c}`,
    make: () => normalizeTrial(rows, c, options),
  });
  return [
    ...CHANNELS.map((c) => of("", 5, c)),
    ...[1, 2, 15, 16, 17, 33, 50].map((rows) => of("", rows, 6)),
    of("variance_0_", 9, 5, { least: true }),
    of("in_place_", 19, 7, { inPlace: true }),
    of("special_values_", 9, 9, { special: true }),
  ];
}

function movingAverageTrial(c: number, momentum: number, factor: number): Trial {
  const numbers = random(`moving ${c} ${momentum}`);
  const x = Float32Array.of(...numbers.floats(c, 3), ...numbers.floats(c).map((v) => v * v));
  const [mean, variance] = [numbers.floats(c), numbers.floats(c).map(Math.abs)];
  const expected = movingAverage(exact([2, c], x), mean, variance, momentum, factor);
  const w = Float32Array.of(...mean, ...variance);
  const fields = { rows: 1, inC: c, a: momentum, b: factor };
  return { expected, problem: { kernel: "moving_average_f32", x, w, outputs: 2 * c, fields } };
}

/** The grid of moving_average_f32. */
export function movingAverageCases(): Case[] {
  const of = (c: number, momentum: number, factor: number): Case => ({
    name: `c_${c}_momentum_${momentum}_factor_${factor}`,
    make: () => movingAverageTrial(c, momentum, factor),
  });
  return [...CHANNELS.map((c) => of(c, 0.99, 1)), of(9, 0.999, 50 / 49), of(9, 0, 1), of(9, 1, 1), of(9, 0.5, 2)];
}
