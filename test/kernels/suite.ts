/**
 * What every kernel is put through: each case in each build, whole, again under another poison, in parts and by each
 * way in, against its reference and the scalar build.
 * @module
 */
import { expect, it } from "vitest";
import { type Bytes, type Fields, footprint, partOf } from "../../src/engine/footprint.ts";
import type { LinearMemory } from "../../src/engine/host/memory.ts";
import { ask, type Product, productNumber } from "../../src/engine/host/product.ts";
import type { Bounds } from "../../src/engine/lower/packed.ts";
import { STEP_FLOATS, STEP_INTS, STEP_QUANT, type StepFields } from "../../src/engine/step.ts";
import { count, type Value } from "../reference/value.ts";
import { type Build, type Exports, forEachVariant, instantiate } from "../variants.ts";
import {
  allCuts,
  firstDifference,
  firstOutside,
  POISONS,
  type Pointer,
  type Problem,
  type Rows,
  runKernel,
  shareOf,
  splitRows,
  UNTOUCHED,
} from "./harness.ts";
import { packedBytes, type StepWeights } from "./weights.ts";

/** A step and what it has to compute. `expected` lists the elements that the step writes, in their order. */
export interface Trial {
  readonly problem: Problem;
  readonly expected: Value;
  /** The same to the bit, where a kernel moves numbers without reading them. */
  readonly bits?: Uint32Array;
}

/** A named trial; `make` gives the same one each time. */
export interface Case {
  readonly name: string;
  make(): Trial;
}

/** A precondition that the debug build must trap on. */
export interface Violation {
  readonly name: string;
  /** A case whose step keeps the contract. */
  readonly of: Case;
  /** Row range, and changes to the record (from its layout), that break it. */
  readonly rows?: readonly [number, number];
  readonly fields?: (fields: StepFields) => StepFields;
  /** Bytes by which a pointer is moved off its alignment. */
  readonly misalign?: Pointer;
}

/** Instances are kept: kernels have no state, and a test that they do not is what reusing one is. */
const instances = new Map<Build, Exports>();

/** The instance of a build that all trials share. */
export function shared(build: Build): Exports {
  const known = instances.get(build);
  if (known) return known;
  const exports = instantiate(build);
  instances.set(build, exports);
  return exports;
}

function isWritten(bits: number): boolean {
  return bits !== UNTOUCHED;
}

/** The numbers that a step wrote, in their order. */
function numbers(bits: Uint32Array, { outputBytes }: Problem): ArrayLike<number> {
  const written = bits.filter(isWritten);
  return outputBytes === 1 ? Int8Array.from(written) : new Float32Array(written.buffer);
}

/** Kernels of 8 bits promise the same bits in every build; those of floats may round differently under relaxed SIMD. */
function isExact({ kernel }: Problem): boolean {
  return kernel.endsWith("_s8");
}

function meetsScalar(build: Build, problem: Problem): boolean {
  return build === "simd" || build === "debug" || (build === "relaxed" && isExact(problem));
}

/**
 * How a build can multiply the bytes of a problem beside pairs: in the debug build as a host of each kind would, in the
 * relaxed one as this host does.
 */
export function productsOf(build: Build, { fields }: Problem): readonly Product[] {
  if (fields.product === undefined) return [];
  if (build === "debug") return ["unsigned", "signed"];
  if (build !== "relaxed") return [];
  const { exports, memory } = { exports: shared(build), memory: shared(build).memory };
  if (memory.buffer.byteLength < 65536) memory.grow(1);
  const bytes = (at: number, length: number) => new Uint8Array(memory.buffer, at, length);
  hosts ??= ask({ exports, buffer: memory.buffer, bytes } as unknown as LinearMemory, 1000);
  return hosts === "pairs" ? [] : [hosts];
}

let hosts: Product | undefined;

/** The same trial, multiplied in another way. */
export function withProduct({ problem, ...trial }: Trial, product: Product): Trial {
  return { ...trial, problem: { ...problem, fields: { ...problem.fields, product: productNumber(product) } } };
}

