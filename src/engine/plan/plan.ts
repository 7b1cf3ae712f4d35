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
import type { Context } from "../lower/lowering.ts";
import { type Packed, packedBytes, stagingBytes } from "../lower/packed.ts";
import { KERNELS, type Kernel, STEP_BYTES, type StepFields } from "../step.ts";
import { type Lifetime, placeLifetimes } from "./arena.ts";
import { chooseChains, expectedNs, givenChain, type MemoryMode, type Outline } from "./chains.ts";
import { divided } from "./lanes.ts";
import type { Chain, Draft, Fed, RowEntry } from "./rows.ts";
import { ENTRY_BYTES, relocated, type ScheduleEntry, type WorkEntry, whole } from "./schedule.ts";

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
  /** In which order the kernels compute which units of the steps: a schedule for each lane. */
  readonly lanes: readonly (readonly ScheduleEntry[])[];
  /** Where there are several lanes, what the first one does when it works alone: all of it, undivided. */
  readonly undivided: readonly ScheduleEntry[];
  /** Byte addresses of the first step record and of the first schedule's first entry; the others follow it. */
  readonly stepsAt: number;
  readonly scheduleAt: number;
  /** Room of each lane for a copy of a step's record, whose rows lie elsewhere; 0 where no entry needs it. */
  readonly recordAt: number;
  /** First byte of the arena; before the first run it serves as staging area for packing. */
  readonly arena: number;
  /** Graph inputs, outputs and kept values by name. */
  readonly values: ReadonlyMap<string, PlannedValue>;
  /** Shapes of all values. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Bytes of values and scratch that are needed while each step is computed; the arena has room for the most. */
  readonly live: readonly number[];
}

/** How a network uses memory. */
export interface Layout {
  /** Whole tensors; rows where they cost next to nothing; or the least memory. See `chains.ts` for the default. */
  readonly memory?: MemoryMode | undefined;
  /** The input comes in row by row, and is never whole. */
  readonly feed?: boolean | undefined;
  /** Threads that share the work; 1 without. */
  readonly lanes?: number | undefined;
  /** Steps [first, last] that are computed by so many rows at a time, instead of those that would be chosen. */
  readonly chain?: { readonly first: number; readonly last: number; readonly rows: number } | undefined;
}

/**
 * Lays a graph out in memory.
 * @param graph an optimized graph (no batch norms left); constants need no data
 * @param keep names of values, beside the outputs, that must be readable after a run
 * @throws UnsupportedError where the input shall be fed and the first layers cannot be computed by rows
 */
