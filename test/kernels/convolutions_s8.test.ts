/**
 * The 8-bit convolutions in every build, against their definition, to the bit; what they write beside their output is a failure. Memory around the
 * tensors is filled with a pattern, so that a byte past an input that had a say in the result would be seen.
 */
import { expect, it } from "vitest";
import { FLAGS, KERNELS, STEP_BYTES, type StepFields, writeStep } from "../../src/engine/step.ts";
import { KERNELS_S8, type Trial8, trial8 } from "../cases/convolution_s8.ts";
import { convolution, dense, depthwise, type Quantised } from "../reference/convolution_s8.ts";
import { type Exports, forEachVariant, instantiate } from "../variants.ts";
import { splitRows, unread } from "./harness.ts";

const TRIALS = 250;
const FILL = 0xa5;
const FAST = FLAGS.FAST_DEPTHWISE | FLAGS.FAST_POINTWISE;

const up = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/** The trial's answer by definition. */
function expectedOf({ kernel, g, x, zx, multiplier, half, matrix }: Trial8): Int8Array {
  const mid = half ? depthwise(x, zx, g, multiplier, half.w, half.to) : x;
  if (!matrix) return mid;
  if (kernel === "conv_s8") return convolution(x, zx, g, matrix.w, matrix.to);
  return dense(mid, half ? half.to.zero : zx, matrix.k, matrix.w, matrix.to);
}

/** Bias with the zero points folded in, multipliers, shifts; `lanes`: what the columns are rounded up to. */
function head({ weights, zero, bias, m, e }: Quantised, zx: number, lanes: number): Uint8Array {
  const n = bias.length;
  const k = weights.length / n;
  const padded = up(n, lanes);
  const bytes = new Uint8Array(8 * padded + up(padded, 16));
  const view = new DataView(bytes.buffer);
  bias.forEach((b, o) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += weights[i * n + o]!;
    view.setInt32(4 * o, b - zx * sum + k * zx * zero, true);
    view.setInt32(4 * (padded + o), m[o]!, true);
    view.setInt8(8 * padded + o, e[o]!);
  });
  return bytes;
}

function depthwiseBytes(w: Quantised, zx: number): Uint8Array {
  const n = w.bias.length;
  const padded = up(n, 8);
  const front = head(w, zx, 8);
  const bytes = new Uint8Array(front.length + (w.weights.length / n) * padded);
  bytes.set(front);
  w.weights.forEach((q, i) => {
    bytes[front.length + Math.floor(i / n) * padded + (i % n)] = q;
  });
  return bytes;
}

