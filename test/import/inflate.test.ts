import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { canInflate, Inflater } from "../../src/import/inflate.ts";
import { random } from "../cases/random.ts";

function inflate(packed: Uint8Array, size: number, step = 1000): Uint8Array {
  const output = new Uint8Array(size);
  const inflater = new Inflater(packed, output, "test");
  while (!inflater.step(step)) expect(inflater.written).toBeLessThanOrEqual(size);
  expect(inflater.read).toBe(packed.length);
  return output;
}

const draw = random("inflate");
const bytes = (length: number, kinds: number) =>
  Uint8Array.from({ length }, () => Math.floor(Math.floor(draw.next() * kinds) ** 2 / kinds));

describe("what zlib packs", () => {
  test.each([0, 1, 2, 100, 65_535, 65_536, 200_000])("%i bytes, by every level and strategy", (length) => {
    for (const kinds of [1, 2, 30, 256]) {
      const data = bytes(length, kinds);
      for (const level of [0, 1, 6, 9]) {
        for (const strategy of [0, 1, 2, 3, 4]) {
          const packed = deflateRawSync(data, { level, strategy });
          const got = inflate(packed, length, 1 + Math.floor(draw.next() * 50_000));
          expect(Buffer.compare(got, data), `${level} ${strategy}`).toBe(0);
        }
      }
    }
  });

  test("floats", () => {
    const data = new Uint8Array(Float32Array.from({ length: 50_000 }, () => draw.next() - 0.5).buffer);
    expect(Buffer.compare(inflate(deflateRawSync(data), data.length), data)).toBe(0);
  });
});

describe("what does not hold what it claims", () => {
  test("more or fewer bytes than were claimed", () => {
    for (const level of [0, 6]) {
      const packed = deflateRawSync(bytes(1000, 256), { level });
      for (const size of [0, 999, 1001]) expect(() => inflate(packed, size)).toThrow(FormatError);
    }
    expect(canInflate(1000, 1_032_000)).toBe(true);
    expect(canInflate(1000, 1_032_001)).toBe(false);
  });

  test("a bomb ends at the claimed size", () => {
    const packed = deflateRawSync(new Uint8Array(2 ** 26));
    const began = performance.now();
    expect(() => inflate(packed, 1000)).toThrow(/expected 1000 bytes of a deflate stream, got more/);
    expect(performance.now() - began).toBeLessThan(200);
  });

  test("cut, or of changed bytes: an error of ours, or the claimed size", () => {
    const packed = deflateRawSync(bytes(5000, 40));
    for (let length = 0; length < packed.length; length += 7) {
      expect(() => inflate(packed.subarray(0, length), 5000)).toThrow(FormatError);
    }
    for (let i = 0; i < 3000; i++) {
      const changed = packed.slice();
      changed[Math.floor(draw.next() * changed.length)]! ^= 1 << Math.floor(draw.next() * 8);
      try {
        const inflater = new Inflater(changed, new Uint8Array(5000), "test");
        while (!inflater.step(1000));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
  });
});
