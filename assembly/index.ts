/**
 * The ABI: what the module exports, and nothing else.
 *
 * Every kernel is `(step, y0, y1)`: it computes the row units [y0, y1) of the step's output, touches only what the record points at (reading up to
 * SLACK bytes past a tensor, never writing past one) and keeps no state. All kernels are exported, which also keeps Binaryen from inlining them into
 * the dispatcher, where one giant function would spill every register.
 */
import { conv_f32, conv_f32_windows, conv_f32_windows_row } from "./conv_f32";
import { copy } from "./copy";
import { dwconv3x3_f32, dwconv3x3_f32_row, dwconv3x3_f32_row_s1, dwconv3x3_f32_row_s2 } from "./dwconv3x3_f32";
import { dwconv_f32, dwconv_f32_pixel, dwconv_f32_pixels3, dwconv_f32_row } from "./dwconv_f32";
import { add_f32, clamp_f32, hardswish_f32, sigmoid_f32 } from "./elementwise_f32";
import { gap_f32 } from "./gap_f32";
import { image_f32 } from "./image_f32";
import { moments_f32 } from "./moments_f32";
import { moving_average_f32 } from "./moving_average_f32";
import { normalise_f32 } from "./normalise_f32";
import { pad_f32 } from "./pad_f32";
import { avgpool_f32, maxpool_f32 } from "./pool_f32";
import {
  matrix_f32, pwconv_f32, pwconv_f32_column, pwconv_f32_pack, pwconv_f32_pack_bias, pwconv_f32_panel1, pwconv_f32_panel2, pwconv_f32_panel4,
  pwconv_f32_panel4_row,
} from "./pwconv_f32";
import { resize_f32 } from "./resize_f32";
import { resize_s8 } from "./resize_s8";
import { scale_shift_f32 } from "./scale_shift_f32";
import { separable_f32 } from "./separable_f32";
import { softmax_f32 } from "./softmax_f32";
import { conv_s8, conv_s8_windows } from "./conv_s8";
import { dwconv_s8, dwconv_s8_columns1, dwconv_s8_columns2, dwconv_s8_exact, dwconv_s8_rows } from "./dwconv_s8";
import { matrix_s8, pwconv_s8, pwconv_s8_exact, pwconv_s8_pack, pwconv_s8_panel4, pwconv_s8_panel8 } from "./pwconv_s8";
import { add_s8, dequantise_s8, lut_s8, quantise_s8 } from "./elementwise_s8";
import { copy_s8, pad_s8 } from "./move_s8";
import { avgpool_s8, gap_s8, maxpool_s8 } from "./pool_s8";
import { separable_s8 } from "./separable_s8";
import { exp_s8, softmax_s8 } from "./softmax_s8";
import { ENTRY_BYTES, Entry, Kernel, STEP_BYTES, Step } from "./step";

export { STEP_BYTES };
export { conv_f32, conv_f32_windows, conv_f32_windows_row };
export { dwconv3x3_f32, dwconv3x3_f32_row, dwconv3x3_f32_row_s1, dwconv3x3_f32_row_s2 };
export { dwconv_f32, dwconv_f32_pixel, dwconv_f32_pixels3, dwconv_f32_row };
export { matrix_f32, pwconv_f32, pwconv_f32_column, pwconv_f32_pack, pwconv_f32_pack_bias };
export { pwconv_f32_panel1, pwconv_f32_panel2, pwconv_f32_panel4, pwconv_f32_panel4_row };
export { separable_f32 };
export { avgpool_f32, gap_f32, maxpool_f32 };
export { add_f32, clamp_f32, copy, hardswish_f32, pad_f32, scale_shift_f32, sigmoid_f32, softmax_f32 };
export { moments_f32, moving_average_f32, normalise_f32 };
export { image_f32, resize_f32, resize_s8 };
export { conv_s8, conv_s8_windows, separable_s8 };
export { dwconv_s8, dwconv_s8_exact, dwconv_s8_rows };
export { dwconv_s8_columns1, dwconv_s8_columns2 };
export { matrix_s8, pwconv_s8, pwconv_s8_exact, pwconv_s8_pack, pwconv_s8_panel4, pwconv_s8_panel8 };

export { avgpool_s8, gap_s8, maxpool_s8 };
export { add_s8, copy_s8, dequantise_s8, exp_s8, lut_s8, pad_s8, quantise_s8, softmax_s8 };

