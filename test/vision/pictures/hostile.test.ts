/** Truncated and mutated files: each decodes, or is refused by an error of ours, soon. */
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FormatError, MemoryError, SepconvError } from "../../../src/errors.ts";
import { decodeImage } from "../../../src/vision/decode.ts";
import { random } from "../../cases/random.ts";
import { processorTime } from "../../processor-time.ts";
import { bmp, bytes, exif, exifSegment, gif, PNG_SIGNATURE, png, withSegments } from "./writers.ts";

const { files } = JSON.parse(readFileSync(new URL("../../data/jpeg.json", import.meta.url), "utf8"));
const jpeg = (name: string) => new Uint8Array(Buffer.from(files[name], "base64"));
const { int } = random("hostile");
const noise = (most: number) => {
  const values = Array.from({ length: 64 }, () => int(0, most));
  return (x: number, y: number) => values[(x + 13 * y) % 64]!;
};
const palette = Array.from({ length: 16 }, () => [int(0, 255), int(0, 255), int(0, 255)]);
const size = { width: 11, height: 7 };
const channel = noise(255);
const runs = bytes([11, 3, 0, 0, 0, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0], [0, 0, 0, 2, 3, 4, 5, 1, 0, 1]);

const FILES: Readonly<Record<string, readonly Uint8Array[]>> = {
  JPEG: [
    ...["baseline-420", "baseline-restarts", "baseline-scans", "progressive-420", "progressive-ycck"].map(jpeg),
    withSegments(jpeg("progressive-gray"), exifSegment(6)),
  ],
  PNG: [
    png({ ...size, color: 6, depth: 8, at: (x, y) => [channel(x, y), channel(y, x), 3, 4] }),
    png({ ...size, color: 2, depth: 16, interlaced: true, at: (x, y) => [channel(x, y), 2000, 3], split: 30 }),
    png({
      ...{ ...size, color: 3, depth: 4, at: (x, y) => [noise(15)(x, y)] },
      chunks: [
        ["PLTE", bytes(palette.flat())],
        ["tRNS", bytes(1, 2, 3)],
        ["eXIf", exif(5, true)],
      ],
    }),
  ],
  BMP: [
    bmp({ ...size, bits: 24, at: channel }),
    bmp({ ...size, bits: 4, at: noise(15), palette }),
    bmp({ ...size, bits: 16, compression: 3, header: 56, masks: [0xf00, 0xf0, 0xf, 0xf000], at: channel }),
    bmp({ ...size, bits: 8, compression: 1, at: channel, palette, data: runs }),
  ],
  GIF: [
    gif({ ...size, at: noise(15), palette, interlaced: true, transparent: 3 }),
    gif({ width: 40, height: 30, at: (x, y) => (y % 3 ? 1 : channel(x, y) & 15), palette, local: true }),
  ],
};

/** Says nothing itself, and lets nothing be said by what it calls. */
const said = () => {
  throw new Error("expected nothing on stdout and stderr");
};

describe.each(Object.keys(FILES))("%s", (kind) => {
  beforeEach(() => {
    for (const method of ["log", "warn", "error", "info", "debug"] as const) {
      vi.spyOn(console, method).mockImplementation(said);
    }
    vi.spyOn(process.stdout, "write").mockImplementation(said);
    vi.spyOn(process.stderr, "write").mockImplementation(said);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("cut off at any length is what it was, or is refused as damaged", async () => {
    for (const [i, file] of FILES[kind]!.entries()) {
      const whole = await decodeImage(file);
      let decoded = 0;
      for (let length = 0; length < file.length; ++length) {
        const image = await decodeImage(file.subarray(0, length)).catch((error: unknown) => error);
        if (image instanceof FormatError) continue;
        expect(image, `file ${i}, ${length} bytes of ${file.length}`).toEqual(whole);
        ++decoded;
      }
      // Only what follows the pixels may be missing: GIF's last blocks, the filling of a BMP's last row.
      expect(decoded).toBeLessThan(kind === "JPEG" || kind === "PNG" ? 1 : 30);
    }
  });

  it("mutated 2000 times is decoded or refused, each within 2 s", async () => {
    const { int, next } = random(`mutations of ${kind}`);
    const outcomes = new Map<string, number>();
    let slowest = 0;
    for (let i = 0; i < 2000; ++i) {
      const file = FILES[kind]![i % FILES[kind]!.length]!.slice();
      // Headers first: that is where lies are most.
      for (let n = int(1, 4); n > 0; --n) {
        const at = next() < 0.5 ? int(0, Math.min(60, file.length - 1)) : int(0, file.length - 1);
        file[at] = next() < 0.3 ? [0, 1, 127, 128, 255][int(0, 4)]! : int(0, 255);
      }
      const cut = next() < 0.1 ? file.subarray(0, int(0, file.length)) : file;
      const start = processorTime();
      const outcome = await decodeImage(kind === "PNG" ? summed(cut) : cut).catch((error: unknown) => error);
      slowest = Math.max(slowest, processorTime() - start);
      if (outcome instanceof Error && !(outcome instanceof SepconvError)) throw outcome;
      const name = outcome instanceof Error ? outcome.name : "decoded";
      // A cause would be an error that the decoders did not foresee; fflate's are foreseen.
      if (outcome instanceof Error && outcome.cause && kind !== "PNG") throw outcome.cause;
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    }
    expect(slowest).toBeLessThan(2000);
    expect(outcomes.get("decoded")).toBeGreaterThan(100);
    expect(outcomes.get("FormatError")).toBeGreaterThan(100);
  });
});

/** The file with right check sums, so that a decoder sees what was changed behind them. */
function summed(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = PNG_SIGNATURE.length; at + 12 <= file.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > file.length) break;
    view.setUint32(end, crc32(file.subarray(at + 4, end)));
    at = end + 4;
  }
  return file;
}

describe("sizes that no file has", () => {
  it("are refused before anything is allocated", async () => {
    const gray = { width: 11, height: 7, color: 0, depth: 8, at: () => [0] } as const;
    const bigPng = png(gray).slice();
    new DataView(bigPng.buffer).setUint32(16, 100_000);
    new DataView(bigPng.buffer).setUint32(20, 1000);
    const bigBmp = bmp({ ...size, bits: 24, at: channel }).slice();
    new DataView(bigBmp.buffer).setInt32(18, 100_000, true);
    new DataView(bigBmp.buffer).setInt32(22, 1000, true);
    const bigJpeg = jpeg("baseline-420");
    const frame = bigJpeg.findIndex((byte, i) => byte === 0xff && bigJpeg[i + 1] === 0xc0);
    bigJpeg.set([9000 >> 8, 9000 & 255, 9000 >> 8, 9000 & 255], frame + 5);
    const before = process.memoryUsage().arrayBuffers;
    for (const file of [summed(bigPng), bigBmp, bigJpeg]) {
      await expect(decodeImage(file)).rejects.toThrow(FormatError);
      await expect(decodeImage(file)).rejects.toThrow("a truncated one");
      await expect(decodeImage(file, { maxPixels: 1e7 })).rejects.toThrow(MemoryError);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5e7);
  });
});
