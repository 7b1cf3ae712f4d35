/** JPEG, beside jpeg-js and beside what libjpeg writes. */
import { readFileSync } from "node:fs";
import jpegJs from "jpeg-js";
import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../../src/errors.ts";
import { type DecodedImage, decodeImage } from "../../../src/vision/decode.ts";
import { random } from "../../cases/random.ts";
import { adobeSegment, bytes, flatJpeg, segment, withSegments } from "./writers.ts";

const recorded = JSON.parse(readFileSync(new URL("../../data/jpeg.json", import.meta.url), "utf8"));
const FILES = new Map<string, Uint8Array>(
  Object.entries<string>(recorded.files).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, "base64"))]),
);
const DECODED = [...FILES.keys()].filter((name) => name !== "arithmetic");

const theirs = (file: Uint8Array) => jpegJs.decode(file, { useTArray: true, tolerantDecoding: false }).data;

/** A noisy picture through jpeg-js's encoder. */
function encoded(width: number, height: number, quality: number): Uint8Array {
  const { int } = random(`${width}×${height}`);
  const data = Uint8Array.from({ length: 4 * width * height }, () => int(0, 255));
  return new Uint8Array(jpegJs.encode({ data, width, height }, quality).data);
}

function meanDifference(a: DecodedImage, b: DecodedImage): number {
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;
}

