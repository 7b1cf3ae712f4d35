/** Decoding by a host that has a decoder of its own: here one that is made up. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FormatError, MemoryError } from "../../../src/errors.ts";
import { decodeImage } from "../../../src/vision/decode.ts";
import { bytes, png } from "./writers.ts";

const { files } = JSON.parse(readFileSync(new URL("../../data/jpeg.json", import.meta.url), "utf8"));
const JPEG = new Uint8Array(Buffer.from(files["baseline-420"], "base64"));
const PNG = png({ width: 32, height: 16, color: 0, depth: 8, at: (x) => [x] });

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("where the host decodes pictures", () => {
  /** A host that knows every file as a picture of 3×2 pixels, unless told otherwise. */
  function host({ fails = false, context = true, width = 3, height = 2 } = {}) {
    const close = vi.fn();
    const create = vi.fn(async (_blob: Blob, _options: ImageBitmapOptions) => {
      if (fails) throw new DOMException("The source image could not be decoded.", "InvalidStateError");
      return { width, height, close };
    });
    const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => i);
    const drawing = { drawImage: vi.fn(), getImageData: () => ({ data }) };
    vi.stubGlobal("createImageBitmap", create);
    vi.stubGlobal(
      "OffscreenCanvas",
      class {
        getContext() {
          return context ? drawing : null;
        }
      },
    );
    return { create, close };
  }

  it("it does, upright and without color conversions", async () => {
    const { create, close } = host();
    for (const file of [PNG, JPEG, bytes("some format of the future")]) {
      const image = await decodeImage(file);
      expect(image).toMatchObject({ width: 3, height: 2, channels: 4 });
      expect(image.data).toEqual(Uint8Array.from({ length: 24 }, (_, i) => i));
    }
    expect(create.mock.calls[0]![1]).toEqual({
      ...{ imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" },
    });
    expect(new Uint8Array(await create.mock.calls[0]![0].arrayBuffer())).toEqual(PNG);
    expect(close).toHaveBeenCalledTimes(3);
  });

  it("limits and truncation are found first", async () => {
    const { create } = host();
    await expect(decodeImage(PNG, { maxPixels: 511 })).rejects.toThrow(MemoryError);
    await expect(decodeImage(PNG.subarray(0, -5))).rejects.toThrow(FormatError);
    await expect(decodeImage(JPEG.subarray(0, -2))).rejects.toThrow("its end marker is missing");
    await expect(decodeImage(new Uint8Array(0))).rejects.toThrow(FormatError);
    expect(create).not.toHaveBeenCalled();
  });

  it("a kind that is not known here is measured when it is decoded", async () => {
    const { close } = host();
    await expect(decodeImage(bytes("some format"), { maxPixels: 5 })).rejects.toThrow("got 3×2 = 6");
    expect(close).toHaveBeenCalledOnce();
  });

  it("what it can't do is done here, or refused as ever", async () => {
    host({ fails: true });
    expect(await decodeImage(JPEG)).toMatchObject({ width: 37, height: 23 });
    await expect(decodeImage(bytes("no picture"))).rejects.toThrow("expected an image, got 10 bytes");
    host({ context: false });
    expect(await decodeImage(PNG)).toMatchObject({ width: 32, height: 16 });
  });
});
