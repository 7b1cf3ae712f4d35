/**
 * What a kernel touches: how many bytes at each pointer of its record, and what must hold of its fields. From the headers in `assembly/`.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import type { Kernel, StepFields } from "./step.ts";

/** All fields of a record. */
export type Fields = Required<StepFields>;

/** What a step with these fields reads and writes, in bytes from its pointers on; SLACK comes on top of what it reads. */
export interface Footprint {
  readonly x: number;
  readonly x2?: number;
  readonly w?: number;
  readonly w2?: number;
  readonly s?: number;
  /** Bytes that are written. */
  readonly y: number;
  /** Where only a part of each row of the output is written: bytes of that part, and of a row. */
  readonly columns?: number;
  readonly pitch?: number;
  /** The output may be the input, byte for byte. */
  readonly inPlace?: boolean;
  /** What must hold for the kernel to stay in these bounds, in words. */
  readonly needs: readonly (readonly [what: string, holds: boolean])[];
}

type Needs = Footprint["needs"];

const F32 = 4;
const up = (n: number, unit: number) => Math.ceil(n / unit) * unit;
const positive = (f: Fields, ...names: (keyof Fields)[]): Needs =>
  names.map((name) => [`${name} from 1 on`, f[name] >= 1] as const);

/** Bytes that a step of this kernel touches. @throws {@link UnsupportedError} for a kernel that no plan may use */
export function footprint(kernel: Kernel, f: Fields): Footprint {
  const of = FOOTPRINTS[kernel];
  if (of === undefined) throw new UnsupportedError(`kernel ${kernel}: expected one of a plan's, got another`);
  return of(f);
}

const image = (f: Fields) => f.n * f.inH * f.inW * f.inC;
const pixels = (f: Fields) => f.rows * f.outW;

/** A step over the rows of images. */
function imageRows(f: Fields): Needs {
  return [
    ...positive(f, "n", "inH", "inW", "inC", "outH", "outW"),
    ["n·outH rows", f.rows === f.n * f.outH],
    ["fewer than 2³¹ elements", Math.max(image(f), pixels(f) * f.inC) < 2 ** 31],
  ];
}

/** A window over images: no position of a tap leaves 31 bits, however it is computed. */
function windows(f: Fields): Needs {
  const reach = (size: number, out: number, taps: number, stride: number, dilation: number, pad: number) =>
    size + (out + 2) * stride + (taps + 1) * dilation + Math.abs(pad) < 2 ** 31;
  return [
    ...imageRows(f),
    ...positive(f, "kH", "kW", "strideH", "strideW", "dilationH", "dilationW"),
    ["rows of taps within 31 bits", reach(f.inH, f.outH, f.kH, f.strideH, f.dilationH, f.padT)],
    ["columns of taps within 31 bits", reach(f.inW, f.outW, f.kW, f.strideW, f.dilationW, f.padL)],
  ];
}

/** A panel of `unit` pixels or more. */
function tiles(f: Fields, unit: number, k: number): Needs {
  return [
    [`a tile of ${unit} pixels or a multiple`, f.tile >= unit && f.tile % unit === 0],
    ["fewer than 2³¹ elements in a panel", f.tile * k < 2 ** 31],
  ];
}

function depthwise(f: Fields): Needs {
  return [
    ...windows(f),
    ...positive(f, "multiplier"),
    ["fewer than 2³¹ outputs", pixels(f) * f.inC * f.multiplier < 2 ** 31],
  ];
}

/** What the sliding 3×3 kernel covers. */
function slides(f: Fields): Needs {
  return [
    ["windows of 3×3, all next to each other", f.kH === 3 && f.kW === 3 && f.dilationH === 1 && f.dilationW === 1],
    ["one stride of 1 or 2", f.strideH === f.strideW && (f.strideW === 1 || f.strideW === 2)],
    ["one output per channel", f.multiplier === 1],
    ["padL of 0 or 1 and padT from 0 on", (f.padL === 0 || f.padL === 1) && f.padT >= 0],
    ["no tap right of column inW", (f.outW - 1) * f.strideW - f.padL + 2 <= f.inW],
  ];
}

/** Bytes of packed weights of 8 bits: bias, multipliers and shifts of the columns, then the columns. */
const head = (n: number) => 8 * n + up(n, 16);
const matrixS8 = (k: number, n: number) => head(up(n, 4)) + up(k, 2) * up(n, 4);
const depthwiseS8 = (taps: number, n: number) => head(up(n, 8)) + taps * up(n, 8);
/** A panel of 16 bits, the sums of its rows. */
const panelS8 = (tile: number, k: number) => up(2 * tile * up(k, 2), 16) + up(4 * tile, 16);
/** Constants of eight columns and their weights in 16 bits. */
const columnsS8 = (k: number) => 128 + 16 * up(k, 2);
const DEPTHWISE_SCRATCH_S8 = 432;

