/**
 * 8-bit networks by definition: every value in whole numbers, straight from TFLite's formulas, in the signs that the file has. Shares no code with the engine.
 * @module
 */

import type { Clamp, Graph, Node, Padding, Pair, Quantisation, Shape, TensorData } from "../../src/graph/graph.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { between } from "./resize.ts";

type Values = Map<string, ArrayLike<number>>;

/** All values of a graph by name: inputs, constants aside. */
export function interpretQuantised(graph: Graph, inputs: Readonly<Record<string, ArrayLike<number>>>): Values {
  const values: Values = new Map(Object.entries(inputs));
  const scope = new Scope(graph, values);
  for (const node of graph.nodes) values.set(node.name, scope.compute(node));
  return values;
}

const srdhm = (a: bigint, b: bigint) => (a * b + (1n << 30n)) >> 31n;
const rdbpot = (x: bigint, e: bigint) => (e === 0n ? x : (x + (1n << (e - 1n)) - (x < 0n ? 1n : 0n)) >> e);

/** d as m/2³¹·2^s. */
function split(d: number): { m: bigint; s: number } {
  let [f, s] = [d, 0];
  while (f >= 1) [f, s] = [f / 2, s + 1];
  while (f < 0.5) [f, s] = [f * 2, s - 1];
  let m = Math.round(f * 2 ** 31);
  if (m === 2 ** 31) [m, s] = [m / 2, s + 1];
  return s < -31 ? { m: 0n, s: 0 } : { m: BigInt(m), s };
}

function mbqm(x: number | bigint, { m, s }: { m: bigint; s: number }): number {
  return Number(rdbpot(srdhm(BigInt(x) << BigInt(Math.max(s, 0)), m), BigInt(Math.max(-s, 0))));
}

const away = (x: number) => (x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5));

class Scope {
  readonly graph: Graph;
  readonly values: Values;
  readonly shapes: ReadonlyMap<string, Shape>;

  constructor(graph: Graph, values: Values) {
    this.graph = graph;
    this.values = values;
    this.shapes = inferShapes(graph);
  }

  shape(name: string): readonly [number, number, number, number] {
    return this.shapes.get(name) as unknown as readonly [number, number, number, number];
  }

  /** Scale, zero point and type of an activation. */
  of(name: string) {
    const value = [...this.graph.inputs, ...this.graph.nodes].find((each) => each.name === name)!;
    const { scales, zeroPoints } = value.quantisation ?? { scales: [1], zeroPoints: [0] };
    return { scale: scales[0]!, zero: zeroPoints[0]!, dtype: value.dtype ?? "float32" };
  }

  bounds(node: Node, clamp: Clamp | undefined): [number, number] {
    const { scale, zero, dtype } = this.of(node.name);
    const [least, most] = dtype === "uint8" ? [0, 255] : [-128, 127];
    const q = (x: number) => zero + away(Math.fround(Math.fround(x) / scale));
    return [
      clamp && clamp.lo !== Number.NEGATIVE_INFINITY ? Math.max(least, q(clamp.lo)) : least,
      clamp && clamp.hi !== Number.POSITIVE_INFINITY ? Math.min(most, q(clamp.hi)) : most,
    ];
  }

  /** int8: positions in 1024ths, sums in 2⁻²⁰; uint8: float32 throughout. */
  resize(node: Extract<Node, { op: "resizeBilinear" }>, x: ArrayLike<number>): number[] {
    const [n, inH, inW, c] = this.shape(node.inputs[0]!) as [number, number, number, number];
    const [outH, outW] = node.size;
    const f = Math.fround;
    const unsigned = this.of(node.name).dtype === "uint8";
    const axis = (o: number, from: number, to: number) => {
      if (unsigned) {
        const { first, last, weight } = between(o, from, to, node);
        return { first, last, one: f(1 - weight), weight };
      }
      const [a, b] = node.alignCorners && to > 1 ? [from - 1, to - 1] : [from, to];
      const scale = Math.trunc((1024 * a + Math.trunc(b / 2)) / b);
      const p = o * scale + (node.halfPixelCenters ? Math.trunc(scale / 2) - 512 : 0);
      const first = Math.max(Math.trunc(p / 1024), 0);
      const last = Math.min(Math.trunc((p + 1023) / 1024), from - 1);
      return { first, last, one: 1024 - (p - 1024 * first), weight: p - 1024 * first };
    };
    return this.each(n * outH * outW, c, (pixel, channel) => {
      const image = Math.floor(pixel / outW / outH);
      const rows = axis(Math.floor(pixel / outW) % outH, inH, outH);
      const columns = axis(pixel % outW, inW, outW);
      const at = (iy: number, ix: number) => x[((image * inH + iy) * inW + ix) * c + channel]!;
      const corners = [
        [at(rows.first, columns.first), rows.one, columns.one],
        [at(rows.last, columns.first), rows.weight, columns.one],
        [at(rows.first, columns.last), rows.one, columns.weight],
        [at(rows.last, columns.last), rows.weight, columns.weight],
      ] as const;
      if (unsigned) return Math.trunc(f(corners.reduce((sum, [v, a, b]) => f(sum + f(f(v * a) * b)), 0) + 0.5));
      const sum = corners.reduce((total, [v, a, b]) => total + v * a * b, 0);
      return Math.trunc((sum + (sum > 0 ? 2 ** 19 : -(2 ** 19))) / 2 ** 20);
    }) as number[];
  }

