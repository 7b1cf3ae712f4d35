/**
 * JPEG to pixels: baseline and progressive, gray, YCbCr, RGB, and CMYK or YCCK as Adobe writes them.
 *
 * A picture whose first scan has all components becomes pixels as it is read: 4 bytes per pixel. Of others, all
 * coefficients are kept to the end, 2 bytes each: up to 10 bytes per pixel, 12 with four components.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import { BitReader, HuffmanTable } from "./jpeg-bits.ts";
import { type Band, BlockReader, ZIGZAG } from "./jpeg-blocks.ts";
import { type Component, type Frame, readFrame } from "./jpeg-frame.ts";
import { type Colors, createPainter, inverse } from "./jpeg-samples.ts";
import { endOfScan, isFrame, MARKERS, nextSegment, type Segment } from "./jpeg-segments.ts";
import { allocate, blank, damaged, type Pixels, truncated } from "./pixels.ts";

/**
 * @throws FormatError for a truncated or damaged file
 * @throws {@link UnsupportedError} for the rarer kinds of JPEG
 * @throws MemoryError when the host does not give what is needed
 */
export function decodeJpeg(bytes: Uint8Array, name: string): Pixels {
  return new JpegReader(bytes, name).read();
}

class JpegReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #steps: (Int32Array | undefined)[] = [];
  readonly #dc: (HuffmanTable | undefined)[] = [];
  readonly #ac: (HuffmanTable | undefined)[] = [];
  /** MCUs from one restart marker to the next; 0 without any. */
  #interval = 0;
  #jfif = false;
  /** Which colors Adobe's segment says: 0 as they are, 1 YCbCr, 2 YCCK. */
  #adobe: number | undefined;
  #frame: Frame | undefined;
  #pixels: Pixels | undefined;
  #paint: (mcuRow: number) => void = () => {};
  /** Whether the blocks become pixels at once: everything is in one scan. */
  #direct = false;
  /** How many coefficients may still be looked at: in a valid file none is in more than 14 scans. */
  #patience = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  read(): Pixels {
    for (let at = 2; ; ) {
      const segment = nextSegment(this.#bytes, at, this.#name);
      if (segment.marker === MARKERS.EOI) return this.#finish();
      at = this.#take(segment);
    }
  }

  /** Where the next segment begins. */
  #take(segment: Segment): number {
    const { marker, start, end } = segment;
    if (marker === MARKERS.DQT) this.#readSteps(start, end);
    else if (marker === MARKERS.DHT) this.#readTables(start, end);
    else if (marker === MARKERS.DRI && end - start >= 2) this.#interval = this.#u16(start);
    else if (marker === 0xe0 && this.#text(start, 4) === "JFIF") this.#jfif = true;
    else if (marker === 0xee && end - start >= 12 && this.#text(start, 5) === "Adobe") {
      this.#adobe = this.#bytes[start + 11]!;
    } else if (marker === MARKERS.SOS) return this.#readScan(segment);
    else if (isFrame(marker)) {
      if (this.#frame !== undefined) throw this.#damaged("it has two frames");
      this.#frame = readFrame(this.#bytes, segment, this.#name);
    }
    return end;
  }

  #readSteps(start: number, end: number): void {
    for (let at = start; at < end; ) {
      const head = this.#bytes[at++]!;
      const size = head >> 4 ? 2 : 1;
      if (head >> 4 > 1 || (head & 15) > 3 || at + 64 * size > end) throw this.#damaged("a quantization table");
      const steps = new Int32Array(64);
      for (let i = 0; i < 64; ++i, at += size) steps[ZIGZAG[i]!] = size === 2 ? this.#u16(at) : this.#bytes[at]!;
      this.#steps[head & 15] = steps;
    }
  }

  #readTables(start: number, end: number): void {
    for (let at = start; at < end; ) {
      const head = this.#bytes[at]!;
      const counts = this.#bytes.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      if (head >> 4 > 1 || (head & 15) > 3 || total > 256 || at + 17 + total > end) {
        throw this.#damaged("a Huffman table");
      }
      const table = new HuffmanTable(counts, this.#bytes.subarray(at + 17, at + 17 + total), this.#name);
      (head >> 4 ? this.#ac : this.#dc)[head & 15] = table;
      at += 17 + total;
    }
  }

  /** Decodes the scan; answers where it ends. */
  #readScan({ start, end }: Segment): number {
    const frame = this.#frame;
    if (frame === undefined) throw this.#damaged("a scan before the frame");
    const at = (i: number) => this.#bytes[start + i]!;
    const count = at(0);
    if (count < 1 || count > 4 || end - start < 4 + 2 * count) throw this.#damaged("a scan header");
    const [low, high] = [at(3 + 2 * count) & 15, at(3 + 2 * count) >> 4];
    const band: Band = frame.progressive
      ? { start: at(1 + 2 * count), end: at(2 + 2 * count), high, low }
      : { start: 0, end: 63, high: 0, low: 0 };
    const fits = band.start === 0 ? !frame.progressive || band.end === 0 : band.end >= band.start && count === 1;
    if (!fits || band.end > 63 || low > 13) throw this.#damaged("a scan header");
    const components = Array.from({ length: count }, (_, i) => {
      const component = frame.components.find(({ id }) => id === at(1 + 2 * i));
      if (component === undefined) throw this.#damaged("a scan of a component that the frame has not");
      this.#prepare(component, at(2 + 2 * i), band);
      return component;
    });
    if (new Set(components).size < count) throw this.#damaged("a scan that has a component twice");
    this.#begin(frame, count, endOfScan(this.#bytes, end) - end);
    this.#decode(frame, components, band, new BitReader(this.#bytes, end, this.#name));
    return endOfScan(this.#bytes, end);
  }

  /** Gives a component the tables that it is to be decoded with. */
  #prepare(component: Component, tables: number, { start, end, high }: Band): void {
    component.steps ??= this.#steps[component.table];
    component.dc = this.#dc[tables >> 4];
    component.ac = this.#ac[tables & 15];
    if (component.steps === undefined) throw this.#damaged("a quantization table is missing");
    if ((start === 0 && high === 0 && !component.dc) || (end > 0 && !component.ac)) {
      throw this.#damaged("a Huffman table is missing");
    }
  }

  /** At the first scan: allocates what its file can fill. */
  #begin(frame: Frame, components: number, length: number): void {
    const { width, height, mcuColumns, mcuRows } = frame;
    if (this.#pixels !== undefined) {
      if (this.#direct) throw this.#damaged("more scans than it has components for");
      return;
    }
    // A block takes two bits at least, in a progressive picture's first scan one.
    const blocks = frame.components.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
    const most = 8 * (components === frame.components.length ? length : this.#bytes.length);
    if (blocks * (frame.progressive ? 1 : 2) > most) {
      throw truncated(this.#name, "JPEG", `its data are too short for ${width}×${height} pixels`);
    }
    this.#direct = !frame.progressive && components === frame.components.length;
    this.#patience = 16 * 64 * blocks;
    this.#pixels = blank(this.#name, width, height);
    this.#paint = createPainter(frame, this.#colors(frame), this.#pixels.data);
    for (const component of frame.components) {
      const blocks = this.#direct ? 1 : mcuColumns * mcuRows * component.h * component.v;
      component.coefficients = new Int16Array(allocate(this.#name, 2 * 64 * blocks));
    }
  }

  #decode(frame: Frame, components: readonly Component[], band: Band, bits: BitReader): void {
    const [alone] = components as [Component];
    const single = components.length === 1;
    const columns = single ? alone.columns : frame.mcuColumns;
    const rows = single ? alone.rows : frame.mcuRows;
    this.#patience -=
      components.reduce((sum, { h, v }) => sum + (single ? 1 : h * v), 0) *
      columns *
      rows *
      (band.end - band.start + 1);
    if (this.#patience < 0) throw this.#damaged("more scans than a picture can need");
    const reader = new BlockReader(bits, band, this.#name);
    for (const component of components) component.predictor = 0;
    for (let row = 0, mcu = 0; row < rows; ++row) {
      for (let column = 0; column < columns; ++column, ++mcu) {
        if (this.#interval > 0 && mcu > 0 && mcu % this.#interval === 0) {
          bits.restart(mcu / this.#interval - 1);
          reader.reset();
          for (const component of components) component.predictor = 0;
        }
        if (single) this.#block(frame, reader, alone, column, row);
        else {
          for (const component of components) {
            const { h, v } = component;
            for (let i = 0; i < h * v; ++i) {
              const down = Math.floor(i / h);
              this.#block(frame, reader, component, column * h + (i - down * h), row * v + down);
            }
          }
        }
        bits.check();
      }
      if (this.#direct) this.#paint(row);
    }
  }

  #block(frame: Frame, reader: BlockReader, component: Component, column: number, row: number): void {
    const { coefficients, pitch, v } = component;
    if (!this.#direct) {
      const at = 64 * (row * pitch + column);
      if (frame.progressive) reader.progressive(component, coefficients, at);
      else reader.sequential(component, coefficients, at);
      return;
    }
    coefficients.fill(0);
    reader.sequential(component, coefficients, 0);
    inverse(coefficients, 0, component.steps!, component.strip, 8 * ((row % v) * 8 * pitch + column), 8 * pitch);
  }

  #finish(): Pixels {
    const frame = this.#frame;
    if (frame === undefined || this.#pixels === undefined) throw truncated(this.#name, "JPEG", "it has no scan");
    if (this.#direct) return this.#pixels;
    for (const { steps, coefficients } of frame.components) {
      if (steps === undefined || coefficients.length === 0) {
        throw truncated(this.#name, "JPEG", "the scan of a component is missing");
      }
    }
    for (let mcuRow = 0; mcuRow < frame.mcuRows; ++mcuRow) {
      for (const { coefficients, steps, strip, pitch, v } of frame.components) {
        for (let row = 0; row < v; ++row) {
          for (let column = 0; column < pitch; ++column) {
            const at = 64 * ((mcuRow * v + row) * pitch + column);
            inverse(coefficients, at, steps!, strip, 8 * (row * 8 * pitch + column), 8 * pitch);
          }
        }
      }
      this.#paint(mcuRow);
    }
    return this.#pixels;
  }

  /** As libjpeg decides: JFIF is YCbCr, then Adobe's segment counts, then the names of the components. */
  #colors({ components }: Frame): Colors {
    if (components.length === 1) return "gray";
    if (components.length === 4) {
      if (this.#adobe === undefined) {
        throw new UnsupportedError(`${this.#name}: expected Adobe's marker in a JPEG of four components, got none`);
      }
      return this.#adobe === 2 ? "YCCK" : "CMYK";
    }
    if (this.#jfif) return "YCbCr";
    if (this.#adobe !== undefined) return this.#adobe === 0 ? "RGB" : "YCbCr";
    return String.fromCharCode(...components.map(({ id }) => id)) === "RGB" ? "RGB" : "YCbCr";
  }

  #u16(at: number): number {
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  #text(at: number, length: number): string {
    return String.fromCharCode(...this.#bytes.subarray(at, at + length));
  }

  #damaged(what: string): Error {
    return damaged(this.#name, "JPEG", what);
  }
}
