/**
 * Seeded problems for the 8-bit convolutions: geometry, zero points, bounds and multipliers at and around every border
 * the kernels have.
 * @module
 */
import type { Geometry, Quantized, Target } from "../reference/convolution_s8.ts";
import type { Layer8 } from "./layer_s8.ts";
import { type Random, random } from "./random.ts";

/** The layer of a kernel by its seed. */
export function seeded8(kernel: Layer8["kernel"], seed: number): Layer8 {
  const numbers = random(`${kernel} ${seed}`);
  const chance = (p: number) => numbers.next() < p;
  const fast = chance(0.7);
  const unsigned = chance(0.4);
  const g = kernel === "pwconv_s8" ? flat(numbers) : geometry(numbers);
  const hasHalf = kernel === "dwconv_s8" || kernel === "separable_s8";
  const multiplier = hasHalf && chance(0.25) ? numbers.int(2, 3) : 1;
  const midC = g.inC * multiplier;
  const outC = chance(0.4) ? 16 * numbers.int(1, 3) : numbers.int(1, 40);
  const k = kernel === "pwconv_s8" ? g.inC : kernel === "conv_s8" ? g.kH * g.kW * g.inC : midC;
  const target = (): Target => {
    const zero = numbers.int(-128, 100);
    const lo = fast && !chance(0.4) ? zero : -128;
    return { zero, lo, hi: numbers.int(Math.max(lo, 60), 127) };
  };
  const half = hasHalf ? { w: weights(numbers, g.kH * g.kW, midC, fast, unsigned), to: target() } : undefined;
  const matrix = kernel === "dwconv_s8" ? undefined : { w: weights(numbers, k, outC, fast, unsigned), to: target() };
  const rows = kernel === "pwconv_s8" ? g.n : g.n * g.outH;
  return {
    ...{ kernel, g, multiplier, rows, flags: fast ? 3 : 0, zx: numbers.int(-128, 127) },
    ...{ tile: kernel === "separable_s8" ? g.outW * numbers.int(1, 3) : numbers.int(1, 9) },
    x: numbers.bytes(g.n * g.inH * g.inW * g.inC),
    ...(half && { half }),
    ...(matrix && { matrix }),
  };
}

/**
 * Shifts of 1 … 12 where the fast form has to hold, else also left shifts and long right ones; multipliers also at the
 * ends of their range.
 */
function weights(numbers: Random, k: number, n: number, fast: boolean, unsigned: boolean): Quantized {
  const each = (value: () => number) => Array.from({ length: n }, value);
  const ends = [2 ** 30, 2 ** 30 + 1, 2 ** 31 - 1];
  return {
    weights: Int8Array.from({ length: k * n }, () => numbers.int(-127, 127)),
    zero: unsigned ? numbers.int(-128, 127) : 0,
    bias: each(() => numbers.int(-20000, 20000)),
    m: each(() => (numbers.next() < 0.3 ? ends[numbers.int(0, 2)]! : numbers.int(2 ** 30, 2 ** 31 - 1))),
    e: each(() => {
      if (numbers.next() < 0.2) return fast ? numbers.int(1, 12) : numbers.int(-2, 20);
      return numbers.int(6, 11);
    }),
  };
}

function channels(numbers: Random): number {
  return numbers.next() < 0.3 ? 8 * numbers.int(1, 4) : numbers.int(1, 20);
}

/** Rows without an image, for the pointwise kernel. */
function flat(numbers: Random): Geometry {
  const one = { inH: 1, inW: 1, outH: 1, outW: 1, kH: 1, kW: 1, strideH: 1, strideW: 1 };
  return {
    ...one,
    ...{ dilationH: 1, dilationW: 1, padT: 0, padL: 0 },
    n: numbers.int(1, 30),
    inC: channels(numbers),
  };
}

function geometry(numbers: Random): Geometry {
  const three = numbers.next() < 0.7;
  const [kH, kW] = three ? [3, 3] : [numbers.int(1, 4), numbers.int(1, 4)];
  const strideH = numbers.int(1, 2);
  const strideW = numbers.next() < 0.8 ? strideH : numbers.int(1, 3);
  const dilation = numbers.next() < 0.85 ? 1 : 2;
  const same = numbers.next() < 0.7;
  const [tall, wide] = [(kH - 1) * dilation + 1, (kW - 1) * dilation + 1];
  const [inH, inW] = [numbers.int(same ? 1 : tall, 9), numbers.int(same ? 1 : wide, 9)];
  const size = (length: number, kernel: number, stride: number) =>
    same ? Math.ceil(length / stride) : Math.floor((length - kernel) / stride) + 1;
  const outH = size(inH, tall, strideH);
  const outW = size(inW, wide, strideW);
  const before = (out: number, stride: number, kernel: number, length: number) =>
    same ? Math.max((out - 1) * stride + kernel - length, 0) >> 1 : 0;
  return {
    ...{ n: numbers.int(1, 2), inH, inW, inC: channels(numbers), outH, outW, kH, kW, strideH, strideW },
    ...{ dilationH: dilation, dilationW: dilation },
    ...{ padT: before(outH, strideH, tall, inH), padL: before(outW, strideW, wide, inW) },
  };
}
