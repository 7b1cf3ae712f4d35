/**
 * The harness sees what it is there to see: kernels that break the contract, each in its own way, written in
 * JavaScript.
 */
import { describe, expect, it } from "vitest";
import { ENTRY } from "../../src/engine/abi.ts";
import { fieldOffset } from "../../src/engine/step.ts";
import { random } from "../cases/random.ts";
import { arithmetic } from "../reference/arithmetic.ts";
import { exact } from "../reference/value.ts";
import type { Exports } from "../variants.ts";
import { allCuts, splitRows } from "./harness.ts";
import { examine, type Trial } from "./suite.ts";

const ROWS = 6;
const COLUMNS = 5;

/** What a kernel does beside y = x + x2; indices count floats from the tensors' starts. */
type Sabotage = (tensors: { x: Float32Array; y: Float32Array }, y0: number, y1: number, call: number) => unknown;

/**
 * A module whose add_f32 does its work, and something else. Tensors reach as far as the memory, before their start as
 * well as past their end.
 */
function fake(sabotage: Sabotage): Exports {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new DataView(memory.buffer);
  let calls = 0;
  const kernel = (step: number, y0: number, y1: number) => {
    const [x, x2, y] = (["x", "x2", "y"] as const).map((name) => {
      return new Float32Array(memory.buffer, view.getInt32(step + fieldOffset(name), true));
    }) as [Float32Array, Float32Array, Float32Array];
    for (let i = y0 * COLUMNS; i < y1 * COLUMNS; ++i) y[i] = x[i]! + x2[i]!;
    sabotage({ x, y }, y0, y1, calls++);
  };
  const run_schedule = (entry: number) => kernel(view.getUint32(entry + ENTRY.step, true), 0, ROWS);
  return { memory, run_schedule, add_f32: kernel, run_rows: kernel, heap_base: () => 1024 } as unknown as Exports;
}

/** What a kernel of bytes does beside y = −1 − x. */
type Sabotage8 = (tensors: { x: Int8Array; y: Int8Array }, y0: number) => unknown;

/** A module whose lut_s8 does its work, and something else. */
function fake8(sabotage: Sabotage8): Exports {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new DataView(memory.buffer);
  const kernel = (step: number, y0: number, y1: number) => {
    const x = new Int8Array(memory.buffer, view.getInt32(step + fieldOffset("x"), true));
    const y = new Int8Array(memory.buffer, view.getInt32(step + fieldOffset("y"), true));
    for (let i = y0 * COLUMNS; i < y1 * COLUMNS; ++i) y[i] = -1 - x[i]!;
    sabotage({ x, y }, y0);
  };
  const run_schedule = (entry: number) => kernel(view.getUint32(entry + ENTRY.step, true), 0, ROWS);
  return { memory, run_schedule, lut_s8: kernel, run_rows: kernel, heap_base: () => 1024 } as unknown as Exports;
}

/** Its byte 7 is what the first poison has there. */
function trial8(): Trial {
  const x = random("harness").bytes(ROWS * COLUMNS);
  x[7] = -128;
  const values = Array.from(x, (q) => -1 - q);
  const fields = { rows: ROWS, inC: COLUMNS };
  return {
    expected: exact([ROWS, COLUMNS], values),
    problem: { kernel: "lut_s8", x, outputs: ROWS * COLUMNS, outputBytes: 1, fields },
  };
}

function trial(): Trial {
  const numbers = random("harness");
  const [x, x2] = [numbers.floats(ROWS * COLUMNS), numbers.floats(ROWS * COLUMNS)];
  return {
    expected: arithmetic("add", exact([ROWS, COLUMNS], x), exact([ROWS, COLUMNS], x2)),
    problem: { kernel: "add_f32", x, x2, outputs: ROWS * COLUMNS, fields: { rows: ROWS, inC: COLUMNS } },
  };
}

/** The float before the start of a tensor. */
function before(tensor: Float32Array): Float32Array {
  return new Float32Array(tensor.buffer, tensor.byteOffset - 4, 1);
}

