/**
 * Training as it is written in books: naive, in f64, every value stored. Beside each number stands its magnitude, the
 * same sum with all terms taken as absolute values, from which the bound of an f32 computation follows; see
 * `reference/value.ts`. Subtraction and division by a deviation, as batch norms have them, make it grow as they make
 * errors grow.
 * @module
 */
import type { Graph, Node } from "../../src/graph/graph.ts";
import { sizeOf } from "../../src/graph/references.ts";
import { inferShapes, resolvePadding } from "../../src/graph/shape.ts";
import { forEachWindow } from "../reference/pool.ts";

/** Numbers with their magnitudes, and the loss's gradient by them likewise. */
export class Numbers {
  readonly value: Float64Array;
  readonly size: Float64Array;
  readonly gradient: Float64Array;
  readonly gradientSize: Float64Array;

  constructor(length: number, values?: ArrayLike<number>) {
    this.value = values ? Float64Array.from(values) : new Float64Array(length);
    this.size = this.value.map(Math.abs);
    this.gradient = new Float64Array(length);
    this.gradientSize = new Float64Array(length);
  }

  /** += w·x */
  add(at: number, w: number, from: Numbers, index: number): void {
    this.value[at]! += w * from.value[index]!;
    this.size[at]! += Math.abs(w) * from.size[index]!;
  }

  /** gradient += w·(gradient of `from`) */
  back(at: number, w: number, from: Numbers, index: number, size = Math.abs(w)): void {
    this.gradient[at]! += w * from.gradient[index]!;
    this.gradientSize[at]! += size * from.gradientSize[index]!;
  }
}

export interface ReferenceOptions {
  readonly smoothing?: number;
  /** By the moving averages instead of the batch's statistics. */
  readonly fixed?: boolean;
  /** Only the loss is wanted. */
  readonly lossOnly?: boolean;
}

export interface Reference {
  readonly loss: number;
  readonly correct: number;
  readonly values: ReadonlyMap<string, Numbers>;
  /** How far a clamped value's argument is from its bounds, at least: nearer ones might fall on either side. */
  readonly margin: number;
  /** Mean and variance of the batch, by the name of the batch norm. */
  readonly statistics: ReadonlyMap<string, { readonly mean: Float64Array; readonly variance: Float64Array }>;
}

/** Numbers by the names of constants. */
export type Weights = ReadonlyMap<string, ArrayLike<number>>;

/** The weights of a graph, as f64. */
export function weightsOf(graph: Graph): Map<string, Float64Array> {
  return new Map([...graph.constants].map(([name, { data }]) => [name, Float64Array.from(data as Float32Array)]));
}

