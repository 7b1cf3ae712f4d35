/**
 * Cases of copy_s8, copy_lut_s8 and pad_s8.
 * @module
 */
import type { Problem } from "../kernels/harness.ts";
import { type Frame, pad } from "../reference/concat.ts";
import { count, exact } from "../reference/value.ts";
import { bounded8, bytes8, CHANNELS8, SIZES8, ZEROS8 } from "./bytes.ts";
import { CHANNEL_PADS, NO_FRAME } from "./elementwise.ts";
import type { Case, Trial } from "./trial.ts";

/**
 * One part of a concatenation: `before` and `after` are what the other parts take of each row, `gap` what lies between
 * rows of x.
 */
function copyTrial(
  rows: number,
  c: number,
  before: number,
  after: number,
  gap: number,
  table?: Int8Array<ArrayBuffer>,
): Trial {
  const [xPitch, yPitch] = [c + gap, before + c + after];
  const x = bytes8(`copy ${rows} ${c} ${before} ${after} ${gap}`, rows * xPitch);
  const taken = Array.from({ length: rows * c }, (_, i) => x[Math.floor(i / c) * xPitch + (i % c)]!);
  const moved = table ? taken.map((q) => table[q & 255]!) : taken;
  const by = table ? { kernel: "copy_lut_s8", w: new Uint8Array(table.buffer) } : { kernel: "copy_s8" };
  return {
    expected: exact([rows, c], moved),
    problem: {
      ...{ ...(by as Pick<Problem, "kernel" | "w">), x, outputs: rows * yPitch, outputBytes: 1, yOffset: before },
      writes: (column) => column >= before && column < before + c,
      fields: { rows, inC: c, xPitch, yPitch },
    },
  };
}

/** The grid of copy_s8; with a table, that of copy_lut_s8. */
export function copyCases8(table?: Int8Array<ArrayBuffer>): Case[] {
  const of = (rows: number, c: number, before: number, after: number, gap = 0): Case => ({
    name: `rows_${rows}_c_${c}_before_${before}_after_${after}_gap_${gap}`,
    make: () => copyTrial(rows, c, before, after, gap, table),
  });
  return [
    ...SIZES8.map(([rows, c]) => of(rows, c, 0, 0)),
    ...CHANNELS8.flatMap((c, i) => [
      of(4, c, CHANNELS8.at(-1 - i)!, 0),
      of(3, c, 0, CHANNELS8.at(-1 - i)!),
      of(5, c, 3, 2, 1 + (i % 4)),
    ]),
    ...[127, 128, 129, 300].map((c) => of(3, c, 5, 1)),
  ];
}

function padTrial(shape: readonly number[], by: Frame, zy: number): Trial {
  const [n = 0, inH = 0, inW = 0, inC = 0] = shape;
  const x = bytes8(`pad ${shape} ${Object.values(by)}`, count(shape));
  const padded = pad(exact(shape, x), by, zy);
  const [, outH = 0, outW = 0, outC = 0] = padded.shape;
  const starts = { padT: by.top, padL: by.left, padC: by.front ?? 0 };
  const fields = { rows: n * outH, n, inH, inW, inC, outH, outW, outC, ...starts, zy };
  return bounded8({ kernel: "pad_s8", x, fields }, padded.shape, [...padded.values]);
}

/** The grid of pad_s8. */
export function padCases8(): Case[] {
  const deep = ([shape, by]: (typeof CHANNEL_PADS)[number]): Case => ({
    name: `${shape.join("x")}_by_${Object.entries(by).flat().join("_")}`,
    make: () => padTrial(shape, { ...NO_FRAME, ...by }, 7),
  });
  const of = (shape: readonly number[], top: number, right: number, bottom: number, left: number, zy = -5): Case => ({
    name: `${shape.join("x")}_by_${top}_${right}_${bottom}_${left}_zero_${zy}`,
    make: () => padTrial(shape, { top, right, bottom, left }, zy),
  });
  return [
    ...CHANNELS8.map((c) => of([1, 3, 4, c], 1, 1, 1, 1)),
    ...ZEROS8.map((zy) => of([2, 4, 3, 3], 0, 1, 1, 0, zy)),
    ...ZEROS8.map((zy) => of([1, 1, 1, 1], 2, 3, 4, 5, zy)),
    of([3, 2, 5, 7], 1, 0, 2, 3),
    of([2, 3, 3, 5], 0, 0, 0, 0),
    of([2, 3, 3, 5], 2, 0, 0, 0),
    of([2, 3, 3, 5], 0, 2, 0, 0),
    of([2, 3, 3, 5], 0, 0, 2, 0),
    of([2, 3, 3, 5], 0, 0, 0, 2),
    of([2, 1, 9, 3], 1, 2, 1, 2),
    of([2, 9, 1, 3], 1, 2, 1, 2),
    of([1, 2, 200, 4], 1, 1, 1, 1),
    ...CHANNEL_PADS.map(deep),
  ];
}
