/**
 * The kernels for threads: the same code, whose memory is imported and shared. A module says in a few bytes whether it
 * has a memory of its own, so these are rewritten, and no further build is needed.
 * @module
 */
import { LoadError } from "../../errors.ts";

const [TYPES, IMPORTS, MEMORIES] = [1, 2, 5];
const HEAD = 8;
/** `env.memory`, a memory: shared, with a maximum. */
const IMPORT = [3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 3];
/** Pages of the largest memory that 32 bits reach. */
const MOST_PAGES = 65536;

/**
 * A module that imports `env.memory`, shared, where the given one defines its memory.
 * @param bytes a build of the kernels: a whole module that imports nothing
 * @throws {@link LoadError} for another module
 */
export function withSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [bytes.subarray(0, HEAD)];
  let found = false;
  for (let at = HEAD; at < bytes.length; ) {
    const id = bytes[at]!;
    const size = readVarint(bytes, at + 1);
    const end = size.at + size.value;
    if (id === IMPORTS) throw new LoadError("wasm module: expected kernels that import nothing, got some that do");
    if (id === MEMORIES) {
      // One memory: flags, then the pages that it begins with.
      const pages = readVarint(bytes, size.at + 2).value;
      const body = [1, ...IMPORT, ...varint(pages), ...varint(MOST_PAGES)];
      const types = parts.findIndex((part) => part !== parts[0] && part[0] === TYPES);
      parts.splice(types + 1, 0, Uint8Array.from([IMPORTS, ...varint(body.length), ...body]));
      found = true;
    } else parts.push(bytes.subarray(at, end));
    at = end;
  }
  if (!found) throw new LoadError("wasm module: expected kernels with a memory of their own, got some without");
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** An unsigned LEB128 number, and where the next byte is. */
function readVarint(bytes: Uint8Array, from: number): { value: number; at: number } {
  let value = 0;
  for (let at = from, shift = 0; ; at++, shift += 7) {
    const byte = bytes[at] ?? 0;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return { value, at: at + 1 };
  }
}