/** Raised when a record's layout or a kernel's contract changes. */
export const ABI_VERSION: i32 = 1;
/** 0 scalar, 1 simd, 2 relaxed. */
export const VARIANT: i32 = ASC_FEATURE_RELAXED_SIMD ? 2 : ASC_FEATURE_SIMD ? 1 : 0;
/** Alignment of every tensor, in bytes. */
export const ALIGN: i32 = 16;
/** Bytes past the end of a tensor that kernels may read (and ignore). */
export const SLACK: i32 = 16;

/** First byte that the module's static data leaves free. */
export function heap_base(): usize {
  return __heap_base;
}

/** Executes entries [first, last) of the schedule at `entries`. */
export function run_schedule(entries: usize, first: i32, last: i32): void {
  for (let i = first; i < last; ++i) {
    const entry = changetype<Entry>(entries + <usize>i * ENTRY_BYTES);
    dispatch(changetype<Step>(entry.step).kernel, entry.step, entry.u0, entry.u1);
  }
}

/** Executes steps [first, last) of the table at `steps`. */
export function run(steps: usize, first: i32, last: i32): void {
  for (let i = first; i < last; ++i) {
    const step = changetype<Step>(steps + <usize>i * STEP_BYTES);
    dispatch(step.kernel, changetype<usize>(step), 0, step.rows);
  }
}

/** Executes row units [y0, y1) of one step. */
export function run_rows(step: usize, y0: i32, y1: i32): void {
  dispatch(changetype<Step>(step).kernel, step, y0, y1);
}

// @ts-ignore: decorator
@inline
function dispatch(kernel: i32, step: usize, y0: i32, y1: i32): void {
  switch (kernel) {
    case Kernel.CONV_F32: return conv_f32(step, y0, y1);
    case Kernel.PWCONV_F32: return pwconv_f32(step, y0, y1);
    case Kernel.DWCONV3X3_F32: return dwconv3x3_f32(step, y0, y1);
    case Kernel.DWCONV_F32: return dwconv_f32(step, y0, y1);
    case Kernel.SEPARABLE_F32: return separable_f32(step, y0, y1);
    case Kernel.MAXPOOL_F32: return maxpool_f32(step, y0, y1);
    case Kernel.AVGPOOL_F32: return avgpool_f32(step, y0, y1);
    case Kernel.GAP_F32: return gap_f32(step, y0, y1);
    case Kernel.ADD_F32: return add_f32(step, y0, y1);
    case Kernel.COPY: return copy(step, y0, y1);
    case Kernel.PAD_F32: return pad_f32(step, y0, y1);
    case Kernel.SCALE_SHIFT_F32: return scale_shift_f32(step, y0, y1);
    case Kernel.CLAMP_F32: return clamp_f32(step, y0, y1);
    case Kernel.SIGMOID_F32: return sigmoid_f32(step, y0, y1);
    case Kernel.HARDSWISH_F32: return hardswish_f32(step, y0, y1);
    case Kernel.SOFTMAX_F32: return softmax_f32(step, y0, y1);
    case Kernel.MOMENTS_F32: return moments_f32(step, y0, y1);
    case Kernel.NORMALISE_F32: return normalise_f32(step, y0, y1);
    case Kernel.MOVING_AVERAGE_F32: return moving_average_f32(step, y0, y1);
    case Kernel.IMAGE_F32: return image_f32(step, y0, y1);
    case Kernel.CONV_S8: return conv_s8(step, y0, y1);
    case Kernel.PWCONV_S8: return pwconv_s8(step, y0, y1);
    case Kernel.DWCONV_S8: return dwconv_s8(step, y0, y1);
    case Kernel.SEPARABLE_S8: return separable_s8(step, y0, y1);
    case Kernel.AVGPOOL_S8: return avgpool_s8(step, y0, y1);
    case Kernel.MAXPOOL_S8: return maxpool_s8(step, y0, y1);
    case Kernel.GAP_S8: return gap_s8(step, y0, y1);
    case Kernel.ADD_S8: return add_s8(step, y0, y1);
    case Kernel.LUT_S8: return lut_s8(step, y0, y1);
    case Kernel.PAD_S8: return pad_s8(step, y0, y1);
    case Kernel.SOFTMAX_S8: return softmax_s8(step, y0, y1);
    case Kernel.QUANTISE_S8: return quantise_s8(step, y0, y1);
    case Kernel.DEQUANTISE_S8: return dequantise_s8(step, y0, y1);
    case Kernel.RESIZE_S8: return resize_s8(step, y0, y1);
    case Kernel.COPY_S8: return copy_s8(step, y0, y1);
    case Kernel.RESIZE_F32: return resize_f32(step, y0, y1);
  }
}