/** Loss and gradients of a graph that ends in softmax or logits, whose inputs have the right number of images. */
export function reference(
  graph: Graph,
  weights: Weights,
  inputs: ArrayLike<number>,
  labels: readonly number[],
  { smoothing = 0, fixed = false, lossOnly = false }: ReferenceOptions = {},
): Reference {
  const shapes = inferShapes(graph);
  const values = new Map<string, Numbers>();
  const statistics = new Map<string, { mean: Float64Array; variance: Float64Array }>();
  const back: (() => void)[] = [];
  let margin = Number.POSITIVE_INFINITY;
  for (const [name, data] of weights) values.set(name, new Numbers(data.length, data));
  values.set(graph.inputs[0]!.name, new Numbers(inputs.length, inputs));
  const last = graph.nodes.at(-1)!;
  const logits = values;
  const clamped = (y: Numbers, clamp: { readonly lo: number; readonly hi: number } | undefined): Numbers => {
    if (clamp === undefined) return y;
    const z = new Numbers(y.value.length);
    for (let i = 0; i < z.value.length; i++) {
      const x = y.value[i]!;
      margin = Math.min(margin, Math.abs(x - clamp.lo), Math.abs(x - clamp.hi));
      z.value[i] = Math.min(clamp.hi, Math.max(clamp.lo, x));
      z.size[i] = y.size[i]!;
    }
    back.push(() => {
      for (let i = 0; i < z.value.length; i++) {
        if (y.value[i]! > clamp.lo && y.value[i]! < clamp.hi) y.back(i, 1, z, i);
      }
    });
    return z;
  };
  for (const node of graph.nodes) {
    if (node === last && node.op === "softmax") break;
    const x = values.get(node.inputs[0]!)!;
    const shape = shapes.get(node.inputs[0]!)!;
    const out = shapes.get(node.name)!;
    const y = new Numbers(sizeOf(out));
    values.set(node.name, y);
    const c = shape.at(-1)!;
    switch (node.op) {
      case "conv2d":
      case "depthwiseConv2d": {
        const terms = windows(node, shape, shapes.get(node.weights)!);
        values.set(
          node.name,
          clamped(
            linear(y, x, values.get(node.weights)!, values.get(node.bias ?? ""), terms, out.at(-1)!, back),
            node.clamp,
          ),
        );
        break;
      }
      case "dense": {
        const o = out.at(-1)!;
        const terms: Term[] = [];
        for (let r = 0; r < sizeOf(shape) / c; r++) {
          for (let j = 0; j < o; j++) for (let i = 0; i < c; i++) terms.push([r * o + j, r * c + i, i * o + j]);
        }
        values.set(
          node.name,
          clamped(linear(y, x, values.get(node.weights)!, values.get(node.bias ?? ""), terms, o, back), node.clamp),
        );
        break;
      }
      case "batchNorm": {
        const rows = x.value.length / c;
        const mean = new Float64Array(c);
        const variance = new Float64Array(c);
        const meanSize = new Float64Array(c);
        const gamma = values.get(node.gamma ?? "");
        const beta = values.get(node.beta ?? "");
        for (let i = 0; i < x.value.length; i++) {
          mean[i % c]! += x.value[i]! / rows;
          meanSize[i % c]! += x.size[i]! / rows;
        }
        for (let i = 0; i < x.value.length; i++) variance[i % c]! += (x.value[i]! - mean[i % c]!) ** 2 / rows;
        statistics.set(node.name, { mean: mean.slice(), variance: variance.slice() });
        if (fixed) {
          mean.set(values.get(node.mean)!.value);
          variance.set(values.get(node.variance)!.value);
        }
        const inverse = variance.map((v) => 1 / Math.sqrt(v + node.epsilon));
        // What the deviation's own error adds to each normalized number: Σ size² over Σ (x − mean)².
        const spread = new Float64Array(c).fill(1);
        if (!fixed)
          for (let i = 0; i < x.value.length; i++)
            spread[i % c]! += ((x.size[i]! + meanSize[i % c]!) * inverse[i % c]!) ** 2 / rows;
        const unit = x.value.map((v, i) => (v - mean[i % c]!) * inverse[i % c]!);
        const unitSize = x.size.map(
          (v, i) => (v + (fixed ? Math.abs(mean[i % c]!) : meanSize[i % c]!)) * inverse[i % c]! * spread[i % c]!,
        );
        for (let i = 0; i < unit.length; i++) {
          const g = gamma?.value[i % c] ?? 1;
          y.value[i] = g * unit[i]! + (beta?.value[i % c] ?? 0);
          y.size[i] = Math.abs(g) * unitSize[i]! + Math.abs(beta?.value[i % c] ?? 0);
        }
        back.push(() => {
          const sum = new Float64Array(c);
          const sumSize = new Float64Array(c);
          const slope = new Float64Array(c);
          const slopeSize = new Float64Array(c);
          for (let i = 0; i < unit.length; i++) {
            sum[i % c]! += y.gradient[i]!;
            sumSize[i % c]! += y.gradientSize[i]!;
            slope[i % c]! += y.gradient[i]! * unit[i]!;
            slopeSize[i % c]! += y.gradientSize[i]! * unitSize[i]!;
          }
          for (let j = 0; j < c; j++) {
            if (gamma) gamma.gradient[j]! += slope[j]!;
            if (gamma) gamma.gradientSize[j]! += slopeSize[j]!;
            if (beta) beta.gradient[j]! += sum[j]!;
            if (beta) beta.gradientSize[j]! += sumSize[j]!;
          }
          for (let i = 0; i < unit.length; i++) {
            const j = i % c;
            const k = (gamma?.value[j] ?? 1) * inverse[j]!;
            const batch = fixed ? 0 : (sum[j]! + unit[i]! * slope[j]!) / rows;
            const batchSize = fixed ? 0 : (sumSize[j]! + unitSize[i]! * slopeSize[j]!) / rows;
            x.gradient[i]! += k * (y.gradient[i]! - batch);
            x.gradientSize[i]! += Math.abs(k) * spread[j]! * (y.gradientSize[i]! + batchSize);
          }
        });
        break;
      }
      case "clamp":
        values.set(node.name, clamped(x, node));
        break;
      case "identity":
      case "reshape":
        values.set(node.name, x);
        break;
      case "globalAveragePool": {
        const rows = sizeOf(shape) / shape[0]! / c;
        const terms = Array.from({ length: x.value.length }, (_, i): readonly [number, number] => [
          Math.floor(i / (rows * c)) * c + (i % c),
          i,
        ]);
        for (const [to, from] of terms) y.add(to, 1 / rows, x, from);
        back.push(() => {
          for (const [to, from] of terms) x.back(from, 1 / rows, y, to);
        });
        break;
      }
      case "sigmoid":
        curve(
          x,
          y,
          (v) => 1 / (1 + Math.exp(-v)),
          (v) => 1 / (2 + Math.exp(v) + Math.exp(-v)),
          back,
        );
        break;
      case "hardSwish":
        for (const v of x.value) margin = Math.min(margin, Math.abs(Math.abs(v) - 3));
        curve(x, y, hardSwish, (v) => (v <= -3 ? 0 : v >= 3 ? 1 : (2 * v + 3) / 6), back);
        break;
      case "leakyRelu":
        for (const v of x.value) margin = Math.min(margin, Math.abs(v));
        curve(
          x,
          y,
          (v) => (v < 0 ? node.alpha * v : v),
          (v) => (v < 0 ? node.alpha : 1),
          back,
        );
        break;
      case "prelu": {
        const alpha = values.get(node.alpha)!;
        for (const v of x.value) margin = Math.min(margin, Math.abs(v));
        for (let i = 0; i < y.value.length; i++) y.add(i, x.value[i]! < 0 ? alpha.value[i % c]! : 1, x, i);
        back.push(() => {
          for (let i = 0; i < y.value.length; i++) {
            x.back(i, x.value[i]! < 0 ? alpha.value[i % c]! : 1, y, i);
            alpha.back(i % c, Math.min(0, x.value[i]!), y, i, x.value[i]! < 0 ? x.size[i]! : 0);
          }
        });
        break;
      }
      case "scaleShift": {
        const [scale, shift] = [values.get(node.scale)!, values.get(node.shift)!];
        for (let i = 0; i < y.value.length; i++) {
          y.add(i, scale.value[i % c]!, x, i);
          y.add(i, 1, shift, i % c);
        }
        back.push(() => {
          for (let i = 0; i < y.value.length; i++) {
            x.back(i, scale.value[i % c]!, y, i);
            scale.back(i % c, x.value[i]!, y, i, x.size[i]!);
            shift.back(i % c, 1, y, i);
          }
        });
        values.set(node.name, clamped(y, node.clamp));
        break;
      }
      case "mul": {
        if (node.operand !== undefined) {
          const by = values.get(node.operand)!.value[0]!;
          curve(
            x,
            y,
            (v) => by * v,
            () => by,
            back,
          );
        } else {
          const other = values.get(node.inputs[1]!)!;
          // One of them may have one row for all of the other's.
          const of = (from: Numbers) => {
            const [all, own] = [y.value.length / out[0]!, from.value.length / out[0]!];
            return Array.from(y.value, (_, i) => Math.floor(i / all) * own + ((i % all) % own));
          };
          const [a, b] = [of(x), of(other)];
          for (let i = 0; i < y.value.length; i++) {
            y.value[i] = x.value[a[i]!]! * other.value[b[i]!]!;
            y.size[i] = x.size[a[i]!]! * other.size[b[i]!]!;
          }
          back.push(() => {
            for (let i = 0; i < y.value.length; i++) {
              x.back(a[i]!, other.value[b[i]!]!, y, i, other.size[b[i]!]!);
              other.back(b[i]!, x.value[a[i]!]!, y, i, x.size[a[i]!]!);
            }
          });
        }
        values.set(node.name, clamped(y, node.clamp));
        break;
      }
      case "maxPool":
      case "averagePool": {
        const {
          top: padT,
          left: padL,
          outH,
          outW,
        } = resolvePadding(...([node.padding, [shape[1]!, shape[2]!], node.size, node.strides, [1, 1]] as const));
        const at = { ...{ padT, padL, outH, outW }, strides: node.strides, dilations: [1, 1] as const };
        const terms: (readonly [number, number, number])[] = [];
        forEachWindow({ shape }, node.size, at, (to, taps) => {
          const ranked = taps.toSorted((p, q) => x.value[q]! - x.value[p]!);
          if (node.op === "averagePool") for (const from of taps) terms.push([to, from, 1 / taps.length]);
          else terms.push([to, ranked[0]!, 1]);
          const [first, second] = ranked;
          if (second !== undefined) margin = Math.min(margin, x.value[first!]! - x.value[second]!);
        });
        for (const [to, from, w] of terms) y.add(to, w, x, from);
        back.push(() => {
          for (const [to, from, w] of terms) x.back(from, w, y, to);
        });
        values.set(node.name, clamped(y, node.clamp));
        break;
      }
      case "concat":
      case "pad": {
        const parts = node.op === "pad" ? [node.inputs[0]!] : node.inputs;
        const moves: (readonly [Numbers, number, number])[] = [];
        let channel = node.op === "pad" ? (node.padding.front ?? 0) : 0;
        const [top, left] = node.op === "pad" ? [node.padding.top, node.padding.left] : [0, 0];
        if (node.op === "pad") {
          y.value.fill(node.value);
          y.size.fill(Math.abs(node.value));
        }
        for (const name of parts) {
          const [h, w, own] = shapes.get(name)!.slice(1) as [number, number, number];
          const part = values.get(name)!;
          for (let i = 0; i < part.value.length; i++) {
            const [n, row, column, k] = [
              Math.floor(i / (h * w * own)),
              Math.floor(i / (w * own)) % h,
              Math.floor(i / own) % w,
              i % own,
            ];
            moves.push([part, i, ((n * out[1]! + row + top) * out[2]! + column + left) * out[3]! + channel + k]);
          }
          channel += own;
        }
        for (const [part, from, to] of moves) {
          y.value[to] = 0;
          y.size[to] = 0;
          y.add(to, 1, part, from);
        }
        back.push(() => {
          for (const [part, from, to] of moves) part.back(from, 1, y, to);
        });
        break;
      }
      case "add": {
        if (node.operand !== undefined) {
          const more = values.get(node.operand)!.value[0]!;
          curve(
            x,
            y,
            (v) => v + more,
            () => 1,
            back,
          );
          for (let i = 0; i < y.size.length; i++) y.size[i]! += Math.abs(more);
          values.set(node.name, clamped(y, node.clamp));
          break;
        }
        const other = values.get(node.inputs[1]!)!;
        for (let i = 0; i < y.value.length; i++) {
          y.add(i, 1, x, i);
          y.add(i, 1, other, i);
        }
        back.push(() => {
          for (let i = 0; i < y.value.length; i++) {
            x.back(i, 1, y, i);
            other.back(i, 1, y, i);
          }
        });
        values.set(node.name, clamped(y, node.clamp));
        break;
      }
      default:
        throw new Error(`reference of training: ${node.op} has none`);
    }
  }
  const scores = logits.get(last.op === "softmax" ? last.inputs[0]! : last.name)!;
  const classes = scores.value.length / labels.length;
  let [loss, correct] = [0, 0];
  for (const [n, label] of labels.entries()) {
    const row = Array.from(scores.value.subarray(n * classes, (n + 1) * classes));
    const largest = Math.max(...row);
    const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
    const size = Math.max(...scores.size.subarray(n * classes, (n + 1) * classes)) + Math.abs(largest);
    if (row.indexOf(largest) === label) correct++;
    for (const [k, value] of row.entries()) {
      const probability = Math.exp(value - largest) / sum;
      const target = (1 - smoothing) * Number(k === label) + smoothing / classes;
      loss += (target * (Math.log(sum) + largest - value)) / labels.length;
      scores.gradient[n * classes + k] = (probability - target) / labels.length;
      // An error of an exponent is a relative one of the probability, of its own and of those in the sum.
      scores.gradientSize[n * classes + k] = (probability * (1 + 2 * size) + target) / labels.length;
    }
  }
  if (!lossOnly) for (const step of back.reverse()) step();
  return { loss, correct, values, margin, statistics };
}

