/**
 * WebAssembly's binary form, as far as modules are rewritten here: sections and the numbers in them.
 * @module
 */
import { FormatError } from "../../errors.ts";

/** What the sections are, by their numbers. */
export const SECTIONS = {
  ...{ custom: 0, types: 1, imports: 2, functions: 3, memories: 5, globals: 6, exports: 7, code: 10, data: 11 },
} as const;

/** Bytes before the first section: magic and version. */
export const HEAD_BYTES = 8;

/** A section. */
export interface Section {
  readonly id: number;
  /** What is in it. */
  readonly body: Uint8Array;
}

/** Whether these bytes begin a module. */
export function isModule(bytes: Uint8Array): boolean {
  return [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0].every((byte, i) => bytes[i] === byte);
}

/**
 * The sections of a module, in their order.
 * @throws FormatError for bytes that are no module, or end within a section
 */
export function sectionsOf(bytes: Uint8Array): Section[] {
  if (!isModule(bytes)) throw new FormatError("wasm module: expected its first bytes, got others");
  const sections: Section[] = [];
  const cursor = new Cursor(bytes, HEAD_BYTES);
  while (!cursor.ended) {
    const id = cursor.byte();
    sections.push({ id, body: cursor.bytes(cursor.u32()) });
  }
  return sections;
}

/** A module of sections. */
export function moduleOf(sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const parts = sections.map(({ id, body }) => joined([[id], u32(body.length), body]));
  return joined([[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], ...parts]);
}

/** Bytes one behind the other. */
export function joined(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** How many there are, and each. */
export function vector(items: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  return joined([u32(items.length), ...items]);
}

/** An unsigned number in groups of seven bits. */
export function u32(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** A signed one. */
export function s32(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 127];
    bytes.push((rest & 127) | 128);
  }
}

/** A name: its length and its bytes. */
export function text(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(name);
  return joined([u32(bytes.length), bytes]);
}

/** Goes through bytes. */
export class Cursor {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined)
      throw new FormatError(`wasm module: expected more than ${this.#bytes.length} bytes, got none`);
    return byte;
  }

  bytes(count: number): Uint8Array {
    if (this.at + count > this.#bytes.length) {
      throw new FormatError(
        `wasm module: expected ${count} bytes at byte ${this.at}, got ${this.#bytes.length - this.at}`,
      );
    }
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  /** An unsigned number; of a signed one, or one of 64 bits, something. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new FormatError(`wasm module: expected a number of 64 bits before byte ${this.at}, got a longer one`);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes(this.u32()));
  }
}
