/**
 * Transposed convolutions become convolutions: one for all places that a pixel of the output can have within a stride,
 * whose results are channels first and pixels then.
 * @module
 */
import { type ConstantFields, GraphBuilder } from "../builder.ts";
import type { Constant, Graph, Node, Quantization, TensorData } from "../graph.ts";
import { spread } from "../ops/transposed-conv2d.ts";
import { sizeOf } from "../references.ts";
import { inferShapes } from "../shape.ts";
import { rebuild } from "./rebuild.ts";

type Transposed = Extract<Node, { op: "transposedConv2d" }>;

/** One axis of a transposed convolution as that of a convolution. */
interface Axis {
  readonly stride: number;
  /** Taps of the convolution's window. */
  readonly taps: number;
  /** Pixels that it makes, each of which becomes `stride` pixels. */
  readonly out: number;
  readonly before: number;
  readonly after: number;
  /** Pixels of the result that come before the output's. */
  readonly skipped: number;
}

/** No node is left that is a transposed convolution. */
export function expandTransposed(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === "transposedConv2d")) return graph;
  const shapes = inferShapes(graph);
  const builder = GraphBuilder.of(graph);
  for (const node of graph.nodes) {
    if (node.op === "transposedConv2d") expand(node, shapes.get(node.inputs[0]!) as readonly number[], builder);
    else builder.addNode(node);
  }
  return rebuild(graph, builder.nodes, builder.constants);
}

function expand(node: Transposed, [, h, w]: readonly number[], builder: GraphBuilder): void {
  const { name, inputs, size, strides, clamp, dtype, quantization } = node;
  const weights = builder.constants.get(node.weights)!;
  const [kH, kW, , outC] = weights.shape as readonly [number, number, number, number];
  const { top, left } = spread(node, [h!, w!], [kH, kW]);
  const down = axisOf(h!, size[0], kH, strides[0], top);
  const across = axisOf(w!, size[1], kW, strides[1], left);
  const places = down.stride * across.stride;
  const bias = node.bias === undefined ? undefined : builder.constants.get(node.bias)!;
  const type = { ...(dtype && { dtype }), ...(quantization && { quantization }) };
  const isWhole = down.out * down.stride === size[0] && across.out * across.stride === size[1];

  const sums = builder.addNode({
    ...{ op: "conv2d", name: places === 1 && isWhole ? name : builder.claim(`${name}/places`), inputs },
    weights: builder.addConstant(`${name}/weights`, ...expandedWeights(weights, down, across)),
    ...(bias && { bias: builder.addConstant(`${name}/bias`, ...repeated(bias, places)) }),
    ...{ strides: [1, 1], dilations: [1, 1], ...(clamp && { clamp }), ...type },
    padding: { top: down.before, bottom: down.after, left: across.before, right: across.after },
  });
  let last = sums;
  if (places > 1) {
    const apart = [-1, down.out, across.out, down.stride, across.stride, outC];
    const together = [-1, down.out * down.stride, across.out * across.stride, outC];
    last = builder.addNode({
      op: "reshape",
      name: builder.claim(`${name}/apart`),
      inputs: [last],
      shape: apart,
      ...type,
    });
    const turned = builder.claim(`${name}/turned`);
    const permutation = [0, 1, 3, 2, 4, 5];
    last = builder.addNode({ op: "transpose", name: turned, inputs: [last], permutation, ...type });
    const joined = isWhole ? name : builder.claim(`${name}/joined`);
    last = builder.addNode({ op: "reshape", name: joined, inputs: [last], shape: together, ...type });
  }
  if (isWhole) return;
  const begin = [0, down.skipped, across.skipped, 0];
  builder.addNode({ op: "slice", name, inputs: [last], begin, size: [-1, ...size, -1], ...type });
}

/**
 * Pixel o of the output lies at place p of pixel q, o + before = q·stride + p. It sums up pixels q − j of the input by
 * the taps p + j·stride.
 */
function axisOf(input: number, output: number, kernel: number, stride: number, before: number): Axis {
  const taps = Math.ceil(kernel / stride);
  const first = Math.floor(before / stride);
  const last = Math.floor((output - 1 + before) / stride);
  return {
    ...{ stride, taps, out: last - first + 1 },
    before: taps - 1 - first,
    after: last + 1 - input,
    skipped: before - first * stride,
  };
}

type Stored = readonly [fields: ConstantFields, numbers: TensorData | undefined];

/** [kH, kW, inC, outC] → [tapsH, tapsW, inC, places·outC], the last tap first; 0 where there is none. */
function expandedWeights(weights: Constant, down: Axis, across: Axis): Stored {
  const [kH, kW, inC, outC] = weights.shape as readonly [number, number, number, number];
  const places = down.stride * across.stride;
  const { dtype, quantization, data } = weights;
  const shape = [down.taps, across.taps, inC, places * outC];
  const fields = { shape, dtype, ...(quantization && { quantization: meaningOf(quantization, places) }) };
  if (data === undefined) return [fields, undefined];
  const moved = blank(data, sizeOf(shape)).fill(quantization?.zeroPoints[0] ?? 0);
  for (let ky = 0; ky < kH; ky++) {
    for (let kx = 0; kx < kW; kx++) {
      const row = down.taps - 1 - Math.floor(ky / down.stride);
      const column = across.taps - 1 - Math.floor(kx / across.stride);
      const place = (ky % down.stride) * across.stride + (kx % across.stride);
      for (let i = 0; i < inC; i++) {
        const from = ((ky * kW + kx) * inC + i) * outC;
        const to = (((row * across.taps + column) * inC + i) * places + place) * outC;
        moved.set(data.subarray(from, from + outC), to);
      }
    }
  }
  return [fields, moved];
}

/** The scales of the channels, for each place; one scale serves all. */
function meaningOf(quantization: Quantization, places: number): Quantization {
  const { scales, zeroPoints } = quantization;
  const times = <T>(list: readonly T[]) => Array.from({ length: places }, () => list).flat();
  return scales.length === 1 ? quantization : { ...quantization, scales: times(scales), zeroPoints: times(zeroPoints) };
}

/** A bias for each place. */
function repeated({ shape, dtype, data }: Constant, places: number): Stored {
  const all = data && blank(data, places * data.length);
  for (let i = 0; all && i < places; i++) all.set(data, i * data.length);
  return [{ shape: [places * shape[0]!], dtype }, all];
}

/** An array of the same type. */
function blank(data: TensorData, length: number): TensorData {
  return new (data.constructor as new (length: number) => TensorData)(length);
}
