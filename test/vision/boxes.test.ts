import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Detector } from "../../src/graph/graph.ts";
import { type Corners, decodeBoxes, decodeDetections, iou, nonMaxSuppression } from "../../src/vision/detect.ts";

const flat = (boxes: readonly Corners[]) => Float32Array.from(boxes.flat());
const UNIT: Corners = [0, 0, 1, 1];
const SCALES = { center: 10, size: 5 };

describe("iou", () => {
  test.each<[string, Corners, Corners, number]>([
    ["identical", UNIT, UNIT, 1],
    ["half of one in the other", UNIT, [0, 0.5, 1, 1.5], 1 / 3],
    ["one inside the other", UNIT, [0, 0, 0.5, 0.5], 0.25],
    ["touching edges", UNIT, [0, 1, 1, 2], 0],
    ["touching corners", UNIT, [1, 1, 2, 2], 0],
    ["apart", UNIT, [3, 3, 4, 4], 0],
    ["without area", UNIT, [0.5, 0.5, 0.5, 0.5], 0],
    ["both without area", [0, 0, 0, 0], [0, 0, 0, 0], 0],
    ["turned inside out", UNIT, [1, 1, 0, 0], 0],
    ["NaN", UNIT, [0, Number.NaN, 1, 1], 0],
  ])("%s", (_, a, b, expected) => {
    expect(iou(a, b)).toBeCloseTo(expected, 12);
    expect(iou(b, a)).toBeCloseTo(expected, 12);
  });
});

