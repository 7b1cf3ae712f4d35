/**
 * A data set, batch by batch: in another order and changed otherwise in each epoch, and each time the same ones.
 * @module
 */
import { checkOptions, isObject, kindOf } from "../../arguments.ts";
import type { Normalization } from "../../graph/graph.ts";
import type { Batch } from "../batch.ts";
import { type Augmentation, changesOf, Painter, type Target } from "./augment.ts";
import type { Dataset } from "./dataset.ts";
import { random, shuffled } from "./random.ts";

/** What can be asked of {@link batches}. */
export interface BatchOptions {
  /** Pictures in a batch. Default 32. */
  readonly batch?: number | undefined;
  /** Height and width of the network's input; by default those of the pictures, which stand in its middle. */
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  /** Channels of the network's input, 1 or 3; by default those of the pictures. */
  readonly channels?: 1 | 3 | undefined;
  /** Pixels (0 … 255) become (pixel − mean)/std; by default mean and std are 127.5: from −1 to 1. */
  readonly normalization?: Normalization | undefined;
  /** The pixel, 0 … 255, that stands beside pictures smaller than the input. Default 0. */
  readonly fill?: number | undefined;
  /** Another order in each epoch. Default false: the pictures' own. */
  readonly shuffle?: boolean | undefined;
  /** How pictures are changed by chance, each time otherwise. Default: they are left as they are. */
  readonly augment?: Augmentation | undefined;
  /** Where chance begins; an integer, 0 by default. */
  readonly seed?: number | undefined;
  /** Leaves out the last batch of an epoch where it is smaller than the others. Default false. */
  readonly dropLast?: boolean | undefined;
}

const OPTIONS: readonly string[] = [
  ...["batch", "height", "width", "channels", "normalization"],
  ...["fill", "shuffle", "augment", "seed", "dropLast"],
];

/** A data set by batches. Each time that it is gone through is the next epoch, from the first on. */
export class DatasetBatches implements Iterable<Batch & { readonly labels: Int32Array }> {
  /** Batches in an epoch. */
  readonly steps: number;
  readonly dataset: Dataset;
  readonly #batch: number;
  readonly #painter: Painter;
  readonly #shuffle: boolean;
  readonly #changes: boolean;
  readonly #seed: number;
  #epoch = 0;

  /** As {@link batches}. */
  constructor(examples: Dataset, options: BatchOptions = {}) {
    checkOptions("batches", options, OPTIONS);
    const { batch = 32, shuffle = false, seed = 0, dropLast = false } = options;
    checkCount("batch", batch);
    if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: expected an integer, got ${String(seed)}`);
    const changes = changesOf(options.augment);
    this.dataset = examples;
    this.steps = dropLast ? Math.floor(examples.count / batch) : Math.ceil(examples.count / batch);
    if (this.steps === 0) throw new RangeError(`batch: expected at most ${examples.count}, got ${batch}`);
    this.#batch = batch;
    this.#painter = new Painter(examples, targetOf(examples, options), changes);
    this.#shuffle = shuffle;
    this.#changes = options.augment !== undefined;
    this.#seed = seed;
  }

  [Symbol.iterator](): Iterator<Batch & { readonly labels: Int32Array }> {
    return this.epoch(this.#epoch++);
  }

  /** The batches of one epoch, from 0 on: the same ones whenever it is asked for. */
  *epoch(number: number): Generator<Batch & { readonly labels: Int32Array }, void, undefined> {
    const { count, labels } = this.dataset;
    const order = this.#shuffle ? shuffled(count, random(this.#seed, number)) : undefined;
    for (let step = 0; step < this.steps; step++) {
      const first = step * this.#batch;
      const length = Math.min(this.#batch, count - first);
      const inputs = new Float32Array(length * this.#painter.size);
      const classes = new Int32Array(length);
      for (let i = 0; i < length; i++) {
        const index = order ? order[first + i]! : first + i;
        const next = this.#changes ? random(this.#seed, number, index, 1) : undefined;
        this.#painter.paint(index, inputs, i * this.#painter.size, next);
        classes[i] = labels[index]!;
      }
      yield { inputs, labels: classes };
    }
  }
}

/**
 * A data set by batches: the same options give the same batches on every host. Each time that it is gone through is the
 * next epoch.
 * @throws TypeError, RangeError for options that {@link BatchOptions} does not have
 * @example
 * ```js
 * import { batches, dataset } from "sepconv/train";
 *
 * const pixels = new Uint8Array(4 * 28 * 28);
 * const examples = dataset({ pixels, labels: [0, 1, 1, 0], height: 28, width: 28 });
 * const input = { batch: 2, height: 32, width: 32 };
 * const data = batches(examples, { ...input, shuffle: true, augment: { flip: true, shift: 2 } });
 * for (const { inputs, labels } of data) console.log(inputs.length, labels);
 * ```
 */
export function batches(examples: Dataset, options: BatchOptions = {}): DatasetBatches {
  return new DatasetBatches(examples, options);
}

function targetOf(examples: Dataset, options: BatchOptions): Target {
  const { height = examples.height, width = examples.width, channels = examples.channels, fill = 0 } = options;
  const { normalization = { mean: 127.5, std: 127.5 } } = options;
  checkCount("height", height);
  checkCount("width", width);
  if (channels !== 1 && channels !== 3) throw new RangeError(`channels: expected 1 or 3, got ${String(channels)}`);
  if (!(fill >= 0 && fill <= 255)) throw new RangeError(`fill: expected a pixel from 0 to 255, got ${String(fill)}`);
  if (!isObject(normalization)) {
    throw new TypeError(`normalization: expected { mean, std }, got ${kindOf(normalization)}`);
  }
  for (const [name, value] of Object.entries({ mean: normalization.mean, std: normalization.std })) {
    const list = typeof value === "number" ? [value] : value;
    const fits = typeof value === "number" || list?.length === channels;
    if (!fits || list.some((x) => !Number.isFinite(x) || (name === "std" && x === 0))) {
      throw new RangeError(
        `normalization.${name}: expected a number, or one for each of ${channels} channels, got ${value}`,
      );
    }
  }
  return { height, width, channels, normalization, fill };
}

function checkCount(name: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(`${name}: expected a whole number from 1 on, got ${String(count)}`);
  }
}
