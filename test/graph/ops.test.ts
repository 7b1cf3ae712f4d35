import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { multiplyAdds } from "../../src/graph/cost.ts";
import type { Node } from "../../src/graph/graph.ts";
import { definitionOf, OPS, type Op } from "../../src/graph/ops/index.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { random } from "../cases/random.ts";
import { interpret } from "../reference/interpreter.ts";
import { graphOf, PLAIN } from "./build.ts";

const HALF = { weights: "w", bias: "b" };
/** A node of each op that can hold its result within bounds. */
const CLAMPING: readonly Node[] = [
  { op: "conv2d", name: "y", inputs: ["x"], ...HALF, ...PLAIN },
  { op: "depthwiseConv2d", name: "y", inputs: ["x"], ...HALF, ...PLAIN },
  {
    ...{ op: "transposedConv2d", name: "y", inputs: ["x"], ...HALF },
    ...{ strides: [2, 2], padding: "same", size: [2, 2] },
  },
  { op: "dense", name: "y", inputs: ["x"], ...HALF },
  { op: "separable", name: "y", inputs: ["x"], depthwise: { ...HALF, ...PLAIN }, pointwise: HALF },
  { op: "scaleShift", name: "y", inputs: ["x"], scale: "s", shift: "t" },
  { op: "clamp", name: "y", inputs: ["x"], lo: -1, hi: 1 },
  { op: "maxPool", name: "y", inputs: ["x"], size: [2, 2], strides: [2, 2], padding: "same" },
  { op: "averagePool", name: "y", inputs: ["x"], size: [2, 2], strides: [2, 2], padding: "same" },
  ...(["add", "sub", "mul", "div", "maximum", "minimum"] as const).map((op) => ({ op, name: "y", inputs: ["x", "z"] })),
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
    for (const file of files) {
      const text = readFileSync(`${folder}${file}`, "utf8");
      expect(text, `${file}: what its node computes`).toMatch(/\*\/\nexport interface \w+ extends NodeBase/);
    }
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

  it("compute slopes between layers as the reference does, in every build", async () => {
    const nodes: Node[] = [
      { op: "prelu", name: "first", inputs: ["x"], alpha: "alpha0" },
      { op: "conv2d", name: "conv", inputs: ["first"], ...HALF, ...PLAIN },
      { op: "prelu", name: "second", inputs: ["conv"], alpha: "alpha1" },
      { op: "add", name: "sum", inputs: ["conv", "second"] },
      { op: "prelu", name: "y", inputs: ["sum"], alpha: "alpha1" },
      { op: "clamp", name: "bounded", inputs: ["y"], lo: -0.5, hi: 0.5 },
    ];
    const constants = { w: [3, 3, 3, 5], b: [5], alpha0: [3], alpha1: [5] };
    const graph = graphOf({ x: [2, 4, 7, 3], constants, nodes });
    const x = random("slopes").floats(2 * 4 * 7 * 3, 4);
    const endPoints = nodes.map(({ name }) => name);
    for (const variant of VARIANTS.filter(accepts)) {
      for (const kept of [[], endPoints]) {
        const session = await build(graph, { variant, endPoints: kept });
        const { output, endPoints: measured } = session.run<Float32Array>(x);
        const values = interpret(graph, { x }, { measured });
        for (const name of kept) {
          const { values: expected, bound } = values.get(name)!;
          const off = measured[name]!.findIndex((got, i) => !(Math.abs(got - expected[i]!) <= bound[i]!));
          expect(off, `${variant}, ${name}`).toBe(-1);
        }
        const { values: expected, bound } = interpret(graph, { x }).get("bounded")!;
        expect(output.findIndex((got, i) => !(Math.abs(got - expected[i]!) <= bound[i]!))).toBe(-1);
        session.dispose();
      }
    }
  });

  it("compute what is broadcast as the reference does, in every build", async () => {
    const operators = ["add", "sub", "mul", "div", "maximum", "minimum"] as const;
    const constants = { w: [3, 3, 3, 5], b: [5], c: [5], row: [4, 1, 5], tall: [3, 1, 1, 1, 1], one: [1] };
    const nodes: Node[] = [
      { op: "conv2d", name: "conv", inputs: ["x"], ...HALF, ...PLAIN },
      { op: "globalAveragePool", name: "mean", inputs: ["conv"], keepDims: true },
      { op: "sigmoid", name: "gate", inputs: ["mean"] },
      ...operators.map((op): Node => ({ op, name: `gated ${op}`, inputs: ["conv", "gate"] })),
      ...operators.map(
        (op): Node => ({ op, name: `of gate ${op}`, inputs: ["gate", "conv"], clamp: { lo: -1, hi: 1 } }),
      ),
      ...operators.flatMap((op) =>
        ["c", "row", "tall", "one"].flatMap((operand): Node[] => [
          { op, name: `${op} ${operand}`, inputs: ["conv"], operand },
          { op, name: `${operand} ${op}`, inputs: ["conv"], operand, operandFirst: true },
        ]),
      ),
      { op: "mul", name: "square", inputs: ["conv", "conv"] },
      { op: "reshape", name: "flat", inputs: ["gate"], shape: [10, 1] },
      { op: "sub", name: "outer", inputs: ["flat", "mean"] },
    ];
    const endPoints = nodes.map(({ name }) => name);
    const graph = graphOf({ x: [2, 4, 7, 3], constants, nodes, outputs: endPoints.slice(3) });
    const x = random("broadcast").floats(2 * 4 * 7 * 3, 4);
    for (const variant of VARIANTS.filter(accepts)) {
      const session = await build(graph, { variant, endPoints });
      const { endPoints: measured } = session.run<Float32Array>(x);
      const values = interpret(graph, { x }, { measured });
      for (const name of endPoints) {
        const { values: expected, bound } = values.get(name)!;
        const off = measured[name]!.findIndex((got, i) => !(Math.abs(got - expected[i]!) <= bound[i]!));
        expect(off, `${variant}, ${name}`).toBe(-1);
      }
      session.dispose();
    }
  });

  it("take an input's place where they are as large, and not where their bytes are padded to as many", async () => {
    const nodes: Node[] = [
      { op: "clamp", name: "one", inputs: ["x"], lo: 0, hi: 9 },
      { op: "add", name: "two", inputs: ["one"], operand: "pair" },
      { op: "sub", name: "y", inputs: ["two"], operand: "pair" },
    ];
    const graph = graphOf({ x: [1, 1], constants: { pair: [2] }, nodes });
    const session = await build(graph);
    expect([...session.run(Float32Array.of(4)).output]).toEqual([4, 4].map((n) => expect.closeTo(n, 6)));
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
