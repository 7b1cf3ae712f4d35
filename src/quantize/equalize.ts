/**
 * Channels brought to one range, so that eight bits serve all of them.
 * @module
 */
import { GraphBuilder } from "../graph/builder.ts";
import { RELU, sameClamp } from "../graph/clamp.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { readersOf } from "../graph/references.ts";

/** Factors are held within this, either way: a channel that hardly lives shall not drown in its own rounding. */
const MOST = 2 ** 10;

/**
 * The same function of the inputs, with the channels of values between a layer and a depthwise convolution scaled to
 * the largest one's range. A ReLU passes positive factors on; the layer's weights have a scale for each output channel,
 * the depthwise ones for each channel, so the factors cost them no precision. Values that are outputs, read elsewhere
 * or bounded from above stay as they are.
 * @param peaks largest magnitude of each channel, by value
 * @source Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction", §4.1, by
 * activations instead of weights
 */
export function equalize(graph: Graph, peaks: ReadonlyMap<string, Float64Array>): Graph {
  const readers = readersOf(graph);
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const builder = GraphBuilder.of(graph);
  const { constants } = builder;
  for (const reader of graph.nodes) {
    const layer = nodes.get(reader.inputs[0]!);
    if (reader.op !== "depthwiseConv2d" || (layer?.op !== "conv2d" && layer?.op !== "depthwiseConv2d")) continue;
    if (readers.get(layer.name)!.length !== 1 || graph.outputs.includes(layer.name)) continue;
    if (layer.clamp && !sameClamp(layer.clamp, RELU)) continue;
    const peak = peaks.get(layer.name)!;
    const most = peak.reduce((a, b) => Math.max(a, b), 0);
    const up = Float64Array.from(peak, (each) => (each > 0 ? Math.min(MOST, most / each) : 1));
    const channels = up.length;
    const multiplier = constants.get(reader.weights)!.shape[3]!;
    const down = Float64Array.from({ length: channels * multiplier }, (_, o) => 1 / up[Math.floor(o / multiplier)]!);
    const next = { ...nodes.get(layer.name)! } as typeof layer;
    const behind = { ...nodes.get(reader.name)! } as typeof reader;
    const add = (name: string, factors: Float64Array) => {
      const { shape, data } = constants.get(name)!;
      return builder.addConstant(`${name}/equalized`, { shape }, scaled(data as Float32Array, factors));
    };
    const changed: Node = { ...next, weights: add(next.weights, up), ...(next.bias && { bias: add(next.bias, up) }) };
    nodes.set(layer.name, changed);
    nodes.set(reader.name, { ...behind, weights: add(behind.weights, down) });
  }
  return { ...graph, constants, nodes: graph.nodes.map(({ name }) => nodes.get(name)!) };
}

/** Times a factor for each channel, the fastest index. */
function scaled(data: Float32Array, factors: Float64Array): Float32Array {
  return data.map((x, i) => x * factors[i % factors.length]!);
}
