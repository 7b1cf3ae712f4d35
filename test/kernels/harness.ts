/**
 * Runs one kernel on a bare instance and sees to it that it keeps its contract: it writes its rows and nothing else, nothing past a tensor has a say
 * in the result, and the same rows come out the same however they are split.
 *
 * The memory that a run uses is filled with POISON, a NaN, before the tensors are laid out in it, 16-aligned and at least a guard apart. So the
 * slack behind each input is NaN, an element that was not written is seen as POISON, and any other word that has changed was written without right.
 * @module
 */
import * as table from "../../abi/table.mjs";
import { KERNELS, type Kernel, STEP_BYTES, STEP_FIELDS, type StepFields, writeStep } from "../../src/engine/step.ts";
import { random } from "../cases/random.ts";
import { bounds, type Value } from "../reference/value.ts";
import type { Exports } from "../variants.ts";

/** A quiet NaN with a payload that no arithmetic makes. */
const POISON = 0x7fe5a5a5;
const CANONICAL_NAN = 0x7fc00000;
const ALIGN = 16;
/** Bytes between two tensors: the slack that kernels may read, and as much again that they may not. */
const GUARD = 32;

/** Weights of a step: as they are, or a matrix [k, n] with its bias (zeros without) for the packers of pwconv_f32. */
export type StepWeights =
  | Float32Array
  | { readonly matrix: Float32Array; readonly bias?: Float32Array | undefined; readonly k: number; readonly n: number };

/** One step to run. */
export interface Problem {
  readonly kernel: Kernel;
  /** All of the record but kernel and pointers; `rows` counts the row units. */
  readonly fields: StepFields & { readonly rows: number };
  readonly x: Float32Array | Uint8Array;
  readonly x2?: Float32Array;
  readonly w?: StepWeights;
  readonly w2?: StepWeights;
  /** Floats of scratch. */
  readonly scratch?: number;
  /** Floats of output, all row units together; each row unit has the same share. */
  readonly outputs: number;
  /** Which floats of a row unit are written, where not all are. */
  readonly writes?: (column: number) => boolean;
  /** Floats from the start of the output to where y points: a step may write one part of each row. */
  readonly yOffset?: number;
  /** NaN comes out as it went in: answers keep its bits. */
  readonly keepsBits?: boolean;
  /** Which input the output takes the place of. */
  readonly inPlace?: "x" | "x2";
}

/** Row units [y0, y1). */
export type Rows = readonly [y0: number, y1: number];

interface Layout {
  readonly step: number;
  readonly y: number;
  readonly scratch: number;
  /** Words of memory in use, from address 0. */
  readonly words: number;
}

/** Lays a problem out in an instance's memory and packs its weights. */
function layOut(exports: Exports, problem: Problem, misalign: Pointer | undefined): Layout {
  const floats = (n: number) => 4 * n;
  const packedSize = (w: StepWeights) => (w instanceof Float32Array ? w.length : (w.k + 1) * w.n);
  const rawSize = (w: StepWeights | undefined) => (w === undefined || w instanceof Float32Array ? 0 : (w.k + 1) * w.n);
  let top = exports.heap_base();
  const place = (bytes: number): number => {
    const at = Math.ceil((top + GUARD) / ALIGN) * ALIGN;
    top = at + bytes;
    return at;
  };
  const step = place(STEP_BYTES);
  const x = place(problem.x.byteLength);
  const x2 = problem.x2 ? place(problem.x2.byteLength) : 0;
  const w = problem.w ? place(floats(packedSize(problem.w))) : 0;
  const w2 = problem.w2 ? place(floats(packedSize(problem.w2))) : 0;
  const scratch = problem.scratch ? place(floats(problem.scratch)) : 0;
  const own = problem.inPlace ? 0 : place(floats(problem.outputs));
  const y = problem.inPlace === "x" ? x : problem.inPlace === "x2" ? x2 : own;
  const raw = place(floats(Math.max(rawSize(problem.w), rawSize(problem.w2))));
  const words = Math.ceil((top + GUARD) / 4);
  const missing = 4 * words - exports.memory.buffer.byteLength;
  if (missing > 0) exports.memory.grow(Math.ceil(missing / 65536));

  new Uint32Array(exports.memory.buffer).fill(POISON, Math.ceil(exports.heap_base() / 4), words);
  const bytes = new Uint8Array(exports.memory.buffer);
  const put = (at: number, data: ArrayBufferView) => {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
  };
  put(x, problem.x);
  if (problem.x2) put(x2, problem.x2);
  for (const [at, weights] of [
    [w, problem.w],
    [w2, problem.w2],
  ] as const) {
    if (weights instanceof Float32Array) put(at, weights);
    else if (weights) pack(exports, at, weights, raw, put);
  }
  const pointers = { x, x2, w, w2, y: y + floats(problem.yOffset ?? 0), s: scratch };
  if (misalign) pointers[misalign] += 4;
  const kernel = KERNELS[problem.kernel];
  const fields = { ...problem.fields, ...pointers, ...unread(problem.kernel), kernel };
  writeStep(new DataView(exports.memory.buffer), step, fields);
  return { step, y, scratch, words };
}

