/** BMP and GIF of all kinds. */
import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../../src/errors.ts";
import { decodeImage } from "../../../src/vision/decode.ts";
import { random } from "../../cases/random.ts";
import { processorTime } from "../../processor-time.ts";
import { bmp, bytes, gif } from "./writers.ts";

const { int } = random("bmp and gif");
const PALETTE = Array.from({ length: 256 }, () => [int(0, 255), int(0, 255), int(0, 255)]);
const SIZES = [
  [1, 1],
  [3, 2],
  [9, 5],
  [32, 4],
] as const;

const pixelsOf = async (file: Uint8Array) => [...(await decodeImage(file)).data];

/** RGBA of a picture, pixel by pixel. */
function expected(width: number, height: number, rgba: (x: number, y: number) => readonly number[]): number[] {
  return Array.from({ length: width * height }, (_, i) => rgba(i % width, Math.floor(i / width))).flat();
}

describe("BMP", () => {
  it.each([1, 4, 8])("of %i bits takes its colors from the palette", async (bits) => {
    const count = 2 ** bits;
    const index = (x: number, y: number) => (7 * x + 5 * y) % count;
    for (const [width, height] of SIZES) {
      const rgba = expected(width, height, (x, y) => [...PALETTE[index(x, y)]!, 255]);
      for (const [header, down] of [
        [12, false],
        [40, false],
        [40, true],
        [108, false],
      ] as const) {
        const file = bmp({ width, height, bits, at: index, palette: PALETTE.slice(0, count), header, down });
        expect(await pixelsOf(file), `${width}×${height} ${header} ${down}`).toEqual(rgba);
      }
    }
  });

  it.each([
    [24, 0, 40, [], 0x123456, [0x12, 0x34, 0x56, 255]],
    [24, 0, 12, [], 0x123456, [0x12, 0x34, 0x56, 255]],
    [32, 0, 40, [], 0x78123456, [0x12, 0x34, 0x56, 255]],
    [32, 0, 124, [0xff, 0xff00, 0xff0000, 0xff000000], 0x78123456, [0x12, 0x34, 0x56, 255]],
    [32, 3, 40, [0xff, 0xff00, 0xff0000], 0x78123456, [0x56, 0x34, 0x12, 255]],
    [32, 3, 52, [0xff, 0xff00, 0xff0000], 0x78123456, [0x56, 0x34, 0x12, 255]],
    [32, 3, 56, [0xff0000, 0xff00, 0xff, 0xff000000], 0x78123456, [0x12, 0x34, 0x56, 0x78]],
    [32, 3, 124, [0x3ff00000, 0xffc00, 0x3ff, 0xc0000000], 0xbfffffff, [255, 255, 255, 170]],
    [32, 6, 40, [0xff0000, 0xff00, 0xff, 0xff000000], 0x78123456, [0x12, 0x34, 0x56, 0x78]],
    [16, 0, 40, [], 0x7c10, [255, 0, 132, 255]],
    [16, 3, 40, [0xf800, 0x7e0, 0x1f], 0x07e1, [0, 255, 8, 255]],
    [16, 3, 56, [0xf00, 0xf0, 0xf, 0xf000], 0x8f21, [255, 34, 17, 136]],
  ])("of %i bits, compression %i, header of %i bytes", async (bits, compression, header, masks, pixel, rgba) => {
    for (const [width, height] of SIZES) {
      const file = bmp({ width, height, bits, compression, header, masks, at: (x) => (x % 2 ? 0 : pixel) });
      const alpha = masks.length > 3 && compression !== 0 ? 0 : 255;
      expect(await pixelsOf(file)).toEqual(expected(width, height, (x) => (x % 2 ? [0, 0, 0, alpha] : rgba)));
    }
  });

  it("of run lengths, in 8 bits", async () => {
    // Five of color 3, end of row; four as they are (and two to fill), skipped: one; then skipped: two and one row up;
    // end.
    const runs = bytes([5, 3, 0, 0], [0, 3, 1, 2, 3, 0, 1, 9, 0, 0], [0, 2, 2, 0, 1, 4, 0, 1]);
    const file = bmp({ width: 5, height: 3, bits: 8, compression: 1, at: () => 0, palette: PALETTE, data: runs });
    const rows = [
      [0, 0, 4, 0, 0],
      [1, 2, 3, 9, 0],
      [3, 3, 3, 3, 3],
    ];
    expect(await pixelsOf(file)).toEqual(expected(5, 3, (x, y) => [...PALETTE[rows[y]![x]!]!, 255]));
  });

  it("of run lengths, in 4 bits", async () => {
    const palette = PALETTE.slice(0, 16);
    const runs = bytes([5, 0x34, 0, 0], [0, 5, 0x12, 0x34, 0x50, 0, 0, 1]);
    const file = bmp({ width: 5, height: 2, bits: 4, compression: 2, at: () => 0, palette, data: runs });
    const rows = [
      [1, 2, 3, 4, 5],
      [3, 4, 3, 4, 3],
    ];
    expect(await pixelsOf(file)).toEqual(expected(5, 2, (x, y) => [...palette[rows[y]![x]!]!, 255]));
  });

  it("of run lengths that stop short or leave the picture is refused", async () => {
    const runs = (...data: number[]) =>
      bmp({ width: 4, height: 3, bits: 8, compression: 1, at: () => 0, palette: PALETTE, data: bytes(data) });
    for (const data of [[], [4, 1], [4, 1, 0, 1], [4, 1, 0, 0, 4, 1, 0, 0, 4, 1, 0, 0, 4, 1, 0, 1], [0, 4, 1, 2]]) {
      await expect(decodeImage(runs(...data)), data.join()).rejects.toThrow(FormatError);
    }
  });

  it("says what it does not support", async () => {
    for (const [bits, compression] of [
      [2, 0],
      [64, 0],
      [0, 4],
      [0, 5],
      [24, 3],
      [8, 2],
    ] as const) {
      const file = bmp({ width: 4, height: 4, bits, compression, at: () => 0, data: new Uint8Array(100) });
      await expect(decodeImage(file), `${bits} ${compression}`).rejects.toThrow(UnsupportedError);
    }
  });

  it("refuses sizes and places that can't be", async () => {
    const file = bmp({ width: 4, height: 4, bits: 24, at: () => 0 });
    for (const [at, value] of [
      [18, 0],
      [18, -4],
      [22, 0],
      [18, 5],
      [22, 5],
      [22, -5],
      [10, 20],
      [10, 1000],
    ] as const) {
      const bad = file.slice();
      new DataView(bad.buffer).setInt32(at, value, true);
      await expect(decodeImage(bad), `${value} at ${at}`).rejects.toThrow(FormatError);
    }
  });
});

