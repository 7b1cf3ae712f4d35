/**
 * Cases of resize_f32.
 * @module
 */
import { type Resizing, resizeBilinear } from "../reference/resize.ts";
import { exact } from "../reference/value.ts";
import { random } from "./random.ts";
import type { Case, Trial } from "./trial.ts";
import { CHANNELS } from "./window.ts";

/** Random data of one size brought to another one. */
export function resizeTrial(from: readonly [number, number, number, number], how: Resizing): Trial {
  const [n, inH, inW, inC] = from;
  const [outH, outW] = how.size;
  const x = random(`resize ${from} ${how.size}`).floats(n * inH * inW * inC);
  const scale = (a: number, b: number) => Math.fround(how.alignCorners && b > 1 ? (a - 1) / (b - 1) : a / b);
  const scales = { a: scale(inH, outH), b: scale(inW, outW) };
  return {
    expected: resizeBilinear(exact([...from], x), how),
    problem: {
      ...{ kernel: "resize_f32", x, outputs: n * outH * outW * inC },
      fields: {
        rows: n * outH,
        n,
        inH,
        inW,
        inC,
        outH,
        outW,
        outC: inC,
        ...scales,
        flags: how.halfPixelCenters ? 1 : 0,
      },
    },
  };
}

/** The grid: larger, smaller, one pixel, every number of channels, the three ways of placing pixels. */
export function resizeCases(): Case[] {
  const ways = [
    ["points", { alignCorners: false, halfPixelCenters: false }],
    ["corners", { alignCorners: true, halfPixelCenters: false }],
    ["centers", { alignCorners: false, halfPixelCenters: true }],
  ] as const;
  const sizes = [
    [3, 4, 6, 8],
    [7, 5, 3, 2],
    [1, 1, 3, 2],
    [4, 3, 1, 1],
    [5, 6, 5, 6],
    [3, 3, 10, 7],
  ] as const;
  return ways.flatMap(([way, how]) => [
    ...sizes.map(([h, w, outH, outW]) => ({
      name: `${way}_${h}x${w}_to_${outH}x${outW}`,
      make: () => resizeTrial([2, h, w, 5], { ...how, size: [outH, outW] }),
    })),
    ...CHANNELS.map((c) => ({
      name: `${way}_channels_${c}`,
      make: () => resizeTrial([1, 3, 4, c], { ...how, size: [5, 7] }),
    })),
  ]);
}
