/**
 * Zips as Keras 3 writes them, and zips that claim what is not there.
 */
import { strToU8, zipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { FormatError, MemoryError, UnsupportedError } from "../../src/errors.ts";
import { fromKeras } from "../../src/formats/keras/read.ts";
import { Budget } from "../../src/limits.ts";
import { processorTime } from "../processor-time.ts";
import { interpret } from "../reference/interpreter.ts";
import { buildHdf5 } from "./builders/hdf5.ts";
import { functional, inputLayer } from "./builders/keras.ts";

const dense = { className: "Dense", name: "d", config: { units: 1, use_bias: false } };
const config = strToU8(JSON.stringify(functional("m", [inputLayer("x", [2], 3), dense], ["d"], 3)));
let weights: Uint8Array;
let whole: Uint8Array;

beforeAll(async () => {
  weights = await buildHdf5([["layers/dense/vars/0", { shape: [2, 1], data: [1, 10] }]]);
  whole = zipSync({ "metadata.json": strToU8("{}"), "config.json": config, "model.weights.h5": weights });
});

async function answer(bytes: Uint8Array): Promise<number[]> {
  return Array.from(interpret(await fromKeras(bytes), { x: [2, 3] }).get("d")!.values);
}

/** Offsets of the directory's entries for a name. */
function entries(bytes: Uint8Array, name: string): number[] {
  const found: number[] = [];
  const text = [...strToU8(name)];
  for (let at = 0; at + 46 < bytes.length; at++) {
    const begins = [0x50, 0x4b, 1, 2].every((byte, i) => bytes[at + i] === byte);
    if (begins && text.every((byte, i) => bytes[at + 46 + i] === byte)) found.push(at);
  }
  return found;
}

/** The whole file with a number written `offset` bytes into the directory's entry for a name. */
function changed(name: string, offset: number, value: number, size: 2 | 4 = 4): Uint8Array {
  const bytes = whole.slice();
  const view = new DataView(bytes.buffer);
  const at = entries(bytes, name)[0]! + offset;
  if (size === 2) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
  return bytes;
}

describe("zips", () => {
  test.each([0, 6, 9] as const)("stored or packed, level %i", async (level) => {
    expect(await answer(zipSync({ "model.weights.h5": weights, "config.json": config }, { level }))).toEqual([32]);
  });

  test("with a comment, and other bytes before the directory", async () => {
    const bytes = new Uint8Array(whole.length + 5);
    bytes.set(whole);
    new DataView(bytes.buffer).setUint16(whole.length - 2, 5, true);
    expect(await answer(bytes)).toEqual([32]);
  });

  test("a name twice, or two hundred times", async () => {
    const at = entries(whole, "model.weights.h5")[0]!;
    const entry = whole.subarray(at, at + 46 + "model.weights.h5".length);
    for (const times of [1, 200]) {
      const end = whole.subarray(whole.length - 22).slice();
      const view = new DataView(end.buffer);
      view.setUint16(8, 3 + times, true);
      view.setUint16(10, 3 + times, true);
      view.setUint32(12, view.getUint32(12, true) + times * entry.length, true);
      const parts = [whole.subarray(0, whole.length - 22), ...new Array<Uint8Array>(times).fill(entry), end];
      const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
      await expect(fromKeras(bytes)).rejects.toThrow(FormatError);
      await expect(fromKeras(bytes)).rejects.toThrow(/expected 'model\.weights\.h5' once in the zip/);
    }
  });

  test("files within each other", async () => {
    const own = new DataView(whole.buffer).getUint32(entries(whole, "config.json")[0]! + 42, true);
    // The header of the weights' entry is looked for where that of the configuration is.
    await expect(fromKeras(changed("model.weights.h5", 42, own))).rejects.toThrow(FormatError);
  });

  test.each<[string, string, number, number, 2 | 4, new (...args: never[]) => Error, RegExp]>([
    ["more than its bytes can hold", "config.json", 24, 600e6, 4, FormatError, /600000000 bytes, got \d+ that cannot/],
    ["more than it holds", "config.json", 24, 5000, 4, FormatError, /expected a deflate stream of 5000 bytes, got \d+/],
    ["less than it holds", "config.json", 24, 5, 4, FormatError, /expected a deflate stream of 5 bytes, got more/],
    ["bytes beyond the file", "model.weights.h5", 20, 1e9, 4, FormatError, /expected a whole zip file/],
    ["a header elsewhere", "config.json", 42, 7, 4, FormatError, /expected a whole zip file/],
    ["other contents", "config.json", 16, 7, 4, FormatError, /as it was written/],
    ["encryption", "config.json", 8, 1, 2, UnsupportedError, /in the clear, got it encrypted/],
    ["another method", "config.json", 10, 14, 2, UnsupportedError, /stored or deflated, got method 14/],
    ["64 bits", "model.weights.h5", 24, 0xffffffff, 4, UnsupportedError, /zip64/],
  ])("an entry that claims %s", async (_, name, offset, value, size, kind, message) => {
    const bytes = changed(name, offset, value, size);
    await expect(fromKeras(bytes)).rejects.toThrow(message);
    await expect(fromKeras(bytes)).rejects.toThrow(kind);
  });

  test("a configuration of 600 MB, honestly packed, is not unpacked", async () => {
    const bytes = zipSync({ "config.json": new Uint8Array(6e6).fill(0x20), "model.weights.h5": weights });
    const began = processorTime();
    const small = new Budget({ limits: { maxUnpackedBytes: 5e6 } });
    await expect(fromKeras(bytes, { budget: small })).rejects.toThrow(MemoryError);
    expect(processorTime() - began).toBeLessThan(500);
  });

  test("weights in several files", async () => {
    const bytes = zipSync({ "config.json": config, "model.weights.json": strToU8("{}") });
    await expect(fromKeras(bytes)).rejects.toThrow(UnsupportedError);
  });
});
