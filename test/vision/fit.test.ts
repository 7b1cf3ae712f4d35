import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Box, type Fit, place, toPicture } from "../../src/vision/fit.ts";

const wide = { width: 400, height: 200 };
const square = { width: 100, height: 100 };

describe("place", () => {
  it.each<[string, Parameters<typeof place>[2], Box, Box]>([
    ["stretch", {}, [0, 0, 400, 200], [0, 0, 100, 100]],
    ["cover", { fit: "cover" }, [100, 0, 200, 200], [0, 0, 100, 100]],
    ["cover, start", { fit: "cover", position: "start" }, [0, 0, 200, 200], [0, 0, 100, 100]],
    ["contain", { fit: "contain" }, [0, 0, 400, 200], [0, 25, 100, 50]],
    ["contain, start", { fit: "contain", position: "start" }, [0, 0, 400, 200], [0, 0, 100, 50]],
    ["crop, cover", { fit: "cover", crop: [10, 20, 50, 100] }, [10, 45, 50, 50], [0, 0, 100, 100]],
    ["crop, contain", { fit: "contain", crop: [10, 20, 50, 100] }, [10, 20, 50, 100], [25, 0, 50, 100]],
  ])("%s", (_, options, source, target) => {
    expect(place(wide, square, options)).toEqual({ source, target });
  });

  it("keeps at least one pixel of a hair", () => {
    expect(place({ width: 10_000, height: 1 }, square, { fit: "contain" }).target).toEqual([0, 49, 100, 1]);
  });

  it("stays inside the picture and the input, keeps proportions, and toPicture leads back", () => {
    const side = fc.integer({ min: 1, max: 5000 });
    const sizes = fc.record({ width: side, height: side });
    const fits = fc.constantFrom<Fit>("stretch", "cover", "contain");
    const positions = fc.constantFrom("center", "start");
    fc.assert(
      fc.property(sizes, sizes, fits, positions, (image, input, fit, position) => {
        const placement = place(image, input, { fit, position });
        const { source, target } = placement;
        expect(source[0]).toBeGreaterThanOrEqual(0);
        expect(source[1]).toBeGreaterThanOrEqual(0);
        // `contain` scales both axes alike, so its last pixels may reach beyond the picture.
        const pixel = fit === "contain" ? Math.max(image.width / input.width, image.height / input.height) : 0;
        expect(source[0] + source[2]).toBeLessThanOrEqual(image.width + pixel + 1e-9);
        expect(source[1] + source[3]).toBeLessThanOrEqual(image.height + pixel + 1e-9);
        if (fit !== "stretch") expect(source[2] / target[2]).toBeCloseTo(source[3] / target[3], 6);
        expect(target.every(Number.isInteger)).toBe(true);
        expect(target[0] + target[2]).toBeLessThanOrEqual(input.width);
        expect(target[1] + target[3]).toBeLessThanOrEqual(input.height);
        toPicture(placement, target).forEach((value, i) => {
          expect(value).toBeCloseTo(source[i]!, 6);
        });
      }),
    );
  });

  it.each<[string, () => unknown, RegExp]>([
    ["an empty picture", () => place({ width: 0, height: 2 }, square), /image width: expected .* got 0/],
    ["half a pixel", () => place(wide, { width: 10, height: 2.5 }), /input height: expected .* got 2.5/],
    [
      "a crop outside",
      () => place(wide, square, { crop: [390, 0, 20, 10] }),
      /crop: expected .*400×200.* got \[390, 0, 20, 10\]/,
    ],
    ["a crop of nothing", () => place(wide, square, { crop: [0, 0, 0, 10] }), /crop/],
    ["a crop that is no number", () => place(wide, square, { crop: [0, Number.NaN, 1, 1] }), /crop/],
    ["an unknown fit", () => place(wide, square, { fit: "fill" as Fit }), /fit: .*"fill"/],
    ["an unknown position", () => place(wide, square, { position: "end" as "start" }), /position: .*"end"/],
  ])("refuses %s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
