/**
 * A picture as callers hand it over: its pixels, or what they can be had from.
 * @module
 */
import { kindOf } from "../arguments.ts";
import { decodeImage, type ImageSource } from "./decode.ts";
import type { Picture } from "./image.ts";

/** Pixels; or an image file as path, URL, bytes, `Blob` or `Response`, which is then decoded. */
export type PictureLike = Picture | ImageSource | string | URL;

/**
 * The pixels of what a caller hands over.
 * @throws TypeError for what is no picture; what reading and decoding throw
 */
export async function pictureGiven(where: string, given: PictureLike): Promise<Picture> {
  if (typeof given === "string" || given instanceof URL) {
    const { readSource } = await import("../formats/common/source.ts");
    const { name, bytes } = await readSource(given);
    return decodeImage(bytes, { name });
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(
      `${where}: expected pixels { data, width, height }, or a path, URL, bytes, Blob or Response, got ${kindOf(given)}`,
    );
  }
  return "width" in given && "height" in given ? given : decodeImage(given as ImageSource);
}
