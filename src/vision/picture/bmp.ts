/**
 * BMP to pixels: 1, 4, 8, 16, 24 and 32 bits a pixel, any bit masks, rows from below or from above, run lengths of 4
 * and 8 bits.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import { blank, damaged, type Pixels, truncated } from "./pixels.ts";

/**
 * Ways to store pixels: as they are, run lengths of 8 and of 4 bits, by masks of three colors, and of three with
 * alpha.
 */
const RGB = 0;
const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;
const ALPHABITFIELDS = 6;

/** What the header says. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly compression: number;
  /** Bits of red, green, blue and alpha in a pixel of 16 or 32 bits; no alpha: 0. */
  readonly masks: readonly [number, number, number, number];
  /** Blue, green, red of each color, `entry` bytes apart. */
  readonly palette: Uint8Array;
  readonly entry: number;
  /** Where the pixels begin. */
  readonly start: number;
  /** Whether the first row is the uppermost one. */
  readonly down: boolean;
}

/**
 * @throws FormatError for a truncated or damaged file
 * @throws {@link UnsupportedError} for a BMP around a JPEG or PNG, and for depths of which there are no files
 * @throws MemoryError when the host does not give what is needed: 4 bytes per pixel
 */
export function decodeBmp(bytes: Uint8Array, name: string): Pixels {
  const layout = readLayout(bytes, name);
  const { width, height, bits, compression, start, down } = layout;
  if (compression === RLE8 || compression === RLE4) return decodeRuns(bytes, layout, name);
  const used = Math.ceil((width * bits) / 8);
  const pitch = Math.ceil(used / 4) * 4;
  // The filling behind the last row may be missing.
  const needed = start + pitch * (height - 1) + used;
  if (bytes.length < needed) throw truncated(name, "BMP", `${bytes.length} bytes of ${needed}`);
  const pixels = blank(name, width, height);
  const paint = painter(bytes, layout, pixels.data);
  for (let row = 0; row < height; ++row) paint(start + row * pitch, 4 * width * (down ? row : height - 1 - row));
  return pixels;
}

function readLayout(bytes: Uint8Array, name: string): Layout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(14, true);
  if (bytes.length < 14 + size) throw truncated(name, "BMP", "it ends in its header");
  const start = view.getUint32(10, true);
  if (size === 12) {
    const [width, height, bits] = [view.getUint16(18, true), view.getUint16(20, true), view.getUint16(24, true)];
    checkKind(name, bits, RGB);
    checkStart(name, start, 26);
    const masks = defaultMasks(bits);
    return {
      width,
      height,
      bits,
      compression: RGB,
      masks,
      palette: bytes.subarray(26, start),
      entry: 3,
      start,
      down: false,
    };
  }
  const rows = view.getInt32(22, true);
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)];
  checkKind(name, bits, compression);
  // Masks stand behind the smallest header, and in the place of it in larger ones.
  const count = size > 40 ? 4 : compression === ALPHABITFIELDS ? 4 : compression === BITFIELDS ? 3 : 0;
  const masked = compression === BITFIELDS || compression === ALPHABITFIELDS;
  const tail = 14 + size + (size === 40 ? 4 * count : 0);
  if (bytes.length < tail) throw truncated(name, "BMP", "it ends in its header");
  checkStart(name, start, tail);
  const mask = (i: number) => (i < count && (i < 3 || size !== 52) ? view.getUint32(54 + 4 * i, true) : 0);
  return {
    ...{ width: view.getInt32(18, true), height: Math.abs(rows), bits, compression, start, down: rows < 0 },
    masks: masked ? [mask(0), mask(1), mask(2), mask(3)] : defaultMasks(bits),
    ...{ palette: bytes.subarray(tail, Math.max(tail, Math.min(start, tail + 4 * 256))), entry: 4 },
  };
}

function defaultMasks(bits: number): Layout["masks"] {
  return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
}

function checkStart(name: string, start: number, header: number): void {
  if (start < header) throw damaged(name, "BMP", `its pixels begin at byte ${start}, in its header`);
}

