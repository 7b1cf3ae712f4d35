/**
 * What 8 bits cost: a quantized network beside the float one it was made of.
 * @module
 */
import { build, memoryRequired } from "../engine/build.ts";
import type { Numbers } from "../engine/host/session.ts";
import type { KernelOptions } from "../engine/variant.ts";
import type { Graph, Op } from "../graph/graph.ts";
import { initialize } from "../graph/initialize.ts";
import { prepared } from "../graph/passes/index.ts";
import { turns } from "../turn.ts";
import { type Sample, stable } from "./calibrate.ts";

/** One layer's share. */
export interface LayerNoise {
  readonly name: string;
  readonly op: Op;
  /**
   * Signal to noise in decibels: 10·log10(Σ float² / Σ (float − quantized)²), in front of depthwise layers up to a
   * factor per channel; higher is better, Infinity where nothing differs.
   */
  readonly sqnr: number;
}

/** The whole of it. */
export interface QuantizationReport {
  readonly layers: readonly LayerNoise[];
  /** Of the first output. */
  readonly sqnr: number;
  /** Part of the samples, 0 … 1, for which both networks name the same class. */
  readonly agreement: number;
  readonly samples: number;
  /** Bytes of packed weights. */
  readonly weights: { readonly float: number; readonly quantized: number };
}

/** How a report is watched. */
export interface ReportOptions extends KernelOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called for every sample. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Runs the samples through both networks.
 * @param quantized made of `float` by `quantize`, with float inputs and outputs
 */
export async function quantizationReport(
  float: Graph,
  quantized: Graph,
  samples: readonly Sample[],
  { signal, onProgress, ...asked }: ReportOptions = {},
): Promise<QuantizationReport> {
  if (samples.length === 0) throw new RangeError("samples: expected one at least, got none");
  const turn = turns(signal);
  const source = prepared(initialize(float), "quantizer");
  const inner = new Map(quantized.nodes.map((node) => [node.name, node]));
  const pairs = source.nodes.flatMap(({ name, op }) => {
    const node = inner.get(`${name}/int8`) ?? inner.get(name);
    return node?.quantization ? [{ name, op, node }] : [];
  });
  const kernels = stable(asked);
  const one = await build(source, { ...kernels, endPoints: pairs.map(({ name }) => name) });
  const two = await build(quantized, { ...kernels, endPoints: pairs.map(({ node }) => node.name) });
  const scalable = new Set(source.nodes.flatMap(({ op, inputs }) => (op === "depthwiseConv2d" ? inputs : [])));
  const noise = pairs.map(() => ({ signal: 0, error: 0 }));
  const whole = { signal: 0, error: 0 };
  let agreed = 0;
  for (const [i, sample] of samples.entries()) {
    await turn();
    const a = one.run(sample);
    const b = two.run<Numbers>(sample);
    pairs.forEach(({ name, node }, i) => {
      const { scales, zeroPoints } = node.quantization!;
      // In front of a depthwise convolution channels may have been brought to one range: compared is what they say up
      // to a factor for each.
      const channels = one.endPoints[i]!.shape.at(-1) ?? 1;
      const real = Float32Array.from(b.endPoints[node.name]!, (q) => scales[0]! * (q - zeroPoints[0]!));
      const expected = a.endPoints[name]!;
      collect(noise[i]!, expected, scalable.has(name) ? fitted(expected, real, channels) : real);
    });
    collect(whole, a.output, b.output);
    if (largest(a.output) === largest(b.output)) agreed++;
    onProgress?.(i + 1, samples.length);
  }
  one.dispose();
  two.dispose();
  return {
    layers: pairs.map(({ name, op }, i) => ({ name, op, sqnr: decibels(noise[i]!) })),
    sqnr: decibels(whole),
    agreement: agreed / samples.length,
    samples: samples.length,
    weights: { float: memoryRequired(source).weights, quantized: memoryRequired(quantized).weights },
  };
}

interface Noise {
  signal: number;
  error: number;
}

function collect(noise: Noise, a: Float32Array, b: Numbers): void {
  for (let i = 0; i < a.length; i++) {
    noise.signal += a[i]! ** 2;
    noise.error += (a[i]! - b[i]!) ** 2;
  }
}

/** b with each channel times the factor that brings it nearest to a. */
function fitted(a: Float32Array, b: Float32Array, channels: number): Float32Array {
  const products = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let i = 0; i < a.length; i++) {
    products[i % channels]! += a[i]! * b[i]!;
    squares[i % channels]! += b[i]! ** 2;
  }
  return b.map((x, i) => (x * products[i % channels]!) / (squares[i % channels]! || 1));
}

function decibels({ signal, error }: Noise): number {
  return 10 * Math.log10(signal / error);
}

function largest(numbers: Numbers): number {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i]! > numbers[best]!) best = i;
  return best;
}