  data(name: string | undefined): TensorData | undefined {
    return name === undefined ? undefined : this.graph.constants.get(name)!.data;
  }

  compute(node: Node): ArrayLike<number> {
    const input = node.inputs[0]!;
    const x = this.values.get(input)!;
    const from = this.of(input);
    const to = this.of(node.name);
    const put = (value: number, [lo, hi]: [number, number]) => Math.min(hi, Math.max(lo, value));
    const all = this.bounds(node, undefined);
    switch (node.op) {
      case "conv2d":
      case "depthwiseConv2d":
        return this.convolve(node, x);
      case "dense": {
        const [k, n] = this.graph.constants.get(node.weights)!.shape as [number, number];
        const factors = this.factors(node.weights, from.scale, to.scale, n, true);
        const bounds = this.bounds(node, node.clamp);
        return this.each(x.length / k, n, (r, o) => {
          let sum = this.data(node.bias)?.[o] ?? 0;
          for (let i = 0; i < k; i++) sum += this.weight(node.weights, i * n + o, o) * (x[r * k + i]! - from.zero);
          return put(mbqm(sum, factors[o]!) + to.zero, bounds);
        });
      }
      case "maxPool":
      case "averagePool": {
        const bounds = this.bounds(node, node.clamp);
        return this.windows(node, node.size, { ...node, dilations: [1, 1] }, (taps, c) => {
          const seen = taps.map((at) => x[at + c]!);
          if (node.op === "maxPool") return put(Math.max(...seen), bounds);
          const sum = seen.reduce((a, b) => a + b, 0);
          const half = Math.floor(seen.length / 2);
          return put(Math.trunc((sum > 0 ? sum + half : sum - half) / seen.length), bounds);
        });
      }
      case "globalAveragePool": {
        const [n, h, w, c] = this.shape(input);
        const pixels = h * w;
        const { m, s } = split(from.scale / to.scale);
        const shift = Math.min(Math.floor(Math.log2(pixels)), 32, 31 + s);
        const factor = { m: (m << BigInt(shift)) / BigInt(pixels), s: s - shift };
        return this.each(n, c, (b, channel) => {
          let sum = 0;
          for (let p = 0; p < pixels; p++) sum += x[(b * pixels + p) * c + channel]!;
          return put(mbqm(sum - pixels * from.zero, factor) + to.zero, all);
        });
      }
      case "add": {
        const x2 = this.values.get(node.inputs[1]!)!;
        const other = this.of(node.inputs[1]!);
        const t = 2 * Math.max(from.scale, other.scale);
        const one = split(from.scale / t);
        const two = split(other.scale / t);
        const out = split(t / (2 ** 20 * to.scale));
        const bounds = this.bounds(node, node.clamp);
        return Array.from(x, (q, i) => {
          const a = mbqm((q - from.zero) * 2 ** 20, one) + mbqm((x2[i]! - other.zero) * 2 ** 20, two);
          return put(mbqm(a, out) + to.zero, bounds);
        });
      }
      case "concat": {
        const shape = this.shapes.get(node.name)!;
        const outer = shape.slice(0, node.axis).reduce((a, b) => a * b, 1);
        const parts = node.inputs.map((name) => Array.from(this.values.get(name)!));
        return Array.from({ length: outer }, (_, r) =>
          parts.flatMap((part) => part.slice((r * part.length) / outer, ((r + 1) * part.length) / outer)),
        ).flat();
      }
      case "pad": {
        const [, inH, inW, c] = this.shape(input);
        const [n, outH, outW] = this.shape(node.name);
        const { top, left } = node.padding;
        return this.each(n * outH * outW, c, (p, channel) => {
          const [b, y, xx] = [Math.floor(p / outW / outH), (Math.floor(p / outW) % outH) - top, (p % outW) - left];
          if (y < 0 || y >= inH || xx < 0 || xx >= inW) return to.zero;
          return x[((b * inH + y) * inW + xx) * c + channel]!;
        });
      }
      case "resizeBilinear":
        return this.resize(node, x);
      case "reshape":
      case "identity":
        return x;
      case "softmax":
        return this.softmax(x, this.shapes.get(node.name)!.at(-1)!, from, node.beta);
      case "clamp": {
        const factor = split(from.scale / to.scale);
        const bounds = this.bounds(node, node);
        return Array.from(x, (q) => put(mbqm(q - from.zero, factor) + to.zero, bounds));
      }
      case "sigmoid":
        return Array.from(x, (q) => {
          const real = Math.fround(from.scale * (q - from.zero));
          return put(away(Math.fround(Math.fround(1 / (1 + Math.exp(-real))) / to.scale)) + to.zero, all);
        });
      case "quantise":
        if (from.dtype === "float32") {
          return Array.from(x, (real) => put(away(Math.fround(real / to.scale)) + to.zero, all));
        }
        return Array.from(x, (q) => put(mbqm(q - from.zero, split(from.scale / to.scale)) + to.zero, all));
      case "dequantise":
        return Float32Array.from(x, (q) => from.scale * (q - from.zero));
      default:
        throw new TypeError(`node ${node.name}: no 8-bit reference of ${node.op}`);
    }
  }

