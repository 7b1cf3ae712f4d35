/**
 * The compressed data of a JPEG's scan, bit by bit.
 * @module
 */
import { damaged, truncated } from "./pixels.ts";

/** Codes up to this many bits are looked up in a table; longer ones, which are rare, are searched. */
const FAST = 9;

/** A Huffman code: which bits stand for which byte. */
export class HuffmanTable {
  /** By the next {@link FAST} bits: 256·length of the code + its byte; 0 for a longer code. */
  readonly fast = new Uint16Array(1 << FAST);
  /** By length: the largest code, −1 where there is none. */
  readonly largest = new Int32Array(17).fill(-1);
  /** By length: what makes the place of the byte of a code. */
  readonly offset = new Int32Array(17);
  readonly values: Uint8Array;

  /**
   * @param counts how many codes there are of 1 … 16 bits
   * @param values their bytes, shorter codes first
   * @throws FormatError for more codes than there are
   */
  constructor(counts: Uint8Array, values: Uint8Array, name: string) {
    this.values = values;
    let code = 0;
    let index = 0;
    for (let length = 1; length <= 16; ++length, code <<= 1) {
      const count = counts[length - 1]!;
      if (code + count > 1 << length) throw damaged(name, "JPEG", "a Huffman table has too many codes");
      if (count === 0) continue;
      this.offset[length] = index - code;
      this.largest[length] = code + count - 1;
      for (let i = 0; i < count; ++i, ++code, ++index) {
        if (length > FAST) continue;
        const first = code << (FAST - length);
        this.fast.fill((length << 8) | values[index]!, first, first + (1 << (FAST - length)));
      }
    }
  }
}

/** Reads bits, most significant first, up to the next marker. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #position: number;
  /** The last bits that were taken from the bytes, of which the lowest `#count` are still to be read. */
  #held = 0;
  #count = 0;
  /** How many of the bits are made up: zeros behind the last byte. */
  #padding = 0;

  constructor(bytes: Uint8Array, position: number, name: string) {
    this.#bytes = bytes;
    this.#position = position;
    this.#name = name;
  }

  #fill(): void {
    while (this.#count <= 24) {
      let byte = this.#position < this.#bytes.length ? this.#bytes[this.#position]! : -1;
      // 0xff 0x00 stands for 0xff; with anything else behind it, it begins a marker.
      if (byte === 0xff && this.#bytes[this.#position + 1] !== 0) byte = -1;
      if (byte < 0) {
        byte = 0;
        this.#padding += 8;
      } else this.#position += byte === 0xff ? 2 : 1;
      this.#held = (this.#held << 8) | byte;
      this.#count += 8;
    }
  }

  /** The next bit. */
  bit(): number {
    if (this.#count < 1) this.#fill();
    return (this.#held >>> --this.#count) & 1;
  }

  /** The next 0 … 16 bits, as a number. */
  bits(length: number): number {
    if (this.#count < length) this.#fill();
    this.#count -= length;
    return (this.#held >>> this.#count) & ((1 << length) - 1);
  }

  /** The next 0 … 15 bits as a signed number: those that begin with 0 are negative. */
  signed(length: number): number {
    if (length === 0) return 0;
    const value = this.bits(length);
    return value < 1 << (length - 1) ? value - (1 << length) + 1 : value;
  }

  /** The byte that the next code stands for. */
  symbol(table: HuffmanTable): number {
    if (this.#count < 16) this.#fill();
    const known = table.fast[(this.#held >>> (this.#count - FAST)) & ((1 << FAST) - 1)]!;
    if (known !== 0) {
      this.#count -= known >> 8;
      return known & 0xff;
    }
    const next = (this.#held >>> (this.#count - 16)) & 0xffff;
    for (let length = FAST + 1; length <= 16; ++length) {
      const code = next >> (16 - length);
      if (code > table.largest[length]!) continue;
      this.#count -= length;
      return table.values[table.offset[length]! + code]!;
    }
    this.check();
    throw damaged(this.#name, "JPEG", "its data have a code that its Huffman table has not");
  }

  /**
   * To be called every now and then: reading past the end gives zeros.
   * @throws FormatError when that has happened
   */
  check(): void {
    if (this.#count < this.#padding) {
      throw truncated(this.#name, "JPEG", `the data of a scan end at byte ${this.#position}`);
    }
  }

  /**
   * Goes on behind the restart marker that must follow.
   * @param index of the marker, counted from the scan's first
   */
  restart(index: number): void {
    const bytes = this.#bytes;
    let at = this.#position;
    while (at < bytes.length && !(bytes[at] === 0xff && bytes[at + 1] !== 0 && bytes[at + 1] !== 0xff)) ++at;
    if (at + 1 >= bytes.length) throw truncated(this.#name, "JPEG", "it ends before a restart marker");
    if (bytes[at + 1] !== 0xd0 + (index & 7)) {
      throw damaged(this.#name, "JPEG", `no restart marker ${index & 7} at byte ${at}`);
    }
    this.#position = at + 2;
    this.#held = this.#count = this.#padding = 0;
  }
}
