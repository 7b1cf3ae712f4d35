import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { toTflite } from "../../src/formats/tflite/write.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, load, type Numbers, quantize } from "../../src/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";
import { graphOf } from "../graph/build.ts";
import { interpret } from "../reference/interpreter.ts";
import { interpretQuantized } from "../reference/quantized.ts";
import { missingShared, shared } from "./builders/shared.ts";
import { keepWritten } from "./builders/written.ts";

/** Of a network that was quantized by two calibrations, recorded once; no host may write other bytes. */
const HASHES = ["67e9f3672f696f72", "bfc5f18b2e93e506"];

async function outputsOf(graph: Graph, input: Numbers): Promise<Numbers[]> {
  const session = await build(graph, { variant: "simd" });
  return Object.values(session.run<Numbers>(input).outputs);
}

/** What is written is read again as a network that gives the same bits. */
async function expectSame(graph: Graph, input: Numbers): Promise<void> {
  const file = await toTflite(graph);
  const back = await fromTflite(file);
  expect(back.inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype }))).toEqual(
    graph.inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
  );
  expect(back.outputs).toEqual(graph.outputs);
  const expected = await outputsOf(graph, input);
  await keepWritten(graph, input, expected);
  expect(await outputsOf(back, input)).toEqual(expected);
}

const NO_SIDES = { top: 0, bottom: 0, left: 0, right: 0 };

/** A block as BlazeFace has them: what goes past the convolutions is pooled, and gets the channels that it lacks. */
function residual(more: { readonly front?: number; readonly back: number }): Graph {
  const b = new GraphBuilder();
  b.addInput({ name: "x", shape: [2, 8, 6, 3], dtype: "float32" });
  const numbers = random("residual w").floats(3 * 3 * 3 * 8, 0.3);
  const weights = b.addConstant("w", { shape: [3, 3, 3, 8] }, numbers);
  const window = { strides: [2, 2], padding: "same" } as const;
  b.addNode({ op: "conv2d", name: "conv", inputs: ["x"], weights, dilations: [1, 1], ...window });
  b.addNode({ op: "maxPool", name: "pool", inputs: ["x"], size: [2, 2], ...window });
  b.addNode({ op: "pad", name: "deep", inputs: ["pool"], padding: { ...NO_SIDES, ...more }, value: 0 });
  b.addNode({ op: "add", name: "sum", inputs: ["conv", "deep"] });
  b.addNode({ op: "clamp", name: "y", inputs: ["sum"], lo: 0, hi: Number.POSITIVE_INFINITY });
  return b.graph({ name: "residual", outputs: ["y"], source: { format: "test" } });
}

