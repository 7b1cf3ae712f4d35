/**
 * Cases of resize_s8, in both of its arithmetics.
 * @module
 */
import type { Resizing } from "../reference/resize.ts";
import { resize8, stepOf } from "../reference/resize_s8.ts";
import { bounded8, bytes8, CHANNELS8, type Filling } from "./bytes.ts";
import type { Case, Trial } from "./trial.ts";

type Shape = readonly [n: number, h: number, w: number, c: number];

/** Random data of one size brought to another one. */
function resizeTrial(from: Shape, how: Resizing, unsigned: boolean, filling: Filling = "random"): Trial {
  const [n, inH, inW, inC] = from;
  const [outH, outW] = how.size;
  const x = bytes8(`resize ${from} ${how.size}`, n * inH * inW * inC, filling);
  // In the signs that the file has.
  const up = unsigned ? 128 : 0;
  const open = resize8(
    Int16Array.from(x, (q) => q + up),
    from,
    how,
    unsigned,
  ).map((y) => y - up);
  const scale = (a: number, b: number) => Math.fround(how.alignCorners && b > 1 ? (a - 1) / (b - 1) : a / b);
  const fields = {
    ...{ rows: n * outH, n, inH, inW, inC, outH, outW, outC: inC },
    ...{ a: scale(inH, outH), b: scale(inW, outW) },
    ...{ m1: stepOf(inH, outH, how.alignCorners), m2: stepOf(inW, outW, how.alignCorners) },
    flags: (how.halfPixelCenters ? 1 : 0) + (unsigned ? 2 : 0),
  };
  return bounded8({ kernel: "resize_s8", x, fields }, [n, outH, outW, inC], open);
}

const WAYS = [
  ["points", { alignCorners: false, halfPixelCenters: false }],
  ["corners", { alignCorners: true, halfPixelCenters: false }],
  ["centers", { alignCorners: false, halfPixelCenters: true }],
] as const;

/** Larger, smaller, the same, one pixel, one row, one column. */
const SIZES = [
  [3, 4, 6, 8],
  [7, 5, 3, 2],
  [1, 1, 3, 2],
  [4, 3, 1, 1],
  [5, 6, 5, 6],
  [3, 3, 10, 7],
  [1, 9, 3, 5],
  [9, 1, 4, 3],
  [2, 2, 17, 31],
  [40, 33, 2, 3],
  [16, 16, 3, 33],
] as const;

/** The grid: each way of placing pixels, in each arithmetic. */
export function resizeCases8(): Case[] {
  return WAYS.flatMap(([way, how]) =>
    [false, true].flatMap((unsigned) => {
      const of = (name: string, from: Shape, size: readonly [number, number], filling?: Filling): Case => ({
        name: `${way}_${name}${unsigned ? "_unsigned" : ""}`,
        make: () => resizeTrial(from, { ...how, size }, unsigned, filling),
      });
      return [
        ...SIZES.map(([h, w, outH, outW]) => of(`${h}x${w}_to_${outH}x${outW}`, [2, h, w, 5], [outH, outW])),
        ...CHANNELS8.map((c) => of(`channels_${c}`, [1, 3, 4, c], [5, 7])),
        ...(["low", "high", "ends"] as const).flatMap((filling) => [
          of(`all_${filling}_larger`, [1, 3, 4, 9], [7, 9], filling),
          of(`all_${filling}_smaller`, [1, 7, 9, 9], [3, 4], filling),
        ]),
      ];
    }),
  );
}
