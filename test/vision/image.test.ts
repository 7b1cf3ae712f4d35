import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { parseNpy } from "../../src/cli/npy.ts";
import type { Kernels, Variant } from "../../src/engine/variant.ts";
import { ShapeError, UnsupportedError } from "../../src/errors.ts";
import { build, mobilenetV1 } from "../../src/index.ts";
import { decodeImage } from "../../src/vision/decode.ts";
import type { Box } from "../../src/vision/fit.ts";
import type { Picture } from "../../src/vision/given.ts";
import { createResizer, type InputOptions, toInput } from "../../src/vision/image.ts";
import { sessionInput } from "../../src/vision/session-input.ts";
import type { Method } from "../../src/vision/taps.ts";
import { random } from "../cases/random.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { areaTaps, bilinearTaps, image, type Tap } from "../reference/image.ts";
import { bounds, type Value } from "../reference/value.ts";
import { forEachVariant, readBuild } from "../variants.ts";

const RAW = { mean: 0, std: 1 };

function noise(width: number, height: number, channels: 1 | 3 | 4): Picture & { channels: 1 | 3 | 4 } {
  const numbers = random(`noise ${width} ${height} ${channels}`);
  return {
    width,
    height,
    channels,
    data: Uint8Array.from({ length: width * height * channels }, () => numbers.int(0, 255)),
  };
}

/** What the whole target should hold, by the naive reference. */
function expected(
  picture: Picture & { channels: number },
  source: Box,
  size: readonly [number, number],
  to: InputOptions,
): Value {
  const channels = to.channels ?? 3;
  const axis = (from: number, length: number, out: number, most: number): Tap[][] => {
    const shrinks = length > out;
    const method = to.method ?? "auto";
    if (method === "area" || (method === "auto" && shrinks)) return areaTaps(from, length, out);
    // The part is cut out before it is resized: its own edges repeat.
    const [least, last] = [Math.floor(from), Math.min(most, Math.ceil(from + length) - 1)];
    if (method !== "bilinear-asymmetric") return bilinearTaps(from, length, out, least, last);
    return bilinearTaps(from + 0.5 - length / out / 2, length, out, least, last);
  };
  const rows = axis(source[1], source[3], size[1], picture.height - 1);
  const columns = axis(source[0], source[2], size[0], picture.width - 1);
  const each = (v: number | readonly number[]) => (typeof v === "number" ? new Array<number>(channels).fill(v) : v);
  const [mean, std] = [each(to.normalization.mean), each(to.normalization.std)];
  const affine = { scale: std.map((s) => 1 / s), shift: mean.map((m, c) => -m / std[c]!) };
  const value = image(picture, rows, columns, affine);
  // The reference takes its weights and the normalization exactly; here they are rounded to f32.
  return { ...value, ops: value.ops + 3 };
}

function expectClose(got: Float32Array, value: Value): void {
  const most = bounds(value);
  const off = got.findIndex((v, i) => !(Math.abs(v - value.values[i]!) <= most[i]!));
  expect(got).toHaveLength(value.values.length);
  expect(off, `got ${got[off]}, expected ${value.values[off]} ± ${most[off]}`).toBe(-1);
}

