/**
 * Batch norms (and scale-shifts) disappear into the weights of the layer before them; those that cannot become a
 * scale-shift.
 * @module
 */

import { GraphBuilder } from "../builder.ts";
import type {
  BatchNorm,
  Constant,
  Conv2d,
  Dense,
  DepthwiseConv2d,
  Graph,
  Node,
  ScaleShift,
  Shape,
  TransposedConv2d,
} from "../graph.ts";
import { readersOf, sizeOf } from "../references.ts";
import { protectedNames, rebuild } from "./rebuild.ts";

/** y = x·scale + shift per channel, in f64; without numbers where the constants it comes from have none. */
interface Affine {
  readonly channels: number;
  readonly numbers?: { readonly scale: Float64Array; readonly shift: Float64Array };
}

type Foldable = Conv2d | DepthwiseConv2d | TransposedConv2d | Dense | ScaleShift;

/**
 * w' = w·scale and b' = b·scale + shift, in f64 and then rounded once. Folds only where the layer has no clamp, no
 * other reader, a name that need not survive, and float32 weights. Constants without data give constants without data,
 * so that both have one memory plan.
 */
export function foldBatchNorm(graph: Graph, keep: ReadonlySet<string>): Graph {
  const names = protectedNames(graph, keep);
  const builder = GraphBuilder.of(graph);
  const readers = readersOf(graph);
  const { constants } = builder;
  const nodes = new Map<string, Node>();
  for (const node of graph.nodes) {
    if (node.op !== "batchNorm" && node.op !== "scaleShift") {
      nodes.set(node.name, node);
      continue;
    }
    const input = node.inputs[0] as string;
    const producer = nodes.get(input);
    const affine = affineOf(node, constants);
    const clamp = node.op === "scaleShift" ? node.clamp : undefined;
    if (affine === undefined) {
      nodes.set(node.name, node);
    } else if (isFoldable(producer, constants) && readers.get(input)?.length === 1 && !names.has(input)) {
      // The folded layer stands where the norm stood and bears its name, so that nothing behind it changes.
      nodes.delete(input);
      const folded = { ...folding(producer, node.name, affine, builder), name: node.name };
      nodes.set(node.name, clamp === undefined ? folded : { ...folded, clamp });
    } else if (node.op === "batchNorm") {
      nodes.set(node.name, scaleShift(node, affine, builder));
    } else {
      nodes.set(node.name, node);
    }
  }
  return rebuild(graph, [...nodes.values()], constants);
}

type Constants = ReadonlyMap<string, Constant>;

/** The constant's numbers; `undefined` where it has none or there is no such constant. */
function floats(constants: Constants, name: string | undefined): Float32Array | undefined {
  const data = name === undefined ? undefined : constants.get(name)?.data;
  return data instanceof Float32Array ? data : undefined;
}

function isFloat(constants: Constants, name: string | undefined): boolean {
  return name === undefined || constants.get(name)?.dtype === "float32";
}

function affineOf(node: BatchNorm | ScaleShift, constants: Constants): Affine | undefined {
  const fields = node.op === "batchNorm" ? [node.gamma, node.beta, node.mean, node.variance] : [node.scale, node.shift];
  const named = fields.filter((name) => name !== undefined);
  if (!named.every((name) => isFloat(constants, name))) return undefined;
  const channels = sizeOf((constants.get(named[0] as string) as Constant).shape);
  if (named.some((name) => floats(constants, name) === undefined)) return { channels };
  if (node.op === "scaleShift") {
    const scale = new Float64Array(floats(constants, node.scale) as Float32Array);
    const shift = new Float64Array(floats(constants, node.shift) as Float32Array);
    return { channels, numbers: { scale, shift } };
  }
  const gamma = floats(constants, node.gamma);
  const beta = floats(constants, node.beta);
  const mean = floats(constants, node.mean) as Float32Array;
  const variance = floats(constants, node.variance) as Float32Array;
  const scale = new Float64Array(channels);
  const shift = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const factor = (gamma?.[c] ?? 1) / Math.sqrt((variance[c] as number) + node.epsilon);
    scale[c] = factor;
    shift[c] = (beta?.[c] ?? 0) - (mean[c] as number) * factor;
  }
  return { channels, numbers: { scale, shift } };
}

function isFoldable(node: Node | undefined, constants: Constants): node is Foldable {
  if (node === undefined) return false;
  if (node.op === "scaleShift") {
    return node.clamp === undefined && isFloat(constants, node.scale) && isFloat(constants, node.shift);
  }
  const isConvolution = node.op === "conv2d" || node.op === "depthwiseConv2d" || node.op === "transposedConv2d";
  if (!isConvolution && node.op !== "dense") return false;
  return node.clamp === undefined && isFloat(constants, node.weights) && isFloat(constants, node.bias);
}

/** `layer` with `affine` behind it in its own constants, which are new ones: others may read the old. */
function folding(layer: Foldable, name: string, affine: Affine, builder: GraphBuilder): Foldable {
  const { constants } = builder;
  const add = (role: string, shape: Shape, data: Float32Array | undefined) =>
    builder.addConstant(`${name}/${role}`, { shape }, data);
  if (layer.op === "scaleShift") {
    const shape = [affine.channels];
    const scale = add("scale", shape, scaled(floats(constants, layer.scale), affine));
    const shift = add("shift", shape, shifted(floats(constants, layer.shift), affine));
    return { ...layer, scale, shift };
  }
  const { shape } = constants.get(layer.weights) as Constant;
  const weights = add("weights", shape, scaled(floats(constants, layer.weights), affine));
  const zeros = layer.bias === undefined ? new Float32Array(affine.channels) : floats(constants, layer.bias);
  // A bias without numbers before or behind the fold: without weights to multiply there is nothing to compute either.
  const ready = constants.get(weights)?.data !== undefined;
  const bias = add("bias", [affine.channels], ready ? shifted(zeros, affine) : undefined);
  return { ...layer, weights, bias };
}

/** x·scale, the channel being the fastest index: [.., outC], [.., C, multiplier] and [C] alike. */
function scaled(x: Float32Array | undefined, { channels, numbers }: Affine): Float32Array | undefined {
  if (x === undefined || numbers === undefined) return undefined;
  const { scale } = numbers;
  const y = new Float32Array(x.length);
  for (let at = 0; at < y.length; at += channels) scaleRow(y, x, scale, at);
  return y;
}

/**
 * A row of `scaled`. Millions of weights on the way to the first answer: a bare loop, for a callback costs more than
 * the product, and in a function of its own, which engines compile when it has been called a few times.
 */
function scaleRow(y: Float32Array, x: Float32Array, scale: Float64Array, at: number): void {
  for (let c = 0; c < scale.length; c++) y[at + c] = (x[at + c] as number) * (scale[c] as number);
}

/** x·scale + shift, x being [C]. */
function shifted(x: Float32Array | undefined, { numbers }: Affine): Float32Array | undefined {
  return numbers && x?.map((value, c) => value * (numbers.scale[c] as number) + (numbers.shift[c] as number));
}

function scaleShift(node: BatchNorm, { channels, numbers }: Affine, builder: GraphBuilder): ScaleShift {
  const { name, inputs } = node;
  const add = (role: "scale" | "shift") =>
    builder.addConstant(`${name}/${role}`, { shape: [channels] }, numbers && new Float32Array(numbers[role]));
  return { op: "scaleShift", name, inputs, scale: add("scale"), shift: add("shift") };
}
