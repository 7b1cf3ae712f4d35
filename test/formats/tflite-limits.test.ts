/**
 * Small TFLite files that ask for much: they are read within the limits, in no time to speak of, and give way to others
 * meanwhile.
 */
import { Builder } from "flatbuffers";
import { describe, expect, test } from "vitest";
import { MemoryError, SepconvError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { Budget } from "../../src/limits.ts";
import { processorTime } from "../processor-time.ts";
import { buildTflite, int32s, offsets, type TensorSpec, table } from "./builders/tflite.ts";

/** Milliseconds that something takes. */
async function spent(action: () => Promise<unknown>): Promise<number> {
  const began = processorTime();
  await action();
  return processorTime() - began;
}

const chain = (length: number, name: (i: number) => string) =>
  buildTflite({
    tensors: Array.from({ length: length + 1 }, (_, i) => ({ name: name(i), shape: [1, 1] })),
    operators: Array.from({ length }, (_, i) => ({ op: "RELU", inputs: [i], outputs: [i + 1], code: 0 })),
    inputs: [0],
    outputs: [length],
  });

describe("limits", () => {
  test("8,000 tensors of one name are told apart at once", async () => {
    const bytes = chain(8000, () => "same");
    expect(await spent(() => fromTflite(bytes))).toBeLessThan(1500);
    const { nodes } = await fromTflite(bytes);
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(8000);
    expect(nodes.slice(0, 2).map(({ name }) => name)).toEqual(["same_1", "same_2"]);
  });

  test("tensors and operators are counted", async () => {
    const bytes = chain(50, (i) => `t${i}`);
    await expect(fromTflite(bytes, { budget: new Budget({ limits: { maxTensors: 50 } }) })).rejects.toThrow(
      /tflite: tensors: expected at most 50 \(limits\.maxTensors\), got 51/,
    );
    await expect(fromTflite(bytes, { budget: new Budget({ limits: { maxNodes: 49 } }) })).rejects.toThrow(
      /tflite: operator codes: expected at most 49 \(limits\.maxNodes\), got 50/,
    );
    await expect(fromTflite(bytes, { budget: new Budget({ limits: { maxNodes: 50 } }) })).resolves.toBeDefined();
  });

  /** `count` dense layers of 64×64, whose weights lie in one buffer: one tensor, or a tensor each. */
  const dense = (count: number, type: "float32" | "float16", each: boolean) => {
    const w: TensorSpec = { name: "w", shape: [64, 64], type, data: new Array<number>(4096).fill(0) };
    const weights = Array.from({ length: each ? count : 1 }, () => ({ ...w, data: undefined as never, buffer: 2 }));
    const values = Array.from({ length: count + 1 }, (_, i) => ({ name: `v${i}`, shape: [1, 64] }));
    const halves = type === "float16";
    const wide = Array.from({ length: halves ? weights.length : 0 }, () => ({ name: "wide", shape: [64, 64] }));
    const tensors = [values[0]!, w, ...values.slice(1), ...weights, ...wide];
    const first = 2 + count;
    const weight = (i: number) => first + (halves ? weights.length : 0) + (each ? i : 0);
    return buildTflite({
      tensors,
      operators: [
        ...wide.map((_, i) => ({ op: "DEQUANTIZE", inputs: [first + i], outputs: [first + weights.length + i] })),
        ...values
          .slice(1)
          .map((_, i) => ({ op: "FULLY_CONNECTED", inputs: [i && i + 1, weight(i)], outputs: [i + 2] })),
      ],
      inputs: [0],
      outputs: [1 + count],
    });
  };

  test.each(["float32", "float16"] as const)("decoded %s weights are counted before they are made", async (type) => {
    const limits = { maxUnpackedBytes: 10 * 4 * 4096 };
    await expect(fromTflite(dense(10, type, true), { budget: new Budget({ limits }) })).resolves.toBeDefined();
    await expect(fromTflite(dense(11, type, true), { budget: new Budget({ limits }) })).rejects.toThrow(MemoryError);
    // One tensor that many layers read is one constant.
    const { constants } = await fromTflite(dense(200, type, false), { budget: new Budget({ limits }) });
    expect(constants.size).toBe(1);
  });

  test("vectors of millions, shared or not", async () => {
    const builder = new Builder(1 << 20);
    const shape = int32s(builder, new Array<number>(400_000).fill(1));
    const tensor = table(builder, { 0: { offset: shape } });
    const subgraph = table(builder, { 0: { offset: offsets(builder, new Array<number>(15_000).fill(tensor)) } });
    const root = table(builder, { 2: { offset: offsets(builder, [subgraph]) } });
    builder.finish(root, "TFL3");
    const bytes = builder.asUint8Array();
    expect(await spent(() => expect(fromTflite(bytes)).rejects.toThrow(SepconvError))).toBeLessThan(1000);
  });

  test("a million subgraphs, operator codes and buffers are not looked at", async () => {
    for (const field of [1, 2, 4]) {
      const builder = new Builder(1 << 20);
      const empty = table(builder, { 0: { int32: 0 } });
      const list = offsets(builder, new Array<number>(1_000_000).fill(empty));
      const other = offsets(builder, [table(builder, { 4: { offset: builder.createString("m") } })]);
      builder.finish(table(builder, { 2: { offset: other }, [field]: { offset: list } }), "TFL3");
      const bytes = builder.asUint8Array();
      expect(await spent(() => expect(fromTflite(bytes)).rejects.toThrow(SepconvError))).toBeLessThan(1000);
    }
  });
});

describe("the event loop", () => {
  test("goes on turning while a file of many operators is read, and reading stops when it is told to", async () => {
    const bytes = chain(19_000, (i) => `t${i}`);
    let turns = 0;
    const clock = setInterval(() => turns++, 1);
    await fromTflite(bytes).finally(() => clearInterval(clock));
    expect(turns).toBeGreaterThan(1);

    const controller = new AbortController();
    const reading = fromTflite(bytes, { budget: new Budget({ signal: controller.signal }) });
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await expect(reading).rejects.toThrow("enough");
  });
});

describe("settings", () => {
  const one = { int32: 1 };
  const image = (name: string): TensorSpec => ({ name, shape: [1, 4, 4, 1] });
  const layer = (op: string, options: object, more: readonly TensorSpec[] = []) =>
    buildTflite({
      tensors: [image("x"), image("y"), ...more],
      operators: [{ op, inputs: [0, ...more.map((_, i) => i + 2)], outputs: [1], options: options as never }],
      inputs: [0],
      outputs: [1],
    });
  const w = { name: "w", shape: [1, 1, 1, 1], data: [1] };

  test.each<[string, Uint8Array, RegExp]>([
    ["a stride of 0", layer("CONV_2D", { 1: { int32: 0 }, 2: one }, [w]), /CONV_2D.*'y', stride_w: .* got 0/],
    ["a negative stride", layer("DEPTHWISE_CONV_2D", { 1: one, 2: { int32: -3 } }, [w]), /stride_h: .* got -3/],
    ["a dilation of 0", layer("CONV_2D", { 1: one, 2: one, 4: { int32: 0 } }, [w]), /dilation_w: .* got 0/],
    ["a pool of no width", layer("MAX_POOL_2D", { 1: one, 2: one, 3: { int32: 0 }, 4: one }), /filter_width: .* got 0/],
    ["a softmax by NaN", layer("SOFTMAX", { 0: { float32: Number.NaN } }), /SOFTMAX.*'y', beta: .* got NaN/],
    [
      "a padding beyond 32 bits",
      layer("PAD", {}, [{ name: "p", shape: [4, 2], type: "int64", data: [0, 0, 2 ** 32, 0, 0, 0, 0, 0] }]),
      /PAD.*'y', paddings: expected \[4,2\] of numbers from 0 to 2147483647/,
    ],
    [
      "a size beyond 32 bits",
      layer("RESIZE_BILINEAR", {}, [{ name: "s", shape: [2], type: "int64", data: [2 ** 33, 1] }]),
      /RESIZE_BILINEAR.*'y', size/,
    ],
    [
      "a pad that is no number",
      layer("PADV2", {}, [
        { name: "p", shape: [4, 2], type: "int32", data: new Array<number>(8).fill(0) },
        { name: "v", shape: [1], data: [Number.NaN] },
      ]),
      /tflite: node "y" \(pad\): expected a number as value, got NaN/,
    ],
  ])("%s is a FormatError", async (_, bytes, message) => {
    await expect(fromTflite(bytes)).rejects.toThrow(expect.objectContaining({ code: "FORMAT" }));
    await expect(fromTflite(bytes)).rejects.toThrow(message);
  });

  test("values of more numbers than can be counted", async () => {
    const pads = { name: "p", shape: [4, 2], type: "int32", data: [0, 0, 2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30, 0, 0] };
    await expect(fromTflite(layer("PAD", {}, [pads]))).rejects.toThrow(UnsupportedError);
  });
});
