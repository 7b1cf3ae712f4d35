/**
 * TFLite_Detection_PostProcess: what becomes of it, and what its settings are read from.
 */
import { encode } from "flatbuffers/js/flexbuffers.js";
import { describe, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { readSettings } from "../../src/formats/tflite/flexbuffer.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { open } from "../../src/index.ts";
import { detectionsOf } from "../../src/vision/detect.ts";
import { buildTflite, type TensorSpec } from "./builders/tflite.ts";

const SETTINGS = {
  ...{ y_scale: 10.5, x_scale: 10.5, h_scale: 5.5, w_scale: 5.5, num_classes: 2, max_detections: 3 },
  ...{ max_classes_per_detection: 1, nms_score_threshold: 0.25, nms_iou_threshold: 0.5 },
};
/** Two anchors, the left half and the right half: center y, center x, height, width. */
const ANCHORS = [0.5, 0.25, 1, 0.5, 0.5, 0.75, 1, 0.5];

interface Sketch {
  readonly settings?: Readonly<Record<string, number | boolean>>;
  readonly options?: Uint8Array;
  readonly scores?: readonly number[];
  readonly anchors?: Partial<TensorSpec>;
  /** Another operator behind it. */
  readonly behind?: boolean;
  readonly outputs?: readonly number[];
}

/** Boxes and scores come in as they are, doubled by an ADD, which leaves names of the file's own. */
function file({ settings = SETTINGS, options, scores = [1, 2, 3], anchors, behind, outputs }: Sketch = {}): Uint8Array {
  const found = [3, 4, 5, 6].map((index): TensorSpec => ({ name: `found${index}`, shape: [1, 3] }));
  return buildTflite({
    tensors: [
      { name: "boxes", shape: [1, 2, 4] },
      { name: "scores", shape: scores },
      { name: "anchors", shape: [2, 4], data: ANCHORS, ...anchors },
      ...found,
      { name: "y", shape: [1, 3] },
    ],
    operators: [
      {
        op: "CUSTOM",
        custom: "TFLite_Detection_PostProcess",
        customOptions: options ?? new Uint8Array(encode(settings)),
        ...{ inputs: [0, 1, 2], outputs: outputs ?? [3, 4, 5, 6] },
      },
      ...(behind ? [{ op: "RELU", inputs: [3], outputs: [7] }] : []),
    ],
    inputs: [0, 1],
    outputs: behind ? [7] : [3, 4, 5, 6],
  });
}

describe("TFLite_Detection_PostProcess", () => {
  it("leaves what it reads as outputs, and what it says as the graph's detector", async () => {
    const graph = await fromTflite(file());
    expect(graph.outputs).toEqual(["boxes", "scores"]);
    expect(graph.nodes).toEqual([]);
    expect(graph.source.detector).toEqual({
      ...{ boxes: "boxes", scores: "scores", scales: { center: 10.5, size: 5.5 } },
      anchors: Float32Array.of(0, 0, 1, 0.5, 0, 0.5, 1, 1),
      classes: [
        { column: 1, label: "class 0" },
        { column: 2, label: "class 1" },
      ],
      suppression: { kind: "anchors", maxResults: 3, minScore: 0.25, iouThreshold: 0.5, each: 1 },
      ...{ scoresAre: "probabilities", fit: "stretch" },
    });
  });

  it("suppresses each class for itself where the file asks for that", async () => {
    const settings = { ...SETTINGS, use_regular_nms: true, detections_per_class: 7, num_classes: 3 };
    const { detector } = (await fromTflite(file({ settings }))).source;
    expect(detector?.suppression).toMatchObject({ kind: "classes", each: 7 });
    expect(detector?.classes.map(({ column }) => column)).toEqual([0, 1, 2]);
  });

  it("answers by its best class, or by several, saved and opened too", async () => {
    for (const each of [1, 2]) {
      const graph = await fromTflite(file({ settings: { ...SETTINGS, max_classes_per_detection: each } }));
      const built = await build(graph);
      for (const net of [built, await open(built.save())]) {
        const inputs = { boxes: new Float32Array(8), scores: Float32Array.of(0.9, 0.3, 0.4, 0.1, 0.7, 0.2) };
        const { outputs } = net.run(inputs);
        const found = detectionsOf(net, outputs, { minScore: 0 }).map(({ score, ...rest }) => [rest.class, score]);
        const all = [1, 0.7, 0, 0.2].map((x) => Math.fround(x));
        const [left, right] = [
          [1, Math.fround(0.4), 0, Math.fround(0.3)],
          [0, all[1], 1, all[3]],
        ] as const;
        const expected = [right, left].flatMap(([a, s, b, t]) =>
          each === 1
            ? [[a, s]]
            : [
                [a, s],
                [b, t],
              ],
        );
        expect(found).toEqual(expected);
        expect(detectionsOf(net, outputs).map(({ corners }) => corners)).toEqual([[0, 0.5, 1, 1]]);
      }
    }
  });

  it.each<[string, Sketch, new (...args: never[]) => Error, RegExp]>([
    ["no settings", { options: new Uint8Array() }, FormatError, /settings: expected 1, 2, 4 or 8 bytes/],
    ["a scale that is not there", { settings: { ...SETTINGS, y_scale: 0 } }, FormatError, /y_scale: .* got 0/],
    ["no classes", { settings: { y_scale: 1, x_scale: 1, h_scale: 1, w_scale: 1 } }, FormatError, /num_classes.*none/],
    ["more classes than scores", { settings: { ...SETTINGS, num_classes: 4 } }, FormatError, /num_classes: .* got 4/],
    ["a part of a box", { settings: { ...SETTINGS, max_detections: 2.5 } }, FormatError, /max_detections: .* got 2.5/],
    ["scales that differ", { settings: { ...SETTINGS, x_scale: 3 } }, UnsupportedError, /equal ones of both axes/],
    ["scores of other anchors", { scores: [1, 3, 3] }, UnsupportedError, /got \[1,2,4\], \[1,3,3\], \[2,4\]/],
    ["anchors that are computed", { anchors: { data: [] } }, FormatError, /empty buffer/],
    ["anchors in one row", { anchors: { shape: [8] } }, FormatError, /expected 2 dimensions, got \[8\]/],
    ["fewer outputs", { outputs: [3] }, FormatError, /expected 4 outputs, got 1/],
    ["a reader of its results", { behind: true }, UnsupportedError, /RELU\): expected the boxes found to be outputs/],
  ])("%s: an error", async (_, sketch, kind, message) => {
    await expect(fromTflite(file(sketch))).rejects.toThrow(kind);
    await expect(fromTflite(file(sketch))).rejects.toThrow(message);
  });
});

