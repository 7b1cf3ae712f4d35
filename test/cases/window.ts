/**
 * Geometries of windows on images, named after the boundary that they lie on. Shared by convolutions, depthwise
 * convolutions and pools.
 * @module
 */
import type { Padding, Pair } from "../../src/graph/graph.ts";

/** One geometry; c channels in. */
export interface Geometry {
  readonly name: string;
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: Padding;
}

/** Channel counts below, at, above and prime to the widths of vectors and panels. */
export const CHANNELS = [1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 16, 17, 20, 31, 32, 33, 37] as const;

const BASE: Geometry = {
  ...{ name: "", n: 1, h: 6, w: 7, c: 5 },
  ...{ kernel: [3, 3], strides: [1, 1], dilations: [1, 1], padding: "same" },
};

/** A geometry that differs from a 3×3 SAME window on a 6×7 image of 5 channels in what is given. */
export function geometry(name: string, changes: Partial<Geometry>): Geometry {
  return { ...BASE, ...changes, name };
}

/** Rows and columns that count as zero, clockwise from the top as CSS has them. */
export function sides(top: number, right: number, bottom: number, left: number): Padding {
  return { top, bottom, left, right };
}

/** Geometries whose every window sees the image, so that a mean has something to count. */
export const WINDOWS: readonly Geometry[] = [
  geometry("w_1", { w: 1 }),
  geometry("h_1", { h: 1 }),
  geometry("h_1_w_1", { h: 1, w: 1 }),
  geometry("w_1_stride_2", { w: 1, strides: [2, 2] }),
  geometry("h_1_stride_2", { h: 1, strides: [2, 2] }),
  geometry("w_2_valid_1x2", { w: 2, kernel: [1, 2], padding: "valid" }),
  geometry("stride_gt_input_same", { h: 3, w: 4, strides: [7, 7] }),
  geometry("stride_gt_input_valid", { h: 3, w: 4, strides: [9, 9], padding: "valid" }),
  geometry("stride_gt_input_1x1", { h: 4, w: 3, kernel: [1, 1], strides: [5, 5] }),
  geometry("stride_gt_kernel", { h: 9, w: 8, kernel: [2, 2], strides: [3, 3], padding: "valid" }),
  geometry("input_lt_kernel_same", { h: 2, w: 3, kernel: [5, 5] }),
  geometry("input_lt_kernel_same_stride_2", { h: 3, w: 2, kernel: [7, 7], strides: [2, 2] }),
  geometry("input_lt_kernel_explicit", { h: 2, w: 2, kernel: [3, 3], padding: sides(0, 1, 1, 0) }),
  geometry("same_stride_2_even", { h: 8, w: 6, strides: [2, 2] }),
  geometry("same_stride_2_odd", { h: 7, w: 9, strides: [2, 2] }),
  geometry("same_even_kernel", { kernel: [2, 2] }),
  geometry("same_even_kernel_stride_2", { kernel: [4, 4], strides: [2, 2] }),
  geometry("same_5x5_stride_3", { h: 11, w: 10, kernel: [5, 5], strides: [3, 3] }),
  geometry("strides_differ", { strides: [1, 2] }),
  geometry("strides_differ_3_1", { h: 8, strides: [3, 1] }),
  geometry("valid", { padding: "valid" }),
  geometry("valid_one_window", { h: 3, w: 3, padding: "valid" }),
  geometry("valid_stride_2_leftover", { h: 8, w: 6, strides: [2, 2], padding: "valid" }),
  geometry("explicit_keras_stride_2", { h: 8, w: 6, strides: [2, 2], padding: sides(0, 1, 1, 0) }),
  geometry("explicit_pytorch_stride_2", { h: 8, w: 6, strides: [2, 2], padding: sides(1, 1, 1, 1) }),
  geometry("explicit_uneven", { kernel: [4, 4], padding: sides(2, 3, 1, 0) }),
  geometry("kernel_1xn", { kernel: [1, 5] }),
  geometry("kernel_nx1", { kernel: [5, 1] }),
  geometry("kernel_1xn_stride_2", { kernel: [1, 3], strides: [2, 2] }),
  geometry("kernel_nx1_stride_2", { kernel: [3, 1], strides: [2, 2] }),
  geometry("kernel_1xn_on_h_1", { h: 1, w: 17, kernel: [1, 7] }),
  geometry("batch_2", { n: 2 }),
  geometry("batch_3_stride_2", { n: 3, h: 5, strides: [2, 2] }),
  geometry("batch_2_h_1", { n: 2, h: 1, w: 4 }),
];

/** Geometries with dilation. */
export const DILATED: readonly Geometry[] = [
  geometry("dilation_2_same", { dilations: [2, 2] }),
  geometry("dilation_2_valid", { h: 7, dilations: [2, 2], padding: "valid" }),
  geometry("dilations_differ", { h: 9, w: 8, dilations: [3, 2] }),
  geometry("dilation_with_stride", { h: 11, w: 9, dilations: [2, 3], strides: [2, 2] }),
  geometry("dilation_gt_input", { h: 4, w: 3, dilations: [5, 5] }),
  geometry("dilation_even_kernel_explicit", { kernel: [2, 4], dilations: [3, 2], padding: sides(1, 2, 2, 3) }),
];

/** Windows that see nothing but padding: what comes out is the bias. */
export const BLIND: readonly Geometry[] = [
  geometry("pad_gt_kernel", { h: 2, w: 3, padding: sides(4, 5, 4, 4) }),
  geometry("pad_gt_kernel_stride_2", { h: 3, w: 2, strides: [2, 2], padding: sides(5, 3, 4, 4) }),
  geometry("pad_gt_kernel_dilated", { h: 2, w: 2, dilations: [2, 2], padding: sides(6, 5, 6, 7) }),
];

/** The 27 convolutions of MobileNet v1 at α = 0.25: all channel counts, on a network input of `resolution` pixels. */
export interface MobilenetLayer {
  readonly name: string;
  readonly kind: "conv" | "depthwise" | "pointwise";
  /** Pixels of the input's side. */
  readonly size: number;
  readonly stride: number;
  readonly inC: number;
  readonly outC: number;
}

/** Blocks 1 … 13: stride and filters at α = 1. */
const BLOCKS = [
  [1, 64],
  [2, 128],
  [1, 128],
  [2, 256],
  [1, 256],
  [2, 512],
  [1, 512],
  [1, 512],
  [1, 512],
  [1, 512],
  [1, 512],
  [2, 1024],
  [1, 1024],
] as const;

/** The layers in order, block0 first. */
export function mobilenetLayers(resolution: number): MobilenetLayer[] {
  const layers: MobilenetLayer[] = [{ name: "block0", kind: "conv", size: resolution, stride: 2, inC: 3, outC: 8 }];
  let size = Math.ceil(resolution / 2);
  let inC = 8;
  for (const [i, [stride, filters]] of BLOCKS.entries()) {
    layers.push({ name: `block${i + 1}_depthwise`, kind: "depthwise", size, stride, inC, outC: inC });
    size = Math.ceil(size / stride);
    layers.push({ name: `block${i + 1}_pointwise`, kind: "pointwise", size, stride: 1, inC, outC: filters / 4 });
    inC = filters / 4;
  }
  return layers;
}
