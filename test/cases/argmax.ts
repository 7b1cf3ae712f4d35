/**
 * Cases of argmax_f32 and argmax_s8.
 * @module
 */
import { largestAt } from "../reference/arg-max.ts";
import { count, exact } from "../reference/value.ts";
import { bytes8 } from "./bytes.ts";
import { random } from "./random.ts";
import { type Case, strew, type Trial } from "./trial.ts";

type Shape = readonly [rows: number, compared: number, inner: number];

function trial(kernel: "argmax_f32" | "argmax_s8", shape: Shape, x: Float32Array | Int8Array, last = false): Trial {
  const [rows, inC, outC] = shape;
  const bits = Uint32Array.from(largestAt(x, shape, 1, last));
  const problem = { kernel, x, outputs: rows * outC, fields: { rows, inC, outC, flags: last ? 1 : 0 } };
  // Words are compared; as floats they are what the harness takes them for.
  return { expected: exact([rows, outC], new Float32Array(bits.buffer)), bits, problem };
}

const SHAPES: readonly Shape[] = [
  ...[1, 2, 3, 4, 5, 8, 17, 100].flatMap((k): Shape[] => [
    [5, k, 1],
    [3, k, 4],
    [1, k, 7],
  ]),
  [13, 21, 1],
  [1, 1, 1],
];

/** The grid of one of the two. */
export function argMaxCases(kernel: "argmax_f32" | "argmax_s8"): Case[] {
  const floats = (shape: Shape) => random(`argmax ${shape}`).floats(count(shape), 4);
  const data = (shape: Shape) => (kernel === "argmax_f32" ? floats(shape) : bytes8(`argmax ${shape}`, count(shape)));
  const of = (name: string, shape: Shape, x: () => Float32Array | Int8Array, last = false): Case => ({
    name: `${name}${shape.join("x")}`,
    make: () => trial(kernel, shape, x(), last),
  });
  return [
    ...SHAPES.map((shape) => of("", shape, () => data(shape))),
    ...SHAPES.map((shape) => of("all_equal_", shape, () => data(shape).fill(1))),
    ...SHAPES.slice(0, 9).map((shape) => of("last_all_equal_", shape, () => data(shape).fill(1), true)),
    of("last_few_values_", [9, 17, 3], () => data([9, 17, 3]).map((v) => Math.sign(Math.round(v))), true),
    of("few_values_", [9, 17, 3], () => data([9, 17, 3]).map((v) => Math.sign(Math.round(v)))),
    ...(kernel === "argmax_f32" ? [of("special_values_", [9, 17, 3], () => strew(floats([9, 17, 3]), 2))] : []),
    ...(kernel === "argmax_s8" ? [of("ends_", [9, 17, 3], () => bytes8("ends", 9 * 17 * 3, "ends"))] : []),
  ];
}
