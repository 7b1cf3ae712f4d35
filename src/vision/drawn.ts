/**
 * What browsers show, as pixels: bitmaps, images, canvases, videos and their frames, drawn once and read back.
 * @module
 */
import { tagOf } from "../arguments.ts";
import { LoadError, StateError } from "../errors.ts";
import type { Size } from "./fit.ts";
import { drawing } from "./picture/canvas.ts";

/** What can be drawn: as it is shown, at its own size. */
export type Drawable =
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame;

/** Its size, in pixels of its own, by the kind of thing. */
const SIZES: Readonly<Record<string, readonly [width: string, height: string]>> = {
  ImageBitmap: ["width", "height"],
  HTMLImageElement: ["naturalWidth", "naturalHeight"],
  HTMLCanvasElement: ["width", "height"],
  OffscreenCanvas: ["width", "height"],
  HTMLVideoElement: ["videoWidth", "videoHeight"],
  VideoFrame: ["displayWidth", "displayHeight"],
};

/** What it showed: RGBA. */
export interface Shown extends Size {
  readonly data: Uint8ClampedArray;
  readonly channels: 4;
}

/** Whether something is one of these, also of another realm (a frame's document). */
export function isDrawable(value: unknown): value is Drawable {
  return tagOf(value) in SIZES;
}

/**
 * Draws it and reads its pixels, RGBA.
 * @throws {@link StateError} for one that has no pixels: closed, empty, or not there yet
 * @throws {@link LoadError} for an image that does not load, and for what came from another origin, which a page may
 *   show and not read
 */
export async function pixelsOf(where: string, source: Drawable): Promise<Shown> {
  const tag = tagOf(source);
  if (tag === "HTMLImageElement") {
    const image = source as HTMLImageElement;
    try {
      await image.decode();
    } catch (cause) {
      throw new LoadError(`${where}: expected an image that loads, got ${image.currentSrc || "one without a source"}`, {
        cause,
      });
    }
  }
  const [width, height] = SIZES[tag]!.map((name) => Number((source as unknown as Record<string, unknown>)[name]));
  if (!(width! > 0 && height! > 0)) {
    throw new StateError(
      `${where}: expected a ${tag} with pixels, got ${width}×${height}: closed, empty or not loaded`,
    );
  }
  if (tag === "HTMLVideoElement" && (source as HTMLVideoElement).readyState < 2) {
    throw new StateError(
      `${where}: expected a video that has a frame, got one that has none yet (wait for "loadeddata")`,
    );
  }
  const context = drawing(width!, height!);
  if (context === undefined) throw new LoadError(`${where}: expected a host that draws, got one that gives no canvas`);
  try {
    context.drawImage(source, 0, 0, width!, height!);
    const { data } = context.getImageData(0, 0, width!, height!);
    return { data, width: width!, height: height!, channels: 4 };
  } catch (cause) {
    const { name, message } = cause as Error;
    const got = name === "SecurityError" ? `one of another origin (load it with crossorigin="anonymous")` : message;
    throw new LoadError(`${where}: expected a ${tag} whose pixels may be read, got ${got}`, { cause });
  }
}
