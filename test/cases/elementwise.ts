/**
 * Cases of the kernels that go element by element, or pixel by pixel: add, clamp, sigmoid, hardswish, softmax,
 * scale_shift, prelu; and of copy and pad.
 * @module
 */
import { clamp, hardSwish, prelu, sigmoid } from "../reference/activation.ts";
import { arithmetic } from "../reference/arithmetic.ts";
import { scaleShift } from "../reference/batchNorm.ts";
import { concat, type Frame, pad } from "../reference/concat.ts";
import { softmax } from "../reference/softmax.ts";
import { count, exact, type Value } from "../reference/value.ts";
import { random } from "./random.ts";
import { type Bounding, boundsFor, type Case, SPECIAL, strew, type Trial } from "./trial.ts";
import { CHANNELS } from "./window.ts";

/** Rows of elements: every remainder of a vector, one row and many. */
const SIZES: readonly (readonly [rows: number, c: number])[] = [
  ...CHANNELS.map((c) => [3, c] as const),
  ...[1, 2, 4, 5, 6, 7, 8, 9].map((rows) => [rows, 1] as const),
  [1, 100],
  [13, 37],
  [64, 8],
];

/** What of the output's place: a tensor of its own, or an input's. */
type InPlace = "x" | "x2" | undefined;

function named(prefix: string, rows: number, c: number, make: () => Trial): Case {
  return { name: `${prefix}rows_${rows}_c_${c}`, make };
}

function addTrial(rows: number, c: number, bounding: Bounding, special: boolean, inPlace: InPlace): Trial {
  const numbers = random(`add ${rows} ${c}`);
  const [x, x2] = [numbers.floats(rows * c), numbers.floats(rows * c)];
  if (special) {
    strew(x, 3);
    strew(x2, 5);
  }
  const open = arithmetic("add", exact([rows, c], x), exact([rows, c], x2));
  const bounds = boundsFor(open, bounding);
  const problem = { kernel: "add_f32", x, x2, outputs: rows * c, fields: { rows, inC: c, ...bounds } } as const;
  return { expected: clamp(open, bounds), problem: inPlace ? { ...problem, inPlace } : problem };
}

/** The grid of add_f32. */
export function addCases(): Case[] {
  return [
    ...SIZES.map(([rows, c]) => named("", rows, c, () => addTrial(rows, c, "active", false, undefined))),
    named("in_place_x_", 5, 7, () => addTrial(5, 7, "active", false, "x")),
    named("in_place_x2_", 7, 5, () => addTrial(7, 5, "active", false, "x2")),
    named("clamp_open_", 5, 8, () => addTrial(5, 8, "open", false, undefined)),
    named("special_values_", 9, 9, () => addTrial(9, 9, "open", true, undefined)),
    named("special_values_clamped_", 9, 11, () => addTrial(9, 11, "active", true, undefined)),
  ];
}

type Unary = "clamp_f32" | "sigmoid_f32" | "hardswish_f32" | "softmax_f32";

/** `data` has rows·c elements; `parameter` is the bounding of a clamp, the beta of a softmax. */
function unaryTrial(
  kernel: Unary,
  rows: number,
  data: Float32Array,
  inPlace: boolean,
  parameter: Bounding | number,
): Trial {
  const c = data.length / rows;
  const x = exact([rows, c], data);
  const bounds = boundsFor(x, typeof parameter === "string" ? parameter : "open");
  const beta = typeof parameter === "number" ? parameter : 1;
  const compute: Record<Unary, () => Value> = {
    clamp_f32: () => clamp(x, bounds),
    sigmoid_f32: () => sigmoid(x),
    hardswish_f32: () => hardSwish(x),
    softmax_f32: () => softmax(x, beta, 0),
  };
  const problem = { kernel, x: data, outputs: rows * c, fields: { rows, inC: c, a: beta, ...bounds } };
  return { expected: compute[kernel](), problem: inPlace ? { ...problem, inPlace: "x" } : problem };
}

