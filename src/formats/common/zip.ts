/**
 * Single files out of a zip, which may stand behind other bytes as the labels of TFLite do, by its central directory.
 * Nothing is unpacked that was not claimed, and no claim is believed that the bytes cannot hold.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Budget } from "../../limits.ts";
import { canInflate, inflateInto } from "./inflate.ts";

/** A file as the directory describes it. */
interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where its own header begins. */
  readonly at: number;
}

/** Bytes that are unpacked before the event loop is thought of. */
const STRIDE = 2 ** 20;

/** Marks of sizes and counts that stand elsewhere, because they need 64 bits. */
const [ELSEWHERE_16, ELSEWHERE_32] = [0xffff, 0xffffffff];

/**
 * Reads the wanted files out of a zip; those that it does not have are not in the answer.
 * @throws {FormatError} The zip is damaged, or names a wanted file twice.
 * @throws {UnsupportedError} It is encrypted, or packed or counted in ways that are not known.
 */
export async function readZip(
  bytes: Uint8Array,
  wanted: readonly string[],
  where: string,
  budget: Budget,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const entries = directory(bytes, new Set(wanted), where);
  const parts = [...entries.values()].map((entry) => ({ entry, data: dataOf(bytes, entry, where) }));
  const inOrder = [...parts].sort((a, b) => a.entry.at - b.entry.at);
  for (const [i, { entry }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before && before.data.end > entry.at) {
      throw new FormatError(`${where}: expected files side by side, got '${entry.name}' within '${before.entry.name}'`);
    }
  }
  const files = new Map<string, Uint8Array>();
  for (const { entry, data } of parts) {
    files.set(entry.name, await unpack(bytes.subarray(data.begin, data.end), entry, where, budget));
  }
  return files;
}

function damaged(where: string, expected: string, got: string): FormatError {
  return new FormatError(`${where}: expected a whole zip file, ${expected}, got ${got}`);
}

/**
 * Where the end record of a zip begins that these bytes end in; −1 where they end in none. It is 22 bytes and a comment
 * of up to 64 KiB.
 */
export function endOfZip(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let end = bytes.length - 22; end >= 0 && end > bytes.length - 65_558; end--) {
    if (view.getUint32(end, true) === 0x06054b50) return end;
  }
  return -1;
}

/** The wanted entries of the central directory. */
function directory(bytes: Uint8Array, wanted: ReadonlySet<string>, where: string): Map<string, Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOfZip(bytes);
  if (end < 0) throw damaged(where, "with its directory", "none");
  const count = view.getUint16(end + 10, true);
  const begin = view.getUint32(end + 16, true);
  if (count === ELSEWHERE_16 || begin === ELSEWHERE_32) {
    throw new UnsupportedError(`${where}: expected a zip of less than 4 GiB, got zip64`);
  }
  // The directory stands right before its end record. Places count from the file's beginning, or from the zip's.
  const shift = end - view.getUint32(end + 12, true) - begin;
  if (shift < 0) throw damaged(where, "with its directory inside", "one that begins before it");
  const found = new Map<string, Entry>();
  let at = begin + shift;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) {
      throw damaged(where, `with ${count} files in its directory`, String(i));
    }
    const nameSize = view.getUint16(at + 28, true);
    const next = at + 46 + nameSize + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw damaged(where, "with a whole directory", "one that is cut off");
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + Math.min(nameSize, 256)));
    if (wanted.has(name)) {
      if (found.has(name)) throw new FormatError(`${where}: expected '${name}' once in the zip, got it twice`);
      found.set(name, {
        name,
        flags: view.getUint16(at + 8, true),
        method: view.getUint16(at + 10, true),
        crc: view.getUint32(at + 16, true),
        packed: view.getUint32(at + 20, true),
        size: view.getUint32(at + 24, true),
        at: view.getUint32(at + 42, true) + shift,
      });
    }
    at = next;
  }
  return found;
}

/** Where a file's bytes are. */
function dataOf(bytes: Uint8Array, entry: Entry, where: string): { readonly begin: number; readonly end: number } {
  const { name, flags, method, packed, size, at } = entry;
  if (flags & 1) throw new UnsupportedError(`${where}: expected '${name}' in the clear, got it encrypted`);
  if ([packed, size].includes(ELSEWHERE_32)) {
    throw new UnsupportedError(`${where}: expected '${name}' of less than 4 GiB, got zip64`);
  }
  if (method !== 0 && method !== 8) {
    throw new UnsupportedError(`${where}: expected '${name}' stored or deflated, got method ${method}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 30 > bytes.length || view.getUint32(at, true) !== 0x04034b50) {
    throw damaged(where, `with '${name}' at byte ${at}`, "something else");
  }
  const begin = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const end = begin + packed;
  if (end > bytes.length) throw damaged(where, `with ${packed} bytes of '${name}'`, `${bytes.length - begin}`);
  if (method === 0 ? size !== packed : !canInflate(packed, size)) {
    throw damaged(where, `with '${name}' of ${size} bytes`, `${packed} that cannot hold them`);
  }
  return { begin, end };
}

async function unpack(packed: Uint8Array, entry: Entry, where: string, budget: Budget): Promise<Uint8Array> {
  const { name, method, size, crc } = entry;
  const what = `${where}: '${name}'`;
  let file = packed;
  if (method === 8) {
    budget.unpack(size, what);
    file = new Uint8Array(size);
    await inflateInto(file, packed, what, budget);
  }
  let sum = -1;
  for (let at = 0; at < file.length; at += STRIDE) {
    sum = crc32(sum, file.subarray(at, at + STRIDE));
    await budget.turn();
  }
  if (~sum >>> 0 !== crc) throw damaged(where, `with '${name}' as it was written`, "other bytes");
  return file;
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(before: number, bytes: Uint8Array): number {
  let sum = before;
  for (let i = 0; i < bytes.length; i++) sum = CRC[(sum ^ bytes[i]!) & 255]! ^ (sum >>> 8);
  return sum;
}
