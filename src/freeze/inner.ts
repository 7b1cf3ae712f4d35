/**
 * Functions inside of kernels that not every step of the kernel calls: what a frozen network does without. The
 * conditions are those of the kernels themselves (`assembly/kernels/dwconv_s8.ts`).
 * @module
 */
import { type Fields, FLAGS, type Kernel } from "../engine/abi.ts";
import type { Variant } from "../engine/variant.ts";

/** By kernel, then by function: whether a step of these fields may call it. */
function calledOf(variant: Variant): Partial<Record<Kernel, Called>> {
  const halves = depthwise(variant);
  return { dwconv_s8: halves, separable_s8: halves };
}

type Called = Readonly<Record<string, (step: Fields) => boolean>>;

function depthwise(variant: Variant): Called {
  const vectors = (s: Fields) =>
    variant !== "scalar" && s.inC >= 8 && s.multiplier === 1 && (s.flags & FLAGS.FAST_DEPTHWISE) !== 0;
  const small = (s: Fields) =>
    vectors(s) && s.kH === 3 && s.kW === 3 && s.dilationH === 1 && s.dilationW === 1 && s.strideW <= 2 && s.padL <= 1;
  return {
    dwconv_s8_columns1: (s) => small(s) && s.strideW === 1,
    dwconv_s8_columns2: (s) => small(s) && s.strideW === 2,
    dwconv_s8_exact: (s) => !vectors(s),
    dwconv_s8_fours1: (s) => small(s) && s.strideW === 1,
    dwconv_s8_fours2: (s) => small(s) && s.strideW === 2,
    dwconv_s8_taps: (s) => vectors(s) && !small(s),
  };
}

/** Names of functions that no step calls in a build of this variant. */
export function uncalled(
  steps: readonly { readonly kernel: Kernel; readonly fields: Fields }[],
  variant: Variant,
): string[] {
  const called = calledOf(variant);
  const names = new Set(Object.values(called).flatMap((functions) => Object.keys(functions)));
  for (const { kernel, fields } of steps) {
    for (const [name, is] of Object.entries(called[kernel] ?? {})) if (is(fields)) names.delete(name);
  }
  return [...names];
}
