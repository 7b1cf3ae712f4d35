/**
 * A picture as callers hand it over: its pixels, or what they can be had from.
 * @module
 */
import { kindOf, tagOf } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import { decodeImage, type ImageSource } from "./decode.ts";
import { type Drawable, isDrawable, pixelsOf } from "./drawn.ts";
import type { Size } from "./fit.ts";

/** Pixels, row-major, channels interleaved, nothing between rows. A browser's `ImageData` is one. */
export interface Picture extends Size {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** 1 gray, 3 RGB, 4 RGBA (alpha is ignored); by default what the length of `data` says. */
  readonly channels?: 1 | 3 | 4 | undefined;
}

/**
 * Pixels; an image file as path, URL, bytes, `Blob`, `File` or `Response`, which is then decoded; or what a browser
 * shows, at its own size: an image element or canvas, a video (its present frame), an `ImageBitmap`, a `VideoFrame`.
 */
export type PictureLike = Picture | ImageSource | string | URL | Drawable;

/**
 * The pixels of what a caller hands over.
 * @throws TypeError for what is no picture; what reading and decoding throw
 */
export async function pictureGiven(where: string, given: PictureLike): Promise<Picture> {
  if (typeof given === "string" || given instanceof URL || tagOf(given) === "URL") {
    const { readSource } = await import("../formats/common/source.ts");
    const { name, bytes } = await readSource(given as string | URL);
    return decodeImage(bytes, { name });
  }
  if (isDrawable(given)) return pixelsOf(where, given);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(
      `${where}: expected pixels { data, width, height }, a path, URL, bytes, Blob or Response, or an image, canvas, video or bitmap, got ${kindOf(given)}`,
    );
  }
  return "width" in given && "height" in given ? (given as Picture) : decodeImage(given as ImageSource);
}

/** The number of channels, once everything about the picture fits together. */
export function checkPicture(picture: Picture): 1 | 3 | 4 {
  const { data, width, height } = picture;
  if (tagOf(data) !== "Uint8Array" && tagOf(data) !== "Uint8ClampedArray") {
    throw new TypeError(`picture data: expected a Uint8Array or Uint8ClampedArray, got ${kindOf(data)}`);
  }
  const pixels = width * height;
  const channels = picture.channels ?? data.length / pixels;
  if ((channels !== 1 && channels !== 3 && channels !== 4) || data.length !== pixels * channels) {
    const each = picture.channels ?? "1, 3 or 4";
    throw new ShapeError(
      `picture data: expected ${each} bytes for each of ${width}×${height} pixels, got ${data.length} bytes`,
    );
  }
  return channels;
}
