/**
 * What a lowering makes of a node, and what all lowerings share.
 * @module
 */
import type { Conv2d, Graph, Node, NodeOf, Op, Shape } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import { FLAGS, type Kernel, type StepFields } from "../step.ts";
import type { Packed } from "./packed.ts";

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

/** How nodes become steps, by their ops. */
export type Lowerings<Ops extends Op> = {
  readonly [O in Ops]: (node: NodeOf<O>, context: Context) => readonly Lowered[];
};

/** What a lowering may ask of the graph. */
export interface Context {
  readonly graph: Graph;
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** The shape of a value. */
export function shapeOf(name: string, { shapes }: Context): Shape {
  return shapes.get(name)!;
}

/** The shape of a constant. */
export function dims(name: string, context: Context): Shape {
  return context.graph.constants.get(name)!.shape;
}

/** Whether a convolution looks at nothing but the pixel that it computes: a matrix product. */
export function isPointwise({ name, inputs, strides }: Conv2d, { kH, kW, padT, padL }: StepFields, context: Context) {
  const [x, y] = [shapeOf(inputs[0]!, context), shapeOf(name, context)];
  const still = kH === 1 && kW === 1 && strides.every((stride) => stride === 1) && !padT && !padL;
  return still && x[1] === y[1] && x[2] === y[2];
}

/** Units of a matrix product of one row. */
export function columnUnits(columns: number): number {
  return Math.ceil(columns / 16);
}

/** Elements of a shape's last axis, 1 of a scalar. */
export function lastOf(shape: Shape): number {
  return shape.at(-1) ?? 1;
}

/**
 * The fields of a bilinear resizing: sizes, and input pixels to an output pixel in a (rows) and b (columns), in float32
 * as TFLite has them.
 */
export function resizeFields(node: Extract<Node, { op: "resizeBilinear" }>, context: Context): StepFields {
  const [n, outH, outW, outC] = shapeOf(node.name, context) as readonly [number, number, number, number];
  const [, inH, inW, inC] = shapeOf(node.inputs[0]!, context) as readonly [number, number, number, number];
  const scale = (from: number, to: number) =>
    Math.fround(node.alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to);
  const scales = { a: scale(inH, outH), b: scale(inW, outW), flags: node.halfPixelCenters ? FLAGS.HALF_PIXELS : 0 };
  return { rows: n * outH, n, inH, inW, inC, outH, outW, outC, ...scales };
}

/** One number of the output for one of the input, in rows of its last axis. */
export function elementwise(kernel: Kernel, node: Node, context: Context, fields: StepFields): Lowered {
  const y = shapeOf(node.name, context);
  const inC = lastOf(y);
  return { kernel, x: node.inputs[0]!, inPlace: true, fields: { rows: sizeOf(y) / inC, inC, ...fields } };
}

/** A copy of each input into its place within the output; `bytes` of an element. */
export function copies(
  kernel: Kernel,
  bytes: number,
  node: Extract<Node, { op: "concat" }>,
  context: Context,
): readonly Lowered[] {
  const y = shapeOf(node.name, context);
  const outer = sizeOf(y.slice(0, node.axis));
  const yPitch = sizeOf(y) / outer;
  let at = 0;
  return node.inputs.map((x) => {
    const inC = sizeOf(shapeOf(x, context)) / outer;
    const yOffset = bytes * at;
    at += inC;
    return { kernel, x, yOffset, fields: { rows: outer, inC, xPitch: inC, yPitch } };
  });
}

/** The fields of padding: sizes, and where the image begins in the output. */
export function padFields(node: Extract<Node, { op: "pad" }>, context: Context): StepFields {
  const [n, outH, outW, outC] = shapeOf(node.name, context) as readonly [number, number, number, number];
  const [, inH, inW, inC] = shapeOf(node.inputs[0]!, context) as readonly [number, number, number, number];
  const { top: padT, left: padL, front: padC = 0 } = node.padding;
  return { rows: n * outH, n, inH, inW, inC, outH, outW, outC, padT, padL, padC };
}

/** The fields of a mean over whole images. */
export function globalPoolFields(input: string, context: Context): StepFields {
  const [n, inH, inW, inC] = shapeOf(input, context) as readonly [number, number, number, number];
  return { rows: n, n, inH, inW, inC, outC: inC };
}

/** How large a scratch panel of the matrix kernels may be, in bytes, and how many of them an element takes. */
export interface PanelSize {
  readonly least: number;
  readonly most: number;
  readonly element: number;
}

/**
 * How many rows (pixels) of `k` values a scratch panel gets: weights pass through the caches once per panel, so large
 * weights want large panels, small networks small ones. A multiple of `unit`, at least one unit, and even over the
 * `total` rows, so that the last panel is not a sliver.
 */
export function panelRows({ least, most, element }: PanelSize, k: number, weights: number, total: number, unit = 1) {
  const bytes = Math.min(most, Math.max(least, weights / 4));
  const units = Math.ceil(total / unit);
  const fit = Math.max(1, Math.floor(bytes / (element * k * unit)));
  return Math.ceil(units / Math.ceil(units / fit)) * unit;
}
