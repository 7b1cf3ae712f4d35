import { describe, expect, test } from "vitest";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { importModel, recognize } from "../../src/formats/recognize.ts";
import { toSafetensors } from "../../src/formats/safetensors/read.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";

const latin = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A zip file with empty entries. */
function zip(...names: string[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const name of names) {
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    parts.push(local, Buffer.from(name));
    directory.push(entry, Buffer.from(name));
    offset += 30 + name.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(names.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end, Buffer.from("comment")]);
}

describe("recognize", () => {
  test.each<readonly [string, Uint8Array, string]>([
    ["TFLite", latin("\x1c\0\0\0TFL3\0\0"), "tflite"],
    ["HDF5", latin("\x89HDF\r\n\x1a\n\0\0"), "keras"],
    [".keras", zip("metadata.json", "config.json", "model.weights.h5"), "keras"],
    ["safetensors", toSafetensors(new Map([["a", { shape: [1], data: Float32Array.of(1) }]])), "safetensors"],
    ["layers model", json({ format: "layers-model", modelTopology: {}, weightsManifest: [] }), "tfjs"],
    ["graph model", json({ format: "graph-model", modelTopology: { node: [] }, weightsManifest: [] }), "tfjs"],
    ["model.json without format", json({ modelTopology: {}, weightsManifest: [] }), "tfjs"],
    ["model.json after a byte order mark", latin(`\xef\xbb\xbf\n {"modelTopology":{}}`), "tfjs"],
    ["bare manifest", json([{ weights: [], paths: ["a"] }]), "face-api"],
    ["ONNX", latin("\x08\x08\x12\x07pytorch"), "onnx"],
  ])("%s", (_, bytes, format) => {
    expect(recognize("model", bytes)).toBe(format);
  });

  test.each<readonly [string, Uint8Array, RegExp]>([
    ["HTML", latin("  <!DOCTYPE HTML><html>"), /HTML page/],
    ["HTML without doctype", latin("<html><body>"), /HTML page/],
    [
      "LFS pointer",
      latin("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
      /Git LFS pointer; .*git lfs pull/,
    ],
    ["XML", latin('<?xml version="1.0"?><Error>'), /XML/],
    ["PNG", latin("\x89PNG\r\n\x1a\n"), /PNG image/],
    ["JPEG", latin("\xff\xd8\xff\xe0\0\x10JFIF"), /JPEG image/],
    ["GIF", latin("GIF89a\0\0"), /GIF image/],
    ["WebP", latin("RIFF\0\0\0\0WEBPVP8 "), /WebP image/],
    ["BMP", latin("BM\x36\0\0\0\0\0"), /BMP image/],
    ["wasm", latin("\0asm\x01\0\0\0"), /WebAssembly/],
    ["npy", latin("\x93NUMPY\x01\0"), /NumPy array/],
    ["npz", zip("a.npy"), /NumPy arrays/],
    ["gzip", latin("\x1f\x8b\x08\0\0\0\0\0"), /gzip file; unpack/],
    ["other zip", zip("model.json", "a.bin"), /zip file with model\.json, a\.bin; unpack/],
    ["truncated zip", zip("config.json").subarray(0, 60), /truncated or damaged zip/],
    ["damaged JSON", latin('{"modelTopology":'), /expected JSON, got/],
    ["JSON that is not UTF-8", latin('{"\xff":1}'), /not UTF-8/],
    ["other JSON", json({ a: 1, b: 2 }), /got JSON with a, b/],
    ["labels", json(["cat", "dog"]), /JSON list of 2 other items/],
    ["Keras configuration", json({ class_name: "Sequential", config: {} }), /Keras configuration alone/],
    ["text", latin("hello world"), /got 11 bytes that begin with 68 65 6c 6c 6f 20 77 6f/],
    ["one byte", latin("x"), /got 1 bytes that begin with 78/],
  ])("tells what else it is: %s", (_, bytes, message) => {
    expect(() => recognize("file.bin", bytes)).toThrow(FormatError);
    expect(() => recognize("file.bin", bytes)).toThrow(message);
    expect(() => recognize("file.bin", bytes)).toThrow(/^file\.bin: /);
  });

  test.each<readonly [string, Uint8Array, RegExp]>([
    ["PyTorch zip", zip("archive/data.pkl", "archive/data/0"), /PyTorch checkpoint; .* safetensors/],
    ["pickle", latin("\x80\x02}q\0(X\0\0"), /pickle/],
    ["ORT", latin("\x18\0\0\0ORTM\0\0"), /ONNX Runtime/],
    ["SavedModel", latin("\x08\x01\x12\x80\x01"), /SavedModel; convert/],
    ["frozen graph", latin("\x0a\x30\x0a\x05input"), /frozen TensorFlow graph/],
    ["GGUF", latin("GGUF\x03\0\0\0"), /GGUF/],
  ])("other frameworks' models are not supported: %s", (_, bytes, message) => {
    expect(() => recognize("file.bin", bytes)).toThrow(UnsupportedError);
    expect(() => recognize("file.bin", bytes)).toThrow(message);
  });
});

describe("importModel", () => {
  const bytes = toSafetensors(initialize(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 3 }), 1));

  test("hands bytes and options to the importer", async () => {
    expect((await importModel(bytes)).inputs[0]!.shape).toEqual([1, 64, 64, 3]);
    expect((await importModel(bytes, { resolution: 96 })).inputs[0]!.shape).toEqual([1, 96, 96, 3]);
    expect((await importModel({ "weights.bin": new Blob([bytes]) })).source.format).toBe("safetensors");
  });

  test("hands siblings to the importer", async () => {
    const manifest = [{ paths: ["face.bin"], weights: [{ name: "w", shape: [2], dtype: "float32" }] }];
    const files = { "face-weights_manifest.json": json(manifest), "face.bin": new Uint8Array(4) };
    await expect(importModel(files)).rejects.toThrow("face.bin: expected 8 bytes, got 4");
    await expect(importModel({ "face-weights_manifest.json": json(manifest) })).rejects.toThrow(
      /expected "face\.bin" among the files/,
    );
  });

  test("stops when aborted", async () => {
    await expect(importModel(bytes, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });
});
