/**
 * Pictures with their classes: what training learns from.
 * @module
 */
import { kindOf, tagOf } from "../../arguments.ts";
import { ShapeError } from "../../errors.ts";
import { random, shuffled } from "./random.ts";

/** Pictures of one size with their classes. Made by {@link dataset}, {@link idxDataset}, {@link pictureDataset}. */
export interface Dataset {
  /** How many pictures there are. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** 1 gray, 3 RGB. */
  readonly channels: 1 | 3;
  /** [count, height, width, channels], 0 … 255. */
  readonly pixels: Uint8Array;
  /** The class of each picture, from 0 on. */
  readonly labels: ArrayLike<number>;
  /** Names of the classes. */
  readonly classes: readonly string[];
}

/** What a {@link Dataset} is made of. */
export type DatasetParts = Omit<Dataset, "count" | "classes" | "channels"> & {
  /** Names of the classes; without: their numbers. */
  readonly classes?: readonly string[] | undefined;
  /** By default what the length of `pixels` says. */
  readonly channels?: 1 | 3 | undefined;
};

/**
 * A data set out of arrays.
 * @throws TypeError, ShapeError for pixels and labels that do not fit together; RangeError for a label without a class
 *   (which one), a class without a picture
 * @example
 * ```js
 * import { dataset } from "sepconv/train";
 *
 * const pixels = new Uint8Array(4 * 32 * 32 * 3);
 * const examples = dataset({ pixels, labels: [0, 1, 1, 0], height: 32, width: 32, classes: ["cat", "dog"] });
 * console.log(examples.count);
 * ```
 */
export function dataset({ pixels, labels, height, width, classes, channels }: DatasetParts): Dataset {
  if (tagOf(pixels) !== "Uint8Array" && tagOf(pixels) !== "Uint8ClampedArray") {
    throw new TypeError(`pixels: expected a Uint8Array, got ${kindOf(pixels)}`);
  }
  for (const [name, size] of Object.entries({ height, width })) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(`${name}: expected a whole number from 1 on, got ${String(size)}`);
    }
  }
  const count = labels?.length;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new TypeError(`labels: expected a label for each picture, got ${kindOf(labels)}`);
  }
  const each = channels ?? pixels.length / (count * height * width);
  if ((each !== 1 && each !== 3) || pixels.length !== count * height * width * each) {
    throw new ShapeError(
      `pixels: expected ${channels ?? "1 or 3"} bytes for each of ${count} × ${height}×${width} pixels, got ${pixels.length} bytes`,
    );
  }
  const names = classes ?? Array.from({ length: 1 + most(labels) }, (_, i) => String(i));
  checkLabels(labels, names);
  return { count, height, width, channels: each, pixels, labels, classes: names };
}

function most(labels: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < labels.length; i++) largest = Math.max(largest, Math.min(labels[i]!, 65_535));
  return largest;
}

function checkLabels(labels: ArrayLike<number>, classes: readonly string[]): void {
  const counts = new Uint32Array(classes.length);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!(Number.isInteger(label) && label >= 0 && label < classes.length)) {
      throw new RangeError(`labels: expected whole numbers from 0 to ${classes.length - 1}, got ${label} at ${i}`);
    }
    counts[label]!++;
  }
  const empty = counts.indexOf(0);
  if (empty >= 0) throw new RangeError(`labels: expected pictures of each class, got none of "${classes[empty]}"`);
}

/**
 * Two data sets out of one: of each class the same part comes into the second, which pictures is chance.
 * @param part of the pictures that comes into the second one, between 0 and 1: for validation
 * @returns [the others, the part]; of each class at least one picture in both
 * @throws RangeError for another part, or a class of a single picture
 */
export function split(examples: Dataset, part: number, seed = 0): [Dataset, Dataset] {
  if (!(part > 0 && part < 1)) throw new RangeError(`split: expected a part between 0 and 1, got ${part}`);
  const byClass = examples.classes.map((): number[] => []);
  for (const i of shuffled(examples.count, random(seed, 0x5711))) byClass[examples.labels[i]!]!.push(i);
  const sides: [number[], number[]] = [[], []];
  for (const [label, members] of byClass.entries()) {
    if (members.length < 2) {
      throw new RangeError(`split: expected two pictures of class "${examples.classes[label]}", got ${members.length}`);
    }
    const count = Math.min(members.length - 1, Math.max(1, Math.round(part * members.length)));
    for (const [i, member] of members.entries()) sides[i < count ? 1 : 0].push(member);
  }
  return sides.map((chosen) =>
    taken(
      examples,
      chosen.sort((a, b) => a - b),
    ),
  ) as [Dataset, Dataset];
}

/** Some of the pictures, in the order asked for. */
function taken(examples: Dataset, chosen: readonly number[]): Dataset {
  const size = examples.pixels.length / examples.count;
  const pixels = new Uint8Array(size * chosen.length);
  for (const [to, from] of chosen.entries()) {
    pixels.set(examples.pixels.subarray(from * size, (from + 1) * size), to * size);
  }
  const labels = Int32Array.from(chosen, (i) => examples.labels[i]!);
  return { ...examples, count: chosen.length, pixels, labels };
}
