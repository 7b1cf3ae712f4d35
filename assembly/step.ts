/**
 * One step of a plan: a fixed-size record in linear memory. All fields are 4 bytes; pointers are byte addresses.
 *
 *     ┌ kernel rows │ x x2 w w2 y s │ n inH inW inC outH outW outC │ kH kW strideH strideW dilationH dilationW padT padL │
 *     │ multiplier midC tile xPitch yPitch │ lo hi lo2 hi2 │ a b │ reserved … ┘  = STEP_BYTES
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
}

/** Bytes from one step record to the next; the rest of it is kept for the 8-bit kernels' parameters. */
export const STEP_BYTES: i32 = 256;

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
}
