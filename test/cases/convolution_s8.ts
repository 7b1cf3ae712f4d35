/**
 * Cases of conv_s8, pwconv_s8, dwconv_s8 and separable_s8.
 * @module
 */
import type { Padding } from "../../src/graph/graph.ts";
import { place } from "../reference/window.ts";
import { CHANNELS8 } from "./bytes.ts";
import { bothWays, type LayerOptions, layerCase } from "./drawn_s8.ts";
import { numberCases } from "./numbers_s8.ts";
import type { Case, Trial } from "./trial.ts";
import { BLIND, DILATED, type Geometry, geometry, mobilenetLayers, sides, WINDOWS } from "./window.ts";

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** MobileNet's layers of a kind, on an image that is small enough for a naive reference. */
const mobilenet = (kind: "conv" | "depthwise" | "pointwise") =>
  mobilenetLayers(32).filter((layer) => layer.kind === kind);

/** The grid of conv_s8. */
export function convCases8(): Case[] {
  const both = (g: Geometry, options?: LayerOptions) => bothWays("conv_s8", g, options);
  return [
    ...CHANNELS8.flatMap((c, i) =>
      both(geometry(`in_${c}_out_${CHANNELS8.at(-1 - i)}`, { c }), { outC: CHANNELS8.at(-1 - i)! }),
    ),
    ...[...WINDOWS, ...DILATED, ...BLIND].flatMap((g, i) => both(g, { outC: [3, 6, 9][i % 3]! })),
    ...[1, 2, 3, 4, 41, 42, 43, 100].flatMap((tile) => both(geometry(`tile_${tile}_of_42`, {}), { outC: 9, tile })),
    ...upTo(12).flatMap((w) => {
      return both(geometry(`first_layer_w_${w}`, { c: 3, h: 5, w, strides: [2, 2] }), { outC: 8 });
    }),
    // Runs of values in a row of a window: below, at and above what two vectors hold.
    ...(
      [
        [7, 2],
        [5, 3],
        [15, 1],
        [8, 2],
        [4, 4],
        [16, 1],
        [17, 1],
        [6, 3],
        [12, 2],
        [3, 8],
        [33, 2],
      ] as const
    ).flatMap(([c, kW]) => {
      const g = { c, h: 5, w: 9, kernel: [2, kW] as const };
      return [geometry(`run_${c}x${kW}`, { ...g, padding: "valid" }), geometry(`run_${c}x${kW}_same`, g)].flatMap(
        (run) => both(run, { outC: 5, tile: 7 }),
      );
    }),
    ...mobilenet("conv").flatMap(({ size, outC }) => {
      return both(geometry("mobilenet_block0", { h: size, w: size, c: 3, strides: [2, 2] }), { outC, tile: 50 });
    }),
    ...numberCases("conv_s8", geometry("", { h: 3, w: 4, c: 5, strides: [1, 2] })),
  ];
}

/** Rows of k values, without an image. */
function flat(rows: number, k: number, n: number, prefix = ""): Geometry {
  return geometry(`${prefix}m_${rows}_k_${k}_n_${n}`, { n: rows, h: 1, w: 1, c: k, kernel: [1, 1] });
}

