/**
 * Operands that are broadcast against each other, and the record's axes for them: written out by hand, not by the
 * planner's code.
 * @module
 */

/** Five axes of the result, those along which x has one element for all, and those along which the other has. */
export interface Broadcast {
  readonly name: string;
  /** [n, outH, outW, outC, inC] */
  readonly axes: readonly [number, number, number, number, number];
  readonly spread?: number;
  readonly spread2?: number;
}

/** The shape of an operand. */
export function operandShape({ axes }: Broadcast, spread = 0): readonly number[] {
  return axes.map((size, i) => (spread & (16 >> i) ? 1 : size));
}

/** The fields of the record. */
export function axisFields({ axes, spread = 0, spread2 = 0 }: Broadcast) {
  const [n, outH, outW, outC, inC] = axes;
  return { rows: n * outH * outW * outC, n, outH, outW, outC, inC, spread, spread2 };
}

/** Rows of one shape. */
export function rowsOf(rows: number, c: number): Broadcast {
  return { name: `rows_${rows}_c_${c}`, axes: [1, 1, 1, rows, c] };
}

/** One for each channel count: what networks do, each way round. */
export function perChannel(c: number): Broadcast[] {
  return [
    { name: `gate_c_${c}`, axes: [1, 1, 2, 5, c], spread2: 0b00010 },
    { name: `gated_c_${c}`, axes: [1, 1, 2, 5, c], spread: 0b00010 },
    { name: `channels_c_${c}`, axes: [1, 1, 1, 7, c], spread2: 0b00010 },
    { name: `pixels_c_${c}`, axes: [1, 1, 1, 6, c], spread2: 0b00001 },
    { name: `of_pixels_c_${c}`, axes: [1, 1, 1, 6, c], spread: 0b00001 },
    { name: `number_c_${c}`, axes: [1, 1, 1, 5, c], spread2: 0b00011 },
    { name: `of_number_c_${c}`, axes: [1, 1, 1, 5, c], spread: 0b00011 },
    { name: `outer_c_${c}`, axes: [1, 1, 1, 4, c], spread: 0b00010, spread2: 0b00001 },
    { name: `outer_turned_c_${c}`, axes: [1, 1, 1, 4, c], spread: 0b00001, spread2: 0b00010 },
  ];
}

/** Every axis of five, with one operand, the other, or either of them the same along it. */
export function fiveAxes(axes: Broadcast["axes"]): Broadcast[] {
  const all: Broadcast[] = [];
  for (let code = 0; code < 3 ** 5; code++) {
    const kinds = [0, 1, 2, 3, 4].map((bit) => Math.floor(code / 3 ** bit) % 3);
    const bits = (kind: number) => kinds.reduce((sum, one, bit) => sum + (one === kind ? 1 << bit : 0), 0);
    all.push({ name: `axes_${axes.join("_")}_${kinds.join("")}`, axes, spread: bits(1), spread2: bits(2) });
  }
  return all;
}
