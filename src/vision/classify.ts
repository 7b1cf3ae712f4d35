/**
 * From a picture to the most likely classes.
 * @module
 */
import type { Numbers, Session } from "../engine/host/session.ts";
import { ShapeError, UnsupportedError } from "../errors.ts";
import type { Op } from "../graph/graph.ts";
import type { PictureLike } from "./given.ts";
import { toReal } from "./real.ts";
import { type PixelRange, type SessionInputOptions, sessionInput } from "./session-input.ts";

/** One class. */
export interface Class {
  /** Its place in the network's output. */
  readonly index: number;
  /** Its name, where labels are known. */
  readonly label: string | null;
  /** 0 … 1. */
  readonly score: number;
}

/**
 * What can be asked of {@link classify}. The picture is stretched to the input by default, as Keras, TensorFlow.js and
 * MediaPipe do; `fit: "cover"` is the central crop that TF-slim and timm evaluate with.
 */
export interface ClassifyOptions extends SessionInputOptions {
  /** How many classes to answer with; 5 by default. */
  readonly top?: number | undefined;
  /** Class names in the order of the outputs, with or without a first "background"; those of the file by default. */
  readonly labels?: readonly string[] | undefined;
}

/** What {@link classify} answers. */
export interface Classification {
  /** The most likely classes, best first. */
  readonly classes: readonly Class[];
  /** How the pixels were brought into the network's range, and who says so. */
  readonly range: PixelRange;
}

/** `classify` of `tasks.ts`. */
export async function classify(
  session: Session,
  picture: PictureLike,
  options: ClassifyOptions = {},
): Promise<Classification> {
  const { top = 5, labels = session.manifest.source.labels } = options;
  if (session.manifest.source.detector) {
    throw new UnsupportedError(
      `classify: expected a classifier, got the detector ${session.manifest.name}; use detect`,
    );
  }
  if (!Number.isInteger(top) || top < 1) throw new RangeError(`top: expected a whole number from 1, got ${top}`);
  const { name, shape } = session.outputs[0]!;
  const count = shape.reduce((product, d) => product * d, 1);
  const nameOf = namer(labels, count === 1 ? 2 : count, name);
  const { input, range } = await sessionInput(session, picture, options);
  const output = toReal(session.run<Numbers>(input).output, session.outputs[0]!);
  return { classes: best(scoresOf(output, session.manifest.outputs[0]!.op), nameOf, top), range };
}

/**
 * Scores of the classes, 0 … 1. Behind a softmax or a sigmoid the outputs are that already, behind a layer with weights
 * they are logits; where the op doesn't tell, numbers in [0, 1] that sum to 1 are scores and all others logits. One
 * output alone is the score of class 1 of two.
 */
export function scoresOf(output: Float32Array, op?: Op): Float32Array {
  const inside = op !== "dense" && op !== "conv2d" && output.every((value) => value >= 0 && value <= 1);
  if (output.length === 1) {
    const value = output[0]!;
    const score = op === "sigmoid" || inside ? value : 1 / (1 + Math.exp(-value));
    return Float32Array.of(1 - score, score);
  }
  const sum = output.reduce((total, value) => total + value, 0);
  if (op === "softmax" || op === "sigmoid" || (inside && Math.abs(sum - 1) < 1e-2)) return output;
  const largest = output.reduce((a, b) => Math.max(a, b));
  const exponentials = Float64Array.from(output, (value) => Math.exp(value - largest));
  const total = exponentials.reduce((a, b) => a + b);
  return Float32Array.from(exponentials, (value) => value / total);
}

/** The `top` classes, of equally likely ones the first first; NaN comes last. */
function best(scores: Float32Array, nameOf: (index: number) => string | null, top: number): Class[] {
  const worth = (index: number) => (Number.isNaN(scores[index]) ? -1 : scores[index]!);
  return Array.from(scores.keys())
    .sort((a, b) => worth(b) - worth(a) || a - b)
    .slice(0, top)
    .map((index) => ({ index, label: nameOf(index), score: scores[index]! }));
}

const BACKGROUND = "background";

/**
 * Class names by output index. ImageNet networks have 1000 classes or, of TensorFlow's making, 1001 with a background
 * in front, and so have lists of labels: one kind is read as the other.
 */
export function namer(
  labels: readonly string[] | undefined,
  count: number,
  output: string,
): (index: number) => string | null {
  if (labels === undefined) return () => null;
  if (labels.length === count) return (index) => labels[index]!;
  if (labels.length === count + 1 && /^(background|dummy)$/i.test(labels[0]!.trim()))
    return (index) => labels[index + 1]!;
  if (labels.length === 1000 && count === 1001) return (index) => (index === 0 ? BACKGROUND : labels[index - 1]!);
  throw new ShapeError(
    `labels: expected one for each of the ${count} classes of output ${output}, got ${labels.length}`,
  );
}