const hardSwish = (v: number) => (v * Math.min(6, Math.max(0, v + 3))) / 6;

/** A function of each number, whose slope nowhere is much more than 1. */
function curve(x: Numbers, y: Numbers, f: (v: number) => number, slope: (v: number) => number, back: (() => void)[]) {
  for (let i = 0; i < y.value.length; i++) {
    y.value[i] = f(x.value[i]!);
    y.size[i] = Math.abs(y.value[i]!) + 1.5 * x.size[i]!;
  }
  back.push(() => {
    // The slope, too, has the error of where it is taken.
    for (let i = 0; i < y.value.length; i++) {
      const s = slope(x.value[i]!);
      x.back(i, s, y, i, Math.abs(s) + x.size[i]!);
    }
  });
}

type Term = readonly [to: number, from: number, weight: number];

/** y = bias + Σ x·w over terms, and the way back. */
function linear(
  y: Numbers,
  x: Numbers,
  w: Numbers,
  b: Numbers | undefined,
  terms: readonly Term[],
  channels: number,
  back: (() => void)[],
): Numbers {
  if (b) for (let i = 0; i < y.value.length; i++) y.add(i, 1, b, i % channels);
  for (const [to, from, weight] of terms) y.add(to, w.value[weight]!, x, from);
  back.push(() => {
    for (const [to, from, weight] of terms) {
      x.back(from, w.value[weight]!, y, to);
      w.back(weight, x.value[from]!, y, to, x.size[from]!);
    }
    if (b) for (let i = 0; i < y.value.length; i++) b.back(i % channels, 1, y, i);
  });
  return y;
}

