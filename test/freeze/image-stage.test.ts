import { describe, expect, it, vi } from "vitest";
import { MemoryError, UnsupportedError } from "../../src/errors.ts";
import { frozen } from "../../src/frozen.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import {
  build,
  type FrozenPicture,
  freeze,
  load,
  mobilenetV1,
  type Numbers,
  type PictureFormat,
  quantize,
  type Session,
  sessionInput,
} from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { graphOf } from "../graph/build.ts";

const NETWORK = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 }), 3);
const GRAY = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10, inputChannels: 1 }), 5);
/** Its answer is its input, of unsigned bytes whose scale is no power of two. */
const BYTES: Graph = {
  ...graphOf({ x: [1, 32, 32, 3], nodes: [{ op: "dequantize", name: "real", inputs: ["x"] }] }),
  inputs: [
    { name: "x", shape: [1, 32, 32, 3], dtype: "uint8", quantization: { scales: [0.0123], zeroPoints: [77], axis: 0 } },
  ],
  source: { format: "test", normalization: { mean: 127.5, std: 80 } },
};
const PICTURE = random("picture").floats(32 * 32 * 3);
const CHANNELS = { rgba8: 4, rgb8: 3, gray8: 1 } as const;

function pixels(seed: string, { format, width, height }: FrozenPicture): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length: width * height * CHANNELS[format] }, () => next.int(0, 255));
}

/** What the session's own path of pictures answers. */
async function right(session: Session, image: FrozenPicture, data: Uint8Array) {
  const { format: _, width, height, ...options } = image;
  const { input } = await sessionInput(session, { data, width, height }, options);
  return session.run<Numbers>(input).outputs;
}

const PICTURES: readonly FrozenPicture[] = [
  { format: "rgba8", width: 64, height: 48 },
  { format: "rgb8", width: 64, height: 48, fit: "cover" },
  { format: "rgb8", width: 61, height: 47, fit: "contain", padColor: [255, 0, 127] },
  { format: "rgba8", width: 33, height: 70, fit: "contain", position: "start", method: "bilinear" },
  { format: "gray8", width: 20, height: 20 },
  { format: "gray8", width: 1, height: 1 },
  { format: "rgb8", width: 32, height: 32, method: "bilinear-asymmetric" },
  { format: "rgba8", width: 50, height: 40, crop: [3.5, 2, 30.25, 31] },
  { format: "rgb8", width: 7, height: 90, normalization: { mean: [123, 117, 104], std: [58, 57, 57.5] } },
];

