/**
 * Requantization in single precision: columns that the module marks as proven give the formula's numbers on both sides
 * of every threshold, in every build with vectors.
 */
import { expect, it } from "vitest";
import { layerTrial } from "../cases/layer_s8.ts";
import { random } from "../cases/random.ts";
import { multiplied } from "../reference/convolution_s8.ts";
import { forEachVariant } from "../variants.ts";
import { firstDifference, runKernel } from "./harness.ts";
import { proven, shared, type Trial } from "./suite.ts";
import type { ByteMatrix } from "./weights.ts";

/** Sums around each place where results between −255 and 255 change, found by the formula itself. */
function sumsAround(m: number, e: number): number[] {
  const sums: number[] = [];
  for (let n = 1; n <= 255; n++) {
    const first = (reaches: (y: number) => boolean, sign: number) => {
      let [below, above] = [0, 2 ** 30];
      while (above - below > 1) {
        const middle = Math.floor((below + above) / 2);
        if (reaches(multiplied(sign * middle, m, e))) above = middle;
        else below = middle;
      }
      return sign * above;
    };
    const up = first((y) => y >= n, 1);
    const down = first((y) => y <= -n, -1);
    sums.push(up - 1, up, down, down + 1);
  }
  return sums;
}

/** A layer whose sums are its biases, all columns of one multiplier and shift. */
function layer(m: number, e: number, lo: number, zero: number): Trial {
  const bias = sumsAround(m, e);
  const each = <T>(value: T) => bias.map(() => value);
  const one = { inH: 1, inW: 1, outH: 1, outW: 1, kH: 1, kW: 1, strideH: 1, strideW: 1, padT: 0, padL: 0 };
  return layerTrial({
    ...{ kernel: "pwconv_s8", multiplier: 1, rows: 1, tile: 1, zx: 0, flags: 0, x: Int8Array.of(77) },
    g: { ...one, n: 1, inC: 1, dilationH: 1, dilationW: 1 },
    matrix: {
      w: { weights: new Int8Array(bias.length), zero: 0, bias, m: each(m), e: each(e) },
      to: { zero, lo, hi: 127 },
    },
  });
}

const trials = Array.from({ length: 60 }, (_, seed) => {
  const numbers = random(`single precision ${seed}`);
  const m = [2 ** 30, 2 ** 30 + 1, 2 ** 31 - 1][seed] ?? numbers.int(2 ** 30, 2 ** 31 - 1);
  const e = 1 + (seed % 12);
  const zero = seed % 3 === 0 ? -128 : numbers.int(-100, 100);
  const trial = layer(m, e, seed % 2 === 0 ? zero : -128, zero);
  return {
    name: `m ${m}, e ${e}, seed ${seed}`,
    e,
    trial,
    expected: Uint32Array.from(trial.expected.values, (q) => q & 255),
  };
});

forEachVariant((build) => {
  it("gives the formula's numbers where it is proven, and by the formula where not", () => {
    for (const { name, trial, expected } of trials) {
      expect(firstDifference(runKernel(shared(build), proven(trial).problem), expected), name).toBeUndefined();
    }
  });

  it("is proven for most short shifts, refused for some long ones, and wrong for some of these", () => {
    let [short, refused, wrong] = [0, 0, 0];
    for (const { e, trial, expected } of trials) {
      const { problem } = proven(trial);
      const w = problem.w as ByteMatrix;
      const n8 = Math.ceil(w.n / 8) * 8;
      const exports = shared(build);
      const at = 4096;
      const missing = at + 65536 - exports.memory.buffer.byteLength;
      if (missing > 0) exports.memory.grow(Math.ceil(missing / 65536));
      const memory = () => new Uint8Array(exports.memory.buffer, at, w.head.length);
      memory().set(w.head);
      const { lo, hi } = w.proveFor!;
      exports.pwconv_s8_prove(at + 4 * n8, at + 8 * n8, at + 9 * n8, w.n, lo, hi);
      const mark = memory()[9 * n8]!;
      if (build === "scalar") {
        expect(mark).toBe(0);
        continue;
      }
      if (mark !== 0 && e <= 6) short++;
      if (mark !== 0) continue;
      refused++;
      // As if the middle pair were proven.
      const head = w.head.slice();
      head.fill(32, 9 * n8, 9 * n8 + w.n);
      const { proveFor: _, ...rest } = w;
      const forced = { ...trial.problem, w: { ...rest, head } };
      if (firstDifference(runKernel(exports, forced), expected) !== undefined) wrong++;
    }
    if (build === "scalar") return;
    expect(short).toBeGreaterThan(25);
    expect(refused).toBeGreaterThan(5);
    expect(wrong).toBeGreaterThan(3);
  });
});
