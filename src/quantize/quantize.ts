/**
 * A float network in 8 bits, by TFLite's rules: activations with a scale and a zero point each, weights symmetric with
 * a scale for each output channel (one for a whole dense layer), biases in 32 bits. What there is not in 8 bits stays
 * in floats, between bytes; whole numbers stay what they are.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Arithmetic, Graph, Input, Node, Quantization } from "../graph/graph.ts";
import { initialize } from "../graph/initialize.ts";
import { OPS } from "../graph/ops/index.ts";
import { prepared } from "../graph/passes/index.ts";
import { constantsOf } from "../graph/references.ts";
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
 * @throws UnsupportedError naming a node of training; RangeError for samples that tell nothing
 */
export async function quantize(
  graph: Graph,
  samples: readonly Sample[],
  options: QuantizeOptions = {},
): Promise<Graph> {
  validate(graph);
  let float = prepared(initialize(graph), "quantizer");
  const other = [...float.inputs, ...float.nodes].find(
    (value) => (value.dtype ?? "float32") !== "float32" && !isWhole(value),
  );
  if (other) throw new UnsupportedError(`value ${other.name}: expected a float32 network, got ${other.dtype}`);
  const refused = float.nodes.find(({ op }) => OPS[op].quantized === undefined);
  if (refused) {
    throw new UnsupportedError(`node ${refused.name}: expected an op that trained networks have, got ${refused.op}`);
  }
  const { equalize: equalized = true, calibration, signal, onProgress } = options;
  const passes = Number(equalized) + (calibration === undefined || calibration === "minmax" ? 1 : 2);
  let done = 0;
  const watch = {
    ...{ turn: turns(signal), ran: () => onProgress?.(++done, passes * samples.length) },
    kernels: stable(options),
  };
  if (equalized) float = equalize(float, await channelPeaks(float, samples, watch));
  const meanings = meaningsOf(float, await calibrate(float, samples, options, watch));
  const typed = (input: Input): Input => ({ ...input, dtype: "int8", quantization: meanings.get(input.name)! });
  const inputs = options.io === "int8" ? float.inputs.map(typed) : float.inputs;
  const kept = new Set(
    float.nodes
      .filter(({ op }) => OPS[op].quantized === "float")
      .flatMap(constantsOf)
      .map(({ name }) => name),
  );
  const constants = new Map([...float.constants].filter(([name]) => kept.has(name)));
  const builder = GraphBuilder.of({ inputs, constants, nodes: float.nodes });
  new Conversion(float, meanings, builder, options.io === "int8").all();
  const quantized = builder.graph(float);
  validate(quantized);
  return quantized;
}

