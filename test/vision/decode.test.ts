import { runInNewContext } from "node:vm";
import jpegJs from "jpeg-js";
import { describe, expect, it } from "vitest";
import { FormatError, LoadError, MemoryError, UnsupportedError } from "../../src/errors.ts";
import { type DecodedImage, decodeImage, type ImageSource } from "../../src/vision/decode.ts";
import {
  be16,
  be32,
  bmp,
  bytes,
  exif,
  exifSegment,
  gif,
  le16,
  le32,
  png,
  segment,
  withSegments,
} from "./pictures/writers.ts";

type Color = readonly [red: number, green: number, blue: number];
const COLORS: readonly Color[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
];

/** 32×16 pixels in four quarters: red and green above, blue and white below. */
const SIZE = { width: 32, height: 16 };
const quarter = (x: number, y: number) => (y < 8 ? 0 : 2) + (x < 16 ? 0 : 1);
const rgb = (x: number, y: number) => COLORS[quarter(x, y)]!;

const PNG = png({ ...SIZE, color: 2, depth: 8, at: rgb });
const JPEG = new Uint8Array(
  jpegJs.encode(
    { ...SIZE, data: Uint8Array.from({ length: 512 }, (_, i) => i).reduce(painted, new Uint8Array(4 * 512)) },
    90,
  ).data,
);
const BMP = bmp({ ...SIZE, bits: 2 ** 3, at: quarter, palette: COLORS });
const GIF = gif({ ...SIZE, at: quarter, palette: COLORS });

function painted(data: Uint8Array, _value: number, i: number): Uint8Array {
  data.set([...rgb(i % 32, Math.floor(i / 32)), 255], 4 * i);
  return data;
}

const NAMES = new Map(COLORS.map((color, i) => [String(color), "RGBW"[i]]));

/** The colors in the middle of the four quarters, row by row: one letter each, whichever of the four is near. */
function corners({ data, width, height }: DecodedImage): string {
  const letter = (x: number, y: number) => {
    const at = 4 * (Math.floor(y * height) * width + Math.floor(x * width));
    return NAMES.get(String([...data.subarray(at, at + 3)].map((value) => (value > 127 ? 255 : 0)))) ?? "?";
  };
  return [letter(0.25, 0.25), letter(0.75, 0.25), letter(0.25, 0.75), letter(0.75, 0.75)].join("");
}

