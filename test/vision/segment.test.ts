import { describe, expect, it } from "vitest";
import { ShapeError, UnsupportedError } from "../../src/errors.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { build, segment } from "../../src/index.ts";
import { paintSegments } from "../../src/vision/paint-segments.ts";

/** A network that answers with its own pixels, or what `nodes` make of them. */
function pixels(channels: 1 | 3, nodes: readonly Node[] = [], size = 4): Graph {
  const same: Node = { op: "identity", name: "same", inputs: ["x"] };
  return {
    name: "pixels",
    inputs: [{ name: "x", shape: [1, size, size, channels], dtype: "float32" }],
    constants: new Map(),
    nodes: [same, ...nodes],
    outputs: [nodes.at(-1)?.name ?? "same"],
    endPoints: new Map(),
    source: { format: "test", normalization: { mean: 0, std: 255 } },
  };
}

/** 4×4 pixels, one color per quarter. */
const QUARTERS = {
  ...({ width: 4, height: 4, channels: 3 } as const),
  data: Uint8Array.from(
    [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1].flatMap((c) => [0, 1, 2].map((i) => (i === c ? 255 : 0))),
  ),
} as const;
const CLASSES = [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1];

describe("segment", () => {
  it("takes the largest score of each place, and counts", async () => {
    const net = await build(pixels(3));
    const found = await segment(net, QUARTERS, { labels: ["red", "green", "blue"] });
    expect([...found.classes]).toEqual(CLASSES);
    expect(found.segments).toEqual([
      { index: 1, label: "green", share: 0.5 },
      { index: 0, label: "red", share: 0.25 },
      { index: 2, label: "blue", share: 0.25 },
    ]);
  });

  it("takes whole numbers as classes", async () => {
    const argMax: Node = { op: "argMax", name: "map", inputs: ["same"], axis: 3, keepDims: false, dtype: "int32" };
    const found = await segment(await build(pixels(3, [argMax])), QUARTERS);
    expect([...found.classes]).toEqual(CLASSES);
    expect(found.segments[0]).toEqual({ index: 1, label: null, share: 0.5 });
  });

  it("tells yes from no by a single score: a probability, or a logit", async () => {
    const picture = {
      width: 4,
      height: 4,
      channels: 1,
      data: Uint8Array.from({ length: 16 }, (_, i) => 17 * i),
    } as const;
    const yes = [...(await segment(await build(pixels(1)), picture)).classes];
    expect(yes).toEqual(Array.from({ length: 16 }, (_, i) => Number(17 * i > 127.5)));
    const logits = { normalization: { mean: 100, std: 10 } };
    expect([...(await segment(await build(pixels(1)), picture, logits)).classes]).toEqual(
      Array.from({ length: 16 }, (_, i) => Number(17 * i > 100)),
    );
  });

  it("answers in the picture's size, −1 where the network did not look", async () => {
    const net = await build(pixels(3));
    const wide = { width: 8, height: 2, channels: 3, data: new Uint8Array(48).fill(9) } as const;
    const found = await segment(net, wide, { fit: "cover" });
    expect([...found.classes]).toEqual([-1, -1, -1, 0, 0, -1, -1, -1, -1, -1, -1, 0, 0, -1, -1, -1]);
    expect(found.segments).toEqual([{ index: 0, label: null, share: 0.25 }]);
    expect((await segment(net, wide, { fit: "contain" })).classes.every((index) => index === 0)).toBe(true);
  });

  it("refuses a classifier, and labels of another number", async () => {
    const flat: Node = { op: "reshape", name: "flat", inputs: ["same"], shape: [-1, 48] };
    await expect(segment(await build(pixels(3, [flat])), QUARTERS)).rejects.toThrow(UnsupportedError);
    await expect(segment(await build(pixels(3)), QUARTERS, { labels: ["one"] })).rejects.toThrow(ShapeError);
  });

  it("is painted over the picture, but for the background", async () => {
    const found = await segment(await build(pixels(3)), QUARTERS);
    const image = { width: 4, height: 4, data: new Uint8ClampedArray(64).fill(100) };
    const painted = paintSegments(image, found);
    expect(image.data.every((value) => value === 100)).toBe(true);
    expect([...painted.data.subarray(0, 4)]).toEqual([100, 100, 100, 100]);
    expect([...painted.data.subarray(60, 63)]).not.toEqual([100, 100, 100]);
    expect(() => paintSegments({ ...image, width: 2 }, found)).toThrow(RangeError);
  });
});
