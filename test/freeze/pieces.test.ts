import { describe, expect, it } from "vitest";
import { joined, moduleOf, SECTIONS, sectionsOf, u32 } from "../../src/engine/host/binary.ts";
import { FormatError, MemoryError } from "../../src/errors.ts";
import { pieces } from "../../src/freeze/pieces.ts";
import { frozen } from "../../src/frozen.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, freeze, load, mobilenetV1 } from "../../src/index.ts";
import { random } from "../cases/random.ts";

/** Bytes of the pieces, where they belong. */
function together(parts: readonly { address: number; bytes: Uint8Array }[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  for (const { address, bytes } of parts) all.set(bytes, address);
  return all;
}

describe("the pieces of a memory", () => {
  it("are all that is not zero, apart by runs of 32 zeros", () => {
    const bytes = new Uint8Array(200);
    bytes.set([1, 0, 2], 3);
    bytes[5 + 32] = 3; // behind 31 zeros
    bytes[37 + 33] = 4; // behind 32
    expect(pieces({ address: 1000, bytes }).map((piece) => [piece.address, piece.bytes.length])).toEqual([
      [1003, 35],
      [1070, 1],
    ]);
    expect(pieces({ address: 0, bytes: new Uint8Array(99) })).toEqual([]);
    expect(pieces({ address: 7, bytes: Uint8Array.of(0, 0, 5, 0) })).toEqual([{ address: 9, bytes: Uint8Array.of(5) }]);
  });

  it("hold everything, and are never more than a thousand", () => {
    const next = random("pieces");
    for (const every of [3, 40, 400]) {
      const bytes = Uint8Array.from({ length: 100_000 }, () => (next.int(0, every) === 0 ? next.int(1, 255) : 0));
      const parts = pieces({ address: 0, bytes });
      expect(parts.length).toBeLessThanOrEqual(1000);
      expect(Buffer.compare(together(parts, bytes.length), bytes)).toBe(0);
    }
  });
});

describe("a frozen network with many zeros", () => {
  const dense = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 5 }), 1);
  const sparse = {
    ...dense,
    constants: new Map(
      [...dense.constants].map(([name, constant]) => {
        const data = (constant.data as Float32Array).map((value, i, all) => (2 * i > all.length ? 0 : value));
        return [name, constant.shape.length === 4 ? { ...constant, data } : constant] as const;
      }),
    ),
  };
  const input = random("x").floats(32 * 32 * 3);

  it("is smaller, and computes and opens as before", async () => {
    const bytes = await freeze(sparse);
    expect(bytes.length).toBeLessThan(0.7 * (await freeze(dense)).length);
    const right = (await build(sparse, { variant: "simd" })).run(input);
    expect((await frozen(bytes)).run(input).output).toEqual(right.output);
    expect((await load(bytes, { variant: "simd" })).run(input).output).toEqual(right.output);
  });

  it("is refused where its data lie elsewhere, or are more than allowed", async () => {
    const bytes = await freeze(sparse);
    const withData = (change: (body: Uint8Array) => Uint8Array) =>
      moduleOf(sectionsOf(bytes).map(({ id, body }) => ({ id, body: id === SECTIONS.data ? change(body) : body })));
    const one = (address: number[], data: number[]) =>
      withData(() => joined([u32(1), [0, 0x41], address, [0x0b], u32(data.length), data]));
    // Byte 2,047 and the first of the records.
    await expect(load(one([0xff, 0x0f], [1, 2]))).rejects.toThrow(/expected data in \[2048, \d+\), got \[2047, 2049\)/);
    await expect(load(withData(() => joined([u32(1), [1], u32(2), [7, 7]])))).rejects.toThrow(
      /another kind of segment/,
    );
    // Records that are zero name no kernel.
    await expect(load(one([0x80, 0x10], []))).rejects.toThrow(FormatError);
    await expect(load(bytes, { limits: { maxUnpackedBytes: 10_000 } })).rejects.toThrow(MemoryError);
  });
});
