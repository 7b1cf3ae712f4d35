/**
 * Where every byte lies and which kernel runs in which order: a pure function of the graph. It knows the total before
 * anything is allocated, and it needs no weights for that.
 *
 *     [ static data | step records | schedule | packed weights | arena: values and scratch | SLACK ]
 *     0             BASE                                                                       total
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { DType, Graph, Node, Quantization, Shape } from "../../graph/graph.ts";
import { canBeWhole, isByte, typeOf } from "../../graph/quant.ts";
import { sizeOf } from "../../graph/references.ts";
import { inferShapes } from "../../graph/shape.ts";
import { ALIGN, BASE, SLACK } from "../abi.ts";
import { lower } from "../lower/index.ts";
import type { Context, Lowered } from "../lower/lowering.ts";
import { type Packed, packedBytes, stagingBytes } from "../lower/packed.ts";
import { KERNELS, type Kernel, STEP_BYTES, type StepFields } from "../step.ts";
import { type Lifetime, placeLifetimes } from "./arena.ts";
import { ENTRY_BYTES, type ScheduleEntry, wholeSteps } from "./schedule.ts";

/** What a session needs, in bytes: the other parts sum to `total`. */
export interface MemoryUse {
  /** The kernels' own static data, and what they may read past the end. */
  readonly module: number;
  /** Step records, and the schedule of them. */
  readonly steps: number;
  /** Packed weights. */
  readonly weights: number;
  /** Activations, scratch, inputs and outputs, as far as they are alive at the same time. */
  readonly arena: number;
  /** All of it. A host gives it in pages of 65,536. */
  readonly total: number;
}

/** One step with its addresses. */
export interface PlannedStep {
  readonly kernel: Kernel;
  /** The node it computes (a part of). */
  readonly node: Node;
  readonly fields: StepFields;
}

/** Weights to be packed at a byte address. */
export interface PlannedWeights {
  readonly address: number;
  /** Bytes that packing writes there. */
  readonly bytes: number;
  readonly packed: Packed;
}

/** A value that the host may write or read. */
export interface PlannedValue {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly quantization?: Quantization | undefined;
  readonly address: number;
}

