/**
 * From a picture to the class of each of its pixels.
 * @module
 */
import type { Numbers, Session } from "../engine/host/session.ts";
import { ShapeError, UnsupportedError } from "../errors.ts";
import { type Placement, type Size, sizeOf } from "./fit.ts";
import { type PictureLike, pictureGiven } from "./given.ts";
import { toReal } from "./real.ts";
import { type PixelRange, type SessionInputOptions, sessionInput } from "./session-input.ts";

/** What can be asked of {@link segment}; the picture is stretched to the input by default. */
export interface SegmentOptions extends SessionInputOptions {
  /** Class names in their order; those of the file by default. */
  readonly labels?: readonly string[] | undefined;
}

/** A class that was found somewhere. */
export interface Segment {
  readonly index: number;
  /** Its name, where labels are known. */
  readonly label: string | null;
  /** Its part of the picture, 0 … 1. */
  readonly share: number;
}

/** What {@link segment} answers. */
export interface Segmentation {
  readonly width: number;
  readonly height: number;
  /** The class of each pixel of the picture, row by row; −1 where the network did not look. */
  readonly classes: Int32Array;
  /** The classes that there are, the largest part first. */
  readonly segments: readonly Segment[];
  /** How the pixels were brought into the network's range, and who says so. */
  readonly range: PixelRange;
}

/** Classes in a grid of the network's own size. */
interface ClassMap extends Size {
  readonly classes: ArrayLike<number>;
}

/** `segment` of `tasks.ts`. */
export async function segment(
  session: Session,
  given: PictureLike,
  options: SegmentOptions = {},
): Promise<Segmentation> {
  const { labels = session.manifest.source.labels } = options;
  const { name, shape } = session.outputs[0]!;
  const [n, height, width, channels = 1] = shape;
  if (!(shape.length === 3 || shape.length === 4) || n !== 1 || height! * width! === 1) {
    throw new UnsupportedError(
      `segment: expected a network whose output is a map of classes, [1, height, width] or [1, height, width, classes], got ${name} [${shape.join(", ")}]`,
    );
  }
  if (labels && channels > 1 && labels.length !== channels) {
    throw new ShapeError(`labels: expected ${channels}, one per class of ${name}, got ${labels.length}`);
  }
  const picture = await pictureGiven("picture", given);
  const { input, placement, range } = await sessionInput(session, picture, options);
  const { output } = session.run<Numbers>(input);
  const map = { width: width!, height: height!, classes: classesOf(output, session, channels) };
  const [, inputHeight, inputWidth] = session.inputs[0]!.shape;
  const classes = projected(map, { width: inputWidth!, height: inputHeight! }, placement, sizeOf(picture));
  return { ...sizeOf(picture), classes, segments: counted(classes, labels), range };
}

/** The class of each place of an output: its number, the largest of its scores, or whether its only one says yes. */
function classesOf(output: Numbers, session: Session, channels: number): ArrayLike<number> {
  const info = session.outputs[0]!;
  if (info.dtype === "int32") return output;
  const scores = toReal(output, info);
  if (channels === 1) {
    const middle = scores.every((score) => score >= 0 && score <= 1) ? 0.5 : 0;
    return scores.map((score) => Number(score > middle));
  }
  return Int32Array.from({ length: scores.length / channels }, (_, place) => {
    let best = 0;
    for (let c = 1; c < channels; c++) if (scores[place * channels + c]! > scores[place * channels + best]!) best = c;
    return best;
  });
}

/** The class of each pixel of the picture: that of the place of the map that its center lies in. */
function projected(map: ClassMap, input: Size, { source, target }: Placement, picture: Size): Int32Array {
  /** The index in the map for each pixel of an axis; −1 outside the part that the network saw. */
  const axis = (size: number, [from, length]: number[], [to, span]: number[], inputSize: number, mapSize: number) =>
    Int32Array.from({ length: size }, (_, i) => {
      const at = (i + 0.5 - from!) / length!;
      if (at < 0 || at >= 1) return -1;
      return Math.min(mapSize - 1, Math.floor(((to! + at * span!) / inputSize) * mapSize));
    });
  const columns = axis(picture.width, [source[0], source[2]], [target[0], target[2]], input.width, map.width);
  const rows = axis(picture.height, [source[1], source[3]], [target[1], target[3]], input.height, map.height);
  const classes = new Int32Array(picture.width * picture.height);
  for (let y = 0, i = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++, i++) {
      const [row, column] = [rows[y]!, columns[x]!];
      classes[i] = row < 0 || column < 0 ? -1 : map.classes[row * map.width + column]!;
    }
  }
  return classes;
}

function counted(classes: Int32Array, labels: readonly string[] | undefined): Segment[] {
  const counts = new Map<number, number>();
  for (const index of classes) counts.set(index, (counts.get(index) ?? 0) + 1);
  counts.delete(-1);
  return [...counts]
    .map(([index, count]) => ({ index, label: labels?.[index] ?? null, share: count / classes.length }))
    .sort((a, b) => b.share - a.share || a.index - b.index);
}
