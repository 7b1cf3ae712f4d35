import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Lifetime, placeLifetimes } from "../../src/engine/plan/arena.ts";

const lifetime = fc
  .record({ units: fc.nat(64), first: fc.nat(30), length: fc.nat(10) })
  .map(({ units, first, length }): Lifetime => ({ bytes: 16 * units, first, last: first + length }));
const lifetimes = fc.array(lifetime, { maxLength: 40 });

const overlapInTime = (a: Lifetime, b: Lifetime) => a.first <= b.last && b.first <= a.last;

describe("placeLifetimes", () => {
  it("never puts two values that live at the same time on the same byte", () => {
    fc.assert(
      fc.property(lifetimes, (values) => {
        const { offsets } = placeLifetimes(values);
        values.forEach((a, i) => {
          values.slice(0, i).forEach((b, j) => {
            if (!overlapInTime(a, b)) return;
            const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
            expect(apart).toBe(true);
          });
        });
      }),
    );
  });

  it("takes at least what is alive at once, at most all together, and ends where its last value ends", () => {
    fc.assert(
      fc.property(lifetimes, (values) => {
        const { offsets, bytes } = placeLifetimes(values);
        const alive = (t: number) => values.filter((v) => v.first <= t && t <= v.last).reduce((s, v) => s + v.bytes, 0);
        const peak = Math.max(0, ...values.map((v) => alive(v.first)));
        expect(bytes).toBeGreaterThanOrEqual(peak);
        expect(bytes).toBeLessThanOrEqual(values.reduce((s, v) => s + v.bytes, 0));
        expect(bytes).toBe(Math.max(0, ...values.map((v, i) => offsets[i]! + v.bytes)));
      }),
    );
  });

  it("keeps multiples of 16 aligned, and gives the same answer twice", () => {
    fc.assert(
      fc.property(lifetimes, (values) => {
        const arena = placeLifetimes(values);
        expect(arena.offsets.every((offset) => offset % 16 === 0)).toBe(true);
        expect(placeLifetimes(values)).toEqual(arena);
      }),
    );
  });

  it("lets a chain of equal values alternate between two places", () => {
    const chain = Array.from({ length: 10 }, (_, i) => ({ bytes: 64, first: i, last: i + 1 }));
    expect(placeLifetimes(chain).bytes).toBe(128);
  });

  it("fills the tightest gap, not the first", () => {
    // When the fifth is placed, 300 are free behind the first value and 100 behind the third.
    const values = [
      { bytes: 400, first: 0, last: 2 },
      { bytes: 300, first: 0, last: 0 },
      { bytes: 200, first: 0, last: 2 },
      { bytes: 100, first: 0, last: 0 },
      { bytes: 90, first: 0, last: 2 },
      { bytes: 50, first: 2, last: 2 },
    ];
    const { offsets, bytes } = placeLifetimes(values);
    expect(offsets).toEqual([0, 400, 700, 900, 1000, 900]);
    expect(bytes).toBe(1090);
  });

  it("has nothing to place in nothing", () => {
    expect(placeLifetimes([])).toEqual({ offsets: [], bytes: 0 });
  });
});