/** A network laid out in memory. */
export interface Plan {
  readonly memory: MemoryUse;
  readonly steps: readonly PlannedStep[];
  readonly weights: readonly PlannedWeights[];
  /** In which order the kernels compute which units of the steps. */
  readonly schedule: readonly ScheduleEntry[];
  /** Byte addresses of the first step record and of the schedule's first entry. */
  readonly stepsAt: number;
  readonly scheduleAt: number;
  /** First byte of the arena; before the first run it serves as staging area for packing. */
  readonly arena: number;
  /** Graph inputs, outputs and kept values by name. */
  readonly values: ReadonlyMap<string, PlannedValue>;
  /** Shapes of all values. */
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** A step while its addresses are being found. */
interface Draft extends Lowered {
  readonly node: Node;
}

/**
 * Lays a graph out in memory.
 * @param graph an optimized graph (no batch norms left); constants need no data
 * @param keep names of values, beside the outputs, that must be readable after a run
 */
export function plan(graph: Graph, keep: ReadonlySet<string> = new Set()): Plan {
  const types = new Map<string, DType>();
  for (const value of [...graph.inputs, ...graph.nodes]) {
    const { name, dtype = "float32" } = value;
    if (dtype === "int32" && !("op" in value && canBeWhole(value.op))) {
      throw new UnsupportedError(`value ${name}: expected float32 or 8 bits, got int32`);
    }
    types.set(name, dtype);
  }
  const context: Context = { graph, shapes: inferShapes(graph) };
  const drafts: Draft[] = graph.nodes.flatMap((node) => lower(node, context).map((step) => ({ ...step, node })));
  const roots = findRoots(graph);
  const readable = new Set([...graph.outputs, ...keep]);
  const named = [...graph.inputs.map(({ name }) => name), ...readable];
  const weights = placeWeights(drafts.flatMap(({ w, w2 }) => [w, w2]));
  const buffers = findLifetimes(context, types, drafts, roots, readable);
  const lifetimes = [...new Set(buffers.values())];
  const scratch = drafts.flatMap(({ scratchBytes }, i) =>
    scratchBytes ? [{ bytes: padded(scratchBytes), first: i, last: i, step: i }] : [],
  );
  const placed = placeLifetimes([...lifetimes, ...scratch]);
  // Weights are packed by way of the arena, a few rows at a time: one row of each must fit.
  const staging = Math.max(0, ...weights.list.map(({ packed }) => padded(stagingBytes(packed))));
  const arena = { ...placed, bytes: Math.max(placed.bytes, staging) };

  const schedule = wholeSteps(drafts);
  const scheduleAt = BASE + drafts.length * STEP_BYTES;
  const weightsAt = scheduleAt + schedule.length * ENTRY_BYTES;
  const arenaAt = weightsAt + weights.bytes;
  const bufferOffset = new Map(lifetimes.map((buffer, i) => [buffer, arena.offsets[i]!]));
  const packedAt = (packed: Packed | undefined) => (packed ? weightsAt + weights.offsets.get(keyOf(packed))! : 0);
  const addressOf = (name: string) => arenaAt + bufferOffset.get(buffers.get(roots.get(name)!)!)!;
  const scratchAt = new Map(scratch.map(({ step }, i) => [step, arenaAt + arena.offsets[lifetimes.length + i]!]));

  return {
    memory: {
      ...{ module: BASE + SLACK, steps: weightsAt - BASE, weights: weights.bytes, arena: arena.bytes },
      total: arenaAt + arena.bytes + SLACK,
    },
    steps: drafts.map(({ kernel, node, x, x2, w, w2, yOffset = 0, fields }, i) => ({
      kernel,
      node,
      fields: {
        ...fields,
        kernel: KERNELS[kernel],
        x: addressOf(x),
        x2: x2 === undefined ? 0 : addressOf(x2),
        w: packedAt(w),
        w2: packedAt(w2),
        y: addressOf(node.name) + yOffset,
        s: scratchAt.get(i) ?? 0,
      },
    })),
    weights: weights.list.map(({ packed, offset }) => ({
      ...{ packed, address: weightsAt + offset, bytes: packedBytes(packed) },
    })),
    schedule,
    ...{ stepsAt: BASE, scheduleAt },
    arena: arenaAt,
    shapes: context.shapes,
    values: new Map(
      named.map((name) => {
        const address = addressOf(name);
        return [name, { name, shape: context.shapes.get(name)!, ...typeOf(name, graph), address }];
      }),
    ),
  };
}

function padded(bytes: number): number {
  return Math.ceil((bytes + SLACK) / ALIGN) * ALIGN;
}

function keyOf(packed: Packed): string {
  return JSON.stringify(packed);
}

/** Gives every distinct set of weights its place; those that are the same are packed once. */
function placeWeights(all: readonly (Packed | undefined)[]) {
  const offsets = new Map<string, number>();
  const list: { packed: Packed; offset: number }[] = [];
  let bytes = 0;
  for (const packed of all) {
    if (packed === undefined || offsets.has(keyOf(packed))) continue;
    offsets.set(keyOf(packed), bytes);
    list.push({ packed, offset: bytes });
    bytes += padded(packedBytes(packed));
  }
  return { offsets, list, bytes };
}

/** The names under which bytes were computed: reshapes only rename their input. */
function findRoots(graph: Graph): ReadonlyMap<string, string> {
  const roots = new Map<string, string>();
  for (const { name } of graph.inputs) roots.set(name, name);
  for (const { name, op, inputs } of graph.nodes) {
    roots.set(name, op === "reshape" || op === "identity" ? roots.get(inputs[0]!)! : name);
  }
  return roots;
}

/** The buffer of every root that is computed or given: which share one, and from which step to which it is needed. */
function findLifetimes(
  { graph, shapes }: Context,
  types: ReadonlyMap<string, DType>,
  drafts: readonly Draft[],
  roots: ReadonlyMap<string, string>,
  readable: ReadonlySet<string>,
): ReadonlyMap<string, Lifetime> {
  const lastRead = new Map<string, number>();
  drafts.forEach(({ x, x2 = x }, i) => {
    for (const name of [x, x2]) lastRead.set(roots.get(name)!, i);
  });
  for (const name of readable) lastRead.set(roots.get(name)!, drafts.length);

  const buffers = new Map<string, { bytes: number; first: number; last: number }>();
  for (const { name } of graph.inputs) {
    buffers.set(name, { bytes: bytesOf(name), first: -1, last: lastRead.get(name) ?? -1 });
  }
  let step = 0;
  for (const node of graph.nodes) {
    if (roots.get(node.name) !== node.name) continue;
    const first = step;
    while (drafts[step]?.node === node) step++;
    const last = Math.max(step - 1, lastRead.get(node.name) ?? 0);
    // A value that ends here may be overwritten: the input too, every run brings its own.
    const ending = node.inputs
      .map((name) => roots.get(name)!)
      .filter((root) => numbersOf(root) === numbersOf(node.name))
      .map((root) => buffers.get(root))
      .find((buffer) => buffer?.last === first);
    if (drafts[first]?.inPlace && ending) {
      ending.last = last;
      buffers.set(node.name, ending);
    } else {
      buffers.set(node.name, { bytes: bytesOf(node.name), first, last });
    }
  }
  return buffers;

  function numbersOf(name: string): number {
    return (isByte(types.get(name)) ? 1 : 4) * sizeOf(shapes.get(name)!);
  }
  function bytesOf(name: string): number {
    return padded(numbersOf(name));
  }
}
