/**
 * From a file's bytes to upright pixels: looks at the header, then lets the host decode, or one of the decoders here.
 * @module
 */
import { SepconvError } from "../../errors.ts";
import { type Header, type Kind, readHeader, refusal } from "./header.ts";
import { decodeByHost, hostDecodes } from "./host.ts";
import { endOfScan, MARKERS, nextSegment } from "./jpeg-segments.ts";
import { damaged, type Pixels, tooLarge } from "./pixels.ts";
import { type ImageSource, readSource } from "./source.ts";
import { upright } from "./upright.ts";

type Decoder = (bytes: Uint8Array, name: string) => Pixels | Promise<Pixels>;

/** The decoders here, each loaded when the first picture of its kind comes. */
const DECODERS: Readonly<Partial<Record<Kind, () => Promise<Decoder>>>> = {
  JPEG: async () => (await import("./jpeg.ts")).decodeJpeg,
  PNG: async () => (await import("./png.ts")).decodePng,
  BMP: async () => (await import("./bmp.ts")).decodeBmp,
  GIF: async () => (await import("./gif.ts")).decodeGif,
};

/**
 * @param given the caller's own name for the picture
 * @throws FormatError for what isn't an image, or is a damaged or truncated one; UnsupportedError for images of other
 * kinds; MemoryError for more than `maxPixels` pixels; LoadError for a source that can't be read; TypeError for one
 * that is none
 */
export async function readPicture(source: ImageSource, given: string | undefined, maxPixels: number): Promise<Pixels> {
  const { name, bytes } = await readSource(source, given);
  const header = readHeader(bytes, name);
  if (header !== undefined && header.width * header.height > maxPixels) {
    throw tooLarge(name, header.width, header.height, maxPixels);
  }
  if (hostDecodes() && bytes.length > 0) {
    // Hosts show what there is of a truncated JPEG.
    if (header?.kind === "JPEG") checkEnd(bytes, name);
    const pixels = await decodeByHost(bytes, name, maxPixels);
    if (pixels !== undefined) return pixels;
  }
  const load = header && DECODERS[header.kind];
  if (header === undefined || load === undefined) throw refusal(bytes, name, header?.kind);
  return upright(name, await decode(await load(), header, bytes, name), header.orientation);
}

async function decode(decoder: Decoder, { kind }: Header, bytes: Uint8Array, name: string): Promise<Pixels> {
  try {
    return await decoder(bytes, name);
  } catch (error) {
    if (error instanceof SepconvError) throw error;
    // Nothing that a file says should come here; if something does, it is the file that was at fault.
    throw damaged(name, kind, String((error as Error)?.message ?? error), { cause: error });
  }
}

/** @throws FormatError for a JPEG without its end marker */
function checkEnd(bytes: Uint8Array, name: string): void {
  for (let at = 2; ; ) {
    const { marker, end } = nextSegment(bytes, at, name);
    if (marker === MARKERS.EOI) return;
    at = marker === MARKERS.SOS ? endOfScan(bytes, end) : end;
  }
}