/** Lays a trial out, runs it over the given rows and answers with y. @throws when anything but y and the scratch has changed */
function run(exports: Exports, trial: Trial8, ranges?: readonly (readonly [number, number])[]): Int8Array {
  const { kernel, g, x, zx, half, matrix, tile, rows, multiplier } = trial;
  const outC = matrix ? matrix.w.bias.length : g.inC * multiplier;
  const outputs = g.n * g.outH * g.outW * outC;
  const k2 = up(matrix?.k ?? 0, 2);
  const scratchBytes = matrix
    ? up(2 * tile * k2, 16) + up(4 * tile, 16) + Math.max(128 + 16 * k2, half ? 432 : 0)
    : 432;
  let top = exports.heap_base();
  const place = (bytes: number) => {
    const at = up(top + 32, 16);
    top = at + bytes;
    return at;
  };
  const first = half ? depthwiseBytes(half.w, zx) : undefined;
  const second = matrix && { head: head(matrix.w, half ? half.to.zero : zx, 4), panels: k2 * up(outC, 4) };
  const step = place(STEP_BYTES);
  const xAt = place(x.length);
  const firstAt = first ? place(first.length) : 0;
  const secondAt = second ? place(second.head.length + second.panels) : 0;
  const s = place(scratchBytes);
  const y = place(outputs);
  const raw = place(matrix ? matrix.w.weights.length : 0);
  const end = top + 64;
  const missing = end - exports.memory.buffer.byteLength;
  if (missing > 0) exports.memory.grow(Math.ceil(missing / 65536));
  const memory = new Uint8Array(exports.memory.buffer);
  memory.fill(FILL, exports.heap_base(), end);
  memory.set(new Uint8Array(x.buffer), xAt);
  if (first) memory.set(first, firstAt);
  if (matrix && second) {
    const { w, k } = matrix;
    const panels = secondAt + second.head.length;
    memory.set(second.head, secondAt);
    memory.fill(0, panels, panels + second.panels);
    const cut = 2 * Math.floor(k / 4);
    for (const [k0, k1] of [
      [0, cut],
      [cut, k],
    ] as const) {
      memory.set(new Uint8Array(w.weights.buffer, k0 * outC, (k1 - k0) * outC), raw);
      exports.pwconv_s8_pack(panels, raw, k, outC, k0, k1);
    }
    memory.fill(FILL, raw, end);
  }
  const to = matrix?.to ?? half!.to;
  const fields: StepFields = {
    ...{ ...g, rows, tile, multiplier, midC: g.inC * multiplier, outC, x: xAt, y, s, zx },
    ...{ w: firstAt || secondAt, w2: firstAt ? secondAt : 0, zw: (half ?? matrix)!.w.zero, zw2: matrix?.w.zero ?? 0 },
    ...{ zm: half?.to.zero ?? 0, qlo2: half?.to.lo ?? 0, qhi2: half?.to.hi ?? 0 },
    ...{ zy: to.zero, qlo: to.lo, qhi: to.hi, flags: trial.fast ? FAST : 0 },
    ...{ ...unread(kernel), kernel: KERNELS[kernel] },
  };
  writeStep(new DataView(exports.memory.buffer), step, fields);
  const before = memory.slice(0, end);
  if (ranges) for (const [y0, y1] of ranges) exports.run_rows(step, y0, y1);
  else exports.run(step, 0, 1);
  for (let i = 0; i < end; i++) {
    if (memory[i] === before[i] || (i >= y && i < y + outputs) || (i >= s && i < s + scratchBytes)) continue;
    throw new Error(`${kernel}: wrote without right at y${i < y ? "" : "+"}${i - y}`);
  }
  return new Int8Array(exports.memory.buffer.slice(y, y + outputs));
}

function firstDifference(got: Int8Array, expected: Int8Array): string | undefined {
  const i = expected.findIndex((value, at) => value !== got[at]);
  return i < 0 ? undefined : `y[${i}] of ${expected.length}: expected ${expected[i]}, got ${got[i]}`;
}

const expectations = new Map<string, Int8Array>();

forEachVariant((_build, create) => {
  const exports = create();
  for (const kernel of KERNELS_S8) {
    it(`${kernel}: ${TRIALS} seeded problems, whole and in parts`, () => {
      for (let seed = 0; seed < TRIALS; seed++) {
        const trial = trial8(kernel, seed);
        const name = `${kernel} ${seed}`;
        const expected = expectations.get(name) ?? expectedOf(trial);
        expectations.set(name, expected);
        expect(firstDifference(run(exports, trial), expected), name).toBeUndefined();
        const parts = run(exports, trial, splitRows(trial.rows, name));
        expect(firstDifference(parts, expected), `${name}, in parts`).toBeUndefined();
      }
    });
  }
});

it.each(KERNELS_S8)("%s traps on a misaligned output in the debug build", (kernel) => {
  const trial = trial8(kernel, 1);
  const exports = instantiate("debug");
  run(exports, trial);
  // The record lies first; its y is moved by one byte.
  const step = up(exports.heap_base() + 32, 16);
  const view = new DataView(exports.memory.buffer);
  const offset = (exports as unknown as Record<string, WebAssembly.Global>).OFFSET_y!.value;
  view.setInt32(step + offset, view.getInt32(step + offset, true) + 1, true);
  expect(() => exports.run(step, 0, 1)).toThrow(WebAssembly.RuntimeError);
});
