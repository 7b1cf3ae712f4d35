/**
 * Cases of gather_nd, constant and cast_s32.
 * @module
 */
import { gatherNd } from "../reference/move.ts";
import { count, exact } from "../reference/value.ts";
import { random } from "./random.ts";
import { type Case, strew } from "./trial.ts";

/** Places that are no places: outside of every axis, none at all, between two. */
const OUTSIDE = [-1, -0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, 3e9, 1000];

/** Parts of x at `rows` places. `sizes`: of the axes that have a coordinate. */
function gatherNdCase(name: string, sizes: readonly number[], outC: number, rows: number, strewn = 0): Case {
  const make = () => {
    const numbers = random(`gather nd ${name}`);
    const kW = sizes.length;
    const x = numbers.floats(count(sizes) * outC);
    const x2 = numbers.floats(rows * kW).map((v, i) => Math.floor(Math.abs(v) * 1e4) % sizes[i % kW]!);
    if (strewn > 0) strew(x2, strewn, OUTSIDE);
    const [n, inH, inW, inC] = [...[1, 1, 1].slice(kW - 1), ...sizes] as [number, number, number, number];
    const expected = gatherNd(exact([...sizes, outC], x), exact([rows, kW], x2));
    const fields = { rows, n, inH, inW, inC, kW, outC };
    const bits = new Uint32Array(Float32Array.from(expected.values).buffer);
    return { expected, bits, problem: { kernel: "gather_nd", x, x2, outputs: rows * outC, fields } } as const;
  };
  return { name, make };
}

/** The grid of gather_nd. */
export function gatherNdCases(): Case[] {
  return [
    gatherNdCase("one_coordinate", [7], 5, 9),
    gatherNdCase("two_coordinates", [3, 4], 1, 6),
    gatherNdCase("three_coordinates", [2, 5, 3], 34, 4),
    gatherNdCase("four_coordinates", [1, 6, 5, 17], 1, 17),
    gatherNdCase("one_place", [48], 4, 1),
    gatherNdCase("one_number", [1], 1, 1),
    gatherNdCase("long_parts", [3, 2], 300, 5),
    gatherNdCase("outside_one", [4], 3, 24, 1),
    gatherNdCase("outside_three", [2, 3, 4], 2, 31, 4),
    gatherNdCase("outside_four", [2, 3, 2, 2], 1, 37, 5),
  ];
}

const SIZES: readonly (readonly [rows: number, c: number])[] = [
  ...[1, 2, 3, 4, 5, 8, 17].map((c) => [3, c] as const),
  [1, 1],
  [9, 1],
  [5, 400],
];

/** The grid of constant. */
export function constantCases(): Case[] {
  return SIZES.map(([rows, inC]) => ({
    name: `rows_${rows}_c_${inC}`,
    make: () => {
      const w = strew(random(`constant ${rows} ${inC}`).floats(rows * inC), 7);
      const bits = new Uint32Array(w.slice().buffer);
      const problem = { kernel: "constant", x: new Float32Array(0), w, outputs: rows * inC } as const;
      return { expected: exact([rows, inC], w), bits, problem: { ...problem, fields: { rows, inC } } };
    },
  }));
}

/** The grid of cast_s32. */
export function castCases(): Case[] {
  const ends = [0, -1, 2 ** 24, 2 ** 24 + 1, 2 ** 24 + 2, -(2 ** 24) - 1, 2 ** 31 - 1, -(2 ** 31), 123456789];
  return [...SIZES, [3, 3] as const].map(([rows, inC], i) => ({
    name: `${i === SIZES.length ? "ends_" : ""}rows_${rows}_c_${inC}`,
    make: () => {
      const drawn = random(`cast ${rows} ${inC}`).floats(rows * inC);
      const whole = Int32Array.from(drawn, (v, at) => (i === SIZES.length ? ends[at]! : Math.round(v * 1e6)));
      const expected = exact([rows, inC], Float32Array.from(whole));
      const x = new Float32Array(whole.buffer);
      return { expected, problem: { kernel: "cast_s32", x, outputs: rows * inC, fields: { rows, inC } } };
    },
  }));
}
