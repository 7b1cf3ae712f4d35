/**
 * What pixels a network wants that brings them into its own range itself, by a stage of multiplications and additions
 * (Keras's `Rescaling`, `Normalization` or `preprocess_input`, a MUL and SUB in front of a TFLite network).
 * @module
 */
import type { Constant, Graph, Node, Normalization } from "./graph.ts";
import { padsChannels } from "./ops/pad.ts";
import { readersOf } from "./references.ts";

/** Ranges in which pixels are handed to networks, and how pixels (0 … 255) come into them. */
const RANGES: readonly { readonly lo: number; readonly hi: number; readonly normalization: Normalization }[] = [
  { lo: 0, hi: 255, normalization: { mean: 0, std: 1 } },
  { lo: 0, hi: 1, normalization: { mean: 0, std: 255 } },
  { lo: -1, hi: 1, normalization: { mean: 127.5, std: 127.5 } },
];

/** What such stages end in, beside numbers of mean 0 and deviation 1. */
const TARGETS: readonly (readonly [lo: number, hi: number])[] = [
  [0, 1],
  [-1, 1],
  [-0.5, 0.5],
  [0, 255],
  [-128, 127],
];

/** y = x·scale + shift, of each channel; one entry serves all. */
interface Stage {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** Ops that leave a pixel's range what it is (of a pad, unless it moves the channels). */
const PASSING: ReadonlySet<Node["op"]> = new Set(["identity", "resizeBilinear", "reshape", "pad"]);

/**
 * How pixels become the first input of a network that begins with a stage of its own: those in the one range which that
 * stage brings into a range that networks compute in. Undefined where there is no such stage, or it fits no range.
 */
export function ownNormalization(graph: Graph): Normalization | undefined {
  const stage = stageOf(graph);
  if (stage === undefined) return undefined;
  return RANGES.find(({ lo, hi }) => fits(stage, lo, hi))?.normalization;
}

function fits({ scale, shift }: Stage, lo: number, hi: number): boolean {
  const ends = scale.map((s, c) => [lo * s + shift[c]!, hi * s + shift[c]!].sort((a, b) => a - b) as [number, number]);
  const near = (a: number, b: number, span: number) => Math.abs(a - b) <= 0.02 * span;
  const into = TARGETS.some(([from, to]) => ends.every(([a, b]) => near(a, from, to - from) && near(b, to, to - from)));
  // Mean 0, deviation 1: pictures reach from about −2 to 2.7; or the mean alone was taken off.
  const standardized = ends.every(([a, b]) => a <= -1.2 && a >= -4 && b >= 1 && b <= 4);
  const centered = ends.every(([a, b]) => near(b - a, 255, 255) && a <= -90 && a >= -135);
  return into || standardized || centered;
}

/**
 * All multiplications and additions that follow the first input before anything else does; undefined where none does.
 */
function stageOf(graph: Graph): Stage | undefined {
  const readers = readersOf(graph);
  let stage: Stage | undefined;
  for (let name = graph.inputs[0]?.name; name !== undefined; ) {
    const [next, ...others] = readers.get(name) ?? [];
    if (next === undefined || others.length > 0) return stage;
    if (next.op === "pad" && padsChannels(next)) return stage;
    const step = PASSING.has(next.op) ? { scale: [1], shift: [0] } : stepOf(next, graph);
    if (step === undefined) return stage;
    if (!PASSING.has(next.op)) stage = joined(stage ?? { scale: [1], shift: [0] }, step);
    name = next.name;
  }
  return stage;
}

function stepOf(node: Node, { constants }: Graph): Stage | undefined {
  const data = (name: string | undefined, otherwise: number): readonly number[] | undefined => {
    if (name === undefined) return [otherwise];
    const constant: Constant | undefined = constants.get(name);
    return constant?.data instanceof Float32Array ? [...constant.data] : undefined;
  };
  if (node.op === "scaleShift") {
    if (node.clamp !== undefined) return undefined;
    const [scale, shift] = [data(node.scale, 1), data(node.shift, 0)];
    return scale && shift && { scale, shift };
  }
  if (node.op !== "batchNorm") return undefined;
  const [gamma, beta, mean, variance] = [
    ...[data(node.gamma, 1), data(node.beta, 0), data(node.mean, 0), data(node.variance, 1)],
  ];
  if (!gamma || !beta || !mean || !variance) return undefined;
  const scale = mean.map((_, c) => at(gamma, c) / Math.sqrt(at(variance, c) + node.epsilon));
  return { scale, shift: mean.map((m, c) => at(beta, c) - m * scale[c]!) };
}

function joined(first: Stage, then: Stage): Stage {
  const length = Math.max(first.scale.length, then.scale.length);
  const each = (of: (c: number) => number) => Array.from({ length }, (_, c) => of(c));
  return {
    scale: each((c) => at(first.scale, c) * at(then.scale, c)),
    shift: each((c) => at(first.shift, c) * at(then.scale, c) + at(then.shift, c)),
  };
}

function at(list: readonly number[], channel: number): number {
  return list.length === 1 ? list[0]! : list[channel]!;
}
