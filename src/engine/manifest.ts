/**
 * What whoever runs an image must know of it, as plain JSON: what goes in and comes out, where, and what it means.
 * @module
 */
import { multiplyAdds } from "../graph/cost.ts";
import type { DType, Graph, Node, Op, Quantization, Shape, Source } from "../graph/graph.ts";
import type { MemoryUse, Plan, PlannedValue } from "./plan/plan.ts";
import type { Kernel } from "./step.ts";

/** A value that the host writes or reads. */
export interface ManifestValue {
  /** The name that callers use. */
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly quantization?: Quantization;
  /** Byte address in the session's memory. */
  readonly address: number;
  /** It comes in row by row: the address is that of a buffer for some of them. */
  readonly fed?: true;
  /** The op that its numbers come from, those aside that leave numbers what they are. */
  readonly op?: Op;
}

/** What a step computes, for profiles. */
export interface ManifestStep {
  readonly name: string;
  readonly op: Op;
  readonly kernel: Kernel;
  readonly shape: Shape;
  /** Multiply-adds. */
  readonly macs: number;
}

/** A network as its image has it. */
export interface Manifest {
  readonly name: string;
  /** Where it came from, its pixel range, its class names, its boxes. */
  readonly source: Source;
  readonly memory: MemoryUse;
  /** Byte addresses of the first step record, of the first entry of the first schedule, of the arena. */
  readonly stepsAt: number;
  readonly scheduleAt: number;
  readonly arenaAt: number;
  /** Room of each lane for a copy of a step's record, one behind the other; 0 where no entry needs it. */
  readonly recordAt: number;
  /** Entries of each lane's schedule, one behind the other. */
  readonly lanes: readonly number[];
  /** Entries of the undivided schedule, behind them; 0 where there is one lane. */
  readonly undivided: number;
  readonly steps: readonly ManifestStep[];
  readonly inputs: readonly ManifestValue[];
  readonly outputs: readonly ManifestValue[];
  /** Under the names that they were asked for. */
  readonly endPoints: readonly ManifestValue[];
}

/**
 * The manifest of a plan.
 * @param graph as it was given: it has the outputs in the file's order, twice where they stand there twice
 * @param optimized what the plan was made of
 * @param endPoints names asked for → names of values in the optimized graph
 */
export function manifestOf(
  plan: Plan,
  graph: Graph,
  optimized: Graph,
  endPoints: ReadonlyMap<string, string>,
): Manifest {
  const value = (name: string, of: string): ManifestValue => {
    const { shape, dtype, quantization, address } = plan.values.get(of)!;
    const op = producer(optimized, of);
    return { name, shape, dtype, ...(quantization && { quantization }), address, ...(op && { op }) };
  };
  const fed = new Set(plan.lanes.flat().flatMap((entry) => ("feed" in entry ? [entry.feed] : [])));
  return {
    name: graph.name,
    source: graph.source,
    memory: plan.memory,
    stepsAt: plan.stepsAt,
    scheduleAt: plan.scheduleAt,
    arenaAt: plan.arena,
    recordAt: plan.recordAt,
    lanes: plan.lanes.map(({ length }) => length),
    undivided: plan.undivided.length,
    steps: plan.steps.map(({ node, kernel }) => ({
      ...{ name: node.name, op: node.op, kernel, shape: plan.shapes.get(node.name)! },
      macs: multiplyAdds(node, plan.shapes),
    })),
    inputs: optimized.inputs.map(({ name }, i) => ({
      ...value(name, name),
      ...(fed.has(i) && { fed: true as const }),
    })),
    outputs: graph.outputs.map((name) => value(name, name)),
    endPoints: [...endPoints].map(([name, of]) => value(name, of)),
  };
}

/** Bytes of a value's numbers. */
export function bytesOf({ shape, dtype }: Pick<PlannedValue, "shape" | "dtype">): number {
  return shape.reduce((product, size) => product * size, 1) * (dtype === "float32" || dtype === "int32" ? 4 : 1);
}

/** Ops that leave numbers what they are. */
const PASSING: ReadonlySet<Op> = new Set(["reshape", "identity", "quantize", "dequantize"]);

/** The op behind a value: what its numbers are. */
function producer(graph: Graph, name: string): Op | undefined {
  const nodes = new Map<string, Node>(graph.nodes.map((node) => [node.name, node]));
  for (let node = nodes.get(name); ; node = nodes.get(node.inputs[0]!)) {
    if (node === undefined || !PASSING.has(node.op)) return node?.op;
  }
}