const SABOTAGES: readonly (readonly [string, Sabotage, RegExp])[] = [
  ["writes past y", ({ y }) => y.fill(0, ROWS * COLUMNS, ROWS * COLUMNS + 1), /without right [0-3] bytes past y/],
  ["writes before y", ({ y }) => before(y).fill(0), /without right [1-4] bytes before y/],
  ["writes its input", ({ x }) => x.fill(0, 3, 4), /without right \d+ bytes before y/],
  [
    "writes a row that was not asked for",
    ({ y }, y0) => y0 > 0 && y.fill(0, 0, 1),
    /without right y\[0\]|rows computed as/,
  ],
  [
    "leaves an element out",
    ({ y }) => new Uint32Array(y.buffer, y.byteOffset).fill(0x7fe5a5a5, 7, 8),
    /y\[7\] was left/,
  ],
  ["copies the slack", ({ x, y }) => y.fill(x[30]!, 29, 30), /y\[29\].* the slack .* reached it/],
  ["computes with the slack", ({ x, y }) => y.fill(x[30]! < 0 ? 0 : 1, 29, 30), /against the reference/],
  ["computes something else by parts", ({ y }, y0) => y0 > 0 && y.fill(1, 5 * y0, 5 * y0 + 1), /rows computed as/],
  ["remembers its calls", ({ y }, _, __, call) => call > 0 && y.fill(1, 0, 1), /a second run/],
  ["rounds more than it may", ({ y }) => y.fill(y[11]! * (1 + 2 ** -22), 11, 12), /against the reference/],
];

/** The first three go unseen under the first poison. */
const SABOTAGES_8: readonly (readonly [string, Sabotage8, RegExp])[] = [
  ["leaves out a byte that looks like its poison", ({ y }) => y.copyWithin(7, 31, 32), /second run, under another/],
  [
    "computes with the slack where it is as it was",
    ({ x, y }) => y.fill(x[30] === -27 ? y[29]! : 0, 29, 30),
    /second run, under another/,
  ],
  ["writes past y what was there", ({ y }) => y.fill(-27, 30, 31), /without right 0 bytes past y/],
  [
    "writes the last byte before y",
    ({ y }) => new Int8Array(y.buffer, y.byteOffset - 1).fill(0, 0, 1),
    /1 bytes before/,
  ],
  ["writes its input", ({ x }) => x.fill(3, 29, 30), /without right \d+ bytes before y/],
  ["is off by one", ({ y }) => y.fill(y[11]! + (y[11]! < 0 ? 1 : -1), 11, 12), /against the reference/],
  [
    "computes something else from one row on",
    ({ y }, y0) => y0 === 4 && y.fill(y[20]! ^ 1, 20, 21),
    /rows computed as|alone/,
  ],
];

describe("the harness", () => {
  it("lets a right kernel pass", () => {
    expect(() =>
      examine(
        fake(() => {}),
        "right",
        trial(),
      ),
    ).not.toThrow();
  });

  it.each(SABOTAGES)("catches a kernel that %s", (_, sabotage, message) => {
    expect(() => examine(fake(sabotage), "wrong", trial())).toThrow(message);
  });

  it("lets a right kernel of bytes pass", () => {
    expect(() =>
      examine(
        fake8(() => {}),
        "right",
        trial8(),
      ),
    ).not.toThrow();
  });

  it.each(SABOTAGES_8)("catches a kernel of bytes that %s", (_, sabotage, message) => {
    expect(() => examine(fake8(sabotage), "wrong", trial8())).toThrow(message);
  });

  it("catches a build that differs from the scalar one", () => {
    const other = new Uint32Array(ROWS * COLUMNS);
    expect(() =>
      examine(
        fake(() => {}),
        "different",
        trial(),
        () => other,
      ),
    ).toThrow(/against the scalar build/);
  });

  it("splits rows into ranges that cover each row once", () => {
    for (let rows = 1; rows < 40; ++rows) {
      const ranges = splitRows(rows, `${rows}`);
      const covered = ranges.flatMap(([y0, y1]) => [...Array(y1 - y0).keys()].map((i) => y0 + i));
      expect(covered.sort((a, b) => a - b)).toEqual([...Array(rows).keys()]);
      expect(ranges.some(([y0, y1]) => y0 === y1)).toBe(true);
    }
  });

  it("cuts rows in two at each place, and into single ones", () => {
    expect(allCuts(1)).toEqual([]);
    expect(`${allCuts(3).map((ranges) => ranges.join(" "))}`).toBe("2,3 1,2 0,1,2,3 0,2,1,3 0,1");
    expect(allCuts(12).map((ranges) => ranges.length)).toEqual([12]);
  });
});
