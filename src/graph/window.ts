/**
 * How a window moves over an image: TensorFlow's arithmetic of strides, dilations and padding.
 * @module
 */

import { ShapeError } from "../errors.ts";
import { show } from "./dimensions.ts";

/** Pixels around an image. */
export interface Sides {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Rows and columns that count as zero around an image. `same` and `valid` are TensorFlow's. */
export type Padding = "same" | "valid" | Sides;

/** A pair for height and width. */
export type Pair = readonly [height: number, width: number];

/** How a window moves over an image. */
export interface Window {
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: Padding;
}

/** The window that reads each pixel for itself. */
export const POINTWISE: Window = { strides: [1, 1], dilations: [1, 1], padding: "valid" };

/** Padding in pixels and the size of the result. */
export interface ResolvedPadding extends Sides {
  readonly outH: number;
  readonly outW: number;
}

/** Pixels that a kernel of `size` taps spans: (size − 1)·dilation + 1. */
export function spanOf(size: number, dilation: number): number {
  return (size - 1) * dilation + 1;
}

/**
 * Positions of a window along one axis. All in pixels; `padding` is "same", "valid" or the number of explicit pixels,
 * before and after together. The result is below 1 where the window does not fit: callers decide what to say.
 */
export function outputSize(
  padding: "same" | "valid" | number,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
): number {
  if (padding === "same") return Math.ceil(size / stride);
  const padded = padding === "valid" ? size : size + padding;
  return Math.floor((padded - spanOf(kernel, dilation)) / stride) + 1;
}

/**
 * What a padding means for an image of `inSize` (height, width): pixels at each side, and the output's size.
 *
 * "same" gives ⌈in/stride⌉ positions and needs max((out − 1)·stride + span − in, 0) pixels, the smaller half before;
 * "valid" needs none. Explicit padding is returned as it is. `where` begins the message of the ShapeError that a window
 * without any position throws.
 */
export function resolvePadding(
  padding: Padding,
  inSize: Pair,
  kernel: Pair,
  strides: Pair,
  dilations: Pair,
  where = "window",
): ResolvedPadding {
  const spans = [spanOf(kernel[0], dilations[0]), spanOf(kernel[1], dilations[1])] as const;
  if (Math.max(...spans) >= 2 ** 31) {
    throw new ShapeError(`${where}: expected a window whose dilated span is less than 2³¹ pixels, got ${show(spans)}`);
  }
  const [[top, bottom, outH], [left, right, outW]] = [0, 1].map((axis) => {
    const size = inSize[axis] as number;
    const taps = kernel[axis] as number;
    const stride = strides[axis] as number;
    const dilation = dilations[axis] as number;
    if (typeof padding === "object") {
      const [before, after] = axis === 0 ? [padding.top, padding.bottom] : [padding.left, padding.right];
      return [before, after, outputSize(before + after, size, taps, stride, dilation)];
    }
    const out = outputSize(padding, size, taps, stride, dilation);
    if (padding === "valid") return [0, 0, out];
    const total = Math.max((out - 1) * stride + spanOf(taps, dilation) - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2), out];
  }) as [[number, number, number], [number, number, number]];
  if (outH < 1 || outW < 1) {
    const padded = [inSize[0] + top + bottom, inSize[1] + left + right];
    throw new ShapeError(
      `${where}: expected an image of at least ${show(spans)} pixels (the kernel's span), got ${show(padded)} with its padding`,
    );
  }
  return { top, bottom, left, right, outH, outW };
}

/** Whether every position of the window holds at least one pixel of the image, and not padding alone. */
export function everyWindowSeesImage(padding: ResolvedPadding, inSize: Pair, kernel: Pair, strides: Pair): boolean {
  const sees = (before: number, out: number, size: number, taps: number, stride: number) =>
    before < taps && (out - 1) * stride - before < size;
  return (
    sees(padding.top, padding.outH, inSize[0], kernel[0], strides[0]) &&
    sees(padding.left, padding.outW, inSize[1], kernel[1], strides[1])
  );
}
