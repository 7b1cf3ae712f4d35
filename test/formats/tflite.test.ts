import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { expectReference, missingShared, shared } from "./builders/shared.ts";

const read = (path: string) => new Uint8Array(readFileSync(path));

const vww = shared("models/vww_96_float.tflite");

describe.skipIf(missingShared(vww))("vww_96_float.tflite", () => {
  test("has its operators, and the article's end points", async () => {
    const graph = await fromTflite(read(vww));
    expect(graph.inputs.map(({ shape, dtype }) => [shape, dtype])).toEqual([[[1, 96, 96, 3], "float32"]]);
    expect(graph.nodes.map((node) => node.op)).toEqual([
      "conv2d",
      ...Array.from({ length: 13 }, () => ["depthwiseConv2d", "conv2d"]).flat(),
      "averagePool",
      "reshape",
      "dense",
      "softmax",
    ]);
    expect([...graph.endPoints.keys()]).toEqual([...Array.from({ length: 14 }, (_, i) => `block${i}`), "output"]);
    expect(graph.outputs).toEqual(["Identity"]);
    expect(graph.source).toEqual({ format: "tflite" });
  });

  test("reproduces the reference outputs", async () => {
    expectReference(await fromTflite(read(vww)), "vww_96_float", 1e-5);
  });
});

for (const name of ["vww_96_int8", "mobilenet_v1_0.5_160_quant"]) {
  const path = shared(`models/${name}.tflite`);
  test.skipIf(missingShared(path))(`${name}.tflite keeps its types and their meaning`, async () => {
    const graph = await fromTflite(read(path));
    const dtype = graph.inputs[0]!.dtype;
    expect(dtype).toBe(name.endsWith("int8") ? "int8" : "uint8");
    for (const node of graph.nodes) {
      expect(node.dtype, node.name).toBe(dtype);
      expect(node.quantization?.scales, node.name).toHaveLength(1);
    }
    const types = new Set([...graph.constants.values()].map((constant) => constant.dtype));
    expect([...types].sort()).toEqual(["int32", dtype].sort());
  });
}
