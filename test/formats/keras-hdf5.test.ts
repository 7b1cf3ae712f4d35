/**
 * What is stored in HDF5 files and how, with h5wasm (the HDF Group's own library) as the writer; and files that claim
 * what is not there.
 */
import { deflateSync } from "node:zlib";
import type { File, FileOptions } from "h5wasm";
import { describe, expect, test } from "vitest";
import { FormatError, MemoryError, UnsupportedError } from "../../src/errors.ts";
import { Hdf5Bytes } from "../../src/formats/hdf5/bytes.ts";
import { unfilter } from "../../src/formats/hdf5/filters.ts";
import { openHdf5 } from "../../src/formats/keras/hdf5.ts";
import { Budget } from "../../src/limits.ts";
import { random } from "../cases/random.ts";
import { processorTime } from "../processor-time.ts";
import { buildFile } from "./builders/hdf5.ts";

const draw = random("hdf5");
const numbers = draw.floats(7 * 9 * 5);

/** What h5py writes, and Keras with it. */
const OLD: NonNullable<FileOptions["libver"]> = ["earliest", "latest"];

type Create = Parameters<File["create_dataset"]>[0];

const open = (bytes: Uint8Array, budget = new Budget()) => openHdf5(bytes, "test", budget);

async function only(bytes: Uint8Array, budget?: Budget): Promise<Float32Array> {
  const found = open(bytes, budget).datasets("");
  expect(found).toHaveLength(1);
  return found[0]![1].read();
}

const one = (args: Omit<Create, "name">, options?: FileOptions) =>
  buildFile((file) => file.create_dataset({ name: "x", ...args } as Create), options);

describe("numbers of every type", () => {
  test.each([
    ["<f", numbers],
    ["<d", Float64Array.from(numbers)],
    ["<b", Int8Array.of(-128, 0, 127)],
    ["<B", Uint8Array.of(0, 128, 255)],
    ["<h", Int16Array.of(-32768, 0, 32767)],
    ["<H", Uint16Array.of(0, 65535)],
    ["<i", Int32Array.of(-(2 ** 31), 5)],
    ["<I", Uint32Array.of(0, 2 ** 31)],
    ["<Q", BigUint64Array.of(5n, 2n ** 40n)],
    ["<q", BigInt64Array.of(-5n, 7n)],
  ])("%s", async (dtype, data) => {
    const bytes = await one({ data: data as Float32Array, dtype });
    expect(await only(bytes)).toEqual(Float32Array.from(data as Float32Array, Number));
  });

  test("big-endian ones", async () => {
    const doubles = await one({ data: Float64Array.of(1, -2, Math.PI), dtype: "<d" });
    doubles[indexOf(doubles, [0x11, 0x20, 63, 0, 8, 0, 0, 0, 0, 0, 64, 0]) + 1]! |= 1;
    swap(doubles, Float64Array.of(1, -2, Math.PI));
    expect(await only(doubles)).toEqual(Float32Array.of(1, -2, Math.PI));
    const integers = await one({ data: Int32Array.of(-5, 2 ** 30, 7), dtype: "<i" });
    integers[indexOf(integers, [0x10, 8, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0]) + 1]! |= 1;
    swap(integers, Int32Array.of(-5, 2 ** 30, 7));
    expect(await only(integers)).toEqual(Float32Array.of(-5, 2 ** 30, 7));
  });

  test.each([
    [
      "float16",
      [15, 10, 5, 10, 15],
      [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x3555],
      [1, -2, 2 ** -24, 65504, Infinity, 0.333251953125],
    ],
    ["bfloat16", [15, 7, 8, 7, 127], [0x3f80, 0xc000, 0x7f80, 0x3eab], [1, -2, Infinity, 0.333984375]],
  ] as const)("%s, by its bits", async (_, [sign, at, exponent, mantissa, bias], halves, expected) => {
    const data = Float32Array.from(halves, (_, i) => i + 1);
    const bytes = await one({ data });
    const type = indexOf(bytes, [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]);
    bytes.set([0x11, 0x20, sign, 0, 2, 0, 0, 0, 0, 0, 16, 0, at, exponent, 0, mantissa, bias, 0, 0, 0], type);
    bytes.set(new Uint8Array(Uint16Array.from(halves).buffer), indexOf(bytes, [...new Uint8Array(data.buffer)]));
    expect(await only(bytes)).toEqual(Float32Array.from(expected));
    // The same with its mantissa said to be elsewhere is a float that nobody knows.
    bytes[type + 15] = 3;
    await expect(only(bytes)).rejects.toThrow(UnsupportedError);
  });

  test("text is refused", async () => {
    await expect(only(await one({ data: ["a", "b"] }))).rejects.toThrow(UnsupportedError);
    await expect(only(await one({ data: ["a", "b"] }))).rejects.toThrow(/'x': expected numbers, got variable-length/);
  });
});

