import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { canInflate, inflateInto } from "../../src/formats/common/inflate.ts";
import { Budget } from "../../src/limits.ts";
import { random } from "../cases/random.ts";

async function inflate(packed: Uint8Array, size: number): Promise<Uint8Array> {
  const output = new Uint8Array(size);
  await inflateInto(output, packed, "test", new Budget());
  return output;
}

const draw = random("inflate");
const bytes = (length: number, kinds: number) =>
  Uint8Array.from({ length }, () => Math.floor(Math.floor(draw.next() * kinds) ** 2 / kinds));

describe("what zlib packs", () => {
  test.each([0, 1, 2, 100, 65_535, 65_536, 200_000])("%i bytes, by every level and strategy", async (length) => {
    for (const kinds of [1, 2, 30, 256]) {
      const data = bytes(length, kinds);
      for (const level of [0, 1, 6, 9]) {
        for (const strategy of [0, 1, 2, 3, 4]) {
          const packed = deflateRawSync(data, { level, strategy });
          const got = await inflate(packed, length);
          expect(Buffer.compare(got, data), `${level} ${strategy}`).toBe(0);
        }
      }
    }
  });

  test("floats", async () => {
    const data = new Uint8Array(Float32Array.from({ length: 50_000 }, () => draw.next() - 0.5).buffer);
    expect(Buffer.compare(await inflate(deflateRawSync(data), data.length), data)).toBe(0);
  });
});

describe("what does not hold what it claims", () => {
  test("more or fewer bytes than were claimed", async () => {
    for (const level of [0, 6]) {
      const packed = deflateRawSync(bytes(1000, 256), { level });
      for (const size of [0, 999, 1001]) await expect(inflate(packed, size)).rejects.toThrow(FormatError);
    }
    expect(canInflate(1000, 1_032_000)).toBe(true);
    expect(canInflate(1000, 1_032_001)).toBe(false);
  });

  test("a bomb ends at the claimed size", async () => {
    const packed = deflateRawSync(new Uint8Array(2 ** 26));
    await expect(inflate(packed, 1000)).rejects.toThrow(/expected a deflate stream of 1000 bytes, got more/);
  });

  test("cut, or of changed bytes: an error of ours, or the claimed size", async () => {
    const packed = deflateRawSync(bytes(5000, 40));
    for (let length = 0; length < packed.length; length += 7) {
      await expect(inflate(packed.subarray(0, length), 5000)).rejects.toThrow(FormatError);
    }
    for (let i = 0; i < 3000; i++) {
      const changed = packed.slice();
      changed[Math.floor(draw.next() * changed.length)]! ^= 1 << Math.floor(draw.next() * 8);
      const error = await inflate(changed, 5000).catch((error: unknown) => error);
      if (!(error instanceof Uint8Array)) expect(error).toBeInstanceOf(FormatError);
    }
  });
});
