/** Metadata of TFLite files: pixels of 8-bit inputs, labels in a zip that lies. */
import { crc32 } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { FormatError, MemoryError } from "../../src/errors.ts";
import { readZip } from "../../src/formats/common/zip.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { Budget } from "../../src/limits.ts";
import { buildMetadata, buildTflite, type TensorSpec } from "./builders/tflite.ts";

function model(type: "float32" | "uint8" | "int8", metadata: Uint8Array): Uint8Array {
  const meaning = type === "float32" ? {} : { scales: [1 / 128], zeroPoints: [type === "uint8" ? 128 : 0] };
  const tensors: TensorSpec[] = ["x", "y"].map((name) => ({ name, shape: [1, 2, 2, 3], type, ...meaning }));
  return buildTflite({
    ...{ tensors, operators: [{ op: "RELU", inputs: [0], outputs: [1] }] },
    ...{ inputs: [0], outputs: [1], metadata },
  });
}

describe("normalization", () => {
  test.each([
    [0, 1],
    [127.5, 127.5],
    [128, 128],
  ])("mean %s and deviation %s are for floats: pixels go into uint8 as they are", async (mean, std) => {
    const metadata = buildMetadata([mean], [std], "labels.txt");
    expect((await fromTflite(model("uint8", metadata))).source).toEqual({ format: "tflite" });
    const normalization = { mean, std };
    expect((await fromTflite(model("int8", metadata))).source).toEqual({ format: "tflite", normalization });
    expect((await fromTflite(model("float32", metadata))).source).toEqual({ format: "tflite", normalization });
  });
});

/** One zip entry by hand: what the directory says, and what there is. */
interface Entry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly method?: number;
  readonly size?: number;
  readonly packed?: number;
}

/** A zip whose directory names all of them, of which the first alone is there. */
function zip(entries: readonly Entry[], before = new Uint8Array()): Uint8Array {
  const parts: number[] = [...before];
  const u16 = (n: number) => parts.push(n & 255, (n >> 8) & 255);
  const u32 = (n: number) => {
    u16(n & 0xffff);
    u16((n >>> 16) & 0xffff);
  };
  const [first] = entries as [Entry];
  const start = parts.length;
  u32(0x04034b50);
  for (let i = 0; i < 11; i++) u16(0);
  u16(first.name.length);
  u16(0);
  // The fields of the local header that nobody reads are 0; its length is 30 bytes.
  parts.splice(start + 4, parts.length - start - 8, ...new Array<number>(22).fill(0));
  parts.push(...strToU8(first.name), ...first.content);
  const directory = parts.length;
  for (const { name, content, method = 0, size = content.length, packed = content.length } of entries) {
    u32(0x02014b50);
    u16(0);
    u16(0);
    u16(0);
    u16(method);
    u32(0);
    u32(crc32(content));
    u32(packed);
    u32(size);
    u16(name.length);
    for (let i = 0; i < 4; i++) u16(0);
    u32(0);
    u32(start);
    parts.push(...strToU8(name));
  }
  const length = parts.length - directory;
  u32(0x06054b50);
  u32(0);
  u16(entries.length);
  u16(entries.length);
  u32(length);
  u32(directory);
  u16(0);
  return Uint8Array.from(parts);
}

describe("one file of a zip", () => {
  const content = strToU8("cat\ndog\n");
  const read = async (bytes: Uint8Array, name = "labels.txt", budget = new Budget()) =>
    (await readZip(bytes, [name], "zip", budget)).get(name);

  test("stored, deflated, behind other bytes by either way of counting offsets", async () => {
    expect(await read(zip([{ name: "labels.txt", content }]))).toEqual(content);
    expect(await read(zip([{ name: "labels.txt", content }], new Uint8Array(99)))).toEqual(content);
    const deflated = zipSync({ "other.txt": strToU8("x"), "labels.txt": content });
    expect(await read(deflated)).toEqual(content);
    expect(await read(Uint8Array.from([...new Uint8Array(77), ...deflated]))).toEqual(content);
    expect(await read(deflated, "none.txt")).toBeUndefined();
    await expect(read(content)).rejects.toThrow(/with its directory, got none/);
  });

  test("a directory that names one file two hundred times", async () => {
    const file = zip(new Array<Entry>(200).fill({ name: "labels.txt", content }));
    await expect(read(file)).rejects.toThrow(/expected 'labels.txt' once in the zip, got it twice/);
  });

  test.each<[string, Entry, RegExp]>([
    [
      "more in it than the directory says",
      { name: "labels.txt", content: zeros(1e6), method: 8, size: 10 },
      /of 10 bytes, got more/,
    ],
    ["less in it", { name: "labels.txt", content: zeros(100), method: 8, size: 1000 }, /of 1000 bytes, got 100/],
    ["longer than the file", { name: "labels.txt", content, packed: 1 << 20 }, /with 1048576 bytes of/],
    ["stored, with two sizes", { name: "labels.txt", content, size: 3 }, /of 3 bytes, got 8 that cannot hold them/],
    ["noise for deflate", { name: "labels.txt", content, method: 8, size: 8 }, /damaged|of 8 bytes/],
  ])("%s", async (_, entry, message) => {
    await expect(read(zip([entry]))).rejects.toThrow(FormatError);
    await expect(read(zip([entry]))).rejects.toThrow(message);
  });

  test("what the budget does not allow or the bytes cannot hold is not unpacked", async () => {
    const large = { name: "labels.txt", content: zeros(1e6), method: 8, size: 1e6 };
    await expect(read(zip([large]), "labels.txt", new Budget({ limits: { maxUnpackedBytes: 1e5 } }))).rejects.toThrow(
      MemoryError,
    );
    await expect(read(zip([{ ...large, size: 2 ** 25 }]))).rejects.toThrow(/that cannot hold them/);
  });

  test("labels of a model count too", async () => {
    const bytes = model("float32", buildMetadata([0], [1], "labels.txt"));
    const file = Uint8Array.from([...bytes, ...zip([{ name: "labels.txt", content }])]);
    expect((await fromTflite(file)).source.labels).toEqual(["cat", "dog"]);
    const budget = new Budget({ limits: { maxUnpackedBytes: 7 } });
    await expect(fromTflite(file, { budget })).rejects.toThrow(MemoryError);
  });
});

/** Deflated zeros: a thousandth of what they come to. */
function zeros(length: number): Uint8Array {
  const packed = zipSync({ z: new Uint8Array(length) }, { level: 9 });
  const view = new DataView(packed.buffer, packed.byteOffset);
  const start = 30 + view.getUint16(26, true) + view.getUint16(28, true);
  const end = packed.length - 22;
  return packed.slice(start, view.getUint32(end + 16, true));
}
