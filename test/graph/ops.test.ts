import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import { multiplyAdds } from "../../src/graph/cost.ts";
import type { Node } from "../../src/graph/graph.ts";
import { definitionOf, OPS, type Op } from "../../src/graph/ops/index.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { PLAIN } from "./build.ts";

const HALF = { weights: "w", bias: "b" };
/** A node of each op that can hold its result within bounds. */
const CLAMPING: readonly Node[] = [
  { op: "conv2d", name: "y", inputs: ["x"], ...HALF, ...PLAIN },
  { op: "depthwiseConv2d", name: "y", inputs: ["x"], ...HALF, ...PLAIN },
  { op: "dense", name: "y", inputs: ["x"], ...HALF },
  { op: "separable", name: "y", inputs: ["x"], depthwise: { ...HALF, ...PLAIN }, pointwise: HALF },
  { op: "scaleShift", name: "y", inputs: ["x"], scale: "s", shift: "t" },
  { op: "clamp", name: "y", inputs: ["x"], lo: -1, hi: 1 },
  { op: "maxPool", name: "y", inputs: ["x"], size: [2, 2], strides: [2, 2], padding: "same" },
  { op: "averagePool", name: "y", inputs: ["x"], size: [2, 2], strides: [2, 2], padding: "same" },
  { op: "add", name: "y", inputs: ["x", "z"] },
];

describe("ops", () => {
  it("are one in each file beside the registry, and all say what they compute", () => {
    const folder = fileURLToPath(new URL("../../src/graph/ops/", import.meta.url));
    const files = readdirSync(folder).filter((file) => !/^(index|definition|checks|shapes)\./.test(file));
    const exported = files.flatMap((file) => {
      const text = readFileSync(`${folder}${file}`, "utf8");
      return [...text.matchAll(/^export const (\w+): OpDefinition/gm)].map(([, op]) => op);
    });
    expect(exported.sort()).toEqual(Object.keys(OPS).sort());
    for (const op of Object.keys(OPS) as Op[]) expect(OPS[op].meaning, op).toMatch(/\w/);
  });

  it("that clamp are held within the bounds that they are given", () => {
    const able = (Object.keys(OPS) as Op[]).filter((op) => OPS[op].clamped);
    expect(CLAMPING.map(({ op }) => op).sort()).toEqual(able.sort());
    for (const node of CLAMPING) {
      const { bounds, clamped } = definitionOf(node);
      expect(bounds?.(clamped!(node, { lo: 0, hi: 3 })), node.op).toMatchObject({ lo: 0, hi: 3 });
    }
  });

  it("of an unknown name are refused", () => {
    for (const op of ["conv3d", "toString", ""]) {
      expect(() => definitionOf({ op, name: "y", inputs: [] })).toThrow(`node "y": expected a known op, got "${op}"`);
    }
  });

  it("count the multiply-adds that the engine does", async () => {
    for (const convolution of ["separable", "full"] as const) {
      const graph = mobilenetV1({ alpha: 0.25, resolution: 96, convolution });
      const fused = optimize(graph);
      const shapes = inferShapes(fused);
      const session = await build(graph);
      const done = session.profile(new Float32Array(96 * 96 * 3)).map(({ name, macs }) => [name, macs]);
      session.dispose();
      const counted = fused.nodes.map((node) => [node.name, multiplyAdds(node, shapes)] as const);
      expect(done.filter(([, macs]) => macs !== 0)).toEqual(counted.filter(([, macs]) => macs !== 0));
    }
  });
});
