import { strToU8, zipSync } from "fflate";
import { Builder } from "flatbuffers";
import { describe, expect, test } from "vitest";
import { FormatError, SepconvError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { buildMetadata, buildTflite, int32s, type ModelSpec, offsets, table } from "./builders/tflite.ts";

/** x → conv → relu → y, honest. */
const HONEST: ModelSpec = {
  tensors: [
    { name: "x", shape: [1, 2, 2, 1] },
    { name: "w", shape: [1, 1, 1, 1], data: [3] },
    { name: "mid", shape: [1, 2, 2, 1] },
    { name: "y", shape: [1, 2, 2, 1] },
  ],
  operators: [
    { op: "CONV_2D", inputs: [0, 1, -1], outputs: [2], options: { 1: { int32: 1 }, 2: { int32: 1 } } },
    { op: "RELU", inputs: [2], outputs: [3] },
  ],
  inputs: [0],
  outputs: [3],
};

function lie(change: Partial<ModelSpec>): Uint8Array {
  return buildTflite({ ...HONEST, ...change });
}

function tensors(index: number, change: Partial<ModelSpec["tensors"][number]>): Partial<ModelSpec> {
  return { tensors: HONEST.tensors.map((tensor, i) => (i === index ? { ...tensor, ...change } : tensor)) };
}

function operators(index: number, change: Partial<ModelSpec["operators"][number]>): Partial<ModelSpec> {
  return { operators: HONEST.operators.map((operator, i) => (i === index ? { ...operator, ...change } : operator)) };
}

test("the honest model is read", async () => {
  const graph = await fromTflite(buildTflite(HONEST));
  expect(graph.nodes.map((node) => node.name)).toEqual(["mid", "y"]);
});

describe("files that lie give a FormatError that says where", () => {
  test.each<[string, Partial<ModelSpec>, RegExp]>([
    ["wrong identifier", { identifier: "TFL2" }, /^tflite, byte 4: expected identifier 'TFL3', got 'TFL2'$/],
    ["input beyond the tensors", { inputs: [9] }, /inputs of the model: expected a tensor below 4, got 9/],
    ["negative output", { outputs: [-1] }, /outputs of the model: expected a tensor below 4, got -1/],
    ["operator input beyond", operators(1, { inputs: [4] }), /inputs of operator 1 \(RELU\): .* below 4, got 4/],
    ["operator output −1", operators(1, { outputs: [-1] }), /outputs of operator 1 \(RELU\): .* got -1/],
    ["two outputs", operators(1, { outputs: [2, 3] }), /operator 1 \(RELU\): expected 1 output, got 2/],
    ["operator code beyond", operators(0, { code: 7 }), /operator 0: expected an operator code below 2, got 7/],
    ["buffer beyond", tensors(1, { buffer: 99 }), /tensor 1 'w': expected a buffer below 6, got 99/],
    [
      "an empty buffer",
      tensors(1, { data: [], buffer: 2 }),
      /input 1, 'w': expected data for \[1,1,1,1\] float32, got an empty buffer/,
    ],
    [
      "buffer smaller than its tensor",
      tensors(1, { shape: [2, 1, 1, 1] }),
      /tensor 1 'w', byte \d+: expected 8 bytes for \[2,1,1,1\] float32, got 4/,
    ],
    [
      "bias of wrong length",
      {
        tensors: [...HONEST.tensors, { name: "b", shape: [2], data: [1, 2] }],
        operators: [{ ...HONEST.operators[0]!, inputs: [0, 1, 4] }, HONEST.operators[1]!],
      },
      /bias: expected \[1\], got \[2\]/,
    ],
    ["negative size", tensors(2, { shape: [1, -2, 2, 1] }), /tensor 2 'mid': expected sizes ≥ 0/],
    [
      "nine dimensions",
      tensors(2, { shape: [1, 1, 1, 1, 1, 1, 1, 1, 1] }),
      /tensor 2 'mid': expected at most 8 dimensions/,
    ],
    [
      "shape of a result",
      tensors(2, { shape: [1, 2, 2, 5] }),
      /tensor 2 'mid': expected \[1,2,2,1\] by its operator, got \[1,2,2,5\]/,
    ],
    ["scales without an axis", tensors(1, { scales: [1, 2] }), /tensor 1 'w': expected one scale/],
    ["a circle", operators(0, { inputs: [3, 1, -1] }), /expected tensor 3 'y' to be computed before it is read/],
    [
      "two producers",
      operators(1, { outputs: [2] }),
      /operator 1 \(RELU\) for 'mid': expected the only source of tensor 2/,
    ],
    ["an operator that writes a constant", operators(1, { outputs: [1] }), /the only source of tensor 1/],
    ["an output that nothing computes", operators(1, { inputs: [0], outputs: [2] }), /source of tensor 2/],
    ["an input twice", { inputs: [0, 0] }, /input 'x': expected each input once/],
    ["weights of other rank", tensors(1, { shape: [1] }), /'w': expected 4 dimensions, got \[1\]/],
    ["no weights", operators(0, { inputs: [0] }), /expected an input 1, got 1 inputs/],
  ])("%s", async (_, change, message) => {
    await expect(fromTflite(lie(change))).rejects.toThrow(FormatError);
    await expect(fromTflite(lie(change))).rejects.toThrow(message);
  });

  test("no subgraph", async () => {
    const builder = new Builder(64);
    builder.finish(table(builder, { 0: { int32: 3 } }), "TFL3");
    await expect(fromTflite(builder.asUint8Array())).rejects.toThrow(/expected a subgraph, got none/);
  });

  test.each([0, 3, 7, 8])("%i bytes", async (length) => {
    await expect(fromTflite(buildTflite(HONEST).subarray(0, length))).rejects.toThrow(FormatError);
  });

  test("the root beyond the end", async () => {
    const bytes = buildTflite(HONEST);
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, 0xffffff00, true);
    await expect(fromTflite(bytes)).rejects.toThrow(/byte 4294967040 \(model\): expected 4 bytes within the file's/);
  });

  test("a vector longer than the file", async () => {
    const bytes = buildTflite(HONEST);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // The shape of x, [1,2,2,1], is the only vector of 4 that begins so.
    for (let at = 0; at + 20 <= bytes.length; at += 4) {
      if ([4, 1, 2, 2, 1].every((value, i) => view.getUint32(at + 4 * i, true) === value))
        view.setUint32(at, 0x7fffffff, true);
    }
    await expect(fromTflite(bytes)).rejects.toThrow(
      /byte \d+ \(tensor \d, field 0\): expected a vector within .* got 2147483647 elements/,
    );
  });

  test("one long vector shared by thousands of operators ends soon", async () => {
    const builder = new Builder(1 << 20);
    const inputs = int32s(builder, new Array<number>(20_000).fill(-1));
    const operator = table(builder, { 1: { offset: inputs } });
    const list = offsets(builder, new Array<number>(20_000).fill(operator));
    const codes = offsets(builder, [table(builder, { 0: { int8: 0 } })]);
    const subgraph = table(builder, { 3: { offset: list } });
    const root = table(builder, { 1: { offset: codes }, 2: { offset: offsets(builder, [subgraph]) } });
    builder.finish(root, "TFL3");
    await expect(fromTflite(builder.asUint8Array())).rejects.toThrow(/shares its parts in reason/);
  });

  test("cut anywhere: an error of ours", async () => {
    const bytes = buildTflite({ ...HONEST, metadata: buildMetadata([127.5], [127.5], "labels.txt") });
    for (let length = 0; length < bytes.length - 4; length += 3) {
      const error = await fromTflite(bytes.slice(0, length)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) expect(error, `${length} bytes`).toBeInstanceOf(SepconvError);
    }
  });

  test("any byte changed: a graph, or an error of ours", async () => {
    const bytes = buildTflite({ ...HONEST, metadata: buildMetadata([127.5], [127.5], "labels.txt") });
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        const error = await fromTflite(changed).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error !== undefined) expect(error, `byte ${at} = ${value}`).toBeInstanceOf(SepconvError);
      }
    }
  });
});

