/**
 * From a single-shot detector's raw outputs to boxes in a picture: scores, decoding, suppression of overlaps.
 * @module
 */

import type { Numbers, Session } from "../engine/host/session.ts";
import { UnsupportedError } from "../errors.ts";
import type { BoxEncoding, Detector, Suppression } from "../graph/graph.ts";
import { type Box, type Size, toPicture } from "./fit.ts";
import { type PictureLike, pictureGiven } from "./given.ts";
import { toReal } from "./real.ts";
import { type SessionInputOptions, sessionInput } from "./session-input.ts";

/** One thing that was found. */
export interface Detection {
  /** 0 … 1. */
  readonly score: number;
  /** Top left corner, width and height, in pixels of the picture and inside it. */
  readonly box: Box;
  /** The class, where the detector names it. */
  readonly label?: string;
  /** Number of the class among the detector's, from 0 on; the background is none. */
  readonly class?: number;
  /** Places of its parts in pixels of the picture, where the detector finds such; they may lie outside of it. */
  readonly keyPoints?: readonly KeyPoint[];
}

/** A place that has a name. */
export interface KeyPoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
}

/** What counts as found. */
export interface DetectOptions {
  /** Least score to be reported, 0 … 1; 0.5 by default. */
  readonly minScore?: number | undefined;
  /** Most detections to be reported, the best ones; by default as many as the model's file says, else 100. */
  readonly maxResults?: number | undefined;
  /**
   * A box that overlaps a better one (of its class, or of all, as the model has it) by more than this (intersection
   * over union, 0 … 1) is left out; by default what the model's file says, else 0.5.
   */
  readonly iouThreshold?: number | undefined;
}

/** A detection in parts of the network's input. */
export interface RawDetection {
  /** 0 … 1. */
  readonly score: number;
  /** Parts of the input's height and width; they may lie outside of it. */
  readonly corners: Corners;
  /** Number of the class among the detector's, from 0 on; the background is none. */
  readonly class: number;
  readonly label: string;
  /** Parts of the input's width and height. */
  readonly keyPoints?: readonly KeyPoint[];
}

/** Top, left, bottom, right. */
export type Corners = readonly [top: number, left: number, bottom: number, right: number];

const DEFAULTS = { minScore: 0.5, maxResults: 100, iouThreshold: 0.5 };

/** `detect` of `tasks.ts`. */
export async function detect(session: Session, given: PictureLike, options: DetectOptions = {}): Promise<Detection[]> {
  check(options);
  const fitting = fittingOf(detectorOf(session));
  const picture = await pictureGiven("picture", given);
  const { input, placement } = await sessionInput(session, picture, fitting);
  const { outputs } = session.run<Numbers>(input);
  const [, height = 0, width = 0] = session.inputs[0]!.shape;
  const found = detectionsOf(session, outputs, options);
  return found.flatMap(({ score, corners: [top, left, bottom, right], label, class: number, keyPoints }) => {
    const box: Box = [left * width, top * height, (right - left) * width, (bottom - top) * height];
    const clipped = clip(toPicture(placement, box), picture);
    const points = keyPoints?.map((point): KeyPoint => {
      const [x, y] = toPicture(placement, [point.x * width, point.y * height, 0, 0]);
      return { label: point.label, x, y };
    });
    // What lies in the black beside the picture is nothing in it.
    return clipped ? [{ score, box: clipped, label, class: number, ...(points && { keyPoints: points }) }] : [];
  });
}

/** How pictures come into a detector. */
export function fittingOf({ fit = "contain" }: Detector): SessionInputOptions {
  return fit === "stretch" ? { fit } : { fit, position: "start", method: "bilinear-asymmetric" };
}

function detectorOf({ manifest: { name, source } }: Session): Detector {
  if (source.detector) return source.detector;
  throw new UnsupportedError(`detect: expected a detector, got ${name}, whose outputs say nothing of boxes`);
}

/** `detectionsOf` of `tasks.ts`. */
export function detectionsOf(
  session: Session,
  outputs: Readonly<Record<string, Numbers>>,
  options: DetectOptions = {},
): RawDetection[] {
  const detector = detectorOf(session);
  const real = (name: string) => toReal(outputs[name]!, session.outputs.find((output) => output.name === name)!);
  return decodeDetections(real(detector.boxes), real(detector.scores), detector, options);
}

