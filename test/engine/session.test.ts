import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { build, memoryRequired } from "../../src/engine/build.ts";
import { LinearMemory } from "../../src/engine/host/memory.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { LoadError, MemoryError, ShapeError, StateError, UnsupportedError } from "../../src/errors.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { random } from "../cases/random.ts";
import { graphOf } from "../graph/build.ts";
import { interpret } from "../reference/interpreter.ts";

const SMALL = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 }), 5);
const IMAGE = random("image").floats(32 * 32 * 3);
const PAGE = 65536;

afterEach(() => vi.restoreAllMocks());

describe("memory", () => {
  it("is known before it is allocated, is what is allocated up to the page, and stays the same for 1000 runs", async () => {
    const known = memoryRequired(SMALL, { endPoints: ["block11"] });
    const create = vi.spyOn(LinearMemory, "create");
    const session = await build(SMALL, { endPoints: ["block11"] });
    const memory = await create.mock.results.at(-1)!.value;
    expect(session.memory).toEqual(known);
    const first = session.run(IMAGE).output;
    for (let i = 0; i < 1000; i++) session.run(IMAGE);
    expect(session.run(IMAGE).output).toEqual(first);
    expect(memory.exports.memory.buffer.byteLength).toBe(Math.ceil(known.total / PAGE) * PAGE);
    expect(memory.exports.memory.buffer).toBe(memory.buffer);
  });

  it("is refused by maxMemory with needed and allowed bytes, before anything is allocated", async () => {
    const { total } = memoryRequired(SMALL);
    await build(SMALL); // the kernels are checked once; what follows allocates for the session alone
    const create = vi.spyOn(LinearMemory, "create");
    const error = await build(SMALL, { maxMemory: total - 1 }).catch((e) => e);
    expect(error).toBeInstanceOf(MemoryError);
    expect(error).toMatchObject({ code: "MEMORY", needed: total, allowed: total - 1 });
    expect(error.message).toContain(String(total));
    expect(create).not.toHaveBeenCalled();
    expect((await build(SMALL, { maxMemory: total })).memory.total).toBe(total);
    await expect(build(SMALL, { maxMemory: Number.NaN })).rejects.toThrow(TypeError);
  });

  it("that the host won't give is a MemoryError", async () => {
    const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
      throw new RangeError("out of memory");
    });
    await expect(build(SMALL, { variant: "scalar" })).rejects.toThrow(MemoryError);
    grow.mockRestore();
    await expect(build(SMALL, { variant: "scalar" })).resolves.toBeDefined();
  });
});

describe("windows of any size", () => {
  for (const variant of VARIANTS.filter(accepts)) {
    it(`are computed, or refused before anything runs (${variant})`, async () => {
      const x = random("window").floats(16);
      const graph = (dilations: readonly [number, number]) =>
        graphOf({
          x: [1, 4, 4, 1],
          constants: { w: [5, 5, 1, 1], d: [5, 5, 1, 1] },
          nodes: [
            { op: "conv2d", name: "y", inputs: ["x"], weights: "w", strides: [1, 1], dilations, padding: "same" },
            {
              op: "depthwiseConv2d",
              name: "z",
              inputs: ["x"],
              weights: "d",
              strides: [1, 1],
              dilations,
              padding: "same",
            },
            {
              op: "maxPool",
              name: "p",
              inputs: ["x"],
              size: [999, 3],
              strides: [999, 1],
              padding: "same",
            },
            { op: "concat", name: "c", inputs: ["x", "x"], axis: 1 },
          ],
          outputs: ["y", "z", "p", "c"],
        });
      for (const d of [1, 2, 3, 4, 5, 7, 8, 9, 1000, 2 ** 20]) {
        const session = await build(graph([1, d]), { variant });
        const expected = interpret(graph([1, d]), { x });
        const { outputs } = session.run(x);
        for (const [name, values] of Object.entries(outputs)) {
          const { values: want, bound } = expected.get(name)!;
          values.forEach((value, i) => {
            if (!(Math.abs(value - want[i]!) <= bound[i]!))
              expect.fail(`${d}: ${name}[${i}]: ${want[i]}, got ${value}`);
          });
        }
      }
      for (const d of [2 ** 29, 2 ** 30 - 1, 2 ** 31 - 1]) {
        await expect(build(graph([1, d]), { variant })).rejects.toThrow(ShapeError);
      }
    });
  }

  it("of values without axes too: a scalar is one number", async () => {
    const session = await build(graphOf({ x: [], nodes: [{ op: "clamp", name: "y", inputs: ["x"], lo: 0, hi: 1 }] }));
    expect(session.run(Float32Array.of(7)).output).toEqual(Float32Array.of(1));
  });
});