/** The same trial, its columns requantized in single precision where that can be proven. */
export function proven({ problem, ...trial }: Trial): Trial {
  const { qlo = 0, qhi = 0, zy = 0, qlo2 = 0, qhi2 = 0, zm = 0, midC = 0 } = problem.fields;
  const [last, first] = [
    { lo: qlo - zy, hi: qhi - zy },
    { lo: qlo2 - zm, hi: qhi2 - zm },
  ];
  const { w, w2 } = problem;
  const marked = (of: StepWeights, bounds: Bounds): StepWeights => {
    if (of instanceof Uint8Array) return markedDepthwise(of, midC, bounds);
    return "head" in of ? { ...of, proveFor: bounds } : of;
  };
  return {
    ...trial,
    problem: { ...problem, ...(w && { w: marked(w, w2 ? first : last) }), ...(w2 && { w2: marked(w2, last) }) },
  };
}

/** Packed depthwise weights of n channels, with the marks that the module gives them. */
function markedDepthwise(w: Uint8Array, n: number, { lo, hi }: Bounds): Uint8Array {
  const exports = instantiate("debug");
  const [at, n8] = [4096, Math.ceil(n / 8) * 8];
  const missing = at + w.length - exports.memory.buffer.byteLength;
  if (missing > 0) exports.memory.grow(Math.ceil(missing / 65536));
  const memory = new Uint8Array(exports.memory.buffer, at, w.length);
  memory.set(w);
  exports.pwconv_s8_prove(at + 4 * n8, at + 8 * n8, at + 9 * n8, n, lo, hi);
  return memory.slice();
}

/** Puts one trial through everything. `scalar` gives the scalar build's bits, where they are to be met. */
export function examine(exports: Exports, name: string, trial: Trial, scalar?: () => Uint32Array): void {
  const { problem, expected } = trial;
  const whole = runKernel(exports, problem, { via: "run_schedule" });
  expect(expected.values.length, "the reference's size").toBe(count(expected.shape));
  expect(firstOutside(numbers(whole, problem), expected), "against the reference").toBeUndefined();
  if (trial.bits) expect(firstDifference(whole.filter(isWritten), trial.bits), "the bits").toBeUndefined();
  const again = runKernel(exports, problem, { poison: POISONS[1] });
  expect(firstDifference(again, whole), "a second run, under another poison").toBeUndefined();
  const ranges = splitRows(problem.fields.rows, name);
  for (const split of [ranges, ...(isExact(problem) ? allCuts(problem.fields.rows) : [])]) {
    const parts = runKernel(exports, problem, { ranges: split, via: "run_rows" });
    expect(firstDifference(parts, whole), `rows computed as ${split.join(" | ")}`).toBeUndefined();
  }
  const [y0, y1] = ranges.reduce((most, range) => (range[1] - range[0] > most[1] - most[0] ? range : most));
  const some = runKernel(exports, problem, { ranges: [[y0, y1]] });
  const share = shareOf(problem);
  const only = whole.map((bits, i) => (i >= y0 * share && i < y1 * share ? bits : UNTOUCHED));
  expect(firstDifference(some, only), `rows ${y0} … ${y1} alone`).toBeUndefined();
  expectSpans(exports, problem, [y0, y1], only);
  if (scalar) expect(firstDifference(whole, scalar()), "against the scalar build").toBeUndefined();
}

/** What the engine says that rows do not need has no say in them, whatever lies there. */
function expectSpans(exports: Exports, problem: Problem, [y0, y1]: Rows, only: Uint32Array): void {
  const part = partOf(problem.kernel, problem.fields, y0, y1);
  if (part === undefined) return;
  const spoiled = <T extends Problem["x"]>(data: T, [from, to]: Bytes): T => {
    const copy = data.slice() as T;
    const bytes = new Uint8Array(copy.buffer);
    bytes.fill(0xff, 0, from).fill(0xff, to);
    return copy;
  };
  const poor: Problem = {
    ...problem,
    x: spoiled(problem.x, part.x),
    ...(problem.x2 && part.x2 && { x2: spoiled(problem.x2, part.x2) }),
  };
  const alone = runKernel(exports, poor, { ranges: [[y0, y1]] });
  expect(firstDifference(alone, only), `rows ${y0} … ${y1} of the rows that they need`).toBeUndefined();
}

