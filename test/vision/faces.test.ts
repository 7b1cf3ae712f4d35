/** MediaPipe's face detectors: recognized by their outputs, boxes and key points by anchors that no file bears. */
import { describe, expect, it } from "vitest";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { build, detect, detectionsOf, load, open } from "../../src/index.ts";
import { nameFaceDetector } from "../../src/models/blaze-face.ts";
import { annotate } from "../../src/vision/annotate.ts";
import { decodeDetections } from "../../src/vision/detect.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { graphOf } from "../graph/build.ts";
import { referenceCases } from "../networks/references.ts";

/** A network with the inputs and outputs of such a detector. */
function faceGraph(size: number, anchors: number, columns = 16): Graph {
  const nodes: Node[] = [
    { op: "globalAveragePool", name: "mean", inputs: ["x"], keepDims: false },
    { op: "dense", name: "numbers", inputs: ["mean"], weights: "w" },
    { op: "reshape", name: "regressors", inputs: ["numbers"], shape: [1, anchors, columns] },
    { op: "dense", name: "logits", inputs: ["mean"], weights: "v" },
    { op: "reshape", name: "scores", inputs: ["logits"], shape: [1, anchors, 1] },
  ];
  const constants = { w: [3, anchors * columns], v: [3, anchors] };
  return graphOf({ x: [1, size, size, 3], constants, nodes, outputs: ["scores", "regressors"] });
}

describe("face detectors", () => {
  it.each([
    [128, 896, [4, 4], [120, 120]],
    [256, 896, [8, 8], [240, 240]],
    [192, 2304, [2, 2], [190, 190]],
  ] as const)("of %i pixels are known by their outputs", (size, anchors, first, last) => {
    const { detector, normalization } = nameFaceDetector(faceGraph(size, anchors)).source;
    expect(detector).toMatchObject({ boxes: "regressors", scores: "scores", scales: { center: size, size } });
    expect(normalization).toEqual({ mean: 127.5, std: 127.5 });
    const center = (i: number) => [0, 1].map((axis) => (detector!.anchors[4 * i + axis]! + 0.5) * size);
    for (const [place, expected] of [
      [center(0), first],
      [center(anchors - 1), last],
    ] as const) {
      for (const [axis, x] of place.entries()) expect(x).toBeCloseTo(expected[axis]!, 4);
    }
  });

  it("are not what other outputs or inputs belong to", () => {
    for (const graph of [faceGraph(128, 895), faceGraph(128, 896, 18), faceGraph(160, 896)]) {
      expect(nameFaceDetector(graph)).toBe(graph);
    }
  });

  it("give boxes and key points, also once they are saved", async () => {
    const session = await build(nameFaceDetector(faceGraph(128, 896)));
    const again = await open(session.save());
    const regressors = new Float32Array(896 * 16);
    const scores = new Float32Array(896).fill(-20);
    // The 7th place of the second row of the finer grid: its center is at (52, 12).
    const anchor = 2 * (16 + 6) + 1;
    scores[anchor] = 2;
    const points = [-5, -4, 5, -4, 0, 0, 0, 6, -9, 1, 9, 1];
    regressors.set([3, -2, 32, 24, ...points], 16 * anchor);
    for (const net of [session, again]) {
      const [found, ...others] = await detectionsOf(net, { regressors, scores });
      expect(others).toEqual([]);
      const pixels = (list: readonly number[]) => list.map((x) => Math.round(1e4 * x * 128) / 1e4);
      expect(pixels(found!.corners)).toEqual([10 - 12, 55 - 16, 10 + 12, 55 + 16]);
      expect(found!.score).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
      expect(found!.keyPoints!.map(({ label }) => label)).toEqual([
        ...["right eye", "left eye", "nose tip", "mouth", "right ear", "left ear"],
      ]);
      expect(found!.keyPoints!.flatMap(({ x, y }) => pixels([x, y]))).toEqual(
        points.map((p, i) => p + (i % 2 ? 12 : 52)),
      );
    }
  });

  it("are drawn with their key points", () => {
    const image = { width: 40, height: 40, data: new Uint8ClampedArray(4 * 1600).fill(255) };
    const face = { score: 0.9, box: [8, 8, 24, 24], label: "face" } as const;
    const keyPoints = [{ label: "nose tip", x: 20, y: 21 }];
    const [bare, dotted] = [annotate(image, [face]), annotate(image, [{ ...face, keyPoints }])];
    const at = (x: number, y: number) => 4 * (40 * y + x);
    expect([...dotted.data.slice(at(20, 21), at(20, 21) + 3)]).not.toEqual([255, 255, 255]);
    expect([...dotted.data.slice(at(30, 30), at(30, 30) + 4)]).toEqual([
      ...bare.data.slice(at(30, 30), at(30, 30) + 4),
    ]);
  });
});

describe.skipIf(missingShared(shared("models/blazeface_front_float.tflite")))("blazeface_front_float", () => {
  const path = shared("models/blazeface_front_float.tflite");

  it("finds the face where TFLite's outputs say it is", async () => {
    const net = await load(path);
    const { detector } = net.manifest.source;
    for (const { name, input, outputs } of referenceCases("blazeface_front_float")) {
      if (!/^(grace_hopper|cat|bird|parrot)$/.test(name)) continue;
      const own = await detectionsOf(net, net.run(input as Float32Array).outputs);
      const [a, b] = outputs as readonly [Float32Array, Float32Array];
      const theirs = decodeDetections(
        ...((a.length > b.length ? [a, b] : [b, a]) as [Float32Array, Float32Array]),
        detector!,
      );
      expect(own.length, name).toBe(name === "grace_hopper" ? 1 : 0);
      expect(theirs.length, name).toBe(own.length);
      for (const [i, { score, corners, keyPoints }] of own.entries()) {
        expect(score).toBeCloseTo(theirs[i]!.score, 4);
        for (const [c, x] of corners.entries()) expect(x).toBeCloseTo(theirs[i]!.corners[c]!, 4);
        expect(keyPoints).toHaveLength(6);
      }
    }
    net.dispose();
  });

  it("finds the officer's eyes, nose and mouth in the picture", async () => {
    const net = await load(path);
    const [face, ...others] = await detect(net, shared("images/grace_hopper.bmp"));
    expect(others).toEqual([]);
    const of = (label: string) => face!.keyPoints!.find((point) => point.label === label)!;
    // Read off the picture by eye, to a tenth of the face.
    for (const [label, x, y] of [
      ["right eye", 222, 195],
      ["left eye", 308, 187],
      ["nose tip", 268, 230],
      ["mouth", 270, 275],
    ] as const) {
      expect(Math.hypot(of(label).x - x, of(label).y - y), label).toBeLessThan(20);
    }
    net.dispose();
  });
});
