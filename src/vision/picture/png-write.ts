/**
 * Pixels to PNG.
 * @module
 */
import type { Pixels } from "./pixels.ts";
import { crc32, SIGNATURE } from "./png-chunks.ts";
import { paeth } from "./png-rows.ts";

/**
 * The bytes of a PNG file; without alpha where every pixel is opaque.
 * @param pixels RGBA
 * @throws RangeError when pixels and size don't fit together
 * @throws UnsupportedError when `fflate` is not installed
 */
export async function encodePng({
  data,
  width,
  height,
}: Omit<Pixels, "data"> & { readonly data: Uint8Array | Uint8ClampedArray }): Promise<Uint8Array> {
  if (!(width > 0 && height > 0) || data.length !== 4 * width * height) {
    throw new RangeError(`png: expected 4·width·height bytes, got ${data.length} for ${width}×${height}`);
  }
  const { zlibSync } = await import("fflate");
  const channels = isOpaque(data) ? 3 : 4;
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, channels === 3 ? 2 : 6);
  const packed = zlibSync(filtered(data, width, height, channels));
  const chunks = [
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("IDAT", packed),
    chunk("IEND", new Uint8Array(0)),
  ];
  const file = new Uint8Array(SIGNATURE.length + chunks.reduce((sum, { length }) => sum + length, 0));
  file.set(SIGNATURE);
  let at = SIGNATURE.length;
  for (const bytes of chunks) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function isOpaque(data: Uint8Array | Uint8ClampedArray): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

/**
 * The rows, each behind the number of the filter that is likely to pack best: the one whose differences are least in
 * sum.
 */
function filtered(data: Uint8Array | Uint8ClampedArray, width: number, height: number, channels: number): Uint8Array {
  const length = channels * width;
  const rows = new Uint8Array(height * (1 + length));
  let [row, above] = [new Uint8Array(length), new Uint8Array(length)];
  const tried = [new Uint8Array(length), new Uint8Array(length), new Uint8Array(length)];
  for (let y = 0; y < height; ++y) {
    for (let x = 0, from = 4 * y * width, to = 0; x < width; ++x, from += 4) {
      for (let c = 0; c < channels; ++c) row[to++] = data[from + c]!;
    }
    for (let i = 0; i < length; ++i) {
      const left = i < channels ? 0 : row[i - channels]!;
      tried[0]![i] = row[i]! - left;
      tried[1]![i] = row[i]! - above[i]!;
      tried[2]![i] = row[i]! - paeth(left, above[i]!, i < channels ? 0 : above[i - channels]!);
    }
    const sums = tried.map((differences) => differences.reduce((sum, value) => sum + Math.min(value, 256 - value), 0));
    const best = sums.indexOf(Math.min(...sums));
    rows[y * (1 + length)] = [1, 2, 4][best]!;
    rows.set(tried[best]!, y * (1 + length) + 1);
    [row, above] = [above, row];
  }
  return rows;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; ++i) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}
