import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { checkOptions, kindOf } from "../src/arguments.ts";
import { build, cost, load, memoryRequired, mobilenetV1, quantize, toTflite } from "../src/index.ts";
import { graphOf } from "./graph/build.ts";

const GRAPH = mobilenetV1({ alpha: 0.25, resolution: 32, classes: 4 });
const SIZE = 32 * 32 * 3;

describe("what callers hand over", () => {
  it("is named as what it is", () => {
    const kinds = [[], {}, new Map(), null, undefined, "x", 3, new Float64Array(1), () => 1].map(kindOf);
    expect(kinds).toEqual([
      ...["an Array", "an Object", "a Map", "null", "nothing", 'the string "x"', "the number 3"],
      ...["a Float64Array", "a Function"],
    ]);
  });

  it("may be a session where a graph is wanted", async () => {
    const session = await build(GRAPH);
    expect((await build(session)).memory).toEqual(session.memory);
    expect(memoryRequired(session)).toEqual(session.memory);
    expect(cost(session)).toEqual(cost(session.graph));
    const sample = new Float32Array(SIZE).fill(0.3);
    const quantized = await quantize(await build(session), [sample]);
    expect(quantized.nodes.some(({ dtype }) => dtype === "int8")).toBe(true);
    expect((await toTflite(await build(quantized))).length).toBeGreaterThan(1000);
  });

  it("is refused in words where it is no graph", async () => {
    await expect(build(undefined as never)).rejects.toThrow(
      "build: expected a graph (such as mobilenetV1() makes) or a session, got nothing",
    );
    await expect(build("model.tflite" as never)).rejects.toThrow(/got the string "model.tflite"/);
    await expect(build([] as never)).rejects.toThrow(/got an Array without a list of inputs/);
    const json = JSON.parse(JSON.stringify(GRAPH));
    await expect(build(json)).rejects.toThrow(/constants are a Map, got an Object; JSON does not keep Maps/);
    await expect(build(json)).rejects.toThrow(TypeError);
  });

  it("is refused by name where it is no option, with the nearest one", async () => {
    await expect(build(GRAPH, { varaint: "simd" } as never)).rejects.toThrow(/got "varaint"; did you mean "variant"\?/);
    await expect(load(new Uint8Array(8), { endpoints: [] } as never)).rejects.toThrow(/did you mean "endPoints"\?/);
    expect(() => memoryRequired(GRAPH, { variant: "simd" } as never)).toThrow(
      /expected options endPoints, batch, maxMemory, memory, feed, threads, got "variant"/,
    );
    expect(() => checkOptions("f", "x", [])).toThrow('f: expected options as an object, got the string "x"');
  });

  it("is refused where it is no number of bytes", async () => {
    await expect(build(GRAPH, { maxMemory: "1MB" as never })).rejects.toThrow(
      'maxMemory: expected a number of bytes, got the string "1MB"',
    );
    await expect(load(new Uint8Array(8), { maxMemory: Number.NaN })).rejects.toThrow(
      "maxMemory: expected a number of bytes, got the number NaN",
    );
  });

  it("may come from another realm", async () => {
    const session = await build(
      graphOf({ x: [1, 2], nodes: [{ op: "clamp", name: "y", inputs: ["x"], lo: 0, hi: 1 }] }),
    );
    const foreign = runInNewContext("new Float32Array([-1, 0.5])");
    expect(foreign).not.toBeInstanceOf(Float32Array);
    expect(session.run(foreign).output).toEqual(Float32Array.of(0, 0.5));
    expect(() => session.run([-1, 0.5] as never)).toThrow(
      "input x: expected a Float32Array of shape [1, 2], got an Array",
    );
    expect(() => session.run(new Float64Array(2) as never)).toThrow(/got a Float64Array/);
    expect(() => session.run(undefined as never)).toThrow(/got nothing/);
  });
});