/** Numbers where an activation bends, saturates, or leaves the range of its exponential. */
const CORNERS = [
  ...[-200, -104, -103.9, -89, -88.73, -88.72, -88, -87.4, -87.3, -87, -50, -20, -10, -6, -3.0000002, -3, -2.9999998],
  ...[
    -1, -1e-3, -1e-7, -1e-20, -1e-40, -0, 0, 1e-40, 1e-20, 1e-7, 1e-3, 0.34657359, 0.5, 1, 2.9999998, 3, 3.0000002, 6,
  ],
  ...[10, 16, 17, 18, 20, 50, 87, 88, 88.7, 88.73, 89, 104, 200, 1e10, -1e10, 3e38, -3e38],
];

/** The grid of clamp_f32, sigmoid_f32, hardswish_f32. */
export function unaryCases(kernel: Exclude<Unary, "softmax_f32">): Case[] {
  const of = (
    name: string,
    rows: number,
    data: Float32Array,
    inPlace = false,
    parameter: Bounding = "active",
  ): Case => ({
    name,
    make: () => unaryTrial(kernel, rows, data, inPlace, parameter),
  });
  const numbers = random(kernel);
  return [
    ...SIZES.map(([rows, c]) => of(`rows_${rows}_c_${c}`, rows, numbers.floats(rows * c, 8))),
    of("in_place", 5, numbers.floats(5 * 7, 8), true),
    of("corners", 1, Float32Array.from(CORNERS)),
    of("wide_range", 1, numbers.floats(4001, 100)),
    of("special_values", 3, Float32Array.from([...SPECIAL, 1, 2, -3])),
    ...(["open", "relu"] as const).map((b) => of(`clamp_${b}`, 3, strew(numbers.floats(3 * 17, 8), 4), false, b)),
  ];
}

/** The grid of softmax_f32. Special values come one per row: they take the whole row along. */
export function softmaxCases(): Case[] {
  const numbers = random("softmax");
  const of = (name: string, rows: number, data: Float32Array, beta = 1, inPlace = false): Case => ({
    name,
    make: () => unaryTrial("softmax_f32", rows, data, inPlace, beta),
  });
  const specials = SPECIAL.flatMap((v) => [v, 1, -1, 0.5, 2]);
  return [
    ...SIZES.map(([rows, c]) => of(`rows_${rows}_c_${c}`, rows, numbers.floats(rows * c, 8))),
    of("classes_1000", 1, numbers.floats(1000, 20)),
    of("classes_1001_batch_2", 2, numbers.floats(2002, 5)),
    of("in_place", 5, numbers.floats(5 * 7, 8), 1, true),
    of("beta_2", 3, numbers.floats(3 * 10, 8), 2),
    of("beta_0.1", 3, numbers.floats(3 * 10, 8), Math.fround(0.1)),
    of("all_equal", 2, new Float32Array(2 * 9).fill(1e30)),
    of("far_apart", 1, Float32Array.from([0, -50, -80, -87, -104, -1000, -3e38])),
    of("all_far_below_zero", 1, Float32Array.from([-1000, -1001, -1002, -1003, -1100])),
    of("special_values", SPECIAL.length, Float32Array.from(specials)),
    of("minus_infinity_alone", 1, new Float32Array(5).fill(Number.NEGATIVE_INFINITY)),
  ];
}

function scaleShiftTrial(rows: number, c: number, bounding: Bounding, special: boolean, inPlace: boolean): Trial {
  const numbers = random(`scale ${rows} ${c}`);
  const [x, scale, shift] = [numbers.floats(rows * c, 4), numbers.floats(c), numbers.floats(c)];
  if (special) strew(x, 3);
  const open = scaleShift(exact([rows, c], x), scale, shift);
  const bounds = boundsFor(open, bounding);
  const w = Float32Array.of(...scale, ...shift);
  const problem = { kernel: "scale_shift_f32", x, w, outputs: rows * c, fields: { rows, inC: c, ...bounds } } as const;
  return { expected: clamp(open, bounds), problem: inPlace ? { ...problem, inPlace: "x" } : problem };
}