function indexOf(bytes: Uint8Array, part: readonly number[]): number {
  return bytes.findIndex((_, i) => part.every((byte, j) => bytes[i + j] === byte));
}

/** Turns numbers in a file round. */
function swap(bytes: Uint8Array, data: Float64Array | Int32Array): void {
  const own = new Uint8Array(data.buffer);
  const at = indexOf(bytes, [...own]);
  for (let i = 0; i < own.length; i++) {
    const size = data.BYTES_PER_ELEMENT;
    bytes[at + i] = own[i - (i % size) + size - 1 - (i % size)]!;
  }
}

describe("chunks", () => {
  test.each([
    ["plain", {}],
    ["gzip", { compression: 5 }],
    ["shuffled", { compression: 2, compression_opts: [4] }],
    ["with checksums", { compression: 3, compression_opts: [] }],
  ])("%s, in pieces that do not divide the shape", async (_, more) => {
    for (const [shape, chunks] of [
      [[315], [40]],
      [
        [63, 5],
        [10, 5],
      ],
      [
        [63, 5],
        [63, 2],
      ],
      [
        [7, 9, 5],
        [3, 4, 2],
      ],
      [
        [7, 9, 5],
        [7, 9, 5],
      ],
      [
        [7, 9, 5, 1],
        [2, 9, 5, 1],
      ],
      [
        [1, 1, 45, 7],
        [1, 1, 8, 7],
      ],
    ] as const) {
      for (const libver of [OLD, "v108", "v110", "v114"] as const) {
        const bytes = await one({ data: numbers, shape: [...shape], chunks: [...chunks], ...more }, { libver });
        const dataset = open(bytes).datasets("")[0]![1];
        expect(dataset.shape).toEqual(shape);
        expect(await dataset.read()).toEqual(numbers);
      }
    }
  });

  test("shuffled, then with a checksum, then packed, as h5py does it", async () => {
    const plain = new Uint8Array(numbers.buffer);
    const shuffled = plain.map((_, i) => plain[4 * (i % numbers.length) + Math.floor(i / numbers.length)]!);
    const packed = deflateSync(Uint8Array.from([...shuffled, 1, 2, 3, 4]));
    const chunks = { size: plain.length, elementSize: 4 };
    const kinds = ["shuffle", "fletcher32", "deflate"] as const;
    const filters = kinds.map((kind) => ({ kind }));
    const scratch = [0, 1].map(() => new Uint8Array(plain.length + 4));
    const file = new Hdf5Bytes(packed, "test", new Budget());
    expect(await unfilter(packed, filters, chunks, scratch, file, "x")).toEqual(plain);
  });

  test("those that were never written are 0", async () => {
    const bytes = await buildFile((file) => {
      const x = file.create_dataset({
        name: "x",
        data: Float32Array.of(1, 2, 3, 4),
        shape: [2, 2],
        maxshape: [null, null],
        chunks: [2, 2],
        compression: 4,
      });
      x.resize([3, 5]);
    });
    expect(await only(bytes)).toEqual(Float32Array.of(1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0));
  });

  test("those outside a dataset that was made smaller are passed over", async () => {
    const bytes = await buildFile((file) => {
      const x = file.create_dataset({ name: "x", data: numbers, maxshape: [null], chunks: [10] });
      x.resize([15]);
    });
    expect(await only(bytes)).toEqual(numbers.slice(0, 15));
  });

  test("thousands of them, as of now", async () => {
    const data = draw.floats(5000);
    for (const compression of [undefined, 1]) {
      const bytes = await one({ data, chunks: [1], ...(compression && { compression }) }, { libver: "v114" });
      expect(await only(bytes)).toEqual(data);
      const grows = await one({ data, chunks: [7], maxshape: [null] }, { libver: "v114" });
      await expect(only(grows)).rejects.toThrow(UnsupportedError);
    }
  });

  test("filters that are not known are refused by name", async () => {
    const bytes = await one({ data: numbers, chunks: [40], compression: 4 });
    // Version 2, one filter: gzip, without flags, one value.
    const at = indexOf(bytes, [2, 1, 1, 0, 0, 0, 1, 0, 4, 0, 0, 0]);
    expect(at).toBeGreaterThan(0);
    bytes[at + 2] = 4;
    await expect(only(bytes)).rejects.toThrow(/expected gzip, shuffle or fletcher32 as filter, got szip/);
  });
});

