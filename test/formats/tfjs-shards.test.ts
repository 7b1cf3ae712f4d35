import { describe, expect, test } from "vitest";
import { FormatError, LoadError, MemoryError, UnsupportedError } from "../../src/errors.ts";
import { readWeights } from "../../src/formats/common/shards.ts";
import { readSource, type Sibling } from "../../src/formats/common/source.ts";
import { Budget } from "../../src/limits.ts";

/** Reads from a record; what it lacks is missing. */
function shards(files: Readonly<Record<string, Uint8Array>>): Sibling {
  return async (name) => {
    const bytes = files[name];
    if (!bytes) throw new LoadError(`${name}: expected a readable file, got no such file`);
    return bytes;
  };
}

const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const weight = (name: unknown, shape: unknown, dtype: unknown = "float32", quantization?: unknown) => {
  return { name, shape, dtype, ...(quantization !== undefined && { quantization }) };
};
const group = (paths: unknown, ...weights: unknown[]) => ({ paths, weights });

/** Reads one weight whose bytes are the whole of one shard. */
async function only(entry: ReturnType<typeof weight>, bytes: ArrayBufferView): Promise<ReturnType<typeof Array.from>> {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = await readWeights([group(["a.bin"], entry)], shards({ "a.bin": view }));
  return Array.from(weights.get("w")!.data);
}

describe("readWeights", () => {
  test("joins shards; a weight may begin in one and end in another, at any byte", async () => {
    const all = bytesOf(1, 2, 3, 4, 5, 6);
    const manifest = [
      group(["a", "b", "c"], weight("flag", [1], "bool"), weight("m", [2, 2]), weight("s", [])),
      group(["d"], weight("v", [1])),
    ];
    const joined = Uint8Array.of(1, ...all.subarray(0, 20));
    const files = { a: joined.subarray(0, 7), b: joined.subarray(7, 14), c: joined.subarray(14), d: all.subarray(20) };
    const weights = await readWeights(manifest, shards(files));
    expect([...weights.keys()]).toEqual(["flag", "m", "s", "v"]);
    expect(weights.get("flag")).toEqual({ shape: [1], dtype: "uint8", data: Uint8Array.of(1) });
    expect(weights.get("m")).toEqual({ shape: [2, 2], dtype: "float32", data: Float32Array.of(1, 2, 3, 4) });
    expect(weights.get("s")).toEqual({ shape: [], dtype: "float32", data: Float32Array.of(5) });
    expect(weights.get("v")!.data).toEqual(Float32Array.of(6));
  });

  test("decodes every dtype", async () => {
    expect(await only(weight("w", [2], "int32"), Int32Array.of(-7, 1 << 30))).toEqual([-7, 1 << 30]);
    expect(await only(weight("w", [3], "bool"), Uint8Array.of(0, 1, 0))).toEqual([0, 1, 0]);
    expect(await only(weight("w", [2], "uint8"), Uint8Array.of(0, 255))).toEqual([0, 255]);
    expect(await only(weight("w", [2], "float16"), Uint16Array.of(0x3c00, 0xc000))).toEqual([1, -2]);
  });

  test("undoes quantization", async () => {
    const q = (dtype: string, scale?: number, min?: number) => ({ dtype, scale, min });
    const eight = weight("w", [3], "float32", q("uint8", 0.1, -1));
    expect(await only(eight, Uint8Array.of(0, 10, 255))).toEqual([-1, 0, Math.fround(255 * 0.1 - 1)]);
    const sixteen = weight("w", [2], "float32", q("uint16", 1e-3, 2));
    expect(await only(sixteen, Uint16Array.of(0, 65535))).toEqual([2, Math.fround(65535 * 1e-3 + 2)]);
    expect(await only(weight("w", [1], "float32", q("float16")), Uint16Array.of(0x3800))).toEqual([0.5]);
    expect(await only(weight("w", [2], "int32", q("uint8", 0.6, 0)), Uint8Array.of(1, 2))).toEqual([1, 1]);
  });

  test("reads shards that are Node Buffers within a larger one", async () => {
    const pool = Buffer.concat([Buffer.from("x"), bytesOf(1, 2), Buffer.from("y")]);
    const weights = await readWeights([group(["a"], weight("w", [2]))], shards({ a: pool.subarray(1, 9) }));
    expect(weights.get("w")!.data).toEqual(Float32Array.of(1, 2));
  });

  test("aborts between groups", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(readWeights([group(["a"], weight("w", [1]))], shards({ a: bytesOf(1) }), { signal })).rejects.toThrow(
      "enough",
    );
  });
});