/** What lies in the fields that a kernel, by the table of the ABI, does not read: should it read one, its answer is not the reference's. */
export function unread(kernel: Kernel): StepFields {
  const { reads } = table.KERNELS[kernel];
  return Object.fromEntries(STEP_FIELDS.filter((name) => !(name in reads)).map((name) => [name, POISON]));
}

/** Packs a matrix as a host does that holds only a part of it at a time, and checks that just the packed bytes were written. */
function pack(
  exports: Exports,
  to: number,
  weights: Exclude<StepWeights, Float32Array>,
  raw: number,
  put: (at: number, data: ArrayBufferView) => void,
): void {
  const { matrix, bias, k, n } = weights;
  const memory = new Uint32Array(exports.memory.buffer);
  const [first, last] = [to / 4, to / 4 + (k + 1) * n];
  const around = () => [...memory.slice(first - 8, first), ...memory.slice(last, last + 8)];
  const before = `${around()}`;
  const cut = Math.ceil(k / 3);
  for (let k0 = 0; k0 < k; k0 += cut) {
    const k1 = Math.min(k, k0 + cut);
    put(raw, matrix.subarray(k0 * n, k1 * n));
    exports.pwconv_f32_pack(to, raw, k, n, k0, k1);
  }
  if (bias) put(raw, bias);
  exports.pwconv_f32_pack_bias(to, bias ? raw : 0, k, n);
  if (`${around()}` !== before) throw new Error(`pwconv_f32_pack [${k}, ${n}]: wrote past the packed matrix`);
  const hole = memory.subarray(first, last).indexOf(POISON);
  if (hole >= 0) throw new Error(`pwconv_f32_pack [${k}, ${n}]: left float ${hole} unwritten`);
}

/** A field of the record that holds an address. */
export type Pointer = "x" | "x2" | "w" | "w2" | "y" | "s";

/** How the rows are asked for: by the step table, by a step and its rows, or of the kernel itself. */
export type Via = "run" | "run_rows" | "kernel";

export interface RunOptions {
  /** Row ranges, in the order in which they are computed; all rows at once without. */
  readonly ranges?: readonly Rows[];
  readonly via?: Via;
  /** A pointer to move off its alignment, which breaks the contract. */
  readonly misalign?: Pointer;
}

/**
 * Runs a problem and answers with the bits of y, each NaN as the canonical one; elements of rows that were not asked for, and those that the step
 * does not write, are `untouched`.
 * @throws when a byte has changed that the step has no right to, or one was left that it has to write.
 */