describe("GIF", () => {
  it.each([2, 4, 16, 256])("of %i colors, interlaced or not, cleared often or never", async (count) => {
    const palette = PALETTE.slice(0, count);
    for (const [width, height] of [...SIZES, [90, 70] as const]) {
      const noise = Array.from({ length: width * height }, () => int(0, count - 1));
      // Long runs and noise: strings of all lengths.
      const at = (x: number, y: number) => (y % 3 ? noise[y * width + x]! : 1);
      const rgba = expected(width, height, (x, y) => [...palette[at(x, y)]!, 255]);
      for (const interlaced of [false, true]) {
        for (const clearAfter of [1, 100, 3800, 0]) {
          const file = gif({ width, height, at, palette, interlaced, clearAfter, local: interlaced });
          expect(await pixelsOf(file), `${width}×${height} ${interlaced} ${clearAfter}`).toEqual(rgba);
        }
      }
    }
  });

  it("shows nothing where its first frame isn't, or is transparent", async () => {
    const palette = PALETTE.slice(0, 4);
    const file = gif({ width: 5, height: 4, frame: [1, 2, 3, 2], at: (x) => x, palette, transparent: 1 });
    const rgba = expected(5, 4, (x, y) => {
      return y < 2 || x < 1 || x > 3 || x === 2 ? [0, 0, 0, 0] : [...palette[x - 1]!, 255];
    });
    expect(await pixelsOf(file)).toEqual(rgba);
  });

  it("refuses what can't be", async () => {
    const palette = PALETTE.slice(0, 4);
    const good = gif({ width: 5, height: 4, at: (x) => x % 4, palette, local: true });
    const frame = good.indexOf(0x2c);
    await expect(decodeImage(gif({ width: 5, height: 4, frame: [1, 0, 5, 4], at: () => 0, palette }))).rejects.toThrow(
      "a frame leaves its 5×4 pixels",
    );
    const codes = frame + 10 + 12;
    for (const [at, value] of [
      [frame, 0x3b],
      [frame, 0x99],
      [frame + 5, 0],
      [frame + 9, 0],
      [codes, 0],
      [codes, 9],
      [codes + 1, 0],
      [codes + 3, 255],
    ] as const) {
      await expect(decodeImage(good.with(at, value)), `${value} at ${at}`).rejects.toThrow(FormatError);
    }
    await expect(decodeImage(bytes("GIF89a", [5, 0, 5, 0, 0, 0, 0], ";"))).rejects.toThrow("it has no frame");
  });

  it("of 35 bytes that claims a hundred million pixels is refused at once", async () => {
    const claim = bytes("GIF89a", [16, 39, 16, 39, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    const file = bytes(claim, [0x2c, 0, 0, 0, 0, 16, 39, 16, 39, 0, 2, 2, 0x4c, 1, 0, 0x3b]);
    const start = processorTime();
    await expect(decodeImage(file)).rejects.toThrow("a truncated one");
    expect(processorTime() - start).toBeLessThan(100);
  });
});
