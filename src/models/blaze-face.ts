/**
 * Recognizes MediaPipe's face detectors, whose files say nothing of anchors and key points.
 * source: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs"
 * @module
 */

import type { Detector, Graph } from "../graph/graph.ts";
import { inferShapes } from "../graph/shape.ts";

/** Steps from one anchor to the next in pixels, and how many there are at each place, by the size of the input. */
const GRIDS: ReadonlyMap<number, readonly (readonly [step: number, each: number])[]> = new Map([
  [
    128,
    [
      [8, 2],
      [16, 6],
    ],
  ],
  [192, [[4, 1]]],
  [
    256,
    [
      [16, 2],
      [32, 6],
    ],
  ],
]);

/** As seen by the person: the right eye is the one on the left of the picture. */
const POINTS = ["right eye", "left eye", "nose tip", "mouth", "right ear", "left ear"] as const;

/** Numbers of a box and of the key points behind it. */
const COLUMNS = 4 + 2 * POINTS.length;

/**
 * `graph` as a face detector, where it is one of those: an input [1, n, n, 3] of 128, 192 or 256 pixels, an output of
 * 16 numbers for each anchor, and one of a score. Other graphs come back as they are.
 */
export function nameFaceDetector(graph: Graph): Graph {
  const { inputs, outputs, source } = graph;
  const [input] = inputs;
  if (source.detector || inputs.length !== 1 || outputs.length !== 2 || !input) return graph;
  const size = input.shape[1]!;
  const grid = GRIDS.get(size);
  if (input.dtype !== "float32" || `${input.shape}` !== `1,${size},${size},3` || !grid) return graph;
  const anchors = anchorsOf(size, grid);
  const shapes = inferShapes(graph);
  const named = (columns: number) =>
    outputs.find((name) => `${shapes.get(name)}` === `1,${anchors.length / 4},${columns}`);
  const [boxes, scores] = [named(COLUMNS), named(1)];
  if (boxes === undefined || scores === undefined) return graph;
  const detector: Detector = {
    ...{ boxes, scores, anchors },
    encoding: { order: "xy", sizes: "linear", keyPoints: POINTS },
    scales: { center: size, size },
    classes: [{ column: 0, label: "face" }],
    suppression: { kind: "anchors", maxResults: 100, minScore: 0, iouThreshold: 0.3, each: 1 },
  };
  return { ...graph, source: { normalization: { mean: 127.5, std: 127.5 }, ...source, detector } };
}

/** Boxes of the whole input's size around the middle of each place, row by row. */
function anchorsOf(size: number, grid: readonly (readonly [step: number, each: number])[]): Float32Array {
  const list: number[] = [];
  for (const [step, each] of grid) {
    const places = size / step;
    for (let i = 0; i < places * places * each; i++) {
      const place = Math.floor(i / each);
      const [x, y] = [(place % places) + 0.5, Math.floor(place / places) + 0.5].map((at) => at / places) as [
        number,
        number,
      ];
      list.push(y - 0.5, x - 0.5, y + 0.5, x + 0.5);
    }
  }
  return Float32Array.from(list);
}
