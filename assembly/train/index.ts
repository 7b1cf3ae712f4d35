/**
 * The kernels of training, a module of their own: `run` executes a table of records. Functions inside of kernels are
 * exported, which keeps Binaryen from inlining them into one another (see pwconv_f32); `scripts/shrink.mjs` takes those
 * exports out.
 */
import { Kernel, STATE_BYTES, STEP_BYTES, State, Step, TRAIN_ABI_VERSION, VIEW_BYTES, View } from "./abi";
import { curve, curve_gradient, multiply, multiply_gradient } from "./curves";
import {
  dw_apply, dw_apply9_float, dw_apply9_vector, dw_apply_float, dw_apply_vector, dw_weights, dw_weights9_float,
  dw_weights9_vector, dw_weights_float, dw_weights_vector,
} from "./depthwise";
import {
  accumulate, copy, copy_gradient, dropout, dropout_gradient, mean, mean_gradient, sum, view_gradient,
  view_statistics,
} from "./elementwise";
import { cross_entropy } from "./loss";
import { matrix, matrix_gradient } from "./matrix";
import { place, place_gradient, pool, pool_gradient, repeat, repeat_gradient } from "./moves";
import {
  pack, pack_transposed, product, product_rows, product_rows_column, product_rows_panel1, product_rows_panel4,
} from "./product";
import { adam, norm, sgd } from "./update";
import {
  column_squares, column_sums, gradient_take, statistics_take, view_apply, view_average, view_back, view_fixed,
} from "./view";
import {
  conv, conv_gradient, depthwise, depthwise_gradient, gather_windows, put_image, scatter_windows,
} from "./window";

export { VARIANT } from "../simd/f32";
export { TRAIN_ABI_VERSION, STEP_BYTES, VIEW_BYTES, STATE_BYTES };
export {
  matrix_f32, pwconv_f32_column, pwconv_f32_pack, pwconv_f32_pack_bias, pwconv_f32_panel1, pwconv_f32_panel2,
  pwconv_f32_panel4, pwconv_f32_panel4_row,
} from "../kernels/pwconv_f32";
export {
  dw_apply, dw_apply9_float, dw_apply9_vector, dw_apply_float, dw_apply_vector, dw_weights, dw_weights9_float,
  dw_weights9_vector, dw_weights_float, dw_weights_vector,
};
export { accumulate, copy, copy_gradient, dropout, dropout_gradient, mean, mean_gradient, sum, view_gradient };
export { cross_entropy };
export { matrix, matrix_gradient };
export { pack, pack_transposed, product, product_rows, product_rows_column, product_rows_panel1, product_rows_panel4 };
export { curve, curve_gradient, multiply, multiply_gradient };
export { place, place_gradient, pool, pool_gradient, repeat, repeat_gradient };
export { adam, norm, sgd };
export {
  column_squares, column_sums, gradient_take, statistics_take, view_apply, view_average, view_back, view_fixed,
};
export { conv, conv_gradient, depthwise, depthwise_gradient, gather_windows, put_image, scatter_windows };

/** First byte that the module's static data leaves free. */
export function heap_base(): usize {
  return __heap_base;
}

/**
 * Executes records [first, last) of the table for n images. Answers `last`, or the index of the record that came to no
 * finite number: those behind it, which would change the weights, were not executed.
 */
export function run(table: usize, first: i32, last: i32, n: i32, state: usize): i32 {
  for (let i = first; i < last; ++i) {
    if (!run_step(changetype<Step>(table + <usize>(i * STEP_BYTES)), n, changetype<State>(state))) return i;
  }
  return last;
}

function run_step(s: Step, n: i32, state: State): bool {
  switch (s.kernel) {
    case Kernel.MATRIX: matrix(s, n); break;
    case Kernel.MATRIX_GRADIENT: matrix_gradient(s, n); break;
    case Kernel.DEPTHWISE: depthwise(s, n); break;
    case Kernel.DEPTHWISE_GRADIENT: depthwise_gradient(s, n); break;
    case Kernel.CONV: conv(s, n); break;
    case Kernel.CONV_GRADIENT: conv_gradient(s, n); break;
    case Kernel.MEAN: mean(s, n); break;
    case Kernel.MEAN_GRADIENT: mean_gradient(s, n); break;
    case Kernel.CROSS_ENTROPY: return cross_entropy(s, n, state);
    case Kernel.VIEW_FIXED: view_fixed(changetype<View>(s.yv)); break;
    case Kernel.VIEW_STATISTICS: view_statistics(s, n); break;
    case Kernel.VIEW_GRADIENT: view_gradient(s, n); break;
    case Kernel.VIEW_BACKWARD: view_backward(s, n); break;
    case Kernel.VIEW_AVERAGE: view_average(changetype<View>(s.yv)); break;
    case Kernel.NORM: return norm(s, state);
    case Kernel.SGD: sgd(s, state); break;
    case Kernel.ADAM: adam(s, state); break;
    case Kernel.COPY: copy(s, n); break;
    case Kernel.COPY_GRADIENT: copy_gradient(s, n); break;
    case Kernel.ADD: sum(s, n); break;
    case Kernel.DROPOUT: dropout(s, n, state); break;
    case Kernel.DROPOUT_GRADIENT: dropout_gradient(s, n, state); break;
    case Kernel.CURVE: curve(s, n); break;
    case Kernel.CURVE_GRADIENT: curve_gradient(s, n); break;
    case Kernel.MULTIPLY: multiply(s, n); break;
    case Kernel.MULTIPLY_GRADIENT: multiply_gradient(s, n); break;
    case Kernel.PLACE: place(s, n); break;
    case Kernel.PLACE_GRADIENT: place_gradient(s, n); break;
    case Kernel.REPEAT: repeat(s, n); break;
    case Kernel.REPEAT_GRADIENT: repeat_gradient(s, n); break;
    case Kernel.POOL: pool(s, n); break;
    case Kernel.POOL_GRADIENT: pool_gradient(s, n); break;
    default: unreachable();
  }
  return true;
}

function view_backward(s: Step, n: i32): void {
  const v = changetype<View>(s.yv);
  view_back(v, s.gy, s.y, n * v.rows, s.gy, <usize>v.channels * sizeof<f32>());
}
