/**
 * The pictures of training: curves and confusion matrices.
 */
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { confusion, confusionChart } from "../../src/train/report/confusion.ts";
import { learningCurve } from "../../src/train/report/learning-curve.ts";

const epoch = (number: number, loss: number, accuracy: number, held?: number) => ({
  ...{ epoch: number, steps: 2, count: 1200, loss, accuracy, seconds: 1 },
  ...(held !== undefined && { validation: { loss, accuracy: held, count: 300 } }),
});
/** The heights at which a line goes through its points. */
const heights = (svg: string, kind: string, at: number) =>
  [...svg.matchAll(new RegExp(`<path d="M([^"]*)" class="${kind}"`, "g"))]
    [at]![1]!.split(" L")
    .map((point) => Number(point.split(" ")[1]));

describe("a learning curve", () => {
  it("rises with accuracy and falls with loss", () => {
    const svg = learningCurve([epoch(1, 2, 0.4, 0.5), epoch(2, 1, 0.6, 0.7), epoch(3, 0.5, 0.8, 0.75)], "A < B");
    expect(svg).toContain("A &lt; B");
    expect(svg).toContain("validation 75.00 %");
    expect(svg).toContain("80.00 % of 1,200 pictures it learned from");
    expect(svg).toContain("75.00 % of 300 that it has not seen");
    const [a, b, c] = heights(svg, "training", 0);
    expect(a! - b!).toBeCloseTo(b! - c!, 0);
    expect(a!).toBeGreaterThan(c!);
    const loss = heights(svg, "training", 1);
    expect(loss[0]!).toBeLessThan(loss[2]!);
    expect((loss[1]! - loss[0]!) / (loss[2]! - loss[1]!)).toBeCloseTo(2, 1);
  });

  it("is drawn of one epoch, of equal ones and without validation", () => {
    for (const epochs of [[epoch(1, 1, 0.5)], [epoch(4, 1, 0.5), epoch(5, 1, 0.5)]]) {
      const svg = learningCurve(epochs);
      expect(svg).not.toMatch(/NaN|Infinity|validation \d/);
    }
    expect(() => learningCurve([])).toThrow("expected an epoch, got none");
  });
});

describe("a confusion matrix", () => {
  it("counts answers by class", () => {
    expect(confusion([0, 0, 1, 2, 2], [0, 1, 1, 0, 2], 3)).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
    expect(() => confusion([0], [0, 1], 2)).toThrow(ShapeError);
    expect(() => confusion([0, 2], [0, 1], 2)).toThrow("expected classes below 2, got 2 and 1 at 1");
    expect(() => confusion([0, 1], [0, -1], 2)).toThrow("got 1 and -1 at 1");
  });

  it("is drawn with a cell for each pair, for few classes and many", () => {
    const svg = confusionChart(
      [
        [3, 1],
        [0, 4],
      ],
      ["cat & mouse", "dog"],
    );
    expect(svg.match(/<rect/g)).toHaveLength(4);
    expect(svg).toContain("7 of 8 agree (87.50 %)");
    expect(svg).toContain("cat &amp; mouse: 1 of 4 named dog");
    const many = Array.from({ length: 100 }, (_, i) => `class ${i}`);
    const square = many.map(() => many.map(() => 0));
    const large = confusionChart(square, many);
    expect(large.match(/<rect/g)).toHaveLength(10_000);
    expect(large).not.toMatch(/NaN/);
    expect(() => confusionChart([[1]], ["a", "b"])).toThrow(ShapeError);
  });
});
