/**
 * A float network in 8 bits, by TFLite's rules: activations with a scale and a zero point each, weights symmetric with
 * a scale for each output channel (one for a whole dense layer), biases in 32 bits.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Arithmetic, Graph, Input, Node, Quantization } from "../graph/graph.ts";
import { initialize } from "../graph/initialize.ts";
import { OPS } from "../graph/ops/index.ts";
import { prepared } from "../graph/passes/index.ts";
import { validate } from "../graph/validate.ts";
import { turns } from "../turn.ts";
import { type CalibrationOptions, calibrate, channelPeaks, type Range, type Sample, stable } from "./calibrate.ts";
import { equalize } from "./equalize.ts";

/** What can be asked of {@link quantize}. */
export interface QuantizeOptions extends CalibrationOptions {
  /** What the network takes and answers: floats, which it converts itself (the default), or 8 bits. */
  readonly io?: "float32" | "int8" | undefined;
  /**
   * Whether channels in front of depthwise convolutions are brought to one range first, where nothing bounds them from
   * above; true by default.
   */
  readonly equalize?: boolean | undefined;
}

/**
 * `graph` in signed 8 bits, calibrated by samples of its input. Batch norms are folded, activations fused; names of
 * outputs survive.
 * @param samples inputs such as the network will see, normalized as it wants them; a hundred are plenty
 * @throws UnsupportedError naming a node whose op there is not in 8 bits; RangeError for samples that tell nothing
 */
export async function quantize(
  graph: Graph,
  samples: readonly Sample[],
  options: QuantizeOptions = {},
): Promise<Graph> {
  validate(graph);
  let float = prepared(initialize(graph), "quantizer");
  const other = [...float.inputs, ...float.nodes].find(({ dtype = "float32" }) => dtype !== "float32");
  if (other) throw new UnsupportedError(`value ${other.name}: expected a float32 network, got ${other.dtype}`);
  const refused = float.nodes.find(({ op }) => OPS[op].quantized === undefined);
  if (refused) {
    throw new UnsupportedError(`node ${refused.name}: expected an op that there is in 8 bits, got ${refused.op}`);
  }
  const { equalize: equalized = true, calibration, signal, onProgress } = options;
  const passes = Number(equalized) + (calibration === "percentile" ? 2 : 1);
  let done = 0;
  const watch = {
    ...{ turn: turns(signal), ran: () => onProgress?.(++done, passes * samples.length) },
    kernels: stable(options),
  };
  if (equalized) float = equalize(float, await channelPeaks(float, samples, watch));
  const meanings = meaningsOf(float, await calibrate(float, samples, options, watch));
  const typed = (input: Input): Input => ({ ...input, dtype: "int8", quantization: meanings.get(input.name)! });
  const inputs = options.io === "int8" ? float.inputs.map(typed) : float.inputs;
  const builder = GraphBuilder.of({ inputs, constants: new Map(), nodes: float.nodes });
  const source = float;
  const nodes = source.nodes.map((node) => bytes(node, source, meanings, builder));
  if (options.io === "int8") for (const node of nodes) builder.addNode(node);
  else wrap(builder, float, nodes, meanings);
  const quantized = builder.graph(float);
  validate(quantized);
  return quantized;
}

/**
 * What 8 bits mean for each value: scale and zero point so that 0 is one of the numbers, shared where an op demands it.
 */
function meaningsOf(graph: Graph, ranges: ReadonlyMap<string, Range>): ReadonlyMap<string, Quantization> {
  const leader = new Map<string, string>();
  const find = (name: string): string => {
    const up = leader.get(name);
    return up === undefined ? name : find(up);
  };
  for (const { op, name, inputs } of graph.nodes) {
    if (OPS[op].quantized !== "shared") continue;
    for (const input of inputs) if (find(input) !== find(name)) leader.set(find(name), find(input));
  }
  const joined = new Map<string, Range>();
  const join = (name: string, { lo, hi }: Range) => {
    const known = joined.get(find(name)) ?? { lo: 0, hi: 0 };
    joined.set(find(name), { lo: Math.min(known.lo, lo), hi: Math.max(known.hi, hi) });
  };
  for (const [name, range] of ranges) join(name, range);
  for (const node of graph.nodes) {
    const operand = OPS[node.op].quantized === "shared" ? operandOf(node, graph) : undefined;
    if (operand) join(node.name, rangeOf(operand));
  }
  const unit = new Set(graph.nodes.filter(({ op }) => OPS[op].quantized === "unit").map(({ name }) => find(name)));
  return new Map(
    [...ranges.keys()].map((name) => {
      const group = find(name);
      return [name, unit.has(group) ? { scales: [1 / 256], zeroPoints: [-128], axis: 0 } : affine(joined.get(group)!)];
    }),
  );
}

/** The numbers of a constant that a node reads like a value. */
function operandOf(node: Node, { constants }: Graph): Float32Array | undefined {
  const operand = "operand" in node ? node.operand : undefined;
  return operand === undefined ? undefined : (constants.get(operand)!.data as Float32Array);
}