export function plan(graph: Graph, keep: ReadonlySet<string> = new Set(), layout: Layout = {}): Plan {
  const types = new Map<string, DType>();
  for (const value of [...graph.inputs, ...graph.nodes]) {
    const { name, dtype = "float32" } = value;
    if (dtype === "int32" && !("op" in value && canBeWhole(value.op))) {
      throw new UnsupportedError(`value ${name}: expected float32 or 8 bits, got int32`);
    }
    types.set(name, dtype);
  }
  const context: Context = { graph, shapes: inferShapes(graph) };
  const lowered: Draft[] = graph.nodes.flatMap((node) => lower(node, context).map((step) => ({ ...step, node })));
  const roots = findRoots(graph);
  const readable = new Set([...graph.outputs, ...keep]);
  const named = [...graph.inputs.map(({ name }) => name), ...readable];
  const weights = placeWeights(lowered.flatMap(({ w, w2 }) => [w, w2]));
  const bytesOf = (name: string) => (isByte(types.get(name)) ? 1 : 4) * sizeOf(context.shapes.get(name)!);
  const outline: Outline = {
    ...{ drafts: lowered, shapes: context.shapes, roots, bytesOf },
    readable: new Set([...readable].map((name) => roots.get(name)!)),
    lifetimes: findLifetimes(graph, lowered, roots, readable, bytesOf, []),
  };
  const { lanes: count = 1 } = layout;
  const { chains, drafts } = chained(graph, outline, layout);
  const buffers =
    chains.length > 0 ? findLifetimes(graph, drafts, roots, readable, bytesOf, chains) : outline.lifetimes;
  const lifetimes = [...new Set(buffers.values())];
  const scratch = drafts.flatMap(({ scratchBytes }, i) =>
    scratchBytes ? [{ bytes: count * padded(scratchBytes), first: i, last: i, step: i }] : [],
  );
  const placed = placeLifetimes([...lifetimes, ...scratch]);
  // Weights are packed by way of the arena, a few rows at a time: one row of each must fit.
  const staging = Math.max(0, ...weights.list.map(({ packed }) => padded(stagingBytes(packed))));
  const arena = { ...placed, bytes: Math.max(placed.bytes, staging) };

  // Where lanes meet, and with it how long their schedules are, depends on where the bytes lie in the arena; where the
  // arena begins depends on how long the schedules are. So addresses count from the arena's start until that is known.
  const bufferOffset = new Map(lifetimes.map((buffer, i) => [buffer, arena.offsets[i]!]));
  const offsetOf = (name: string) => bufferOffset.get(buffers.get(roots.get(name)!)!)!;
  const scratchAt = new Map(scratch.map(({ step }, i) => [step, arena.offsets[lifetimes.length + i]!]));
  const pointers = drafts.map(({ node, x, x2, yOffset = 0 }, i) => ({
    ...{ x: offsetOf(x), x2: x2 === undefined ? undefined : offsetOf(x2), y: offsetOf(node.name) + yOffset },
    s: scratchAt.get(i),
  }));
  const inputs = graph.inputs.map(({ name }) => name);
  const schedule = ordered(drafts, chains).map((entry) =>
    "do" in entry ? addressed(entry, (name) => inputs.indexOf(name), offsetOf, pitchesOf(chains)) : entry,
  );
  const lanes = divided(
    schedule,
    drafts.map(({ kernel, node, fields, scratchBytes = 0 }, i) => ({
      ...{ kernel, fields: { ...fields, ...pointers[i], x2: pointers[i]!.x2 ?? 0, s: pointers[i]!.s ?? 0 } },
      ns: expectedNs(node, outline),
      scratch: scratchBytes > 0 ? padded(scratchBytes) : 0,
    })),
    count,
  );
  const undivided = count > 1 ? schedule : [];

  const scheduleAt = BASE + drafts.length * STEP_BYTES;
  const scheduleEnd = scheduleAt + [...lanes, undivided].reduce((sum, { length }) => sum + length, 0) * ENTRY_BYTES;
  const weightsAt = scheduleEnd + (chains.length > 0 || count > 1 ? count * STEP_BYTES : 0);
  const arenaAt = weightsAt + weights.bytes;
  const packedAt = (packed: Packed | undefined) => (packed ? weightsAt + weights.offsets.get(keyOf(packed))! : 0);
  const inArena = (offset: number | undefined) => (offset === undefined ? 0 : arenaAt + offset);

  return {
    memory: {
      ...{ module: BASE + SLACK, steps: weightsAt - BASE, weights: weights.bytes, arena: arena.bytes },
      total: arenaAt + arena.bytes + SLACK,
    },
    steps: drafts.map(({ kernel, node, w, w2, fields }, i) => ({
      kernel,
      node,
      fields: {
        ...fields,
        kernel: KERNELS[kernel],
        x: inArena(pointers[i]!.x),
        x2: inArena(pointers[i]!.x2),
        w: packedAt(w),
        w2: packedAt(w2),
        y: inArena(pointers[i]!.y),
        s: inArena(pointers[i]!.s),
      },
    })),
    weights: weights.list.map(({ packed, offset }) => ({
      ...{ packed, address: weightsAt + offset, bytes: packedBytes(packed) },
    })),
    lanes: lanes.map((entries) => entries.map((entry) => relocated(entry, arenaAt))),
    undivided: undivided.map((entry) => relocated(entry, arenaAt)),
    ...{ stepsAt: BASE, scheduleAt, recordAt: weightsAt > scheduleEnd ? scheduleEnd : 0 },
    arena: arenaAt,
    shapes: context.shapes,
    live: drafts.map((_, i) => liveAt(i, [...lifetimes, ...scratch], chains)),
    values: new Map(
      named.map((name) => {
        const address = inArena(offsetOf(name));
        return [name, { name, shape: context.shapes.get(name)!, ...typeOf(name, graph), address }];
      }),
    ),
  };
}

/** Bytes that live while a step is computed, and all others of its chain with it; of scratch, one at a time. */
function liveAt(step: number, lifetimes: readonly (Lifetime & { readonly step?: number })[], chains: readonly Chain[]) {
  const { first, last } = chains.find((chain) => chain.first <= step && step <= chain.last) ?? {
    first: step,
    last: step,
  };
  const alive = lifetimes.filter((one) => one.first <= last && one.last >= first);
  const scratch = alive.filter((one) => one.step !== undefined).map(({ bytes }) => bytes);
  const values = alive.filter((one) => one.step === undefined);
  return values.reduce((sum, { bytes }) => sum + bytes, Math.max(0, ...scratch));
}

/** The chains that the layout asks for. */
function chained(graph: Graph, outline: Outline, { memory, feed = false, chain, lanes }: Layout) {
  if (chain) return givenChain(outline, chain);
  if (!feed) return chooseChains(outline, memory, lanes);
  const { name, shape } = graph.inputs[0]!;
  if (graph.inputs.length !== 1) {
    throw new UnsupportedError(`feed: expected a network of one input, got ${graph.inputs.length}`);
  }
  const fed: Fed = { name, height: shape[1]!, pitch: outline.bytesOf(name) / shape[1]! };
  const chosen = shape.length === 4 ? chooseChains(outline, memory, lanes, fed) : undefined;
  if (!chosen?.chains[0]?.rings.has(name)) {
    throw new UnsupportedError(
      `feed: expected a network whose first layers can be computed row by row, got ${graph.name}`,
    );
  }
  return chosen;
}