describe("lies", () => {
  const one = weight("w", [1]);
  test.each<readonly [string, unknown, RegExp]>([
    ["no list", {}, /weightsManifest: expected a list of groups, got object/],
    ["no manifest", undefined, /got nothing/],
    ["a group that is text", ["x"], /weightsManifest\[0\]: expected an object, got string/],
    ["a group that is null", [null], /weightsManifest\[0\]: expected an object, got null/],
    ["no paths", [{ weights: [one] }], /weightsManifest\[0\]\.paths: .* got nothing/],
    ["a path that is a number", [group([1], one)], /\.paths: expected a list of file names/],
    ["no weights", [{ paths: ["a"] }], /weightsManifest\[0\]\.weights: expected a list, got nothing/],
    ["a weight that is null", [group(["a"], null)], /weightsManifest\[0\]\.weights\[0\]: expected an object, got null/],
    ["no name", [group(["a"], weight(undefined, [1]))], /weights\[0\]\.name: expected a name, got nothing/],
    ["no shape", [group(["a"], weight("w", undefined))], /weight "w": expected a shape/],
    [
      "a negative dimension",
      [group(["a"], weight("w", [-1]))],
      /weight "w": expected a shape of whole numbers, got \[-1\]/,
    ],
    [
      "a shape that overflows",
      [group(["a"], weight("w", [2 ** 40, 2 ** 40]))],
      /weight "w": expected a shape that fits/,
    ],
    ["an unknown dtype", [group(["a"], weight("w", [1], "float8"))], /weight "w": expected dtype .*, got "float8"/],
    [
      "an unknown quantization",
      [group(["a"], weight("w", [1], "float32", { dtype: "int4" }))],
      /weight "w": .* got "int4"/,
    ],
    [
      "a quantization without scale",
      [group(["a"], weight("w", [1], "float32", { dtype: "uint8", min: 0 }))],
      /"w": .* got scale undefined, min 0/,
    ],
    ["a name used twice", [group(["a"], one), group(["a"], one)], /expected each weight once, got "w" twice/],
    ["a truncated shard", [group(["a"], weight("w", [3]))], /a: expected 12 bytes, got 8/],
    ["a shard too long", [group(["a"], one)], /a: expected 4 bytes, got 8/],
    [
      "a last shard truncated",
      [group(["a", "short"], weight("w", [4]))],
      /short: expected 8 bytes, got 5; the group needs 16 bytes, its 2 shards have 13/,
    ],
    [
      "an earlier shard truncated",
      [group(["a", "short", "a"], weight("w", [6]))],
      /short: expected 8 bytes, got 5; the group needs 24 bytes, its 3 shards have 21/,
    ],
  ])("%s", async (_, manifest, message) => {
    const sibling = shards({ a: bytesOf(1, 2), short: bytesOf(1, 2).subarray(0, 5) });
    await expect(readWeights(manifest, sibling)).rejects.toThrow(FormatError);
    await expect(readWeights(manifest, sibling)).rejects.toThrow(message);
  });

  test("a missing shard is named", async () => {
    const promise = readWeights([group(["a", "group1-shard2of2.bin"], one)], shards({ a: bytesOf(1) }));
    await expect(promise).rejects.toThrow(LoadError);
    await expect(promise).rejects.toThrow(/group1-shard2of2\.bin/);
  });

  test("no shards at all", async () => {
    await expect(readWeights([group([], one)], shards({}))).rejects.toThrow(/expected shards of 4 bytes/);
  });

  test.each(["string", "complex64"])("%s weights are not supported", async (dtype) => {
    const promise = readWeights([group(["a"], weight("w", [1], dtype))], shards({ a: bytesOf(1) }));
    await expect(promise).rejects.toThrow(UnsupportedError);
    await expect(promise).rejects.toThrow(`weight "w"`);
  });
});

