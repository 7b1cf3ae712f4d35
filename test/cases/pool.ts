/**
 * Cases of maxpool_f32, avgpool_f32 and gap_f32.
 * @module
 */
import { clamp } from "../reference/activation.ts";
import { averagePool, globalAveragePool, maxPool } from "../reference/pool.ts";
import { exact } from "../reference/value.ts";
import { place } from "../reference/window.ts";
import { random } from "./random.ts";
import { type Bounding, boundsFor, type Case, strew, type Trial } from "./trial.ts";
import { BLIND, CHANNELS, type Geometry, geometry, sides, WINDOWS } from "./window.ts";

type PoolKernel = "maxpool_f32" | "avgpool_f32";

/** A pool over random data, seeded by the geometry's name. */
export function poolTrial(
  kernel: PoolKernel,
  g: Geometry,
  bounding: Bounding = "active",
  special = false,
  fill?: number,
): Trial {
  const at = place(g.h, g.w, g.kernel, g.strides, g.dilations, g.padding);
  const x = random(`pool ${g.name}`).floats(g.n * g.h * g.w * g.c);
  if (fill !== undefined) x.fill(fill);
  if (special) strew(x, 11);
  const image = exact([g.n, g.h, g.w, g.c], x);
  const [kH, kW] = g.kernel;
  // Each row of taps is summed by itself, then the rows' sums, then one quotient: the kernel's contract.
  const open =
    kernel === "maxpool_f32" ? maxPool(image, g.kernel, at) : { ...averagePool(image, g.kernel, at), ops: kH + kW };
  const bounds = boundsFor(open, bounding);
  return {
    expected: clamp(open, bounds),
    problem: {
      kernel,
      ...{ x, outputs: open.values.length },
      fields: {
        ...{ rows: g.n * at.outH, n: g.n, inH: g.h, inW: g.w, inC: g.c, outH: at.outH, outW: at.outW, outC: g.c },
        ...{ kH, kW, strideH: g.strides[0], strideW: g.strides[1], dilationH: 1, dilationW: 1 },
        ...{ padT: at.padT, padL: at.padL, ...bounds },
      },
    },
  };
}

/** The grid of both pools. */
export function poolCases(kernel: PoolKernel): Case[] {
  const of = (g: Geometry, bounding?: Bounding, special?: boolean, fill?: number): Case => ({
    name: g.name,
    make: () => poolTrial(kernel, g, bounding, special, fill),
  });
  return [
    ...CHANNELS.map((c) => of(geometry(`channels_${c}`, { c }))),
    ...[...WINDOWS, ...BLIND].map((g) => of(g)),
    of(geometry("mobilenet_7x7", { h: 7, w: 7, c: 256, kernel: [7, 7], padding: "valid" }), "open"),
    // Roundings of a sum of equal terms all go one way: one sum over the whole window would be 1.6·10⁻⁴ off.
    of(geometry("window_128x128", { h: 128, w: 128, c: 5, kernel: [128, 128], padding: "valid" }), "open", false, 0.7),
    of(geometry("pool_2x2", { h: 8, w: 8, c: 16, kernel: [2, 2], strides: [2, 2], padding: "valid" }), "open"),
    of(geometry("pool_3x3_stride_2_uneven", { h: 9, w: 8, strides: [2, 2], padding: sides(0, 1, 1, 0) })),
    of(geometry("clamp_open", { c: 8 }), "open"),
    of(geometry("special_values", { h: 9, w: 9, c: 6 }), "open", true),
    of(geometry("special_values_clamped", { h: 9, w: 9, c: 6 }), "active", true),
  ];
}

/** The mean of whole maps of random data. `offset` moves the data away from 0. */
export function gapTrial(n: number, h: number, w: number, c: number, special = false): Trial {
  const x = random(`gap ${n} ${h} ${w} ${c}`).floats(n * h * w * c);
  if (special) strew(x, 13);
  // Each image row is summed by itself, then the rows' sums, then one quotient: the kernel's header.
  const expected = { ...globalAveragePool(exact([n, h, w, c], x)), ops: h + w };
  const fields = { rows: n, n, inH: h, inW: w, inC: c, outC: c };
  return { expected, problem: { kernel: "gap_f32", x, outputs: n * c, fields } };
}

/** The grid of the global average pool. */
export function gapCases(): Case[] {
  const of = (n: number, h: number, w: number, c: number, special = false): Case => ({
    name: `${special ? "special_values_" : ""}n_${n}_h_${h}_w_${w}_c_${c}`,
    make: () => gapTrial(n, h, w, c, special),
  });
  return [
    ...[...CHANNELS, 64, 65, 100].map((c) => of(1, 3, 4, c)),
    ...[
      of(1, 1, 1, 7),
      of(2, 1, 9, 5),
      of(3, 9, 1, 6),
      of(1, 7, 7, 256),
      of(2, 7, 7, 1024),
      of(1, 64, 63, 3),
      of(4, 2, 2, 17),
    ],
    of(2, 5, 5, 37, true),
  ];
}
