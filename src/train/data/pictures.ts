/**
 * A data set out of pictures of any kind and size, each with the name of its class.
 * @module
 */
import { checkOptions } from "../../arguments.ts";
import { SepconvError } from "../../errors.ts";
import { turns } from "../../turn.ts";
import type { Fit, Size } from "../../vision/fit.ts";
import { type PictureLike, pictureGiven } from "../../vision/given.ts";
import { toInput } from "../../vision/image.ts";
import { type Dataset, dataset } from "./dataset.ts";

/** A picture and the name of its class. */
export interface LabeledPicture {
  readonly picture: PictureLike;
  readonly label: string;
}

/** A picture that could not be used, and why. */
export interface Skipped extends LabeledPicture {
  readonly error: Error;
}

/** What can be asked of {@link pictureDataset}. */
export interface PictureDatasetOptions extends Size {
  /** 3 (RGB, the default) or 1 (gray). */
  readonly channels?: 1 | 3 | undefined;
  /** How a picture of another shape is fitted: "cover" (default), "stretch", "contain". */
  readonly fit?: Fit | undefined;
  /** Names of the classes in their order; by default those of the pictures, by the alphabet. */
  readonly classes?: readonly string[] | undefined;
  /** Called for each picture that can't be read, which is left out; without, the error is thrown. */
  readonly onSkip?: ((skipped: Skipped) => void) | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS: readonly string[] = [
  ...["width", "height", "channels", "fit", "classes"],
  ...["onSkip", "onProgress", "signal"],
];

/**
 * Decodes pictures and brings them to one size, by bytes, which take a quarter of what a network's input takes.
 * @throws TypeError, RangeError for options that make no sense, a label that `classes` does not have, a class without a
 *   picture that can be read; what reading a picture throws, where there is no `onSkip`
 * @example
 * ```js no-run
 * import { pictureDataset } from "sepconv/train";
 *
 * const pictures = [{ picture: "cats/1.jpg", label: "cat" }, { picture: "dogs/1.jpg", label: "dog" }];
 * const examples = await pictureDataset(pictures, { width: 96, height: 96 });
 * console.log(examples.classes, examples.count);
 * ```
 */
export async function pictureDataset(
  pictures: readonly LabeledPicture[],
  options: PictureDatasetOptions,
): Promise<Dataset> {
  checkOptions("pictureDataset", options, OPTIONS);
  const { width, height, channels = 3, fit = "cover", onSkip, onProgress, signal } = options;
  const classes = options.classes ?? [...new Set(pictures.map(({ label }) => label))].sort();
  const labelOf = new Map(classes.map((name, i) => [name, i]));
  const unknown = pictures.find(({ label }) => !labelOf.has(label));
  if (unknown) throw new RangeError(`label: expected one of ${classes.join(", ")}, got "${unknown.label}"`);
  const size = width * height * channels;
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  const turn = turns(signal);
  for (const [i, one] of pictures.entries()) {
    await turn();
    try {
      const picture = await pictureGiven(`picture ${i}`, one.picture);
      const input = await toInput(picture, { width, height, channels, fit, normalization: { mean: 0, std: 1 } });
      pixels.push(Uint8Array.from(input, Math.round));
      labels.push(labelOf.get(one.label)!);
    } catch (error) {
      if (!onSkip || !(error instanceof SepconvError || error instanceof TypeError)) throw error;
      onSkip({ ...one, error });
    }
    onProgress?.(i + 1, pictures.length);
  }
  if (labels.length === 0)
    throw new RangeError(`pictures: expected some that can be read, got none of ${pictures.length}`);
  const all = new Uint8Array(labels.length * size);
  for (const [i, one] of pixels.entries()) all.set(one, i * size);
  return dataset({ pixels: all, labels, height, width, channels, classes });
}