describe("maxMemory", () => {
  it("is looked at before weights are drawn", async () => {
    const graph = mobilenetV1({ alpha: 8, resolution: 32, classes: 10 });
    const before = process.memoryUsage().arrayBuffers;
    await expect(build(graph, { maxMemory: 1000 })).rejects.toThrow(MemoryError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });
});

describe("run", () => {
  for (const variant of VARIANTS.filter(accepts)) {
    it(`agrees with the naive interpreter (${variant})`, async () => {
      const session = await build(SMALL, { variant, endPoints: ["block0", "block5", "output", "block3/depthwise"] });
      expect(session.variant).toBe(variant);
      const { output, endPoints } = session.run(IMAGE);
      const expected = interpret(SMALL, { input: IMAGE });
      const near = (actual: Float32Array, name: string) => {
        const { values } = expected.get(name)!;
        const scale = Math.max(...values.map(Math.abs));
        expect(actual).toHaveLength(values.length);
        actual.forEach((value, i) => {
          if (!(Math.abs(value - values[i]!) <= 1e-5 * scale)) expect.fail(`${name}[${i}]: ${values[i]}, got ${value}`);
        });
      };
      near(output, "softmax");
      for (const [name, value] of Object.entries(endPoints)) near(value, name);
      expect(Object.keys(endPoints)).toEqual(["block0", "block5", "output", "block3/depthwise"]);
    });
  }

  it("fused and unfused, batch by batch and one by one, gives the same bits", async () => {
    const halves = SMALL.nodes.flatMap(({ name }) => (name.endsWith("/depthwise") ? [name] : []));
    const fused = await build(SMALL, { variant: "simd" });
    const unfused = await build(SMALL, { variant: "simd", endPoints: halves });
    const three = await build(SMALL, { variant: "simd", batch: 3 });
    const images = [IMAGE, random("second").floats(IMAGE.length), random("third").floats(IMAGE.length)];
    const single = images.map((image) => fused.run(image).output);
    expect(unfused.run(IMAGE).output).toEqual(single[0]);
    expect(three.inputs[0]!.shape).toEqual([3, 32, 32, 3]);
    const together = new Float32Array(3 * IMAGE.length);
    images.forEach((image, i) => {
      together.set(image, i * IMAGE.length);
    });
    expect([...three.run(together).output]).toEqual(single.flatMap((output) => [...output]));
  });

  it("answers with arrays of the caller's own, and leaves the input as it was", async () => {
    const session = await build(SMALL);
    const input = IMAGE.slice();
    const { output, outputs } = session.run(input);
    const copy = output.slice();
    expect(outputs.softmax).toBe(output);
    session.run(random("other").floats(IMAGE.length));
    expect(output).toEqual(copy);
    expect(input).toEqual(IMAGE);
    expect(output.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });

  it("computes in place what it computes with copies, again and again, and views never move", async () => {
    const session = await build(SMALL, { endPoints: ["block11"] });
    const { output, endPoints } = (await build(SMALL, { endPoints: ["block11"] })).run(IMAGE);
    const input = session.input();
    const view = session.output();
    for (let i = 0; i < 3; i++) {
      input.set(IMAGE);
      view.fill(Number.NaN);
      session.compute();
      expect(view).toEqual(output);
      expect(session.output("block11")).toEqual(endPoints.block11);
    }
    expect(session.input("input").byteOffset).toBe(input.byteOffset);
    expect(() => session.input("block11")).toThrow(/^input: expected one of input, got block11$/);
    expect(() => session.output("block5")).toThrow(/^output: expected one of softmax, block11, got block5$/);
    session.dispose();
    expect(() => session.compute()).toThrow(StateError);
    expect(() => session.input()).toThrow(StateError);
  });

  it("takes several inputs by name, and answers several outputs", async () => {
    const graph = graphOf({
      x: [1, 1, 1, 4],
      nodes: [
        { op: "add", name: "sum", inputs: ["x", "z"] },
        { op: "concat", name: "both", inputs: ["sum", "x", "z"], axis: 3 },
      ],
      outputs: ["both", "sum"],
    });
    const two = { ...graph, inputs: [...graph.inputs, { name: "z", shape: [1, 1, 1, 4], dtype: "float32" as const }] };
    const session = await build(two);
    const { output, outputs } = session.run({ x: Float32Array.of(1, 2, 3, 4), z: Float32Array.of(10, 20, 30, 40) });
    expect([...outputs.sum!]).toEqual([11, 22, 33, 44]);
    expect([...output]).toEqual([11, 22, 33, 44, 1, 2, 3, 4, 10, 20, 30, 40]);
    expect(() => session.run({ x: new Float32Array(4) })).toThrow(/input z: expected a Float32Array .*got nothing/);
    expect(() => session.run(new Float32Array(4))).toThrow(TypeError);
  });

  it("names both shapes when the length is wrong, the kind when the kind is, and stays usable", async () => {
    const session = await build(SMALL);
    const expected = session.run(IMAGE).output;
    expect(() => session.run(new Float32Array(7))).toThrow(ShapeError);
    expect(() => session.run(new Float32Array(7))).toThrow(/input input: .*\[1, 32, 32, 3\] \(3072 values\), got 7/);
    expect(() => session.run(new Uint8Array(3072) as unknown as Float32Array)).toThrow(/got a Uint8Array/);
    expect(() => session.run(undefined as unknown as Float32Array)).toThrow(TypeError);
    expect(() => session.run([1, 2] as unknown as Float32Array)).toThrow(TypeError);
    expect(session.run(IMAGE).output).toEqual(expected);
  });

  it("is a StateError after dispose; disposing twice is nothing, and other sessions go on", async () => {
    const [one, other] = await Promise.all([build(SMALL), build(SMALL)]);
    const expected = other.run(IMAGE).output;
    one.dispose();
    one.dispose();
    expect(() => one.run(IMAGE)).toThrow(StateError);
    expect(() => one.profile(IMAGE)).toThrow(StateError);
    expect(other.run(IMAGE).output).toEqual(expected);
    other[Symbol.dispose]();
    expect(() => other.run(IMAGE)).toThrow(StateError);
  });

  it("profiles step by step with the multiply-adds of each", async () => {
    const session = await build(mobilenetV1());
    const rows = session.profile(new Float32Array(224 * 224 * 3));
    const macs = rows.reduce((sum, row) => sum + row.macs, 0);
    expect(macs).toBe(568_741_376);
    expect(rows.every(({ ms }) => ms >= 0)).toBe(true);
    expect(rows.map(({ name }) => name).slice(0, 3)).toEqual(["block0", "block1", "block2"]);
  });
});

describe("build", () => {
  it("names the known end points when one is not there", async () => {
    await expect(build(SMALL, { endPoints: ["block14"] })).rejects.toThrow(/block0, .*got block14/);
    await expect(build(SMALL, { endPoints: ["block14"] })).rejects.toThrow(RangeError);
  });

  it("takes weights by name, and draws them from the seed when there are none", async () => {
    const architecture = mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 });
    const expected = (await build(SMALL)).run(IMAGE).output;
    expect((await build(architecture, { seed: 5 })).run(IMAGE).output).toEqual(expected);
    const weights = new Map([...SMALL.constants.values()].map(({ name, data }) => [name, data as Float32Array]));
    expect((await build(architecture, { weights })).run(IMAGE).output).toEqual(expected);
    weights.delete("block3/pointwise/weights");
    await expect(build(architecture, { weights })).rejects.toThrow(/block3\/pointwise\/weights/);
  });

  it("stops when it is told to, at the start and while packing", async () => {
    await expect(build(SMALL, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const controller = new AbortController();
    const progress = vi.fn(({ done }) => done === 3 && controller.abort(new Error("midway")));
    await expect(build(SMALL, { signal: controller.signal, onProgress: progress })).rejects.toThrow("midway");
    expect(progress).toHaveBeenCalledTimes(3);
  });
});

describe("variants", () => {
  const bytes = (name: string) => readFileSync(new URL(`../../build/sepconv.${name}.wasm`, import.meta.url));

  it("come from bytes, a response or a module too; the module says which it is", async () => {
    const expected = (await build(SMALL, { variant: "scalar" })).run(IMAGE).output;
    const wasm = new Uint8Array(bytes("scalar"));
    for (const source of [wasm, wasm.buffer, new Response(wasm), new WebAssembly.Module(wasm)]) {
      const session = await build(SMALL, { wasm: source });
      expect(session.variant).toBe("scalar");
      expect(session.run(IMAGE).output).toEqual(expected);
    }
    await expect(build(SMALL, { wasm, variant: "simd" })).rejects.toThrow(UnsupportedError);
  });

  it("that were cut off on their way are damaged, not unsupported", async () => {
    const whole = new Uint8Array(bytes("scalar"));
    for (const length of [9, 100, 1000, whole.length - 1]) {
      await expect(build(SMALL, { wasm: whole.slice(0, length) })).rejects.toThrow(LoadError);
    }
  });

  it("name what came instead of wasm", async () => {
    await expect(build(SMALL, { wasm: new Response("<!DOCTYPE html>") })).rejects.toThrow(/got HTML/);
    await expect(build(SMALL, { wasm: new Response("", { status: 404 }) })).rejects.toThrow(/status 404/);
    await expect(build(SMALL, { wasm: new Uint8Array([1, 2, 3]) })).rejects.toThrow(LoadError);
    const other = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    await expect(build(SMALL, { wasm: other })).rejects.toThrow(LoadError);
  });

  it("that don't exist are a RangeError, and those that this host refuses an UnsupportedError", async () => {
    await expect(build(SMALL, { variant: "avx" as "simd" })).rejects.toThrow(RangeError);
    vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
    await expect(build(SMALL, { variant: "relaxed" })).rejects.toThrow(UnsupportedError);
  });
});
