/**
 * Cases of the 8-bit kernels that go element by element: add, lut, and the casts from floats and to them.
 * @module
 */
import { nearest, sum8 } from "../reference/elementwise_s8.ts";
import { type Factor, mbqm, split } from "../reference/fixed_point.ts";
import { exact } from "../reference/value.ts";
import { type Bounding8, bounded8, bytes8, type Filling, SIZES8, ZEROS8 } from "./bytes.ts";
import { random } from "./random.ts";
import { type Case, SPECIAL, strew, type Trial } from "./trial.ts";

/** All numbers of 8 bits. */
const ALL = Int8Array.from({ length: 256 }, (_, i) => i);

interface AddOptions {
  /** Factors of x, x2 and y. */
  readonly factors?: readonly [Factor, Factor, Factor];
  readonly zeros?: readonly [zx: number, zx2: number, zy: number];
  readonly fillings?: readonly [Filling, Filling];
  readonly bounding?: Bounding8;
  readonly inPlace?: "x" | "x2";
}

/** Factors of three scales, as TFLite has them. */
function scaled(a: number, b: number, y: number): [Factor, Factor, Factor] {
  const twice = 2 * Math.max(a, b);
  return [split(a / twice), split(b / twice), split(twice / (2 ** 20 * y))];
}

function addTrial(rows: number, c: number, options: AddOptions): Trial {
  const { factors = scaled(0.05, 0.031, 0.07), zeros = [3, -7, 11], bounding = "active", inPlace } = options;
  const [zx, zx2, zy] = zeros;
  const [one, two, out] = factors;
  const [filling, filling2] = options.fillings ?? ["random", "random"];
  const x = bytes8(`add ${rows} ${c}`, rows * c, filling);
  const x2 = bytes8(`add ${rows} ${c} x2`, rows * c, filling2);
  const open = Array.from(x, (q, i) => sum8(q - zx, x2[i]! - zx2, one, two, out) + zy);
  const fields = {
    ...{ rows, inC: c, zx, zx2, zy, m1: Number(one.m), e1: -one.s, m2: Number(two.m), e2: -two.s },
    ...{ m3: Number(out.m), e3: -out.s },
  };
  const problem = { kernel: "add_s8", x, x2, fields } as const;
  return bounded8(inPlace ? { ...problem, inPlace } : problem, [rows, c], open, bounding);
}

/** The grid of add_s8. */
export function addCases8(): Case[] {
  const of = (name: string, rows: number, c: number, options: AddOptions = {}): Case => ({
    name: `${name}rows_${rows}_c_${c}`,
    make: () => addTrial(rows, c, options),
  });
  const ends = [2n ** 30n, 2n ** 31n - 1n];
  const shifts = [0, -1, -7, -30, -31];
  const extremes = ends.flatMap((m) =>
    shifts.flatMap((s) => [-31, -20, -19, -1, 0].map((last) => ({ m, s, last, out: ends[last & 1]! }))),
  );
  const scales = [
    [1, 1, 1],
    [1, 2, 1],
    [1, 1000, 500],
    [1e-6, 1, 2],
    [3, 3, 0.01],
    [0.1, 0.1, 30],
  ] as const;
  const zeros = [-128, 0, 127].flatMap((zx) => [-128, 127].map((zx2) => [zx, zx2] as const));
  return [
    ...SIZES8.map(([rows, c]) => of("", rows, c)),
    of("in_place_x_", 5, 7, { inPlace: "x" }),
    of("in_place_x2_", 7, 5, { inPlace: "x2" }),
    of("in_place_x_open_", 9, 33, { inPlace: "x", bounding: "open" }),
    of("in_place_x2_open_", 9, 33, { inPlace: "x2", bounding: "open" }),
    of("clamp_open_", 9, 16, { bounding: "open" }),
    of("clamp_to_one_", 9, 16, { bounding: "one" }),
    ...scales.map((s) => of(`scales_${s.join("_")}_`, 8, 17, { factors: scaled(s[0], s[1], s[2]), bounding: "open" })),
    ...extremes.map(({ m, s, last, out }) => {
      const factors = [
        { m, s },
        { m: ends[s & 1]!, s: -1 },
        { m: out, s: last },
      ] as const;
      return of(`m_${m}_s_${s}_then_${last}_`, 4, 9, { factors, bounding: "open" });
    }),
    of("no_factors_", 3, 9, { factors: [1, 2, 3].map(() => ({ m: 0n, s: 0 })) as [Factor, Factor, Factor] }),
    ...zeros.map(([zx, zx2]) => {
      return of(`zx_${zx}_zx2_${zx2}_`, 5, 13, { zeros: [zx, zx2, -1 - zx], bounding: "open" });
    }),
    ...(["low", "high"] as const).flatMap((a) =>
      (["low", "high"] as const).flatMap((b) =>
        [-128, 127].map((z) => {
          return of(`all_${a}_and_${b}_z_${z}_`, 2, 17, { fillings: [a, b], zeros: [z, z, -1 - z], bounding: "open" });
        }),
      ),
    ),
  ];
}

