/**
 * What callers do wrong, or do at the same time: odd and shared memory, arrays that are gone, numbers that are none,
 * loads side by side, signals at every stage, thousands of sessions. Each is an answer or a clear error, and afterwards
 * everything works as before.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MemoryError, SepconvError, ShapeError, StateError } from "../src/errors.ts";
import type { Graph } from "../src/graph/graph.ts";
import { initialize } from "../src/graph/initialize.ts";
import {
  build,
  decodeImage,
  load,
  mobilenetV1,
  type Numbers,
  open,
  quantize,
  type Session,
  toTflite,
} from "../src/index.ts";
import { FORMATS, type Format, type Seed, seedsOf } from "./fuzz/seeds.ts";
import { graphOf } from "./graph/build.ts";

const SIZE = 32 * 32 * 3;
const NETWORK = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 4, shallow: true }), 3);
const IMAGE = Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i));
/** y = clamp(x, 0, 1), of four numbers. */
const SMALL: Graph = graphOf({ x: [1, 4], nodes: [{ op: "clamp", name: "y", inputs: ["x"], lo: 0, hi: 1 }] });

afterEach(() => vi.restoreAllMocks());

/** Resizable buffers are younger than the oldest host. */
type Resizable = ArrayBuffer & { resize(length: number): void };
const resizable = (length: number, most: number): Resizable =>
  new (ArrayBuffer as unknown as new (length: number, options: object) => Resizable)(length, { maxByteLength: most });

describe("inputs in memory of any kind", () => {
  const same = async (input: Numbers) => {
    const session = await build(SMALL);
    expect(session.run(input as Float32Array).output).toEqual(Float32Array.of(0, 0.5, 1, 0.25));
    session.input().set(input as Float32Array);
    session.compute();
    expect(session.output()).toEqual(Float32Array.of(0, 0.5, 1, 0.25));
  };
  const NUMBERS = [-1, 0.5, 2, 0.25];

  it("that is shared", () => same(new Float32Array(new SharedArrayBuffer(16)).map((_, i) => NUMBERS[i]!)));
  it("that lies in shared memory itself", async () => {
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set(NUMBERS);
    await same(shared);
  });
  it("that is part of other memory", async () => {
    const whole = new Float32Array(10).fill(9);
    whole.set(NUMBERS, 3);
    await same(whole.subarray(3, 7));
  });
  it("that can be resized", async () => {
    const buffer = resizable(16, 64);
    new Float32Array(buffer).set(NUMBERS);
    await same(new Float32Array(buffer, 0, 4));
    const session = await build(SMALL);
    // A view that follows the buffer's length has another one now, and one that lies beyond its end has none.
    const [follows, fixed] = [new Float32Array(buffer), new Float32Array(buffer, 0, 4)];
    buffer.resize(32);
    expect(() => session.run(follows)).toThrow(ShapeError);
    buffer.resize(8);
    expect(() => session.run(fixed)).toThrow(/input x: .*\[1, 4\] \(4 values\), got 0/);
    buffer.resize(16);
    expect(session.run(follows).output).toHaveLength(4);
  });
  it("that was given away", async () => {
    const gone = Float32Array.from(NUMBERS);
    structuredClone(gone, { transfer: [gone.buffer] });
    const session = await build(SMALL);
    expect(() => session.run(gone)).toThrow(ShapeError);
    expect(() => session.run(gone)).toThrow(/got 0/);
    await same(Float32Array.from(NUMBERS));
  });
  it("that begins at an odd byte", async () => {
    const session = await build(await quantize(NETWORK, [IMAGE], { io: "int8" }));
    const bytes = Int8Array.from({ length: SIZE }, (_, i) => i);
    const expected = session.run<Int8Array>(bytes).output;
    const odd = new Int8Array(SIZE + 3);
    odd.set(bytes, 3);
    expect(session.run<Int8Array>(odd.subarray(3)).output).toEqual(expected);
  });
});

