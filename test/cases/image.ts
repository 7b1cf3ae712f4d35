/**
 * Cases of image_f32.
 * @module
 */
import { type Affine, areaTaps, bilinearTaps, image, type Tap } from "../reference/image.ts";
import { random } from "./random.ts";
import type { Case, Trial } from "./trial.ts";

/** A resize; `crop` is [left, top, width, height] in pixels of the image, all of it without. */
export interface ImageOptions {
  readonly size: readonly [width: number, height: number];
  readonly channels: 1 | 3 | 4;
  readonly crop?: readonly [left: number, top: number, width: number, height: number];
  readonly out: readonly [width: number, height: number];
  readonly outC?: 1 | 3;
  readonly mode: "bilinear" | "area";
  /** Bytes between rows beyond the pixels. */
  readonly gap?: number;
  /** Floats between rows of output beyond the pixels. */
  readonly outGap?: number;
  /** Only the rows from here on are in memory. */
  readonly strip?: number;
}

/** Weights as f32, as the kernel reads them: the reference then has the same ones. */
function rounded(taps: Tap[][]): Tap[][] {
  return taps.map((list) => list.map(({ index, weight }) => ({ index, weight: Math.fround(weight) })));
}

/** [out × (first, count)][out × longest weights]; weights beyond the count are NaN. */
function table(taps: Tap[][]): { words: Float32Array; longest: number } {
  const longest = taps.reduce((most, list) => Math.max(most, list.length), 0);
  const words = new Float32Array(taps.length * (2 + longest)).fill(Number.NaN);
  const ints = new Int32Array(words.buffer);
  for (const [i, list] of taps.entries()) {
    ints.set([list[0]!.index, list.length], 2 * i);
    words.set(
      list.map(({ weight }) => weight),
      2 * taps.length + longest * i,
    );
  }
  return { words, longest };
}

/** A resize of random pixels, seeded by the name. */
export function imageTrial(name: string, options: ImageOptions): Trial {
  const { size, channels, out, outC = 3, mode, gap = 0, outGap = 0, strip = 0 } = options;
  const [width, height] = size;
  const [left, top, cropW, cropH] = options.crop ?? [0, 0, width, height];
  const numbers = random(`image ${name}`);
  const data = Uint8Array.from({ length: width * height * channels }, () => numbers.int(0, 255));
  const axis = (from: number, length: number, n: number, most: number) => {
    return rounded(mode === "area" ? areaTaps(from, length, n) : bilinearTaps(from, length, n, 0, most));
  };
  const columns = axis(left, cropW, out[0], width - 1);
  const rows = axis(top, cropH, out[1], height - 1);
  const f32 = (length: number, scaleBy: number) => [...numbers.floats(length, scaleBy)];
  const to: Affine = { scale: f32(outC, 1 / 64), shift: f32(outC, 2) };
  const expected = image({ data, width, height, channels }, rows, columns, to);

  const xPitch = width * channels + gap;
  const x = new Uint8Array((height - strip) * xPitch).fill(0xa5);
  for (let row = strip; row < height; ++row) {
    x.set(data.subarray(row * width * channels, (row + 1) * width * channels), (row - strip) * xPitch);
  }
  const w = table(columns);
  const w2 = table(rows);
  const yPitch = out[0] * outC + outGap;
  return {
    expected,
    problem: {
      kernel: "image_f32",
      ...{ x, x2: Float32Array.of(...to.scale, ...to.shift), w: w.words, w2: w2.words },
      ...{ scratch: 4 * (4 + width * channels), outputs: out[1] * yPitch },
      writes: (column) => column < out[0] * outC,
      fields: {
        ...{ rows: out[1], inH: height - strip, inW: width, inC: channels, outH: out[1], outW: out[0], outC },
        ...{ kH: w2.longest, kW: w.longest, padT: strip, xPitch, yPitch },
      },
    },
  };
}

/** The grid. */
export function imageCases(): Case[] {
  const of = (name: string, options: ImageOptions): Case => ({ name, make: () => imageTrial(name, options) });
  const both = (["bilinear", "area"] as const).flatMap((mode) =>
    ([1, 3, 4] as const).flatMap((channels) => [
      ...([1, 3] as const).map((outC) => {
        return of(`${mode}_${channels}_to_${outC}`, { mode, channels, outC, size: [19, 13], out: [7, 5] });
      }),
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((w) => {
        return of(`${mode}_${channels}_channels_w_${w}`, { mode, channels, size: [w, 3], out: [3, 2] });
      }),
    ]),
  );
  return [
    ...both,
    of("bilinear_larger", { mode: "bilinear", channels: 4, size: [5, 4], out: [13, 11] }),
    of("bilinear_same_size", { mode: "bilinear", channels: 4, size: [6, 5], out: [6, 5] }),
    of("bilinear_1x1_to_3x3", { mode: "bilinear", channels: 3, size: [1, 1], out: [3, 3] }),
    of("bilinear_crop_of_fractions", {
      mode: "bilinear",
      channels: 4,
      size: [20, 17],
      crop: [2.25, 3.5, 11.5, 9.75],
      out: [8, 8],
    }),
    of("area_whole_factors", { mode: "area", channels: 4, size: [16, 12], out: [4, 3] }),
    of("area_crop_of_fractions", {
      mode: "area",
      channels: 3,
      size: [20, 17],
      crop: [2.25, 3.5, 11.5, 9.75],
      out: [3, 4],
    }),
    of("area_same_size", { mode: "area", channels: 4, size: [6, 5], out: [6, 5] }),
    of("area_to_1x1", { mode: "area", channels: 4, size: [50, 40], out: [1, 1] }),
    of("pitches", { mode: "area", channels: 3, size: [11, 9], out: [4, 3], gap: 5, outGap: 7 }),
    of("strip", { mode: "bilinear", channels: 4, size: [11, 20], crop: [0, 9, 11, 8], out: [6, 5], strip: 8 }),
    of("photograph", { mode: "area", channels: 4, size: [320, 240], crop: [40, 0, 240, 240], out: [96, 96] }),
  ];
}
