/**
 * Pictures as a camera might have seen them too: mirrored, moved, cut, covered, brighter.
 * @module
 */
import { checkOptions } from "../../arguments.ts";
import type { Normalization } from "../../graph/graph.ts";
import type { Dataset } from "./dataset.ts";
import type { Random } from "./random.ts";

/** How pictures are changed by chance before they are learned from; nothing by default. */
export interface Augmentation {
  /** Mirrors every other picture, left to right. Default false. */
  readonly flip?: boolean | undefined;
  /** Moves the picture by up to so many pixels, each way. Default 0. */
  readonly shift?: number | undefined;
  /**
   * The smallest part of height and width, above 0 up to 1, that is cut out and enlarged to the whole, bilinearly.
   * Default 1.
   */
  readonly crop?: number | undefined;
  /** The side, in pixels, of a square that is blanked somewhere. Default 0. */
  readonly cutout?: number | undefined;
  /** Makes the picture brighter or darker by up to this part of the full range, 0 … 1. Default 0. */
  readonly brightness?: number | undefined;
}

const OPTIONS: readonly string[] = ["flip", "shift", "crop", "cutout", "brightness"] satisfies (keyof Augmentation)[];

/** An augmentation with all that was left out. */
export type Changes = { readonly [K in keyof Augmentation]-?: NonNullable<Augmentation[K]> };

/** @throws TypeError, RangeError for what {@link Augmentation} does not have */
export function changesOf(augmentation: Augmentation = {}): Changes {
  checkOptions("augment", augmentation, OPTIONS);
  const { flip = false, shift = 0, crop = 1, cutout = 0, brightness = 0 } = augmentation;
  if (typeof flip !== "boolean") throw new TypeError(`augment.flip: expected true or false, got ${String(flip)}`);
  for (const [name, pixels] of Object.entries({ shift, cutout })) {
    if (!Number.isSafeInteger(pixels) || pixels < 0) {
      throw new RangeError(`augment.${name}: expected a whole number from 0 on, got ${String(pixels)}`);
    }
  }
  if (!(crop > 0 && crop <= 1)) throw new RangeError(`augment.crop: expected a part above 0 up to 1, got ${crop}`);
  if (!(brightness >= 0 && brightness <= 1)) {
    throw new RangeError(`augment.brightness: expected a part from 0 to 1, got ${brightness}`);
  }
  return { flip, shift, crop, cutout, brightness };
}

/** What all pictures of a data set become. */
export interface Target {
  readonly height: number;
  readonly width: number;
  /** 1 or 3: gray is repeated, color becomes gray as luma. */
  readonly channels: 1 | 3;
  /** Pixels (0 … 255) become (pixel − mean)/std. */
  readonly normalization: Normalization;
  /** The pixel, 0 … 255, beside the picture and under what is blanked. */
  readonly fill: number;
}

/** Where a picture of the input is taken from, and what is done to it. */
interface Draw {
  readonly flip: boolean;
  /** Pixels of the input from the top left corner of the target, and how many of them a pixel of the target is. */
  readonly top: number;
  readonly left: number;
  readonly step: number;
  readonly cutTop: number;
  readonly cutLeft: number;
  readonly cutout: number;
  readonly brightness: number;
}

/** Writes pictures of one data set as a network's input. */
export class Painter {
  readonly #examples: Dataset;
  readonly #target: Target;
  readonly #changes: Changes;
  /** (value − mean)/std, for each channel. */
  readonly #scale: readonly number[];
  readonly #shift: readonly number[];

  constructor(examples: Dataset, target: Target, changes: Changes) {
    const { mean, std } = target.normalization;
    const each = (value: number | readonly number[], c: number) => (typeof value === "number" ? value : value[c]!);
    const channels = Array.from({ length: target.channels }, (_, c) => c);
    this.#examples = examples;
    this.#target = target;
    this.#changes = changes;
    this.#scale = channels.map((c) => 1 / each(std, c));
    this.#shift = channels.map((c) => -each(mean, c) / each(std, c));
  }

  /** Numbers of a picture. */
  get size(): number {
    const { height, width, channels } = this.#target;
    return height * width * channels;
  }