describe("decodeBoxes", () => {
  const anchors = flat([[0.2, 0.4, 0.4, 0.8], UNIT]);

  test("encodings of 0 are the anchors", () => {
    const boxes = decodeBoxes(new Float32Array(8), anchors, SCALES);
    expect([...boxes].map((value, i) => Math.abs(value - anchors[i]!)).every((error) => error < 1e-7)).toBe(true);
  });

  test("the center moves by tenths of the anchor's size, the size grows by exp of fifths", () => {
    const encodings = Float32Array.of(10, -5, 5 * Math.log(2), 5 * Math.log(0.5), 0, 0, 0, 0);
    const boxes = decodeBoxes(encodings, anchors, SCALES);
    // Anchor 0: center (0.3, 0.6), 0.2 high, 0.4 wide → center (0.5, 0.4), 0.4 high, 0.2 wide.
    for (const [i, expected] of [0.3, 0.3, 0.7, 0.5].entries()) expect(boxes[i]).toBeCloseTo(expected, 6);
  });

  test("sizes beyond all measure become infinite, not wrong", () => {
    const boxes = decodeBoxes(Float32Array.of(0, 0, 1e9, 0), flat([UNIT]), SCALES);
    expect([boxes[0], boxes[2]]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  test("nothing in, nothing out; a wrong length is refused", () => {
    expect(decodeBoxes(new Float32Array(0), new Float32Array(0), SCALES)).toHaveLength(0);
    expect(() => decodeBoxes(new Float32Array(4), anchors, SCALES)).toThrow(
      "expected 4 encodings for each of 2 anchors, got 4",
    );
  });
});

describe("nonMaxSuppression", () => {
  const apart: Corners[] = [UNIT, [2, 2, 3, 3], [4, 4, 5, 5]];

  test("no boxes", () => {
    expect(nonMaxSuppression(new Float32Array(0), new Float32Array(0))).toEqual([]);
  });

  test("best first; of equal scores the first", () => {
    expect(nonMaxSuppression(flat(apart), Float32Array.of(0.6, 0.9, 0.7))).toEqual([1, 2, 0]);
    expect(nonMaxSuppression(flat(apart), Float32Array.of(0.7, 0.7, 0.7))).toEqual([0, 1, 2]);
  });

  test("identical boxes: one stays", () => {
    expect(nonMaxSuppression(flat([UNIT, UNIT, UNIT]), Float32Array.of(0.6, 0.9, 0.9))).toEqual([1]);
  });

  test("minScore itself is enough", () => {
    const scores = Float32Array.of(0.5, 0.75, 0.49999997);
    expect(nonMaxSuppression(flat(apart), scores)).toEqual([1, 0]);
    expect(nonMaxSuppression(flat(apart), scores, { minScore: 0.75 })).toEqual([1]);
    expect(nonMaxSuppression(flat(apart), scores, { minScore: 1 })).toEqual([]);
    expect(nonMaxSuppression(flat(apart), Float32Array.of(0, 1, 0.2), { minScore: 0 })).toEqual([1, 2, 0]);
  });

  test("an overlap of exactly iouThreshold stays, one above goes", () => {
    // The second is the lower half of the first: intersection over union is 1/2.
    const boxes = flat([
      [0, 0, 2, 2],
      [1, 0, 2, 2],
    ]);
    const scores = Float32Array.of(0.9, 0.8);
    expect(nonMaxSuppression(boxes, scores, { iouThreshold: 0.5 })).toEqual([0, 1]);
    expect(nonMaxSuppression(boxes, scores, { iouThreshold: 0.4999 })).toEqual([0]);
    expect(nonMaxSuppression(boxes, scores, { iouThreshold: 1 })).toEqual([0, 1]);
    expect(nonMaxSuppression(flat(apart), Float32Array.of(0.9, 0.8, 0.7), { iouThreshold: 0 })).toEqual([0, 1, 2]);
  });

  test("a box that is suppressed does not suppress others", () => {
    // A chain in which each overlaps its neighbor by 0.6.
    const boxes = flat([
      [0, 0, 4, 1],
      [1, 0, 5, 1],
      [2, 0, 6, 1],
    ]);
    expect(nonMaxSuppression(boxes, Float32Array.of(0.9, 0.8, 0.7))).toEqual([0, 2]);
  });

  test("NaN scores and boxes without finite corners do not take part", () => {
    const boxes = flat([UNIT, [2, 2, 3, Number.NaN], [4, 4, Number.POSITIVE_INFINITY, 5], [6, 6, 7, 7]]);
    expect(nonMaxSuppression(boxes, Float32Array.of(Number.NaN, 0.9, 0.9, 0.9))).toEqual([3]);
  });

  test("maxResults keeps the best", () => {
    expect(nonMaxSuppression(flat(apart), Float32Array.of(0.6, 0.9, 0.7), { maxResults: 2 })).toEqual([1, 2]);
  });

  test("what stays is sorted, above minScore and overlaps no more than allowed; what goes overlaps something better", () => {
    const number = fc.double({ min: 0, max: 1, noNaN: true });
    const box = fc.tuple(number, number, number, number).map(([y, x, h, w]): Corners => [y, x, y + h, x + w]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(box, number), { maxLength: 40 }),
        number,
        number,
        (drawn, minScore, iouThreshold) => {
          const boxes = flat(drawn.map(([corners]) => corners));
          const scores = Float32Array.from(drawn, ([, score]) => score);
          const at = (i: number) => [...boxes.subarray(4 * i, 4 * i + 4)] as unknown as Corners;
          const kept = nonMaxSuppression(boxes, scores, { minScore, iouThreshold });
          for (const [rank, i] of kept.entries()) {
            expect(scores[i]).toBeGreaterThanOrEqual(minScore);
            for (const better of kept.slice(0, rank)) {
              expect(scores[better]).toBeGreaterThanOrEqual(scores[i]!);
              expect(iou(at(better), at(i))).toBeLessThanOrEqual(iouThreshold);
            }
          }
          for (const [i, score] of scores.entries()) {
            if (kept.includes(i) || score < minScore) continue;
            expect(kept.some((k) => scores[k]! >= score && iou(at(k), at(i)) > iouThreshold)).toBe(true);
          }
        },
      ),
    );
  });

  test.each([
    [{ minScore: 1.5 }, "minScore: expected a number from 0 to 1, got 1.5"],
    [{ minScore: Number.NaN }, "minScore: expected a number from 0 to 1, got NaN"],
    [{ iouThreshold: -0.1 }, "iouThreshold: expected a number from 0 to 1, got -0.1"],
    [{ maxResults: 0 }, "maxResults: expected a whole number from 1, got 0"],
    [{ maxResults: 2.5 }, "maxResults: expected a whole number from 1, got 2.5"],
  ])("%j is refused", (options, message) => {
    expect(() => nonMaxSuppression(new Float32Array(0), new Float32Array(0), options)).toThrow(new RangeError(message));
  });

  test("boxes and scores of different numbers are refused", () => {
    expect(() => nonMaxSuppression(flat(apart), new Float32Array(2))).toThrow(
      "expected 8 corners for 2 scores, got 12",
    );
  });
});

describe("decodeDetections", () => {
  const detector: Detector = {
    boxes: "boxes",
    scores: "scores",
    anchors: flat([UNIT, UNIT, [2, 2, 3, 3]]),
    scales: SCALES,
    classes: [
      { column: 1, label: "cat" },
      { column: 2, label: "dog" },
    ],
  };

  test("suppresses within a class, not across; sorts and cuts across classes", () => {
    // Columns: background, cat, dog. Logit 0 is a score of 0.5.
    const logits = Float32Array.of(9, 3, 2, 9, 1, -1, 9, -1, 0);
    const found = decodeDetections(new Float32Array(12), logits, detector);
    expect(found.map(({ label, corners }) => [label, corners[0]])).toEqual([
      ["cat", 0],
      ["dog", 0],
      ["dog", 2],
    ]);
    expect(found.map(({ score }) => score)).toEqual([3, 2, 0].map((x) => Math.fround(1 / (1 + Math.exp(-x)))));
    expect(decodeDetections(new Float32Array(12), logits, detector, { maxResults: 1 })).toEqual(found.slice(0, 1));
    expect(decodeDetections(new Float32Array(12), logits, detector, { minScore: 0.99 })).toEqual([]);
  });

  test("logits of any size give scores from 0 to 1", () => {
    const logits = Float32Array.of(0, 1e38, -1e38, 0, -1e38, -1e38, 0, -1e38, 800);
    expect(decodeDetections(new Float32Array(12), logits, detector).map(({ score }) => score)).toEqual([1, 1]);
  });
});
