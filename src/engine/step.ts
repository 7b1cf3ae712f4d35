/**
 * The step record as the host writes it: a mirror of `assembly/step.ts`, field for field (a test compares the two).
 * @module
 */

/** Bytes from one record to the next. */
export const STEP_BYTES = 256;

/** Fields that hold integers and byte addresses; each takes 4 bytes, in this order, from the record's start. */
// biome-ignore format: one line a group, as in the record's own table
export const STEP_INTS = [
  "kernel", "rows",
  "x", "x2", "w", "w2", "y", "s",
  "n", "inH", "inW", "inC", "outH", "outW", "outC",
  "kH", "kW", "strideH", "strideW", "dilationH", "dilationW", "padT", "padL",
  "multiplier", "midC", "tile", "xPitch", "yPitch",
] as const;

/** Fields that hold floats; they follow the integers. */
export const STEP_FLOATS = ["lo", "hi", "lo2", "hi2", "a", "b"] as const;

/** Integer fields of the 8-bit kernels; they follow the floats. */
// biome-ignore format: one line a group, as in the record's own table
export const STEP_QUANT = [
  "zx", "zx2", "zw", "zw2", "zm", "zy",
  "qlo", "qhi", "qlo2", "qhi2",
  "m1", "e1", "m2", "e2", "m3", "e3",
  "flags",
] as const;

/** Numbers of the kernels, as in `assembly/step.ts`. */
export const KERNELS = {
  conv_f32: 1,
  pwconv_f32: 2,
  dwconv3x3_f32: 3,
  dwconv_f32: 4,
  separable_f32: 5,
  maxpool_f32: 6,
  avgpool_f32: 7,
  gap_f32: 8,
  add_f32: 9,
  copy: 10,
  pad_f32: 11,
  scale_shift_f32: 12,
  clamp_f32: 13,
  sigmoid_f32: 14,
  hardswish_f32: 15,
  softmax_f32: 16,
  moments_f32: 17,
  normalise_f32: 18,
  moving_average_f32: 19,
  image_f32: 20,
  conv_s8: 21,
  pwconv_s8: 22,
  dwconv_s8: 23,
  separable_s8: 24,
  avgpool_s8: 25,
  maxpool_s8: 26,
  gap_s8: 27,
  add_s8: 28,
  lut_s8: 29,
  pad_s8: 30,
  softmax_s8: 31,
  quantise_s8: 32,
  dequantise_s8: 33,
  resize_s8: 34,
  copy_s8: 35,
  resize_f32: 36,
} as const;

/** The name of a kernel, which is also the name of its export and its source file. */
export type Kernel = keyof typeof KERNELS;

/** The values of a record's fields; those left out are 0. */
export type StepFields = Partial<
  Record<(typeof STEP_INTS)[number] | (typeof STEP_FLOATS)[number] | (typeof STEP_QUANT)[number], number>
>;

const QUANT_AT = STEP_INTS.length + STEP_FLOATS.length;
const INT_OFFSETS = new Map<string, number>([
  ...STEP_INTS.map((name, i) => [name, 4 * i] as const),
  ...STEP_QUANT.map((name, i) => [name, 4 * (QUANT_AT + i)] as const),
]);
const FLOAT_OFFSETS = new Map<string, number>(STEP_FLOATS.map((name, i) => [name, 4 * (STEP_INTS.length + i)]));

/** Byte offset of a field from the start of its record. */
export function fieldOffset(name: keyof StepFields): number {
  return (INT_OFFSETS.get(name) ?? FLOAT_OFFSETS.get(name)) as number;
}

/** Writes a record at byte `address`; every byte of it is set. */
export function writeStep(view: DataView, address: number, fields: StepFields): void {
  for (let i = 0; i < STEP_BYTES; i += 4) view.setInt32(address + i, 0, true);
  for (const [name, value] of Object.entries(fields)) {
    const int = INT_OFFSETS.get(name);
    if (int !== undefined) view.setInt32(address + int, value, true);
    else view.setFloat32(address + (FLOAT_OFFSETS.get(name) as number), value, true);
  }
}

/** Reads a record at byte `address`: all fields. */
export function readStep(view: DataView, address: number): Required<StepFields> {
  const ints = [...INT_OFFSETS].map(([name, at]) => {
    const value = view.getInt32(address + at, true);
    // Addresses have all 32 bits to themselves.
    return [name, POINTERS.has(name) ? value >>> 0 : value] as const;
  });
  const floats = [...FLOAT_OFFSETS].map(([name, at]) => [name, view.getFloat32(address + at, true)] as const);
  return Object.fromEntries([...ints, ...floats]) as Required<StepFields>;
}

/** Fields that are byte addresses. */
export const POINTERS: ReadonlySet<string> = new Set(["x", "x2", "w", "w2", "y", "s"]);