function rangeOf(numbers: Float32Array): Range {
  return numbers.reduce(({ lo, hi }, x) => ({ lo: Math.min(lo, x), hi: Math.max(hi, x) }), { lo: 0, hi: 0 });
}

/** TFLite's choice: the range cut into 255 steps, 0 on one of them. */
function affine({ lo, hi }: Range): Quantization {
  const scale = Math.fround((hi - lo) / 255) || 1;
  const zero = Math.min(127, Math.max(-128, Math.round(-128 - lo / scale)));
  return { scales: [scale], zeroPoints: [zero], axis: 0 };
}

/** A node in 8 bits; its weights and bias become constants of `builder`. */
function bytes(node: Node, graph: Graph, meanings: ReadonlyMap<string, Quantization>, builder: GraphBuilder): Node {
  const typed = { ...node, dtype: "int8" as const, quantization: meanings.get(node.name)! };
  const operand = operandOf(node, graph);
  if (operand) return { ...typed, operand: addOperand(typed, operand, graph, builder) } as Node;
  if (typed.op !== "conv2d" && typed.op !== "depthwiseConv2d" && typed.op !== "dense") return typed;
  const from = meanings.get(typed.inputs[0]!)!.scales[0]!;
  const source = graph.constants.get(typed.weights)!;
  const weights = source.data as Float32Array;
  const bias = typed.bias === undefined ? undefined : (graph.constants.get(typed.bias)!.data as Float32Array);
  const layout = OPS[typed.op].weights!;
  const channels = layout.channels(source.shape);
  const scales = weightScales(weights, bias, channels, from, typed.op === "dense");
  const scaleOf = (o: number) => scales[scales.length === 1 ? 0 : o]!;
  const data = Int8Array.from(weights, (w, i) => Math.min(127, Math.max(-127, Math.round(w / scaleOf(i % channels)))));
  const quantization = { scales, zeroPoints: scales.map(() => 0), axis: layout.axis };
  const { shape } = source;
  const name = builder.addConstant(`${typed.name}/weights`, { shape, dtype: "int8", quantization }, data);
  if (bias === undefined) return { ...typed, weights: name };
  const numbers = Int32Array.from(bias, (b, o) => Math.round(b / (from * scaleOf(o))));
  const biasName = builder.addConstant(`${typed.name}/bias`, { shape: [channels], dtype: "int32" }, numbers);
  return { ...typed, weights: name, bias: biasName };
}

/** A constant operand in 8 bits: with the result's meaning where the op wants all to share one, else with its own. */
function addOperand(node: Node, numbers: Float32Array, graph: Graph, builder: GraphBuilder): string {
  const quantization = OPS[node.op].quantized === "shared" ? node.quantization! : affine(rangeOf(numbers));
  const [scale, zero] = [quantization.scales[0]!, quantization.zeroPoints[0]!];
  const data = Int8Array.from(numbers, (x) => Math.min(127, Math.max(-128, zero + Math.round(x / scale))));
  const { shape } = graph.constants.get((node as Arithmetic).operand!)!;
  return builder.addConstant(`${node.name}/operand`, { shape, dtype: "int8", quantization }, data);
}

/** Symmetric scales: the largest weight is 127. Of a channel that has died, large enough for its bias to fit. */
function weightScales(
  weights: Float32Array,
  bias: Float32Array | undefined,
  channels: number,
  from: number,
  single: boolean,
): number[] {
  const largest = new Float64Array(channels);
  for (let i = 0; i < weights.length; i++) {
    largest[i % channels] = Math.max(largest[i % channels]!, Math.abs(weights[i]!));
  }
  const scales = Array.from(largest, (most, o) => {
    const room = Math.abs(bias?.[o] ?? 0) / (from * 2 ** 24);
    return Math.fround(Math.max(most / 127, room)) || 1;
  });
  return single ? [Math.max(...scales)] : scales;
}

/** 8 bits inside, floats outside: the inputs are converted behind the caller's back, the outputs before its eyes. */
function wrap(
  builder: GraphBuilder,
  { inputs, outputs }: Graph,
  nodes: readonly Node[],
  meanings: ReadonlyMap<string, Quantization>,
): void {
  const rename = (name: string) => {
    const inner = builder.claim(`${name}/int8`);
    builder.alias(name, inner);
    return inner;
  };
  for (const { name } of inputs) {
    const quantization = meanings.get(name)!;
    builder.addNode({ op: "quantize", name: rename(name), inputs: [name], dtype: "int8", quantization });
  }
  const visible = new Set(outputs);
  for (const node of nodes) {
    const reads = node.inputs.map((name) => builder.current(name));
    const name = visible.has(node.name) ? rename(node.name) : node.name;
    builder.addNode({ ...node, name, inputs: reads });
    if (name !== node.name) builder.addNode({ op: "dequantize", name: node.name, inputs: [name] });
  }
}
