import { describe, expect, test } from "vitest";
import { annotate } from "../../src/vision/annotate.ts";
import type { Detection } from "../../src/vision/detect.ts";
import { type Bitmap, drawText, fillRounded, strokeRounded, textWidth } from "../../src/vision/draw.ts";
import { outline } from "../../src/vision/glyphs.ts";

const GRAY = 128;
const blank = (width: number, height: number, value = GRAY) => ({
  width,
  height,
  data: new Uint8ClampedArray(4 * width * height).map((_, i) => (i % 4 === 3 ? 255 : value)),
});
const pixel = ({ width, data }: Bitmap, x: number, y: number) => [
  ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4),
];
const changed = (image: Bitmap, x: number, y: number) =>
  pixel(image, x, y)
    .slice(0, 3)
    .some((value) => value !== GRAY);

describe("annotate", () => {
  const face: Detection = { score: 0.987, box: [200, 200, 120, 160], label: "face" };

  test("leaves the picture it was given, and all but frame and label of its copy", () => {
    const image = blank(640, 480);
    const drawn = annotate(image, [face]);
    expect(image.data.every((value, i) => value === (i % 4 === 3 ? 255 : GRAY))).toBe(true);
    for (const [x, y] of [
      [199, 280],
      [320, 280],
      [260, 200],
      [260, 360],
      [210, 185],
    ] as const)
      expect(changed(drawn, x, y), `${x}, ${y}`).toBe(true);
    for (const [x, y] of [
      [260, 280],
      [100, 100],
      [400, 280],
      [10, 10],
      [639, 479],
    ] as const)
      expect(changed(drawn, x, y), `${x}, ${y}`).toBe(false);
    expect(drawn.data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
  });

  test("without detections it is a copy", () => {
    const image = blank(30, 20);
    expect(annotate(image, []).data).toEqual(image.data);
    expect(annotate(image, []).data).not.toBe(image.data);
  });

  test("the label moves inside where the picture ends above", () => {
    const drawn = annotate(blank(640, 480), [{ ...face, box: [200, 4, 120, 160] }]);
    expect(changed(drawn, 215, 16)).toBe(true);
  });

  test.each<[string, Detection["box"]]>([
    ["beyond every edge", [-50, -50, 900, 900]],
    ["in the last corner", [600, 440, 40, 40]],
    ["of one pixel", [5, 5, 1, 1]],
    ["without area", [5, 5, 0, 0]],
    ["far outside", [5000, 5000, 10, 10]],
  ])("takes a box %s", (_, box) => {
    const drawn = annotate(blank(640, 480), [{ score: 1, box }]);
    expect(drawn.data).toHaveLength(4 * 640 * 480);
  });

  test("draws into a picture smaller than its label", () => {
    expect(annotate(blank(4, 3), [{ score: 0.5, box: [0, 0, 4, 3], label: "face" }]).data).toHaveLength(48);
  });

  test("gives each class a color of its own", () => {
    const boxes = ["cat", "dog", "cat"].map(
      (label, i): Detection => ({ score: 0.9, label, box: [20 + 200 * i, 100, 120, 160] }),
    );
    const drawn = annotate(blank(640, 480), boxes);
    const [cat, dog, cat2] = boxes.map(({ box: [x, y] }) => pixel(drawn, x, y + 20));
    expect(cat).toEqual(cat2);
    expect(cat).not.toEqual(dog);
  });

  test("refuses pixels that are not RGBA of that size", () => {
    expect(() => annotate({ width: 4, height: 4, data: new Uint8Array(48) }, [])).toThrow(
      "image: expected 64 bytes of RGBA for 4×4, got 48",
    );
  });
});

describe("shapes", () => {
  test("a filled rectangle covers its pixels, half of those that its edge halves, none outside", () => {
    const image = blank(20, 20, 0);
    fillRounded(image, [4, 4, 8.5, 8], 0, [255, 255, 255]);
    expect(pixel(image, 8, 8)[0]).toBe(255);
    expect(pixel(image, 4, 4)[0]).toBe(255);
    expect(pixel(image, 12, 8)[0]).toBe(128);
    expect(pixel(image, 13, 8)[0]).toBe(0);
    expect(pixel(image, 3, 8)[0]).toBe(0);
  });

  test("corners are round: area = w·h − (4 − π)·r²", () => {
    const image = blank(100, 100, 0);
    fillRounded(image, [10, 10, 80, 60], 20, [255, 255, 255]);
    const area = image.data.reduce((sum, value, i) => (i % 4 === 0 ? sum + value / 255 : sum), 0);
    expect(Math.abs(area - (80 * 60 - (4 - Math.PI) * 400))).toBeLessThan(4);
  });

  test("a line is as wide as asked, whatever its place", () => {
    for (const x of [20, 20.3, 20.5]) {
      const image = blank(60, 60, 0);
      strokeRounded(image, [x, 10, 30, 40], 4, 3, [255, 255, 255]);
      const row = Array.from({ length: 30 }, (_, i) => pixel(image, i, 30)[0]! / 255);
      expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(3, 1);
    }
  });

  test("half transparent colors blend, also into transparent pixels", () => {
    const image = blank(4, 4, 100);
    image.data[3] = 0;
    fillRounded(image, [0, 0, 4, 4], 0, [200, 0, 100], 0.5);
    expect(pixel(image, 0, 0)).toEqual([150, 50, 100, 128]);
    expect(pixel(image, 2, 2)).toEqual([150, 50, 100, 255]);
  });
});

describe("text", () => {
  test("fills its measured width and the height it was given", () => {
    const image = blank(400, 60, 0);
    drawText(image, "face 98.5%", 20, 20, 24, [255, 255, 255]);
    const lit = image.data.reduce<number[]>(
      (all, value, i) => (i % 4 === 0 && value > 100 ? all.concat(i / 4) : all),
      [],
    );
    const xs = lit.map((i) => i % 400);
    const ys = lit.map((i) => Math.floor(i / 400));
    expect(Math.min(...xs)).toBe(20);
    expect(Math.abs(Math.max(...xs) + 1 - 20 - textWidth("face 98.5%", 24))).toBeLessThan(1.5);
    expect([Math.min(...ys), Math.max(...ys)]).toEqual([20, 43]);
  });

  test("small letters are capitals, unknown signs a box, spaces have width", () => {
    expect(outline("face")).toEqual(outline("FACE"));
    expect(outline("☃").segments).toHaveLength(4);
    expect(outline("A B").width).toBeGreaterThan(outline("AB").width);
    expect(outline("")).toEqual({ segments: [], width: 0 });
    expect(outline("constructor").segments.length).toBeGreaterThan(20);
  });
});
