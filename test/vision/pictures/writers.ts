/**
 * Pictures for the tests, written byte by byte, by nothing of what reads them.
 * @module
 */
import { crc32, deflateSync } from "node:zlib";

/** Bytes, one after the other; strings are Latin-1. */
export function bytes(...parts: (number | string | Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === "string") return [...part].map((letter) => letter.charCodeAt(0));
      return typeof part === "number" ? [part] : [...part];
    }),
  );
}

/** Least byte first. */
export const le16 = (value: number) => [value & 255, (value >> 8) & 255];
export const le32 = (value: number) => [...le16(value), ...le16(value >>> 16)];
/** Greatest byte first. */
export const be16 = (value: number) => le16(value).reverse();
export const be32 = (value: number) => le32(value).reverse();

/** A TIFF structure that says nothing but an orientation. */
export function exif(orientation: number, littleEndian: boolean): Uint8Array {
  const [u16, u32] = littleEndian ? [le16, le32] : [be16, be32];
  const entry = [u16(0x112), u16(3), u32(1), u16(orientation), u16(0)].flat();
  return bytes(littleEndian ? "II" : "MM", u16(42), u32(8), u16(1), entry, u32(0));
}

// --- PNG -----------------------------------------------------------------------------------------

/** A PNG of samples, `depth` bits each. */
export interface PngOptions {
  readonly width: number;
  readonly height: number;
  readonly color: 0 | 2 | 3 | 4 | 6;
  readonly depth: number;
  /** The samples of a pixel. */
  readonly at: (x: number, y: number) => readonly number[];
  readonly interlaced?: boolean;
  /** Chunks before the data: name and bytes. */
  readonly chunks?: readonly (readonly [string, Uint8Array])[];
  /** The filter of a row; all five in turn by default. */
  readonly filter?: (row: number) => number;
  /** Bytes a chunk of data. */
  readonly split?: number;
}

export function chunk(type: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  return bytes(be32(data.length), type, data, be32(crc32(bytes(type, data))));
}

export const PNG_SIGNATURE = "\x89PNG\r\n\x1a\n";

export function png(options: PngOptions): Uint8Array {
  const { width, height, color, depth, interlaced = false, chunks = [], split = 1000 } = options;
  const packed = deflateSync(pngRows(options));
  const parts = Array.from({ length: Math.ceil(packed.length / split) }, (_, i) => {
    return chunk("IDAT", packed.subarray(i * split, (i + 1) * split));
  });
  const header = bytes(be32(width), be32(height), depth, color, 0, 0, interlaced ? 1 : 0);
  const before = chunks.map(([type, data]) => chunk(type, data));
  return bytes(PNG_SIGNATURE, chunk("IHDR", header), ...before, ...parts, chunk("IEND"));
}

function pngRows({ width, height, color, depth, at, interlaced, filter = (row) => row % 5 }: PngOptions): Uint8Array {
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[color];
  const back = Math.max(1, (channels * depth) / 8);
  const out: number[] = [];
  const pass = (xs: number[], ys: number[]) => {
    if (xs.length === 0) return;
    let above: number[] = new Array<number>(Math.ceil((xs.length * channels * depth) / 8)).fill(0);
    for (const [i, y] of ys.entries()) {
      const bits = xs.flatMap((x) => at(x, y).flatMap((s) => [...s.toString(2).padStart(depth, "0")])).join("");
      const row = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
      const kind = filter(i);
      out.push(kind);
      for (const [k, value] of row.entries()) {
        const [a, b, c] = [row[k - back] ?? 0, above[k]!, above[k - back] ?? 0];
        const p = a + b - c;
        const nearest = [a, b, c].reduce((best, v) => (Math.abs(p - v) < Math.abs(p - best) ? v : best));
        out.push((value - [0, a, b, (a + b) >> 1, nearest][kind]!) & 255);
      }
      above = row;
    }
  };
  const every = (length: number, first: number, step: number) => {
    return Array.from({ length: Math.max(0, Math.ceil((length - first) / step)) }, (_, i) => first + i * step);
  };
  // The seven passes, as the standard draws them.
  const passes = interlaced
    ? [
        [0, 8, 0, 8],
        [4, 8, 0, 8],
        [0, 4, 4, 8],
        [2, 4, 0, 4],
        [0, 2, 2, 4],
        [1, 2, 0, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 1, 0, 1]];
  for (const [x, dx, y, dy] of passes) pass(every(width, x!, dx!), every(height, y!, dy!));
  return Uint8Array.from(out);
}

