import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { GraphBuilder, withNumbers } from "../../src/graph/builder.ts";
import type { Node } from "../../src/graph/graph.ts";
import { validate } from "../../src/graph/validate.ts";
import { equalize } from "../../src/quantize/equalize.ts";
import type { Interpreted } from "../reference/interpreter.ts";
import { evaluated, graphOf, PLAIN } from "./build.ts";

const FIELDS = { name: "test", outputs: ["y"], source: { format: "test" } };
const DENSE = { op: "dense", name: "y", inputs: ["x"], weights: "w" } as const;

function withInput(): GraphBuilder {
  const builder = new GraphBuilder();
  builder.addInput({ name: "x", shape: [1, 2], dtype: "float32" });
  return builder;
}

describe("GraphBuilder", () => {
  it("tells apart values, constants and inputs of one name", () => {
    const builder = withInput();
    expect([builder.claim("x"), builder.claim("x"), builder.claim("x_1"), builder.claim("z")]).toEqual([
      ...["x_1", "x_2", "x_1_1", "z"],
    ]);
    expect(builder.addConstant("z", { shape: [1] })).toBe("z_1");
  });

  it("leaves reserved names to those whose they are", () => {
    const builder = new GraphBuilder(new Set(["a", "a_1"]));
    expect([builder.claim("a"), builder.claim("a")]).toEqual(["a_2", "a_3"]);
    builder.take("a");
    expect(builder.hasName("a")).toBe(true);
  });

  it("tells tens of thousands of one name apart at once", () => {
    for (const builder of [new GraphBuilder(), new GraphBuilder(new Set(["same"]))]) {
      const names = new Set(Array.from({ length: 50_000 }, () => builder.claim("same")));
      expect(names.size).toBe(50_000);
    }
  });

  it("infers shapes, and refuses a node that cannot read what it reads", () => {
    const builder = withInput();
    builder.addConstant("w", { shape: [2, 3] });
    expect(builder.shapeOf(builder.addNode(DENSE))).toEqual([1, 3]);
    expect(() => builder.addNode({ ...DENSE, name: "z", inputs: ["y"] })).toThrow(ShapeError);
    expect(() => builder.addNode({ ...DENSE, name: "z", inputs: ["nothing"] })).toThrow(TypeError);
  });

  it("makes numbers that come later in the order of the constants, one of a kind once", async () => {
    const builder = withInput();
    const made: string[] = [];
    const make = (name: string, size: number) => () => {
      made.push(name);
      return new Float32Array(size).fill(size);
    };
    builder.addConstant("w", { shape: [2, 3] }, make("w", 6), "key");
    builder.addConstant("b", { shape: [3] }, make("b", 3));
    expect([builder.constantOf("key"), builder.constantOf("other")]).toEqual(["w", undefined]);
    builder.addNode({ ...DENSE, bias: "b" });
    const graph = builder.graph(FIELDS);
    expect([...graph.constants.values()].map(({ data }) => data)).toEqual([undefined, undefined]);
    validate(graph);
    let turns = 0;
    const complete = await builder.complete(graph, () => turns++);
    expect([made, turns]).toEqual([["w", "b"], 2]);
    expect(complete.constants.get("b")?.data).toEqual(new Float32Array([3, 3, 3]));
    validate(complete);
  });

  it("follows values to what they are called now", () => {
    const builder = withInput();
    builder.alias("x", "x/int8");
    expect([builder.current("x"), builder.current("y")]).toEqual(["x/int8", "y"]);
  });

  it("begins another form of a graph with its names taken and no node", () => {
    const builder = GraphBuilder.of(graphOf({ x: [1, 2], constants: { w: [2, 3] }, nodes: [DENSE] }));
    expect([builder.nodes, builder.claim("y"), builder.claim("w"), builder.claim("x")]).toEqual([
      ...[[], "y_1", "w_1", "x_1"],
    ]);
    builder.addNode(DENSE);
    builder.removeNode("y");
    expect(builder.hasName("y")).toBe(false);
  });

  it("fills a graph with numbers", async () => {
    const graph = graphOf({ x: [1, 2], constants: { w: [2, 3] }, nodes: [DENSE], blank: true });
    const filled = await withNumbers(graph, async ({ shape }) => new Float32Array(shape[0]! * shape[1]!));
    expect(filled.constants.get("w")?.data).toHaveLength(6);
  });
});

describe("equalize", () => {
  it("gives layers that share their weights factors of their own", () => {
    const window = { ...PLAIN, clamp: { lo: 0, hi: Number.POSITIVE_INFINITY } };
    const nodes: Node[] = ["a", "b"].flatMap((name): Node[] => [
      { op: "conv2d", name: `${name}/wide`, inputs: ["x"], weights: "w", ...window },
      { op: "depthwiseConv2d", name, inputs: [`${name}/wide`], weights: "d", ...window },
    ]);
    nodes.push({ op: "add", name: "y", inputs: ["a", "b"] });
    const graph = graphOf({ x: [1, 4, 4, 2], constants: { w: [1, 1, 2, 3], d: [3, 3, 3, 1] }, nodes });
    const peaks = new Map([
      ["a/wide", Float64Array.of(1, 2, 4)],
      ["b/wide", Float64Array.of(8, 2, 1)],
    ]);
    const equalized = equalize(graph, peaks);
    validate(equalized);
    const [before, after] = [graph, equalized].map((g) => evaluated(g).get("y")!) as [Interpreted, Interpreted];
    after.values.forEach((value, i) => {
      expect(Math.abs(value - before.values[i]!)).toBeLessThanOrEqual(before.bound[i]! + after.bound[i]!);
    });
  });
});
