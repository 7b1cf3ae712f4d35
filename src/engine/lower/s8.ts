/**
 * Which kernel computes which 8-bit node, and by which parameters. All values are signed here: the pass `signed` sees
 * to it.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Arithmetic, Clamp, Node, Op, Quantization, Window } from "../../graph/graph.ts";
import { FUNCTIONS } from "../../graph/ops/unary.ts";
import {
  type Affine,
  activationBounds,
  affineOf,
  isByte,
  type Multiplier,
  multiplied,
  quantizeMultiplier,
  roundAway,
  sameMeaning,
  typeOf,
} from "../../graph/quant.ts";
import { sizeOf } from "../../graph/references.ts";
import { scratchOf } from "../footprint.ts";
import { FLAGS, type Kernel, type StepFields } from "../step.ts";
import { operatorFields } from "./broadcast.ts";
import { gathered } from "./gather.ts";
import {
  type Context,
  columnUnits,
  copies,
  dims,
  elementwise,
  globalPoolFields,
  isPointwise,
  type Lowered,
  type Lowerings,
  type PanelSize,
  padFields,
  panelRows,
  resizeFields,
  shapeOf,
} from "./lowering.ts";
import type { Packed } from "./packed.ts";
import { fastHolds } from "./requantize.ts";
import { strided } from "./strided.ts";
import { poolFields, windowFields } from "./windows.ts";

/** The steps of a node whose value has 8 bits, or that leads there or back, by its op. */
export const BYTES: Partial<Lowerings<Op>> = {
  conv2d(node, context) {
    const [kH, kW, inC, outC] = dims(node.weights, context) as readonly [number, number, number, number];
    const x = node.inputs[0]!;
    const k = kH * kW * inC;
    const { w, fields: half } = matrix(node, node, meaning(x, context), outputOf(node), k, outC, context, "conv");
    const y = shapeOf(node.name, context);
    const window = windowFields(node, [kH, kW], x, y, context);
    if (isPointwise(node, window, context)) return [pointwise({ x, w }, half, sizeOf(y) / outC, inC, outC)];
    const tile = panelRows(PANEL, fours(k), k * outC, y[0]! * y[1]! * y[2]!);
    return [step("conv_s8", { x, w }, { ...window, ...half, outC, tile })];
  },

  depthwiseConv2d(node, context) {
    const x = node.inputs[0]!;
    const half = depthwise(node, node, x, outputOf(node), context);
    const { zm: zy, qlo2: qlo, qhi2: qhi, midC: outC, ...fields } = half.fields;
    return [step("dwconv_s8", { x, w: half.w }, { ...fields, zy, qlo, qhi, outC } as StepFields)];
  },

  separable(node, context) {
    const x = node.inputs[0]!;
    const y = shapeOf(node.name, context);
    const outC = y[3]!;
    const mid = node.depthwise.quantization!;
    const first = depthwise(node, node.depthwise, x, mid, context);
    const midC = first.fields.midC!;
    const second = matrix(node, node.pointwise, mid, outputOf(node), midC, outC, context, "conv");
    const tile = panelRows(PANEL, fours(midC), midC * outC, y[0]! * y[1]! * y[2]!, y[2]!);
    const { zw: zw2, zx: _, flags, ...fields } = second.fields;
    return [
      step(
        "separable_s8",
        { x, w: first.w, w2: second.w },
        { ...first.fields, ...fields, zw2: zw2!, outC, tile, flags: first.fields.flags! | flags! },
      ),
    ];
  },

  dense(node, context) {
    const [k, n] = dims(node.weights, context) as readonly [number, number];
    const x = node.inputs[0]!;
    const { w, fields } = matrix(node, node, meaning(x, context), outputOf(node), k, n, context, "dense");
    return [pointwise({ x, w }, fields, sizeOf(shapeOf(node.name, context)) / n, k, n)];
  },

  maxPool: (node, context) => [pool("maxpool_s8", node, context)],
  averagePool: (node, context) => [pool("avgpool_s8", node, context)],

  globalAveragePool(node, context) {
    const x = node.inputs[0]!;
    const from = affineOf(meaning(x, context));
    const to = affineOf(outputOf(node));
    const { m, e } = quantizeMultiplier(from.scale / to.scale);
    const scale = { m1: m, e1: e, zx: from.zeroPoint };
    const fields = { ...globalPoolFields(x, context), ...scale, ...bounds(undefined, node) };
    return [{ kernel: "gap_s8", x, fields }];
  },

  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  maximum: arithmetic,
  minimum: arithmetic,

  concat(node, context) {
    const to = outputOf(node);
    return copies("copy_s8", 1, node, context).map((step) => {
      const from = meaning(step.x, context);
      if (sameMeaning(from, to)) return step;
      return { ...step, kernel: "copy_lut_s8", w: { layout: "bytes", bytes: joined(from, to) } };
    });
  },

  pad(node, context) {
    const x = node.inputs[0]!;
    requireSame(node, x, context);
    const { lo: zy } = activationBounds({ lo: node.value, hi: node.value }, outputOf(node), "int8");
    return [{ kernel: "pad_s8", x, fields: { ...padFields(node, context), zy } }];
  },

  transpose: (node, context) => moved(node, context, strided("copy_strided_s8", node, context)),
  slice: (node, context) => moved(node, context, strided("copy_strided_s8", node, context)),
  tile: (node, context) => moved(node, context, strided("copy_strided_s8", node, context)),
  resizeNearest: (node, context) => moved(node, context, gathered("gather_s8", node, context)),
  mirrorPad: (node, context) => moved(node, context, gathered("gather_s8", node, context)),
  unary: (node, context) => [realTable(node, context, FUNCTIONS[node.of])],

  resizeBilinear(node, context) {
    const x = node.inputs[0]!;
    requireSame(node, x, context);
    const fields = resizeFields(node, context);
    const { inH, inW, outH, outW } = fields as Record<string, number>;
    // In 1024ths, to the nearest.
    const scale = (from: number, to: number) =>
      node.alignCorners && to > 1
        ? Math.floor((1024 * (from - 1) + Math.floor((to - 1) / 2)) / (to - 1))
        : Math.floor((1024 * from + Math.floor(to / 2)) / to);
    const flags = fields.flags! + (meaning(x, context).unsigned ? FLAGS.UNSIGNED : 0);
    return [{ kernel: "resize_s8", x, fields: { ...fields, m1: scale(inH!, outH!), m2: scale(inW!, outW!), flags } }];
  },

  reshape(node, context) {
    requireSame(node, node.inputs[0]!, context);
    return [];
  },
  identity(node, context) {
    requireSame(node, node.inputs[0]!, context);
    return [];
  },

  softmax(node, context) {
    const x = node.inputs[0]!;
    const { scale, zeroPoint } = affineOf(outputOf(node));
    if (scale !== 1 / 256 || zeroPoint !== -128) {
      throw new UnsupportedError(
        `node ${node.name} (softmax): expected an output scale of 1/256 from the lowest number on, got ${scale} and ${zeroPoint}`,
      );
    }
    const from = meaning(x, context);
    const unit = affineOf(from).scale * node.beta;
    if (from.unsigned) {
      const exps = Float64Array.from({ length: 256 }, (_, d) => Math.exp(-d * unit));
      const w: Packed = { layout: "bytes", bytes: [...new Uint8Array(exps.buffer)] };
      return [{ ...elementwise("softmax_s8", node, context, { flags: FLAGS.FROM_TABLE }), w }];
    }
    // TFLite wants more than 1, and stops where logits have less of a scale; nothing tells such small ones apart
    // anyway.
    const { m, e } = quantizeMultiplier(Math.min(Math.max(unit * 2 ** 26, 1 + 2 ** -20), 2 ** 31 - 1));
    const m2 = -Math.floor((31 * 2 ** 26) / 2 ** -e);
    return [{ ...elementwise("softmax_s8", node, context, { m1: m, e1: e, m2 }), scratchBytes: 4 * 256 }];
  },

  clamp(node, context) {
    const { lo, hi } = activationBounds(node, outputOf(node), "int8");
    return [table(node, context, (q, from, to) => Math.min(hi, Math.max(lo, rescaled(q, from, to))))];
  },
  leakyRelu(node, context) {
    const [x, y] = [affineOf(meaning(node.inputs[0]!, context)), affineOf(outputOf(node))];
    if (node.alpha < 0) {
      throw new UnsupportedError(
        `node ${node.name} (leakyRelu): expected alpha from 0 on in 8 bits, got ${node.alpha}`,
      );
    }
    // In float32, as TFLite has it.
    const f = Math.fround;
    const same = quantizeMultiplier(f(f(x.scale) / f(y.scale)));
    const less = quantizeMultiplier(f(f(f(x.scale) * f(node.alpha)) / f(y.scale)));
    return [
      table(node, context, (q, from, to) => {
        const value = q - from.zeroPoint;
        return to.zeroPoint + multiplied(value, value >= 0 ? same : less);
      }),
    ];
  },

  prelu(node, context) {
    const alpha = context.graph.constants.get(node.alpha)!.quantization!;
    const [x, a, y] = [affineOf(meaning(node.inputs[0]!, context)), affineOf(alpha), affineOf(outputOf(node))];
    const same = quantizeMultiplier(x.scale / y.scale);
    const less = quantizeMultiplier((x.scale * a.scale) / y.scale);
    if (Math.min(same.e, less.e) < -14) {
      throw new UnsupportedError(`node ${node.name} (prelu): expected rescaling factors below 2¹⁴, got larger ones`);
    }
    const scales = { m1: same.m, e1: same.e, m2: less.m, e2: less.e };
    const zeros = { zx: x.zeroPoint, zw: a.zeroPoint, zy: y.zeroPoint };
    const w: Packed = { layout: "constant_s8", constant: node.alpha, length: dims(node.alpha, context)[0]! };
    return [{ ...elementwise("prelu_s8", node, context, { ...scales, ...zeros }), w }];
  },

  sigmoid: (node, context) => [realTable(node, context, (x) => 1 / (1 + Math.exp(-x)))],
  hardSwish: (node, context) => [realTable(node, context, (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6)],

  quantize(node, context) {
    const from = typeOf(node.inputs[0]!, context.graph);
    if (!isByte(from.dtype)) {
      const { scale, zeroPoint } = affineOf(outputOf(node));
      if (node.dtype !== "int8")
        throw new UnsupportedError(`node ${node.name}: expected signed bytes, got ${node.dtype}`);
      const fields = { a: scale, zy: zeroPoint, qlo: -128, qhi: 127 };
      return [{ ...elementwise("quantize_s8", node, context, fields), inPlace: false }];
    }
    // Between signs: both are read as signed numbers, the unsigned ones 128 lower, and written as bytes.
    const lower = (dtype: string | undefined) => (dtype === "uint8" ? 128 : 0);
    const [down, up] = [lower(from.dtype), lower(node.dtype)];
    const steps = table(node, context, (q, a, b) =>
      rescaled(q, { ...a, zeroPoint: a.zeroPoint - down }, { ...b, zeroPoint: b.zeroPoint - up }),
    );
    if (down === up) return [steps];
    const flip = (bytes: readonly number[]) => bytes.map((_, i) => bytes[down ? i ^ 128 : i]! ^ (up ? 128 : 0));
    const { bytes } = steps.w as Extract<Packed, { layout: "bytes" }>;
    return [{ ...steps, w: { layout: "bytes", bytes: flip(bytes) } }];
  },

  dequantize(node, context) {
    const { scale, zeroPoint } = affineOf(meaning(node.inputs[0]!, context));
    const fields = { a: scale, zx: zeroPoint };
    return [{ ...elementwise("dequantize_s8", node, context, fields), inPlace: false }];
  },
};

/** Sums of two values of one shape have a kernel of their own. */
function arithmetic(node: Arithmetic, context: Context): readonly Lowered[] {
  const { operand, clamp } = node;
  const [x, x2] = node.inputs as readonly [string, string?];
  const of = operand === undefined ? meaning(x2!, context) : context.graph.constants.get(operand)!.quantization!;
  const factors = operandFactors(node, meaning(x, context), of);
  if (x2 !== undefined && node.op === "add" && `${shapeOf(x, context)}` === `${shapeOf(x2, context)}`) {
    return [{ ...elementwise("add_s8", node, context, { ...factors, ...bounds(clamp, node) }), x2 }];
  }
  const length = operand === undefined ? 0 : sizeOf(dims(operand, context));
  const w: Packed | undefined =
    operand === undefined ? undefined : { layout: "constant_s8", constant: operand, length };
  const fields = { ...operatorFields(node, context), ...factors, ...bounds(clamp, node) };
  return [{ kernel: "binary_s8", x, ...(x2 !== undefined && { x2 }), ...(w && { w }), inPlace: true, fields }];
}

/** Zero points of both operands, and what brings them and the result to one scale. */
function operandFactors(node: Arithmetic, first: Quantization, second: Quantization): StepFields {
  const { name, op } = node;
  const [a, b, y] = [affineOf(first), affineOf(second), affineOf(outputOf(node))];
  const zeros = { zx: a.zeroPoint, zx2: b.zeroPoint };
  if (op === "maximum" || op === "minimum") {
    for (const each of [first, second]) requireMeaning(node, each);
    return zeros;
  }
  if (op === "mul") {
    // In float32, as TFLite has it; its Micro kernels go by double precision.
    const factor = Math.fround(Math.fround(a.scale * b.scale) / Math.fround(y.scale));
    const { m: m3, e: e3 } = quantizeMultiplier(factor);
    if (e3 < -15) throw new UnsupportedError(`node ${name}: expected a rescaling factor below 2¹⁵, got ${factor}`);
    return { ...zeros, m3, e3 };
  }
  const twice = 2 * Math.max(a.scale, b.scale);
  const [one, two] = [quantizeMultiplier(a.scale / twice), quantizeMultiplier(b.scale / twice)];
  const out = quantizeMultiplier(twice / (2 ** 20 * y.scale));
  if (out.e < 0)
    throw new UnsupportedError(`node ${name}: expected an output scale of a millionth of the inputs' at least`);
  return { ...zeros, m1: one.m, e1: one.e, m2: two.m, e2: two.e, m3: out.m, e3: out.e };
}

function meaning(name: string, { graph }: Context): Quantization {
  const { quantization } = typeOf(name, graph);
  if (!quantization) throw new UnsupportedError(`value ${name}: expected 8 bits with a scale, got neither`);
  return quantization;
}

function outputOf(node: Node): Quantization {
  return node.quantization!;
}

function requireSame(node: Node, input: string, context: Context): void {
  requireMeaning(node, meaning(input, context));
}

function requireMeaning(node: Node, from: Quantization): void {
  if (sameMeaning(from, node.quantization)) return;
  const show = ({ scales, zeroPoints }: Quantization) => `scale ${scales[0]}, zero point ${zeroPoints[0]}`;
  throw new UnsupportedError(
    `node ${node.name} (${node.op}): expected an output of the input's ${show(from)}, got ${show(outputOf(node))}`,
  );
}

/** Bytes that are moved keep their meaning. */
function moved(node: Node, context: Context, steps: readonly Lowered[]): readonly Lowered[] {
  requireSame(node, node.inputs[0]!, context);
  return steps;
}

function bounds(clamp: Clamp | undefined, node: Node): StepFields {
  const { lo: qlo, hi: qhi } = activationBounds(clamp, outputOf(node), "int8");
  return { qlo, qhi, zy: affineOf(outputOf(node)).zeroPoint };
}

/**
 * Factors of all output channels: s_in·s_w/s_out, in double precision; of a dense layer with one scale, and of unsigned
 * files, s_in·s_w is rounded to float32.
 */
function factors(
  node: Node,
  weights: string,
  from: Quantization,
  to: Quantization,
  n: number,
  { graph }: Context,
  kind: "conv" | "dense",
): { m: number[]; e: number[] } {
  const { scales, unsigned } = graph.constants.get(weights)!.quantization!;
  const single = unsigned || (kind === "dense" && scales.length === 1);
  const all: Multiplier[] = scales.map((scale) => {
    const product = affineOf(from).scale * scale;
    const factor = (single ? Math.fround(product) : product) / affineOf(to).scale;
    const result = quantizeMultiplier(factor);
    if (!Number.isFinite(factor) || result.e < -30) {
      throw new UnsupportedError(
        `node ${node.name}: expected a rescaling factor below 2³⁰, got ${factor} by "${weights}"`,
      );
    }
    return result.m === 0 ? { m: 0, e: 1 } : result;
  });
  const each = all.length === 1 ? new Array<Multiplier>(n).fill(all[0]!) : all;
  if (each.length !== n) {
    throw new UnsupportedError(`node ${node.name}: expected ${n} scales of "${weights}", got ${scales.length}`);
  }
  return { m: each.map(({ m }) => m), e: each.map(({ e }) => e) };
}

/** Weights and fields of a matrix product, or of the pointwise half of a separable step. */
function matrix(
  node: Node,
  half: { weights: string; bias?: string; clamp?: Clamp },
  from: Quantization,
  to: Quantization,
  k: number,
  n: number,
  context: Context,
  kind: "conv" | "dense",
): { w: Packed; fields: StepFields } {
  const { m, e } = factors(node, half.weights, from, to, n, context, kind);
  const zero = affineOf(from).zeroPoint;
  const { lo: qlo, hi: qhi } = activationBounds(half.clamp, to, "int8");
  const zy = affineOf(to).zeroPoint;
  const zw = context.graph.constants.get(half.weights)!.quantization!.zeroPoints[0]!;
  const bounds = { lo: qlo - zy, hi: qhi - zy };
  const w = {
    layout: "matrix_s8" as const,
    weights: half.weights,
    bias: half.bias,
    k,
    n,
    zero,
    m,
    e,
    bounds,
    single: k < 256,
  };
  const fast = fastHolds(w, context.graph);
  return { w, fields: { zx: zero, zw, zy, qlo, qhi, flags: fast ? FLAGS.FAST_POINTWISE : 0 } };
}

/**
 * Weights and fields of a depthwise convolution as the first half of a separable step: zero point zm, bounds qlo2 and
 * qhi2, channels midC.
 */
function depthwise(
  node: Node,
  half: Window & { weights: string; bias?: string; clamp?: Clamp },
  input: string,
  to: Quantization,
  context: Context,
): { w: Packed; fields: StepFields } {
  const [kH, kW, inC, multiplier] = dims(half.weights, context) as readonly [number, number, number, number];
  const midC = inC * multiplier;
  const from = meaning(input, context);
  const { m, e } = factors(node, half.weights, from, to, midC, context, "conv");
  const { lo: qlo2, hi: qhi2 } = activationBounds(half.clamp, to, "int8");
  const zm = affineOf(to).zeroPoint;
  const zx = affineOf(from).zeroPoint;
  const zw = context.graph.constants.get(half.weights)!.quantization!.zeroPoints[0]!;
  const w = {
    layout: "depthwise_s8" as const,
    weights: half.weights,
    bias: half.bias,
    k: kH * kW,
    n: midC,
    zero: zx,
    m,
    e,
    bounds: { lo: qlo2 - zm, hi: qhi2 - zm },
    // Of more channels there are few pixels each.
    single: midC <= 512,
  };
  const flags = fastHolds(w, context.graph) ? FLAGS.FAST_DEPTHWISE : 0;
  return {
    w,
    fields: {
      ...windowFields(half, [kH, kW], input, shapeOf(node.name, context), context),
      ...{ multiplier, midC, zx, zw, zm, qlo2, qhi2, flags },
    },
  };
}

/** A matrix product of so many rows. */
function pointwise(of: Pick<Lowered, "x" | "w">, fields: StepFields, rows: number, inC: number, outC: number): Lowered {
  const sizes = { ...fields, inC, outC, tile: panelRows(PANEL, fours(inC), inC * outC, rows) };
  if (rows === 1) return step("dense_s8", of, { ...sizes, rows: columnUnits(outC) });
  return step("pwconv_s8", of, { ...sizes, rows });
}

/** A step with the scratch that it needs. */
function step(kernel: Kernel, of: Pick<Lowered, "x" | "w" | "w2">, fields: StepFields): Lowered {
  return { kernel, ...of, scratchBytes: scratchOf(kernel, fields), fields };
}

function pool(kernel: Kernel, node: Extract<Node, { op: "maxPool" | "averagePool" }>, context: Context): Lowered {
  const x = node.inputs[0]!;
  requireSame(node, x, context);
  const y = shapeOf(node.name, context);
  // A mean rounds the file's own numbers, which may be unsigned.
  const zx = kernel === "avgpool_s8" && outputOf(node).unsigned ? 128 : 0;
  return {
    kernel,
    x,
    fields: { ...poolFields(node, x, y, context), zx, outC: y[3]!, ...bounds(node.clamp, node) },
  };
}

/** The results, within 8 bits, of all 256 inputs: `of` gives them, not yet bounded. */
function looked(of: (q: number) => number): readonly number[] {
  return Array.from({ length: 256 }, (_, byte) => {
    return Math.min(127, Math.max(-128, of(byte < 128 ? byte : byte - 256))) & 255;
  });
}

/** A step that looks its result up, of both meanings. */
function table(node: Node, context: Context, of: (q: number, from: Affine, to: Affine) => number): Lowered {
  const from = affineOf(meaning(node.inputs[0]!, context));
  const to = affineOf(outputOf(node));
  const bytes = looked((q) => of(q, from, to));
  return { ...elementwise("lut_s8", node, context, {}), w: { layout: "bytes", bytes } };
}

/**
 * All 256 numbers of a part of a concatenation in the meaning of the whole. For unsigned bytes TFLite computes them in
 * float32, from the file's own numbers; signed ones it does not join unless their meanings are equal: converters put a
 * QUANTIZE before, whose numbers these are.
 */
function joined(part: Quantization, whole: Quantization): readonly number[] {
  const [from, to] = [affineOf(part), affineOf(whole)];
  if (!whole.unsigned) return looked((q) => rescaled(q, from, to));
  const scale = Math.fround(Math.fround(from.scale) * Math.fround(1 / Math.fround(to.scale)));
  const bias = Math.fround(-(from.zeroPoint + 128) * scale);
  return looked((q) => roundAway(Math.fround(Math.fround((q + 128) * scale) + bias)) + to.zeroPoint);
}

/** q of one meaning in another one. */
function rescaled(q: number, from: Affine, to: Affine): number {
  return multiplied(q - from.zeroPoint, quantizeMultiplier(from.scale / to.scale)) + to.zeroPoint;
}

/** A table of a function of real numbers, rounded to the nearest: what TFLite's default kernels look up. */
function realTable(node: Node, context: Context, f: (x: number) => number): Lowered {
  return table(node, context, (q, from, to) => {
    const x = Math.fround(Math.fround(from.scale) * (q - from.zeroPoint));
    return roundAway(Math.fround(Math.fround(f(x)) / Math.fround(to.scale))) + to.zeroPoint;
  });
}

/** Small networks want little memory, large weights want to be passed over seldom; sums are taken of fours. */
const PANEL: PanelSize = { least: 1024, most: 64 * 1024, element: 2 };

const fours = (k: number) => k + (-k & 3);
