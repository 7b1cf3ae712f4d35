/**
 * Image files to pixels. What does it is loaded when the first picture comes.
 * @module
 */
import type { ImageSource } from "./picture/source.ts";

export type { ImageSource } from "./picture/source.ts";

/**
 * What a file holds: RGBA, 4·width·height bytes, upright (the orientation that cameras write into EXIF has been
 * applied).
 */
export interface DecodedImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 4;
}

/** What can be said about a file beside its bytes. */
export interface DecodeOptions {
  /** Begins every message; by default the name of a File, the address of a Response, or "image". */
  readonly name?: string | undefined;
  /**
   * Pictures of more pixels are refused before anything is decoded: 100 million by default. While a picture is decoded,
   * each pixel takes 4 bytes, and up to 12 for a progressive JPEG or one that is to be turned.
   */
  readonly maxPixels?: number | undefined;
}

/**
 * Decodes a JPEG, PNG, BMP or GIF (its first frame); the kind is recognized by content. In a browser, which has
 * decoders of its own, all kinds that it knows are decoded.
 * @throws FormatError for what isn't an image, or is a damaged or truncated one
 * @throws UnsupportedError for images of other kinds
 * @throws MemoryError for a picture of more than `maxPixels` pixels
 * @throws LoadError when a Blob or Response can't be read
 * @throws TypeError for a source that is none of these, RangeError for a limit that is no whole number
 * @example
 * ```js
 * import { readFile } from "node:fs/promises";
 * import { decodeImage } from "sepconv";
 *
 * const { width, height, data } = await decodeImage(await readFile("cat.bmp"), { maxPixels: 20e6 });
 * console.log(width, height, data.length === 4 * width * height);
 * ```
 */
export async function decodeImage(source: ImageSource, options: DecodeOptions = {}): Promise<DecodedImage> {
  const { name, maxPixels = 100_000_000 } = options;
  if (!(maxPixels === Number.POSITIVE_INFINITY || (Number.isInteger(maxPixels) && maxPixels > 0))) {
    throw new RangeError(`maxPixels: expected a whole number from 1 on, got ${maxPixels}`);
  }
  const { readPicture } = await import("./picture/read.ts");
  return { ...(await readPicture(source, name, maxPixels)), channels: 4 };
}
