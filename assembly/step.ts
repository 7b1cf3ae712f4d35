/**
 * One step of a plan: a fixed-size record in linear memory. All fields are 4 bytes; pointers are byte addresses.
 *
 *     ┌ kernel rows │ x x2 w w2 y s │ n inH inW inC outH outW outC │ kH kW strideH strideW dilationH dilationW padT padL │
 *     │ multiplier midC tile xPitch yPitch │ lo hi lo2 hi2 │ a b │ zx zx2 zw zw2 zm zy │ qlo qhi qlo2 qhi2 │ m1 e1 m2 e2 m3 e3 │ flags │ reserved … ┘
 *     = STEP_BYTES
 *
 * What a field means where a kernel has its own reading of it is said in that kernel's header. `src/engine/step.ts` mirrors this table; a test
 * compares the two.
 */
@unmanaged
export class Step {
  /** Which kernel: a number from {@link Kernel}. */
  kernel: i32;
  /** How many row units the step has; a kernel computes the units [y0, y1) of them. */
  rows: i32;

  /** First input. */
  x: usize;
  /** Second input. */
  x2: usize;
  /** Packed weights (of the depthwise half in a separable step). */
  w: usize;
  /** Packed weights of the pointwise half. */
  w2: usize;
  /** Output. */
  y: usize;
  /** Scratch. */
  s: usize;

  n: i32;
  inH: i32;
  inW: i32;
  inC: i32;
  outH: i32;
  outW: i32;
  outC: i32;

  kH: i32;
  kW: i32;
  strideH: i32;
  strideW: i32;
  dilationH: i32;
  dilationW: i32;
  /** Rows above the image that count as zero. */
  padT: i32;
  /** Columns left of the image that count as zero. */
  padL: i32;

  /** Depthwise outputs per input channel. */
  multiplier: i32;
  /** Channels between the depthwise and the pointwise half. */
  midC: i32;
  /** Rows of the scratch panel that the matrix kernel works on at a time. */
  tile: i32;
  /** Elements from one row unit of x to the next, where it isn't given by the shape. */
  xPitch: i32;
  /** Elements from one row unit of y to the next, where it isn't given by the shape. */
  yPitch: i32;

  /** Bounds of y. */
  lo: f32;
  hi: f32;
  /** Bounds of the value between the two halves of a separable step. */
  lo2: f32;
  hi2: f32;

  /** Parameters of single kernels: softmax beta, epsilon, momentum, pad value. */
  a: f32;
  b: f32;

  /** Zero points of the 8-bit kernels: of x, x2, the weights at w and w2, the value between the halves of a separable step, y. */
  zx: i32;
  zx2: i32;
  zw: i32;
  zw2: i32;
  zm: i32;
  zy: i32;

  /** Bounds of y, in its own 8 bits. */
  qlo: i32;
  qhi: i32;
  /** Bounds of the value between the two halves of a separable step. */
  qlo2: i32;
  qhi2: i32;

  /** Multipliers (0 or 2³⁰ … 2³¹−1) and right shifts of kernels that have one for the whole tensor: of x, x2, y. */
  m1: i32;
  e1: i32;
  m2: i32;
  e2: i32;
  m3: i32;
  e3: i32;

  /** Single bits; each kernel says which it reads. */
  flags: i32;
}

/** Bytes from one step record to the next; the rest of it is 0. */
export const STEP_BYTES: i32 = 256;

/** An entry of a schedule: units [u0, u1) of the step whose record is at `step`. */
@unmanaged
export class Entry {
  step: usize;
  u0: i32;
  u1: i32;
  /** Bytes that will be added to the step's x and y, where rows slide through a buffer; 0. */
  dx: i32;
  dy: i32;
  /** What is done: 0, the step's units are computed. Others are for moving rows and for lanes that wait for each other. */
  kind: i32;
}

/** Bytes from one entry to the next; the rest of it is 0. */
export const ENTRY_BYTES: i32 = 32;

/** Numbers of the kernels. They are part of the ABI: never reused, only added to. */
export namespace Kernel {
  export const CONV_F32: i32 = 1;
  export const PWCONV_F32: i32 = 2;
  export const DWCONV3X3_F32: i32 = 3;
  export const DWCONV_F32: i32 = 4;
  export const SEPARABLE_F32: i32 = 5;
  export const MAXPOOL_F32: i32 = 6;
  export const AVGPOOL_F32: i32 = 7;
  export const GAP_F32: i32 = 8;
  export const ADD_F32: i32 = 9;
  export const COPY: i32 = 10;
  export const PAD_F32: i32 = 11;
  export const SCALE_SHIFT_F32: i32 = 12;
  export const CLAMP_F32: i32 = 13;
  export const SIGMOID_F32: i32 = 14;
  export const HARDSWISH_F32: i32 = 15;
  export const SOFTMAX_F32: i32 = 16;
  export const MOMENTS_F32: i32 = 17;
  export const NORMALISE_F32: i32 = 18;
  export const MOVING_AVERAGE_F32: i32 = 19;
  export const IMAGE_F32: i32 = 20;
  export const CONV_S8: i32 = 21;
  export const PWCONV_S8: i32 = 22;
  export const DWCONV_S8: i32 = 23;
  export const SEPARABLE_S8: i32 = 24;
  export const AVGPOOL_S8: i32 = 25;
  export const MAXPOOL_S8: i32 = 26;
  export const GAP_S8: i32 = 27;
  export const ADD_S8: i32 = 28;
  export const LUT_S8: i32 = 29;
  export const PAD_S8: i32 = 30;
  export const SOFTMAX_S8: i32 = 31;
  export const QUANTISE_S8: i32 = 32;
  export const DEQUANTISE_S8: i32 = 33;
  export const RESIZE_S8: i32 = 34;
  export const COPY_S8: i32 = 35;
  export const RESIZE_F32: i32 = 36;
}
