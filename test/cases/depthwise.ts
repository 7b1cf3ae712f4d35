/**
 * Cases of dwconv3x3_f32, dwconv_f32 and separable_f32.
 * @module
 */
import type { StepFields } from "../../src/engine/step.ts";
import type { Padding } from "../../src/graph/graph.ts";
import { clamp } from "../reference/activation.ts";
import { dense } from "../reference/dense.ts";
import { depthwise } from "../reference/depthwise.ts";
import { separable } from "../reference/separable.ts";
import { exact, type Value } from "../reference/value.ts";
import { type Placement, place } from "../reference/window.ts";
import { random } from "./random.ts";
import { type Bounding, boundsFor, type Case, strew, type Trial } from "./trial.ts";
import { BLIND, CHANNELS, DILATED, type Geometry, geometry, mobilenetLayers, sides, WINDOWS } from "./window.ts";

export interface DepthwiseOptions {
  readonly multiplier?: number;
  readonly bounding?: Bounding;
  readonly special?: boolean;
}

interface Layer {
  readonly x: Float32Array;
  readonly image: Value;
  readonly weights: { readonly shape: number[]; readonly data: Float32Array };
  readonly bias: Float32Array;
  readonly at: Placement;
  /** [bias][taps], as the kernels want them. */
  readonly packed: Float32Array;
  readonly fields: StepFields & { readonly rows: number };
}

function layer(g: Geometry, multiplier: number, special: boolean): Layer {
  const numbers = random(`depthwise ${g.name}`);
  const at = place(g.h, g.w, g.kernel, g.strides, g.dilations, g.padding);
  const outC = g.c * multiplier;
  const x = numbers.floats(g.n * g.h * g.w * g.c);
  if (special) strew(x, 11);
  const data = numbers.floats(g.kernel[0] * g.kernel[1] * outC);
  const bias = numbers.floats(outC);
  return {
    ...{ x, bias, at, image: exact([g.n, g.h, g.w, g.c], x) },
    weights: { shape: [...g.kernel, g.c, multiplier], data },
    packed: Float32Array.of(...bias, ...data),
    fields: {
      ...{ rows: g.n * at.outH, n: g.n, inH: g.h, inW: g.w, inC: g.c, outH: at.outH, outW: at.outW, outC },
      ...{ kH: g.kernel[0], kW: g.kernel[1], strideH: g.strides[0], strideW: g.strides[1] },
      ...{ dilationH: g.dilations[0], dilationW: g.dilations[1], padT: at.padT, padL: at.padL, multiplier },
    },
  };
}

/** A depthwise convolution with random data, seeded by its name. */
export function depthwiseTrial(
  kernel: "dwconv3x3_f32" | "dwconv_f32",
  g: Geometry,
  options: DepthwiseOptions = {},
): Trial {
  const { multiplier = 1, bounding = "active", special = false } = options;
  const { x, image, weights, bias, at, packed, fields } = layer(g, multiplier, special);
  const open = depthwise(image, weights, bias, at);
  const bounds = boundsFor(open, bounding);
  return {
    expected: clamp(open, bounds),
    problem: { kernel, x, w: packed, outputs: open.values.length, fields: { ...fields, ...bounds } },
  };
}

/** Whether the sliding 3×3 kernel covers a geometry: the limits in its header, in words of their own. */
export function slides(g: Geometry): boolean {
  const { outW, padL } = place(g.h, g.w, g.kernel, g.strides, g.dilations, g.padding);
  const [s, sW] = g.strides;
  const lastColumn = (outW - 1) * s - padL + 2;
  return `${g.kernel}` === "3,3" && `${g.dilations}` === "1,1" && s === sW && s <= 2 && padL <= 1 && lastColumn <= g.w;
}

const PADDINGS: readonly (readonly [string, Padding])[] = [
  ["same", "same"],
  ["valid", "valid"],
  ["keras", sides(0, 1, 1, 0)],
  ["ones", sides(1, 1, 1, 1)],
  ["left", sides(0, 0, 0, 1)],
  ["tall", sides(3, 0, 4, 1)],
];

