/**
 * Deflate, unpacked into a buffer of the size that was claimed: never a byte more, in steps, so that whoever unpacks a
 * big one can pause in between.
 * @module
 */
import { FormatError } from "../errors.ts";

/** No deflate stream unpacks to more than this many times its size: 258 bytes from two bits. */
const MOST_EXPANSION = 1032;

/** Whether so many packed bytes can hold so many unpacked ones. */
export function canInflate(packed: number, unpacked: number): boolean {
  return unpacked <= packed * MOST_EXPANSION;
}

/** Bits behind a length code, and the length that it begins at; the same for distances. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = [0, 0, 0, 0, ...Array.from({ length: 26 }, (_, i) => (i >> 1) + 1)];
const LENGTH_BASE = bases(LENGTH_EXTRA, 3).with(28, 258);
const DISTANCE_BASE = bases(DISTANCE_EXTRA, 1);
/** The order in which the lengths of the codes for code lengths stand. */
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function bases(extra: readonly number[], first: number): number[] {
  let base = first;
  return extra.map((bits) => {
    const own = base;
    base += 1 << bits;
    return own;
  });
}

/** A canonical code: the next `bits` bits → symbol · 16 + length, 0 where no code begins so. */
interface Code {
  readonly bits: number;
  readonly table: Uint16Array;
}

const FIXED: readonly [Code, Code] = [
  codeOf(
    Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
    "deflate",
  ),
  codeOf(new Uint8Array(30).fill(5), "deflate"),
];

/** @throws {FormatError} The lengths are those of more codes than there are. */
function codeOf(lengths: Uint8Array, where: string): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const next = new Uint16Array(16);
  let bits = 0;
  let left = 1;
  for (let length = 1; length < 16; length++) {
    left = 2 * left - counts[length]!;
    if (left < 0) throw new FormatError(`${where}: expected a code of deflate, got too many of one length`);
    if (counts[length]! > 0) bits = length;
    next[length] = (next[length - 1]! + counts[length - 1]!) << 1;
  }
  const table = new Uint16Array(1 << bits);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    const code = next[length]!++;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
    for (let at = reversed; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  }
  return { bits, table };
}

/** Unpacks one deflate stream. */
export class Inflater {
  readonly #where: string;
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  #at = 0;
  #out = 0;
  #buffer = 0;
  #count = 0;
  #last = false;
  /** What is being unpacked: the codes of a block, or the bytes that are left of a stored one. */
  #codes: readonly [Code, Code] | undefined;
  #stored = 0;

  /** @param output as long as the unpacked bytes must be */
  constructor(input: Uint8Array, output: Uint8Array, where: string) {
    this.#input = input;
    this.#output = output;
    this.#where = where;
  }

  /** Bytes that have been written so far. */
  get written(): number {
    return this.#out;
  }

  /** Bytes of the input that have been read: once done, where the stream ends. */
  get read(): number {
    return this.#at - (this.#count >> 3);
  }

