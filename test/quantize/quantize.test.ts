import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import type { Node } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, decodeImage, load, type Numbers, quantizationReport, quantize, toInput } from "../../src/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { random } from "../cases/random.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { graphOf } from "../graph/build.ts";
import { interpretQuantized } from "../reference/quantized.ts";

const small = () => initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 }), 3);
const samples = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => random(`sample ${i}`).floats(size, 1));

describe("quantize", () => {
  it("makes an int8 network that is computed to the bit, floats outside", async () => {
    const inputs = samples(4, 32 * 32 * 3);
    const graph = await quantize(small(), inputs);
    expect(graph.inputs[0]!.dtype).toBe("float32");
    const session = await build(graph);
    const expected = interpretQuantized(graph, { [graph.inputs[0]!.name]: inputs[0]! });
    expect([...session.run(inputs[0]!).output]).toEqual([...(expected.get(graph.outputs[0]!) as Float32Array)]);
  });

  it("gives 8 bits outside where asked for, with the same numbers inside", async () => {
    const inputs = samples(3, 32 * 32 * 3);
    const graph = await quantize(small(), inputs, { io: "int8" });
    const { dtype, quantization } = graph.inputs[0]!;
    expect(dtype).toBe("int8");
    const session = await build(graph);
    const [scale, zero] = [quantization!.scales[0]!, quantization!.zeroPoints[0]!];
    const q = Int8Array.from(inputs[0]!, (x) => Math.min(127, Math.max(-128, Math.round(x / scale) + zero)));
    const expected = interpretQuantized(graph, { [graph.inputs[0]!.name]: q });
    expect([...session.run<Numbers>(q).output]).toEqual([...Array.from(expected.get(graph.outputs[0]!)!)]);
  });

  it("says what 8 bits cost, layer by layer", async () => {
    const inputs = samples(6, 32 * 32 * 3);
    const float = small();
    const report = await quantizationReport(float, await quantize(float, inputs), inputs);
    expect(report.layers.length).toBeGreaterThanOrEqual(30);
    for (const { name, sqnr } of report.layers) expect(sqnr, name).toBeGreaterThan(10);
    expect(report.weights.quantized).toBeLessThan(0.4 * report.weights.float);
    expect(report.samples).toBe(6);
  });

  it("cuts outliers off with a percentile", async () => {
    const inputs = samples(2, 32 * 32 * 3);
    inputs[0]![5] = 1000;
    const scaleOf = async (calibration: "minmax" | "percentile") =>
      (await quantize(small(), inputs, { calibration, percentile: 99.9 })).nodes[0]!.quantization!.scales[0]!;
    expect(await scaleOf("minmax")).toBeGreaterThan(100 * (await scaleOf("percentile")));
  });

  it("brings channels to one range in front of depthwise convolutions, and computes the same", async () => {
    const inputs = samples(3, 32 * 32 * 3);
    const float = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, reading: "article" }), 3);
    const run = async (equalize: boolean) => {
      const graph = await quantize(float, inputs, { equalize });
      return (await quantizationReport(float, graph, inputs)).layers.find(({ name }) => name === "block0")!;
    };
    // Every channel of the first layer then has all of 8 bits, up to a factor each.
    expect((await run(true)).sqnr).toBeGreaterThan((await run(false)).sqnr);
  });

  it("refuses what tells nothing, and what there is not in 8 bits", async () => {
    await expect(quantize(small(), [])).rejects.toThrow(/samples: expected one at least, got none/);
    const nan = new Float32Array(32 * 32 * 3).fill(Number.NaN);
    await expect(quantize(small(), [nan])).rejects.toThrow(/expected finite numbers/);
    const [x] = samples(1, 32 * 32 * 3);
    await expect(quantize(small(), [x!], { percentile: 10 })).rejects.toThrow(RangeError);
    const training = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, training: true }), 1);
    await expect(quantize(training, [x!])).rejects.toThrow(UnsupportedError);
    const quotient = graphOf({ x: [1, 4], nodes: [{ op: "div", name: "y", inputs: ["x", "x"] }] });
    await expect(quantize(quotient, [new Float32Array(4)])).rejects.toThrow(/node y: .* in 8 bits, got div/);
    const slopes = graphOf({
      x: [1, 4],
      constants: { a: [4] },
      nodes: [{ op: "prelu", name: "y", inputs: ["x"], alpha: "a" }],
    });
    await expect(quantize(slopes, [new Float32Array(4)])).rejects.toThrow(/node y: .* in 8 bits, got prelu/);
    await expect(quantize(await quantize(small(), [x!]), [x!])).rejects.toThrow(/expected a float32 network/);
  });

  it("gives operands a meaning: constants their own, or that which an op wants all to share", async () => {
    const nodes: Node[] = [
      { op: "globalAveragePool", name: "mean", inputs: ["x"], keepDims: true },
      { op: "sigmoid", name: "gate", inputs: ["mean"] },
      { op: "mul", name: "gated", inputs: ["x", "gate"] },
      { op: "sub", name: "difference", inputs: ["gated"], operand: "row", operandFirst: true },
      { op: "maximum", name: "larger", inputs: ["difference"], operand: "large" },
      { op: "mul", name: "y", inputs: ["larger"], operand: "one" },
    ];
    const drawn = graphOf({ x: [1, 4, 5, 3], constants: { row: [4, 1, 1], large: [3], one: [] }, nodes });
    const large = { ...drawn.constants.get("large")!, data: Float32Array.of(-9, 0.5, 7) };
    const graph = { ...drawn, constants: new Map([...drawn.constants, ["large", large]]) };
    const x = random("operands").floats(4 * 5 * 3, 2);
    const bytes = await quantize(graph, [x]);
    const [of, by] = ["larger/operand", "larger"].map(
      (name) => bytes.constants.get(name)?.quantization ?? bytes.nodes.find((node) => node.name === name)!.quantization,
    );
    expect(of).toEqual(by);
    const { output } = (await build(bytes)).run(x);
    const { output: float } = (await build(graph)).run(x);
    const most = Math.max(...float.map(Math.abs));
    output.forEach((y, i) => {
      expect(Math.abs(y - float[i]!), `[${i}]`).toBeLessThan(0.02 * most);
    });
    expect(Array.from(output)).toEqual(Array.from(interpretQuantized(bytes, { x }).get("y")!));
  });
});

