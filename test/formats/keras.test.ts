import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromKeras } from "../../src/formats/keras/read.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { expectReference, missingShared, shared } from "./builders/shared.ts";

const model = shared("models/vww_96.h5");

describe.skipIf(missingShared(model))("vww_96.h5, a full model of Keras 2", () => {
  const bytes = () => new Uint8Array(readFileSync(model));

  test("has its layers, in order, by their names", async () => {
    const graph = await fromKeras(bytes());
    const shapes = inferShapes(graph);
    expect(graph.inputs).toEqual([{ name: "input_1", shape: [1, 96, 96, 3], dtype: "float32" }]);
    expect(graph.outputs).toEqual(["dense"]);
    expect(shapes.get("dense")).toEqual([1, 2]);
    expect(graph.nodes.filter((node) => node.op === "conv2d")).toHaveLength(14);
    expect(graph.nodes.filter((node) => node.op === "depthwiseConv2d")).toHaveLength(13);
    expect(graph.nodes.filter((node) => node.op === "batchNorm")).toHaveLength(27);
    expect([...graph.endPoints.keys()]).toEqual([...Array.from({ length: 14 }, (_, i) => `block${i}`), "output"]);
    expect(graph.endPoints.get("block13")).toBe("activation_26");
    expect(graph.source.format).toBe("keras");
    expect(graph.source.normalization).toBeUndefined();
  });

  test("reproduces the reference outputs", async () => {
    expectReference(await fromKeras(bytes()), "vww_96_float", 1e-5);
  });
});