// --- BMP -----------------------------------------------------------------------------------------

/** A BMP of stored pixels, `bits` each. */
export interface BmpOptions {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly at: (x: number, y: number) => number;
  readonly compression?: number;
  /** Size of the header: 12, 40, 52, 56, 108 or 124. */
  readonly header?: number;
  readonly masks?: readonly number[];
  /** Red, green, blue. */
  readonly palette?: readonly (readonly number[])[];
  readonly down?: boolean;
  /** The data as they are, for run lengths. */
  readonly data?: Uint8Array;
}

export function bmp(options: BmpOptions): Uint8Array {
  const { width, height, bits, compression = 0, header = 40, masks = [], palette = [], down = false } = options;
  const colors = palette.flatMap((rgb) => [...rgb].reverse().concat(header === 12 ? [] : [0]));
  const core = bytes(le32(12), le16(width), le16(height), le16(1), le16(bits));
  const size = [le32(header), le32(width), le32(down ? -height : height), le16(1), le16(bits), le32(compression)];
  const rest = [0, 2835, 2835, 0, 0, ...masks].flatMap(le32);
  const full = bytes(...size, rest);
  const info = header === 12 ? core : bytes(full, new Uint8Array(Math.max(0, header - full.length)));
  const start = 14 + info.length + colors.length;
  const data = options.data ?? bmpRows(options);
  return bytes("BM", le32(start + data.length), le32(0), le32(start), info, colors, data);
}

function bmpRows({ width, height, bits, at, down = false }: BmpOptions): Uint8Array {
  const rows = Array.from({ length: height }, (_, i) => (down ? i : height - 1 - i)).flatMap((y) => {
    const pixels = Array.from({ length: width }, (_, x) => at(x, y));
    const row =
      bits < 8
        ? (
            pixels
              .map((p) => p.toString(2).padStart(bits, "0"))
              .join("")
              .match(/.{1,8}/g) ?? []
          ).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2))
        : pixels.flatMap((p) => le32(p).slice(0, bits / 8));
    return [...row, ...new Array<number>((4 - (row.length % 4)) % 4).fill(0)];
  });
  return Uint8Array.from(rows);
}

// --- GIF -----------------------------------------------------------------------------------------

/** A GIF of one frame. */
export interface GifOptions {
  readonly width: number;
  readonly height: number;
  /** The frame: x, y, width, height; all by default. */
  readonly frame?: readonly [number, number, number, number];
  /** The index of a pixel of the frame. */
  readonly at: (x: number, y: number) => number;
  /** Red, green, blue; 2, 4, … or 256 of them. */
  readonly palette: readonly (readonly number[])[];
  readonly local?: boolean;
  readonly interlaced?: boolean;
  readonly transparent?: number;
  /** Codes after which the table is cleared; by default when it is full, 0: never. */
  readonly clearAfter?: number;
}

export function gif({ width, height, at, palette, ...options }: GifOptions): Uint8Array {
  const [left, top, w, h] = options.frame ?? [0, 0, width, height];
  const { local = false, interlaced = false, transparent, clearAfter = 3800 } = options;
  const power = Math.log2(palette.length);
  const colors = bytes(palette.flat());
  const flags = 0x80 | (power - 1);
  const rows = Array.from({ length: h }, (_, i) => i);
  const part = (first: number, step: number) => rows.filter((y) => y % step === first);
  const order = interlaced ? [part(0, 8), part(4, 8), part(2, 4), part(1, 2)].flat() : rows;
  const indices = order.flatMap((y) => Array.from({ length: w }, (_, x) => at(x, y)));
  const least = Math.max(2, power);
  const packed = lzw(indices, least, clearAfter);
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < packed.length; i += 255) {
    const block = packed.subarray(i, i + 255);
    blocks.push(bytes(block.length, block));
  }
  return bytes(
    ...["GIF89a", le16(width), le16(height), local ? 0 : flags, 0, 0, local ? [] : colors],
    ...["!\xfe\x05hello\0", transparent === undefined ? "" : bytes("!\xf9\x04\x01\0\0", transparent, 0)],
    ...[",", le16(left), le16(top), le16(w), le16(h), (interlaced ? 0x40 : 0) | (local ? flags : 0)],
    ...[local ? colors : [], least, ...blocks, 0, ";"],
  );
}

