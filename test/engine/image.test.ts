import { describe, expect, it } from "vitest";
import { buildGraph } from "../../src/engine/build.ts";
import { isImage, writeImage } from "../../src/engine/image.ts";
import { readImage } from "../../src/engine/image-read.ts";
import type { Manifest } from "../../src/engine/manifest.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { FormatError, MemoryError, SepconvError, StateError, UnsupportedError } from "../../src/errors.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, classify, load, type Numbers, open, type Session } from "../../src/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";

const SOURCE = { format: "test", normalization: { mean: 127.5, std: 127.5 }, labels: ["a", "b", "c"] };
const GRAPH: Graph = { ...initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 }), 5), source: SOURCE };
const IMAGE = random("image").floats(32 * 32 * 3);

/** A saved session with something else in its manifest, or in its bytes. */
function changed(
  file: Uint8Array,
  manifest: (m: Manifest) => unknown,
  bytes: (b: Uint8Array) => void = () => {},
): Uint8Array {
  const image = readImage(file);
  const copy = image.bytes.slice();
  bytes(copy);
  return writeImage({ ...image, manifest: manifest(structuredClone(image.manifest)) as Manifest, bytes: copy });
}

describe("a saved session", () => {
  for (const variant of VARIANTS.filter(accepts)) {
    it(`opens with the same bits, values and end points (${variant})`, async () => {
      const built = await build(GRAPH, { variant, endPoints: ["block5", "output"] });
      const file = built.save();
      for (const opened of [await open(file, { variant }), await load(file, { variant })]) {
        expect(opened.run(IMAGE)).toEqual(built.run(IMAGE));
        for (const field of ["inputs", "outputs", "endPoints", "memory", "variant"] as const) {
          expect(opened[field]).toEqual(built[field]);
        }
        expect(opened.profile(IMAGE).map(({ ms: _, ...row }) => row)).toEqual(
          built.profile(IMAGE).map(({ ms: _, ...row }) => row),
        );
        expect(opened.save()).toEqual(file);
      }
    });
  }

  it("of 40 random 8-bit networks too", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const { graph, input } = quantizedGraph(seed);
      const built = await build(graph);
      const opened = await open(built.save());
      expect(opened.run<Numbers>(input).output, `graph ${seed}`).toEqual(built.run<Numbers>(input).output);
    }
  });

  it("classifies as the one that it was saved from: range, labels, what its outputs are", async () => {
    const picture = { data: new Uint8Array(12 * 9 * 3).fill(77), width: 12, height: 9 };
    const built = await build(GRAPH);
    expect(await classify(await open(built.save()), picture)).toEqual(await classify(built, picture));
  });

  it("has no graph, and says so; a session after dispose has no image", async () => {
    const built = await build(GRAPH);
    const opened = await open(built.save());
    expect(() => opened.graph).toThrow(StateError);
    expect(() => opened.graph).toThrow(/opened from an image/);
    await expect(build(opened)).rejects.toThrow(SepconvError);
    built.dispose();
    expect(() => built.save()).toThrow(StateError);
  });

  it("is for builds that pack alike", async () => {
    const scalar = (await build(GRAPH, { variant: "scalar" })).save();
    expect((await open(scalar)).variant).toBe("scalar");
    await expect(open(scalar, { variant: "simd" })).rejects.toThrow(
      /expected kernels of scalar, for which its weights are packed, got simd/,
    );
    const simd = (await build(GRAPH, { variant: "simd" })).save();
    await expect(open(simd, { variant: "scalar" })).rejects.toThrow(UnsupportedError);
    expect((await open(simd)).variant).toBe(accepts("relaxed") ? "relaxed" : "simd");
  });

  it("takes the options that a finished network has, and no others", async () => {
    const file = (await build(GRAPH)).save();
    await expect(open(file, { maxMemory: 1000 })).rejects.toThrow(MemoryError);
    await expect(load(file, { endPoints: ["block1"] })).rejects.toThrow(
      /expected no option endPoints for a saved session/,
    );
    await expect(open(file, { endPoints: [] } as never)).rejects.toThrow(TypeError);
    expect(isImage(file)).toBe(true);
    await expect(open(new Uint8Array(99))).rejects.toThrow(FormatError);
  });
});

