/**
 * Cases of pwconv_f32: pointwise convolutions, and dense layers as their few-row case.
 * @module
 */
import { clamp } from "../reference/activation.ts";
import { dense, matMul } from "../reference/dense.ts";
import { exact } from "../reference/value.ts";
import { random } from "./random.ts";
import { type Bounding, boundsFor, type Case, strew, type Trial } from "./trial.ts";
import { CHANNELS, mobilenetLayers } from "./window.ts";

export interface MatrixOptions {
  readonly bias?: boolean;
  readonly bounding?: Bounding;
  readonly special?: boolean;
}

/** y[m,n] = x[m,k]·w[k,n] + b with random data, seeded by the sizes. */
export function matrixTrial(m: number, k: number, n: number, options: MatrixOptions = {}): Trial {
  const { bias: hasBias = true, bounding = "active", special = false } = options;
  const numbers = random(`matrix ${m} ${k} ${n}`);
  const x = numbers.floats(m * k);
  if (special) strew(x, 7);
  const matrix = numbers.floats(k * n, 0.5);
  const bias = hasBias ? numbers.floats(n) : undefined;
  const open = dense(exact([m, k], x), { shape: [k, n], data: matrix }, bias);
  const bounds = boundsFor(open, bounding);
  return {
    expected: clamp(open, bounds),
    problem: {
      kernel: "pwconv_f32",
      ...{ x, w: { matrix, bias, k, n }, outputs: m * n },
      fields: { rows: m, inC: k, outC: n, ...bounds },
    },
  };
}

/** The same with one row, for dense_f32. */
export function denseTrial(k: number, n: number, options: MatrixOptions = {}): Trial {
  const { expected, problem } = matrixTrial(1, k, n, options);
  const fields = { ...problem.fields, rows: Math.ceil(n / 16) };
  return { expected, problem: { ...problem, kernel: "dense_f32", fields, unitElements: 16 } };
}

function matrix(m: number, k: number, n: number, name = "", options: MatrixOptions = {}): Case {
  return { name: `${name}m_${m}_k_${k}_n_${n}`, make: () => matrixTrial(m, k, n, options) };
}

/**
 * The grid. Widths of panels (16, 8, 4, 1 with vectors; 4, 2, 1 without) and tiles of rows meet in every combination of
 * remainders.
 */
export function matrixCases(): Case[] {
  const rows = [...Array(14).keys()].map((i) => i + 1);
  return [
    ...rows.flatMap((m) => [matrix(m, 5, 29), matrix(m, 8, 16), matrix(m, 3, 3)]),
    ...[...Array(40).keys()].flatMap((i) => [matrix(7, 6, i + 1), matrix(5, 7, i + 1)]),
    ...CHANNELS.map((k) => matrix(6, k, 21)),
    matrix(1, 64, 1000, "dense_"),
    matrix(2, 33, 10, "dense_batch_2_"),
    matrix(1, 1, 1, "least_"),
    matrix(300, 256, 17, "rows_gt_block_"),
    matrix(29, 4100, 18, "k_gt_block_"),
    ...mobilenetLayers(96)
      .filter(({ kind }) => kind === "pointwise")
      .map(({ name, size, inC, outC }) => {
        return matrix(Math.min(size * size, 289), inC, outC, `mobilenet_${name}_`, { bounding: "relu" });
      }),
    matrix(7, 9, 13, "no_bias_", { bias: false }),
    matrix(7, 10, 13, "clamp_open_", { bounding: "open" }),
    matrix(9, 11, 31, "special_values_", { special: true, bounding: "open" }),
    matrix(9, 12, 31, "special_values_relu6_", { special: true }),
  ];
}

/** The grid of dense_f32: every remainder of a unit's 16 columns, below a unit and behind some. */
export function denseCases(): Case[] {
  const of = (k: number, n: number, name = "", options: MatrixOptions = {}): Case => ({
    name: `${name}k_${k}_n_${n}`,
    make: () => denseTrial(k, n, options),
  });
  return [
    ...[...Array(70).keys()].map((i) => of(1 + (i % 9), i + 1)),
    ...CHANNELS.map((k) => of(k, 37, "channels_")),
    of(256, 1001, "classifier_"),
    of(1024, 1000, "classifier_"),
    of(7, 45, "no_bias_", { bias: false }),
    of(8, 45, "clamp_open_", { bounding: "open" }),
    of(14, 53, "special_values_", { special: true, bounding: "open" }),
    of(21, 53, "special_values_relu6_", { special: true }),
  ];
}

function matMulCase(n: number, m: number, k: number, columns: number, special = false): Case {
  const make = () => {
    const numbers = random(`matmul ${n} ${m} ${k} ${columns}`);
    const [x, x2] = [numbers.floats(n * m * k), numbers.floats(n * k * columns)];
    if (special) strew(x, 5);
    const expected = matMul(exact([n, m, k], x), exact([n, k, columns], x2));
    const fields = { rows: n * m, n, inH: m, inC: k, outC: columns };
    return { expected, problem: { kernel: "matmul_f32", x, x2, outputs: n * m * columns, fields } } as const;
  };
  return { name: `${special ? "special_values_" : ""}${n}x${m}x${k}x${columns}`, make };
}

/** The grid of matmul_f32: every remainder of columns, one matrix and several. */
export function matMulCases(): Case[] {
  return [
    ...CHANNELS.map((columns) => matMulCase(2, 3, 5, columns)),
    ...[...Array(20).keys()].map((i) => matMulCase(1, 2, 3, i + 1)),
    ...[1, 2, 8, 33].map((k) => matMulCase(3, 1, k, 6)),
    matMulCase(1, 1, 1, 1),
    matMulCase(4, 16, 16, 16),
    matMulCase(2, 3, 5, 9, true),
  ];
}
