import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatNpy, parseNpy } from "../../src/cli/npy.ts";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import type { TensorData } from "../../src/graph/graph.ts";
import { processorTime } from "../processor-time.ts";
import { shared } from "./sepconv.ts";

/** A file with this header text and these bytes of data, whatever they say. */
function file(header: string, data: Uint8Array | number = 0, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const size =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, (text.length >> 8) & 255, 0, 0];
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, ...size, ...text, ...body]);
}

const dict = (descr: string, shape: string, order = "False"): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

describe("npy", () => {
  const arrays: readonly [string, TensorData, readonly number[]][] = [
    ["float32", Float32Array.of(1.5, -0, Number.NaN, Infinity, 1e-45, 3), [1, 2, 3]],
    ["uint8", Uint8Array.of(0, 127, 255), [3]],
    ["int8", Int8Array.of(-128, 0, 127), [1, 3, 1]],
    ["int32", Int32Array.of(-(2 ** 31), 2 ** 31 - 1), [2, 1]],
    ["a scalar", Float32Array.of(7), []],
    ["no elements", new Float32Array(0), [0, 5]],
  ];
  it.each(arrays)("reads what it writes: %s", (_, data, shape) => {
    const bytes = formatNpy(data, shape);
    const read = parseNpy(bytes, "x.npy");
    expect(read.shape).toEqual(shape);
    expect(read.data).toEqual(data);
    expect(bytes.length - data.byteLength).toSatisfy((start: number) => start % 64 === 0);
  });

  it("reads from the middle of a buffer, at an odd address", () => {
    const inner = formatNpy(Float32Array.of(1, 2), [2]);
    const outer = new Uint8Array(inner.length + 8);
    outer.set(inner, 3);
    expect(parseNpy(outer.subarray(3, 3 + inner.length), "x.npy").data).toEqual(Float32Array.of(1, 2));
  });

  it("rounds float64 to float32", () => {
    const data = new Uint8Array(new Float64Array([0.1, -1e300]).buffer);
    expect(parseNpy(file(dict("'<f8'", "(2,)"), data), "x.npy")).toEqual({
      shape: [2],
      dtype: "float32",
      data: Float32Array.of(Math.fround(0.1), -Infinity),
    });
  });

  it.each([2, 3])("reads version %i", (version) => {
    expect(parseNpy(file(dict("'|u1'", "(2, 1)"), Uint8Array.of(4, 5), version), "x.npy").data).toEqual(
      Uint8Array.of(4, 5),
    );
  });

  it.each([
    ["keys in another order, double quotes", `{"shape": (2,), "fortran_order": False, "descr": "|i1"}`],
    ["no spaces, no last comma", "{'descr':'|i1','fortran_order':False,'shape':(2,)}"],
    ["Python 2's long sizes", dict("'|i1'", "(2L,)")],
  ])("reads a header with %s", (_, header) => {
    expect(parseNpy(file(header, 2), "x.npy").shape).toEqual([2]);
  });

  const good = dict("'<f4'", "(2,)");
  const lies: readonly [string, Uint8Array, typeof FormatError | typeof UnsupportedError, RegExp][] = [
    ["empty", new Uint8Array(0), FormatError, /empty/],
    ["not npy", new TextEncoder().encode("PK\x03\x04 an .npz archive"), FormatError, /NUMPY/],
    ["cut in the magic", file(good, 8).subarray(0, 5), FormatError, /NUMPY/],
    ["version 4", file(good, 8, 4), UnsupportedError, /1\.0 to 3\.0, got 4\.0/],
    ["version 0", file(good, 8, 0), UnsupportedError, /got 0\.0/],
    ["cut in the header", file(good, 8).subarray(0, 40), FormatError, /header at offset 10.*got 30/],
    ["cut in the header length", file(good, 8, 2).subarray(0, 11), FormatError, /offset 8/],
    ["one byte of data too few", file(good, 7), FormatError, /expected 8 bytes of data at offset \d+, got 7/],
    ["one byte of data too many", file(good, 9), FormatError, /got 9/],
    ["no data", file(good, 0), FormatError, /got 0/],
    ["a header that is no dict", file("[1, 2]\n", 8), FormatError, /dict/],
    ["an empty dict", file("{}\n", 8), FormatError, /'(descr|shape)': expected .* got nothing/],
    [
      "no shape",
      file("{'descr': '<f4', 'fortran_order': False}", 8),
      FormatError,
      /'shape': expected a tuple of sizes, got nothing/,
    ],
    ["a shape that is a list", file(dict("'<f4'", "[2]"), 8), FormatError, /'shape'/],
    ["a negative size", file(dict("'<f4'", "(-2,)"), 8), FormatError, /'shape'.*-2/],
    ["a fractional size", file(dict("'<f4'", "(2.5,)"), 8), FormatError, /'shape'/],
    ["code in the shape", file(dict("'<f4'", "(__import__,)"), 8), FormatError, /'shape'/],
    ["sizes beyond any file", file(dict("'<f4'", "(4294967296, 4294967296)"), 8), FormatError, /a file can hold/],
    ["a size of 400 digits", file(dict("'<f4'", `(${"9".repeat(400)},)`), 8), FormatError, /a file can hold/],
    ["0 times beyond", file(dict("'<f4'", "(0, 99999999999999999999)"), 0), FormatError, /a file can hold/],
    ["rubbish between entries", file("{'descr': '<f4', rubbish}", 8), FormatError, /a key and a value/],
    ["descr True", file(dict("True", "(2,)"), 8), FormatError, /'descr'/],
    ["fortran_order 'False'", file(dict("'<f4'", "(2,)", "'False'"), 8), FormatError, /'fortran_order'/],
    ["Fortran order", file(dict("'<f4'", "(2,)", "True"), 8), UnsupportedError, /C order.*fortran_order/],
    ["big endian", file(dict("'>f4'", "(2,)"), 8), UnsupportedError, /big-endian/],
    ["int64", file(dict("'<i8'", "(1,)"), 8), UnsupportedError, /<i8/],
    ["float16", file(dict("'<f2'", "(1,)"), 2), UnsupportedError, /<f2/],
    ["pickled objects", file(dict("'|O'", "(1,)"), 8), UnsupportedError, /\|O/],
    ["records", file(dict("[('a', '<f4')]", "(2,)"), 8), UnsupportedError, /\[\('a'/],
    ["an empty descr", file(dict("''", "(2,)"), 8), UnsupportedError, /type/],
  ];
  it.each(lies)("refuses: %s", (_, bytes, kind, words) => {
    const parse = () => parseNpy(bytes, "folder/x.npy");
    expect(parse).toThrow(kind);
    expect(parse).toThrow(words);
    expect(parse).toThrow(/^folder\/x\.npy: /);
  });

  it("answers a hostile header at once", () => {
    const start = processorTime();
    for (const text of [
      `{${"'a': 'b', ".repeat(6000)}`,
      `{'shape': (${"1, ".repeat(20000)}`,
      `{${"(".repeat(60000)}}`,
    ]) {
      expect(() => parseNpy(file(text.slice(0, 65000)), "x.npy")).toThrow(/expected at most 10000 bytes, got/);
      expect(() => parseNpy(file(text.slice(0, 10000)), "x.npy")).toThrow(FormatError);
    }
    for (const text of [
      `{'shape': (${" ".repeat(9900)}1 1)}`,
      `{'shape': (${"1 ".repeat(4900)})}`,
      `{${" ".repeat(9900)}a}`,
    ]) {
      expect(() => parseNpy(file(text), "x.npy")).toThrow(FormatError);
    }
    expect(processorTime() - start).toBeLessThan(5000);
  });

  it("refuses data of another length than its shape's", () => {
    expect(() => formatNpy(new Float32Array(3), [2, 2])).toThrow(RangeError);
  });

  const reference = shared("reference/vww_96_float/cat.output.npy");
  it.skipIf(!reference)("reads what NumPy wrote, byte for byte what it writes itself", () => {
    const bytes = readFileSync(reference!);
    const { shape, data } = parseNpy(bytes, "cat.output.npy");
    expect(shape).toEqual([1, 2]);
    expect(Buffer.from(formatNpy(data, shape))).toEqual(bytes);
  });
});