function lutTrial(rows: number, x: Int8Array, table: Int8Array, inPlace: boolean): Trial {
  const open = Array.from(x, (q) => table[q & 255]!);
  const w = new Uint8Array(table.buffer);
  const problem = { kernel: "lut_s8", x, w, fields: { rows, inC: x.length / rows } } as const;
  return bounded8(inPlace ? { ...problem, inPlace: "x" } : problem, [rows, x.length / rows], open);
}

/** The grid of lut_s8. */
export function lutCases8(): Case[] {
  const of = (name: string, rows: number, x: Int8Array, table: Int8Array, inPlace = false): Case => ({
    name,
    make: () => lutTrial(rows, x, table, inPlace),
  });
  const any = bytes8("table", 256);
  return [
    ...SIZES8.map(([rows, c]) => of(`rows_${rows}_c_${c}`, rows, bytes8(`lut ${rows} ${c}`, rows * c), any)),
    of("in_place", 5, bytes8("lut in place", 5 * 33), any, true),
    of("in_place_all_numbers", 2, ALL, any, true),
    of("all_numbers", 1, ALL, any),
    of("identity", 4, ALL, ALL.slice()),
    of(
      "reversed",
      8,
      ALL,
      ALL.map((q) => -1 - q),
    ),
    ...(["low", "high"] as const).flatMap((filling) => [
      of(`table_all_${filling}`, 2, ALL, bytes8("", 256, filling)),
      of(`all_${filling}`, 2, bytes8("", 34, filling), any),
    ]),
  ];
}

interface CastOptions {
  readonly scale?: number;
  readonly zero?: number;
  readonly bounding?: Bounding8;
}

function quantizeTrial(
  rows: number,
  x: Float32Array,
  { scale = 0.05, zero = 9, bounding = "open" }: CastOptions,
): Trial {
  const a = Math.fround(scale);
  const open = Array.from(x, (real) => (Number.isNaN(real) ? 0 : nearest(real, a)) + zero);
  const fields = { rows, inC: x.length / rows, a, zy: zero };
  return bounded8({ kernel: "quantize_s8", x, fields }, [rows, x.length / rows], open, bounding);
}

/** Numbers around every step and half step of the range, and one float to either side of each. */
function steps(scale: number): Float32Array {
  const halves = Array.from({ length: 4 * 150 + 1 }, (_, i) => (i / 2 - 150) * scale);
  const next = (x: number, by: number) => {
    const bits = new Int32Array(Float32Array.of(x).buffer);
    bits[0]! += by;
    return new Float32Array(bits.buffer)[0]!;
  };
  return Float32Array.from(halves.flatMap((x) => [x, next(x, 1), next(x, -1)]).filter((x) => !Number.isNaN(x)));
}