describe("toTflite", () => {
  for (const options of [
    { alpha: 0.25, resolution: 96 },
    { alpha: 0.5, resolution: 64, reading: "article" as const },
  ]) {
    it(`writes mobilenetV1(${JSON.stringify(options)})`, async () => {
      const input = random("export").floats(options.resolution ** 2 * 3, 1);
      await expectSame(initialize(mobilenetV1(options), 5), input);
    });
  }

  it("writes 8-bit networks, int8 and uint8", async () => {
    for (let i = 0; i < 90; i++) {
      const { graph, input } = quantizedGraph(i % 60, i >= 60);
      const paddedPool = graph.nodes.some(
        (node) => /Pool$/.test(node.op) && "padding" in node && node.padding !== "same",
      );
      // TFLite's pools know SAME and VALID only.
      if (paddedPool) await expect(toTflite(graph)).rejects.toThrow(/expected padding "same" or "valid"/);
      else await expectSame(graph, input);
    }
  });

  it("writes what quantize makes", async () => {
    const float = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 }), 3);
    const input = random("export").floats(32 * 32 * 3, 1);
    await expectSame(await quantize(float, [input]), input);
  });

  it("writes pads of channels, which come back as the reference computes them", async () => {
    for (const more of [{ back: 5 }, { front: 2, back: 3 }]) {
      const float = residual(more);
      const input = random("residual").floats(2 * 8 * 6 * 3, 1);
      const back = await fromTflite(await toTflite(float));
      expect(back.nodes.find(({ op }) => op === "pad")).toMatchObject({ padding: { ...NO_SIDES, ...more } });
      const session = await build(back, { variant: "simd" });
      const { output } = session.run<Float32Array>(input);
      const { values, bound } = interpret(back, { x: input }).get("y")!;
      expect(output).toHaveLength(values.length);
      for (const [i, v] of output.entries()) expect(Math.abs(v - values[i]!), `[${i}]`).toBeLessThanOrEqual(bound[i]!);
      await expectSame(float, input);
      const small = await quantize(float, [input], { io: "int8" });
      const bytes = Int8Array.from(input, (v) => Math.round(127 * v));
      await expectSame(small, bytes);
      const [computed] = await outputsOf(small, bytes);
      const expected = interpretQuantized(small, { x: bytes }).get(small.outputs[0]!)!;
      expect(Array.from(computed!)).toEqual(Array.from(expected));
    }
  });

  it("writes what rectifiers let through, of images and of vectors", async () => {
    const input = random("prelu").floats(2 * 3 * 3, 4);
    for (const x of [
      [1, 2, 3, 3],
      [6, 3],
    ]) {
      const graph = graphOf({
        x,
        constants: { a: [3] },
        nodes: [{ op: "prelu", name: "y", inputs: ["x"], alpha: "a" }],
      });
      await expectSame(graph, input);
    }
  });

  it("writes arithmetic, with constants of any shape on either side, bounded or not", async () => {
    const input = random("arithmetic").floats(1 * 2 * 3 * 3, 4);
    const nodes = (["add", "sub", "mul", "div", "maximum", "minimum"] as const).flatMap((op, i): Node[] => {
      const clamp = i % 2 ? { clamp: { lo: 0, hi: 6 } } : {};
      const x = i === 0 ? "x" : `value ${i - 1}`;
      return [
        { op, name: `row ${i}`, inputs: [x], operand: "row", operandFirst: i > 2 },
        { op, name: `value ${i}`, inputs: [`row ${i}`, "mean"], ...clamp },
      ];
    });
    const mean: Node = { op: "globalAveragePool", name: "mean", inputs: ["x"], keepDims: true };
    const outputs = nodes.map(({ name }) => name);
    const graph = graphOf({ x: [1, 2, 3, 3], constants: { row: [2, 1, 3] }, nodes: [mean, ...nodes], outputs });
    await expectSame(graph, input);
  });

  it("writes where the largest numbers stand", async () => {
    const y: Node = { op: "argMax", name: "y", inputs: ["x"], axis: 2, keepDims: false, dtype: "int32" };
    await expectSame(graphOf({ x: [1, 3, 4, 5], nodes: [y] }), random("largest").floats(60, 2));
  });

  it("writes pixel range and class names, so that a converted file answers as its source does", async () => {
    const labels = ["background", "a cat, asleep", "Straßenbahn", ""];
    for (const normalization of [
      { mean: 0, std: 255 },
      { mean: [123.5, 116.25, 103.5], std: [58, 57, 57.5] },
    ]) {
      const source = { format: "test", normalization, labels };
      const graph: Graph = { ...initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 4 }), 2), source };
      const bytes = await toTflite(graph);
      expect(await toTflite(graph)).toEqual(bytes);
      expect((await fromTflite(bytes)).source).toEqual({ ...source, format: "tflite" });
      const int8 = await quantize(graph, [random("export").floats(32 * 32 * 3, 1)], { io: "int8" });
      expect((await fromTflite(await toTflite(int8))).source).toEqual({ ...source, format: "tflite" });
    }
    const none = {
      ...initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 4 }), 2),
      source: { format: "test" },
    };
    expect((await fromTflite(await toTflite(none))).source).toEqual({ format: "tflite" });
  });

  it("writes the same bytes on every host", async () => {
    const float = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 }), 3);
    const samples = Array.from({ length: 4 }, (_, i) => random(`host ${i}`).floats(32 * 32 * 3, 1));
    const hashes = [];
    for (const calibration of ["minmax", "percentile"] as const) {
      const bytes = await toTflite(await quantize(float, samples, { calibration, percentile: 99, io: "int8" }));
      hashes.push(createHash("sha256").update(bytes).digest("hex").slice(0, 16));
    }
    // Of relaxed kernels, whose last bits differ from host to host, there would be others.
    expect(hashes).toEqual(HASHES);
  });

  it("refuses what has no form there, by name", async () => {
    const training = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, training: true }), 1);
    await expect(toTflite(training)).rejects.toThrow(UnsupportedError);
    await expect(toTflite(mobilenetV1({ alpha: 0.25, resolution: 32 }))).rejects.toThrow(/expected data, got none/);
  });

  for (const file of ["vww_96.h5", "vww_96_float.tflite", "vww_96_int8.tflite", "mobilenet_v1_0.5_160_quant.tflite"]) {
    it.skipIf(missingShared(shared(`models/${file}`)))(`writes ${file}`, async () => {
      const { graph } = await load(shared(`models/${file}`));
      const { shape, dtype } = graph.inputs[0]!;
      const floats = random(file).floats(
        shape.reduce((a, b) => a * b, 1),
        1,
      );
      const input =
        dtype === "float32"
          ? floats
          : dtype === "int8"
            ? Int8Array.from(floats, (x) => 127 * x)
            : Uint8Array.from(floats, (x) => 128 + 127 * x);
      await expectSame(graph, input);
    });
  }
});
