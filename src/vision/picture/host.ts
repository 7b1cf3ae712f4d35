/**
 * Decoding by the host: browsers and their workers have decoders of their own, for more kinds of pictures than there
 * are here.
 * @module
 */
import { drawing, draws } from "./canvas.ts";
import { type Pixels, tooLarge } from "./pixels.ts";

/** Whether the host decodes pictures, and lets their pixels be read. */
export function hostDecodes(): boolean {
  return typeof createImageBitmap === "function" && draws();
}

/**
 * The pixels of a picture, upright, in the file's own colors; nothing when the host can't decode it, or can't give its
 * pixels.
 * @throws MemoryError for more than `maxPixels` pixels
 */
export async function decodeByHost(bytes: Uint8Array, name: string, maxPixels: number): Promise<Pixels | undefined> {
  let bitmap: ImageBitmap;
  try {
    // Blobs don't take memory that is shared.
    const part = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
    bitmap = await createImageBitmap(new Blob([part]), {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    return undefined;
  }
  const { width, height } = bitmap;
  try {
    if (width * height > maxPixels) throw tooLarge(name, width, height, maxPixels);
    const context = drawing(width, height);
    return context && pixelsOf(context, bitmap);
  } finally {
    bitmap.close();
  }
}

/**
 * Canvases of some hosts end at 16384 pixels a side, or at so many in all: what they answer then is nothing, or an
 * error.
 */
function pixelsOf(context: NonNullable<ReturnType<typeof drawing>>, bitmap: ImageBitmap): Pixels | undefined {
  const { width, height } = bitmap;
  try {
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
  } catch {
    return undefined;
  }
}
