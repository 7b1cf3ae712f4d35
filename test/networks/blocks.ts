/**
 * The outside reference for whole networks: block by block on TensorFlow.js's plain CPU backend, each block fed with
 * what the engine itself gave for the block before, so that the bound of one block (a few hundred roundings) applies,
 * and no error hides in the slack of another's.
 *
 * The bound follows from Σ|terms| as in `test/reference/value.ts`. A block's convolution has K terms; each passes
 * through at most K + 1 additions and a multiplication here, batch norm folded (three more roundings of the weight) or
 * not (four on the reference's side): ROUNDINGS + K covers both sides. What the depthwise half may be off is carried
 * through |pointwise weights|.
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { Graph } from "../../src/graph/graph.ts";
import { gamma } from "../reference/value.ts";

tf.env().set("PROD", true);

const ROUNDINGS = 16;

/** An image of a network, [h, w, c]. */
export interface Image {
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly values: Float32Array;
}

/** Selects the CPU backend; call before all else. */
export async function startReference(): Promise<void> {
  await tf.setBackend("cpu");
  await tf.ready();
}

/** One convolution with its batch norm and activation: what of a network's constants and nodes it needs. */
interface Layer {
  readonly weights: Float32Array;
  readonly shape: readonly number[];
  readonly depthwise: boolean;
  readonly stride: number;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly hi: number;
}

const EPSILON = 0.001;

/** The layers of `block0` … `block13` of a graph that `mobilenetV1` made. */
export function layersOf(graph: Graph, block: number): Layer[] {
  const stems = block === 0 ? ["block0"] : [`block${block}/depthwise`, `block${block}/pointwise`];
  return stems.map((stem) => {
    const conv = graph.nodes.find(({ name }) => name === `${stem}/conv`)!;
    const clamp = graph.nodes.find((node) => node.op === "clamp" && node.inputs[0] === `${stem}/bn`)!;
    if ((conv.op !== "conv2d" && conv.op !== "depthwiseConv2d") || clamp.op !== "clamp") throw new Error(stem);
    const data = (name: string) => graph.constants.get(name)!.data as Float32Array;
    return {
      weights: data(`${stem}/weights`),
      shape: graph.constants.get(`${stem}/weights`)!.shape,
      depthwise: conv.op === "depthwiseConv2d",
      stride: conv.strides[0],
      mean: data(`${stem}/bn/mean`),
      variance: data(`${stem}/bn/variance`),
      gamma: data(`${stem}/bn/gamma`),
      beta: data(`${stem}/bn/beta`),
      hi: clamp.hi,
    };
  });
}

/** What a block makes of `input`, after each of its layers; `input` is the first of the images. */
export function referenceBlock(layers: readonly Layer[], input: Image): Image[] {
  const images = [input];
  for (const layer of layers) images.push(referenceLayer(layer, images.at(-1)!));
  return images;
}

/**
 * How far a float32 computation of a block may be from the last of the reference's images.
 * @param error how far each element of what the computation was fed with may be from the first of them
 */
export function blockBound(layers: readonly Layer[], images: readonly Image[], error?: Float64Array): Float64Array {
  return layers.reduce<Float64Array | undefined>(
    (e, layer, i) => layerBound(layer, images[i]!, images[i + 1]!, e),
    error,
  )!;
}

/** Mean over height and width, as the pool at the network's end. */
export function referencePool({ h, w, c, values }: Image): Image {
  const mean = new Float64Array(c);
  for (let i = 0; i < values.length; i++) mean[i % c]! += values[i]! / (h * w);
  return { h: 1, w: 1, c, values: Float32Array.from(mean) };
}

/** {@link blockBound} for the pool. */
export function poolBound({ h, w, c, values }: Image, error?: Float64Array): Float64Array {
  const bound = new Float64Array(c);
  const factor = gamma(h * w + ROUNDINGS);
  for (let i = 0; i < values.length; i++)
    bound[i % c]! += (factor * Math.abs(values[i]!) + (error?.[i] ?? 0)) / (h * w);
  return bound;
}

function referenceLayer(layer: Layer, { h, w, c, values }: Image): Image {
  const { stride } = layer;
  return tf.tidy(() => {
    const x = tf.tensor4d(values, [1, h, w, c]);
    const filter = tf.tensor4d(layer.weights, layer.shape as [number, number, number, number]);
    const y = layer.depthwise ? tf.depthwiseConv2d(x, filter, stride, "same") : tf.conv2d(x, filter, stride, "same");
    const normal = tf.batchNorm(y, layer.mean, layer.variance, layer.beta, layer.gamma, EPSILON);
    const z = layer.hi === 6 ? tf.relu6(normal) : tf.relu(normal);
    return { h: y.shape[1], w: y.shape[2], c: y.shape[3], values: z.dataSync() as Float32Array };
  });
}

/** Σ over taps of (γ·|x| + error of x)·|w|, scaled by the batch norm, plus γ·|shift|: how far `output` may be off. */
function layerBound(layer: Layer, input: Image, output: Image, error: Float64Array | undefined): Float64Array {
  const [kH, kW, inC, outC] = layer.shape as [number, number, number, number];
  const factor = gamma(kH * kW * (layer.depthwise ? 1 : inC) + ROUNDINGS);
  const x = Float64Array.from(input.values, (v, i) => factor * Math.abs(v) + (error?.[i] ?? 0));
  const weights = Float64Array.from(layer.weights, Math.abs);
  const [padY, padX] = [input.h, input.w].map((size, i) => {
    const out = i === 0 ? output.h : output.w;
    return Math.floor(Math.max((out - 1) * layer.stride + kH - size, 0) / 2);
  }) as [number, number];
  const bound = new Float64Array(output.values.length);
  for (let oy = 0; oy < output.h; oy++) {
    for (let ox = 0; ox < output.w; ox++) {
      const y = bound.subarray((oy * output.w + ox) * output.c, (oy * output.w + ox + 1) * output.c);
      for (let tap = 0; tap < kH * kW; tap++) {
        const iy = oy * layer.stride - padY + Math.floor(tap / kW);
        const ix = ox * layer.stride - padX + (tap % kW);
        if (iy < 0 || iy >= input.h || ix < 0 || ix >= input.w) continue;
        const pixel = (iy * input.w + ix) * inC;
        if (layer.depthwise) {
          for (let c = 0; c < inC; c++) y[c]! += x[pixel + c]! * weights[tap * inC + c]!;
        } else {
          for (let i = 0; i < inC; i++) accumulate(y, x[pixel + i]!, weights, (tap * inC + i) * outC);
        }
      }
    }
  }
  const scale = layer.gamma.map((g, c) => Math.abs(g) / Math.sqrt(layer.variance[c]! + EPSILON));
  const shift = layer.beta.map((b, c) => Math.abs(b) + Math.abs(layer.mean[c]!) * scale[c]!);
  for (let i = 0; i < bound.length; i++) {
    bound[i] = bound[i]! * scale[i % output.c]! + gamma(ROUNDINGS) * shift[i % output.c]!;
  }
  return bound;
}

function accumulate(y: Float64Array, x: number, weights: Float64Array, from: number): void {
  for (let o = 0; o < y.length; o++) y[o] = y[o]! + x * weights[from + o]!;
}