/** The grid of pwconv_s8. Panels of 8 and 4 columns and tiles of 4 rows meet in every combination of remainders. */
export function pwconvCases8(): Case[] {
  const both = (m: number, k: number, n: number, options: LayerOptions = {}, prefix = "") => {
    return bothWays("pwconv_s8", flat(m, k, n, prefix), { tile: m, ...options, outC: n });
  };
  return [
    ...upTo(9).flatMap((m) => [...both(m, 5, 29), ...both(m, 8, 16), ...both(m, 3, 3)]),
    ...upTo(34).flatMap((n) => [...both(7, 6, n), ...both(5, 7, n)]),
    ...CHANNELS8.flatMap((k) => both(6, k, 21)),
    ...upTo(10).flatMap((tile) => both(9, 7, 13, { tile }, `tile_${tile}_`)),
    ...[1, 3, 4, 6].flatMap((tile) => both(9, 8, 12, { tile, zw: -9 }, `tile_${tile}_zw_`)),
    ...both(1, 1, 1, {}, "least_"),
    ...both(1, 64, 257, {}, "dense_"),
    ...both(2, 33, 10, {}, "dense_batch_2_"),
    ...both(2, 1025, 9, {}, "k_large_"),
    ...both(67, 16, 17, { tile: 20 }, "rows_gt_tile_"),
    ...mobilenet("pointwise").flatMap(({ name, size, inC, outC }) => {
      return both(Math.min(size * size, 30), inC, outC, { tile: 16 }, `mobilenet_${name}_`);
    }),
    ...numberCases("pwconv_s8", flat(5, 17, 11)),
  ];
}

/** A trial of pwconv_s8 with one row, as one of dense_s8. */
function asDense({ expected, problem }: Trial): Trial {
  const fields = { ...problem.fields, rows: Math.ceil(problem.fields.outC! / 16) };
  return { expected, problem: { ...problem, kernel: "dense_s8", fields, unitElements: 16 } };
}

/** The grid of dense_s8: every remainder of a unit's 16 columns, below a unit and behind some. */
export function denseCases8(): Case[] {
  const both = (k: number, n: number, options: LayerOptions = {}, prefix = "") => {
    const cases = bothWays("pwconv_s8", flat(1, k, n, prefix), { ...options, tile: 1, outC: n });
    return cases.map(({ name, make }) => ({ name, make: () => asDense(make()) }));
  };
  return [
    ...upTo(70).flatMap((n) => both(1 + (n % 9), n)),
    ...CHANNELS8.flatMap((k) => both(k, 37, {}, "channels_")),
    ...[9, 16, 45].flatMap((n) => both(23, n, { zw: -9 }, "zw_")),
    ...both(256, 1001, {}, "classifier_"),
    ...both(1024, 1000, {}, "classifier_"),
    ...numberCases("pwconv_s8", flat(1, 17, 43), { tile: 1, outC: 43 }).map(({ name, make }) => ({
      name,
      make: () => asDense(make()),
    })),
  ];
}

const PADDINGS: readonly (readonly [string, Padding])[] = [
  ["same", "same"],
  ["valid", "valid"],
  ["keras", sides(0, 1, 1, 0)],
  ["ones", sides(1, 1, 1, 1)],
  ["left", sides(0, 0, 0, 1)],
  ["right", sides(0, 4, 0, 0)],
  ["wide", sides(1, 5, 1, 1)],
  ["tall", sides(3, 0, 4, 1)],
  ["far_left", sides(0, 1, 0, 2)],
];

const STRIDES = [
  [1, 1],
  [2, 2],
  [1, 2],
  [2, 1],
  [3, 1],
  [3, 2],
  [1, 3],
] as const;

/**
 * 3×3 windows on images from one column up, in every stride and with every padding that the way of eight channels
 * covers, and some it does not.
 */
function slid(c: number, paddings = PADDINGS, strides: readonly (readonly [number, number])[] = STRIDES): Geometry[] {
  return paddings.flatMap(([padName, padding]) =>
    strides.flatMap((stride) =>
      upTo(8).flatMap((w) => {
        const h = 1 + ((w + stride[0]) % 4);
        const g = geometry(`c_${c}_h_${h}_w_${w}_strides_${stride.join("_")}_${padName}`, {
          c,
          h,
          w,
          padding,
          strides: stride,
        });
        const { outH, outW } = place(h, w, g.kernel, g.strides, g.dilations, padding);
        return outH > 0 && outW > 0 ? [g] : [];
      }),
    ),
  );
}

/** With channels for vectors, and one more than these. */
const WIDE = [...WINDOWS, ...DILATED, ...BLIND].map((g) => geometry(`${g.name}_c_9`, { ...g, name: "", c: 9 }));

