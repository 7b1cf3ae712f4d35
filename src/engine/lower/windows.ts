/**
 * The fields of kernels that move a window over an image.
 * @module
 */
import type { Padding, Pair, Shape, Window } from "../../graph/graph.ts";
import { resolvePadding } from "../../graph/shape.ts";
import type { StepFields } from "../step.ts";
import { type Context, shapeOf } from "./lowering.ts";

/** Fields of everything that moves a window over an image; `y` is the output's shape. */
export function windowFields(
  window: Pick<Window, "strides" | "padding"> & Partial<Window>,
  kernel: readonly [number, number],
  input: string,
  y: Shape,
  context: Context,
): StepFields {
  const [n, inH, inW, inC] = shapeOf(input, context) as readonly [number, number, number, number];
  const [outH, outW] = [y[1]!, y[2]!];
  const dilations = window.dilations ?? [1, 1];
  const { top, left } = resolvePadding(window.padding, [inH, inW], kernel, window.strides, dilations);
  const down = within({
    size: inH,
    out: outH,
    taps: kernel[0],
    stride: window.strides[0],
    dilation: dilations[0],
    pad: top,
  });
  const across = within({
    size: inW,
    out: outW,
    taps: kernel[1],
    stride: window.strides[1],
    dilation: dilations[1],
    pad: left,
  });
  return {
    ...{ rows: n * outH, n, inH, inW, inC, outH, outW, kH: kernel[0], kW: kernel[1] },
    ...{ strideH: down.stride, strideW: across.stride, dilationH: down.dilation, dilationW: across.dilation },
    ...{ padT: down.pad, padL: across.pad },
  };
}

/** A window along one axis: output o looks at the positions o·stride − pad + t·dilation, t < taps, of `size` pixels. */
export interface Axis {
  readonly size: number;
  readonly out: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
}

/**
 * The same window in small numbers. Taps further apart than the image and all steps together are never inside at the
 * same time: at most one tap ever is, and the others may lie just outside. So nothing in a kernel comes near 32 bits,
 * whatever dilation a file names.
 */
export function within(axis: Axis): Axis {
  const stride = axis.out === 1 ? 1 : axis.stride;
  const { size, taps, dilation, pad } = axis;
  const steps = (axis.out - 1) * stride;
  const apart = size + steps;
  if (taps === 1) return { ...axis, stride, dilation: 1 };
  if (dilation <= apart) return { ...axis, stride };
  const tap = Math.max(0, Math.ceil((pad - steps) / dilation));
  const inside = tap < taps && tap * dilation - pad < size;
  return { ...axis, stride, dilation: apart, pad: inside ? pad - tap * (dilation - apart) : -size };
}

/**
 * As {@link within}, for pools, which have no weights to stay in step with: what a window has before or behind the
 * image may be cut off.
 */
export function clipped(axis: Axis): Axis {
  const { size, out, taps, stride, pad } = within(axis);
  const before = Math.max(0, Math.min(taps - 1, pad - (out - 1) * stride));
  return { ...axis, stride, pad: pad - before, taps: Math.min(taps - before, size + pad - before) };
}

/** The fields of a pool; `y` is the output's shape. */
export function poolFields(
  { size, strides, padding }: { readonly size: Pair; readonly strides: Pair; readonly padding: Padding },
  input: string,
  y: Shape,
  context: Context,
): StepFields {
  const [, inH, inW] = shapeOf(input, context) as readonly [number, number, number, number];
  const { top, left } = resolvePadding(padding, [inH, inW], size, strides, [1, 1]);
  const down = clipped({ size: inH, out: y[1]!, taps: size[0], stride: strides[0], dilation: 1, pad: top });
  const across = clipped({ size: inW, out: y[2]!, taps: size[1], stride: strides[1], dilation: 1, pad: left });
  const window = { strides: [1, 1], padding: "valid" } as const;
  return {
    ...windowFields(window, [1, 1], input, y, context),
    ...{
      kH: down.taps,
      kW: across.taps,
      strideH: down.stride,
      strideW: across.stride,
      padT: down.pad,
      padL: across.pad,
    },
  };
}
