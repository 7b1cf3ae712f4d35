/**
 * Layers of 8 bits from a geometry and what is to be special about their numbers.
 * @module
 */
import type { Quantized, Target } from "../reference/convolution_s8.ts";
import { place } from "../reference/window.ts";
import { bytes8, type Filling } from "./bytes.ts";
import { type Layer8, layerTrial } from "./layer_s8.ts";
import { random } from "./random.ts";
import type { Case } from "./trial.ts";
import type { Geometry } from "./window.ts";

/** What a layer has beside its geometry. */
export interface LayerOptions {
  readonly outC?: number;
  readonly multiplier?: number;
  /** Pixels of the scratch panel; of a separable step, rows of pixels. */
  readonly tile?: number;
  /** Flags of the step: which halves go the fast way. Their results are then bounded from their zero points on. */
  readonly flags?: 0 | 1 | 2 | 3;
  readonly zx?: number;
  readonly zw?: number;
  /** Zero points and bounds of the result, and of what lies between two halves. */
  readonly to?: Partial<Target>;
  /** What x is full of; "near": within 8 of its zero point. */
  readonly filling?: Filling | "near";
  /** What weights are full of; "sparse": three in a column that are ±1, the others their zero point. */
  readonly weights?: Filling | "sparse";
  /** Multiplier, shift and bias of output channel o, where k terms are summed. */
  readonly m?: (o: number) => number;
  readonly e?: (o: number, k: number) => number;
  readonly bias?: (o: number, k: number) => number;
}

/** The shift that brings sums of k random terms to about the range of 8 bits, no longer than the fast form takes. */
function fitting(k: number): number {
  return Math.min(12, Math.max(1, Math.round(Math.log2(Math.sqrt(k) * 114))));
}

/** Weights [k, n]. */
function drawn(name: string, k: number, n: number, options: LayerOptions): Quantized {
  const { zw = 0, weights = "random" } = options;
  const numbers = random(`${name} ${k} ${n}`);
  const sparse = new Int8Array(k * n).fill(zw);
  for (let i = 0; i < 3 * n; i++) sparse[numbers.int(0, k - 1) * n + (i % n)] = zw + (i % 2 === 0 ? 1 : -1);
  const each = (value: (o: number, k: number) => number) => Array.from({ length: n }, (_, o) => value(o, k));
  const { m = () => numbers.int(2 ** 30, 2 ** 31 - 1), e = () => fitting(k) } = options;
  const { bias = () => numbers.int(-20000, 20000) } = options;
  return {
    weights: weights === "sparse" ? sparse : bytes8(`${name} weights`, k * n, weights),
    ...{ zero: zw, m: each(m), e: each(e), bias: each(bias) },
  };
}

/** Bounds of a half: from the zero point on where it goes the fast way. */
function target(fast: boolean, { zero, lo, hi }: Partial<Target> = {}): Target {
  const z = zero ?? (fast ? -20 : 5);
  return { zero: z, lo: lo ?? (fast ? z : -128), hi: hi ?? (fast ? 127 : 100) };
}

/** The window's fields of a geometry. */
function placed({ n, h, w, c, kernel, strides, dilations, padding }: Geometry): Layer8["g"] {
  const { outH, outW, padT, padL } = place(h, w, kernel, strides, dilations, padding);
  return {
    ...{ n, inH: h, inW: w, inC: c, outH, outW, padT, padL, kH: kernel[0], kW: kernel[1] },
    ...{ strideH: strides[0], strideW: strides[1], dilationH: dilations[0], dilationW: dilations[1] },
  };
}

/** A layer with numbers that are seeded by the geometry's name. */
export function drawnLayer(kernel: Layer8["kernel"], g: Geometry, options: LayerOptions = {}): Layer8 {
  const { outC = 11, multiplier = 1, flags = 3, zx = -3, filling = "random" } = options;
  const at = placed(g);
  const [taps, midC] = [at.kH * at.kW, at.inC * multiplier];
  const name = `${kernel} ${g.name}`;
  const numbers = random(name);
  const length = g.n * g.h * g.w * g.c;
  const near = () => Math.min(127, Math.max(-128, zx + numbers.int(-8, 8)));
  const k = kernel === "conv_s8" ? taps * g.c : midC;
  const hasHalf = kernel === "dwconv_s8" || kernel === "separable_s8";
  const first = hasHalf && { w: drawn(name, taps, midC, options), to: target((flags & 1) !== 0, options.to) };
  const second = kernel !== "dwconv_s8" && {
    w: drawn(`${name} matrix`, k, outC, options),
    to: target((flags & 2) !== 0, options.to),
  };
  const tile = options.tile ?? (kernel === "separable_s8" ? 2 : at.outW + 1);
  return {
    ...{ kernel, g: at, zx, multiplier, flags },
    x: filling === "near" ? Int8Array.from({ length }, near) : bytes8(name, length, filling),
    rows: kernel === "pwconv_s8" ? g.n : g.n * at.outH,
    tile: kernel === "separable_s8" ? tile * at.outW : tile,
    ...(first && { half: first }),
    ...(second && { matrix: second }),
  };
}

/** A layer as a case. */
export function layerCase(kernel: Layer8["kernel"], g: Geometry, options: LayerOptions = {}): Case {
  return { name: g.name, make: () => layerTrial(drawnLayer(kernel, g, options)) };
}

/** A layer as two cases: requantized the fast way, and by the formula. */
export function bothWays(kernel: Layer8["kernel"], g: Geometry, options: LayerOptions = {}): Case[] {
  const exactly = { ...g, name: `${g.name}_exact` };
  return [layerCase(kernel, g, options), layerCase(kernel, exactly, { ...options, flags: 0 })];
}