/** The grid of scale_shift_f32. */
export function scaleShiftCases(): Case[] {
  return [
    ...SIZES.map(([rows, c]) => named("", rows, c, () => scaleShiftTrial(rows, c, "active", false, false))),
    named("in_place_", 5, 7, () => scaleShiftTrial(5, 7, "active", false, true)),
    named("clamp_open_", 5, 8, () => scaleShiftTrial(5, 8, "open", false, false)),
    named("special_values_", 9, 9, () => scaleShiftTrial(9, 9, "open", true, false)),
    named("special_values_clamped_", 9, 11, () => scaleShiftTrial(9, 11, "active", true, false)),
  ];
}

/** The bits are the reference's, rounded once. */
function preluTrial(rows: number, c: number, special: boolean, inPlace: boolean): Trial {
  const numbers = random(`prelu ${rows} ${c}`);
  const [x, alpha] = [numbers.floats(rows * c, 4), numbers.floats(c)];
  if (special) {
    // Rows begin at other places of the first list: special values meet special slopes.
    strew(x, 2);
    strew(alpha, 3, [0, -0, 1, -1, 2 ** -149, 1e30, Number.POSITIVE_INFINITY]);
  }
  const expected = prelu(exact([rows, c], x), alpha);
  const problem = { kernel: "prelu_f32", x, w: alpha, outputs: rows * c, fields: { rows, inC: c } } as const;
  const bits = bitsOf(Float32Array.from(expected.values));
  return { expected, bits, problem: inPlace ? { ...problem, inPlace: "x" } : problem };
}

/** The grid of prelu_f32. */
export function preluCases(): Case[] {
  return [
    ...SIZES.map(([rows, c]) => named("", rows, c, () => preluTrial(rows, c, false, false))),
    named("in_place_", 5, 7, () => preluTrial(5, 7, false, true)),
    named("in_place_", 7, 33, () => preluTrial(7, 33, false, true)),
    named("special_values_", 9, 9, () => preluTrial(9, 9, true, false)),
    named("special_values_", 13, 33, () => preluTrial(13, 33, true, false)),
  ];
}

/** Random bits, NaNs with payloads among them: what is only moved must come out as it was. */
function anyBits(name: string, length: number): Float32Array {
  const numbers = random(name);
  const words = Uint32Array.from({ length }, (_, i) => (i % 5 === 0 ? 0xffc12345 + i : numbers.int(0, 2 ** 32 - 1)));
  return new Float32Array(words.buffer);
}

function bitsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

/**
 * One part of a concatenation: `before` and `after` are what the other parts take of each row, `gap` what lies between
 * rows of x.
 */
function copyTrial(rows: number, c: number, before: number, after: number, gap: number): Trial {
  const [xPitch, yPitch] = [c + gap, before + c + after];
  const x = anyBits(`copy ${rows} ${c} ${before} ${after} ${gap}`, rows * xPitch);
  const moved = [...Array(rows * c).keys()].map((i) => Math.floor(i / c) * xPitch + (i % c));
  const bits = Uint32Array.from(moved, (i) => bitsOf(x)[i]!);
  return {
    bits,
    expected: concat(
      [
        exact(
          [rows, c],
          moved.map((i) => x[i]!),
        ),
      ],
      1,
    ),
    problem: {
      kernel: "copy",
      ...{ x, outputs: rows * yPitch, yOffset: before, keepsBits: true },
      writes: (column) => column >= before && column < before + c,
      fields: { rows, inC: c, xPitch, yPitch },
    },
  };
}

/** The grid of copy. */
export function copyCases(): Case[] {
  const of = (rows: number, c: number, before: number, after: number, gap = 0): Case => ({
    name: `rows_${rows}_c_${c}_before_${before}_after_${after}_gap_${gap}`,
    make: () => copyTrial(rows, c, before, after, gap),
  });
  return [
    ...SIZES.map(([rows, c]) => of(rows, c, 0, 0)),
    ...CHANNELS.flatMap((c, i) => [
      of(4, c, CHANNELS.at(-1 - i)!, 0),
      of(3, c, 0, CHANNELS.at(-1 - i)!),
      of(5, c, 3, 2, 1 + (i % 4)),
    ]),
    ...[127, 128, 129, 300].map((c) => of(3, c, 5, 1)),
  ];
}