function windows(
  node: Extract<Node, { op: "conv2d" | "depthwiseConv2d" }>,
  shape: readonly number[],
  kernel: readonly number[],
): Term[] {
  const [n, h, w, c] = shape as [number, number, number, number];
  const [kH, kW, , last] = kernel as [number, number, number, number];
  const full = node.op === "conv2d";
  const outC = full ? last : c * last;
  const { strides, dilations } = node;
  const { top, left, outH, outW } = resolvePadding(node.padding, [h, w], [kH, kW], strides, dilations);
  const terms: Term[] = [];
  for (let image = 0; image < n; image++) {
    for (let oy = 0; oy < outH; oy++) {
      for (let ox = 0; ox < outW; ox++) {
        for (let ky = 0; ky < kH; ky++) {
          for (let kx = 0; kx < kW; kx++) {
            const iy = oy * strides[0] + ky * dilations[0] - top;
            const ix = ox * strides[1] + kx * dilations[1] - left;
            if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
            for (let o = 0; o < outC; o++) {
              const to = ((image * outH + oy) * outW + ox) * outC + o;
              const from = ((image * h + iy) * w + ix) * c;
              const tap = ky * kW + kx;
              if (full) for (let i = 0; i < c; i++) terms.push([to, from + i, (tap * c + i) * outC + o]);
              else terms.push([to, from + Math.floor(o / last), tap * outC + o]);
            }
          }
        }
      }
    }
  }
  return terms;
}