describe("open sizes and other types", () => {
  test.each<[string, Partial<ModelSpec>, RegExp]>([
    ["open height and width", tensors(0, { signature: [-1, -1, -1, 1] }), /input 'x': expected known sizes/],
    ["int64 input", tensors(0, { type: "int64" }), /input 'x': expected float32, uint8, int8, int32, got int64/],
    [
      "int8 result",
      tensors(2, { type: "int8", scales: [1], zeroPoints: [0] }),
      /'mid': expected a result in float32 like the input, got int8/,
    ],
  ])("%s", async (_, change, message) => {
    await expect(fromTflite(lie(change))).rejects.toThrow(UnsupportedError);
    await expect(fromTflite(lie(change))).rejects.toThrow(message);
  });

  test("an open batch counts as 1", async () => {
    const graph = await fromTflite(lie(tensors(0, { signature: [-1, 2, 2, 1] })));
    expect(graph.inputs[0]!.shape).toEqual([1, 2, 2, 1]);
  });
});

describe("metadata", () => {
  const withZip = (labels: Record<string, string>, metadata: Uint8Array): Uint8Array => {
    const model = buildTflite({ ...HONEST, metadata });
    const zip = zipSync(Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, strToU8(text)])));
    // A zip behind other bytes: its offsets count from the file's beginning.
    const file = new Uint8Array(model.length + zip.length);
    file.set(model);
    file.set(zip, model.length);
    const view = new DataView(file.buffer);
    const end = file.length - 22;
    const directory = view.getUint32(end + 16, true) + model.length;
    view.setUint32(end + 16, directory, true);
    for (let at = directory; view.getUint32(at, true) === 0x02014b50; ) {
      view.setUint32(at + 42, view.getUint32(at + 42, true) + model.length, true);
      at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
    return file;
  };

  test("normalization and labels", async () => {
    const file = withZip({ "labels.txt": "cat\r\ndog\r\n" }, buildMetadata([127.5], [127.5], "labels.txt"));
    const graph = await fromTflite(file);
    expect(graph.source).toEqual({
      format: "tflite",
      normalization: { mean: 127.5, std: 127.5 },
      labels: ["cat", "dog"],
    });
  });

  test("one mean a channel; a label file that is not there", async () => {
    const file = withZip({ "other.txt": "x" }, buildMetadata([1, 2, 3], [4, 4, 4], "labels.txt"));
    expect((await fromTflite(file)).source).toEqual({ format: "tflite", normalization: { mean: [1, 2, 3], std: 4 } });
  });

  test("a zip cut off", async () => {
    const file = withZip({ "labels.txt": "cat\ndog" }, buildMetadata([0], [1], "labels.txt"));
    const graph = await fromTflite(file.subarray(0, file.length - 30));
    expect(graph.source.labels).toBeUndefined();
  });

  test("a deviation of 0 is a lie", async () => {
    const file = withZip({}, buildMetadata([0], [0], "labels.txt"));
    await expect(fromTflite(file)).rejects.toThrow(/tflite metadata: .* deviations ≠ 0/);
  });
});