/** All sizes of images from 1×1 up, in both strides and with every padding that the sliding kernel covers. */
function smallImages(): Geometry[] {
  const all: Geometry[] = [];
  for (const [padName, padding] of PADDINGS) {
    for (const stride of [1, 2]) {
      for (let w = 1; w <= 9; ++w) {
        const h = 1 + ((w + stride) % 4);
        const name = `h_${h}_w_${w}_stride_${stride}_${padName}`;
        const g = geometry(name, { h, w, padding, strides: [stride, stride] });
        const { outH, outW } = place(h, w, g.kernel, g.strides, g.dilations, padding);
        if (outH > 0 && outW > 0 && slides(g)) all.push(g);
      }
    }
  }
  return all;
}

function mobilenet(): Geometry[] {
  return mobilenetLayers(96)
    .filter(({ kind }) => kind === "depthwise")
    .map(({ name, size, stride, inC }) =>
      geometry(`mobilenet_${name}`, { h: size, w: size, c: inC, strides: [stride, stride] }),
    );
}

/**
 * Rows of pixels in tiles of three, with and without padding at their ends, at channel counts where the 3×3 kernel
 * changes its way.
 */
function wideImages(): Geometry[] {
  return [63, 64, 65, 71].flatMap((c, i) =>
    [1, 2, 3, 5, 6, 7, 8, 13].map((w) => geometry(`wide_c_${c}_w_${w}`, { c, h: 2 + (i % 3), w, strides: [2, 2] })),
  );
}

/** The grid of the sliding 3×3 kernel. */
export function dwconv3x3Cases(): Case[] {
  const of = (g: Geometry, options?: DepthwiseOptions): Case => ({
    name: g.name,
    make: () => depthwiseTrial("dwconv3x3_f32", g, options),
  });
  return [
    ...CHANNELS.flatMap((c) => [
      of(geometry(`channels_${c}_stride_1`, { c })),
      of(geometry(`channels_${c}_stride_2`, { c, strides: [2, 2] })),
    ]),
    ...[...smallImages(), ...wideImages()].map((g) => of(g)),
    ...[...WINDOWS, ...BLIND].filter(slides).map((g) => of(g)),
    ...mobilenet().map((g) => of(g, { bounding: "relu" })),
    of(geometry("clamp_open", { c: 8 }), { bounding: "open" }),
    ...[1, 2].flatMap((s) => [
      of(geometry(`special_values_stride_${s}`, { h: 9, w: 9, strides: [s, s] }), { special: true, bounding: "open" }),
      of(geometry(`special_values_relu6_stride_${s}`, { h: 9, w: 9, c: 8, strides: [s, s] }), { special: true }),
    ]),
  ];
}

/** The grid of the general depthwise kernel. */
export function dwconvCases(): Case[] {
  const of = (g: Geometry, options?: DepthwiseOptions): Case => ({
    name: g.name,
    make: () => depthwiseTrial("dwconv_f32", g, options),
  });
  return [
    ...CHANNELS.map((c) => of(geometry(`channels_${c}`, { c, kernel: [3, 5] }))),
    ...[...WINDOWS, ...DILATED, ...BLIND, ...wideImages()].map((g) => of(g)),
    ...[...Array(12).keys()].map((i) => of(geometry(`w_${i + 1}_5x5`, { w: i + 1, kernel: [5, 5] }))),
    ...[2, 3, 4, 5, 8, 9].flatMap((multiplier) => [
      of(geometry(`multiplier_${multiplier}`, {}), { multiplier }),
      of(geometry(`multiplier_${multiplier}_c_1`, { c: 1 }), { multiplier }),
      of(geometry(`multiplier_${multiplier}_c_4_stride_2`, { n: 2, c: 4, strides: [2, 2] }), { multiplier }),
    ]),
    of(geometry("multiplier_2_5x5_dilated", { kernel: [5, 5], dilations: [2, 2] }), { multiplier: 2 }),
    of(geometry("kernel_1x1", { kernel: [1, 1], c: 7 })),
    of(geometry("kernel_7x7", { kernel: [7, 7], h: 9, w: 9, c: 9 })),
    of(geometry("clamp_open", { c: 8 }), { bounding: "open" }),
    of(geometry("special_values", { h: 9, w: 9 }), { special: true, bounding: "open" }),
    of(geometry("special_values_multiplier_4", { h: 9, w: 9 }), { special: true, multiplier: 4 }),
  ];
}

export interface SeparableOptions extends DepthwiseOptions {
  readonly outC: number;
  /** Output rows that the scratch panel holds. */
  readonly tileRows?: number;
  /** Bounds of the value between the halves. */
  readonly middle?: Bounding;
}

