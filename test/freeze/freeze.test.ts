import { describe, expect, it } from "vitest";
import { Cursor, joined, moduleOf, SECTIONS, s32, sectionsOf, text, u32 } from "../../src/engine/host/binary.ts";
import { FormatError, MemoryError, UnsupportedError } from "../../src/errors.ts";
import { callsOf } from "../../src/freeze/calls.ts";
import { frozen } from "../../src/frozen.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, freeze, load, mobilenetV1, type Numbers, open, quantize } from "../../src/index.ts";
import { imageGraph } from "../cases/image-graphs.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { graphOf, PLAIN } from "../graph/build.ts";
import { readBuild } from "../variants.ts";

const NETWORK = initialize(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10 }), 3);
const PICTURE = random("picture").floats(64 * 64 * 3);
/** Two inputs, two outputs. */
const TWO: Graph = initialize(
  graphOf({
    x: [1, 6, 6, 4],
    constants: { w: [3, 3, 4, 8] },
    nodes: [
      { op: "conv2d", name: "c", inputs: ["x"], weights: "w", ...PLAIN },
      { op: "softmax", name: "s", inputs: ["c"], beta: 1 },
    ],
    outputs: ["c", "s"],
  }),
  1,
);

interface Exports {
  readonly memory: WebAssembly.Memory;
  run(): void;
  input(i: number): number;
  output(i: number): number;
  abi_version(): number;
  input_count(): number;
  output_count(): number;
  end_point_count(): number;
  inputs(): number;
  outputs(): number;
}

async function instance(bytes: Uint8Array<ArrayBuffer>): Promise<Exports> {
  const module = await WebAssembly.compile(bytes);
  expect(WebAssembly.Module.imports(module)).toEqual([]);
  return (await WebAssembly.instantiate(module)).exports as unknown as Exports;
}