forEachVariant((variant) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = { module: await WebAssembly.compile(readBuild(variant)), variant: variant as Variant };
  });

  describe("against the naive reference", () => {
    const normalization = { mean: [123.7, 116.8, 103.9], std: [58.4, 57.1, 57.4] };
    it.each<[string, Picture & { channels: 1 | 3 | 4 }, Partial<InputOptions> & { width: number; height: number }]>([
      ["shrinks by area", noise(50, 38, 4), { width: 12, height: 9 }],
      ["grows bilinearly", noise(7, 5, 4), { width: 20, height: 16 }],
      ["shrinks one axis and grows the other", noise(40, 6, 3), { width: 11, height: 13 }],
      ["keeps a size", noise(9, 8, 3), { width: 9, height: 8 }],
      ["repeats gray", noise(30, 20, 1), { width: 8, height: 8 }],
      ["shrinks bilinearly when told", noise(50, 38, 3), { width: 12, height: 9, method: "bilinear" }],
      ["samples asymmetrically when told", noise(50, 38, 4), { width: 64, height: 9, method: "bilinear-asymmetric" }],
      ["grows by area when told", noise(5, 5, 3), { width: 8, height: 8, method: "area" }],
      ["crops a fraction", noise(40, 30, 4), { width: 8, height: 8, crop: [3.25, 4.5, 17.5, 20.125] }],
      ["crops and grows", noise(40, 30, 3), { width: 16, height: 20, crop: [10, 12, 6, 5] }],
      ["makes one pixel", noise(33, 21, 4), { width: 1, height: 1 }],
      ["starts from one pixel", noise(1, 1, 3), { width: 5, height: 4 }],
      ["goes through a photograph strip by strip", noise(1300, 900, 4), { width: 40, height: 30 }],
      ["crops a photograph", noise(1300, 900, 3), { width: 32, height: 32, crop: [200, 0, 900, 900] }],
    ])("%s", async (_, picture, options) => {
      const to: InputOptions = { normalization, ...options };
      const resizer = await createResizer(picture, to, kernels);
      const { source } = resizer.placement;
      const value = expected(picture, source, [to.width, to.height], to);
      expectClose(resizer.run(picture), value);
      expect(resizer.run(picture)).toEqual(resizer.run(picture));
    });

    it.each([1, 3, 4] as const)("makes luma of %i channels", async (channels) => {
      const picture = noise(31, 17, channels);
      const to = { width: 10, height: 6, channels: 1, normalization: { mean: 100, std: 50 } } as const;
      const resizer = await createResizer(picture, to, kernels);
      expectClose(resizer.run(picture), expected(picture, [0, 0, 31, 17], [10, 6], to));
    });
  });

  it("fits: cover cuts off, contain fills the rest with the color, normalized", async () => {
    const picture = noise(40, 20, 3);
    const base = { width: 8, height: 8, normalization: { mean: 127.5, std: 127.5 } } as const;
    const cover = await createResizer(picture, { ...base, fit: "cover" }, kernels);
    expectClose(cover.run(picture), expected(picture, [10, 0, 20, 20], [8, 8], base));

    const padColor = [255, 127.5, 0];
    const contain = await createResizer(picture, { ...base, fit: "contain", padColor }, kernels);
    const inner = expected(picture, [0, 0, 40, 20], [8, 4], base);
    for (const got of [contain.run(noise(40, 20, 3)), contain.run(picture)]) {
      expectClose(got.slice(2 * 24, 6 * 24), inner);
      for (const pixel of [0, 1, 7, 15, 48, 63]) {
        [1, 0, -1].forEach((color, c) => {
          expect(Math.abs(got[3 * pixel + c]! - color)).toBeLessThanOrEqual(2 ** -22);
        });
      }
    }
  });

  it("keeps the aspect to a fraction of a pixel: what is beyond the picture is its edge again", async () => {
    const picture = { data: new Uint8Array(300).fill(80), width: 100, height: 3, channels: 1 } as const;
    for (const method of ["area", "bilinear", "bilinear-asymmetric"] as const) {
      const to = { width: 50, height: 50, normalization: RAW, fit: "contain", position: "start", method } as const;
      const resizer = await createResizer(picture, to, kernels);
      expect(resizer.placement).toEqual({ source: [0, 0, 100, 4], target: [0, 0, 50, 2] });
      const got = resizer.run(picture);
      for (const value of got.subarray(0, 300)) expect(Math.abs(value - 80)).toBeLessThan(80 * 20 * 2 ** -24);
      expect(got[300]).toBe(0);
    }
  });

  it("shows the same part whether the crop is an option or was cut out before", async () => {
    const picture = noise(30, 24, 3);
    const [x, y, w, h] = [4, 5, 11, 9] as const;
    const data = new Uint8Array(w * h * 3);
    for (let row = 0; row < h; ++row)
      data.set(picture.data.subarray(((y + row) * 30 + x) * 3, ((y + row) * 30 + x + w) * 3), row * w * 3);
    for (const method of ["auto", "area", "bilinear", "bilinear-asymmetric"] as Method[]) {
      const to = { width: 17, height: 6, normalization: RAW, method };
      const inside = await createResizer(picture, { ...to, crop: [x, y, w, h] }, kernels);
      const cut = await createResizer({ width: w, height: h, channels: 3 }, to, kernels);
      const [a, b] = [inside.run(picture), cut.run({ data, width: w, height: h })];
      expect(Math.max(...a.map((v, i) => Math.abs(v - b[i]!)))).toBeLessThan(1e-3);
    }
  });

  it("a constant picture stays constant, exactly where its numbers are", async () => {
    const picture = { width: 123, height: 77, channels: 3, data: new Uint8Array(123 * 77 * 3).fill(200) } as const;
    const resizer = await createResizer(picture, { width: 31, height: 90, normalization: RAW }, kernels);
    for (const value of resizer.run(picture)) expect(Math.abs(value - 200)).toBeLessThan(200 * 20 * 2 ** -24);
  });

  for (const [name, scale] of [
    ["vww_96_float", 255],
    ["mobilenet_v1_0.5_160_quant", 1],
  ] as const) {
    const folder = shared(`reference/${name}`);
    const files = ["cat", "bird", "grace_hopper"].map((photo) => [photo, shared(`images/${photo}.bmp`)] as const);
    const missing = missingShared(folder) || files.some(([, path]) => missingShared(path));
    it.skipIf(missing).each(files)(
      `shrinks as the inputs of ${name}, but for their rounding: %s`,
      async (photo, path) => {
        const npy = parseNpy(new Uint8Array(readFileSync(`${folder}/${photo}.input.npy`)), photo);
        const [, height, width] = npy.shape as [number, number, number];
        const picture = await decodeImage(new Uint8Array(readFileSync(path)));
        const resizer = await createResizer(picture, { width: width!, height: height!, normalization: RAW }, kernels);
        const got = resizer.run(picture);
        expect(got).toHaveLength(npy.data.length);
        const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - scale * Number(npy.data[i]))), 0);
        // The references are whole numbers, rounded from the exact means; the last term is what f32 and their own
        // division by 255 leave.
        expect(worst).toBeLessThanOrEqual(0.5 + 255 * 32 * 2 ** -24);
      },
    );
  }
});