/** The part of a box that lies inside the picture, if any. */
function clip([x, y, width, height]: Box, picture: Size): Box | undefined {
  const [left, right] = [Math.max(0, x), Math.min(picture.width, x + width)];
  const [top, bottom] = [Math.max(0, y), Math.min(picture.height, y + height)];
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : undefined;
}

/**
 * The detections of one image's raw outputs, best first; boxes in parts of the network's input, not clipped.
 * @param boxes encodings [anchors, 4]
 * @param scores logits, or scores themselves, [anchors, columns]
 */
export function decodeDetections(
  boxes: Float32Array,
  scores: Float32Array,
  detector: Detector,
  options: DetectOptions = {},
): RawDetection[] {
  const { suppression, classes, scoresAre = "logits" } = detector;
  const { maxResults, ...limits } = check(options, suppression);
  const anchors = detector.anchors.length / 4;
  const { encoding } = detector;
  const corners = decodeBoxes(encoding ? plainEncodings(boxes, anchors, encoding) : boxes, detector.anchors, {
    ...detector.scales,
    linear: encoding?.sizes === "linear",
  });
  const columns = scores.length / anchors;
  const scoreOf = (anchor: number, of: number) => {
    const number = scores[anchor * columns + classes[of]!.column]!;
    return scoresAre === "logits" ? sigmoid(number) : number;
  };
  const found = (anchor: number, of: number): RawDetection => ({
    ...{ score: Math.fround(scoreOf(anchor, of)), corners: cornersOf(corners, anchor) },
    ...{ class: of, label: classes[of]!.label },
    ...(encoding?.keyPoints && { keyPoints: keyPointsOf(boxes, anchor, detector, encoding) }),
  });
  const all = Array.from({ length: anchors }, (_, i) => i);
  if (suppression?.kind === "anchors") {
    // Of equal classes the first.
    const ranked = all.map((i) => best(classes.length, suppression.each, (of) => scoreOf(i, of)));
    const first = Float32Array.from(all, (i) => scoreOf(i, ranked[i]![0]!));
    const kept = nonMaxSuppression(corners, first, { ...limits, maxResults });
    // Further classes of an anchor may score less than was asked for; what the file asks for holds of the best alone.
    const { minScore = DEFAULTS.minScore } = options;
    return kept.flatMap((i) => ranked[i]!.map((of) => found(i, of))).filter(({ score }) => score >= minScore);
  }
  const ofEach = { ...limits, maxResults: suppression?.each ?? maxResults };
  return classes
    .flatMap((_, of) => {
      const ofClass = Float32Array.from(all, (i) => scoreOf(i, of));
      return nonMaxSuppression(corners, ofClass, ofEach).map((i) => found(i, of));
    })
    .sort((a, b) => b.score - a.score)
    .slice(0, maxResults);
}

/** The four numbers of each box alone, y before x. */
function plainEncodings(encodings: Float32Array, anchors: number, { order }: BoxEncoding): Float32Array {
  const columns = encodings.length / anchors;
  const from = order === "xy" ? [1, 0, 3, 2] : [0, 1, 2, 3];
  return Float32Array.from({ length: 4 * anchors }, (_, i) => encodings[(i >> 2) * columns + from[i & 3]!]!);
}

/** The points of an anchor's box, in parts of the input. */
function keyPointsOf(
  encodings: Float32Array,
  anchor: number,
  { anchors, scales }: Detector,
  { order, keyPoints = [] }: BoxEncoding,
): KeyPoint[] {
  const at = anchor * (encodings.length / (anchors.length / 4)) + 4;
  const corners = cornersOf(anchors, anchor);
  const place = (axis: 0 | 1, encoded: number) => {
    const length = corners[axis + 2]! - corners[axis]!;
    return corners[axis]! + length / 2 + (length * encoded) / scales.center;
  };
  return keyPoints.map((label, i) => {
    const [first, second] = [encodings[at + 2 * i]!, encodings[at + 2 * i + 1]!];
    const [x, y] = order === "xy" ? [first, second] : [second, first];
    return { label, x: place(1, x), y: place(0, y) };
  });
}

/** The `most` of `count` that score best, best first, of equal ones the first. */
function best(count: number, most: number, scoreOf: (i: number) => number): readonly number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (most === 1) return [all.reduce((top, i) => (scoreOf(i) > scoreOf(top) ? i : top), 0)];
  return all.sort((a, b) => scoreOf(b) - scoreOf(a)).slice(0, most);
}

