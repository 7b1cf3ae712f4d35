/**
 * The frame of a JPEG: its size and components, and how their blocks lie.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { HuffmanTable } from "./jpeg-bits.ts";
import type { Segment } from "./jpeg-segments.ts";
import { damaged } from "./pixels.ts";

/** One of the planes that a picture consists of. */
export interface Component {
  readonly id: number;
  /** Samples a row and column, relative to those of the other components: 1 … 4. */
  readonly h: number;
  readonly v: number;
  /** Which quantization table is its own. */
  readonly table: number;
  /** Blocks of 8×8 that hold all of its samples. */
  readonly columns: number;
  readonly rows: number;
  /** Blocks a row and column as they are stored: whole MCUs. */
  readonly pitch: number;
  readonly height: number;
  /** Steps of the coefficients, row by row, as they were at the component's first scan. */
  steps: Int32Array | undefined;
  dc: HuffmanTable | undefined;
  ac: HuffmanTable | undefined;
  /** The last DC value: the next one is stored as the difference. */
  predictor: number;
  /** All coefficients, 64 a block; empty for pictures whose blocks become pixels at once. */
  coefficients: Int16Array;
  /** The samples of one row of MCUs. */
  readonly strip: Uint8Array;
}

/** What is common to all components. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly Component[];
  /** The largest h and v. */
  readonly h: number;
  readonly v: number;
  /** MCUs a row and column. An MCU is 8·h × 8·v pixels. */
  readonly mcuColumns: number;
  readonly mcuRows: number;
}

/**
 * How the frames are called that are not decoded; the others are SOF0, SOF1 (Huffman, sequential) and SOF2
 * (progressive).
 */
const REFUSED: Readonly<Record<number, string>> = {
  195: "lossless",
  201: "arithmetic coding",
  202: "arithmetic coding",
};

/**
 * @throws FormatError for a frame that contradicts itself
 * @throws {@link UnsupportedError} for lossless, hierarchical, arithmetically coded, 12-bit and two-component ones
 */
export function readFrame(bytes: Uint8Array, { marker, start, end }: Segment, name: string): Frame {
  if (marker > 0xc2) {
    const kind = REFUSED[marker] ?? "hierarchical coding";
    throw new UnsupportedError(`${name}: expected a baseline or progressive JPEG, got ${kind}`);
  }
  if (end - start < 6) throw damaged(name, "JPEG", "its frame header is too short");
  const at = (i: number) => bytes[start + i]!;
  const [precision, height, width, count] = [at(0), (at(1) << 8) | at(2), (at(3) << 8) | at(4), at(5)];
  if (precision !== 8) throw new UnsupportedError(`${name}: expected a JPEG of 8 bits, got ${precision}`);
  if (![1, 3, 4].includes(count)) {
    throw new UnsupportedError(`${name}: expected a JPEG of 1, 3 or 4 components, got ${count}`);
  }
  if (end - start < 6 + 3 * count) throw damaged(name, "JPEG", "its frame header is too short");
  const said = Array.from({ length: count }, (_, i) => {
    const [id, sampling, table] = [at(6 + 3 * i), at(7 + 3 * i), at(8 + 3 * i)];
    // The sampling of a component that is alone says nothing.
    return { id, table, h: count === 1 ? 1 : sampling >> 4, v: count === 1 ? 1 : sampling & 15 };
  });
  for (const { h, v } of said) {
    if (h < 1 || h > 4 || v < 1 || v > 4) throw damaged(name, "JPEG", `a sampling of ${h}×${v}`);
  }
  if (new Set(said.map(({ id }) => id)).size < count) throw damaged(name, "JPEG", "two components of one name");
  const h = Math.max(...said.map((component) => component.h));
  const v = Math.max(...said.map((component) => component.v));
  const mcuColumns = Math.ceil(width / (8 * h));
  const mcuRows = Math.ceil(height / (8 * v));
  const components = said.map((component) => ({
    ...component,
    columns: Math.ceil(Math.ceil((width * component.h) / h) / 8),
    rows: Math.ceil(Math.ceil((height * component.v) / v) / 8),
    pitch: mcuColumns * component.h,
    height: mcuRows * component.v,
    steps: undefined,
    dc: undefined,
    ac: undefined,
    predictor: 0,
    coefficients: new Int16Array(0),
    strip: new Uint8Array(64 * mcuColumns * component.h * component.v),
  }));
  return { width, height, progressive: marker === 0xc2, components, h, v, mcuColumns, mcuRows };
}