describe("a frozen network that takes pictures", () => {
  for (const variant of ["scalar", "simd"] as const) {
    for (const feed of [false, true]) {
      it(`gives the bits of the session's own path, ${variant}${feed ? ", fed by rows" : ""}`, async () => {
        const graphs = [NETWORK, GRAY, await quantize(NETWORK, [PICTURE], { io: "int8" }), BYTES];
        for (const [g, graph] of graphs.entries()) {
          const session = await build(graph, { variant });
          for (const [i, picture] of PICTURES.entries()) {
            const { normalization } = picture;
            const image = graph === GRAY && Array.isArray(normalization?.mean) ? PICTURES[0]! : picture;
            const gray = graph === GRAY && Array.isArray(image.padColor) ? { ...image, padColor: 40 } : image;
            const net = await frozen(await freeze(graph, { variant, feed, image: gray }));
            for (const seed of ["one", "two"]) {
              const data = pixels(seed + i, gray);
              const answer = net.run(data).outputs;
              expect(answer, `graph ${g}, picture ${i}`).toEqual(await right(session, gray, data));
            }
          }
        }
      });
    }
  }

  it("tells of its picture, and of the memory that it takes", async () => {
    const image = { format: "rgb8", width: 40, height: 30 } as const;
    const bytes = await freeze(NETWORK, { image });
    const session = await build(NETWORK, { variant: "simd" });
    const net = await frozen(bytes);
    expect(net.inputs).toEqual([{ name: "input", shape: [1, 30, 40, 3], dtype: "uint8" }]);
    expect(net.memory.total - session.memory.total).toBeGreaterThan(40 * 30 * 3);
    const module = await WebAssembly.compile(bytes);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const exports = (await WebAssembly.instantiate(module)).exports as Record<string, () => number> & {
      memory: WebAssembly.Memory;
    };
    expect(exports.memory.buffer.byteLength).toBe(65536 * Math.ceil(net.memory.total / 65536));
    expect(Object.keys(exports).sort()).toEqual(
      [
        ...["abi_version", "end_point_count", "end_points", "input", "input_count", "inputs", "memory", "output"],
        ...["output_count", "outputs", "run"],
      ].sort(),
    );
    const view = new DataView(exports.memory.buffer, exports.inputs!());
    const words = Array.from({ length: 8 }, (_, i) => view.getInt32(4 * i, true));
    expect(words).toEqual([exports.input!(), 3600, 2, 4, 1, 30, 40, 3]);
  });

  it("opens as the network without its pictures", async () => {
    const bytes = await freeze(NETWORK, { image: { format: "rgb8", width: 40, height: 30 } });
    const session = await build(NETWORK, { variant: "simd" });
    const opened = await load(bytes, { variant: "simd" });
    expect(opened.inputs).toEqual(session.inputs);
    expect(opened.memory).toEqual(session.memory);
    expect(opened.run(PICTURE)).toEqual(session.run(PICTURE));
  });

  it("is told once where a range is assumed", async () => {
    const silent = { ...NETWORK, source: { format: "test" } };
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await freeze(silent, { image: { format: "rgb8", width: 40, height: 30 } });
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});

describe("pictures of a frozen network are refused", () => {
  const image = { format: "rgb8", width: 40, height: 30 } as const;
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ["no object", 5, /image: expected an object, got/],
    ["another format", { ...image, format: "bgr8" as PictureFormat }, /image.format: expected rgba8, rgb8, gray8, got/],
    ["no format", { width: 4, height: 4 }, /image.format: expected rgba8, rgb8, gray8, got undefined/],
    ["no width", { ...image, width: 0 }, /image.width: expected a whole number from 1 to 65535, got 0/],
    ["parts of rows", { ...image, height: 1.5 }, /image.height: expected a whole number .*, got 1.5/],
    ["an option that there is not", { ...image, channels: 3 }, /got "channels"/],
    ["another fit", { ...image, fit: "fill" }, /fit: expected "stretch", "cover" or "contain", got "fill"/],
    ["another method", { ...image, method: "cubic" }, /method: expected/],
    ["a crop outside", { ...image, crop: [0, 0, 41, 30] }, /crop: expected/],
    ["a division by nothing", { ...image, normalization: { mean: 0, std: 0 } }, /std: expected numbers other than 0/],
    ["pixels without end", { ...image, normalization: { mean: 0, std: 1e-38 } }, /keep pixels finite/],
  ];
  for (const [what, given, message] of cases) {
    it(`for ${what}`, async () => {
      await expect(freeze(NETWORK, { image: given as FrozenPicture })).rejects.toThrow(message);
    });
  }

  it("for too little memory, with what is needed and allowed", async () => {
    const { memory } = await frozen(await freeze(NETWORK, { image }));
    const most = memory.total - 1;
    const refused = expect(freeze(NETWORK, { image, maxMemory: most })).rejects;
    await refused.toThrow(MemoryError);
    await refused.toMatchObject({ needed: memory.total, allowed: most });
    await freeze(NETWORK, { image, maxMemory: memory.total });
  });

  it("for networks whose input is no picture", async () => {
    const graph = graphOf({ x: [1, 8], nodes: [{ op: "softmax", name: "s", inputs: ["x"], beta: 1 }], outputs: ["s"] });
    await expect(freeze(graph, { image })).rejects.toThrow(UnsupportedError);
  });
});