/**
 * Box encodings to boxes. With an anchor's center c and size s, along each axis: center = c + s·e/scales.center, size =
 * s·exp(e/scales.size), or, with `linear`, s·e/scales.size.
 * @param encodings [n, 4]: center y, center x, height, width
 * @param anchors [n, 4]: top, left, bottom, right
 * @returns [n, 4]: top, left, bottom, right, in the anchors' units
 */
export function decodeBoxes(
  encodings: Float32Array,
  anchors: Float32Array,
  { center, size, linear = false }: Detector["scales"] & { readonly linear?: boolean },
): Float32Array {
  if (encodings.length !== anchors.length || anchors.length % 4 !== 0) {
    throw new RangeError(
      `decodeBoxes: expected 4 encodings for each of ${anchors.length / 4} anchors, got ${encodings.length}`,
    );
  }
  const boxes = new Float32Array(anchors.length);
  for (let box = 0; box < anchors.length; box += 4) {
    for (let axis = 0; axis < 2; ++axis) {
      const low = anchors[box + axis]!;
      const length = anchors[box + axis + 2]! - low;
      const middle = low + length / 2 + (length * encodings[box + axis]!) / center;
      const encoded = encodings[box + axis + 2]! / size;
      const half = (length * (linear ? encoded : Math.exp(encoded))) / 2;
      boxes[box + axis] = middle - half;
      boxes[box + axis + 2] = middle + half;
    }
  }
  return boxes;
}

/**
 * Picks boxes, best score first (of equal ones the first), and leaves out each that overlaps one already picked by more
 * than `iouThreshold`. Scores below `minScore` or NaN, and boxes with an infinite or NaN corner, do not take part.
 * @param boxes [n, 4]: top, left, bottom, right
 * @param scores [n]
 * @returns indices, at most `maxResults`
 */
export function nonMaxSuppression(boxes: Float32Array, scores: Float32Array, options: DetectOptions = {}): number[] {
  const { minScore, maxResults, iouThreshold } = check(options);
  if (boxes.length !== 4 * scores.length) {
    throw new RangeError(
      `nonMaxSuppression: expected ${4 * scores.length} corners for ${scores.length} scores, got ${boxes.length}`,
    );
  }
  const candidates: number[] = [];
  for (let i = 0; i < scores.length; ++i) {
    if (scores[i]! >= minScore && cornersOf(boxes, i).every(Number.isFinite)) candidates.push(i);
  }
  candidates.sort((a, b) => scores[b]! - scores[a]!);
  const picked: { readonly index: number; readonly corners: Corners }[] = [];
  for (const index of candidates) {
    if (picked.length >= maxResults) break;
    const corners = cornersOf(boxes, index);
    if (picked.every((better) => iou(corners, better.corners) <= iouThreshold)) picked.push({ index, corners });
  }
  return picked.map(({ index }) => index);
}

/** Intersection over union of two boxes, 0 … 1; 0 when one of them has no area. */
export function iou(a: Corners, b: Corners): number {
  const areas = area(a) + area(b);
  const shared = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return shared > 0 ? shared / (areas - shared) : 0;
}

function area([top, left, bottom, right]: Corners): number {
  return Math.max(0, bottom - top) * Math.max(0, right - left);
}

function cornersOf(boxes: Float32Array, index: number): Corners {
  const at = 4 * index;
  return [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Options with what they leave open: as the model has it, whose least score holds in any case. */
function check(
  options: DetectOptions,
  suppression?: Suppression,
): {
  readonly minScore: number;
  readonly maxResults: number;
  readonly iouThreshold: number;
} {
  const {
    minScore: asked = DEFAULTS.minScore,
    maxResults = suppression?.maxResults ?? DEFAULTS.maxResults,
    iouThreshold = suppression?.iouThreshold ?? DEFAULTS.iouThreshold,
  } = options;
  const minScore = asked >= 0 ? Math.max(asked, suppression?.minScore ?? 0) : asked;
  for (const [name, value] of Object.entries({ minScore, iouThreshold })) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name}: expected a number from 0 to 1, got ${value}`);
  }
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    throw new RangeError(`maxResults: expected a whole number from 1, got ${maxResults}`);
  }
  return { minScore, maxResults, iouThreshold };
}
