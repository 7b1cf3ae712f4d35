/**
 * What training learns from.
 * @module
 */
import { kindOf, tagOf } from "../arguments.ts";
import { ShapeError } from "../errors.ts";

/** Pictures and what they show. */
export interface Batch {
  /** [N, H, W, C] row-major, in the range that the network wants. */
  readonly inputs: Float32Array;
  /** The class of each picture, from 0 on. */
  readonly labels: Int32Array | Uint8Array | readonly number[];
}

/** Batches one after the other: whatever a `for await` goes through. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/**
 * How many pictures a batch holds.
 * @param size numbers of a picture
 * @throws TypeError for other arrays; ShapeError where numbers disagree; RangeError for a label that is no class
 */
export function checkBatch(
  where: string,
  { inputs, labels }: Batch,
  { size, classes, most }: { readonly size: number; readonly classes: number; readonly most: number },
): number {
  if (tagOf(inputs) !== "Float32Array") {
    throw new TypeError(`${where}: expected inputs as a Float32Array, got ${kindOf(inputs)}`);
  }
  if (!["Int32Array", "Uint8Array", "Array"].includes(tagOf(labels))) {
    throw new TypeError(`${where}: expected labels as an Int32Array, a Uint8Array or an array, got ${kindOf(labels)}`);
  }
  const n = labels.length;
  if (n < 1 || n > most) throw new ShapeError(`${where}: expected 1 to ${most} labels (the batch), got ${n}`);
  if (inputs.length !== n * size) {
    throw new ShapeError(`${where}: expected ${n} × ${size} inputs for ${n} labels, got ${inputs.length}`);
  }
  for (let i = 0; i < n; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new RangeError(`${where}: expected labels from 0 to ${classes - 1}, got ${label} as label ${i}`);
    }
  }
  return n;
}
