/**
 * Published networks, against what native TFLite 2.9 answered on them. Its kernels are optimized ones for x86: in
 * 8 bits they may be a step off the reference arithmetic in every layer (`docs/quantization.md`).
 */
import { describe, expect, it } from "vitest";
import { load, type Numbers } from "../../src/index.ts";
import { referenceCases, referenceModel } from "./references.ts";

/** Relative to the largest number of an output. */
const FLOAT = 1e-5;

describe.each(["blazeface_front_float", "iris_landmark_float"])("%s", (model) => {
  const path = referenceModel(model);
  it.skipIf(path === undefined)(`is within ${FLOAT} of TFLite`, async () => {
    const net = await load(path!);
    for (const { name, input, outputs } of referenceCases(model)) {
      const got = Object.values(net.run(input as Numbers).outputs);
      expect(got).toHaveLength(outputs.length);
      outputs.forEach((expected, i) => {
        const most = Math.max(...Array.from(expected, Math.abs));
        const worst = Math.max(...Array.from(expected, (y, j) => Math.abs(got[i]![j]! - y)));
        expect(worst / most, `${name}, output ${i}`).toBeLessThan(FLOAT);
      });
    }
  });
});

describe.each(["kws_ref_int8", "person_detect_int8"])("%s", (model) => {
  const path = referenceModel(model);
  it.skipIf(path === undefined)("gives TFLite's bytes", async () => {
    const net = await load(path!);
    for (const { name, input, outputs } of referenceCases(model)) {
      const { output } = net.run<Numbers>(input as Numbers);
      expect(Array.from(output), name).toEqual(Array.from(outputs[0]!));
    }
  });
});

describe("deeplabv3_mnv2_dm05_quant", () => {
  const model = "deeplabv3_mnv2_dm05_quant";
  const path = referenceModel(model);
  it.skipIf(path === undefined)("gives TFLite's class at each pixel where that is clear", async () => {
    const scores = (await load(path!)).graph.nodes.at(-1)!.inputs[0]!;
    const net = await load(path!, { endPoints: [scores] });
    expect(net.outputs).toMatchObject([{ name: "ArgMax", dtype: "int32", shape: [1, 513, 513] }]);
    for (const { name, input, outputs } of referenceCases(model)) {
      const { output, endPoints } = net.run<Numbers>(input as Numbers);
      expect(output).toBeInstanceOf(Int32Array);
      const classes = endPoints[scores]!.length / output.length;
      let [differ, furthest] = [0, 0];
      outputs[0]!.forEach((expected, i) => {
        if (output[i] === expected) return;
        const of = (c: number) => endPoints[scores]![i * classes + c]!;
        differ++;
        furthest = Math.max(furthest, of(output[i]!) - of(expected));
      });
      // Measured: 1202 of 263,169 pixels of the cat, none of the random picture.
      expect(differ / output.length, name).toBeLessThan(0.005);
      expect(furthest, `${name}: steps between both classes, where they differ`).toBeLessThanOrEqual(3);
    }
  });
});