/** Zero points and bounds of 8 bits. */
function bytes(f: Fields): Needs {
  const inside = [f.zx, f.zx2, f.zw, f.zw2, f.zm, f.zy].every((z) => z >= -128 && z <= 128);
  const ordered =
    -128 <= f.qlo && f.qlo <= f.qhi && f.qhi <= 127 && -128 <= f.qlo2 && f.qlo2 <= f.qhi2 && f.qhi2 <= 127;
  return [
    ["zero points of 8 bits", inside],
    ["bounds of 8 bits in their order", ordered],
  ];
}

const elements = (f: Fields) => f.rows * f.inC;

/** Rows of inC elements, each by itself; `from` and `to`: bytes of an element. */
function elementwise(f: Fields, from: number, to: number): Footprint {
  const needs: Needs = [...positive(f, "rows", "inC"), ["fewer than 2³¹ elements", elements(f) < 2 ** 31]];
  return { x: from * elements(f), y: to * elements(f), inPlace: from === to, needs };
}

function pool(f: Fields, size: number): Footprint {
  const sees = (in_: number, out: number, taps: number, stride: number, pad: number) =>
    pad >= 0 && pad < taps && (out - 1) * stride - pad < in_;
  const needs: Needs = [
    ...windows(f),
    [
      "windows that see the image",
      sees(f.inH, f.outH, f.kH, f.strideH, f.padT) && sees(f.inW, f.outW, f.kW, f.strideW, f.padL),
    ],
    ["sums of a window within 31 bits", f.kH * f.kW * 255 < 2 ** 31],
  ];
  return { x: size * image(f), y: size * pixels(f) * f.inC, needs };
}

function pad(f: Fields, size: number): Footprint {
  const needs: Needs = [
    ...imageRows(f),
    [
      "an image inside the padded one",
      f.padT >= 0 && f.padL >= 0 && f.outH >= f.inH + f.padT && f.outW >= f.inW + f.padL,
    ],
  ];
  return { x: size * image(f), y: size * pixels(f) * f.inC, needs };
}

function globalPool(f: Fields, size: number): Footprint {
  const needs: Needs = [
    ...positive(f, "n", "inH", "inW", "inC"),
    ["a row per image", f.rows === f.n],
    ["fewer than 2³¹ elements", image(f) < 2 ** 31],
    ["sums of a channel within 31 bits", f.inH * f.inW * 256 < 2 ** 31],
  ];
  return { x: size * image(f), y: size * f.rows * f.inC, needs };
}

function copied(f: Fields, size: number): Footprint {
  const needs: Needs = [
    ...positive(f, "rows", "inC"),
    ["rows of x without gaps, and no longer than those of y", f.xPitch === f.inC && f.yPitch >= f.inC],
    ["fewer than 2³¹ elements", f.rows * f.yPitch < 2 ** 31],
  ];
  return { x: size * elements(f), y: size * elements(f), columns: size * f.inC, pitch: size * f.yPitch, needs };
}

function resized(f: Fields, size: number): Footprint {
  const needs: Needs = [
    ...imageRows(f),
    ["positions within 31 bits", 1024 * (Math.max(f.inH, f.inW) + 1) * 2 < 2 ** 31],
    ["steps that stay on the axis", f.a >= 0 && f.b >= 0 && f.m1 >= 0 && f.m2 >= 0],
  ];
  return { x: size * image(f), y: size * pixels(f) * f.inC, needs };
}