describe("limits", () => {
  const counted = (files: Readonly<Record<string, Uint8Array>>) => {
    const asked: string[] = [];
    const sibling: Sibling = async (name) => {
      asked.push(name);
      return shards(files)(name);
    };
    return { asked, sibling };
  };

  test("a shard that a hundred and fifty groups name is read once, and what comes of it counted", async () => {
    const megabyte = new Uint8Array(1 << 20);
    const manifest = Array.from({ length: 150 }, (_, i) => group(["a"], weight(`w${i}`, [1 << 18])));
    const { asked, sibling } = counted({ a: megabyte });
    const budget = new Budget({ limits: { maxUnpackedBytes: 20 << 20 } });
    await expect(readWeights(manifest, sibling, { budget })).rejects.toThrow(MemoryError);
    expect(asked).toEqual(["a"]);
    const few = await readWeights(manifest, sibling, { budget: new Budget(), wanted: (name) => name === "w149" });
    expect([...few.keys()]).toEqual(["w149"]);
  });

  test("a shard that one group names again and again is read once, and never joined to itself beforehand", async () => {
    const { asked, sibling } = counted({ a: new Uint8Array(1 << 20) });
    const paths = new Array<string>(5000).fill("a");
    const budget = new Budget({ limits: { maxUnpackedBytes: 20 << 20 } });
    const manifest = [group(paths, weight("w", [5000 * (1 << 18)]))];
    await expect(readWeights(manifest, sibling, { budget })).rejects.toThrow(MemoryError);
    expect(asked).toEqual(["a"]);
  });

  test("every read draws from the budget", async () => {
    const files = { "model.json": new Uint8Array(10), "a.bin": new Uint8Array(8), "b.bin": new Uint8Array(8) };
    const budget = new Budget({ limits: { maxFileBytes: 25 } });
    const { sibling } = await readSource(files, { budget });
    const manifest = [group(["a.bin", "a.bin"], weight("v", [4])), group(["b.bin"], weight("w", [2]))];
    await expect(readWeights(manifest, sibling, { budget })).rejects.toThrow(/b\.bin: .*limits\.maxFileBytes/);
  });

  test("weights are counted before they are looked at, one by one", async () => {
    const budget = new Budget({ limits: { maxTensors: 3 } });
    const manifest = [group(["a"], weight("u", [1]), weight("v", [1])), group(["a"], "x", "y")];
    await expect(readWeights(manifest, shards({}), { budget })).rejects.toThrow(/weightsManifest: .*maxTensors/);
  });

  test("200,000 shards of one byte", async () => {
    const paths = Array.from({ length: 200_000 }, (_, i) => `${i}`);
    const sibling: Sibling = async () => Uint8Array.of(7);
    const weights = await readWeights([group(paths, weight("w", [200_000], "uint8"))], sibling);
    expect(weights.get("w")!.data[199_999]).toBe(7);
    await expect(readWeights([group(paths, weight("w", [1], "uint8"))], sibling)).rejects.toThrow(FormatError);
  });

  test("gives way to the event loop while it decodes, and stops when it is told to", async () => {
    const manifest = [group(["a"], ...Array.from({ length: 40 }, (_, i) => weight(`w${i}`, [1 << 20], "float16")))];
    const controller = new AbortController();
    const budget = new Budget({ signal: controller.signal });
    const reading = readWeights(manifest, shards({ a: new Uint8Array(80 << 20) }), { budget });
    setTimeout(() => controller.abort(new Error("enough")), 1);
    await expect(reading).rejects.toThrow("enough");
  });
});
