/**
 * PNG to pixels: all colors and depths, interlaced or not. 16 bits become 8; gamma and color profiles are left alone.
 * @module
 */
import { inflate, MOST } from "./inflate.ts";
import { blank, damaged, type Pixels, truncated } from "./pixels.ts";
import { readChunks } from "./png-chunks.ts";
import { COLORS, type Color, type Layout, RowReader, unpackedBytes } from "./png-rows.ts";

/**
 * @throws FormatError for a truncated or damaged file
 * @throws UnsupportedError when `fflate` is not installed
 * @throws MemoryError when the host does not give what is needed: 4 bytes per pixel
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Pixels> {
  const { layout, packed } = readParts(bytes, name);
  const { width, height } = layout;
  // No zlib stream of this length can become so many bytes: this is found before anything is allocated.
  if (packed.length * MOST < unpackedBytes(layout)) {
    throw truncated(name, "PNG", `its data are too short for ${width}×${height} pixels`);
  }
  const { Unzlib } = await import("fflate");
  const pixels = blank(name, width, height);
  const rows = new RowReader(layout, pixels.data);
  try {
    inflate(Unzlib, packed, (unpacked) => {
      rows.take(unpacked);
      return !rows.complete;
    });
  } catch (cause) {
    throw damaged(name, "PNG", (cause as Error).message, { cause });
  }
  if (!rows.complete) throw truncated(name, "PNG", `its data end before ${width}×${height} pixels do`);
  return pixels;
}

/** The layout, and the zlib stream. */
function readParts(bytes: Uint8Array, name: string): { layout: Layout; packed: Uint8Array } {
  const parts: Uint8Array[] = [];
  let layout: Layout | undefined;
  for (const { type, data } of readChunks(bytes, name, true)) {
    if (type === "IHDR") layout ??= readLayout(data, name);
    else if (layout === undefined) throw damaged(name, "PNG", "it has no header chunk");
    else if (type === "PLTE" && data.length <= 3 * 256 && data.length % 3 === 0) layout = { ...layout, palette: data };
    else if (type === "tRNS" && isTransparency(layout, data)) layout = { ...layout, transparency: data };
    else if (type === "IDAT") parts.push(data);
  }
  if (layout === undefined) throw damaged(name, "PNG", "it has no header chunk");
  if (layout.color === 3 && layout.palette.length === 0) throw damaged(name, "PNG", "its palette is missing");
  return { layout, packed: join(parts) };
}

/** The pieces of the zlib stream, which may be of a byte each, as one. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function isTransparency({ color }: Layout, { length }: Uint8Array): boolean {
  if (color === 3) return length <= 256;
  return (color === 0 || color === 2) && length === 2 * COLORS[color].samples;
}

function readLayout(data: Uint8Array, name: string): Layout {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length !== 13) throw damaged(name, "PNG", `a header of ${data.length} bytes`);
  const [depth, color, compression, filter, interlace] = [...data.subarray(8)] as [
    number,
    Color,
    number,
    number,
    number,
  ];
  if (!COLORS[color]?.depths.includes(depth)) throw damaged(name, "PNG", `colors of kind ${color} in ${depth} bits`);
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw damaged(name, "PNG", `compression ${compression}, filter ${filter}, interlacing ${interlace}`);
  }
  return {
    ...{ width: view.getUint32(0), height: view.getUint32(4), depth, color, interlaced: interlace === 1 },
    ...{ palette: new Uint8Array(0), transparency: undefined },
  };
}
