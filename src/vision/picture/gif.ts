/**
 * GIF to pixels: the first frame, on a transparent ground.
 * @module
 */
import { blank, damaged, type Pixels, truncated } from "./pixels.ts";

/** The first frame: its place, how it is stored, and its colors. */
interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** Red, green, blue of each index. */
  readonly palette: Uint8Array;
  /** The index that is not painted; −1: all are. */
  readonly transparent: number;
  /** Where the size of its codes stands, and the blocks of its data behind it. */
  readonly start: number;
}

/** Where the four parts of an interlaced frame begin, and by how many rows they go on. */
const PARTS = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

/** Codes have twelve bits at most. */
const CODES = 4096;

/**
 * @throws FormatError for a truncated or damaged file
 * @throws MemoryError when the host does not give what is needed: 5 bytes per pixel
 */
export function decodeGif(bytes: Uint8Array, name: string): Pixels {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  const frame = readFrame(bytes, view, name);
  if (frame.left + frame.width > width || frame.top + frame.height > height) {
    throw damaged(name, "GIF", `a frame leaves its ${width}×${height} pixels`);
  }
  const indices = unpack(bytes, frame, name);
  const pixels = blank(name, width, height);
  const rows = frame.interlaced
    ? PARTS.flatMap(([first, step]) => {
        return Array.from(
          { length: Math.max(0, Math.ceil((frame.height - first) / step)) },
          (_, i) => first + i * step,
        );
      })
    : undefined;
  for (let row = 0, from = 0; row < frame.height; ++row) {
    let at = 4 * ((frame.top + (rows?.[row] ?? row)) * width + frame.left);
    for (let x = 0; x < frame.width; ++x, ++from, at += 4) {
      const index = indices[from]!;
      if (index === frame.transparent) continue;
      // An index without a color is black.
      for (let c = 0; c < 3; ++c) pixels.data[at + c] = frame.palette[3 * index + c] ?? 0;
      pixels.data[at + 3] = 255;
    }
  }
  return pixels;
}

/** Skips what stands before the first frame. */
function readFrame(bytes: Uint8Array, view: DataView, name: string): Frame {
  const paletteAt = (at: number, flags: number) => bytes.subarray(at, at + (flags & 0x80 ? 6 << (flags & 7) : 0));
  let palette = paletteAt(13, bytes[10]!);
  let transparent = -1;
  for (let at = 13 + palette.length; at < bytes.length; ) {
    const introducer = bytes[at]!;
    if (introducer === 0x2c) {
      if (at + 11 > bytes.length) break;
      const flags = bytes[at + 9]!;
      const [left, top] = [view.getUint16(at + 1, true), view.getUint16(at + 3, true)];
      const [width, height] = [view.getUint16(at + 5, true), view.getUint16(at + 7, true)];
      if (width === 0 || height === 0) throw damaged(name, "GIF", `a frame of ${width}×${height} pixels`);
      const own = paletteAt(at + 10, flags);
      if (own.length > 0) palette = own;
      if (palette.length === 0) throw damaged(name, "GIF", "it has no palette");
      const start = at + 10 + own.length;
      return { left, top, width, height, interlaced: (flags & 0x40) !== 0, palette, transparent, start };
    }
    if (introducer === 0x3b) throw damaged(name, "GIF", "it has no frame");
    if (introducer !== 0x21) throw damaged(name, "GIF", `no block at byte ${at}`);
    // The extension that says which index is not painted.
    if (bytes[at + 1] === 0xf9 && bytes[at + 2]! >= 4) transparent = bytes[at + 3]! & 1 ? (bytes[at + 6] ?? -1) : -1;
    at += 2;
    while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes[at]!;
    ++at;
  }
  throw truncated(name, "GIF", "it ends before its first frame");
}

/** The bytes of the blocks, joined: each block begins with its length, and one of length 0 ends them. */
function join(bytes: Uint8Array, start: number): Uint8Array {
  const joined = new Uint8Array(bytes.length - Math.min(start, bytes.length));
  let length = 0;
  for (let at = start; at < bytes.length && bytes[at] !== 0; at += 1 + bytes[at]!) {
    const block = bytes.subarray(at + 1, at + 1 + bytes[at]!);
    joined.set(block, length);
    length += block.length;
  }
  return joined.subarray(0, length);
}

/** LZW: every code stands for a string that was there before, and one more byte. */
function unpack(bytes: Uint8Array, { width, height, start }: Frame, name: string): Uint8Array {
  const least = bytes[start] ?? 0;
  if (start >= bytes.length) throw truncated(name, "GIF", "its data are missing");
  if (least < 1 || least > 8) throw damaged(name, "GIF", `codes of ${least} bits`);
  const data = join(bytes, start + 1);
  // The longest that so many codes can become, as each is at most one byte longer than all before it.
  const codes = Math.floor((8 * data.length) / (least + 1));
  const short = () => truncated(name, "GIF", `its data end before ${width}×${height} pixels do`);
  if (Math.min(codes, CODES) * codes < width * height) throw short();
  const indices = new Uint8Array(width * height);
  const [clear, end] = [1 << least, (1 << least) + 1];
  const [prefix, last] = [new Uint16Array(CODES), new Uint8Array(CODES)];
  const lengths = new Uint16Array(CODES).fill(1);
  for (let i = 0; i < clear; ++i) last[i] = i;
  let [size, next, previous, first] = [least + 1, end + 1, -1, 0];
  let [held, count, at, done] = [0, 0, 0, 0];
  while (done < indices.length) {
    for (; count < size; count += 8) {
      if (at >= data.length) throw short();
      held |= data[at++]! << count;
    }
    const code = held & ((1 << size) - 1);
    held >>>= size;
    count -= size;
    if (code === clear) {
      [size, next, previous] = [least + 1, end + 1, -1];
      continue;
    }
    if (code === end) throw short();
    if (code > next || (code === next && previous < 0) || (previous < 0 && code > end)) {
      throw damaged(name, "GIF", `a code ${code} of ${next}`);
    }
    // The string of a code that is about to be made: the one before, and its own first byte.
    const known = code < next;
    const length = known ? lengths[code]! : lengths[previous]! + 1;
    let place = done + length - 1;
    if (!known) write(indices, place--, first);
    for (let string = known ? code : previous; place >= done; string = prefix[string]!) {
      first = last[string]!;
      write(indices, place--, first);
    }
    done += length;
    if (previous >= 0 && next < CODES) {
      [prefix[next], last[next], lengths[next]] = [previous, first, lengths[previous]! + 1];
      if (++next === 1 << size && size < 12) ++size;
    }
    previous = code;
  }
  return indices;
}

/** The last string may be longer than the picture. */
function write(indices: Uint8Array, at: number, value: number): void {
  if (at < indices.length) indices[at] = value;
}
