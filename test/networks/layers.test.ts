/**
 * Published 8-bit networks, value by value, against the naive interpreter of TFLite's reference formulas: no number may
 * differ. (What native TFLite answers is in the tests beside this one: its optimized kernels may be steps off.)
 */
import { describe, expect, it } from "vitest";
import { load, type Numbers } from "../../src/index.ts";
import { interpretQuantized } from "../reference/quantized.ts";
import { referenceCases, referenceModel } from "./references.ts";

/** The networks, and the picture that each is shown. */
const NETWORKS = [
  ["kws_ref_int8", "random0"],
  ["person_detect_int8", "random0"],
  ["vww_96_int8", "cat"],
  ["mobilenet_v1_0.5_160_quant", "cat"],
  ["coco_ssd_mobilenet_v1_quant", "cat"],
  ["deeplabv3_mnv2_dm05_quant", "cat"],
] as const;

describe.each(NETWORKS)("%s", (model, picture) => {
  const path = referenceModel(model);
  it.skipIf(path === undefined)(
    "is computed to the bit, value by value",
    async () => {
      const { graph } = await load(path!);
      const names = graph.nodes.map(({ name }) => name);
      const net = await load(path!, { endPoints: names });
      const { input } = referenceCases(model).find(({ name }) => name === picture)!;
      const { endPoints } = net.run<Numbers>(input as Numbers);
      const values = interpretQuantized(graph, { [graph.inputs[0]!.name]: input });
      for (const name of names) {
        const [ours, expected] = [endPoints[name]!, values.get(name)!];
        expect(ours, name).toHaveLength(expected.length);
        const differ = ours.findIndex((y: number, i: number) => y !== expected[i]);
        expect(differ, `${name}: first number that differs`).toBe(-1);
      }
    },
    120_000,
  );
});