describe("a saved session that lies", () => {
  const saved = async (): Promise<[Session, Uint8Array]> => {
    const session = await build(GRAPH, { variant: "simd" });
    return [session, session.save()];
  };

  it("is refused wherever it is cut", async () => {
    const [, file] = await saved();
    for (const length of [0, 7, 8, 15, 16, 100, 5000, file.length - 16, file.length - 1]) {
      expect(() => readImage(file.slice(0, length)), `${length} bytes`).toThrow(FormatError);
    }
  });

  it("is refused for another version of the file or of the kernels", async () => {
    const [, file] = await saved();
    const version = file.slice();
    version[7] = 9;
    expect(() => readImage(version)).toThrow(UnsupportedError);
    const text = new TextDecoder("latin1").decode(file.subarray(0, 64));
    const at = text.indexOf('"abi":') + 6;
    const abi = file.slice();
    abi[at] = "9".charCodeAt(0);
    expect(() => readImage(abi)).toThrow(/ABI version/);
  });

  const STEP = 256;
  /** A field of a step's record: fields are numbered as in the record. */
  const set = (step: number, field: number, value: number) => (bytes: Uint8Array) =>
    new DataView(bytes.buffer).setInt32(step * STEP + 4 * field, value, true);
  const lies: Record<string, Parameters<typeof changed> extends [unknown, ...infer R] ? R : never> = {
    "a step that writes past the arena": [(m) => m, set(0, 6, 2 ** 30)],
    "a step that writes over the weights": [(m) => m, set(0, 6, 4096)],
    "a step that reads past the memory": [(m) => m, set(0, 2, 2 ** 30)],
    "weights past their end": [(m) => m, set(0, 4, 2 ** 29)],
    "an image of a million rows": [(m) => m, set(0, 9, 1_000_000)],
    "rows of minus one": [(m) => m, set(0, 1, -1)],
    "a dilation of 2³⁰": [(m) => m, set(0, 20, 2 ** 30)],
    "another kernel's number": [(m) => m, set(0, 0, 7)],
    "a kernel that no plan has": [(m) => ({ ...m, steps: m.steps.map((s) => ({ ...s, kernel: "image_f32" })) })],
    "a kernel that is none": [(m) => ({ ...m, steps: m.steps.map((s) => ({ ...s, kernel: "__proto__" })) })],
    "fewer steps than records": [(m) => ({ ...m, steps: m.steps.slice(1) })],
    "an arena that begins among the weights": [(m) => ({ ...m, arenaAt: m.arenaAt - 4096 })],
    "a total of 1000 bytes": [(m) => ({ ...m, memory: { ...m.memory, total: 1000 } })],
    "a value outside of the arena": [(m) => ({ ...m, inputs: [{ ...m.inputs[0]!, address: 64 }] })],
    "a value larger than the arena": [(m) => ({ ...m, outputs: [{ ...m.outputs[0]!, shape: [1, 2 ** 28] }] })],
    "a value of no shape": [(m) => ({ ...m, outputs: [{ ...m.outputs[0]!, shape: "x" }] })],
    "a dtype that is none": [(m) => ({ ...m, inputs: [{ ...m.inputs[0]!, dtype: "float16" }] })],
    "no outputs": [(m) => ({ ...m, outputs: [] })],
    "labels that are none": [(m) => ({ ...m, source: { ...m.source, labels: [1, 2] } })],
    "a range that is none": [(m) => ({ ...m, source: { ...m.source, normalization: { mean: "x", std: 1 } } })],
    "no manifest to speak of": [() => ({})],
    nothing: [() => null],
    "a schedule entry for no step": [
      (m) => m,
      (bytes) => new DataView(bytes.buffer).setInt32(readImageSteps(bytes) * STEP, 3, true),
    ],
  };
  /** Steps of the network above: its schedule begins behind them. */
  const readImageSteps = (_: Uint8Array) => steps;
  let steps = 0;
  for (const [name, [manifest, bytes]] of Object.entries(lies)) {
    it(name, async () => {
      const [session, file] = await saved();
      steps = session.manifest.steps.length;
      expect(() => readImage(changed(file, manifest, bytes))).toThrow(FormatError);
    });
  }

  it("in any of its bytes: an error of ours, or a session that keeps to its memory", async () => {
    const [session, file] = await saved();
    const numbers = random("image lies");
    const records = session.manifest.memory.steps;
    for (let i = 0; i < 600; i++) {
      const copy = file.slice();
      const start = file.length - readImage(file).bytes.length;
      const at = i % 3 ? numbers.int(0, start + records) : numbers.int(0, 64);
      copy[at]! ^= 1 << numbers.int(0, 7);
      const opened = await open(copy, { variant: "simd" }).catch((error) => error);
      if (opened instanceof Error) expect(opened, opened.stack).toBeInstanceOf(SepconvError);
      else if (opened.inputs[0]?.shape.join() === "1,32,32,3") opened.run(IMAGE);
    }
  });
});

