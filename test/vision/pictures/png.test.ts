/** PNG of all kinds, read and written. */
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../../src/errors.ts";
import { decodeImage } from "../../../src/vision/decode.ts";
import { encodePng } from "../../../src/vision/picture/png-write.ts";
import { random } from "../../cases/random.ts";
import { processorTime } from "../../processor-time.ts";
import { be32, bytes, chunk, PNG_SIGNATURE, type PngOptions, png } from "./writers.ts";

const KINDS = [
  [0, 1],
  [0, 2],
  [0, 4],
  [0, 8],
  [0, 16],
  [2, 8],
  [2, 16],
  [3, 1],
  [3, 2],
  [3, 4],
  [3, 8],
  [4, 8],
  [4, 16],
  [6, 8],
  [6, 16],
] as const;

const SIZES = [
  [1, 1],
  [2, 3],
  [3, 1],
  [5, 9],
  [8, 8],
  [13, 6],
] as const;

/** Random samples of a picture, and what RGBA they are. */
function sampled(color: PngOptions["color"], depth: number, width: number, height: number) {
  const { int } = random(`png ${color} ${depth} ${width} ${height}`);
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[color];
  const most = 2 ** depth - 1;
  const samples = Array.from({ length: width * height }, () => Array.from({ length: channels }, () => int(0, most)));
  const palette = Array.from({ length: 2 ** Math.min(depth, 8) }, () => [int(0, 255), int(0, 255), int(0, 255)]);
  const byte = (sample: number) => Math.round((sample * 255) / most);
  const rgba = (s: readonly number[]) => {
    if (color === 3) return [...palette[s[0]!]!, 255];
    const [a, b, c, d] = s.map(byte) as [number, number, number, number];
    return { 0: [a, a, a, 255], 2: [a, b, c, 255], 4: [a, a, a, b], 6: [a, b, c, d] }[color];
  };
  return {
    at: (x: number, y: number) => samples[y * width + x]!,
    samples,
    chunks: color === 3 ? ([["PLTE", bytes(palette.flat())]] as const) : [],
    expected: Uint8Array.from(samples.flatMap(rgba)),
  };
}

