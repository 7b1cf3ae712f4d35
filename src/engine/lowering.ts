/**
 * What a lowering makes of a node, and what all lowerings share.
 * @module
 */
import type { Graph, Node, Padding, Pair, Shape, Window } from "../graph/graph.ts";
import { resolvePadding } from "../graph/shape.ts";
import { FLAGS, type Kernel, type StepFields } from "./step.ts";

/** Weights as a kernel wants them. Their size does not depend on the variant; the order inside a packed matrix does. */
export type Packed =
  /** A matrix [k, n] and a bias [n] (or zeros), in panels: (k + 1)·n floats. */
  | {
      readonly layout: "matrix";
      readonly weights: string;
      readonly bias: string | undefined;
      readonly k: number;
      readonly n: number;
    }
  /**
   * An 8-bit matrix [k, n] with what its sums start from and are requantised by, laid out as `assembly/pwconv_s8.ts` says; or a depthwise kernel
   * [k taps, n channels], as `assembly/dwconv_s8.ts` does. `zero`: the zero point of the input, folded into the bias.
   */
  | {
      readonly layout: "matrix_s8" | "depthwise_s8";
      readonly weights: string;
      readonly bias: string | undefined;
      readonly k: number;
      readonly n: number;
      readonly zero: number;
      readonly m: readonly number[];
      readonly e: readonly number[];
    }
  /** Bytes as they are. */
  | { readonly layout: "bytes"; readonly bytes: readonly number[] }
  /** Vectors and arrays one behind the other, as they are; a missing one is `length` times `fill`. */
  | { readonly layout: "rows"; readonly parts: readonly Part[] };

/** A constant, or the number that stands for it. */
export interface Part {
  readonly constant: string | undefined;
  readonly fill: number;
  readonly length: number;
}

/** One step before anything has an address. */
export interface Lowered {
  readonly kernel: Kernel;
  /** Names of the values at `x` and `x2`. */
  readonly x: string;
  readonly x2?: string;
  readonly w?: Packed;
  readonly w2?: Packed;
  /** Bytes of scratch. */
  readonly scratchBytes?: number;
  /** Byte offset of this step's part within the output. */
  readonly yOffset?: number;
  /** The output may lie where an input lay that ends here. */
  readonly inPlace?: boolean;
  readonly fields: StepFields;
}

/** What a lowering may ask of the graph. */
export interface Context {
  readonly graph: Graph;
  readonly shapes: ReadonlyMap<string, Shape>;
}

export function shapeOf(name: string, { shapes }: Context): Shape {
  return shapes.get(name)!;
}

export function dims(name: string, context: Context): Shape {
  return context.graph.constants.get(name)!.shape;
}

export function part(constant: string | undefined, length: number, fill = 0): Part {
  return { constant, length, fill };
}

export function rows(...parts: Part[]): Packed {
  return { layout: "rows", parts };
}

export function sameImage(node: Node, context: Context): boolean {
  const x = shapeOf(node.inputs[0]!, context);
  const y = shapeOf(node.name, context);
  return x[1] === y[1] && x[2] === y[2];
}

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
 * The same window in small numbers. Taps further apart than the image and all steps together are never inside at the same time: at most one tap ever is, and
 * the others may lie just outside. So nothing in a kernel comes near 32 bits, whatever dilation a file names.
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

/** As {@link within}, for pools, which have no weights to stay in step with: what a window has before or behind the image may be cut off. */
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

/** Elements of a shape's last axis, 1 of a scalar. */
export function lastOf(shape: Shape): number {
  return shape.at(-1) ?? 1;
}

/** The fields of a bilinear resizing: sizes, and input pixels to an output pixel in a (rows) and b (columns), in float32 as TFLite has them. */
export function resizeFields(node: Extract<Node, { op: "resizeBilinear" }>, context: Context): StepFields {
  const [n, outH, outW, outC] = shapeOf(node.name, context) as readonly [number, number, number, number];
  const [, inH, inW, inC] = shapeOf(node.inputs[0]!, context) as readonly [number, number, number, number];
  const scale = (from: number, to: number) =>
    Math.fround(node.alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to);
  const scales = { a: scale(inH, outH), b: scale(inW, outW), flags: node.halfPixelCenters ? FLAGS.HALF_PIXELS : 0 };
  return { rows: n * outH, n, inH, inW, inC, outH, outW, outC, ...scales };
}
