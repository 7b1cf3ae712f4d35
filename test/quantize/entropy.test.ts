/** Ranges by entropy, on histograms of which the answer is known. */
import { describe, expect, it } from "vitest";
import { leastDivergence } from "../../src/quantize/entropy.ts";
import { random } from "../cases/random.ts";

const BINS = 4096;

describe("the range of least divergence", () => {
  it("is everything where all numbers are equally frequent", () => {
    expect(leastDivergence(new Float64Array(BINS).fill(7), 0)).toEqual({ first: 0, last: BINS - 1 });
    expect(leastDivergence(new Float64Array(BINS).fill(7), 2000)).toEqual({ first: 0, last: BINS - 1 });
  });

  it("leaves a few outliers outside, on either side of zero", () => {
    const numbers = random("entropy");
    for (const zero of [0, 2048]) {
      const bins = new Float64Array(BINS);
      // A bell of a tenth of the range, and two numbers far away.
      for (let i = 0; i < 200_000; i++) {
        const bell = (numbers.next() + numbers.next() + numbers.next() + numbers.next() - 2) * 400;
        bins[Math.min(BINS - 1, Math.max(0, Math.round(zero === 0 ? Math.abs(bell) : zero + bell)))]!++;
      }
      bins[BINS - 1]! += 2;
      const { first, last } = leastDivergence(bins, zero);
      expect(last - zero).toBeLessThan(1700);
      expect(last - zero).toBeGreaterThan(500);
      // Both ends come nearer by the same factor.
      expect((zero - first) / (zero || 1)).toBeCloseTo(zero === 0 ? 0 : (last - zero) / (BINS - 1 - zero), 2);
    }
  });

  it("answers for empty histograms, and for those of one number", () => {
    expect(leastDivergence(new Float64Array(BINS), 0)).toEqual({ first: 0, last: BINS - 1 });
    const one = new Float64Array(BINS);
    one[100] = 5;
    const { first, last } = leastDivergence(one, 0);
    expect(first).toBe(0);
    expect(last).toBeGreaterThanOrEqual(100);
  });
});