  /**
   * Writes picture `index` to `out` from `at` on, changed as `next` has it; without, as it is. A picture of another
   * size than the target's stands in its middle: cut, or with `fill` around it.
   */
  paint(index: number, out: Float32Array, at: number, next?: Random): void {
    const draw = this.#drawn(next);
    const whole = draw.step === 1;
    const { height, width, channels } = this.#target;
    const { cutTop, cutLeft, cutout } = draw;
    let to = at;
    for (let y = 0; y < height; y++) {
      const cutRow = y >= cutTop && y < cutTop + cutout;
      for (let x = 0; x < width; x++, to += channels) {
        if (cutRow && x >= cutLeft && x < cutLeft + cutout) this.#put(out, to, undefined, draw.brightness);
        else if (whole) this.#copy(index, draw.top + y, draw.left + (draw.flip ? width - 1 - x : x), out, to, draw);
        else this.#sample(index, y, draw.flip ? width - 1 - x : x, out, to, draw);
      }
    }
  }

  /** All numbers are drawn, whether they are needed or not: an option more leaves the others' as they were. */
  #drawn(next: Random | undefined): Draw {
    const { height, width } = this.#target;
    const top = Math.floor((this.#examples.height - height) / 2);
    const left = Math.floor((this.#examples.width - width) / 2);
    if (next === undefined) return { top, left, step: 1, flip: false, cutTop: 0, cutLeft: 0, cutout: 0, brightness: 0 };
    const { flip, shift, crop, cutout, brightness } = this.#changes;
    const mirrored = next() < 0.5;
    const moved = () => Math.floor(next() * (2 * shift + 1)) - shift;
    const [down, right] = [moved(), moved()];
    const step = crop + (1 - crop) * next();
    const room = (size: number) => (1 - step) * size * next();
    const corner = (size: number) => Math.floor(next() * size) - (cutout >> 1);
    return {
      flip: flip && mirrored,
      step,
      top: top + down + room(height),
      left: left + right + room(width),
      cutTop: corner(height),
      cutLeft: corner(width),
      cutout,
      brightness: 255 * brightness * (2 * next() - 1),
    };
  }

  /** One pixel of the input as it is. */
  #copy(index: number, y: number, x: number, out: Float32Array, to: number, { brightness }: Draw): void {
    const { height, width, channels } = this.#examples;
    const inside = y >= 0 && y < height && x >= 0 && x < width;
    this.#put(out, to, inside ? ((index * height + y) * width + x) * channels : undefined, brightness);
  }

  /** One pixel between four of the input. */
  #sample(index: number, y: number, x: number, out: Float32Array, to: number, draw: Draw): void {
    const sy = draw.top + (y + 0.5) * draw.step - 0.5;
    const sx = draw.left + (x + 0.5) * draw.step - 0.5;
    const [y0, x0] = [Math.floor(sy), Math.floor(sx)];
    const [fy, fx] = [sy - y0, sx - x0];
    const { channels } = this.#target;
    for (let c = 0; c < channels; c++) {
      const upper = this.#at(index, y0, x0, c) * (1 - fx) + this.#at(index, y0, x0 + 1, c) * fx;
      const lower = this.#at(index, y0 + 1, x0, c) * (1 - fx) + this.#at(index, y0 + 1, x0 + 1, c) * fx;
      this.#write(out, to + c, c, upper * (1 - fy) + lower * fy + draw.brightness);
    }
  }

  /** A pixel's channel of the target; `fill` beside the picture. */
  #at(index: number, y: number, x: number, channel: number): number {
    const { height, width, channels } = this.#examples;
    if (!(y >= 0 && y < height && x >= 0 && x < width)) return this.#target.fill;
    return this.#channel(((index * height + y) * width + x) * channels, channel);
  }

  /** Writes the pixel that lies at `from`; `fill` without. */
  #put(out: Float32Array, to: number, from: number | undefined, brightness: number): void {
    const { channels, fill } = this.#target;
    for (let c = 0; c < channels; c++) {
      this.#write(out, to + c, c, from === undefined ? fill : this.#channel(from, c) + brightness);
    }
  }

  #channel(from: number, channel: number): number {
    const { pixels, channels } = this.#examples;
    if (channels === this.#target.channels) return pixels[from + channel]!;
    if (channels === 1) return pixels[from]!;
    return 0.299 * pixels[from]! + 0.587 * pixels[from + 1]! + 0.114 * pixels[from + 2]!;
  }

  #write(out: Float32Array, to: number, channel: number, value: number): void {
    out[to] = Math.min(255, Math.max(0, value)) * this.#scale[channel]! + this.#shift[channel]!;
  }
}
