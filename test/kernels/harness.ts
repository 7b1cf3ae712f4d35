/**
 * Runs one kernel on a bare instance and sees to it that it keeps its contract: it writes its rows and nothing else,
 * nothing past a tensor has a say in the result, and the same rows come out the same however they are split.
 *
 * The memory that a run uses is filled with a poison, a NaN, before the tensors are laid out in it, 16-aligned and at
 * least a guard apart. So the slack behind each input is NaN, a float that was not written is seen as the poison, and
 * any other byte that has changed was written without right. A byte has no value of its own for that: what a kernel of
 * 8 bits leaves unwritten, writes beside its output or takes from the slack comes to light when it runs under the other
 * poison, no byte of which is the same.
 * @module
 */
import * as table from "../../abi/table.mjs";
import { ENTRY_BYTES, writeEntry } from "../../src/engine/plan/schedule.ts";
import { KERNELS, type Kernel, STEP_BYTES, STEP_FIELDS, type StepFields, writeStep } from "../../src/engine/step.ts";
import { random } from "../cases/random.ts";
import { bounds, type Value } from "../reference/value.ts";
import type { Exports } from "../variants.ts";
import { packedBytes, putWeights, rawBytes, type StepWeights } from "./weights.ts";

/** Quiet NaNs with payloads that no arithmetic makes; they differ in every byte. */
export const POISONS = [0x7fe5a5a5, 0xffda5a5a] as const;
const CANONICAL_NAN = 0x7fc00000;
const ALIGN = 16;
/** Bytes between two tensors: the slack that kernels may read, and as much again that they may not. */
const GUARD = 32;

/** One step to run. */
export interface Problem {
  readonly kernel: Kernel;
  /** All of the record but kernel and pointers; `rows` counts the row units. */
  readonly fields: StepFields & { readonly rows: number };
  readonly x: Float32Array | Uint8Array | Int8Array;
  readonly x2?: Float32Array | Int8Array;
  readonly w?: StepWeights;
  readonly w2?: StepWeights;
  /** Bytes of scratch, no more than the kernel's header asks for. */
  readonly scratch?: number;
  /** Elements of output, all row units together. */
  readonly outputs: number;
  /** Elements of a row unit, where the last one has fewer; without, each has the same share. */
  readonly unitElements?: number;
  /** Bytes of an element of the output; those of a float without. */
  readonly outputBytes?: 1;
  /** Which elements of a row unit are written, where not all are. */
  readonly writes?: (column: number) => boolean;
  /** Elements from the start of the output to where y points: a step may write one part of each row. */
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
  readonly entry: number;
  readonly y: number;
  readonly scratch: number;
  /** Words of memory in use, from address 0. */
  readonly words: number;
}

/** Lays a problem out in an instance's memory and packs its weights. */
function layOut(exports: Exports, problem: Problem, misalign: Pointer | undefined, poison: number): Layout {
  const { outputBytes = 4 } = problem;
  let top = exports.heap_base();
  const place = (bytes: number): number => {
    const at = Math.ceil((top + GUARD) / ALIGN) * ALIGN;
    top = at + bytes;
    return at;
  };
  const step = place(STEP_BYTES);
  const entry = place(ENTRY_BYTES);
  const x = place(problem.x.byteLength);
  const x2 = problem.x2 ? place(problem.x2.byteLength) : 0;
  const w = problem.w ? place(packedBytes(problem.w)) : 0;
  const w2 = problem.w2 ? place(packedBytes(problem.w2)) : 0;
  const scratch = problem.scratch ? place(problem.scratch) : 0;
  const own = problem.inPlace ? 0 : place(outputBytes * problem.outputs);
  const y = problem.inPlace === "x" ? x : problem.inPlace === "x2" ? x2 : own;
  const raw = place(Math.max(rawBytes(problem.w), rawBytes(problem.w2)));
  const words = Math.ceil((top + GUARD) / 4);
  const missing = 4 * words - exports.memory.buffer.byteLength;
  if (missing > 0) exports.memory.grow(Math.ceil(missing / 65536));

  new Uint32Array(exports.memory.buffer).fill(poison, Math.ceil(exports.heap_base() / 4), words);
  const bytes = new Uint8Array(exports.memory.buffer);
  const put = (at: number, data: ArrayBufferView) => {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
  };
  put(x, problem.x);
  if (problem.x2) put(x2, problem.x2);
  if (problem.w) putWeights(exports, w, problem.w, raw, put, problem.fields.product);
  if (problem.w2) putWeights(exports, w2, problem.w2, raw, put, problem.fields.product);
  const pointers = { x, x2, w, w2, y: y + outputBytes * (problem.yOffset ?? 0), s: scratch };
  if (misalign) pointers[misalign] += 4;
  const kernel = KERNELS[problem.kernel];
  const fields = { ...problem.fields, ...pointers, ...unread(problem.kernel), kernel };
  const view = new DataView(exports.memory.buffer);
  writeStep(view, step, fields);
  writeEntry(view, entry, () => step, { step: 0, u0: 0, u1: problem.fields.rows });
  return { step, entry, y, scratch, words };
}

/**
 * What lies in the fields that a kernel, by the table of the ABI, does not read: should it read one, its answer is not
 * the reference's.
 */
