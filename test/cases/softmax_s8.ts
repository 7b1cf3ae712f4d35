/**
 * Cases of softmax_s8, in both of its arithmetics.
 * @module
 */
import { split } from "../reference/fixed_point.ts";
import { leastDifference, softmax8 } from "../reference/softmax_s8.ts";
import { bounded8, bytes8, SIZES8 } from "./bytes.ts";
import type { Case, Trial } from "./trial.ts";

interface SoftmaxOptions {
  /** The input's scale times beta. */
  readonly step?: number;
  readonly inPlace?: boolean;
}

function softmaxTrial(rows: number, x: Int8Array, unsigned: boolean, options: SoftmaxOptions): Trial {
  const { step = 0.1, inPlace = false } = options;
  const c = x.length / rows;
  // An unsigned file's numbers are all 128 higher, in and out; only differences count.
  const open = softmax8(x, c, step, unsigned).map((y) => (unsigned ? y - 128 : y));
  const { m, s } = split(Math.min(step * 2 ** 26, 2 ** 31 - 1));
  const fields = unsigned
    ? { rows, inC: c, flags: 1 }
    : { rows, inC: c, m1: Number(m), e1: -s, m2: leastDifference(s) };
  const exps = Float64Array.from({ length: 256 }, (_, d) => Math.exp(-d * step));
  const problem = {
    ...({ kernel: "softmax_s8", x, fields } as const),
    ...(unsigned ? { w: new Uint8Array(exps.buffer) } : { scratch: 4 * 256 }),
    ...(inPlace && { inPlace: "x" as const }),
  };
  return bounded8(problem, [rows, c], open);
}

/** The grid, once for each arithmetic. */
export function softmaxCases8(): Case[] {
  return [false, true].flatMap((unsigned) => {
    const of = (name: string, rows: number, x: Int8Array, options: SoftmaxOptions = {}): Case => ({
      name: unsigned ? `${name}_unsigned` : name,
      make: () => softmaxTrial(rows, x, unsigned, options),
    });
    const any = bytes8("softmax", 5 * 33);
    const steps = [2 ** -26 * (1 + 2 ** -20), 2 ** -20, 1e-4, 0.01, 1 / 32, 0.0999, 0.125, 0.5, 0.7, 1, 1.9, 4, 31];
    const descending = Int8Array.from({ length: 256 }, (_, i) => 127 - i);
    return [
      ...SIZES8.map(([rows, c]) => of(`rows_${rows}_c_${c}`, rows, bytes8(`softmax ${rows} ${c}`, rows * c))),
      of("in_place", 5, any, { inPlace: true }),
      ...[...steps, 32, 33, 1000].map((step) => of(`step_${step}`, 5, any, { step })),
      ...steps.map((step) => of(`all_differences_step_${step}`, 1, descending, { step })),
      ...steps.map((step) => of(`pairs_step_${step}`, 256, pairs(), { step })),
      ...([2, 3, 5, 255, 256, 257, 1000] as const).flatMap((c) => [
        of(`all_equal_c_${c}`, 2, new Int8Array(2 * c).fill(7)),
        of(`all_low_c_${c}`, 1, bytes8("", c, "low")),
        of(`all_high_c_${c}`, 1, bytes8("", c, "high")),
        of(`ends_c_${c}`, 3, bytes8(`ends ${c}`, 3 * c, "ends")),
      ]),
      of("classes_1001_batch_2", 2, bytes8("classes", 2002)),
      // Where the sum of the exponentials passes 31 bits.
      ...[4095, 4096, 4097, 8191].map((c) => of(`classes_${c}_all_equal`, 1, new Int8Array(c))),
      of(
        "one_above_the_rest",
        1,
        Int8Array.from({ length: 99 }, (_, i) => (i === 40 ? 127 : -128)),
        { step: 0.02 },
      ),
    ];
  });
}

/** Each difference that two numbers may have, in a row of its own. */
function pairs(): Int8Array {
  return Int8Array.from({ length: 512 }, (_, i) => (i % 2 === 0 ? 127 : 127 - (i >> 1)));
}