function lzw(indices: readonly number[], least: number, clearAfter: number): Uint8Array {
  const [clear, end] = [1 << least, (1 << least) + 1];
  let bits = "";
  let table = new Map<string, number>();
  let [size, next, written] = [least + 1, end + 1, 0];
  // The lowest bit comes first, in codes as in bytes.
  const put = (code: number) => {
    bits += [...code.toString(2).padStart(size, "0")].reverse().join("");
  };
  const reset = () => {
    put(clear);
    table = new Map(Array.from({ length: clear }, (_, i) => [String(i), i]));
    [size, next, written] = [least + 1, end + 1, 0];
  };
  reset();
  let string = "";
  for (const index of indices) {
    const longer = string === "" ? String(index) : `${string},${index}`;
    if (table.has(longer)) {
      string = longer;
      continue;
    }
    put(table.get(string)!);
    ++written;
    if (next < 4096) table.set(longer, next++);
    if (next > 1 << size && size < 12) ++size;
    string = String(index);
    if (clearAfter > 0 && written >= clearAfter) reset();
  }
  put(table.get(string)!);
  if (next === 1 << size && size < 12) ++size;
  put(end);
  const all = bits.match(/.{1,8}/g) ?? [];
  return Uint8Array.from(all.map((byte) => Number.parseInt([...byte.padEnd(8, "0")].reverse().join(""), 2)));
}

// --- JPEG ----------------------------------------------------------------------------------------

/** A segment of a JPEG: a marker, a length, bytes. */
export function segment(marker: number, ...data: Parameters<typeof bytes>): Uint8Array {
  const body = bytes(...data);
  return bytes(0xff, marker, be16(2 + body.length), body);
}

/** A JPEG with further segments behind its first marker. */
export function withSegments(jpeg: Uint8Array, ...segments: Uint8Array[]): Uint8Array {
  return bytes(jpeg.subarray(0, 2), ...segments, jpeg.subarray(2));
}

/** The EXIF segment that says an orientation. */
export function exifSegment(orientation: number, littleEndian = true): Uint8Array {
  return segment(0xe1, "Exif\0\0", exif(orientation, littleEndian));
}

/** Adobe's segment, which says what the components are. */
export function adobeSegment(transform: number): Uint8Array {
  return segment(0xee, "Adobe", be16(100), be16(0), be16(0), transform);
}

/** A JPEG of 8×8 pixels of one color: a component each value, `ids` their names. */
export function flatJpeg(values: readonly number[], ids = [1, 2, 3, 4], ...segments: Uint8Array[]): Uint8Array {
  const dc = [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const ac = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  // Each block: how many bits its mean has, the mean, and the end of the block.
  const code = (value: number) => {
    const length = value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
    const low = value < 0 ? value + (1 << length) - 1 : value;
    return `${length.toString(2).padStart(4, "0")}${length ? low.toString(2).padStart(length, "0") : ""}0`;
  };
  const bits = values.map((value) => code(value - 128)).join("");
  const data = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "1"), 2));
  const components = values.flatMap((_, i) => [ids[i]!, 0x11, 0]);
  const scan = values.flatMap((_, i) => [ids[i]!, 0]);
  return bytes(
    ...[0xff, 0xd8, ...segments, segment(0xdb, 0, new Uint8Array(64).fill(8))],
    ...[segment(0xc0, 8, be16(8), be16(8), values.length, components), segment(0xc4, 0, dc), segment(0xc4, 0x10, ac)],
    ...[segment(0xda, values.length, scan, 0, 63, 0), data.flatMap((b) => (b === 255 ? [255, 0] : [b])), 0xff, 0xd9],
  );
}