  each(rows: number, columns: number, of: (row: number, column: number) => number): number[] {
    return Array.from({ length: rows * columns }, (_, i) => of(Math.floor(i / columns), i % columns));
  }

  /** A weight without its zero point; `o`: its output channel. */
  weight(name: string, i: number, o: number): number {
    const { data, quantisation } = this.graph.constants.get(name)!;
    const { zeroPoints } = quantisation as Quantisation;
    return data![i]! - (zeroPoints.length === 1 ? zeroPoints[0]! : zeroPoints[o]!);
  }

  factors(name: string, from: number, to: number, n: number, dense: boolean) {
    const { dtype, quantisation } = this.graph.constants.get(name)!;
    const { scales } = quantisation!;
    const single = dtype === "uint8" || (dense && scales.length === 1);
    return Array.from({ length: n }, (_, o) => {
      const product = from * (scales.length === 1 ? scales[0]! : scales[o]!);
      return split((single ? Math.fround(product) : product) / to);
    });
  }

  convolve(node: Extract<Node, { op: "conv2d" | "depthwiseConv2d" }>, x: ArrayLike<number>): number[] {
    const from = this.of(node.inputs[0]!);
    const to = this.of(node.name);
    const [kH, kW, inC, last] = this.graph.constants.get(node.weights)!.shape as [number, number, number, number];
    const deep = node.op === "depthwiseConv2d";
    const n = deep ? inC * last : last;
    const factors = this.factors(node.weights, from.scale, to.scale, n, false);
    const [lo, hi] = this.bounds(node, node.clamp);
    const bias = this.data(node.bias);
    return this.windows(node, [kH, kW], node, (taps, o, which) => {
      let sum = bias?.[o] ?? 0;
      taps.forEach((at, i) => {
        const tap = which[i]!;
        if (deep) {
          sum += this.weight(node.weights, tap * n + o, o) * (x[at + Math.floor(o / last)]! - from.zero);
        } else {
          for (let c = 0; c < inC; c++)
            sum += this.weight(node.weights, (tap * inC + c) * n + o, o) * (x[at + c]! - from.zero);
        }
      });
      return Math.min(hi, Math.max(lo, mbqm(sum, factors[o]!) + to.zero));
    });
  }