const FOOTPRINTS: { readonly [K in Kernel]?: (f: Fields) => Footprint } = {
  conv_f32(f) {
    const k = f.kH * f.kW * f.inC;
    const needs: Needs = [
      ...windows(f),
      ...positive(f, "outC"),
      ...tiles(f, 1, k),
      ["fewer than 2³¹ outputs", pixels(f) * f.outC < 2 ** 31],
    ];
    return { x: F32 * image(f), w: F32 * (k + 1) * f.outC, s: F32 * f.tile * k, y: F32 * pixels(f) * f.outC, needs };
  },
  pwconv_f32(f) {
    const needs: Needs = [
      ...positive(f, "rows", "inC", "outC"),
      ["fewer than 2³¹ elements", f.rows * Math.max(f.inC, f.outC) < 2 ** 31],
    ];
    return { x: F32 * elements(f), w: F32 * (f.inC + 1) * f.outC, y: F32 * f.rows * f.outC, needs };
  },
  dwconv3x3_f32: (f) => ({
    ...{ x: F32 * image(f), w: F32 * 10 * f.inC, y: F32 * pixels(f) * f.inC },
    needs: [...depthwise(f), ...slides(f)],
  }),
  dwconv_f32: (f) => ({
    ...{
      x: F32 * image(f),
      w: F32 * (f.kH * f.kW + 1) * f.inC * f.multiplier,
      y: F32 * pixels(f) * f.inC * f.multiplier,
    },
    needs: depthwise(f),
  }),
  separable_f32(f) {
    const needs: Needs = [
      ...depthwise(f),
      ...positive(f, "outC"),
      ...tiles(f, f.outW, f.midC),
      ["midC = inC·multiplier", f.midC === f.inC * f.multiplier],
      ["fewer than 2³¹ outputs", pixels(f) * f.outC < 2 ** 31],
    ];
    return {
      ...{ x: F32 * image(f), w: F32 * (f.kH * f.kW + 1) * f.midC, w2: F32 * (f.midC + 1) * f.outC },
      ...{ s: F32 * f.tile * f.midC, y: F32 * pixels(f) * f.outC, needs },
    };
  },
  maxpool_f32: (f) => pool(f, F32),
  avgpool_f32: (f) => pool(f, F32),
  gap_f32: (f) => globalPool(f, F32),
  add_f32: (f) => ({ ...elementwise(f, F32, F32), x2: F32 * elements(f) }),
  copy: (f) => copied(f, F32),
  pad_f32: (f) => pad(f, F32),
  scale_shift_f32: (f) => ({ ...elementwise(f, F32, F32), w: F32 * 2 * f.inC }),
  clamp_f32: (f) => elementwise(f, F32, F32),
  sigmoid_f32: (f) => elementwise(f, F32, F32),
  hardswish_f32: (f) => elementwise(f, F32, F32),
  softmax_f32: (f) => elementwise(f, F32, F32),
  moments_f32: (f) => ({
    ...{ x: F32 * f.inH * f.inC, y: F32 * 2 * f.inC },
    needs: [
      ...positive(f, "inH", "inC"),
      ["one row", f.rows === 1],
      ["fewer than 2³¹ elements", f.inH * f.inC < 2 ** 31],
    ],
  }),
  normalise_f32: (f) => ({ ...elementwise(f, F32, F32), x2: F32 * 2 * f.inC, w: F32 * 2 * f.inC }),
  moving_average_f32: (f) => ({
    ...{ x: F32 * 2 * f.inC, w: F32 * 2 * f.inC, y: F32 * 2 * f.inC },
    needs: [...positive(f, "inC"), ["one row", f.rows === 1]],
  }),
  resize_f32: (f) => resized(f, F32),

  conv_s8(f) {
    const k = f.kH * f.kW * f.inC;
    const needs: Needs = [
      ...windows(f),
      ...bytes(f),
      ...positive(f, "outC"),
      ...tiles(f, 1, k),
      ["fewer than 2³¹ outputs", pixels(f) * f.outC < 2 ** 31],
    ];
    return { x: image(f), w: matrixS8(k, f.outC), s: panelS8(f.tile, k) + columnsS8(k), y: pixels(f) * f.outC, needs };
  },
  pwconv_s8(f) {
    const needs: Needs = [
      ...positive(f, "rows", "inC", "outC"),
      ...bytes(f),
      ...tiles(f, 1, f.inC),
      ["fewer than 2³¹ elements", f.rows * Math.max(f.inC, f.outC) < 2 ** 31],
    ];
    const s = panelS8(f.tile, f.inC) + columnsS8(f.inC);
    return { x: elements(f), w: matrixS8(f.inC, f.outC), s, y: f.rows * f.outC, needs };
  },
  dwconv_s8: (f) => ({
    ...{ x: image(f), w: depthwiseS8(f.kH * f.kW, f.inC * f.multiplier), s: DEPTHWISE_SCRATCH_S8 },
    ...{ y: pixels(f) * f.inC * f.multiplier, needs: [...depthwise(f), ...bytes(f)] },
  }),
  separable_s8(f) {
    const needs: Needs = [
      ...depthwise(f),
      ...bytes(f),
      ...positive(f, "outC"),
      ...tiles(f, f.outW, f.midC),
      ["midC = inC·multiplier", f.midC === f.inC * f.multiplier],
      ["fewer than 2³¹ outputs", pixels(f) * f.outC < 2 ** 31],
    ];
    const s = panelS8(f.tile, f.midC) + Math.max(DEPTHWISE_SCRATCH_S8, columnsS8(f.midC));
    const w = depthwiseS8(f.kH * f.kW, f.midC);
    return { x: image(f), w, w2: matrixS8(f.midC, f.outC), s, y: pixels(f) * f.outC, needs };
  },
  avgpool_s8: (f) => pool(f, 1),
  maxpool_s8: (f) => pool(f, 1),
  gap_s8: (f) => globalPool(f, 1),
  add_s8: (f) => ({ ...elementwise(f, 1, 1), x2: elements(f) }),
  lut_s8: (f) => ({ ...elementwise(f, 1, 1), w: 256 }),
  pad_s8: (f) => pad(f, 1),
  softmax_s8: (f) => ({ ...elementwise(f, 1, 1), ...(f.flags & 1 && { w: 8 * 256 }) }),
  quantise_s8: (f) => elementwise(f, F32, 1),
  dequantise_s8: (f) => elementwise(f, 1, F32),
  resize_s8: (f) => resized(f, 1),
  copy_s8: (f) => copied(f, 1),
};