/** Declares the tests of a kernel. */
export function kernelSuite(cases: readonly Case[], violations: readonly Violation[] = []): void {
  const trials = new Map<Case, Trial>();
  const scalars = new Map<Case, Uint32Array>();
  const trialOf = (item: Case) => {
    const known = trials.get(item) ?? item.make();
    trials.set(item, known);
    return known;
  };
  const scalarOf = (item: Case) => {
    const known = scalars.get(item) ?? runKernel(shared("scalar"), trialOf(item).problem);
    scalars.set(item, known);
    return known;
  };
  const names = new Set(cases.map((item) => item.name));
  if (names.size !== cases.length) throw new Error("cases: expected names that differ");
  if (isExact(trialOf(cases[0]!).problem)) {
    it("has the footprint that plans are checked by", () => {
      for (const item of cases) expectFootprint(item.name, trialOf(item));
    });
  }
  forEachVariant((build) => {
    it.each(cases)("$name", (item) => {
      const trial = trialOf(item);
      examine(shared(build), item.name, trial, meetsScalar(build, trial.problem) ? () => scalarOf(item) : undefined);
      if (trial.problem.fields.product === undefined) return;
      examine(shared(build), `${item.name} proven`, proven(trial), () => scalarOf(item));
      for (const product of productsOf(build, trial.problem)) {
        const other = withProduct(trial, product);
        examine(shared(build), `${item.name} ${product}`, other, () => scalarOf(item));
        examine(shared(build), `${item.name} ${product} proven`, proven(other), () => scalarOf(item));
      }
    });
    if (build !== "debug") return;
    it.each(violations)("traps: $name", ({ of, rows, fields, misalign }) => {
      const { problem } = trialOf(of);
      expectTrap(problem, rows, fields, misalign);
    });
  });
}

/** What a trial gives its kernel is what the engine says that it touches: no case is easier than a plan may be. */
function expectFootprint(name: string, { problem, expected }: Trial): void {
  const { kernel, fields, x, x2, w, w2, scratch, outputBytes = 4 } = problem;
  const zeros = Object.fromEntries([...STEP_INTS, ...STEP_FLOATS, ...STEP_QUANT].map((field) => [field, 0]));
  const { needs, ...touched } = footprint(kernel, { ...zeros, ...fields } as Fields);
  // Plans have no gaps between rows.
  if (fields.xPitch !== undefined && fields.xPitch !== fields.inC) return;
  const sizes = { x: x.byteLength, x2: x2?.byteLength, w: w && packedBytes(w), w2: w2 && packedBytes(w2), s: scratch };
  expect(touched, name).toMatchObject({
    ...Object.fromEntries(Object.entries(sizes).filter(([, bytes]) => bytes !== undefined)),
    y: outputBytes * expected.values.length,
  });
  expect(needs.filter(([, holds]) => !holds).map(([what]) => `${name}: ${what}`)).toEqual([]);
  expect(problem.inPlace === undefined || touched.inPlace, `${name}: in place`).toBe(true);
}

function expectTrap(
  problem: Problem,
  rows: readonly [number, number] = [0, problem.fields.rows],
  fields: Violation["fields"] | undefined,
  misalign: Pointer | undefined,
): void {
  // An instance of its own: what a kernel does behind a broken precondition is nobody's business.
  const exports = instantiate("debug");
  const changed: Problem = fields ? { ...problem, fields: { ...problem.fields, ...fields(problem.fields) } } : problem;
  expect(() => runKernel(exports, problem)).not.toThrow();
  expect(() => runKernel(exports, changed, { ranges: [rows], ...(misalign && { misalign }) })).toThrow(
    WebAssembly.RuntimeError,
  );
}

/** The violations that every kernel knows: rows outside the step, and pointers off their alignment. */
export function commonViolations(of: Case, pointers: readonly Pointer[]): Violation[] {
  return [
    { name: "a row before the first", of, rows: [-1, 1] },
    { name: "an end before the beginning", of, rows: [1, 0] },
    { name: "a row past the last", of, rows: [0, of.make().problem.fields.rows + 1] },
    ...pointers.map((misalign) => ({ name: `${misalign} off its alignment`, of, misalign })),
  ];
}
