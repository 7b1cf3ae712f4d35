/**
 * How a picture of one shape comes into a network's input of another: which part of it goes where, and the way back.
 * @module
 */

/** Height and width in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size alone of what has more to it. */
export function sizeOf({ width, height }: Size): Size {
  return { width, height };
}

/** x and y of the top left corner, width, height; in pixels, fractions allowed. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/**
 * What happens to a picture whose aspect is not the input's. `stretch`: all of it, each axis by its own factor.
 * `cover`: the largest part of the input's aspect, the rest is cut off. `contain`: all of it at its own aspect, the
 * rest of the input is filled.
 */
export type Fit = "stretch" | "cover" | "contain";

/** Where the part that is kept (`cover`) or the picture (`contain`) lies: in the middle, or at the top left. */
export type Position = "center" | "start";

/** What decides a placement. */
export interface FitOptions {
  /** `stretch` by default, as Keras, TensorFlow.js and MediaPipe do it. */
  readonly fit?: Fit | undefined;
  /** `center` by default. */
  readonly position?: Position | undefined;
  /** The part of the picture to look at, inside it; all of it by default. */
  readonly crop?: Box | undefined;
}

/** A part of the picture and the part of the input that it fills. */
export interface Placement {
  /**
   * In pixels of the picture, fractions allowed; with `contain` it may reach beyond the picture by less than a pixel of
   * the input.
   */
  readonly source: Box;
  /** In whole pixels of the input; all of it, except for `contain`. */
  readonly target: Box;
}

/**
 * The placement of a picture in an input.
 * @throws `RangeError` for sizes that aren't whole and positive, a crop outside the picture, an unknown fit or position
 */
export function place(image: Size, input: Size, options: FitOptions = {}): Placement {
  const { fit = "stretch", position = "center", crop = [0, 0, image.width, image.height] } = options;
  checkSize("image", image);
  checkSize("input", input);
  checkCrop(crop, image);
  if (position !== "center" && position !== "start") {
    throw new RangeError(`position: expected "center" or "start", got ${JSON.stringify(position)}`);
  }
  const part = position === "center" ? 0.5 : 0;
  const [x, y, width, height] = crop;
  const factors = [input.width / width, input.height / height] as const;
  switch (fit) {
    case "stretch":
      return { source: crop, target: [0, 0, input.width, input.height] };
    case "cover": {
      const factor = Math.max(...factors);
      const [w, h] = [Math.min(width, input.width / factor), Math.min(height, input.height / factor)];
      const source: Box = [x + part * (width - w), y + part * (height - h), w, h];
      return { source, target: [0, 0, input.width, input.height] };
    }
    case "contain": {
      const factor = Math.min(...factors);
      // Whole pixels of the input that the picture reaches into. One factor for both axes, not a rounded one each:
      // detectors' scores feel the difference. So the last pixels may reach beyond the picture, where its edge is
      // repeated.
      const w = Math.max(1, Math.min(input.width, Math.ceil(width * factor - TINY)));
      const h = Math.max(1, Math.min(input.height, Math.ceil(height * factor - TINY)));
      const target: Box = [Math.floor(part * (input.width - w)), Math.floor(part * (input.height - h)), w, h];
      return { source: [x, y, w / factor, h / factor], target };
    }
    default:
      throw new RangeError(`fit: expected "stretch", "cover" or "contain", got ${JSON.stringify(fit)}`);
  }
}

/** A box in pixels of the input as one in pixels of the picture; not clipped. */
export function toPicture({ source, target }: Placement, box: Box): Box {
  const [across, down] = [source[2] / target[2], source[3] / target[3]];
  return [
    source[0] + (box[0] - target[0]) * across,
    source[1] + (box[1] - target[1]) * down,
    box[2] * across,
    box[3] * down,
  ];
}

/** Parts of a pixel below this are rounding errors. */
const TINY = 1e-9;

function checkSize(where: string, { width, height }: Size): void {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${where} ${name}: expected a whole number from 1, got ${value}`);
    }
  }
}

function checkCrop(crop: Box, { width, height }: Size): void {
  const [x, y, w, h] = crop;
  const inside = x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= width && y + h <= height;
  if (crop.length !== 4 || !inside) {
    throw new RangeError(
      `crop: expected [x, y, width, height] inside ${width}×${height} pixels, got [${crop.join(", ")}]`,
    );
  }
}
