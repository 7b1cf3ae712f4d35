import { describe, expect, test } from "vitest";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import {
  decodeTensor,
  fromSafetensors,
  readSafetensors,
  type Tensor,
  toSafetensors,
} from "../../src/formats/safetensors/read.ts";
import type { Graph, Shape } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { validate } from "../../src/graph/validate.ts";
import { type MobilenetV1Options, mobilenetV1 } from "../../src/models/mobilenet-v1.ts";

/** A file with this header and so many bytes of data; `claimed` lies about the header's length. */
function file(header: unknown, dataBytes = 0, claimed?: bigint): Uint8Array {
  const json = typeof header === "string" ? Buffer.from(header, "latin1") : Buffer.from(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (dtype: string, shape: readonly unknown[], begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("lies", () => {
  const good = entry("F32", [2], 0, 8);
  test.each<readonly [string, Uint8Array, RegExp]>([
    ["no length", new Uint8Array(7), /expected 8 bytes of header length, got 7/],
    ["a header longer than allowed", file({}, 0, 100_000_001n), /at most 100000000 bytes, got 100000001/],
    ["a header of 2^63 bytes", file({}, 0, 1n << 63n), /got 9223372036854775808/],
    [
      "a header longer than the file",
      file({ a: good }, 8, 90n),
      /expected a header of 90 bytes at byte 8, got 62 bytes/,
    ],
    ["an empty header", file(""), /header of JSON/],
    ["no UTF-8", file('{"\xff":1}'), /UTF-8/],
    ["a byte order mark", file("\xef\xbb\xbf{}"), /header/],
    ["no JSON", file("{nonsense"), /header of JSON/],
    ["a list", file("[]"), /begins with \{/],
    ["white space first", file(" {}"), /begins with \{/],
    ["null", file("null"), /begins with \{/],
    ["a tensor that is a number", file({ a: 1 }), /tensor "a": expected \{ dtype/],
    ["no dtype", file({ a: { shape: [], data_offsets: [0, 4] } }, 4), /tensor "a": expected a dtype/],
    ["no shape", file({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), /tensor "a": expected a shape/],
    [
      "a negative dimension",
      file({ a: entry("F32", [-2], 0, 8) }, 8),
      /tensor "a": expected a shape of whole numbers, got \[-2\]/,
    ],
    ["a fraction", file({ a: entry("F32", [0.5], 0, 2) }, 2), /got \[0.5\]/],
    ["a dimension in quotes", file({ a: entry("F32", ["2"], 0, 8) }, 8), /got \["2"\]/],
    [
      "three offsets",
      file({ a: { ...good, data_offsets: [0, 4, 8] } }, 8),
      /expected data_offsets \[begin, end\], got \[0,4,8\]/,
    ],
    ["a negative offset", file({ a: entry("F32", [2], -8, 0) }, 8), /got \[-8,0\]/],
    ["an offset beyond 2^53", file({ a: entry("F32", [2], 2 ** 60, 2 ** 60 + 8) }, 8), /data_offsets/],
    [
      "offsets the wrong way round",
      file({ a: entry("F32", [2], 8, 0) }, 8),
      /expected 8 bytes for F32 \[2\], got offsets 8 … 0/,
    ],
    [
      "a shape larger than its offsets",
      file({ a: entry("F32", [3], 0, 8) }, 8),
      /tensor "a": expected 12 bytes for F32 \[3\], got offsets 0 … 8/,
    ],
    ["a dtype wider than its offsets", file({ a: entry("F64", [2], 0, 8) }, 8), /expected 16 bytes/],
    ["a shape that overflows", file({ a: entry("F32", [2 ** 31, 2 ** 31, 4], 0, 8) }, 8), /tensor "a": expected/],
    [
      "a tensor behind the end",
      file({ a: entry("F32", [2], 0, 8) }, 4),
      /tensor "a": expected data up to byte 8, got 4/,
    ],
    ["bytes that no tensor covers", file({ a: good }, 12), /expected 8 bytes of data, got 12/],
    [
      "bytes before the first tensor",
      file({ a: entry("F32", [2], 4, 12) }, 12),
      /tensor "a": expected to begin at 0, got 4, which leaves a gap/,
    ],
    [
      "a gap",
      file({ a: good, b: entry("F32", [1], 12, 16) }, 16),
      /tensor "b": expected to begin at 8, got 12, which leaves a gap/,
    ],
    [
      "an overlap",
      file({ b: entry("F32", [2], 4, 12), a: good }, 12),
      /tensor "b": expected to begin at 8, got 4, which overlaps/,
    ],
    ["one tensor twice", file({ a: good, b: good }, 8), /tensor "b": .* overlaps/],
    ["metadata that is no record", file({ __metadata__: [] }), /__metadata__/],
    ["metadata with a number", file({ __metadata__: { a: 1 } }), /__metadata__/],
  ])("%s", async (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(FormatError);
    expect(() => readSafetensors(bytes)).toThrow(message);
    await expect(fromSafetensors(bytes)).rejects.toThrow(FormatError);
  });

  test("a dtype of unknown size", () => {
    expect(() => readSafetensors(file({ a: entry("F4", [2], 0, 1) }, 1))).toThrow(UnsupportedError);
    expect(() => readSafetensors(file({ a: entry("toString", [2], 0, 1) }, 1))).toThrow(/tensor "a": .* got toString/);
  });

  test("every truncation of a good file", () => {
    const bytes = toSafetensors(new Map([["a", { shape: [2], data: Float32Array.of(1, 2) }]]));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readSafetensors(bytes.subarray(0, length)), `${length} bytes`).toThrow(FormatError);
    }
  });
});

describe("tensors", () => {
  test("are read at any alignment, empty and scalar ones too", () => {
    const written = toSafetensors(
      new Map<string, Tensor>([
        ["u8", { shape: [3], data: Uint8Array.of(1, 2, 3) }],
        ["none", { shape: [0, 4], data: new Float32Array(0) }],
        ["scalar", { shape: [], data: Float32Array.of(Math.PI) }],
        ["i32", { shape: [1], data: Int32Array.of(-5) }],
      ]),
      { author: "ä" },
    );
    const shifted = Buffer.alloc(written.length + 1);
    shifted.set(written, 1);
    const { tensors, metadata } = readSafetensors(shifted.subarray(1));
    expect(metadata.get("author")).toBe("ä");
    expect([...tensors.keys()].toSorted()).toEqual(["i32", "none", "scalar", "u8"]);
    expect([...tensors.get("u8")!.bytes]).toEqual([1, 2, 3]);
    expect(tensors.get("none")!.shape).toEqual([0, 4]);
    expect(decodeTensor("scalar", tensors.get("scalar")!)).toEqual(Float32Array.of(Math.PI));
    expect(() => decodeTensor("i32", tensors.get("i32")!)).toThrow(/tensor "i32" at byte \d+: .* got I32/);
  });

  const ieee = [0, -0, 1, -1.5, 65504, 2 ** -14, 2 ** -24, -(2 ** -20), Infinity, -Infinity, NaN];
  const halves = [0, 0x8000, 0x3c00, 0xbe00, 0x7bff, 0x0400, 0x0001, 0x8010, 0x7c00, 0xfc00, 0x7e00];
  test.each<readonly [string, ArrayBufferView, readonly number[]]>([
    ["F16", Uint16Array.from(halves), ieee],
    ["BF16", Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7f80, 0x7fc0), [1, -2, 2 ** -133, Infinity, NaN]],
    ["F64", Float64Array.of(Math.PI, 1e300, -0), [Math.fround(Math.PI), Infinity, -0]],
    ["F32", Float32Array.from(ieee), ieee],
  ])("%s", (dtype, data, expected) => {
    const bytes = file({ a: entry(dtype, [expected.length], 0, data.byteLength) }, data.byteLength);
    bytes.set(new Uint8Array(data.buffer), bytes.length - data.byteLength);
    expect([...decodeTensor("a", readSafetensors(bytes).tensors.get("a")!)]).toEqual(expected);
  });

  test("without data, or of another length than their shape, are not written", () => {
    expect(() => toSafetensors(mobilenetV1({ alpha: 0.25, resolution: 32 }))).toThrow(TypeError);
    expect(() => toSafetensors(new Map([["a", { shape: [3], data: new Float32Array(2) }]]))).toThrow(
      /"a": expected 3 values/,
    );
  });
});

function expectSame(got: Graph, expected: Graph): void {
  expect(got.name).toBe(expected.name);
  expect(got.inputs).toEqual(expected.inputs);
  expect(got.nodes).toEqual(expected.nodes);
  expect(got.outputs).toEqual(expected.outputs);
  expect(got.endPoints).toEqual(expected.endPoints);
  expect([...got.constants.keys()]).toEqual([...expected.constants.keys()]);
  for (const [name, { shape, data }] of expected.constants) {
    expect(got.constants.get(name)!.shape).toEqual(shape);
    expect(Buffer.compare(Buffer.from(got.constants.get(name)!.data!.buffer), Buffer.from(data!.buffer)), name).toBe(0);
  }
}

describe("our own names", () => {
  const networks: readonly MobilenetV1Options[] = [
    { alpha: 0.25, resolution: 96, classes: 7 },
    { alpha: 0.25, resolution: 128, reading: "article" },
    { alpha: 0.25, resolution: 32, reading: "article", top: "classifier", classes: 3 },
    { alpha: 0.35, resolution: 32, top: "pool", batch: 2, inputChannels: 1 },
    { alpha: 0.3, resolution: 32, classes: 2, shallow: true },
    { alpha: 0.25, resolution: 32, classes: 2, convolution: "full" },
    { alpha: 0.25, resolution: 32, classes: 2, training: true, reading: "article" },
  ];
  test.each(networks)("round trip: %j", async (options) => {
    const graph = initialize(mobilenetV1(options), 1);
    const back = await fromSafetensors(toSafetensors(graph, { note: "x" }));
    expectSame(back, graph);
    expect(back.source).toEqual({ format: "safetensors", normalization: { mean: 127.5, std: 127.5 } });
    expectSame(await fromSafetensors(toSafetensors(back)), graph);
  });

  test.each(networks)("without metadata the shapes tell the network: %j", async (options) => {
    const graph = initialize(mobilenetV1(options), 1);
    const { resolution = 224, reading = "paper" } = options;
    const back = await fromSafetensors(toSafetensors(graph.constants), { resolution, reading });
    const { training: _, batch: __, ...kept } = options;
    expect(back.nodes).toEqual(mobilenetV1(kept).nodes);
    expect(back.inputs[0]!.shape.slice(1)).toEqual(graph.inputs[0]!.shape.slice(1));
  });

  test("the resolution is 224 if nothing says it, and an option overrides the metadata", async () => {
    const graph = initialize(mobilenetV1({ alpha: 0.25, resolution: 96, classes: 2 }), 1);
    expect((await fromSafetensors(toSafetensors(graph.constants))).inputs[0]!.shape).toEqual([1, 224, 224, 3]);
    expect((await fromSafetensors(toSafetensors(graph), { resolution: 64 })).inputs[0]!.shape).toEqual([1, 64, 64, 3]);
  });

  test("a graph that they could not bring back is not written", () => {
    const graph = initialize(mobilenetV1({ alpha: 0.25, resolution: 32 }), 1);
    const nodes = graph.nodes.map((node) => (node.op === "batchNorm" ? { ...node, epsilon: 1e-5 } : node));
    expect(() => toSafetensors({ ...graph, nodes })).toThrow(UnsupportedError);
    expect(() => toSafetensors({ ...graph, inputs: [] })).toThrow(UnsupportedError);
  });

  test.each<readonly [string, (tensors: Map<string, Tensor>) => unknown, Record<string, string>, RegExp]>([
    [
      "a missing tensor",
      (t) => t.delete("block7/pointwise/bn/mean"),
      {},
      /expected a tensor "block7\/pointwise\/bn\/mean" \[128\], got none/,
    ],
    ["a tensor too many", (t) => t.set("extra", { shape: [1], data: new Float32Array(1) }), {}, /got also extra/],
    [
      "a wrong shape",
      (t) => t.set("block3/depthwise/weights", { shape: [9, 32], data: new Float32Array(288) }),
      {},
      /"block3\/depthwise\/weights": expected shape \[3,3,32,1\], got \[9,32\]/,
    ],
    ["no last block", (t) => t.delete("block13/pointwise/weights"), {}, /"block13\/pointwise\/weights"/],
    ["metadata that is no JSON", () => {}, { mobilenetV1: "{" }, /metadata "mobilenetV1": expected JSON/],
    ["metadata that is no record", () => {}, { mobilenetV1: "[]" }, /metadata "mobilenetV1": expected an object/],
    ["metadata with a wrong option", () => {}, { mobilenetV1: '{"alpha":"x"}' }, /expected alpha to be a number/],
    [
      "metadata of another network",
      () => {},
      { mobilenetV1: '{"alpha":0.5}' },
      /"block0\/weights": expected shape \[3,3,3,16\], got \[3,3,3,8\]/,
    ],
  ])("%s", async (_, change, metadata, message) => {
    const tensors = new Map<string, Tensor>(initialize(mobilenetV1({ alpha: 0.25, resolution: 32 }), 1).constants);
    change(tensors);
    const promise = fromSafetensors(toSafetensors(tensors, metadata));
    await expect(promise).rejects.toThrow(FormatError);
    await expect(promise).rejects.toThrow(message);
  });
});

describe("timm's names", () => {
  const STAGES = [1, 2, 2, 6, 2];

  /** The tensors of a timm MobileNet v1 with distinct numbers: element i of tensor t is t + i/size. */
  function timm(widths: readonly number[], classes: number, head?: number): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    const put = (name: string, shape: Shape) => {
      const size = shape.reduce((product, n) => product * n, 1);
      tensors.set(name, { shape, data: Float32Array.from({ length: size }, (_, i) => tensors.size + i / size) });
    };
    const norm = (name: string, channels: number) => {
      for (const field of ["weight", "bias", "running_mean", "running_var"]) put(`${name}.${field}`, [channels]);
      tensors.set(`${name}.num_batches_tracked`, { shape: [], data: Int32Array.of(7) });
    };
    let channels = widths[0]!;
    put("conv_stem.weight", [channels, 3, 3, 3]);
    norm("bn1", channels);
    STAGES.forEach((blocks, stage) => {
      for (let i = 0; i < blocks; i++) {
        const prefix = `blocks.${stage}.${i}`;
        put(`${prefix}.conv_dw.weight`, [channels, 1, 3, 3]);
        norm(`${prefix}.bn1`, channels);
        put(`${prefix}.conv_pw.weight`, [widths[stage + 1]!, channels, 1, 1]);
        channels = widths[stage + 1]!;
        norm(`${prefix}.bn2`, channels);
      }
    });
    if (head) {
      put("conv_head.weight", [head, channels, 1, 1]);
      norm("bn2", head);
      channels = head;
    }
    put("classifier.weight", [classes, channels]);
    put("classifier.bias", [classes]);
    return tensors;
  }

  const WIDTHS = [8, 16, 24, 32, 40, 48];
  const bytes = () => toSafetensors(timm(WIDTHS, 5));

  test("give the network of mobilenetV1, widths and classes from the shapes", async () => {
    const graph = await fromSafetensors(bytes());
    validate(graph);
    const model = mobilenetV1({ classes: 5 });
    expect(graph.nodes.map(({ name, op }) => [name, op])).toEqual(model.nodes.map(({ name, op }) => [name, op]));
    expect([...graph.constants.keys()].toSorted()).toEqual([...model.constants.keys()].toSorted());
    expect(graph.outputs).toEqual(model.outputs);
    expect(graph.endPoints).toEqual(model.endPoints);
    const shapes = inferShapes(graph);
    const sides = [112, 112, 56, 56, 28, 28, 14, 14, 14, 14, 14, 14, 7, 7];
    const widths = [8, 16, 24, 24, 32, 32, 40, 40, 40, 40, 40, 40, 48, 48];
    for (const [i, side] of sides.entries()) {
      expect(shapes.get(`block${i}`), `block${i}`).toEqual([1, side, side, widths[i]]);
    }
    expect(shapes.get("softmax")).toEqual([1, 5]);
  });

  test("assume what timm's own models have, unless told otherwise", async () => {
    const find = (graph: Graph, name: string) => graph.nodes.find((node) => node.name === name);
    const graph = await fromSafetensors(bytes());
    const sides = { top: 1, bottom: 1, left: 1, right: 1 };
    expect(graph.inputs[0]!.shape).toEqual([1, 224, 224, 3]);
    expect(graph.source).toEqual({ format: "safetensors", normalization: { mean: 127.5, std: 127.5 } });
    expect(find(graph, "block2/depthwise/conv")).toMatchObject({ strides: [2, 2], padding: sides });
    expect(find(graph, "block0")).toMatchObject({ lo: 0, hi: 6 });
    expect(find(graph, "block0/bn")).toMatchObject({ epsilon: 1e-5 });
    const other = await fromSafetensors(bytes(), {
      resolution: 100,
      padding: "same",
      ceiling: Infinity,
      epsilon: 1e-3,
      normalization: { mean: 0, std: 255 },
    });
    expect(other.inputs[0]!.shape).toEqual([1, 100, 100, 3]);
    expect(other.source.normalization).toEqual({ mean: 0, std: 255 });
    expect(find(other, "block2/depthwise/conv")).toMatchObject({ padding: "same" });
    expect(find(other, "block0")).toMatchObject({ hi: Infinity });
    expect(find(other, "block0/bn")).toMatchObject({ epsilon: 1e-3 });
  });

  test("are turned from PyTorch's layouts into ours", async () => {
    const tensors = timm(WIDTHS, 5);
    const { constants } = await fromSafetensors(bytes());
    const stored = (name: string) => tensors.get(name)!.data!;
    const at = (shape: Shape, ...index: number[]) => index.reduce((sum, n, axis) => sum * shape[axis]! + n, 0);
    const stem = constants.get("block0/weights")!;
    const depthwise = constants.get("block1/depthwise/weights")!;
    const dense = constants.get("classifier/weights")!;
    expect([stem.shape, depthwise.shape, dense.shape]).toEqual([
      [3, 3, 3, 8],
      [3, 3, 8, 1],
      [48, 5],
    ]);
    expect(stem.data![at(stem.shape, 1, 2, 0, 5)]).toBe(stored("conv_stem.weight")[at([8, 3, 3, 3], 5, 0, 1, 2)]);
    expect(depthwise.data![at(depthwise.shape, 2, 1, 6, 0)]).toBe(
      stored("blocks.0.0.conv_dw.weight")[at([8, 1, 3, 3], 6, 0, 2, 1)],
    );
    expect(dense.data![at(dense.shape, 30, 4)]).toBe(stored("classifier.weight")[at([5, 48], 4, 30)]);
    expect(constants.get("block13/pointwise/bn/variance")!.data).toEqual(stored("blocks.4.1.bn2.running_var"));
  });

  test("may have a convolution before the pool, and no classifier", async () => {
    const tensors = timm(WIDTHS, 5, 64);
    tensors.delete("classifier.weight");
    tensors.delete("classifier.bias");
    const graph = await fromSafetensors(toSafetensors(tensors));
    validate(graph);
    expect(graph.outputs).toEqual(["output"]);
    expect(inferShapes(graph).get("output")).toEqual([1, 1, 1, 64]);
  });

  test.each<readonly [string, (tensors: Map<string, Tensor>) => unknown, RegExp]>([
    [
      "a missing tensor",
      (t) => t.delete("blocks.3.2.bn2.running_var"),
      /expected a tensor "blocks\.3\.2\.bn2\.running_var" \[40\], got none/,
    ],
    ["a missing block", (t) => t.delete("blocks.2.1.conv_dw.weight"), /got also blocks\.2\.1/],
    [
      "a wrong width",
      (t) => t.set("blocks.1.0.conv_dw.weight", { shape: [8, 1, 3, 3], data: new Float32Array(72) }),
      /"blocks\.1\.0\.conv_dw\.weight": expected shape \[16,1,3,3\], got \[8,1,3,3\]/,
    ],
    ["no bias", (t) => t.delete("classifier.bias"), /"classifier\.bias" \[5\], got none/],
    [
      "MobileNet v2's blocks",
      (t) => t.set("blocks.1.0.conv_pwl.weight", { shape: [1], data: new Float32Array(1) }),
      /got also blocks\.1\.0\.conv_pwl\.weight/,
    ],
  ])("%s", async (_, change, message) => {
    const tensors = timm(WIDTHS, 5);
    change(tensors);
    const promise = fromSafetensors(toSafetensors(tensors));
    await expect(promise).rejects.toThrow(FormatError);
    await expect(promise).rejects.toThrow(message);
  });

  test("of half precision are read", async () => {
    const tensors = timm(WIDTHS, 5);
    const names = [...tensors.keys()].filter((name) => !name.endsWith("tracked"));
    const header: Record<string, unknown> = {};
    let length = 0;
    for (const name of names) {
      const size = 2 * tensors.get(name)!.data!.length;
      header[name] = entry("F16", tensors.get(name)!.shape, length, length + size);
      length += size;
    }
    const half = file(header, length);
    half.fill(0x3c, half.length - length);
    const graph = await fromSafetensors(half);
    expect(graph.constants.get("classifier/bias")!.data![0]).toBe(1 + 0x3c / 1024);
  });
});

test("other names are told as they are", async () => {
  const promise = fromSafetensors(
    toSafetensors(new Map([["encoder.0.weight", { shape: [1], data: new Float32Array(1) }]])),
  );
  await expect(promise).rejects.toThrow(UnsupportedError);
  await expect(promise).rejects.toThrow(/got encoder\.0\.weight/);
});