/** Whether a value is of whole numbers, as places of the largest are, and stays so. */
function isWhole(value: Input | Node): boolean {
  return "op" in value && value.dtype === "int32";
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
  for (const node of graph.nodes) {
    const { op, name, inputs } = node;
    if (OPS[op].quantized !== "shared" || isWhole(node)) continue;
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
  if (typed.op === "prelu") return { ...typed, alpha: addAlpha(typed, graph, builder) };
  if (!isLayer(typed)) return typed;
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

type Layer = Extract<Node, { op: "conv2d" | "depthwiseConv2d" | "transposedConv2d" | "dense" }>;

function isLayer(node: Node): node is Layer {
  const { op } = node;
  return op === "conv2d" || op === "depthwiseConv2d" || op === "transposedConv2d" || op === "dense";
}

/** The slopes of a rectifier, with a meaning of their own. */
function addAlpha({ name, alpha }: Extract<Node, { op: "prelu" }>, graph: Graph, builder: GraphBuilder): string {
  const { shape, data } = graph.constants.get(alpha)!;
  const quantization = affine(rangeOf(data as Float32Array));
  const numbers = inBytes(data as Float32Array, quantization);
  return builder.addConstant(`${name}/alpha`, { shape, dtype: "int8", quantization }, numbers);
}

function inBytes(numbers: Float32Array, { scales, zeroPoints }: Quantization): Int8Array<ArrayBuffer> {
  const [scale, zero] = [scales[0]!, zeroPoints[0]!];
  return Int8Array.from(numbers, (x) => Math.min(127, Math.max(-128, zero + Math.round(x / scale))));
}

/** A constant operand in 8 bits: with the result's meaning where the op wants all to share one, else with its own. */
function addOperand(node: Node, numbers: Float32Array, graph: Graph, builder: GraphBuilder): string {
  const quantization = OPS[node.op].quantized === "shared" ? node.quantization! : affine(rangeOf(numbers));
  const { shape } = graph.constants.get((node as Arithmetic).operand!)!;
  const fields = { shape, dtype: "int8", quantization } as const;
  return builder.addConstant(`${node.name}/operand`, fields, inBytes(numbers, quantization));
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

/**
 * The nodes in their order, each in bytes, in floats or in whole numbers, and what converts between them. The ends are
 * floats, under the names that they had, or bytes.
 */
class Conversion {
  readonly #float: Graph;
  readonly #meanings: ReadonlyMap<string, Quantization>;
  readonly #builder: GraphBuilder;
  /** Whether inputs and outputs are bytes. */
  readonly #bytesOutside: boolean;
  /** Values by their names: what they are called in bytes, and in floats. */
  readonly #bytes = new Map<string, string>();
  readonly #floats = new Map<string, string>();

  constructor(float: Graph, meanings: ReadonlyMap<string, Quantization>, builder: GraphBuilder, bytesOutside: boolean) {
    this.#float = float;
    this.#meanings = meanings;
    this.#builder = builder;
    this.#bytesOutside = bytesOutside;
    for (const { name } of float.inputs) (bytesOutside ? this.#bytes : this.#floats).set(name, name);
  }

  all(): void {
    const visible = new Set(this.#float.outputs);
    for (const node of this.#float.nodes) {
      if (isWhole(node)) this.#asWhole(node);
      else if (OPS[node.op].quantized === "float") this.#inFloats(node, visible.has(node.name));
      else this.#asBytes(node, visible.has(node.name));
    }
  }

  /** A node in bytes; before the caller's eyes its value is converted. */
  #asBytes(node: Node, visible: boolean): void {
    const inputs = node.inputs.map((name) => this.#inBytes(name));
    const hidden = visible && !this.#bytesOutside;
    const name = hidden ? this.#builder.claim(`${node.name}/int8`) : node.name;
    this.#builder.addNode({ ...bytes(node, this.#float, this.#meanings, this.#builder), name, inputs });
    this.#bytes.set(node.name, name);
    if (hidden) this.#dequantize(node.name, node.name);
  }

  /** A node in floats. */
  #inFloats(node: Node, visible: boolean): void {
    const inputs = node.inputs.map((name) => this.#asFloats(name));
    const hidden = visible && this.#bytesOutside;
    const name = hidden ? this.#builder.claim(`${node.name}/float32`) : node.name;
    this.#builder.addNode({ ...node, name, inputs });
    this.#floats.set(node.name, name);
    if (hidden) this.#quantize(node.name, node.name);
  }

  #inBytes(name: string): string {
    return this.#bytes.get(name) ?? this.#quantize(name, this.#builder.claim(`${name}/int8`));
  }

  #asFloats(name: string): string {
    return this.#floats.get(name) ?? this.#dequantize(name, this.#builder.claim(`${name}/float32`));
  }

  /** A node of whole numbers reads what there is: bytes for choice. */
  #asWhole(node: Node): void {
    const inputs = node.inputs.map((name) => this.#bytes.get(name) ?? this.#floats.get(name)!);
    this.#builder.addNode({ ...node, inputs });
    // Who reads whole numbers reads them as they are.
    this.#floats.set(node.name, node.name);
  }

  #quantize(name: string, as: string): string {
    const quantization = this.#meanings.get(name)!;
    this.#builder.addNode({ op: "quantize", name: as, inputs: [this.#floats.get(name)!], dtype: "int8", quantization });
    this.#bytes.set(name, as);
    return as;
  }

  #dequantize(name: string, as: string): string {
    this.#builder.addNode({ op: "dequantize", name: as, inputs: [this.#bytes.get(name)!] });
    this.#floats.set(name, as);
    return as;
  }
}