describe("groups", () => {
  const names = Array.from({ length: 300 }, (_, i) => `layer_${i}`);

  test.each([
    ["as of old", { libver: OLD }],
    ["in order of making", { libver: OLD, track_order: true }],
    ["as is usual", {}],
    ["as of HDF5 1.8 on", { libver: "v108" }],
    ["as of HDF5 1.8 on, in order", { libver: "v108", track_order: true }],
    ["as of now", { libver: "latest" }],
  ] as const)("hundreds of names, %s", async (_, options) => {
    // Attributes of old groups have to fit into a message of 64 KiB.
    const text = "z".repeat("libver" in options && options.libver === OLD ? 60_000 : 100_000);
    const bytes = await buildFile((file) => {
      for (const [i, name] of names.entries()) {
        file.create_group(name, "track_order" in options).create_dataset({ name: "w", data: Float32Array.of(i) });
      }
      for (const name of names.slice(0, 30)) file.create_attribute(name, name);
      file.create_attribute("long", text);
      file.create_attribute("number", 3);
      file.create_attribute("list", names);
      file.create_attribute("list2", ["a", "bc"], null, "S2");
    }, options);
    const file = open(bytes);
    const found = new Map(file.datasets(""));
    expect(found.size).toBe(names.length);
    for (const [i, name] of names.entries()) expect(await found.get(`${name}/w`)!.read()).toEqual(Float32Array.of(i));
    for (const name of names.slice(0, 30)) expect(file.attribute(name)).toBe(name);
    expect(file.attribute("long")).toBe(text);
    expect(file.attribute("number")).toBeUndefined();
    expect(file.attribute("none")).toBeUndefined();
    expect(file.texts("", "list")).toEqual(names);
    expect(file.texts("", "list2")).toEqual(["a", "bc"]);
  });

  test("names in any script", async () => {
    const bytes = await buildFile((file) => {
      file.create_group("卷积_1/ß".split("/")[0]!).create_dataset({ name: "ядро:0", data: Float32Array.of(7) });
    });
    expect(
      open(bytes)
        .datasets("")
        .map(([path]) => path),
    ).toEqual(["卷积_1/ядро:0"]);
    const latin = bytes.slice();
    latin.set([0xff, 0xfe], indexOf(latin, [...new TextEncoder().encode("ядро")]));
    expect(() => open(latin).datasets("")).toThrow(/expected text in UTF-8/);
  });

  test("soft links are followed; those that lead nowhere are nothing, circles and other files are errors", async () => {
    const soft = await buildFile((file) => {
      file.create_group("a").create_dataset({ name: "x", data: Float32Array.of(7) });
      file.create_soft_link("/a/x", "y");
      file.create_soft_link("nowhere", "z");
    });
    const found = new Map(open(soft).datasets(""));
    expect([...found.keys()].sort()).toEqual(["a/x", "y"]);
    expect(await found.get("y")!.read()).toEqual(Float32Array.of(7));
    const circle = await buildFile((file) => file.create_soft_link("/y", "y"));
    expect(() => open(circle).datasets("")).toThrow(FormatError);
    const nest = await buildFile((file) => file.create_group("a").create_soft_link("/a", "b"));
    expect(() => open(nest).datasets("")).toThrow(FormatError);
    const other = await buildFile((file) => file.create_external_link("other.h5", "/x", "x"));
    expect(() => open(other).datasets("")).toThrow(UnsupportedError);
    expect(() => open(other).datasets("")).toThrow(
      /'x': expected an object of this file, got a link into another, other\.h5/,
    );
  });
});

