/**
 * Where windows lie on an image, written out from TensorFlow's definition, on its own, so that `src/graph/shape.ts` is
 * tested against it.
 * @module
 */
import type { Padding, Pair } from "../../src/graph/graph.ts";

/** A window's steps and the image it makes. */
export interface Placement {
  readonly strides: Pair;
  readonly dilations: Pair;
  /** Rows above and columns left of the image that count as zero. */
  readonly padT: number;
  readonly padL: number;
  readonly outH: number;
  readonly outW: number;
}

/** One axis: output size and padding before the first element. */
export function placeAxis(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: "same" | "valid" | readonly [before: number, after: number],
): { out: number; before: number } {
  const reach = (kernel - 1) * dilation + 1;
  if (padding === "same") {
    const out = Math.ceil(size / stride);
    const total = Math.max((out - 1) * stride + reach - size, 0);
    return { out, before: Math.floor(total / 2) };
  }
  const [before, after] = padding === "valid" ? [0, 0] : padding;
  return { out: Math.floor((size + before + after - reach) / stride) + 1, before };
}

/** Both axes of an image of `h` by `w` pixels. */
export function place(h: number, w: number, kernel: Pair, strides: Pair, dilations: Pair, padding: Padding): Placement {
  const explicit = typeof padding === "object";
  const rows = placeAxis(h, kernel[0], strides[0], dilations[0], explicit ? [padding.top, padding.bottom] : padding);
  const columns = placeAxis(w, kernel[1], strides[1], dilations[1], explicit ? [padding.left, padding.right] : padding);
  return { strides, dilations, padT: rows.before, padL: columns.before, outH: rows.out, outW: columns.out };
}