export function unread(kernel: Kernel): StepFields {
  const { reads } = table.KERNELS[kernel];
  return Object.fromEntries(STEP_FIELDS.filter((name) => !(name in reads)).map((name) => [name, POISONS[0]]));
}

/** A field of the record that holds an address. */
export type Pointer = "x" | "x2" | "w" | "w2" | "y" | "s";

/** How the rows are asked for: by a schedule of the whole step, by a step and its rows, or of the kernel itself. */
export type Via = "run_schedule" | "run_rows" | "kernel";

export interface RunOptions {
  /** Row ranges, in the order in which they are computed; all rows at once without. */
  readonly ranges?: readonly Rows[];
  readonly via?: Via;
  /** A pointer to move off its alignment, which breaks the contract. */
  readonly misalign?: Pointer;
  /** What the memory is full of: one of {@link POISONS}, the first one without. */
  readonly poison?: number;
}

/**
 * Runs a problem and answers with the bits of y, a word for each element, each NaN as the canonical one; elements of
 * rows that were not asked for, and those that the step does not write, are `untouched`.
 * @throws when a byte has changed that the step has no right to, or one was left that it has to write.
 */
export function runKernel(exports: Exports, problem: Problem, options: RunOptions = {}): Uint32Array {
  const { fields, outputs, kernel, outputBytes = 4 } = problem;
  const { ranges = [[0, fields.rows]], via = "kernel", poison = POISONS[0] } = options;
  const { step, entry, y, scratch, words } = layOut(exports, problem, options.misalign, poison);
  const memory = new Uint32Array(exports.memory.buffer, 0, words);
  const before = memory.slice();
  if (via === "run_schedule") exports.run_schedule(entry, 0, 1, 0);
  else for (const [y0, y1] of ranges) exports[via === "kernel" ? kernel : via](step, y0, y1);

  const share = shareOf(problem);
  const asked = new Uint8Array(fields.rows);
  for (const [y0, y1] of ranges) asked.fill(1, y0, y1);
  const mayWrite = (i: number) => asked[Math.floor(i / share)] === 1 && (problem.writes?.(i % share) ?? true);
  const end = y + outputBytes * outputs;
  const scratchEnd = scratch + (problem.scratch ?? 0);
  const [bytes, were] = [new Uint8Array(exports.memory.buffer), new Uint8Array(before.buffer)];
  for (let word = 0; word < words; ++word) {
    if (memory[word] === before[word]) continue;
    for (let at = 4 * word; at < 4 * word + 4; ++at) {
      if (bytes[at] === were[at] || (at >= scratch && at < scratchEnd)) continue;
      const element = Math.floor((at - y) / outputBytes);
      if (at >= y && at < end && mayWrite(element)) continue;
      const where = at < y ? `${y - at} bytes before y` : at < end ? `y[${element}]` : `${at - end} bytes past y`;
      throw new Error(`${kernel}: wrote without right ${where}`);
    }
  }
  const bits = outputBytes === 4 ? memory.slice(y / 4, end / 4) : Uint32Array.from(bytes.subarray(y, end));
  const floats = new Float32Array(bits.buffer);
  for (let i = 0; i < outputs; ++i) {
    if (!mayWrite(i)) bits[i] = UNTOUCHED;
    else if (bits[i] === poison)
      throw new Error(`${kernel}: y[${i}] was left unwritten, or the slack of an input reached it`);
    else if (!problem.keepsBits && Number.isNaN(floats[i])) bits[i] = CANONICAL_NAN;
  }
  return bits;
}

/** Elements of output of a row unit. */
export function shareOf({ unitElements, outputs, fields }: Problem): number {
  return unitElements ?? outputs / fields.rows;
}

/** Stands in the answer of {@link runKernel} for what the step does not write. */
export const UNTOUCHED: number = POISONS[0];

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

/**
 * Each row by itself, the last one first; and, where they are few, the rows cut in two at each place, the second part
 * first.
 */
export function allCuts(rows: number): Rows[][] {
  const single: Rows[] = Array.from({ length: rows }, (_, r) => [rows - 1 - r, rows - r] as const);
  const inTwo = (at: number) => [[at, rows] as const, [0, at] as const];
  const places = rows > 9 ? [] : single.slice(0, -1).map(([at]) => at);
  return rows > 1 ? [single, ...places.map(inTwo)] : [];
}

/** The first difference of two answers in words, or undefined. */
export function firstDifference(got: Uint32Array, expected: Uint32Array): string | undefined {
  if (got.length !== expected.length) return `${got.length} elements instead of ${expected.length}`;
  const at = got.findIndex((bits, i) => bits !== expected[i]);
  if (at < 0) return undefined;
  return `at ${at}: ${inWords(got[at]!)} instead of ${inWords(expected[at]!)}`;
}

/** What no more than a byte has of bits is one, with its sign. */
function inWords(bits: number): string {
  const value = bits < 256 ? (bits << 24) >> 24 : new Float32Array(Uint32Array.of(bits).buffer)[0];
  return `${value} (0x${bits.toString(16)})`;
}

/**
 * The first element outside its bound, in words, or undefined. Where the reference, or the size of its terms, is not
 * finite, there is nothing to round: the result must be the reference's.
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
