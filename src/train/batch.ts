/**
 * What training learns from.
 * @module
 */
import { kindOf, tagOf } from "../arguments.ts";
import { ShapeError } from "../errors.ts";

/**
 * What the frozen part of a network answers for some pictures: computed once, they are learned from again and again.
 * Made by `Trainer.features`.
 */
export class Features {
  /** [count, …] row-major. */
  readonly data: Float32Array;
  /** Pictures. */
  readonly count: number;

  constructor(data: Float32Array, count: number) {
    this.data = data;
    this.count = count;
  }

  /** Those of pictures [from, to), without a copy. */
  slice(from: number, to: number): Features {
    const size = this.data.length / this.count;
    return new Features(this.data.subarray(from * size, to * size), to - from);
  }
}

/** Pictures, or features of some. */
export type Inputs = Float32Array | Features;

/** Pictures and what they show. */
export interface Batch {
  /** [N, H, W, C] row-major, in the range that the network wants. */
  readonly inputs: Float32Array;
  /** The class of each picture, from 0 on. */
  readonly labels: Int32Array | Uint8Array | readonly number[];
}

/** The same, of features. */
export interface FeatureBatch {
  readonly inputs: Features;
  readonly labels: Batch["labels"];
}

/** Either of both. */
export interface Given {
  readonly inputs: Inputs;
  readonly labels: Batch["labels"];
}

/** Batches one after the other: whatever a `for await` goes through. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/** The same, of features. */
export type FeatureBatches = Iterable<FeatureBatch> | AsyncIterable<FeatureBatch>;

/** Numbers of a picture and of its features, classes, and pictures at the most. */
interface Sizes {
  readonly size: number;
  readonly features: number;
  readonly classes: number;
  readonly most: number;
}

/**
 * How many pictures a batch holds.
 * @throws TypeError for other arrays; ShapeError where numbers disagree; RangeError for a label that is no class
 */
export function checkBatch(where: string, { inputs, labels }: Given, { size, features, classes, most }: Sizes): number {
  const data = inputs instanceof Features ? inputs.data : inputs;
  if (tagOf(data) !== "Float32Array") {
    throw new TypeError(`${where}: expected inputs as a Float32Array, got ${kindOf(inputs)}`);
  }
  if (!["Int32Array", "Uint8Array", "Array"].includes(tagOf(labels))) {
    throw new TypeError(`${where}: expected labels as an Int32Array, a Uint8Array or an array, got ${kindOf(labels)}`);
  }
  const n = labels.length;
  if (n < 1 || n > most) throw new ShapeError(`${where}: expected 1 to ${most} labels (the batch), got ${n}`);
  const each = inputs instanceof Features ? features : size;
  if (data.length !== n * each) {
    const what = inputs instanceof Features ? "features" : "inputs";
    throw new ShapeError(`${where}: expected ${n} × ${each} ${what} for ${n} labels, got ${data.length}`);
  }
  for (let i = 0; i < n; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new RangeError(`${where}: expected labels from 0 to ${classes - 1}, got ${label} as label ${i}`);
    }
  }
  return n;
}
