/**
 * The ABI: what the module exports, and nothing else.
 *
 * Every kernel is `(step, y0, y1)`: it computes the row units [y0, y1) of the step's output, touches only what the record points at (reading up to
 * SLACK bytes past a tensor, never writing past one) and keeps no state. All kernels are exported, which also keeps Binaryen from inlining them into
 * the dispatcher, where one giant function would spill every register.
 */
import { Step, STEP_BYTES, Kernel } from "./step";

export { STEP_BYTES };

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
    case Kernel.CONV_F32:
      break;
  }
}