const missing = missingShared(shared("models/vww_96.h5"));

describe.skipIf(missing)("vww_96.h5, quantized here and as it was published", () => {
  /** Crops of photographs, with and without a person, of all sizes. */
  async function crops(count: number): Promise<Float32Array[]> {
    const files = ["grace_hopper.bmp", "cat.bmp", "bird.bmp", "parrot.jpg"];
    const pictures = await Promise.all(files.map((file) => decodeImage(readFileSync(shared(`images/${file}`)))));
    const numbers = random("crops");
    return Promise.all(
      Array.from({ length: count }, (_, i) => {
        const picture = pictures[i % pictures.length]!;
        const side = (0.35 + 0.65 * numbers.next()) * Math.min(picture.width, picture.height);
        const [x, y] = [picture.width - side, picture.height - side].map((room) => Math.floor(numbers.next() * room));
        const crop = [x!, y!, Math.floor(side), Math.floor(side)] as const;
        return toInput(picture, { width: 96, height: 96, crop, normalization: { mean: 0, std: 255 } });
      }),
    );
  }

  it("is no noisier on 240 crops than the published file, and decides as the float network does wherever that is not in doubt", async () => {
    const inputs = await crops(320);
    const [calibration, judged] = [inputs.slice(0, 80), inputs.slice(80)];
    const float = await load(shared("models/vww_96.h5"));
    const quantized = await quantize(float.graph, calibration);
    const report = await quantizationReport(float.graph, quantized, judged);
    const published = await load(shared("models/vww_96_int8.tflite"));
    const session = await build(quantized);
    let [signal, error, persons, agreed, clear, same] = [0, 0, 0, 0, 0, 0];
    for (const input of judged) {
      const expected = float.run(input).output;
      const bytes = Int8Array.from(input, (x) => Math.min(127, Math.max(-128, Math.round(x * 255) - 128)));
      const got = published.run<Numbers>(bytes).output;
      if (expected[1]! > 0.5) persons++;
      if (expected[1]! > expected[0]! === got[1]! > got[0]!) agreed++;
      if (Math.abs(expected[1]! - 0.5) > 0.1) {
        clear++;
        const ours = session.run(input).output;
        if (expected[1]! > 0.5 === ours[1]! > 0.5) same++;
      }
      for (let i = 0; i < 2; i++) {
        signal += expected[i]! ** 2;
        error += (expected[i]! - (got[i]! + 128) / 256) ** 2;
      }
    }
    const sqnr = 10 * Math.log10(signal / error);
    console.info(
      `vww_96: agreement ${report.agreement}, ${report.sqnr.toFixed(1)} dB, published ${agreed / judged.length}, ${sqnr.toFixed(1)} dB, persons in ${persons} of ${judged.length}`,
    );
    // Inputs of one kind would prove little.
    expect(persons).toBeGreaterThan(40);
    expect(persons).toBeLessThan(200);
    expect(clear).toBeGreaterThan(150);
    expect(same / clear).toBeGreaterThanOrEqual(0.99);
    expect(report.agreement).toBeGreaterThanOrEqual(0.95);
    expect(report.sqnr).toBeGreaterThanOrEqual(sqnr);
  }, 60_000);
});
