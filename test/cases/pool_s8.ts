/**
 * Cases of maxpool_s8, avgpool_s8 and gap_s8.
 * @module
 */
import { type Factor, mbqm, split } from "../reference/fixed_point.ts";
import { forEachWindow } from "../reference/pool.ts";
import { average, meanFactor } from "../reference/pool_s8.ts";
import { place } from "../reference/window.ts";
import { type Bounding8, bounded8, bytes8, CHANNELS8, type Filling } from "./bytes.ts";
import type { Case, Trial } from "./trial.ts";
import { type Geometry, geometry, sides, WINDOWS } from "./window.ts";

type PoolKernel = "maxpool_s8" | "avgpool_s8";

interface PoolOptions {
  readonly bounding?: Bounding8;
  readonly filling?: Filling;
  /** 128 where the file's numbers are unsigned, else 0. */
  readonly zx?: 0 | 128;
}

/** A pool over random data, seeded by the geometry's name. */
function poolTrial(kernel: PoolKernel, g: Geometry, { bounding = "active", filling, zx = 0 }: PoolOptions): Trial {
  const at = place(g.h, g.w, g.kernel, g.strides, g.dilations, g.padding);
  const x = bytes8(`pool ${g.name}`, g.n * g.h * g.w * g.c, filling);
  const open: number[] = [];
  forEachWindow({ shape: [g.n, g.h, g.w, g.c] }, g.kernel, at, (to, taps) => {
    // In the signs that the file has.
    const seen = taps.map((from) => x[from]! + zx);
    open[to] = (kernel === "maxpool_s8" ? Math.max(...seen) : average(seen)) - zx;
  });
  const fields = {
    ...{ rows: g.n * at.outH, n: g.n, inH: g.h, inW: g.w, inC: g.c, outH: at.outH, outW: at.outW, outC: g.c, zx },
    ...{ kH: g.kernel[0], kW: g.kernel[1], strideH: g.strides[0], strideW: g.strides[1] },
    ...{ dilationH: 1, dilationW: 1, padT: at.padT, padL: at.padL },
  };
  return bounded8({ kernel, x, fields }, [g.n, at.outH, at.outW, g.c], open, bounding);
}

function grid(kernel: PoolKernel, suffix: string, zx: 0 | 128): Case[] {
  const of = (g: Geometry, options: PoolOptions = {}): Case => ({
    name: `${g.name}${suffix}`,
    make: () => poolTrial(kernel, g, { ...options, zx }),
  });
  return [
    ...CHANNELS8.map((c) => of(geometry(`channels_${c}`, { c }))),
    ...WINDOWS.map((g) => of(g)),
    of(geometry("mobilenet_7x7", { h: 7, w: 7, c: 256, kernel: [7, 7], padding: "valid" }), { bounding: "open" }),
    of(geometry("pool_2x2", { h: 8, w: 8, c: 16, kernel: [2, 2], strides: [2, 2], padding: "valid" })),
    of(geometry("pool_3x3_stride_2_uneven", { h: 9, w: 8, strides: [2, 2], padding: sides(0, 1, 1, 0) })),
    of(geometry("halves", { h: 4, w: 32, kernel: [1, 2], strides: [1, 2], padding: "valid" }), { bounding: "open" }),
    of(geometry("quarters", { h: 8, w: 32, kernel: [2, 2], strides: [2, 2], padding: "valid" }), { bounding: "open" }),
    ...(["low", "high", "ends"] as const).map((filling) => {
      return of(geometry(`all_${filling}`, { h: 9, c: 9 }), { filling, bounding: "open" });
    }),
    of(geometry("large_window_all_high", { h: 40, w: 40, c: 2, kernel: [40, 40] }), { filling: "high" }),
    of(geometry("large_window_all_low", { h: 40, w: 40, c: 2, kernel: [40, 40] }), { filling: "low" }),
    of(geometry("clamp_open", { c: 8 }), { bounding: "open" }),
    of(geometry("clamp_to_one", { c: 8 }), { bounding: "one" }),
  ];
}

/** The grid of a pool; that of the mean also as once unsigned files have it. */
export function poolCases8(kernel: PoolKernel): Case[] {
  const signed = grid(kernel, "", 0);
  return kernel === "maxpool_s8" ? signed : [...signed, ...grid(kernel, "_unsigned", 128)];
}

interface GapOptions {
  readonly factor?: number | Factor;
  readonly zx?: number;
  readonly zy?: number;
  readonly filling?: Filling;
  readonly bounding?: Bounding8;
}

/** The mean of whole maps of random data. */
function gapTrial(n: number, h: number, w: number, c: number, options: GapOptions): Trial {
  const { factor = 0.83, zx = -3, zy = 5, filling, bounding = "open" } = options;
  const x = bytes8(`gap ${n} ${h} ${w} ${c}`, n * h * w * c, filling);
  const { m, s } = typeof factor === "number" ? split(factor) : factor;
  const open = Array.from({ length: n * c }, (_, to) => {
    const pixels = Array.from({ length: h * w }, (_, p) => x[(Math.floor(to / c) * h * w + p) * c + (to % c)]! - zx);
    const sum = pixels.reduce((a, b) => a + b);
    return mbqm(sum, meanFactor({ m, s }, h * w)) + zy;
  });
  const fields = { rows: n, n, inH: h, inW: w, inC: c, outC: c, zx, zy, m1: Number(m), e1: -s };
  return bounded8({ kernel: "gap_s8", x, fields }, [n, c], open, bounding);
}

/** The grid of the global average pool. */
export function gapCases8(): Case[] {
  const of = (name: string, n: number, h: number, w: number, c: number, options: GapOptions = {}): Case => ({
    name: `${name}n_${n}_h_${h}_w_${w}_c_${c}`,
    make: () => gapTrial(n, h, w, c, options),
  });
  const sizes = [
    ...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33].map((w) => [1, w] as const),
    ...([
      [2, 1],
      [9, 1],
      [7, 7],
      [8, 8],
      [64, 63],
      [64, 64],
    ] as const),
  ];
  const factors = [2 ** -31, 2 ** -16, 0.01, 0.5, 0.999, 1, 1.5, 2, 3.9, 100];
  const ends = [2n ** 30n, 2n ** 31n - 1n].flatMap((m) => [-31, -30, -8, 0, 1, 4].map((s) => ({ m, s })));
  return [
    ...CHANNELS8.map((c) => of("", 1, 3, 4, c, { bounding: "active" })),
    ...sizes.map(([h, w]) => of("size_", 2, h, w, 5)),
    of("", 1, 7, 7, 256),
    of("", 4, 2, 2, 17),
    ...factors.map((factor) => of(`factor_${factor}_`, 3, 3, 5, 7, { factor })),
    ...ends.flatMap((factor) => [
      of(`m_${factor.m}_s_${factor.s}_`, 3, 4, 4, 7, { factor }),
      of(`m_${factor.m}_s_${factor.s}_`, 3, 1, 1, 9, { factor }),
    ]),
    of("no_factor_", 2, 3, 3, 5, { factor: { m: 0n, s: 0 } }),
    ...[-128, 127].flatMap((zx) =>
      (["low", "high", "ends"] as const).map((filling) => {
        return of(`zx_${zx}_all_${filling}_`, 2, 5, 5, 9, { zx, zy: -1 - zx, filling, factor: 1 });
      }),
    ),
    ...[-128, 0, 127].map((zy) => of(`zy_${zy}_`, 2, 5, 3, 9, { zy })),
    of("clamp_to_one_", 2, 3, 3, 8, { bounding: "one" }),
  ];
}
