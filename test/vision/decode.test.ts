import { Jimp } from "jimp";
import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { decodeImage } from "../../src/vision/decode.ts";

type Colour = readonly [red: number, green: number, blue: number];
const [RED, GREEN, BLUE, WHITE]: Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
];

/** 32×16 pixels in four quarters: red and green above, blue and white below. */
function quarters(): InstanceType<typeof Jimp> {
  const image = new Jimp({ width: 32, height: 16 }) as InstanceType<typeof Jimp>;
  for (let i = 0; i < 32 * 16; ++i) {
    const [x, y] = [i % 32, Math.floor(i / 32)];
    image.bitmap.data.set([...(y < 8 ? (x < 16 ? RED! : GREEN!) : x < 16 ? BLUE! : WHITE!), 255], 4 * i);
  }
  return image;
}

async function encoded(
  mime: "image/png" | "image/jpeg" | "image/bmp" | "image/gif" | "image/tiff",
): Promise<Uint8Array> {
  return new Uint8Array(await quarters().getBuffer(mime));
}

const NAMES = new Map([RED, GREEN, BLUE, WHITE].map((colour, i) => [String(colour), "RGBW"[i]]));

/** The colours in the middle of the four quarters, row by row: one letter each, whichever of the four is near. */
function corners({ data, width, height }: { data: Uint8Array; width: number; height: number }): string {
  const letter = (x: number, y: number) => {
    const at = 4 * (Math.floor(y * height) * width + Math.floor(x * width));
    return NAMES.get(String([...data.subarray(at, at + 3)].map((value) => (value > 127 ? 255 : 0)))) ?? "?";
  };
  return [letter(0.25, 0.25), letter(0.75, 0.25), letter(0.25, 0.75), letter(0.75, 0.75)].join("");
}

/** A JPEG with an EXIF segment behind its first marker that says nothing but the orientation. */
function oriented(jpeg: Uint8Array, orientation: number, littleEndian: boolean): Uint8Array {
  const segment = new DataView(new ArrayBuffer(36));
  segment.setUint16(0, 0xffe1);
  segment.setUint16(2, 34);
  segment.setUint32(4, 0x45786966); // "Exif", two zeros, then a TIFF header, whose offsets count from here (byte 10)
  segment.setUint16(10, littleEndian ? 0x4949 : 0x4d4d);
  segment.setUint16(12, 42, littleEndian);
  segment.setUint32(14, 8, littleEndian);
  segment.setUint16(18, 1, littleEndian);
  segment.setUint16(20, 0x0112, littleEndian);
  segment.setUint16(22, 3, littleEndian);
  segment.setUint32(24, 1, littleEndian);
  segment.setUint16(28, orientation, littleEndian);
  return Uint8Array.of(...jpeg.subarray(0, 2), ...new Uint8Array(segment.buffer), ...jpeg.subarray(2));
}

describe("decodeImage", () => {
  it.each(["image/png", "image/jpeg", "image/bmp", "image/gif", "image/tiff"] as const)("reads %s", async (mime) => {
    const bytes = await encoded(mime);
    const before = bytes.slice();
    const image = await decodeImage(bytes);
    expect(image).toMatchObject({ width: 32, height: 16, channels: 4 });
    expect(image.data).toHaveLength(4 * 32 * 16);
    expect(corners(image)).toBe("RGBW");
    expect(bytes).toEqual(before);
  });

  it("reads a part of a larger buffer", async () => {
    const bytes = await encoded("image/png");
    const larger = new Uint8Array(bytes.length + 20).fill(7);
    larger.set(bytes, 9);
    expect(corners(await decodeImage(larger.subarray(9, 9 + bytes.length)))).toBe("RGBW");
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
    const jpeg = await encoded("image/jpeg");
    for (const littleEndian of [true, false]) {
      const image = await decodeImage(oriented(jpeg, orientation, littleEndian));
      expect(corners(image)).toBe(seen);
      expect([image.width, image.height]).toEqual(orientation > 4 ? [16, 32] : [32, 16]);
    }
  });

  it("refuses what isn't an image, by name", async () => {
    const text = new TextEncoder().encode("a picture is worth a thousand words");
    const pdf = new TextEncoder().encode("%PDF-1.4\n");
    for (const [bytes, message] of [
      [new Uint8Array(0), "cat.jpg: expected an image, got an empty file"],
      [text, "cat.jpg: expected an image, got 35 bytes that begin with 61 20 70 69"],
      [Uint8Array.of(0), "cat.jpg: expected an image, got 1 bytes that begin with 00"],
      [pdf, "cat.jpg: expected an image, got application/pdf"],
    ] as const) {
      const refused = decodeImage(bytes, { name: "cat.jpg" });
      await expect(refused).rejects.toThrow(FormatError);
      await expect(refused).rejects.toThrow(message);
    }
    await expect(decodeImage("cat.jpg" as unknown as Uint8Array)).rejects.toThrow(TypeError);
  });

  it.each(["image/png", "image/jpeg", "image/bmp"] as const)("refuses a truncated %s", async (mime) => {
    const bytes = await encoded(mime);
    for (const length of [20, bytes.length >> 1, bytes.length - 13]) {
      const refused = decodeImage(bytes.subarray(0, length), { name: "half" });
      await expect(refused, `${length} bytes`).rejects.toThrow(FormatError);
      await expect(refused).rejects.toThrow(/^half: expected a/);
    }
  });

  it("refuses a BMP that claims more pixels than it has", async () => {
    const bytes = (await encoded("image/bmp")).slice();
    new DataView(bytes.buffer).setInt32(18, 100_000, true);
    new DataView(bytes.buffer).setInt32(22, 100_000, true);
    await expect(decodeImage(bytes)).rejects.toThrow(FormatError);
  });

  it("says of other kinds of images that they are not supported", async () => {
    const webp = new TextEncoder().encode("RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0");
    const refused = decodeImage(webp, { name: "cat.webp" });
    await expect(refused).rejects.toThrow(UnsupportedError);
    await expect(refused).rejects.toThrow("cat.webp: expected JPEG, PNG, BMP, GIF or TIFF, got image/webp");
  });
});
