/**
 * The rows of a PNG, as they come out of its zlib stream: filtered, packed, perhaps interlaced; to RGBA.
 * @module
 */

/** What the header and two further chunks say. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Bits a sample. */
  readonly depth: number;
  readonly color: Color;
  readonly interlaced: boolean;
  /** Colors of an indexed picture, 3 bytes each. */
  readonly palette: Uint8Array;
  /** Their alpha; or, in a picture without alpha, the one gray or color that is transparent, 2 bytes a sample. */
  readonly transparency: Uint8Array | undefined;
}

/** PNG's own numbers. */
export type Color = 0 | 2 | 3 | 4 | 6;

/** Samples a pixel, and the depths that there are: gray, RGB, palette, gray with alpha, RGBA. */
export const COLORS: Readonly<Record<Color, { readonly samples: number; readonly depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

/** A part of the rows and columns: all of them, or one of Adam7's seven. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
}

const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function passes({ width, height, interlaced }: Layout): Pass[] {
  return (interlaced ? ADAM7 : [[0, 0, 1, 1] as const])
    .map(([x, y, dx, dy]) => {
      return { x, y, dx, dy, width: Math.ceil((width - x) / dx), height: Math.ceil((height - y) / dy) };
    })
    .filter((pass) => pass.width > 0 && pass.height > 0);
}

function rowBytes(width: number, { depth, color }: Layout): number {
  return Math.ceil((width * depth * COLORS[color].samples) / 8);
}

/** Bytes of all rows, each with the one that names its filter. */
export function unpackedBytes(layout: Layout): number {
  return passes(layout).reduce((sum, { width, height }) => sum + height * (1 + rowBytes(width, layout)), 0);
}

/** Takes bytes as they come, and makes pixels of every row that is complete. */
export class RowReader {
  readonly #layout: Layout;
  readonly #rgba: Uint8Array;
  readonly #passes: readonly Pass[];
  /** Bytes from a sample to the one of the pixel before, at least 1: what filters look back by. */
  readonly #back: number;
  readonly #samples: Uint16Array;
  #pass = 0;
  #y = 0;
  #row: Uint8Array;
  #above: Uint8Array;
  #filled = 0;

  constructor(layout: Layout, rgba: Uint8Array) {
    const { samples } = COLORS[layout.color];
    this.#layout = layout;
    this.#rgba = rgba;
    this.#passes = passes(layout);
    this.#back = Math.max(1, (layout.depth * samples) >> 3);
    this.#samples = new Uint16Array(layout.width * samples);
    [this.#row, this.#above] = this.#rows();
  }

  /** Whether all rows are there. */
  get complete(): boolean {
    return this.#pass === this.#passes.length;
  }

  /** @throws RangeError for a filter that does not exist */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.complete; ) {
      const part = bytes.subarray(at, at + this.#row.length - this.#filled);
      this.#row.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#row.length) this.#finishRow();
    }
  }

  /** Rows of the current pass, with the byte of the filter; nothing but zeros is above the first one. */
  #rows(): [Uint8Array, Uint8Array] {
    const length = 1 + rowBytes(this.#passes[this.#pass]?.width ?? 0, this.#layout);
    return [new Uint8Array(length), new Uint8Array(length)];
  }

  #finishRow(): void {
    const pass = this.#passes[this.#pass]!;
    unfilter(this.#row, this.#above, this.#back);
    this.#unpack(pass);
    this.#paint(pass);
    [this.#row, this.#above] = [this.#above, this.#row];
    this.#filled = 0;
    if (++this.#y < pass.height) return;
    this.#y = 0;
    ++this.#pass;
    [this.#row, this.#above] = this.#rows();
  }

  #unpack({ width }: Pass): void {
    const { depth, color } = this.#layout;
    const [row, samples] = [this.#row, this.#samples];
    const count = width * COLORS[color].samples;
    if (depth === 8) for (let i = 0; i < count; ++i) samples[i] = row[1 + i]!;
    else if (depth === 16) for (let i = 0; i < count; ++i) samples[i] = (row[1 + 2 * i]! << 8) | row[2 + 2 * i]!;
    else {
      const mask = (1 << depth) - 1;
      for (let i = 0, bit = 0; i < count; ++i, bit += depth) {
        samples[i] = (row[1 + (bit >> 3)]! >> (8 - depth - (bit & 7))) & mask;
      }
    }
  }

  #paint({ x, y, dx, dy, width }: Pass): void {
    const { color, depth, palette, transparency } = this.#layout;
    const [samples, rgba] = [this.#samples, this.#rgba];
    const step = 4 * dx;
    let at = 4 * ((y + this.#y * dy) * this.#layout.width + x);
    if (color === 3) {
      for (let i = 0; i < width; ++i, at += step) {
        const index = samples[i]!;
        rgba[at] = palette[3 * index]!;
        rgba[at + 1] = palette[3 * index + 1]!;
        rgba[at + 2] = palette[3 * index + 2]!;
        // An index without a color is black, as elsewhere.
        rgba[at + 3] = transparency?.[index] ?? 255;
      }
      return;
    }
    const { samples: count } = COLORS[color];
    const [green, blue] = count > 2 ? [1, 2] : [0, 0];
    const key =
      transparency && Array.from({ length: count }, (_, i) => (transparency[2 * i]! << 8) | transparency[2 * i + 1]!);
    const alpha = count % 2 === 0 ? count - 1 : -1;
    for (let i = 0; i < width * count; i += count, at += step) {
      rgba[at] = toByte(samples[i]!, depth);
      rgba[at + 1] = toByte(samples[i + green]!, depth);
      rgba[at + 2] = toByte(samples[i + blue]!, depth);
      if (alpha > 0) rgba[at + 3] = toByte(samples[i + alpha]!, depth);
      else rgba[at + 3] = key?.every((value, c) => value === samples[i + c]) ? 0 : 255;
    }
  }
}

/** A sample in 8 bits, rounded. */
function toByte(sample: number, depth: number): number {
  if (depth === 8) return sample;
  return depth === 16 ? (sample * 255 + 32895) >> 16 : (sample * 255) / ((1 << depth) - 1);
}

/**
 * Undoes the filter that a row's first byte names: each byte is stored as the difference from what its neighbors
 * foretell.
 */
function unfilter(row: Uint8Array, above: Uint8Array, back: number): void {
  const filter = row[0]!;
  const { length } = row;
  if (filter > 4) throw new RangeError(`filter ${filter}`);
  if (filter === 1) for (let i = 1 + back; i < length; ++i) row[i]! += row[i - back]!;
  if (filter === 2) for (let i = 1; i < length; ++i) row[i]! += above[i]!;
  if (filter < 3) return;
  for (let i = 1; i < length; ++i) {
    const left = i > back ? row[i - back]! : 0;
    if (filter === 3) row[i]! += (left + above[i]!) >> 1;
    else row[i]! += paeth(left, above[i]!, i > back ? above[i - back]! : 0);
  }
}

/** Whichever of the three neighbors is nearest to left + above − corner. */
export function paeth(left: number, above: number, corner: number): number {
  const a = Math.abs(above - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + above - 2 * corner);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}