it("scalar and simd give the same bits", async () => {
  const picture = noise(333, 251, 4);
  const [scalar, simd] = await Promise.all(
    (["scalar", "simd"] as const).map(async (variant) => {
      const kernels = { module: await WebAssembly.compile(readBuild(variant)), variant };
      return (await createResizer(picture, { width: 96, height: 300, normalization: RAW }, kernels)).run(picture);
    }),
  );
  expect(scalar).toEqual(simd);
});

describe("toInput", () => {
  it("takes what ImageData looks like, tells channels from the length, fills an output", async () => {
    const { data, width, height } = noise(20, 10, 4);
    const to = { width: 5, height: 5, normalization: RAW };
    const output = new Float32Array(75);
    const made = await toInput({ data: new Uint8ClampedArray(data), width, height }, to, output);
    expect(made).toBe(output);
    expect(await toInput({ data, width, height, channels: 4 }, to)).toEqual(output);
  });

  it("needs little memory for a large photograph", async () => {
    const picture = { width: 4000, height: 3000, channels: 4 } as const;
    const resizer = await createResizer(picture, { width: 224, height: 224, normalization: RAW });
    expect(resizer.bytes).toBeLessThan(2 << 20);
  });

  const good = { data: new Uint8Array(48), width: 4, height: 4 };
  const to = { width: 2, height: 2, normalization: RAW };
  it.each<[string, Picture, Partial<InputOptions>, new (...args: never[]) => Error, RegExp]>([
    ["too few bytes", { ...good, data: new Uint8Array(47) }, {}, ShapeError, /1, 3 or 4 bytes .* 4×4 pixels, got 47/],
    ["two channels", { ...good, data: new Uint8Array(32) }, {}, ShapeError, /got 32 bytes/],
    ["channels that disagree", { ...good, channels: 4 }, {}, ShapeError, /4 bytes for each of 4×4 pixels, got 48/],
    ["floats", { ...good, data: new Float32Array(48) as unknown as Uint8Array }, {}, TypeError, /got a Float32Array/],
    ["no data", { width: 4, height: 4 } as Picture, {}, TypeError, /got nothing/],
    ["no size", { ...good, width: 0 }, {}, ShapeError, /0×4/],
    ["two output channels", good, { channels: 2 as 1 }, RangeError, /channels: expected 1 or 3, got 2/],
    ["a deviation of 0", good, { normalization: { mean: 0, std: [1, 0, 1] } }, RangeError, /std/],
    ["too few means", good, { normalization: { mean: [1, 2], std: 1 } }, RangeError, /mean: expected a number, or 3/],
    ["an unknown method", good, { method: "cubic" as Method }, RangeError, /method: .*"cubic"/],
    ["a color that is none", good, { padColor: Number.NaN }, RangeError, /padColor/],
  ])("refuses %s", async (_, picture, options, kind, message) => {
    const refused = toInput(picture, { ...to, ...options });
    await expect(refused).rejects.toThrow(kind);
    await expect(refused).rejects.toThrow(message);
  });

  it("refuses pictures of another size than the resizer's, and wrong outputs", async () => {
    const resizer = await createResizer({ width: 4, height: 4, channels: 3 }, to);
    expect(() => resizer.run({ ...good, width: 2, height: 8 })).toThrow(/expected 4×4 pixels of 3 bytes, got 2×8/);
    expect(() => resizer.run(good, new Float32Array(11))).toThrow(ShapeError);
    expect(resizer.run(good)).toEqual(new Float32Array(12));
  });
});

