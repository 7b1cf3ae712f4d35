/**
 * Cases of conv_f32.
 * @module
 */

import { clamp } from "../reference/activation.ts";
import { conv2d } from "../reference/conv2d.ts";
import { exact } from "../reference/value.ts";
import { place } from "../reference/window.ts";
import { random } from "./random.ts";
import { type Bounding, boundsFor, type Case, strew, type Trial } from "./trial.ts";
import { BLIND, CHANNELS, DILATED, type Geometry, geometry, mobilenetLayers, WINDOWS } from "./window.ts";

/** What a convolution has beside its geometry. */
export interface ConvOptions {
  readonly outC: number;
  /** Pixels of the scratch panel; as many as an output row has, plus one, without. */
  readonly tile?: number;
  readonly bias?: boolean;
  readonly bounding?: Bounding;
  readonly special?: boolean;
}

/** A convolution with random data, seeded by its name. */
export function convTrial(g: Geometry, options: ConvOptions): Trial {
  const { outC, bias: hasBias = true, bounding = "active", special = false } = options;
  const numbers = random(`conv ${g.name}`);
  const at = place(g.h, g.w, g.kernel, g.strides, g.dilations, g.padding);
  const k = g.kernel[0] * g.kernel[1] * g.c;
  const x = numbers.floats(g.n * g.h * g.w * g.c);
  if (special) strew(x, 11);
  const matrix = numbers.floats(k * outC, 0.5);
  const bias = hasBias ? numbers.floats(outC) : undefined;
  const weights = { shape: [...g.kernel, g.c, outC], data: matrix };
  const open = conv2d(exact([g.n, g.h, g.w, g.c], x), weights, bias, at);
  const bounds = boundsFor(open, bounding);
  const tile = options.tile ?? at.outW + 1;
  return {
    expected: clamp(open, bounds),
    problem: {
      kernel: "conv_f32",
      ...{ x, w: { matrix, bias, k, n: outC }, scratch: 4 * tile * k, outputs: open.values.length },
      fields: {
        ...{ rows: g.n * at.outH, n: g.n, inH: g.h, inW: g.w, inC: g.c, outH: at.outH, outW: at.outW, outC, tile },
        ...{ kH: g.kernel[0], kW: g.kernel[1], strideH: g.strides[0], strideW: g.strides[1] },
        ...{ dilationH: g.dilations[0], dilationW: g.dilations[1], padT: at.padT, padL: at.padL, ...bounds },
      },
    },
  };
}

function conv(g: Geometry, options: ConvOptions): Case {
  return { name: g.name, make: () => convTrial(g, options) };
}

/** The grid. */
export function convCases(): Case[] {
  const [first] = mobilenetLayers(96);
  return [
    ...CHANNELS.map((c, i) =>
      conv(geometry(`in_${c}_out_${CHANNELS.at(-1 - i)}`, { c }), { outC: CHANNELS.at(-1 - i)! }),
    ),
    ...[...WINDOWS, ...DILATED, ...BLIND].map((g, i) => conv(g, { outC: [3, 6, 9][i % 3]! })),
    ...[1, 2, 3, 41, 42, 43, 100].map((tile) => conv(geometry(`tile_${tile}_of_42`, {}), { outC: 9, tile })),
    ...[...Array(12).keys()].map((i) =>
      conv(geometry(`first_layer_w_${i + 1}`, { c: 3, h: 5, w: i + 1, strides: [2, 2] }), { outC: 8 }),
    ),
    conv(geometry(first!.name, { h: 96, w: 96, c: 3, strides: [2, 2] }), {
      outC: first!.outC,
      tile: 100,
      bounding: "relu",
    }),
    conv(geometry("first_layer_article", { h: 32, w: 32, c: 3, strides: [2, 2] }), { outC: 32, bounding: "relu" }),
    conv(geometry("full_3x3", { h: 5, w: 5, c: 64 }), { outC: 64, tile: 25 }),
    conv(geometry("no_bias", {}), { outC: 5, bias: false }),
    conv(geometry("clamp_open", {}), { outC: 5, bounding: "open" }),
    conv(geometry("special_values", { h: 9, w: 9 }), { outC: 7, special: true, bounding: "open" }),
    conv(geometry("special_values_relu6", { h: 9, w: 9, c: 4 }), { outC: 8, special: true }),
  ];
}