  /**
   * Unpacks some more, about `bytes`; answers whether that was all.
   * @throws {FormatError} The stream is damaged, or does not unpack to just the output's length.
   */
  step(bytes: number): boolean {
    const until = Math.min(this.#out + bytes, this.#output.length + 1);
    while (this.#out < until) {
      if (this.#codes) this.#compressed(this.#codes, until);
      else if (this.#stored > 0) this.#copy(until);
      else if (this.#last) {
        if (this.read > this.#input.length) throw this.#wrong("more bytes", "the end");
        if (this.#out === this.#output.length) return true;
        throw this.#wrong(`${this.#output.length} bytes`, String(this.#out));
      } else this.#block();
    }
    return false;
  }

  #wrong(expected: string, got: string): FormatError {
    return new FormatError(`${this.#where}: expected ${expected} of a deflate stream, got ${got}`);
  }

  #bits(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#input.length) throw this.#wrong("more bytes", "the end");
      this.#buffer |= this.#input[this.#at++]! << this.#count;
      this.#count += 8;
    }
    const value = this.#buffer & ((1 << count) - 1);
    this.#buffer >>>= count;
    this.#count -= count;
    return value;
  }

  #block(): void {
    this.#last = this.#bits(1) === 1;
    const kind = this.#bits(2);
    if (kind === 1) this.#codes = FIXED;
    else if (kind === 2) this.#codes = this.#dynamic();
    else if (kind === 0) {
      this.#bits(this.#count & 7);
      const length = this.#bits(16);
      if ((this.#bits(16) ^ length) !== 0xffff) throw this.#wrong("a stored block's length twice", "two others");
      this.#stored = length;
    } else throw this.#wrong("a block", "one of an unknown kind");
  }

  #dynamic(): [Code, Code] {
    const [literals, distances, codes] = [this.#bits(5) + 257, this.#bits(5) + 1, this.#bits(4) + 4];
    const own = new Uint8Array(19);
    for (let i = 0; i < codes; i++) own[CODE_ORDER[i]!] = this.#bits(3);
    const code = codeOf(own, this.#where);
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      const [value, count] =
        symbol === 16
          ? [lengths[i - 1] ?? 0, 3 + this.#bits(2)]
          : [0, symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7)];
      if (i + count > lengths.length) throw this.#wrong(`${lengths.length} code lengths`, "more");
      lengths.fill(value, i, i + count);
      i += count;
    }
    return [codeOf(lengths.subarray(0, literals), this.#where), codeOf(lengths.subarray(literals), this.#where)];
  }

  /** One symbol, carefully: codes near the end of the input may be shorter than the table is wide. */
  #symbol({ bits, table }: Code): number {
    while (this.#count < bits && this.#at < this.#input.length) {
      this.#buffer |= this.#input[this.#at++]! << this.#count;
      this.#count += 8;
    }
    const entry = table[this.#buffer & ((1 << bits) - 1)]!;
    const length = entry & 15;
    if (!(length > 0)) throw this.#wrong("a code", "bits that are none");
    if (length > this.#count) throw this.#wrong("more bytes", "the end");
    this.#buffer >>>= length;
    this.#count -= length;
    return entry >> 4;
  }

  #copy(until: number): void {
    const length = Math.min(this.#stored, Math.max(until - this.#out, 1));
    // Bytes that are in the bit buffer already come first.
    if (this.#count > 0) {
      this.#at -= this.#count >> 3;
      this.#buffer = 0;
      this.#count = 0;
    }
    if (this.#at + length > this.#input.length) throw this.#wrong("more bytes", "the end");
    if (this.#out + length > this.#output.length) throw this.#wrong(`${this.#output.length} bytes`, "more");
    this.#output.set(this.#input.subarray(this.#at, this.#at + length), this.#out);
    this.#at += length;
    this.#out += length;
    this.#stored -= length;
  }

  #compressed([literals, distances]: readonly [Code, Code], until: number): void {
    const input = this.#input;
    const output = this.#output;
    const { table, bits } = literals;
    const mask = (1 << bits) - 1;
    let [at, out, buffer, count] = [this.#at, this.#out, this.#buffer, this.#count];
    // Literals, quickly; all else by the careful methods, with what is kept here written back.
    while (out < until) {
      while (count < 15 && at < input.length) {
        buffer |= input[at++]! << count;
        count += 8;
      }
      const entry = table[buffer & mask]!;
      const symbol = entry >> 4;
      const length = entry & 15;
      if (length > 0 && length <= count && symbol < 256 && out < output.length) {
        output[out++] = symbol;
        buffer >>>= length;
        count -= length;
        continue;
      }
      [this.#at, this.#buffer, this.#count] = [at, buffer, count];
      this.#out = out;
      const next = this.#symbol(literals);
      if (next === 256) {
        this.#codes = undefined;
        return;
      }
      if (next < 256) throw this.#wrong(`${output.length} bytes`, "more");
      this.#match(next - 257, distances);
      [at, buffer, count, out] = [this.#at, this.#buffer, this.#count, this.#out];
    }
    [this.#at, this.#out, this.#buffer, this.#count] = [at, out, buffer, count];
  }

  #match(code: number, distances: Code): void {
    if (code >= LENGTH_BASE.length) throw this.#wrong("a length", "a code that is none");
    const length = LENGTH_BASE[code]! + this.#bits(LENGTH_EXTRA[code]!);
    const far = this.#symbol(distances);
    if (far >= DISTANCE_BASE.length) throw this.#wrong("a distance", "a code that is none");
    const distance = DISTANCE_BASE[far]! + this.#bits(DISTANCE_EXTRA[far]!);
    const output = this.#output;
    let out = this.#out;
    if (distance > out) throw this.#wrong("a distance back into what is there", `${distance} of ${out}`);
    if (out + length > output.length) throw this.#wrong(`${output.length} bytes`, "more");
    for (let from = out - distance, end = out + length; out < end; ) output[out++] = output[from++]!;
    this.#out = out;
  }
}