describe("sessionInput", () => {
  const tiny = { alpha: 0.25, resolution: 32, classes: 3 } as const;

  it("takes shape and normalization from the session, and comes into [−1, 1] without one", async () => {
    using session = await build(mobilenetV1(tiny));
    const white = { data: new Uint8Array(12).fill(255), width: 2, height: 2 };
    const { input, placement } = await sessionInput(session, white);
    expect(input).toEqual(new Float32Array(32 * 32 * 3).fill(1));
    expect(placement).toEqual({ source: [0, 0, 2, 2], target: [0, 0, 32, 32] });
    const other = await sessionInput(session, white, { normalization: { mean: 0, std: 255 }, fit: "contain" });
    expect(other.input[0]).toBeCloseTo(1, 6);
    const graph = mobilenetV1(tiny);
    using own = await build({ ...graph, source: { ...graph.source, normalization: { mean: 255, std: 1 } } });
    expect((await sessionInput(own, white)).input[0]).toBe(0);
  });

  it("reads one channel as luma, and refuses more images than one", async () => {
    using gray = await build(mobilenetV1({ ...tiny, inputChannels: 1 }));
    const red = { data: Uint8Array.of(255, 0, 0, 255), width: 1, height: 1 };
    const { input } = await sessionInput(gray, red, { normalization: RAW });
    expect(input).toHaveLength(32 * 32);
    expect(input[5]).toBeCloseTo(0.299 * 255, 4);
    using pair = await build(mobilenetV1({ ...tiny, batch: 2 }));
    await expect(sessionInput(pair, red)).rejects.toThrow(UnsupportedError);
    await expect(sessionInput(pair, red)).rejects.toThrow(/\[2, 32, 32, 3\]/);
  });
});