describe("numbers that are none", () => {
  for (const [name, value] of [
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["minus infinity", Number.NEGATIVE_INFINITY],
    ["the largest float", 3.4e38],
    ["a subnormal one", 1e-45],
  ] as const) {
    it(`${name} everywhere, and in one place, passes through; the next run is as if it had not been`, async () => {
      for (const graph of [NETWORK, await quantize(NETWORK, [IMAGE], { io: "float32" })]) {
        const session = await build(graph);
        const expected = session.run(IMAGE).output;
        const one = IMAGE.slice();
        one[SIZE >> 1] = value;
        for (const input of [new Float32Array(SIZE).fill(value), one]) {
          const { output } = session.run(input);
          expect(output).toHaveLength(4);
          expect(session.run(input).output).toEqual(output);
        }
        expect(session.run(IMAGE).output).toEqual(expected);
      }
    });
  }

  it("NaN stays NaN in floats; in 8 bits it is the zero point", async () => {
    const session = await build(SMALL);
    expect(session.run(new Float32Array(4).fill(Number.NaN)).output).toEqual(new Float32Array(4).fill(Number.NaN));
    const meaning = { scales: [0.5], zeroPoints: [3], axis: 0 };
    const bytes = await build({
      ...graphOf({
        x: [1, 4],
        nodes: [{ op: "quantize", name: "y", inputs: ["x"], dtype: "int8", quantization: meaning }],
      }),
    });
    const [nan, most, least] = bytes.run<Int8Array>(Float32Array.of(Number.NaN, 1e39, -1e39, 0)).output;
    expect([most, least]).toEqual([127, -128]);
    expect(nan).toBe(3);
  });
});

/** The model of a seed, and what else belongs to it. */
const sourceOf = (files: Seed) => (Object.keys(files).length === 1 ? Object.values(files)[0]! : files);

/** One small file of each format that can be loaded. */
async function models(): Promise<[Format, Seed][]> {
  const found: [Format, Seed][] = [];
  for (const format of FORMATS.filter((each) => each !== "picture" && each !== "face-api")) {
    const seeds = await seedsOf(format, 0);
    const bytes = (seed: Seed) => Object.values(seed).reduce((sum, { length }) => sum + length, 0);
    found.push([format, seeds.reduce((a, b) => (bytes(b) < bytes(a) ? b : a))]);
  }
  return found;
}

/** What a session answers to numbers that are always the same. */
function answerOf(session: Session): unknown {
  const entries = session.inputs.map(({ name, shape, dtype }) => {
    const array = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array }[dtype];
    const length = shape.reduce((a, b) => a * b, 1);
    const numbers = Array.from({ length }, (_, i) => (i % 11) / (dtype === "float32" ? 11 : 1));
    return [name, array.from(numbers)] as const;
  });
  return session.run<Numbers>(Object.fromEntries(entries)).outputs;
}

describe("files", () => {
  it("in shared memory, at odd bytes, in a pool and in a resizable buffer are read as they are", async () => {
    for (const [format, files] of await models()) {
      const expected = answerOf(await load(sourceOf(files)));
      const placed: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
        (bytes) => {
          const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
          shared.set(bytes);
          return shared;
        },
        (bytes) => {
          const odd = new Uint8Array(bytes.length + 5);
          odd.set(bytes, 1);
          return odd.subarray(1, 1 + bytes.length);
        },
        (bytes) => Buffer.from(bytes),
        (bytes) => {
          const view = new Uint8Array(resizable(bytes.length, 2 * bytes.length));
          view.set(bytes);
          return view;
        },
      ];
      for (const [i, place] of placed.entries()) {
        const moved = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, place(bytes)]));
        expect(answerOf(await load(sourceOf(moved))), `${format}, ${i}`).toEqual(expected);
      }
    }
  });

  it("that were given away are refused by an error of ours", async () => {
    for (const [format, files] of await models()) {
      const gone = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.slice()]));
      for (const { buffer } of Object.values(gone)) structuredClone(buffer, { transfer: [buffer] });
      await expect(load(sourceOf(gone)), format).rejects.toThrow(SepconvError);
    }
    const bytes = new Uint8Array(64);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    for (const source of [bytes, bytes.buffer]) {
      await expect(decodeImage(source)).rejects.toThrow(SepconvError);
      await expect(build(SMALL, { wasm: source })).rejects.toThrow(SepconvError);
    }
  });

  it("are loaded side by side, and each answers for itself", async () => {
    const all = await models();
    const alone = await Promise.all(all.map(async ([, files]) => answerOf(await load(sourceOf(files)))));
    const many = await Promise.all(
      Array.from({ length: 5 * all.length }, async (_, i) => answerOf(await load(sourceOf(all[i % all.length]![1])))),
    );
    many.forEach((answer, i) => {
      expect(answer, all[i % all.length]![0]).toEqual(alone[i % all.length]);
    });
  });

  it("whose reading is stopped, wherever that is, say why and leave nothing behind", async () => {
    for (const [format, files] of await models()) {
      const expected = answerOf(await load(sourceOf(files)));
      let stops = 0;
      for (let at = 1; ; at += 1 + (at >> 3)) {
        const controller = new AbortController();
        const { signal } = controller;
        const reason = new Error(`stopped at look ${at}`);
        let looks = 0;
        const look = () => {
          if (++looks === at) controller.abort(reason);
        };
        const { throwIfAborted } = signal;
        vi.spyOn(signal, "throwIfAborted").mockImplementation(() => {
          look();
          throwIfAborted.call(signal);
        });
        const outcome = await load(sourceOf(files), { signal }).catch((error: unknown) => error);
        if (looks < at) break;
        expect(outcome, `${format}, look ${at}`).toBe(reason);
        stops++;
      }
      expect(stops, format).toBeGreaterThan(1);
      expect(answerOf(await load(sourceOf(files))), format).toEqual(expected);
    }
  });
});