/** The grid of quantize_s8. */
export function quantizeCases8(): Case[] {
  const of = (name: string, rows: number, x: Float32Array, options: CastOptions = {}): Case => ({
    name,
    make: () => quantizeTrial(rows, x, options),
  });
  const floats = (length: number, size: number) => random(`quantize ${length}`).floats(length, size);
  const far = [1e30, -1e30, 3e38, -3e38, 2 ** 31, -(2 ** 31), 2 ** 31 - 128, 65536.5, -65536.5, 32767.5, -32768.5];
  const special = Float32Array.from([...SPECIAL, ...far, 0.49999997, -0.49999997, 8388609, -8388609]);
  return [
    ...SIZES8.map(([rows, c]) => of(`rows_${rows}_c_${c}`, rows, floats(rows * c, 8), { bounding: "active" })),
    ...[1, 2 ** -7, 2 ** 10, 0.1, 1 / 3].flatMap((scale) =>
      ZEROS8.map((zero) =>
        of(`steps_of_${scale.toFixed(4)}_zero_${zero}`, 1, steps(Math.fround(scale)), { scale, zero }),
      ),
    ),
    ...[1, 1e-30, 1e30, 2 ** -149, 3e38].flatMap((scale) =>
      [-128, 0, 127].map((zero) => of(`special_values_scale_${scale}_zero_${zero}`, 4, special, { scale, zero })),
    ),
    of("special_values_clamped", 9, strew(floats(9 * 17, 8), 3), { bounding: "active" }),
    of("special_values_in_vectors", 4, strew(floats(4 * 64, 8), 3), { scale: 0.1 }),
    of("clamp_to_one", 5, floats(5 * 9, 8), { bounding: "one" }),
  ];
}

function dequantizeTrial(rows: number, x: Int8Array, { scale = 0.05, zero = 9 }: CastOptions): Trial {
  const a = Math.fround(scale);
  const values = Array.from(x, (q) => Math.fround(a * (q - zero)));
  return {
    expected: exact([rows, x.length / rows], values),
    problem: { kernel: "dequantize_s8", x, outputs: x.length, fields: { rows, inC: x.length / rows, a, zx: zero } },
  };
}

/** The grid of dequantize_s8. */
export function dequantizeCases8(): Case[] {
  const of = (name: string, rows: number, x: Int8Array, options: CastOptions = {}): Case => ({
    name,
    make: () => dequantizeTrial(rows, x, options),
  });
  return [
    ...SIZES8.map(([rows, c]) => of(`rows_${rows}_c_${c}`, rows, bytes8(`dequantize ${rows} ${c}`, rows * c))),
    ...[1, 0.1, 1 / 3, 1e-38, 2 ** -149, 3e38].flatMap((scale) =>
      ZEROS8.map((zero) => of(`all_numbers_scale_${scale}_zero_${zero}`, 4, ALL, { scale, zero })),
    ),
  ];
}

function preluTrial(rows: number, c: number, scales: readonly [number, number, number], inPlace = false): Trial {
  const [sx, sa, sy] = scales;
  const [zx, zw, zy] = [3, -5, 11];
  const [same, less] = [split(sx / sy), split((sx * sa) / sy)];
  const x = bytes8(`prelu ${rows} ${c}`, rows * c, "random");
  const w = bytes8(`prelu ${c} alpha`, c, "random");
  const y = Int8Array.from(x, (q, i) => {
    const value = q - zx;
    const scaled = value >= 0 ? mbqm(value, same) : mbqm(value * (w[i % c]! - zw), less);
    return Math.min(127, Math.max(-128, scaled + zy));
  });
  const factors = { m1: Number(same.m), e1: -same.s, m2: Number(less.m), e2: -less.s };
  const fields = { rows, inC: c, zx, zw, zy, ...factors };
  const problem = {
    kernel: "prelu_s8",
    x,
    w: new Uint8Array(w.buffer),
    outputs: rows * c,
    outputBytes: 1,
    fields,
  } as const;
  return { expected: exact([rows, c], y), problem: inPlace ? { ...problem, inPlace: "x" } : problem };
}

/** The grid of prelu_s8. */
export function preluCases8(): Case[] {
  const of = (rows: number, c: number, scales: readonly [number, number, number], inPlace = false): Case => ({
    name: `${inPlace ? "in_place_" : ""}rows_${rows}_c_${c}_${scales.join("_")}`,
    make: () => preluTrial(rows, c, scales, inPlace),
  });
  return [
    ...[1, 3, 16, 17, 40].flatMap((c) => [of(3, c, [0.05, 0.01, 0.05]), of(2, c, [0.1, 0.02, 0.03])]),
    of(7, 9, [1, 1, 1]),
    of(4, 64, [0.5, 0.004, 100]),
    of(5, 13, [3, 2, 0.01]),
    of(6, 11, [0.05, 0.01, 0.05], true),
  ];
}
