/**
 * What a picture file says about itself before anything of it is decoded: its kind, its size, how it is to be turned.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import { readOrientation, readTags, TAGS } from "./exif.ts";
import { isFrame, MARKERS, nextSegment } from "./jpeg-segments.ts";
import { damaged, truncated } from "./pixels.ts";
import { readChunks, SIGNATURE } from "./png-chunks.ts";

/** The kinds whose headers are read. */
export type Kind = "JPEG" | "PNG" | "BMP" | "GIF" | "WebP" | "TIFF";

/** A header. Width and height are as stored, at least 1: orientations 5 to 8 exchange them. */
export interface Header {
  readonly kind: Kind;
  readonly width: number;
  readonly height: number;
  /** As EXIF counts, 1 … 8. */
  readonly orientation: number;
}

type Reader = (
  bytes: Uint8Array,
  view: DataView,
  name: string,
) => Omit<Header, "kind" | "orientation"> & Partial<Header>;

const READERS: Readonly<Record<Kind, Reader>> = {
  JPEG: jpegHeader,
  PNG: pngHeader,
  BMP: bmpHeader,
  GIF: gifHeader,
  WebP: webpHeader,
  TIFF: tiffHeader,
};

/**
 * The header of a file, or nothing when it is none of the six kinds.
 * @throws {@link FormatError} when the file ends before it has told its size, or tells one that no picture has
 */
export function readHeader(bytes: Uint8Array, name: string): Header | undefined {
  const kind = kindOf(bytes);
  if (kind === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = { orientation: 1, ...READERS[kind](bytes, view, name), kind };
  const { width, height } = header;
  if (!(width > 0 && height > 0)) throw damaged(name, kind, `${width}×${height} pixels`);
  return header;
}

function kindOf(bytes: Uint8Array): Kind | undefined {
  const begin = ascii(bytes, 0, 4);
  if (begin.startsWith("\xff\xd8\xff")) return "JPEG";
  if (SIGNATURE.every((byte, i) => bytes[i] === byte)) return "PNG";
  if (/^GIF8[79]a/.test(ascii(bytes, 0, 6))) return "GIF";
  if (begin === "RIFF" && ascii(bytes, 8, 4) === "WEBP") return "WebP";
  if (begin === "II*\0" || begin === "MM\0*") return "TIFF";
  // Two letters are little: the two bytes that must be zero, and the size of a header, say that it is no text.
  const bmp = begin.startsWith("BM") && (bytes.length < 18 || [12, 40, 52, 56, 64, 108, 124].includes(bytes[14]!));
  return bmp && !(bytes[15]! | bytes[16]! | bytes[17]!) ? "BMP" : undefined;
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function need(bytes: Uint8Array, length: number, kind: Kind, name: string): void {
  if (bytes.length < length) throw truncated(name, kind, "it ends in its header");
}

function jpegHeader(bytes: Uint8Array, view: DataView, name: string) {
  let orientation = 1;
  for (let at = 2; ; ) {
    const { marker, start, end } = nextSegment(bytes, at, name);
    if (isFrame(marker)) {
      if (end - start < 6) throw damaged(name, "JPEG", "its frame header is too short");
      return { height: view.getUint16(start + 1), width: view.getUint16(start + 3), orientation };
    }
    if (marker === MARKERS.SOS || marker === MARKERS.EOI) throw damaged(name, "JPEG", "it has no frame");
    if (marker === 0xe1 && ascii(bytes, start, 6) === "Exif\0\0") {
      orientation = readOrientation(bytes.subarray(start + 6, end));
    }
    at = end;
  }
}

function pngHeader(bytes: Uint8Array, view: DataView, name: string) {
  need(bytes, 33, "PNG", name);
  if (ascii(bytes, 12, 4) !== "IHDR" || view.getUint32(8) !== 13) throw damaged(name, "PNG", "it has no header chunk");
  let orientation = 1;
  for (const { type, data } of readChunks(bytes, name, false)) if (type === "eXIf") orientation = readOrientation(data);
  return { width: view.getUint32(16), height: view.getUint32(20), orientation };
}

function bmpHeader(bytes: Uint8Array, view: DataView, name: string) {
  need(bytes, 26, "BMP", name);
  if (bytes[14] === 12) return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  // Negative: the rows come from top to bottom.
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
}

function gifHeader(bytes: Uint8Array, view: DataView, name: string) {
  need(bytes, 13, "GIF", name);
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** The three ways in which a WebP begins: extended, lossless, lossy. */
function webpHeader(bytes: Uint8Array, view: DataView, name: string) {
  need(bytes, 30, "WebP", name);
  const u24 = (at: number) => view.getUint16(at, true) | (bytes[at + 2]! << 16);
  switch (ascii(bytes, 12, 4)) {
    case "VP8X":
      return { width: 1 + u24(24), height: 1 + u24(27), orientation: webpOrientation(bytes, view) };
    case "VP8L": {
      const packed = view.getUint32(21, true);
      return { width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
    }
    case "VP8 ":
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    default:
      throw damaged(name, "WebP", "it begins with no picture");
  }
}

function webpOrientation(bytes: Uint8Array, view: DataView): number {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (ascii(bytes, at, 4) === "EXIF") {
      const start = at + 8 + (ascii(bytes, at + 8, 4) === "Exif" ? 6 : 0);
      return readOrientation(bytes.subarray(start, at + 8 + length));
    }
    at += 8 + length + (length & 1);
  }
  return 1;
}

function tiffHeader(bytes: Uint8Array, _view: DataView, name: string) {
  const tags = readTags(bytes);
  const [width, height] = [tags.get(TAGS.width), tags.get(TAGS.height)];
  if (width === undefined || height === undefined) throw truncated(name, "TIFF", "its size is missing");
  return { width, height, orientation: readOrientation(bytes) };
}

/** Kinds of pictures that are known by name only, and what begins them. */
const OTHERS: readonly (readonly [kind: string, at: number, magic: RegExp])[] = [
  ["AVIF", 4, /^ftypavi[fs]/],
  ["HEIC", 4, /^ftyp(hei[cfmsx]|hev[cx]|mif1|msf1)/],
  ["JPEG XL", 4, /^JXL /],
  ["JPEG 2000", 4, /^jP {2}/],
  ["Photoshop's PSD", 0, /^8BPS/],
  ["SVG", 0, /^(<\?xml.*)?<svg[\s>]/s],
];

/** What this package reads by itself, on every host. */
export const ACCEPTED = "JPEG, PNG, BMP or GIF";

/** The error for a file that can't be decoded here: of a kind that is not supported, or no picture at all. */
export function refusal(bytes: Uint8Array, name: string, kind?: Kind): Error {
  const start = ascii(bytes, 0, 256);
  const other = kind ?? OTHERS.find(([, at, magic]) => magic.test(start.slice(at)))?.[0];
  if (other !== undefined) return new UnsupportedError(`${name}: expected ${ACCEPTED}, got ${other}`);
  const hex = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const what = bytes.length === 0 ? "an empty file" : `${bytes.length} bytes that begin with ${hex}`;
  return new FormatError(`${name}: expected an image, got ${start.startsWith("%PDF-") ? "a PDF" : what}`);
}
