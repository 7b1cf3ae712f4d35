/**
 * Cases of copy_strided and gather, of elements of 4 bytes and of bytes.
 * @module
 */
import type { Kernel } from "../../src/engine/step.ts";
import { gather } from "../reference/concat.ts";
import { count, exact, type Value } from "../reference/value.ts";
import { random } from "./random.ts";
import type { Case, Trial } from "./trial.ts";
import { CHANNELS } from "./window.ts";

/** Whether elements have 4 bytes, or one. */
export type Unit = 4 | 1;

/** Numbers without meaning: bytes, or floats of any bit pattern that is not the harness's poison. */
function drawn(name: string, length: number, unit: Unit): Float32Array | Int8Array {
  return unit === 4 ? random(name).floats(length) : random(name).bytes(length);
}

/** What a step that moves elements comes to; `pick` gives the element of x for each of the output. */
function trial(
  kernel: Kernel,
  x: Float32Array | Int8Array,
  shape: readonly number[],
  fields: Trial["problem"]["fields"],
  pick: (to: number) => number,
  w?: Trial["problem"]["w"],
): Trial {
  const part: Value = exact([x.length], x);
  const expected = gather(shape, [part], (to) => ({ part, index: pick(to) }));
  const outputs = count(shape);
  const bits = x instanceof Float32Array ? new Uint32Array(Float32Array.from(expected.values).buffer) : undefined;
  const bytes = x instanceof Int8Array ? ({ outputBytes: 1 } as const) : {};
  return { expected, problem: { kernel, x, outputs, ...bytes, ...(w && { w }), fields }, ...(bits && { bits }) };
}

/** Five axes: their sizes, and the steps that each of them takes in x, from element `begin` of `elements` on. */
interface View {
  readonly sizes: readonly [number, number, number, number, number];
  readonly steps: readonly [number, number, number, number, number];
  readonly begin?: number;
  readonly elements: number;
}

function viewTrial({ sizes, steps, begin = 0, elements }: View, unit: Unit): Trial {
  const x = drawn(`strided ${sizes} ${steps}`, elements, unit);
  const [n, outH, outW, midC, outC] = sizes;
  const [xPitch, strideH, strideW, dilationH, dilationW] = steps;
  const fields = {
    ...{ rows: n * outH, n, outH, outW, midC, outC, inC: elements, padC: begin },
    ...{ xPitch, strideH, strideW, dilationH, dilationW },
  };
  const pick = (to: number) =>
    sizes.reduce((at, size, axis) => {
      const i = Math.floor(to / count(sizes.slice(axis + 1))) % size;
      return at + i * steps[axis]!;
    }, begin);
  return trial(unit === 4 ? "copy_strided" : "copy_strided_s8", x, sizes, fields, pick);
}

/** The grid of copy_strided: transposes, slices, backwards, repetitions. */
export function stridedCases(unit: Unit): Case[] {
  const of = (name: string, view: View): Case => ({ name, make: () => viewTrial(view, unit) });
  return [
    ...CHANNELS.map((c) => of(`rows_of_${c}`, { sizes: [2, 3, 1, 1, c], steps: [3 * c, c, 1, 1, 1], elements: 6 * c })),
    ...CHANNELS.map((c) =>
      of(`transposed_to_${c}`, { sizes: [1, 5, 1, 1, c], steps: [0, 1, 1, 1, 5], elements: 5 * c }),
    ),
    ...CHANNELS.map((c) =>
      of(`part_of_${c}`, {
        sizes: [2, 2, 2, 1, c],
        steps: [4 * c + 40, 2 * c, c, 1, 1],
        begin: 7,
        elements: 8 * c + 60,
      }),
    ),
    of("all_axes_turned", { sizes: [2, 3, 4, 5, 6], steps: [1, 2, 6, 24, 120], elements: 720 }),
    of("places_to_pixels", { sizes: [3, 2, 4, 2, 5], steps: [80, 10, 20, 5, 1], elements: 240 }),
    of("backwards", { sizes: [1, 3, 1, 1, 5], steps: [0, -5, 0, 0, -1], begin: 14, elements: 15 }),
    of("every_third_backwards", { sizes: [2, 2, 1, 1, 4], steps: [24, 12, 1, 1, -3], begin: 10, elements: 48 }),
    of("repeated", { sizes: [2, 3, 4, 2, 5], steps: [0, 5, 0, 15, 1], elements: 30 }),
    of("one_number_many_times", { sizes: [1, 3, 1, 1, 9], steps: [0, 0, 0, 0, 0], begin: 2, elements: 3 }),
    of("one_element", { sizes: [1, 1, 1, 1, 1], steps: [1, 1, 1, 1, 1], elements: 1 }),
    of("long_rows", { sizes: [3, 1, 1, 1, 300], steps: [301, 1, 1, 1, 1], begin: 1, elements: 903 }),
    of("one_row", { sizes: [1, 1, 7, 3, 4], steps: [1, 1, 12, 4, 1], elements: 84 }),
  ];
}

function gatherTrial(
  [n, inH, inW, inC]: readonly [number, number, number, number],
  rows: readonly number[],
  columns: readonly number[],
  unit: Unit,
): Trial {
  const x = drawn(`gather ${n} ${inH} ${inW} ${inC}`, n * inH * inW * inC, unit);
  const [outH, outW] = [rows.length, columns.length];
  const within = (i: number, size: number) => Math.min(Math.max(i, 0), size - 1);
  const pick = (to: number) => {
    const [c, ox, oy] = [to % inC, Math.floor(to / inC) % outW, Math.floor(to / inC / outW) % outH];
    const image = Math.floor(to / inC / outW / outH);
    return ((image * inH + within(rows[oy]!, inH)) * inW + within(columns[ox]!, inW)) * inC + c;
  };
  const fields = { rows: n * outH, n, inH, inW, inC, outH, outW };
  const w = new Uint8Array(Int32Array.from([...rows, ...columns]).buffer);
  return trial(unit === 4 ? "gather" : "gather_s8", x, [n, outH, outW, inC], fields, pick, w);
}

/** The grid of gather: larger, smaller, mirrored, and tables that point outside. */
export function gatherCases(unit: Unit): Case[] {
  const of = (
    name: string,
    shape: readonly [number, number, number, number],
    rows: readonly number[],
    columns: readonly number[],
  ): Case => ({ name, make: () => gatherTrial(shape, rows, columns, unit) });
  return [
    ...CHANNELS.map((c) => of(`twice_channels_${c}`, [2, 3, 2, c], [0, 0, 1, 1, 2, 2], [0, 0, 1, 1])),
    of("smaller", [2, 7, 5, 3], [0, 2, 4], [1, 4]),
    of("mirrored", [1, 3, 4, 2], [2, 1, 0, 1, 2, 1], [1, 0, 1, 2, 3, 2]),
    of("one_pixel", [3, 1, 1, 5], [0, 0], [0, 0, 0]),
    of("outside", [2, 2, 3, 2], [-1, 0, 2, 2147483647], [-2147483648, 3, 1]),
    of("long_pixels", [1, 2, 2, 200], [1, 0], [1, 0, 1]),
  ];
}