describe("files that claim more than they hold", () => {
  const huge = 5e8;

  test("a shape of 5·10⁸ numbers, of which none was written", async () => {
    const bytes = await buildFile((file) => {
      const x = file.create_dataset({
        name: "x",
        data: Float32Array.of(1),
        maxshape: [null],
        chunks: [1000],
        compression: 9,
      });
      x.resize([huge]);
    });
    expect(bytes.length).toBeLessThan(20_000);
    const began = processorTime();
    await expect(only(bytes)).rejects.toThrow(MemoryError);
    await expect(only(bytes, new Budget({ limits: { maxUnpackedBytes: 1e6 } }))).rejects.toThrow(/maxUnpackedBytes/);
    expect(processorTime() - began).toBeLessThan(500);
  });

  test("contiguous numbers beyond the file", async () => {
    const bytes = await one({ data: numbers });
    const at = indexOf(bytes, [59, 1, 0, 0, 0, 0, 0, 0]);
    expect(at).toBeGreaterThan(0);
    bytes.set([0, 0x65, 0xcd, 0x1d], at);
    await expect(only(bytes)).rejects.toThrow(FormatError);
  });

  test("a bomb of zeros is unpacked to what its chunk claims, and no further than the budget", async () => {
    const bytes = await buildFile((file) => {
      const data = new Float32Array(4e6);
      file.create_dataset({ name: "x", data, chunks: [1_000_000], compression: 9 });
    });
    expect(bytes.length).toBeLessThan(40_000);
    await expect(only(bytes, new Budget({ limits: { maxUnpackedBytes: 15e6 } }))).rejects.toThrow(MemoryError);
    expect(await only(bytes, new Budget({ limits: { maxUnpackedBytes: 26e6 } }))).toHaveLength(4e6);
    const claimed = bytes.slice();
    // Chunks of 1,000 numbers: each holds 4·10⁶ bytes, and none may be unpacked.
    claimed.set([0xe8, 3, 0, 0], indexOf(claimed, [0x40, 0x42, 0x0f, 0, 4, 0, 0, 0]));
    await expect(only(claimed)).rejects.toThrow(/expected a deflate stream of 4000 bytes, got more/);
  });

  test("chunks that reach far over the edge of the shape", async () => {
    const bytes = await buildFile((file) => {
      const args = { shape: [100, 12_000], maxshape: [null, null], chunks: [1, 12_000], compression: 9 };
      file.create_dataset({ name: "x", data: new Float32Array(1_200_000), ...args }).resize([100, 1]);
    });
    // 400 bytes of numbers, for which 4.8 million are unpacked.
    await expect(only(bytes, new Budget({ limits: { maxUnpackedBytes: 4e6 } }))).rejects.toThrow(MemoryError);
    expect(await only(bytes)).toEqual(new Float32Array(100));
  });

  test("a chunk whose bytes were changed", async () => {
    const bytes = await one({ data: numbers, chunks: [315], compression: 4 });
    const at = indexOf(bytes, [0x78, 0x5e]);
    expect(at).toBeGreaterThan(0);
    for (let i = 0; i < 300; i++) {
      const changed = bytes.slice();
      changed[at + i]! ^= 1 << draw.int(0, 7);
      await expect(only(changed)).rejects.toThrow(FormatError);
    }
  });

  test("big datasets give the event loop its turn, and can be aborted", async () => {
    const bytes = await one({ data: new Float32Array(8e6), chunks: [8e6], compression: 1 });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await only(bytes);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 5);
    await expect(only(bytes, new Budget({ signal: abort.signal }))).rejects.toThrow(/aborted/);
  });
});