export const NO_FRAME: Frame = { top: 0, bottom: 0, left: 0, right: 0 };

/** Images and what is around them, channels before or behind their own: of both kernels that pad. */
export const CHANNEL_PADS: readonly (readonly [shape: readonly number[], by: Partial<Frame>])[] = [
  ...[1, 3, 4, 5, 16, 17].flatMap((c) => [
    ...[1, 4, 17].flatMap((k) => [[[1, 3, 4, c], { front: k }] as const, [[2, 3, 3, c], { back: k }] as const]),
    [[1, 2, 5, c], { front: 3, back: 2 }] as const,
    [[2, 3, 4, c], { top: 1, right: 2, bottom: 3, left: 1, front: 2, back: 5 }] as const,
  ]),
  [[3, 2, 2, 3], { top: 1, back: 1 }],
  [[3, 2, 2, 3], { left: 1, back: 1 }],
  [[3, 2, 2, 3], { bottom: 2, front: 1 }],
  [[3, 2, 2, 3], { right: 2, front: 1 }],
  [[1, 1, 1, 1], { top: 1, right: 1, bottom: 1, left: 1, front: 1, back: 1 }],
  [[2, 9, 1, 3], { back: 4 }],
  [[2, 1, 9, 3], { back: 4 }],
  [[1, 2, 3, 200], { front: 130, back: 1 }],
];

function padTrial(shape: readonly number[], by: Frame, value: number): Trial {
  const [n = 0, inH = 0, inW = 0, inC = 0] = shape;
  const x = anyBits(`pad ${shape} ${Object.values(by)}`, count(shape));
  const expected = pad(exact(shape, x), by, value);
  const [, outH = 0, outW = 0, outC = 0] = expected.shape;
  const starts = { padT: by.top, padL: by.left, padC: by.front ?? 0 };
  const where = pad(exact(shape, [...x.keys()]), by, -1).values;
  const word = bitsOf(Float32Array.of(value))[0]!;
  return {
    expected,
    bits: Uint32Array.from(where, (i) => (i < 0 ? word : bitsOf(x)[i]!)),
    problem: {
      kernel: "pad_f32",
      ...{ x, outputs: count(expected.shape), keepsBits: true },
      fields: { rows: n * outH, n, inH, inW, inC, outH, outW, outC, ...starts, a: value },
    },
  };
}

/** The grid of pad_f32. */
export function padCases(): Case[] {
  const deep = ([shape, by]: (typeof CHANNEL_PADS)[number]): Case => ({
    name: `${shape.join("x")}_by_${Object.entries(by).flat().join("_")}`,
    make: () => padTrial(shape, { ...NO_FRAME, ...by }, -2.5),
  });
  const of = (shape: readonly number[], top: number, right: number, bottom: number, left: number, value = 0): Case => ({
    name: `${shape.join("x")}_by_${top}_${right}_${bottom}_${left}_value_${value}`,
    make: () => padTrial(shape, { top, right, bottom, left }, value),
  });
  return [
    ...CHANNELS.map((c) => of([1, 3, 4, c], 1, 1, 1, 1)),
    of([1, 4, 4, 3], 0, 1, 1, 0),
    of([1, 1, 1, 1], 2, 3, 4, 5, -1.5),
    of([3, 2, 5, 7], 1, 0, 2, 3, Number.NEGATIVE_INFINITY),
    of([2, 3, 3, 5], 0, 0, 0, 0),
    of([2, 3, 3, 5], 2, 0, 0, 0, -0),
    of([1, 2, 200, 4], 1, 1, 1, 1, 7),
    ...CHANNEL_PADS.map(deep),
  ];
}