describe("JPEG", () => {
  it.each([1, 7, 8, 9, 16, 17, 40])("of width %i has the pixels of jpeg-js to the bit", async (width) => {
    for (const [height, quality] of [
      [1, 50],
      [8, 90],
      [19, 100],
      [33, 1],
    ] as const) {
      const file = encoded(width, height, quality);
      const before = file.slice();
      const image = await decodeImage(file);
      expect(image).toMatchObject({ width, height, channels: 4 });
      expect(image.data).toEqual(theirs(file));
      expect(file).toEqual(before);
    }
  });

  // jpeg-js stumbles over tables between scans with restart markers, and takes RGB for YCbCr.
  it.each(DECODED.filter((name) => !/progressive-restarts|rgb|ycck/.test(name)))(
    "%s has the pixels of jpeg-js to the bit",
    async (name) => {
      expect((await decodeImage(FILES.get(name)!)).data).toEqual(theirs(FILES.get(name)!));
    },
  );

  it.each(DECODED.filter((name) => !/gray/.test(name)))("%s shows what all of them show", async (name) => {
    const image = await decodeImage(FILES.get(name)!);
    expect(image).toMatchObject({ width: 37, height: 23 });
    expect(meanDifference(image, await decodeImage(FILES.get("baseline-444")!))).toBeLessThan(5);
  });

  it.each([
    ["gray", [90], undefined, [], [90, 90, 90]],
    ["JFIF", [200, 100, 160], undefined, [segment(0xe0, "JFIF\0", [1, 1, 0, 0, 1, 0, 1, 0, 0])], [244, 186, 150]],
    ["no marker", [200, 100, 160], undefined, [], [244, 186, 150]],
    ["components R, G, B", [200, 100, 160], [82, 71, 66], [], [200, 100, 160]],
    ["components R, G, B, and JFIF", [200, 100, 160], [82, 71, 66], [segment(0xe0, "JFIF\0", [1])], [244, 186, 150]],
    ["Adobe's RGB", [200, 100, 160], undefined, [adobeSegment(0)], [200, 100, 160]],
    ["Adobe's YCbCr", [200, 100, 160], [82, 71, 66], [adobeSegment(1)], [244, 186, 150]],
    ["Adobe's CMYK", [200, 100, 50, 128], undefined, [adobeSegment(0)], [100, 50, 25]],
    ["Adobe's YCCK", [200, 100, 160, 51], undefined, [adobeSegment(2)], [2, 14, 21]],
  ])("reads %s", async (_, values, ids, segments, rgb) => {
    const { data } = await decodeImage(flatJpeg(values, ids, ...segments));
    expect(data).toEqual(Uint8Array.from(Array.from({ length: 64 }, () => [...rgb, 255]).flat()));
  });

  it.each([
    ["arithmetic coding", FILES.get("arithmetic")!],
    ["8 bits, got 12", patched(0xc0, 0, 12)],
    ["1, 3 or 4 components, got 2", flatJpeg([1, 2])],
    ["Adobe's marker in a JPEG of four components, got none", flatJpeg([1, 2, 3, 4])],
    ["lossless", marked(0xc3)],
    ["hierarchical coding", marked(0xc5)],
  ])("says what is not supported: %s", async (what, file) => {
    const refused = decodeImage(file, { name: "odd.jpg" });
    await expect(refused).rejects.toThrow(UnsupportedError);
    await expect(refused).rejects.toThrow(what);
  });

  it("takes fill bytes, restart intervals of no use, comments, and what stands behind the end", async () => {
    const plain = FILES.get("baseline-420")!;
    const { data } = await decodeImage(plain);
    const odd = withSegments(plain, bytes(0xff, 0xff), segment(0xfe, "a comment"), segment(0xdd, 0, 0));
    expect((await decodeImage(bytes(odd, "\0\0trailing", 0xff))).data).toEqual(data);
  });

  it.each([
    ["its frame twice", (file: Uint8Array) => withSegments(file, frameOf(file))],
    ["no Huffman table", without(0xc4)],
    ["no quantization table", without(0xdb)],
    ["no frame", without(0xc0)],
    ["no scan", (file: Uint8Array) => bytes(file.subarray(0, find(file, 0xda)), 0xff, 0xd9)],
    ["a scan of a component that is not there", () => patched(0xda, 1, 77)],
    ["a sampling of 0", () => patched(0xc0, 7, 0x01)],
    ["a sampling of 5", () => patched(0xc0, 7, 0x51)],
    ["more codes than bits", () => patched(0xc4, 1, 3)],
    ["no height", () => patched(0xc0, 2, 0, 0)],
    ["more rows than data", () => patched(0xc0, 1, 255)],
  ])("refuses a file with %s", async (_, make) => {
    await expect(decodeImage(make(FILES.get("baseline-420")!))).rejects.toThrow(FormatError);
  });

  it("finds a restart marker that is missing, or out of turn", async () => {
    const file = FILES.get("baseline-restarts")!;
    const at = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xd1);
    expect(at).toBeGreaterThan(0);
    await expect(decodeImage(bytes(file.subarray(0, at + 1), 0xd2, file.subarray(at + 2)))).rejects.toThrow(
      "no restart marker 1",
    );
    await expect(decodeImage(bytes(file.subarray(0, at), file.subarray(at + 2)))).rejects.toThrow(FormatError);
  });

  it("gives up on a file of more scans than a picture can need", async () => {
    const file = FILES.get("progressive-gray")!;
    const first = find(file, 0xda);
    const second = file.findIndex((byte, i) => i > first + 10 && byte === 0xff && file[i + 1] !== 0);
    const scan = file.subarray(first, second);
    const scans = new Uint8Array(scan.length * 2000);
    for (let i = 0; i < 2000; ++i) scans.set(scan, i * scan.length);
    const many = bytes(file.subarray(0, second), scans, file.subarray(second));
    await expect(decodeImage(many)).rejects.toThrow("more scans than a picture can need");
  });
});

/** Where a marker stands. */
function find(file: Uint8Array, marker: number): number {
  return file.findIndex((byte, i) => byte === 0xff && file[i + 1] === marker);
}

/** A good file with other bytes at a place of a segment. */
function patched(marker: number, place: number, ...values: number[]): Uint8Array {
  const file = FILES.get("baseline-420")!.slice();
  file.set(values, find(file, marker) + 4 + place);
  return file;
}

function marked(marker: number): Uint8Array {
  const file = FILES.get("baseline-420")!.slice();
  file[find(file, 0xc0) + 1] = marker;
  return file;
}

function frameOf(file: Uint8Array): Uint8Array {
  const at = find(file, 0xc0);
  return file.subarray(at, at + 2 + ((file[at + 2]! << 8) | file[at + 3]!));
}

/** What takes all segments of a kind out of a file, as comments. */
function without(marker: number): (file: Uint8Array) => Uint8Array {
  return (file) => {
    const copy = file.slice();
    for (let at = find(copy, marker); at >= 0; at = find(copy, marker)) copy[at + 1] = 0xfe;
    return copy;
  };
}