describe("sessions", () => {
  it("are a StateError after dispose in all that they do, and dispose again in peace", async () => {
    const session = await build(NETWORK);
    session.dispose();
    session.dispose();
    for (const use of [
      () => session.run(IMAGE),
      () => session.compute(),
      () => session.input(),
      () => session.output(),
      () => session.profile(IMAGE),
      () => session.save(),
    ]) {
      expect(use).toThrow(StateError);
    }
    await expect(session.runAsync(IMAGE)).rejects.toThrow(StateError);
    await expect(toTflite(session.graph)).resolves.toBeInstanceOf(Uint8Array);
  });

  it("of thousands that come and go, none leaves its memory behind", async () => {
    const files = await toTflite(NETWORK);
    const expected = (await load(files)).run(IMAGE).output;
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    /** Bytes of all memories and buffers that something still holds. */
    const held = async () => {
      for (let i = 0; i < 3; i++) {
        await new Promise(setImmediate);
        collect();
      }
      return process.memoryUsage().external;
    };
    const once = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const session = await build(i % 50 === 0 ? NETWORK : SMALL);
        if (i % 2) session.dispose();
      }
    };
    await once(200);
    const before = await held();
    const kept = await build(SMALL);
    expect((await held()) - before, "one session, held").toBeGreaterThanOrEqual(65536);
    await once(3000);
    expect((await held()) - before, "3,000 sessions, gone").toBeLessThan(2 ** 20);
    kept.dispose();
    expect((await load(files)).run(IMAGE).output).toEqual(expected);
  });

  it("of a thousand that live side by side, each computes its own", async () => {
    const live = await Promise.all(Array.from({ length: 1000 }, () => build(SMALL)));
    live.forEach((session, i) => {
      session.input().fill(i / 1000);
    });
    for (const session of live) session.compute();
    live.forEach((session, i) => {
      expect(session.output()[3]).toBe(Math.fround(i / 1000));
    });
  });

  it("that the host refuses memory, at whatever time, are a MemoryError, and the next ones work", async () => {
    const saved = (await build(NETWORK)).save();
    const before = (await build(NETWORK)).run(IMAGE).output;
    const { grow } = WebAssembly.Memory.prototype;
    for (let refused = 1; refused <= 3; refused++) {
      let count = 0;
      vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(function (this: WebAssembly.Memory, delta) {
        if (++count >= refused) throw new RangeError("WebAssembly.Memory.grow(): Unable to grow instance memory");
        return grow.call(this, delta);
      });
      const all = await Promise.allSettled([build(NETWORK), build(NETWORK), open(saved)]);
      const failed = all.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
      expect(failed.length).toBeGreaterThanOrEqual(1);
      for (const error of failed) expect(error).toBeInstanceOf(MemoryError);
      vi.restoreAllMocks();
      expect((await build(NETWORK)).run(IMAGE).output).toEqual(before);
    }
  });

  it("run from within a callback of their own building are another's affair", async () => {
    const one = await build(NETWORK);
    const expected = one.run(IMAGE).output;
    let calls = 0;
    const other = await build(NETWORK, {
      onProgress: () => {
        calls++;
        expect(one.run(IMAGE).output).toEqual(expected);
      },
    });
    expect(calls).toBeGreaterThan(0);
    expect(other.run(IMAGE).output).toEqual(expected);
    // What a callback throws is the caller's, and comes back to it.
    const thrown = new Error("mine");
    const throwing = () => {
      throw thrown;
    };
    await expect(build(NETWORK, { onProgress: throwing })).rejects.toBe(thrown);
    expect((await build(NETWORK)).run(IMAGE).output).toEqual(expected);
  });
});