describe("a frozen network", () => {
  for (const variant of ["scalar", "simd"] as const) {
    it(`gives the bits of its session, ${variant}: random graphs, float and 8-bit`, async () => {
      const graphs = [
        ...Array.from({ length: 40 }, (_, seed) => imageGraph(seed)),
        ...Array.from({ length: 40 }, (_, seed) => quantizedGraph(seed)),
      ];
      for (const [i, { graph, input }] of graphs.entries()) {
        const session = await build(graph, { variant });
        const right = session.run<Numbers>(input).outputs;
        const net = await frozen(await freeze(graph, { variant }));
        expect(net.inputs.map(({ name }) => name)).toEqual(session.inputs.map(({ name }) => name));
        for (let n = 0; n < 2; n++) expect(net.run(input as Numbers).outputs, `graph ${i}`).toEqual(right);
      }
    });
  }

  it("has the memory of the plan, and nothing that grows", async () => {
    const session = await build(NETWORK, { variant: "simd" });
    const { memory } = await instance(await freeze(NETWORK));
    expect(memory.buffer.byteLength).toBe(65536 * Math.ceil(session.memory.total / 65536));
    expect(() => memory.grow(1)).toThrow(RangeError);
  });

  it("tells what goes in and comes out, to programs too", async () => {
    const exports = await instance(await freeze(TWO, { endPoints: ["c"], variant: "scalar" }));
    const { memory, input, output, inputs, outputs } = exports;
    expect([exports.abi_version(), exports.input_count(), exports.output_count(), exports.end_point_count()]).toEqual([
      1, 1, 2, 1,
    ]);
    const view = new DataView(memory.buffer);
    const at = (address: number, word: number) => view.getInt32(address + 4 * word, true);
    const described = (address: number) => Array.from({ length: 10 }, (_, word) => at(address, word));
    const name = (address: number) => String.fromCharCode(view.getUint8(at(address, 12)));
    expect(described(inputs())).toEqual([input(0), 4 * 144, 0, 4, 1, 6, 6, 4, 1, 1]);
    expect(described(outputs())).toEqual([output(0), 4 * 288, 0, 4, 1, 6, 6, 8, 1, 1]);
    expect([name(inputs()), name(outputs()), name(outputs() + 64)]).toEqual(["x", "c", "s"]);
    expect([input(1), output(2), output(-1)]).toEqual([0, 0, 0]);
  });

  it("tells the scale of bytes", async () => {
    const graph = await quantize(NETWORK, [PICTURE], { io: "int8" });
    const session = await build(graph, { variant: "simd" });
    const bytes = await freeze(graph);
    const { memory, inputs } = await instance(bytes);
    const view = new DataView(memory.buffer);
    const { scale, zeroPoint } = session.inputs[0]!;
    expect(view.getInt32(inputs() + 8, true)).toBe(1);
    expect(view.getFloat32(inputs() + 40, true)).toBe(Math.fround(scale!));
    expect(view.getInt32(inputs() + 44, true)).toBe(zeroPoint);
    const net = await frozen(bytes);
    expect(net.inputs[0]).toMatchObject({ dtype: "int8", scale, zeroPoint });
    const input = Int8Array.from(PICTURE, (x) => Math.round(100 * x));
    expect(net.run(input).output).toEqual(session.run<Numbers>(input).output);
  });

  it("keeps only the kernels that it uses", async () => {
    const all = readBuild("simd").length;
    const bytes = await freeze(NETWORK);
    const weights = (await build(NETWORK, { variant: "simd" })).memory.weights;
    expect(bytes.length - weights).toBeLessThan(0.6 * all);
    // What is left out is a trap, not something else.
    const code = sectionsOf(bytes).find(({ id }) => id === SECTIONS.code)!;
    const cursor = new Cursor(code.body);
    const bodies = Array.from({ length: cursor.u32() }, () => cursor.bytes(cursor.u32()));
    expect(bodies.filter((body) => String(body) === "0,0,11").length).toBeGreaterThan(20);
  });

  const model = shared("models/vww_96_int8.tflite");
  it.skipIf(missingShared(model))("of a person detector is its weights and 24 KB at most", async () => {
    for (const variant of ["scalar", "simd"] as const) {
      const net = await load(model, { variant });
      const bytes = await freeze(net, { variant });
      expect(bytes.length - net.memory.weights).toBeLessThanOrEqual(24 * 1024);
      // Zeros among the weights are left out, which must not hide how much code there is.
      const data = sectionsOf(bytes).find(({ id }) => id === SECTIONS.data)!.body;
      expect(bytes.length - data.length, "code and description").toBeLessThanOrEqual(20 * 1024);
    }
  });

  it("ends in logits, or in the class", async () => {
    const session = await build(NETWORK, { variant: "simd" });
    const { output } = session.run(PICTURE);
    const logits = (await frozen(await freeze(NETWORK, { top: "logits" }))).run(PICTURE).output;
    const exps = Float64Array.from(logits, Math.exp);
    const sum = exps.reduce((a, b) => a + b);
    expect(Array.from(exps, (x) => x / sum)).toEqual(Array.from(output, (x) => expect.closeTo(x, 6)));
    const best = (await frozen(await freeze(NETWORK, { top: "argmax" }))).run(PICTURE).output;
    expect(Array.from(best)).toEqual([logits.indexOf(Math.max(...logits))]);
    expect(best).toBeInstanceOf(Int32Array);
    await expect(freeze(TWO, { top: "logits" })).rejects.toThrow(/ends in a softmax/);
    await expect(freeze(TWO, { top: "best" as "argmax" })).rejects.toThrow(RangeError);
  });

  it("follows a schedule where layers are computed row by row, and else calls its kernels straight", async () => {
    const code = (bytes: Uint8Array) => sectionsOf(bytes).find(({ id }) => id === SECTIONS.code)!.body.length;
    const session = await build(NETWORK, { variant: "simd", memory: "small" });
    const bytes = await freeze(NETWORK, { memory: "small" });
    expect((await frozen(bytes)).run(PICTURE)).toEqual(session.run(PICTURE));
    expect(session.manifest.lanes[0]).toBeGreaterThan(session.manifest.steps.length);
    expect(code(await freeze(NETWORK))).toBeLessThan(code(bytes) - 800);
  });

  it("takes its rows one by one, where it was frozen so", async () => {
    for (const graph of [NETWORK, await quantize(NETWORK, [PICTURE], { io: "int8" })]) {
      const session = await build(graph, { variant: "simd", memory: "small", feed: true });
      const input = graph === NETWORK ? PICTURE : Int8Array.from(PICTURE, (x) => Math.round(100 * x));
      const right = session.run<Numbers>(input);
      const bytes = await freeze(graph, { memory: "small", feed: true });
      const net = await frozen(bytes);
      for (let n = 0; n < 2; n++) {
        const feed = net.feed();
        for (let y = 0; y < 64; y++) feed.rows(input.subarray(y * 192, (y + 1) * 192));
        expect(feed.done()).toEqual(right);
        expect(net.run(input)).toEqual(right);
      }
      const feed = net.feed();
      expect(() => feed.rows(input.subarray(0, 5))).toThrow(/rows of 192 numbers/);
      expect(() => feed.rows(new Float32Array(65 * 192))).toThrow(/64 at most/);
      expect(() => feed.done()).toThrow(/64 more rows/);
      expect((await load(bytes, { variant: "simd" })).run<Numbers>(input)).toEqual(right);
      const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(bytes));
      const { feed_begin, feed_next, feed_address, run } = exports as Record<string, () => number>;
      // Before a feed and after its end there is nothing to put anywhere.
      expect([run, feed_next!(), feed_address!()]).toEqual([undefined, 0, 0]);
      expect(feed_begin!()).toBeGreaterThan(0);
      let rows = 0;
      for (let wanted = feed_begin!(); wanted > 0; wanted = feed_next!()) rows += wanted;
      expect(rows).toBeGreaterThan(60);
      expect([feed_next!(), feed_address!()]).toEqual([0, 0]);
    }
  });

  it("opens like a saved session, in any build that fits", async () => {
    const bytes = await freeze(NETWORK, { endPoints: ["block3"] });
    const session = await build(NETWORK, { variant: "simd", endPoints: ["block3"] });
    const right = session.run(PICTURE);
    for (const net of [await load(bytes, { variant: "simd" }), await open(bytes, { variant: "simd" })]) {
      expect(net.run(PICTURE)).toEqual(right);
    }
  });
});

