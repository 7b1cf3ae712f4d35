import { describe, expect, it } from "vitest";
import { statisticsOf } from "../../src/cli/statistics.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

describe("statistics", () => {
  it.each([
    ["floats", Float32Array.of(1, -2, 4, 1), { min: -2, max: 4, mean: 1, argmax: 2, nans: 0 }],
    ["the first of equals", Uint8Array.of(3, 255, 255), { min: 3, max: 255, mean: 171, argmax: 1, nans: 0 }],
    ["negative bytes", Int8Array.of(-128, -1), { min: -128, max: -1, mean: -64.5, argmax: 1, nans: 0 }],
    ["NaN aside", Float32Array.of(nan, 2, nan, 1), { min: 1, max: 2, mean: 1.5, argmax: 1, nans: 2 }],
    ["infinities", Float32Array.of(0, inf, -inf), { min: -inf, max: inf, mean: nan, argmax: 1, nans: 0 }],
    ["the least that there is", Float32Array.of(-inf), { min: -inf, max: -inf, mean: -inf, argmax: 0, nans: 0 }],
    ["NaN alone", Float32Array.of(nan, nan), { min: nan, max: nan, mean: nan, argmax: null, nans: 2 }],
    ["nothing", new Float32Array(0), { min: nan, max: nan, mean: nan, argmax: null, nans: 0 }],
  ])("of %s", (_, numbers, expected) => {
    expect(statisticsOf(numbers)).toEqual(expected);
  });

  it("sum many numbers without losing the small ones", () => {
    expect(statisticsOf(new Float32Array(1 << 22).fill(0.1)).mean).toBeCloseTo(0.1, 7);
  });
});
