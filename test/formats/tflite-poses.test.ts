/**
 * PosenetDecoderOp: what becomes of it.
 */
import { encode } from "flatbuffers/js/flexbuffers.js";
import { describe, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { posesOf } from "../../src/index.ts";
import { buildTflite, type TensorSpec } from "./builders/tflite.ts";

const SETTINGS = { max_detections: 4, score_threshold: 0.25, stride: 16, nms_radius: 20.5 };

interface Sketch {
  readonly settings?: Readonly<Record<string, number>>;
  readonly mid?: readonly number[];
  readonly inputs?: readonly number[];
  readonly outputs?: readonly number[];
  /** Another operator behind it. */
  readonly behind?: boolean;
}

/** Maps come in as they are, in 8 bits, beside a value that has nothing to do with them. */
function file({ settings = SETTINGS, mid = [1, 2, 3, 64], inputs = [0, 1, 2], outputs, behind }: Sketch = {}) {
  const bytes = { type: "uint8", scales: [0.5], zeroPoints: [128] };
  const found = [5, 6, 7, 8, 9].map((index): TensorSpec => ({ name: `found${index}`, shape: [1, 4] }));
  return buildTflite({
    tensors: [
      { name: "heat", shape: [1, 2, 3, 17], ...bytes },
      { name: "short", shape: [1, 2, 3, 34], ...bytes },
      { name: "mid", shape: mid, ...bytes },
      { name: "long", shape: [1, 2, 3, 34], ...bytes },
      { name: "other", shape: [1, 2] },
      ...found,
      { name: "y", shape: [1, 4] },
      { name: "image", shape: [1, 17, 33, 3] },
    ],
    operators: [
      {
        ...{ op: "CUSTOM", custom: "PosenetDecoderOp", customOptions: new Uint8Array(encode(settings)), inputs },
        outputs: outputs ?? [5, 6, 7, 8],
      },
      ...(behind ? [{ op: "RELU", inputs: [7], outputs: [10] }] : []),
    ],
    inputs: [11, 0, 1, 2, 3, 4],
    outputs: behind ? [10] : [...(outputs ?? [5, 6, 7, 8]), 4],
  });
}

describe("PosenetDecoderOp", () => {
  const pose = { stride: 16, maxResults: 4, minScore: 0.25, radius: 20.5 };
  const heads = { heatmaps: "heat", shortOffsets: "short", midOffsets: ["mid"] };

  it("leaves what it reads as outputs, and what it says as the graph's pose", async () => {
    const graph = await fromTflite(file());
    expect(graph.outputs).toEqual(["heat", "short", "mid", "other"]);
    expect(graph.source.pose).toEqual({ ...heads, ...pose });
  });

  it("has long offsets too where masks are made of them", async () => {
    const graph = await fromTflite(file({ inputs: [0, 1, 2, 3], outputs: [5, 6, 7, 8, 9] }));
    expect(graph.outputs).toEqual(["heat", "short", "mid", "long", "other"]);
    expect(graph.source.pose).toEqual({ ...heads, ...pose });
  });

  it("is computed of bytes by their scales", async () => {
    const net = await build(await fromTflite(file()));
    // Nobody but at the last place of the first row, from where all edges lead nowhere.
    const heat = Uint8Array.from({ length: 2 * 3 * 17 }, (_, i) => (Math.floor(i / 17) === 2 ? 136 : 100));
    const short = new Uint8Array(204).fill(128);
    short.fill(128 - 16, 2 * 34 + 17, 2 * 34 + 34); // x: −8 pixels, half a place
    const values = { heat, short, mid: new Uint8Array(384).fill(128), long: new Uint8Array(204) };
    const image = new Float32Array(17 * 33 * 3);
    const { outputs } = net.run({ image, ...values, other: new Float32Array(2) });
    const [{ keyPoints } = { keyPoints: [] }, ...others] = await posesOf(net, outputs, { minScore: 0 });
    expect(others).toEqual([]);
    expect(keyPoints[0]).toMatchObject({ label: "nose", x: 24, y: 0 });
    // Halfway between 4 and −14.
    expect(keyPoints[0]!.score).toBeCloseTo(1 / (1 + Math.exp(5)), 6);
  });

  it.each<[string, Sketch, new (...args: never[]) => Error, RegExp]>([
    ["no stride", { settings: { ...SETTINGS, stride: 0 } }, FormatError, /stride: .* got 0/],
    [
      "no radius",
      { settings: { max_detections: 1, score_threshold: 0, stride: 8 } },
      FormatError,
      /nms_radius.* got none/,
    ],
    ["a score beyond 1", { settings: { ...SETTINGS, score_threshold: 2 } }, FormatError, /score_threshold: .* got 2/],
    ["half a pose", { settings: { ...SETTINGS, max_detections: 0.5 } }, FormatError, /max_detections: .* got 0.5/],
    ["other edges", { mid: [1, 2, 3, 60] }, UnsupportedError, /expected \[1,h,w,17\], .* got .*\[1,2,3,60\]/],
    ["maps of another size", { mid: [1, 3, 2, 64] }, UnsupportedError, /got .*\[1,3,2,64\]/],
    ["a map too few", { inputs: [0, 1] }, FormatError, /expected 3 inputs and 4 outputs, or 4 and 5, got 2 and 4/],
    ["masks of no offsets", { outputs: [5, 6, 7, 8, 9] }, FormatError, /got 3 and 5/],
    ["a reader of its results", { behind: true }, UnsupportedError, /RELU\): expected the poses found to be outputs/],
  ])("%s: an error", async (_, sketch, kind, message) => {
    await expect(fromTflite(file(sketch))).rejects.toThrow(kind);
    await expect(fromTflite(file(sketch))).rejects.toThrow(message);
  });
});