  /** One value for each place and channel; `taps`: where the pixels that a window sees begin, `which`: the taps that they meet. */
  windows(
    node: Node,
    [kH, kW]: Pair,
    window: { readonly strides: Pair; readonly dilations: Pair; readonly padding: Padding },
    of: (taps: readonly number[], channel: number, which: readonly number[]) => number,
  ): number[] {
    const [, inH, inW, inC] = this.shape(node.inputs[0]!);
    const [n, outH, outW, outC] = this.shape(node.name);
    const before = (out: number, size: number, k: number, axis: 0 | 1) => {
      const { padding, strides, dilations } = window;
      if (typeof padding === "object") return axis === 0 ? padding.top : padding.left;
      const total = Math.max((out - 1) * strides[axis] + (k - 1) * dilations[axis] + 1 - size, 0);
      return padding === "same" ? Math.floor(total / 2) : 0;
    };
    const [top, left] = [before(outH, inH, kH, 0), before(outW, inW, kW, 1)];
    return this.each(n * outH * outW, outC, (place, channel) => {
      const [b, oy, ox] = [Math.floor(place / outW / outH), Math.floor(place / outW) % outH, place % outW];
      const taps: number[] = [];
      const which: number[] = [];
      for (let tap = 0; tap < kH * kW; tap++) {
        const y = oy * window.strides[0] - top + Math.floor(tap / kW) * window.dilations[0];
        const x = ox * window.strides[1] - left + (tap % kW) * window.dilations[1];
        if (y < 0 || x < 0 || y >= inH || x >= inW) continue;
        taps.push(((b * inH + y) * inW + x) * inC);
        which.push(tap);
      }
      return of(taps, channel, which);
    });
  }

  softmax(x: ArrayLike<number>, columns: number, from: { scale: number; dtype: string }, beta: number): number[] {
    const rows = x.length / columns;
    const result: number[] = [];
    for (let r = 0; r < rows; r++) {
      const row = Array.from({ length: columns }, (_, c) => x[r * columns + c]!);
      const largest = Math.max(...row);
      if (from.dtype === "uint8") {
        const exps = row.map((q) => Math.exp(-(largest - q) * (from.scale * beta)));
        const sum = exps.reduce((a, b) => a + b);
        result.push(...exps.map((e) => Math.min(255, Math.floor((256 * e) / sum + 0.5))));
      } else result.push(...fixedSoftmax(row, largest, from.scale * beta));
    }
    return result;
  }
}

const clamp32 = (x: bigint) => (x > 2147483647n ? 2147483647n : x < -2147483648n ? -2147483648n : x);

function fixedSoftmax(row: readonly number[], largest: number, step: number): number[] {
  const { m, s } = split(Math.min(step * 2 ** 26, 2 ** 31 - 1));
  const least = -Math.floor((31 * 2 ** 26) / 2 ** s);
  const exps = row.map((q) => (q - largest < least ? undefined : exp26(srdhm(BigInt(q - largest) << BigInt(s), m))));
  const sum = exps.reduce<bigint>((total, e) => total + (e === undefined ? 0n : rdbpot(e, 12n)), 0n);
  const h = BigInt(Math.clz32(Number(sum)));
  const hd = ((sum << h) & 0xffffffffn) >> 1n;
  let x = 1515870810n + srdhm(hd, -1010580540n);
  for (let i = 0; i < 3; i++) x += clamp32(srdhm(x, (1n << 29n) - srdhm(hd, x)) << 2n);
  const r = clamp32(x << 1n);
  return exps.map((e) => (e === undefined ? -128 : Math.min(127, Number(rdbpot(srdhm(r, e), 35n - h) - 128n))));
}

/** exp of a ≤ 0 in Q5.26, in Q0.31. */
function exp26(a: bigint): bigint {
  if (a === 0n) return 2147483647n;
  const am = (a & 0xffffffn) - (1n << 24n);
  const rest = am - a;
  const z = (am << 5n) + (1n << 28n);
  const z2 = srdhm(z, z);
  const z3 = srdhm(z2, z);
  const t = rdbpot(srdhm(rdbpot(srdhm(z2, z2), 2n) + z3, 715827883n) + z2, 1n);
  let v = 1895147668n + srdhm(1895147668n, z + t);
  [1672461947n, 1302514674n, 790015084n, 290630308n, 39332535n, 720401n, 242n].forEach((factor, k) => {
    if (rest & (1n << BigInt(24 + k))) v = srdhm(v, factor);
  });
  return v;
}