/** The grid of dwconv_s8. */
export function dwconvCases8(): Case[] {
  const both = (g: Geometry, options?: LayerOptions) => bothWays("dwconv_s8", g, options);
  return [
    ...[...CHANNELS8, 24, 40].flatMap((c) => [
      ...both(geometry(`channels_${c}_stride_1`, { c })),
      ...both(geometry(`channels_${c}_stride_2`, { c, strides: [2, 2] })),
      ...both(geometry(`channels_${c}_3x5`, { c, kernel: [3, 5] })),
    ]),
    ...slid(8).map((g) => layerCase("dwconv_s8", g)),
    ...[...WINDOWS, ...DILATED, ...BLIND].map((g) => layerCase("dwconv_s8", g)),
    ...WIDE.flatMap((g) => both(g)),
    ...[2, 3, 4, 8, 9].flatMap((multiplier) => [
      ...both(geometry(`multiplier_${multiplier}`, {}), { multiplier }),
      ...both(geometry(`multiplier_${multiplier}_c_1`, { c: 1 }), { multiplier }),
      ...both(geometry(`multiplier_${multiplier}_c_8_stride_2`, { n: 2, c: 8, strides: [2, 2] }), { multiplier }),
    ]),
    ...(
      [
        [1, 1],
        [1, 3],
        [5, 5],
        [7, 7],
        [2, 2],
      ] as const
    ).flatMap((kernel) => {
      return both(geometry(`kernel_${kernel.join("x")}`, { h: 9, w: 9, c: 9, kernel }));
    }),
    ...mobilenet("depthwise").flatMap(({ name, size, stride, inC }) => {
      return both(geometry(`mobilenet_${name}`, { h: size, w: size, c: inC, strides: [stride, stride] }));
    }),
    ...numberCases("dwconv_s8", geometry("", { h: 4, w: 5, c: 25 })),
    ...numberCases("dwconv_s8", geometry("", { h: 4, w: 5, c: 24, strides: [2, 2] })).map((item) => ({
      ...item,
      name: `${item.name}_stride_2`,
    })),
  ];
}

/** The grid of separable_s8. */
export function separableCases8(): Case[] {
  const both = (g: Geometry, options?: LayerOptions) => bothWays("separable_s8", g, options);
  const sliding = slid(8, PADDINGS.slice(0, 4), STRIDES.slice(0, 2));
  return [
    ...CHANNELS8.flatMap((c, i) =>
      both(geometry(`in_${c}_out_${CHANNELS8.at(-1 - i)}`, { c }), { outC: CHANNELS8.at(-1 - i)! }),
    ),
    ...sliding.map((g, i) => layerCase("separable_s8", g, { outC: 5 + (i % 9), tile: 1 + (i % 3) })),
    ...[...WINDOWS, ...DILATED, ...BLIND].map((g, i) => layerCase("separable_s8", g, { outC: [3, 6, 9][i % 3]! })),
    ...WIDE.flatMap((g, i) => both(g, { outC: [3, 6, 9][i % 3]!, tile: 1 + (i % 3) })),
    ...[1, 2, 5, 6, 7, 12, 13].flatMap((tile) => {
      return both(geometry(`tile_rows_${tile}_of_12`, { n: 2, c: 9 }), { outC: 7, tile });
    }),
    ...[2, 3, 4].flatMap((multiplier) => both(geometry(`multiplier_${multiplier}`, {}), { outC: 9, multiplier })),
    ...both(geometry("multiplier_3_odd", { c: 3, strides: [2, 2], n: 2 }), { outC: 16, multiplier: 3 }),
    ...mobilenet("depthwise").flatMap(({ name, size, stride, inC }, i) =>
      both(geometry(name.replace("_depthwise", ""), { h: size, w: size, c: inC, strides: [stride, stride] }), {
        ...{ outC: mobilenet("pointwise")[i]!.outC, tile: 3 },
      }),
    ),
    ...numberCases("separable_s8", geometry("", { h: 3, w: 5, c: 17 })),
  ];
}
