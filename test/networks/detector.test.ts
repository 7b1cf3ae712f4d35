/**
 * A COCO detector in uint8 (SSD on MobileNet v1), against native TFLite: the four outputs of its post-processing.
 */
import { describe, expect, it } from "vitest";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { detect, load, type Numbers, open, type Session } from "../../src/index.ts";
import { detectionsOf } from "../../src/vision/detect.ts";
import { shared } from "../formats/builders/shared.ts";
import { referenceCases, referenceModel } from "./references.ts";

const MODEL = "coco_ssd_mobilenet_v1_quant";
const path = referenceModel(MODEL);

/** Boxes are decoded in double precision, and anchors kept as corners in float32. */
const CORNER = 2 ** -22;

describe.skipIf(path === undefined)(MODEL, () => {
  for (const variant of VARIANTS) {
    it.skipIf(!accepts(variant))(`gives TFLite's boxes, classes and scores (${variant})`, async () => {
      const built = await load(path!, { variant });
      const opened = await open(built.save(), { variant });
      for (const { name, input, outputs } of referenceCases(MODEL)) {
        for (const net of [built, opened]) expectFound(net, input as Numbers, outputs, name);
      }
    });
  }

  it("finds the cat, the bird and Grace Hopper's tie", async () => {
    const net = await load(path!);
    const found = async (name: string) => detect(net, shared(`images/${name}.${name === "parrot" ? "jpg" : "bmp"}`));
    for (const [name, label] of [
      ["cat", "cat"],
      ["bird", "bird"],
      ["parrot", "bird"],
      ["grace_hopper", "person"],
      ["grace_hopper", "tie"],
    ] as const) {
      expect(
        (await found(name)).map((one) => one.label),
        name,
      ).toContain(label);
    }
  });
});

function expectFound(
  net: Session,
  input: Numbers,
  outputs: ReturnType<typeof referenceCases>[0]["outputs"],
  name: string,
) {
  const [boxes, classes, scores, count] = outputs as [Numbers, Numbers, Numbers, Numbers];
  const found = detectionsOf(net, net.run<Numbers>(input).outputs, { minScore: 0 });
  expect(found, name).toHaveLength(count[0]!);
  expect(
    found.map((one) => one.class),
    name,
  ).toEqual([...classes]);
  expect(
    found.map(({ score }) => score),
    name,
  ).toEqual([...scores]);
  found.forEach(({ corners }, i) => {
    corners.forEach((corner, j) => {
      expect(Math.abs(corner - boxes[4 * i + j]!), `${name}, box ${i}`).toBeLessThan(CORNER);
    });
  });
}