describe("PNG", () => {
  it.each(KINDS)("of color %i in %i bits, interlaced or not, has its samples", async (color, depth) => {
    for (const [width, height] of SIZES) {
      const { at, chunks, expected } = sampled(color, depth, width, height);
      for (const interlaced of [false, true]) {
        const file = png({ width, height, color, depth, at, chunks, interlaced, split: 7 });
        const before = file.slice();
        const image = await decodeImage(file);
        expect(image).toMatchObject({ width, height, channels: 4 });
        expect(image.data, `${width}×${height} ${interlaced}`).toEqual(expected);
        expect(file).toEqual(before);
      }
    }
  });

  it("rounds every one of 65536 grays", async () => {
    const at = (x: number, y: number) => [256 * y + x];
    const { data } = await decodeImage(png({ width: 256, height: 256, color: 0, depth: 16, at }));
    for (let i = 0; i < 65536; ++i) if (data[4 * i] !== Math.round(i / 257)) expect(data[4 * i]).toBe(i);
  });

  it("makes transparent what is said to be: colors of a palette, one gray, one color", async () => {
    const palette = ["PLTE", bytes([1, 2, 3], [4, 5, 6], [7, 8, 9])] as const;
    const three = { width: 3, height: 1, depth: 8, color: 3, at: (x: number) => [x] } as const;
    const { data } = await decodeImage(png({ ...three, chunks: [palette, ["tRNS", bytes(0, 128)]] }));
    expect([...data]).toEqual([1, 2, 3, 0, 4, 5, 6, 128, 7, 8, 9, 255]);
    for (const [color, depth, key] of [
      [0, 2, [0, 2]],
      [0, 8, [0, 2]],
      [0, 16, [0, 2]],
      [2, 8, [0, 2, 0, 2, 0, 2]],
      [2, 16, [0, 2, 0, 2, 0, 2]],
    ] as const) {
      const at = (x: number) => new Array<number>(key.length / 2).fill(x);
      const file = png({ width: 4, height: 1, depth, color, at, chunks: [["tRNS", bytes(key)]] });
      const alphas = (await decodeImage(file)).data.filter((_, i) => i % 4 === 3);
      expect([...alphas], `${color} ${depth}`).toEqual([255, 255, 0, 255]);
    }
  });

  it("takes chunks that it does not know, and what stands behind the end", async () => {
    const { at, expected } = sampled(6, 8, 5, 9);
    const chunks = [
      ["tEXt", bytes("Comment\0hello")],
      ["prVt", new Uint8Array(0)],
    ] as const;
    const file = bytes(png({ width: 5, height: 9, color: 6, depth: 8, at, chunks }), "trailing");
    expect((await decodeImage(file)).data).toEqual(expected);
  });

  const gray = { width: 6, height: 5, color: 0, depth: 8, at: (x: number, y: number) => [x * y] } as const;
  const head = (...values: number[]) => chunk("IHDR", bytes(be32(6), be32(5), ...values));
  const file = (...chunks: Uint8Array[]) => bytes(PNG_SIGNATURE, ...chunks, chunk("IEND"));
  const rows = (count: number, filter = 0) => {
    return chunk("IDAT", deflateSync(bytes(...Array.from({ length: count }, () => [filter, 1, 2, 3, 4, 5, 6]))));
  };

  it.each([
    ["a wrong check sum", png(gray).with(40, 99)],
    ["a depth that does not exist", file(head(3, 0, 0, 0, 0), rows(5))],
    ["a depth that RGB has not", file(head(4, 2, 0, 0, 0), rows(5))],
    ["a color that does not exist", file(head(8, 5, 0, 0, 0), rows(5))],
    ["another compression", file(head(8, 0, 1, 0, 0), rows(5))],
    ["another interlacing", file(head(8, 0, 0, 0, 2), rows(5))],
    ["a filter that does not exist", file(head(8, 0, 0, 0, 0), rows(5, 5))],
    ["no palette", file(head(8, 3, 0, 0, 0), rows(5))],
    ["no data", file(head(8, 0, 0, 0, 0))],
    ["too few rows", file(head(8, 0, 0, 0, 0), rows(4))],
    ["data that are no zlib", file(head(8, 0, 0, 0, 0), chunk("IDAT", new Uint8Array(50).fill(7)))],
    ["no size", png(gray).with(19, 0)],
    ["no header", file(rows(5), head(8, 0, 0, 0, 0))],
  ])("refuses a file with %s", async (_, bad) => {
    await expect(decodeImage(bad)).rejects.toThrow(FormatError);
  });

  it("unpacks no more than its size asks for", async () => {
    // 200 MB of zeros behind five rows: the rows are there, the rest is nobody's.
    const bomb = file(head(8, 0, 0, 0, 0), chunk("IDAT", deflateSync(new Uint8Array(2e8), { level: 1 })));
    const start = processorTime();
    const { data } = await decodeImage(bomb);
    expect(processorTime() - start).toBeLessThan(500);
    expect(data).toHaveLength(4 * 6 * 5);
  });
});

describe("encodePng", () => {
  it.each(SIZES)("writes what is read again: %i×%i", async (width, height) => {
    const { int } = random(`write ${width}×${height}`);
    const data = Uint8Array.from({ length: 4 * width * height }, () => int(0, 255));
    const opaque = data.map((value, i) => (i % 4 === 3 ? 255 : value));
    for (const pixels of [data, opaque, new Uint8ClampedArray(opaque)]) {
      const file = await encodePng({ data: pixels, width, height });
      expect((await decodeImage(file)).data).toEqual(new Uint8Array(pixels));
    }
  });

  it("refuses what is no picture", async () => {
    await expect(encodePng({ data: new Uint8Array(12), width: 2, height: 2 })).rejects.toThrow(RangeError);
    await expect(encodePng({ data: new Uint8Array(0), width: 0, height: 2 })).rejects.toThrow(RangeError);
  });
});
