/**
 * The harness sees what it is there to see: kernels that break the contract, each in its own way, written in JavaScript.
 */
import { describe, expect, it } from "vitest";
import { fieldOffset } from "../../src/engine/step.ts";
import { random } from "../cases/random.ts";
import { add } from "../reference/add.ts";
import { exact } from "../reference/value.ts";
import type { Exports } from "../variants.ts";
import { splitRows } from "./harness.ts";
import { examine, type Trial } from "./suite.ts";

const ROWS = 6;
const COLUMNS = 5;

/** What a kernel does beside y = x + x2; indices count floats from the tensors' starts. */
type Sabotage = (tensors: { x: Float32Array; y: Float32Array }, y0: number, y1: number, call: number) => unknown;

/** A module whose add_f32 does its work, and something else. Tensors reach as far as the memory, before their start as well as past their end. */
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
  const run = (steps: number) => kernel(steps, 0, ROWS);
  return { memory, run, add_f32: kernel, run_rows: kernel, heap_base: () => 1024 } as unknown as Exports;
}

function trial(): Trial {
  const numbers = random("harness");
  const [x, x2] = [numbers.floats(ROWS * COLUMNS), numbers.floats(ROWS * COLUMNS)];
  return {
    expected: add(exact([ROWS, COLUMNS], x), exact([ROWS, COLUMNS], x2)),
    problem: { kernel: "add_f32", x, x2, outputs: ROWS * COLUMNS, fields: { rows: ROWS, inC: COLUMNS } },
  };
}

/** The float before the start of a tensor. */
function before(tensor: Float32Array): Float32Array {
  return new Float32Array(tensor.buffer, tensor.byteOffset - 4, 1);
}

const SABOTAGES: readonly (readonly [string, Sabotage, RegExp])[] = [
  ["writes past y", ({ y }) => y.fill(0, ROWS * COLUMNS, ROWS * COLUMNS + 1), /without right 0 words past y/],
  ["writes before y", ({ y }) => before(y).fill(0), /without right 1 words before y/],
  ["writes its input", ({ x }) => x.fill(0, 3, 4), /without right \d+ words before y/],
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
});
