/**
 * The settings of custom operators: a map of names to numbers, as FlexBuffers writes it. Anything else in such a map is
 * passed over; every offset is checked against the bytes before it is followed.
 *
 *     … keys … values, their types … [root] [type of the root] [bytes of the root]
 */
import { FormatError } from "../../errors.ts";

/** Kinds of values, the upper six bits of a type; the lower two say how wide they, or what they point at, are. */
const KIND = {
  int: 1,
  uint: 2,
  float: 3,
  indirectInt: 6,
  indirectUint: 7,
  indirectFloat: 8,
  map: 9,
  bool: 26,
} as const;

/** More settings than any operator has. */
const MOST_ENTRIES = 256;
/** Characters of a name at the most. */
const LONGEST = 256;

/**
 * The numbers and truth values (as 0 and 1) of a map, by name.
 * @param where begins the messages
 * @throws {FormatError} The bytes are no map, or point outside of themselves.
 */
export function readSettings(bytes: Uint8Array, where: string): ReadonlyMap<string, number> {
  return new Reader(bytes, where).settings();
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  settings(): ReadonlyMap<string, number> {
    const end = this.#bytes.length;
    const [type, width] = [this.#uint(end - 2, 1), this.#uint(end - 1, 1)];
    if (type >> 2 !== KIND.map) throw this.#damaged("a map of settings", `type ${type >> 2}`);
    const root = end - 2 - width;
    const unit = 1 << (type & 3);
    const map = root - this.#uint(root, width);
    const count = this.#uint(map - unit, unit);
    if (count > MOST_ENTRIES) throw this.#damaged(`at most ${MOST_ENTRIES} settings`, `${count}`);
    const keyUnit = this.#uint(map - 2 * unit, unit);
    const keys = map - 3 * unit - this.#uint(map - 3 * unit, unit);
    const settings = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const key = keys + i * keyUnit;
      const value = this.#number(map + i * unit, unit, this.#uint(map + count * unit + i, 1));
      if (value !== undefined) settings.set(this.#name(key - this.#uint(key, keyUnit)), value);
    }
    return settings;
  }

  /** A number, here or where an offset points to; undefined for what is none. */
  #number(at: number, unit: number, type: number): number | undefined {
    const own = 1 << (type & 3);
    switch (type >> 2) {
      case KIND.int:
        return this.#int(at, unit);
      case KIND.uint:
      case KIND.bool:
        return this.#uint(at, unit);
      case KIND.float:
        return this.#float(at, unit);
      case KIND.indirectInt:
        return this.#int(at - this.#uint(at, unit), own);
      case KIND.indirectUint:
        return this.#uint(at - this.#uint(at, unit), own);
      case KIND.indirectFloat:
        return this.#float(at - this.#uint(at, unit), own);
      default:
        return undefined;
    }
  }

  #name(at: number): string {
    const end = this.#bytes.indexOf(0, Math.max(at, 0));
    if (at < 0 || end < 0 || end - at > LONGEST) throw this.#damaged("a name", `none at byte ${at}`);
    return String.fromCharCode(...this.#bytes.subarray(at, end));
  }

  #uint(at: number, size: number): number {
    this.#check(at, size);
    if (size === 1) return this.#view.getUint8(at);
    if (size === 2) return this.#view.getUint16(at, true);
    return size === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true));
  }

  #int(at: number, size: number): number {
    this.#check(at, size);
    if (size === 1) return this.#view.getInt8(at);
    if (size === 2) return this.#view.getInt16(at, true);
    return size === 4 ? this.#view.getInt32(at, true) : Number(this.#view.getBigInt64(at, true));
  }

  #float(at: number, size: number): number {
    this.#check(at, size);
    if (size < 4) throw this.#damaged("numbers of 4 or 8 bytes", `${size}`);
    return size === 4 ? this.#view.getFloat32(at, true) : this.#view.getFloat64(at, true);
  }

  #check(at: number, size: number): void {
    const inside = Number.isSafeInteger(at) && at >= 0 && at + size <= this.#bytes.length;
    if (!inside || ![1, 2, 4, 8].includes(size)) {
      throw this.#damaged(`1, 2, 4 or 8 bytes within ${this.#bytes.length}`, `${size} at ${at}`);
    }
  }

  #damaged(expected: string, got: string): FormatError {
    return new FormatError(`${this.#where}, settings: expected ${expected}, got ${got}`);
  }
}