describe("settings of custom operators", () => {
  const read = (value: unknown) => Object.fromEntries(readSettings(new Uint8Array(encode(value)), "here"));

  it("are numbers of any width, and truth values", () => {
    const small = { a: 1, b: -2, c: true, d: false };
    expect(read(small)).toEqual({ a: 1, b: -2, c: 1, d: 0 });
    const wide = { a: 300, b: -70_000, c: 2 ** 40, f: "text", g: [1, 2], h: { i: 1 } };
    expect(read(wide)).toEqual({ a: 300, b: -70_000, c: 2 ** 40 });
    expect(read({ a: 0.5, b: -3 })).toEqual({ a: 0.5, b: -3 });
    expect(read({ a: 0.1, b: 1.5e-300 })).toEqual({ a: 0.1, b: 1.5e-300 });
    expect(read({})).toEqual({});
  });

  it("that are none, cut short or changed anywhere, end in a FormatError or in numbers", () => {
    const bytes = new Uint8Array(encode({ first: 1000, second: 0.25, third: -1, fourth: "x" }));
    for (let length = 0; length < bytes.length; length++) tryRead(bytes.subarray(0, length));
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 2, 3, 38, 127, 255]) tryRead(bytes.with(at, value));
    }
    expect(() => read([1, 2])).toThrow(/here, settings: expected a map of settings, got type/);
  });

  function tryRead(bytes: Uint8Array): void {
    try {
      readSettings(bytes, "here");
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  }
});