/** Both halves with random data, seeded by the name. */
export function separableTrial(g: Geometry, options: SeparableOptions): Trial {
  const { outC, multiplier = 1, tileRows = 2, bounding = "active", middle = "active", special = false } = options;
  const { x, image, weights, bias, at, packed, fields } = layer(g, multiplier, special);
  const numbers = random(`pointwise ${g.name}`);
  const midC = g.c * multiplier;
  const matrix = numbers.floats(midC * outC);
  const bias2 = numbers.floats(outC);
  const pointwise = { shape: [midC, outC], data: matrix };
  const between = boundsFor(depthwise(image, weights, bias, at), middle);
  const first = { weights, bias, clamp: between };
  const bounds = boundsFor(separable(image, first, { weights: pointwise, bias: bias2 }, at), bounding);
  const tile = tileRows * at.outW;
  return {
    expected: separable(image, first, { weights: pointwise, bias: bias2, clamp: bounds }, at),
    problem: {
      kernel: "separable_f32",
      ...{ x, w: packed, w2: { matrix, bias: bias2, k: midC, n: outC }, scratch: 4 * tile * midC },
      outputs: g.n * at.outH * at.outW * outC,
      fields: { ...fields, ...bounds, outC, midC, tile, lo2: between.lo, hi2: between.hi },
    },
  };
}

/** The same two layers, one after the other: the values between are those that `dwconv` gave. */
export function unfused(
  g: Geometry,
  options: SeparableOptions,
): { first: Trial; second: (middle: Float32Array) => Trial } {
  const fused = separableTrial(g, options).problem;
  const { multiplier = 1, outC, middle = "active", special = false } = options;
  const kernel = slides(g) && multiplier === 1 ? "dwconv3x3_f32" : "dwconv_f32";
  const first = depthwiseTrial(kernel, g, { multiplier, bounding: middle, special });
  const w = fused.w2 as { matrix: Float32Array; bias: Float32Array; k: number; n: number };
  const { lo = 0, hi = 0 } = fused.fields;
  return {
    first,
    second: (middleValues) => {
      const rows = middleValues.length / w.k;
      const open = dense(exact([rows, w.k], middleValues), { shape: [w.k, outC], data: w.matrix }, w.bias);
      return {
        expected: clamp(open, { lo, hi }),
        problem: {
          kernel: "pwconv_f32",
          x: middleValues,
          w,
          outputs: rows * outC,
          fields: { rows, inC: w.k, outC, lo, hi },
        },
      };
    },
  };
}

/** Geometries of the fused kernel with their options. */
export function separableGeometries(): (readonly [Geometry, SeparableOptions])[] {
  return [
    ...CHANNELS.map(
      (c, i) => [geometry(`in_${c}_out_${CHANNELS.at(-1 - i)}`, { c }), { outC: CHANNELS.at(-1 - i)! }] as const,
    ),
    ...[...WINDOWS, ...DILATED, ...BLIND].map(
      (g, i) => [g, { outC: [3, 6, 9][i % 3]!, tileRows: 1 + (i % 3) }] as const,
    ),
    ...[1, 2, 5, 6, 7, 12].map(
      (rows) => [geometry(`tile_rows_${rows}_of_12`, { n: 2 }), { outC: 7, tileRows: rows }] as const,
    ),
    ...[2, 3, 4].map((multiplier) => [geometry(`multiplier_${multiplier}`, {}), { outC: 9, multiplier }] as const),
    [geometry("multiplier_2_stride_2_batch_2", { n: 2, strides: [2, 2] }), { outC: 16, multiplier: 2 }],
    ...mobilenet().map(
      (g, i) =>
        [
          geometry(g.name.replace("_depthwise", ""), { ...g, h: Math.min(g.h, 24), w: Math.min(g.w, 24) }),
          { outC: mobilenetLayers(96)[2 * i + 2]!.outC, tileRows: 3, bounding: "relu", middle: "relu" } as const,
        ] as const,
    ),
    [geometry("wide_stride_2", { c: 64, w: 9, strides: [2, 2] }), { outC: 24 }],
    [geometry("clamp_open", {}), { outC: 8, bounding: "open", middle: "open" }],
    [geometry("special_values", { h: 9, w: 9 }), { outC: 8, special: true }],
  ];
}

/** The grid of the fused kernel. */
export function separableCases(): Case[] {
  return separableGeometries().map(([g, options]) => ({ name: g.name, make: () => separableTrial(g, options) }));
}