/** The steps in their order, those of chains by rows. */
function ordered(drafts: readonly Draft[], chains: readonly Chain[]): (WorkEntry | RowEntry)[] {
  return drafts.flatMap<WorkEntry | RowEntry>(({ fields }, i) => {
    const chain = chains.find(({ first, last }) => first <= i && i <= last);
    if (chain) return i === chain.first ? chain.entries : [];
    return whole(i, fields);
  });
}

/** Bytes of a row of each value that slides. */
function pitchesOf(chains: readonly Chain[]): ReadonlyMap<string, number> {
  return new Map(chains.flatMap(({ rings }) => [...rings.values()].map(({ name, pitch }) => [name, pitch] as const)));
}

/** An entry by rows, in bytes. */
function addressed(
  entry: RowEntry,
  inputOf: (name: string) => number,
  addressOf: (name: string) => number,
  pitches: ReadonlyMap<string, number>,
): WorkEntry {
  if (entry.do === "compute") {
    const { stage, rows, lows } = entry;
    const shift = (name: string | undefined, low = 0) =>
      name === undefined || low === 0 ? 0 : -low * pitches.get(name)!;
    const [x, x2] = stage.reads;
    const moved = {
      ...{ x: shift(x, lows[0]), x2: x2 === undefined ? 0 : shift(x2, lows[1]) },
      y: shift(stage.name, lows.at(-1)),
    };
    return { step: stage.step, u0: rows[0] * stage.units, u1: rows[1] * stage.units, moved };
  }
  const pitch = pitches.get(entry.name)!;
  const address = addressOf(entry.name);
  if (entry.do === "move") return { move: address, dropped: entry.dropped * pitch, kept: entry.kept * pitch };
  return { feed: inputOf(entry.name), r0: entry.rows[0], r1: entry.rows[1], address: address + entry.at * pitch };
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

/**
 * The buffer of every root that is computed or given: which share one, and from which step to which it is needed. All
 * steps of a chain go on at the same time; what slides between them has room for some rows only.
 */
function findLifetimes(
  graph: Graph,
  drafts: readonly Draft[],
  roots: ReadonlyMap<string, string>,
  readable: ReadonlySet<string>,
  bytesOf: (name: string) => number,
  chains: readonly Chain[],
): ReadonlyMap<string, Lifetime> {
  const chainAt = (step: number) => chains.find(({ first, last }) => first <= step && step <= last);
  const rings = new Map(chains.flatMap((chain) => [...chain.rings].map(([name, ring]) => [name, { chain, ring }])));
  const lastRead = new Map<string, number>();
  drafts.forEach(({ x, x2 = x }, i) => {
    for (const name of [x, x2]) lastRead.set(roots.get(name)!, chainAt(i)?.last ?? i);
  });
  for (const name of readable) lastRead.set(roots.get(name)!, drafts.length);

  const buffers = new Map<string, { bytes: number; first: number; last: number }>();
  const slides = (name: string) => {
    const sliding = rings.get(name);
    if (sliding === undefined) return false;
    const { chain, ring } = sliding;
    buffers.set(name, { bytes: padded(ring.rows * ring.pitch), first: chain.first, last: chain.last });
    return true;
  };
  for (const { name } of graph.inputs) {
    if (!slides(name)) buffers.set(name, { bytes: padded(bytesOf(name)), first: -1, last: lastRead.get(name) ?? -1 });
  }
  let step = 0;
  for (const node of graph.nodes) {
    if (roots.get(node.name) !== node.name) continue;
    const first = step;
    while (drafts[step]?.node === node) step++;
    if (slides(node.name)) continue;
    const chain = chainAt(first);
    const last = Math.max(step - 1, lastRead.get(node.name) ?? 0);
    if (chain) {
      buffers.set(node.name, { bytes: padded(bytesOf(node.name)), first: chain.first, last });
      continue;
    }
    // A value that ends here may be overwritten: the input too, every run brings its own.
    const ending = node.inputs
      .map((name) => roots.get(name)!)
      .filter((root) => bytesOf(root) === bytesOf(node.name))
      .map((root) => buffers.get(root))
      .find((buffer) => buffer?.last === first);
    if (drafts[first]?.inPlace && ending) {
      ending.last = last;
      buffers.set(node.name, ending);
    } else {
      buffers.set(node.name, { bytes: padded(bytesOf(node.name)), first, last });
    }
  }
  return buffers;
}