export function runKernel(exports: Exports, problem: Problem, options: RunOptions = {}): Uint32Array {
  const { fields, outputs, kernel } = problem;
  const { ranges = [[0, fields.rows]], via = "kernel" } = options;
  const { step, y, scratch, words } = layOut(exports, problem, options.misalign);
  const memory = new Uint32Array(exports.memory.buffer, 0, words);
  const before = memory.slice();
  if (via === "run") exports.run(step, 0, 1);
  else for (const [y0, y1] of ranges) exports[via === "kernel" ? kernel : via](step, y0, y1);

  const share = outputs / fields.rows;
  const asked = new Uint8Array(fields.rows);
  for (const [y0, y1] of ranges) asked.fill(1, y0, y1);
  const mayWrite = (i: number) => asked[Math.floor(i / share)] === 1 && (problem.writes?.(i % share) ?? true);
  const first = y / 4;
  const [s0, s1] = [scratch / 4, scratch / 4 + (problem.scratch ?? 0)];
  for (let i = 0; i < words; ++i) {
    if (memory[i] === before[i] || (i >= s0 && i < s1)) continue;
    if (i >= first && i < first + outputs && mayWrite(i - first)) continue;
    const where =
      i < first
        ? `${first - i} words before y`
        : i < first + outputs
          ? `y[${i - first}]`
          : `${i - first - outputs} words past y`;
    throw new Error(`${kernel}: wrote without right ${where}`);
  }
  const bits = memory.slice(first, first + outputs);
  const result = new Float32Array(bits.buffer);
  for (let i = 0; i < outputs; ++i) {
    if (!mayWrite(i)) bits[i] = UNTOUCHED;
    else if (bits[i] === POISON)
      throw new Error(`${kernel}: y[${i}] was left unwritten, or the slack of an input reached it`);
    else if (!problem.keepsBits && Number.isNaN(result[i])) bits[i] = CANONICAL_NAN;
  }
  return bits;
}

/** Stands in the answer of {@link runKernel} for what the step does not write. */
export const UNTOUCHED = POISON;

/** A random partition of `rows` row units in random order, with an empty range in it. */
export function splitRows(rows: number, name: string): Rows[] {
  const numbers = random(`split ${name}`);
  const ranges: Rows[] = [];
  for (let at = 0; at < rows; ) {
    const end = Math.min(rows, at + numbers.int(1, Math.max(1, Math.ceil(rows / 3))));
    ranges.push([at, end]);
    at = end;
  }
  const nothing = numbers.int(0, rows);
  ranges.push([nothing, nothing]);
  for (let i = ranges.length - 1; i > 0; --i) {
    const j = numbers.int(0, i);
    [ranges[i], ranges[j]] = [ranges[j]!, ranges[i]!];
  }
  return ranges;
}

/** The first difference of two answers in words, or undefined. */
export function firstDifference(got: Uint32Array, expected: Uint32Array): string | undefined {
  if (got.length !== expected.length) return `${got.length} elements instead of ${expected.length}`;
  const at = got.findIndex((bits, i) => bits !== expected[i]);
  if (at < 0) return undefined;
  const [a, b] = [got, expected].map((bits) => new Float32Array(bits.buffer, bits.byteOffset, bits.length)[at]);
  return `at ${at}: ${a} (0x${got[at]!.toString(16)}) instead of ${b} (0x${expected[at]!.toString(16)})`;
}

/**
 * The first element outside its bound, in words, or undefined. Where the reference, or the size of its terms, is not finite, there is nothing to
 * round: the result must be the reference's.
 */
export function firstOutside(got: ArrayLike<number>, expected: Value): string | undefined {
  const { values, shape } = expected;
  if (got.length !== values.length) return `${got.length} elements instead of [${shape}]`;
  const bound = bounds(expected);
  for (let i = 0; i < values.length; ++i) {
    const [a, b] = [got[i]!, values[i]!];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const allowed = Number.isFinite(bound[i]) ? bound[i]! : 0;
    if (Math.abs(a - b) <= allowed) continue;
    return `at ${i} of [${shape}]: expected ${b} ± ${allowed}, got ${a} (off by ${Math.abs(a - b) / allowed} bounds)`;
  }
  return undefined;
}