describe("freezing is refused", () => {
  it("for too little memory, before anything is made", async () => {
    await expect(freeze(NETWORK, { maxMemory: 100_000 })).rejects.toThrow(MemoryError);
  });

  it("for kernels that came compiled, and options that there are not", async () => {
    const wasm = new WebAssembly.Module(readBuild("simd"));
    await expect(freeze(NETWORK, { wasm })).rejects.toThrow(UnsupportedError);
    await expect(freeze(NETWORK, { threads: 2 } as object)).rejects.toThrow(/expected options .*, got "threads"/);
  });
});

describe("a file that is no frozen network", () => {
  const bytes = freeze(NETWORK);

  it("of other modules is named", async () => {
    await expect(load(readBuild("simd"))).rejects.toThrow(/expected a frozen network, got a module of something else/);
    await expect(frozen(readBuild("simd"))).rejects.toThrow(/expected a frozen network, version 1/);
  });

  it("cut anywhere is damaged", async () => {
    const whole = await bytes;
    for (let n = 8; n < whole.length; n += Math.ceil(whole.length / 97)) {
      await expect(load(whole.slice(0, n)), `${n} bytes`).rejects.toThrow(FormatError);
    }
  });

  it("with a damaged description, or for other kernels, says so", async () => {
    const whole = await bytes;
    const changed = (change: (json: string) => string) =>
      moduleOf(
        sectionsOf(whole).map(({ id, body }) => {
          if (id !== SECTIONS.custom) return { id, body };
          const cursor = new Cursor(body);
          const name = cursor.text();
          const json = change(new TextDecoder().decode(body.subarray(cursor.at)));
          return { id, body: joined([text(name), new TextEncoder().encode(json)]) };
        }),
      );
    await expect(load(changed((json) => json.slice(1)))).rejects.toThrow(FormatError);
    await expect(load(changed((json) => json.replace(/"abi":\d+/, '"abi":99')))).rejects.toThrow(UnsupportedError);
    const newer = changed((json) => json.replace('"frozen":1', '"frozen":2'));
    await expect(load(newer)).rejects.toThrow(/expected version 1 of its interface, got 2/);
    await expect(load(newer)).rejects.toThrow(UnsupportedError);
    await expect(load(changed((json) => json.replace('"frozen":1,', "")))).rejects.toThrow(FormatError);
    await expect(load(changed(() => "5"))).rejects.toThrow(/frozen network: expected a description in JSON/);
    for (const wrong of [
      newer,
      changed((json) => json.slice(1)),
      changed((json) => json.replace('"inputs"', '"in"')),
    ]) {
      await expect(frozen(wrong)).rejects.toThrow(/^expected a frozen network, version 1$/);
    }
    const outside = changed((json) => json.replace(/("outputs":\[{[^}]*"address":)\d+/, "$1999999999"));
    await expect(frozen(outside)).rejects.toThrow(/^expected a frozen network, version 1$/);
    await expect(load(outside)).rejects.toThrow(FormatError);
    const unlisted = changed((json) => json.replace('"endPoints":[]', '"endPoints":""'));
    await expect(load(unlisted)).rejects.toThrow(/image: expected a list, got string/);
    const moved = changed((json) => json.replace(/"arenaAt":\d+/, '"arenaAt":16'));
    await expect(load(moved)).rejects.toThrow(FormatError);
  });

  it("flipped in any byte: an error, or a network that keeps to its memory", async () => {
    const whole = await bytes;
    const next = random("flips");
    for (let n = 0; n < 60; n++) {
      const file = whole.slice();
      file[next.int(8, file.length - 1)]! ^= 1 << next.int(0, 7);
      await load(file).then(
        (net) => net.run(PICTURE),
        (error) => expect(error.name).toMatch(/^(Format|Unsupported|Memory|Shape|Load)Error$|^(Type|Range)Error$/),
      );
    }
  });

  it("and wrong inputs are refused by its loader", async () => {
    const net = await frozen(await bytes);
    expect(() => net.run(PICTURE.subarray(1))).toThrow(/expected 12288 values for input, got 12287/);
    expect(() => net.run(new Int8Array(5))).toThrow(/expected float32 \[1,64,64,3\]/);
    expect(() => net.input("y")).toThrow(RangeError);
  });
});

describe("the calls of a function", () => {
  it("are found behind every kind of instruction that kernels have", () => {
    for (const variant of ["scalar", "simd", "relaxed"] as const) {
      const code = sectionsOf(readBuild(variant)).find(({ id }) => id === SECTIONS.code)!;
      const cursor = new Cursor(code.body);
      const count = cursor.u32();
      const called = new Set<number>();
      for (let i = 0; i < count; i++) {
        for (const index of callsOf(cursor.bytes(cursor.u32()))) called.add(index);
      }
      // Read out of step, an instruction's operands would look like calls of functions that there are not.
      expect(Math.max(...called)).toBeLessThan(count);
      expect(called.size).toBeGreaterThan(40);
    }
    const numbers = [
      ...[0x41, ...s32(-5), 0x1a],
      ...[0x43, 0x10, 0x01, 0x10, 0x01, 0x1a],
      ...[0x10, ...u32(300)],
      0x0b,
    ];
    expect(callsOf(Uint8Array.from([1, 2, 0x7f, ...numbers]))).toEqual(new Set([300]));
  });
});