describe("a saved session by rows that lies", () => {
  const saved = async (): Promise<[Session, Uint8Array]> => {
    const session = await build(GRAPH, { variant: "simd", memory: "small", feed: true });
    return [session, session.save()];
  };

  it("is the same file before and after a run", async () => {
    const [session, file] = await saved();
    session.run(IMAGE);
    expect(Buffer.compare(session.save(), file)).toBe(0);
  });

  /** Where the entries of a kind are, from the image's first byte. */
  const entries = ({ manifest }: Session, file: Uint8Array, kind: number): number[] => {
    const view = new DataView(readImage(file).bytes.slice().buffer);
    const first = manifest.scheduleAt - manifest.stepsAt;
    return Array.from({ length: manifest.lanes[0]! }, (_, i) => first + 32 * i).filter(
      (at) => view.getInt32(at + 24, true) === kind,
    );
  };
  it.each([
    ["rows of x below the arena", 1, 12, -(2 ** 20)],
    ["rows of y past its end", 1, 20, 2 ** 24],
    ["rows off the grid of 16 bytes", 1, 12, 4],
    ["units past the last", 1, 8, 2 ** 20],
    ["a move out of the arena", 2, 0, 4096],
    ["a move of 2³⁰ bytes", 2, 8, 2 ** 30],
    ["a move of minus one byte", 2, 8, -1],
    ["rows fed into the weights", 3, 0, 4096],
    ["rows fed that there are not", 3, 8, 2 ** 20],
    ["rows of another input", 3, 12, 1],
  ])("is refused for %s", async (_, kind, field, value) => {
    const [session, file] = await saved();
    const at = entries(session, file, kind)[2]!;
    const write = (bytes: Uint8Array) => new DataView(bytes.buffer).setInt32(at + field, value, true);
    expect(() => readImage(changed(file, (m) => m, write))).toThrow(FormatError);
  });

  it.each([
    ["no room for a record", { recordAt: 0 }],
    ["a record among the steps", { recordAt: 2048 }],
    ["an input that is not fed", { fed: false }],
  ])("is refused for %s", async (_, { fed, ...change }: { fed?: boolean; recordAt?: number }) => {
    const [, file] = await saved();
    const manifest = (m: Manifest): Manifest => ({
      ...{ ...m, ...change },
      inputs: m.inputs.map(({ fed: is, ...input }) => (fed === false ? input : { ...input, ...(is && { fed: is }) })),
    });
    expect(() => readImage(changed(file, manifest))).toThrow(FormatError);
  });

  it.each([
    ["no undivided schedule beside lanes", { undivided: 0 }],
    ["a schedule that ends in the middle of another", { undivided: 5 }],
    ["an undivided schedule of half an entry", { undivided: 0.5 }],
    ["lanes that do not meet equally often", { lanes: [5, 5] }],
  ])("and one of several lanes, for %s", async (_, change: Partial<Manifest>) => {
    const session = await buildGraph(GRAPH, { variant: "simd", memory: "small" }, { lanes: 2 });
    const file = session.save();
    expect(readImage(file).manifest.undivided).toBeGreaterThan(10);
    expect(() => readImage(changed(file, (m) => ({ ...m, ...change })))).toThrow(FormatError);
  });

  it("in any byte of its records and entries: an error of ours, or a session that keeps to its memory", async () => {
    const [session, file] = await saved();
    const numbers = random("rows lie");
    const start = file.length - readImage(file).bytes.length;
    let ran = 0;
    for (let i = 0; i < 600; i++) {
      const copy = file.slice();
      copy[start + numbers.int(0, session.manifest.memory.steps - 257)]! ^= 1 << numbers.int(0, 7);
      const opened = await open(copy, { variant: "simd" }).catch((error) => error);
      if (opened instanceof Error) expect(opened, opened.stack).toBeInstanceOf(SepconvError);
      else {
        ran++;
        opened.run(IMAGE);
        expect(Buffer.compare(opened.save(), copy)).toBe(0);
      }
    }
    expect(ran).toBeGreaterThan(20);
  });
});