describe("decodeImage", () => {
  it.each([
    ["PNG", PNG],
    ["JPEG", JPEG],
    ["BMP", BMP],
    ["GIF", GIF],
  ])("reads a %s, by content", async (_, file) => {
    const before = file.slice();
    const image = await decodeImage(file);
    expect(image).toMatchObject({ ...SIZE, channels: 4 });
    expect(Object.keys(image).sort()).toEqual(["channels", "data", "height", "width"]);
    expect(image.data).toHaveLength(4 * 32 * 16);
    expect(corners(image)).toBe("RGBW");
    expect(file).toEqual(before);
  });

  it("takes bytes in whatever they come", async () => {
    const larger = new Uint8Array(PNG.length + 20).fill(7);
    larger.set(PNG, 9);
    const shared = new Uint8Array(new SharedArrayBuffer(PNG.length));
    shared.set(PNG);
    const sources: readonly ImageSource[] = [
      ...[larger.subarray(9, 9 + PNG.length), Buffer.from(PNG), new Uint8ClampedArray(PNG) as unknown as Uint8Array],
      ...[PNG.slice().buffer, shared, shared.buffer],
      ...[new Blob([PNG as BlobPart]), new File([PNG as BlobPart], "a.png"), new Response(PNG as BodyInit)],
      ...[runInNewContext("Uint8Array.from(bytes)", { bytes: [...PNG] }) as Uint8Array],
      ...[runInNewContext("Uint8Array.from(bytes).buffer", { bytes: [...PNG] }) as ArrayBuffer],
    ];
    for (const source of sources) expect(corners(await decodeImage(source))).toBe("RGBW");
  });

  it.each([
    ["cat.jpg", "a string; read the file first, or fetch it"],
    [[1, 2, 3], "an Array"],
    [{}, "an Object"],
    [new Float32Array(4), "a Float32Array"],
    [null, "null"],
    [undefined, "undefined"],
    [7, "7"],
    [new URL("file:///cat.jpg"), "a URL"],
  ])("says of %s that it is no picture", async (source, got) => {
    const refused = decodeImage(source as unknown as ImageSource);
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(
      `image: expected a Uint8Array, ArrayBuffer, Blob, File or Response, got ${got}`,
    );
  });

  it("names a file, a response, or what the caller says", async () => {
    const text = () => new Blob(["no picture"]);
    await expect(decodeImage(new File([text()], "cat.png"))).rejects.toThrow(/^cat\.png: expected an image/);
    await expect(decodeImage(new File([text()], "cat.png"), { name: "dog" })).rejects.toThrow(/^dog: expected/);
    await expect(decodeImage(text())).rejects.toThrow(/^image: expected/);
    const response = new Response(text());
    Object.defineProperty(response, "url", { value: "https://example.org/cat.png" });
    await expect(decodeImage(response)).rejects.toThrow(/^https:\/\/example\.org\/cat\.png: expected an image/);
  });

  it("says what is wrong with a response", async () => {
    const missing = decodeImage(new Response("", { status: 404, statusText: "Not Found" }), { name: "cat.png" });
    await expect(missing).rejects.toThrow(LoadError);
    await expect(missing).rejects.toThrow("cat.png: expected HTTP status 200, got 404 Not Found");
    const read = new Response(PNG as BodyInit);
    await read.arrayBuffer();
    await expect(decodeImage(read)).rejects.toThrow(LoadError);
    const broken = new ReadableStream({
      pull() {
        throw new Error("the line is cut");
      },
    });
    await expect(decodeImage(new Response(broken))).rejects.toThrow(/could not be read to its end: .*/);
  });

  // What the eye should see, by the EXIF standard's own table: where the stored rows and columns begin.
  it.each([
    [1, "RGBW"],
    [2, "GRWB"],
    [3, "WBGR"],
    [4, "BWRG"],
    [5, "RBGW"],
    [6, "BRWG"],
    [7, "WGBR"],
    [8, "GWRB"],
  ])("turns EXIF orientation %i upright", async (orientation, seen) => {
    for (const littleEndian of [true, false]) {
      const chunks = [["eXIf", exif(orientation, littleEndian)] as const];
      for (const file of [
        withSegments(JPEG, exifSegment(orientation, littleEndian)),
        png({ ...SIZE, color: 2, depth: 8, at: rgb, chunks }),
      ]) {
        const image = await decodeImage(file);
        expect(corners(image)).toBe(seen);
        expect([image.width, image.height]).toEqual(orientation > 4 ? [16, 32] : [32, 16]);
      }
    }
  });

  it("turns every pixel, of pictures that are no multiple of anything", async () => {
    const [width, height] = [70, 45];
    const at = (x: number, y: number) => [x, y, 0];
    // Which stored pixel is seen at (x, y).
    const stored: Readonly<Record<number, (x: number, y: number) => readonly [number, number]>> = {
      2: (x, y) => [width - 1 - x, y],
      3: (x, y) => [width - 1 - x, height - 1 - y],
      4: (x, y) => [x, height - 1 - y],
      5: (x, y) => [y, x],
      6: (x, y) => [y, height - 1 - x],
      7: (x, y) => [width - 1 - y, height - 1 - x],
      8: (x, y) => [width - 1 - y, x],
    };
    for (const [orientation, from] of Object.entries(stored)) {
      const chunks = [["eXIf", exif(Number(orientation), true)] as const];
      const image = await decodeImage(png({ width, height, color: 2, depth: 8, at, chunks }));
      const expected = Array.from({ length: width * height }, (_, i) => {
        return [...from(i % image.width, Math.floor(i / image.width)), 0, 255];
      });
      expect([...image.data]).toEqual(expected.flat());
    }
  });

  it("leaves a picture as it is whose EXIF makes no sense", async () => {
    for (const said of [
      ...[exif(0, true), exif(9, true), exif(6, true).subarray(0, 20), bytes("II*\0\xff\xff\xff\xff"), bytes("XX")],
      exif(6, true).with(12, 5),
    ]) {
      expect(corners(await decodeImage(withSegments(JPEG, segment(0xe1, "Exif\0\0", said))))).toBe("RGBW");
      expect(corners(await decodeImage(withSegments(JPEG, segment(0xe1, "http://ns", said))))).toBe("RGBW");
    }
  });

  it("refuses what isn't an image, by name", async () => {
    for (const [file, message] of [
      [bytes(""), "cat.jpg: expected an image, got an empty file"],
      [
        bytes("a picture is worth a thousand words"),
        "cat.jpg: expected an image, got 35 bytes that begin with 61 20 70 69",
      ],
      [bytes("BMWs are no pictures either"), "cat.jpg: expected an image, got 27 bytes that begin with 42 4d 57 73"],
      [bytes(0), "cat.jpg: expected an image, got 1 bytes that begin with 00"],
      [bytes("%PDF-1.4\n"), "cat.jpg: expected an image, got a PDF"],
    ] as const) {
      const refused = decodeImage(file, { name: "cat.jpg" });
      await expect(refused).rejects.toThrow(FormatError);
      await expect(refused).rejects.toThrow(message);
    }
  });

  it.each([
    ["WebP", bytes("RIFF", le32(36), "WEBPVP8 ", le32(24), new Uint8Array(6), le16(4), le16(3), new Uint8Array(20))],
    ["WebP", bytes("RIFF", le32(36), "WEBPVP8L", le32(24), 0x2f, le32(3 | (2 << 14)), new Uint8Array(20))],
    ["WebP", bytes("RIFF", le32(22), "WEBPVP8X", le32(10), le32(0), [3, 0, 0, 2, 0, 0])],
    ["TIFF", bytes("II*\0", le32(8), le16(2), tag(0x100, 4), tag(0x101, 3), le32(0))],
    ["AVIF", bytes(be32(28), "ftypavif", new Uint8Array(16))],
    ["HEIC", bytes(be32(28), "ftypheic", new Uint8Array(16))],
    ["JPEG XL", bytes(be32(12), "JXL \r\n\x87\n")],
    ["SVG", bytes('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ])("says of %s that it is not supported", async (kind, file) => {
    const refused = decodeImage(file, { name: "cat" });
    await expect(refused).rejects.toThrow(UnsupportedError);
    await expect(refused).rejects.toThrow(`cat: expected JPEG, PNG, BMP or GIF, got ${kind}`);
  });
});

/** A TIFF entry of one small number. */
function tag(id: number, value: number): number[] {
  return [le16(id), le16(3), le32(1), le16(value), le16(0)].flat();
}

describe("maxPixels", () => {
  it.each([
    ["PNG", PNG],
    ["JPEG", JPEG],
    ["BMP", BMP],
    ["GIF", GIF],
    ["TIFF", bytes("II*\0", le32(8), le16(2), tag(0x100, 32), tag(0x101, 16), le32(0))],
    ["WebP", bytes("RIFF", le32(22), "WEBPVP8X", le32(10), le32(0), [31, 0, 0, 15, 0, 0])],
  ])("is asked of the header of a %s", async (_, file) => {
    const error = await decodeImage(file, { name: "cat", maxPixels: 511 }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(MemoryError);
    expect(error).toMatchObject({ needed: 2048, allowed: 2044 });
    expect((error as Error).message).toBe("cat: expected at most 511 pixels (maxPixels), got 32×16 = 512");
  });

  it("lets pass what is within it", async () => {
    expect(corners(await decodeImage(PNG, { maxPixels: 512 }))).toBe("RGBW");
    expect(corners(await decodeImage(PNG, { maxPixels: Number.POSITIVE_INFINITY }))).toBe("RGBW");
  });

  it("is 100 million by default: a JPEG of 108 million is refused, by what it is", async () => {
    const large = JPEG.slice();
    const frame = large.findIndex((byte, i) => byte === 0xff && large[i + 1] === 0xc0);
    large.set([...be16(9000), ...be16(12000)], frame + 5);
    await expect(decodeImage(large, { name: "phone.jpg" })).rejects.toThrow(
      "phone.jpg: expected at most 100000000 pixels (maxPixels), got 12000×9000 = 108000000",
    );
    await expect(decodeImage(large, { maxPixels: 2e8 })).rejects.toThrow(FormatError);
  });

  it.each([0, -1, 1.5, Number.NaN, "9"])("can't be %s", async (maxPixels) => {
    await expect(decodeImage(PNG, { maxPixels: maxPixels as number })).rejects.toThrow(RangeError);
  });

  it("of 24 million pixels takes few bytes each", async () => {
    const [width, height] = [6000, 4000];
    const data = new Uint8Array(4 * width * height).fill(200);
    const file = new Uint8Array(jpegJs.encode({ data, width, height }, 50).data);
    const before = process.memoryUsage().arrayBuffers;
    const image = await decodeImage(file);
    expect(image.data.subarray(0, 4)).toEqual(Uint8Array.of(200, 200, 200, 255));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * width * height);
  });
});
