/**
 * Image files to pixels, by the optional package `jimp`, which is plain JavaScript and so works wherever this package does.
 * @module
 */
import { FormatError, UnsupportedError } from "../errors.ts";

/** What a file holds: RGBA, 4·width·height bytes, upright (the orientation that cameras write into EXIF has been applied). */
export interface DecodedImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 4;
}

/** What can be said about a file beside its bytes. */
export interface DecodeOptions {
  /** Begins every message; the file's name as a rule. */
  readonly name?: string | undefined;
}

/** Photographs up to this many bytes of working memory; above it, a JPEG is one of those that are small on disk only. */
const JPEG_MEGABYTES = 2048;

/**
 * Decodes a JPEG, PNG, BMP, GIF (its first frame) or TIFF; the kind is recognised by content.
 * @throws {@link FormatError} for what isn't an image, or is a damaged or truncated one
 * @throws {@link UnsupportedError} for images of other kinds, and where `jimp` is not installed
 */
export async function decodeImage(bytes: Uint8Array, { name = "image" }: DecodeOptions = {}): Promise<DecodedImage> {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`${name}: expected a Uint8Array, got ${(bytes as object)?.constructor?.name ?? typeof bytes}`);
  }
  if (bytes.length === 0) throw new FormatError(`${name}: expected an image, got an empty file`);
  const { Jimp } = await loadJimp(name);
  // A copy: jimp takes an ArrayBuffer (or Node's own Buffer, which other hosts need not have) and some of its decoders write into it.
  const copy = new Uint8Array(bytes).buffer;
  let image: Awaited<ReturnType<typeof Jimp.fromBuffer>>;
  try {
    image = await Jimp.fromBuffer(copy, { "image/jpeg": { maxMemoryUsageInMB: JPEG_MEGABYTES } });
  } catch (cause) {
    throw refusal(name, bytes, cause);
  }
  const { data, width, height } = image.bitmap;
  if (!(width > 0 && height > 0) || data.length !== 4 * width * height) {
    throw new FormatError(`${name}: expected an image, got ${data.length} bytes for ${width}×${height} pixels`);
  }
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height, channels: 4 };
}

async function loadJimp(name: string): Promise<typeof import("jimp")> {
  try {
    return await import("jimp");
  } catch (cause) {
    throw new UnsupportedError(`${name}: expected the package 'jimp' to read images with, got none; install it`, {
      cause,
    });
  }
}

/** jimp's error as one of ours. It throws strings, plain errors and range errors, as its decoders do. */
function refusal(name: string, bytes: Uint8Array, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const kind = /Mime type (\S+) does not support/.exec(reason)?.[1];
  if (kind?.startsWith("image/")) {
    return new UnsupportedError(`${name}: expected JPEG, PNG, BMP, GIF or TIFF, got ${kind}`, { cause });
  }
  if (kind !== undefined) return new FormatError(`${name}: expected an image, got ${kind}`, { cause });
  if (/MIME/.test(reason)) {
    const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return new FormatError(`${name}: expected an image, got ${bytes.length} bytes that begin with ${start}`, { cause });
  }
  return new FormatError(`${name}: expected a whole image, got a damaged or truncated one (${reason})`, { cause });
}
