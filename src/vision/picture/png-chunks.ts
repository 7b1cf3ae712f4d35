/**
 * The chunks that a PNG file consists of.
 * @module
 */
import { damaged, truncated } from "./pixels.ts";

/** The first eight bytes of every PNG. */
export const SIGNATURE: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A chunk: four letters, and its bytes. */
export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/**
 * All chunks up to IEND, that one included.
 * @param checked whether the check sums are compared too, of all chunks that a decoder must understand
 * @throws FormatError when the file ends before IEND, or a check sum is wrong
 */
export function* readChunks(bytes: Uint8Array, name: string, checked: boolean): Generator<Chunk, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > bytes.length) throw truncated(name, "PNG", "its end chunk is missing");
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw damaged(name, "PNG", `no chunk at byte ${at}`);
    if (at + 12 + length > bytes.length) throw truncated(name, "PNG", `it ends in chunk ${type}`);
    const end = at + 8 + length;
    // A capital letter in front: not to be ignored.
    const sum = checked && type < "a" ? crc32(bytes.subarray(at + 4, end)) : view.getUint32(end);
    if (sum !== view.getUint32(end)) throw damaged(name, "PNG", `the check sum of chunk ${type} is wrong`);
    yield { type, data: bytes.subarray(at + 8, end) };
    if (type === "IEND") return;
    at = end + 4;
  }
}

const TABLE = new Uint32Array(256).map((_, i) => {
  let value = i;
  for (let bit = 0; bit < 8; ++bit) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value;
});

/** The check sum that ends every chunk, of its letters and bytes. */
export function crc32(bytes: Uint8Array): number {
  let sum = -1;
  for (let i = 0; i < bytes.length; ++i) sum = (sum >>> 8) ^ TABLE[(sum ^ bytes[i]!) & 0xff]!;
  return ~sum >>> 0;
}