function checkKind(name: string, bits: number, compression: number): void {
  const known =
    compression === RGB
      ? [1, 4, 8, 16, 24, 32].includes(bits)
      : compression === RLE8
        ? bits === 8
        : compression === RLE4
          ? bits === 4
          : (compression === BITFIELDS || compression === ALPHABITFIELDS) && (bits === 16 || bits === 32);
  if (known) return;
  throw new UnsupportedError(
    `${name}: expected a BMP of 1, 4, 8, 16, 24 or 32 bits, got ${bits} bits with compression ${compression}`,
  );
}

/** What makes RGBA at the byte `to` of a row at the byte `from`. */
function painter(bytes: Uint8Array, layout: Layout, rgba: Uint8Array): (from: number, to: number) => void {
  const { width, bits, masks } = layout;
  if (bits <= 8) {
    const colors = colorsOf(layout);
    const pixels = new Uint32Array(rgba.buffer);
    const mask = (1 << bits) - 1;
    return (from, to) => {
      for (let x = 0, bit = 0; x < width; ++x, bit += bits) {
        const index = (bytes[from + (bit >> 3)]! >> (8 - bits - (bit & 7))) & mask;
        pixels[(to >> 2) + x] = colors[index]!;
      }
    };
  }
  if (bits === 24) {
    return (from, to) => {
      for (let x = 0; x < width; ++x) {
        rgba[to + 4 * x] = bytes[from + 3 * x + 2]!;
        rgba[to + 4 * x + 1] = bytes[from + 3 * x + 1]!;
        rgba[to + 4 * x + 2] = bytes[from + 3 * x]!;
        rgba[to + 4 * x + 3] = 255;
      }
    };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const channels = masks.map((mask, c) => channel(mask, c === 3 ? 255 : 0));
  return (from, to) => {
    for (let x = 0; x < width; ++x) {
      const pixel = bits === 16 ? view.getUint16(from + 2 * x, true) : view.getUint32(from + 4 * x, true);
      for (let c = 0; c < 4; ++c) rgba[to + 4 * x + c] = channels[c]!(pixel);
    }
  };
}

/** What takes a channel out of a pixel, in 8 bits, rounded. */
function channel(mask: number, absent: number): (pixel: number) => number {
  if (mask === 0) return () => absent;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (pixel) => Math.round(((((pixel & mask) >>> 0) >>> shift) * 255) / most);
}

/**
 * The palette as RGBA, a number a color, in whatever order this host has bytes; an index without a color is black.
 */
function colorsOf({ bits, palette, entry }: Layout): Uint32Array {
  const rgba = new Uint8Array(4 << bits);
  for (let at = 0, from = 0; at < rgba.length; at += 4, from += entry) {
    for (let c = 0; c < 3; ++c) rgba[at + c] = palette[from + 2 - c] ?? 0;
    rgba[at + 3] = 255;
  }
  return new Uint32Array(rgba.buffer);
}

/** Runs of one index, or of two in turn, and rows that go by indices; what is skipped has index 0. */
function decodeRuns(bytes: Uint8Array, layout: Layout, name: string): Pixels {
  const { width, height, bits, start, down } = layout;
  const pixels = blank(name, width, height);
  const colors = colorsOf(layout);
  const rgba = new Uint32Array(pixels.data.buffer).fill(colors[0]!);
  let [x, y, at] = [0, 0, start];
  const next = () => {
    if (at >= bytes.length) throw truncated(name, "BMP", `its runs end in row ${y} of ${height}`);
    return bytes[at++]!;
  };
  const put = (index: number) => {
    if (y >= height) throw damaged(name, "BMP", "more rows than its header says");
    // Some encoders let the filling behind a row be part of its last run.
    if (x < width) rgba[(down ? y : height - 1 - y) * width + x++] = colors[index]!;
  };
  for (;;) {
    const [count, value] = [next(), next()];
    if (count > 0) {
      for (let i = 0; i < count; ++i) put(bits === 8 ? value : i % 2 === 0 ? value >> 4 : value & 15);
    } else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) {
      if (y < height - 1) throw truncated(name, "BMP", `its runs end in row ${y} of ${height}`);
      return pixels;
    } else if (value === 2) [x, y] = [x + next(), y + next()];
    else {
      // Indices as they are, in a whole number of pairs of bytes.
      const end = at + 2 * Math.ceil((value * bits) / 16);
      for (let i = 0; i < value; ++i) {
        if (bits === 8) put(next());
        else put(i % 2 === 0 ? next() >> 4 : bytes[at - 1]! & 15);
      }
      at = end;
    }
  }
}
