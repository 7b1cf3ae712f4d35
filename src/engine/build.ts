/**
 * From a graph to a session: validate, name the end points, optimize, plan, check the budget, then (and only then)
 * allocate.
 * @module
 */
import { checkBytes, checkOptions, kindOf } from "../arguments.ts";
import { LoadError, MemoryError, UnsupportedError } from "../errors.ts";
import { withBatch } from "../graph/batch.ts";
import { multiplyAdds } from "../graph/cost.ts";
import { type GraphLike, graphGiven } from "../graph/given.ts";
import type { Graph } from "../graph/graph.ts";
import { initialize, type Weights, withWeights } from "../graph/initialize.ts";
import { optimize } from "../graph/passes/index.ts";
import { inferShapes } from "../graph/shape.ts";
import { validate } from "../graph/validate.ts";
import { Budget, type Limits } from "../limits.ts";
import { turns } from "../turn.ts";
import type { Crew } from "./host/crew.ts";
import { LinearMemory } from "./host/memory.ts";
import { pack } from "./host/pack.ts";
import type { Product } from "./host/product.ts";
import { Schedules } from "./host/schedules.ts";
import { Session, type SessionParts } from "./host/session.ts";
import { type ThreadCount, type Threading, threadingOf } from "./host/threads.ts";
import { packingOf } from "./image.ts";
import { manifestOf } from "./manifest.ts";
import type { MemoryMode } from "./plan/chains.ts";
import { checkPlan } from "./plan/check.ts";
import { type Layout, type MemoryUse, type Plan, plan } from "./plan/plan.ts";
import { ENTRY_BYTES, writeEntry } from "./plan/schedule.ts";
import { STEP_BYTES, writeStep } from "./step.ts";
import { type KernelOptions, type Kernels, kernelsFor, loadKernels } from "./variant.ts";

/** How far a model is on its way to a session. */
export interface Progress {
  /** `read`: bytes of the model's files; `pack`: sets of weights brought into the kernels' order. */
  readonly phase: "read" | "pack";
  /** The file that is being read. */
  readonly file?: string;
  readonly done: number;
  /** 0 while it isn't known. */
  readonly total: number;
}

/** What decides the layout of a network in memory. */
export interface PlanOptions {
  /**
   * Values that a run shall answer beside the outputs: names of nodes, or of the graph's own end points such as
   * `block11`.
   */
  readonly endPoints?: readonly string[] | undefined;
  /** Images a run; 1 unless the graph says otherwise. */
  readonly batch?: number | undefined;
  /** Bytes that the session may take at most. */
  readonly maxMemory?: number | undefined;
  /**
   * What counts more. `"fast"`: every value between two layers is whole. `"balanced"`: layers whose values are large
   * are computed row by row, of which only a few exist at a time, where that is expected to cost no more than 2 % of
   * the time. `"small"`: as little memory as there can be. By default `"balanced"` where whole values take more than a
   * MB at a time, else `"fast"`. The answers are the same, to the bit.
   */
  readonly memory?: MemoryMode | undefined;
  /**
   * The input comes in row by row and is never whole: see `Session.feed`. There is no view of it then (`input`,
   * `compute`), and `run` feeds the rows itself.
   */
  readonly feed?: boolean | undefined;
  /**
   * Threads that share the work of each run, this one included; 1 by default. `"auto"`: as many as the host has cores,
   * fewer for networks that are too small to gain by them. Each has scratch of its own, so that activations take a
   * little more. Where threads cannot share memory there is one, and `Session.fewerThreads` says why. The answers are
   * the same, to the bit.
   */
  readonly threads?: ThreadCount | undefined;
}

/**
 * What can be asked of {@link build}. Without `variant`, the kernels are the fastest ones that this host computes
 * rightly.
 */
export interface BuildOptions extends PlanOptions, KernelOptions {
  /**
   * Weights by the names of the graph's constants: all that the graph lacks. Without this option they are drawn at
   * random.
   */
  readonly weights?: Weights | undefined;
  /** Seed of the random weights. */
  readonly seed?: number | undefined;
  /** Stops reading and packing; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called as the model is read, in bytes of each file, and as its weights are packed, in sets of them. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Names of all options, for those that misspell one. */
export const PLAN_OPTIONS = [
  "endPoints",
  "batch",
  "maxMemory",
  "memory",
  "feed",
  "threads",
] as const satisfies readonly (keyof PlanOptions)[];
/** The same for {@link build}. */
export const BUILD_OPTIONS = [
  ...PLAN_OPTIONS,
  ...(["variant", "wasm", "weights", "seed", "signal", "onProgress"] as const),
] satisfies readonly (keyof BuildOptions)[];

/** What of a layout is given, and not chosen. */
type Given = Pick<Layout, "chain" | "lanes">;

/** A plan with what it was made of. */
interface Prepared {
  readonly optimized: Graph;
  readonly plan: Plan;
  readonly threading: Threading;
  readonly endPoints: ReadonlyMap<string, string>;
}

/**
 * Makes a graph ready to run.
 * @param given a graph, or a session, of whose graph another one is made
 * @throws {@link MemoryError} before anything is allocated, when the plan needs more than `maxMemory`
 * @throws `RangeError` for an end point that the graph doesn't have, naming those that it has; `TypeError` for what is
 *   no graph, or no option
 * @example
 * ```js
 * import { build, mobilenetV1 } from "sepconv";
 *
 * const net = await build(mobilenetV1({ alpha: 0.25, resolution: 96 }), { endPoints: ["block11"] });
 * const { output, endPoints } = net.run(new Float32Array(96 * 96 * 3));
 * console.log(output.length, endPoints.block11.length); // 1001 4608
 * ```
 */
export async function build(given: GraphLike, options: BuildOptions = {}): Promise<Session> {
  checkOptions("build", options, BUILD_OPTIONS);
  return buildGraph(graphGiven("build", given), options);
}

/**
 * {@link build} of a graph; `given`: what stands fixed of its layout, see `Layout`, the product that a debug build
 * emulates, and kernels that are there already.
 */
export async function buildGraph(
  graph: Graph,
  options: BuildOptions,
  { product, kernels: ready, ...given }: Given & { readonly product?: Product; readonly kernels?: Kernels } = {},
): Promise<Session> {
  options.signal?.throwIfAborted();
  const kernels = ready ? Promise.resolve(ready) : kernelsFor(options);
  // Handled below; planning may throw first.
  kernels.catch(() => {});
  // Refused before a weight is drawn or copied: a plan needs none.
  if (options.maxMemory !== undefined) prepare(graph, options, given);
  const weighted = options.weights ? withWeights(graph, options.weights) : graph;
  // Only threads depend on how the kernels came.
  const rewritable = options.threads === undefined || (await kernels).bytes !== undefined;
  const prepared = prepare(initialize(weighted, options.seed), options, given, rewritable);
  const { plan, optimized, endPoints, threading } = prepared;
  const manifest = manifestOf(plan, graph, optimized, endPoints);
  const own = { graph: weighted, seed: options.seed };
  const parts = { manifest, kernels: await kernels, ...own, product, why: threading.why };
  return sessionOf(parts, threading.lanes > 1, (memory) => fill(memory, prepared, options));
}

/** A session, once `fill` has put its image where it belongs. */
async function sessionOf(
  parts: Omit<SessionParts, "memory" | "schedules" | "crew" | "products"> & { readonly product?: Product | undefined },
  threads: boolean,
  fill: (memory: LinearMemory) => Promise<void> | void,
): Promise<Session> {
  const { manifest, kernels } = parts;
  const module = threads ? await sharing(kernels) : kernels.module;
  const memory = await LinearMemory.create(module, manifest.memory.total, threads);
  await fill(memory);
  const products = manifest.steps.some(({ kernel }) => MULTIPLIES.test(kernel))
    ? await (await import("./host/product.ts")).Products.of(memory, manifest, kernels, parts.product)
    : undefined;
  const schedules = new Schedules(memory, manifest);
  const all = { ...parts, memory, schedules, products };
  if (!threads) return new Session(all);
  try {
    return new Session({ ...all, crew: await crewOf(memory, module, schedules) });
  } catch (error) {
    // One thread can follow the schedules of all lanes.
    if (!(error instanceof LoadError)) throw error;
    return new Session({ ...all, why: error.message });
  }
}

/** Kernels that multiply 8-bit numbers in a way that depends on the host. */
const MULTIPLIES = /(conv|dense|separable)_s8$/;

/** The kernels with a memory that threads share. */
async function sharing(kernels: Kernels): Promise<WebAssembly.Module> {
  const { withSharing } = await import("./host/crew.ts");
  return withSharing(kernels);
}

async function crewOf(memory: LinearMemory, module: WebAssembly.Module, schedules: Schedules): Promise<Crew> {
  const { Crew } = await import("./host/crew.ts");
  return Crew.start(memory, module, schedules);
}

/** What can be asked of {@link open}. */
export interface OpenOptions extends Pick<BuildOptions, "variant" | "wasm" | "maxMemory" | "signal"> {
  /** How much the file may ask for; see {@link Limits}. */
  readonly limits?: Partial<Limits> | undefined;
}

/**
 * A session of an image that one saved (`net.save()`): the same bits, without a reader and without packing.
 * @param file the image's bytes
 * @throws {@link FormatError} when it is damaged or would leave its memory; {@link UnsupportedError} when no build of
 *   the kernels that this host runs is the one that it was saved for; {@link MemoryError} when it needs more than
 *   `maxMemory`
 */
export async function openImage(file: Uint8Array, options: OpenOptions = {}): Promise<Session> {
  const { maxMemory, limits, signal } = options;
  checkBytes("maxMemory", maxMemory);
  const { readImage } = await import("./image-read.ts");
  const { manifest, packing, bytes } = readImage(file, maxMemory, new Budget({ limits, maxMemory, signal }));
  const kernels = await (options.variant === undefined && options.wasm === undefined && packing === "scalars"
    ? loadKernels("scalar")
    : kernelsFor(options));
  if (packingOf(kernels.variant) !== packing) {
    const fit = packing === "vectors" ? "simd or relaxed" : "scalar";
    throw new UnsupportedError(
      `image: expected kernels of ${fit}, for which its weights are packed, got ${kernels.variant}`,
    );
  }
  // One thread can follow the schedules of several lanes as well.
  const lanes = manifest.lanes.length;
  const { lanes: possible, why } = threadingOf(lanes, () => Number.POSITIVE_INFINITY, kernels.bytes !== undefined);
  return sessionOf({ manifest, kernels, why }, lanes > 1 && possible === lanes, (memory) => {
    memory.bytes(manifest.stepsAt, bytes.length).set(bytes);
    signal?.throwIfAborted();
  });
}

/** Puts a plan's step records, schedules and packed weights into its memory. */
async function fill(
  memory: LinearMemory,
  { plan, optimized }: Prepared,
  { signal, onProgress }: BuildOptions,
): Promise<void> {
  const recordAt = (step: number) => plan.stepsAt + step * STEP_BYTES;
  plan.steps.forEach(({ fields }, i) => {
    writeStep(memory.view, recordAt(i), fields);
  });
  [...plan.lanes, plan.undivided].flat().forEach((entry, i) => {
    writeEntry(memory.view, plan.scheduleAt + i * ENTRY_BYTES, recordAt, entry);
  });
  const turn = turns(signal);
  const total = plan.weights.length;
  for (const [i, { packed, address }] of plan.weights.entries()) {
    await turn();
    pack(memory, packed, address, optimized, { address: plan.arena, bytes: plan.memory.arena });
    onProgress?.({ phase: "pack", done: i + 1, total });
  }
  signal?.throwIfAborted();
}

/**
 * What a session of this graph will take, in bytes; nothing is allocated and no weights are needed.
 * @example
 * ```js
 * import { memoryRequired, mobilenetV1 } from "sepconv";
 *
 * const { weights, arena, total } = memoryRequired(mobilenetV1({ alpha: 1, resolution: 224 }));
 * console.log(weights, arena, total);
 * ```
 */
export function memoryRequired(given: GraphLike, options: PlanOptions = {}): MemoryUse {
  checkOptions("memoryRequired", options, PLAN_OPTIONS);
  return prepare(graphGiven("memoryRequired", given), options).plan.memory;
}

/** What a step is, and the bytes that live while it is computed. */
export interface Occupancy {
  readonly name: string;
  readonly live: number;
}

/** Bytes of activations, step by step, under the same options as {@link memoryRequired}. */
export function occupancy(given: GraphLike, options: PlanOptions = {}): Occupancy[] {
  checkOptions("occupancy", options, PLAN_OPTIONS);
  const { plan } = prepare(graphGiven("occupancy", given), options);
  return plan.steps.map(({ node }, i) => ({ name: node.name, live: plan.live[i]! }));
}

function prepare(source: Graph, options: PlanOptions, given: Given = {}, rewritable = true): Prepared {
  const { batch, endPoints: asked = [], maxMemory, memory, feed = false, threads = 1 } = options;
  checkBytes("maxMemory", maxMemory);
  if (memory !== undefined && !MODES.includes(memory))
    throw new RangeError(`memory: expected ${MODES.join(", ")}, got ${String(memory)}`);
  if (typeof feed !== "boolean") throw new TypeError(`feed: expected true or false, got ${kindOf(feed)}`);
  if (threads !== "auto" && !(Number.isInteger(threads) && threads >= 1))
    throw new RangeError(`threads: expected 1 or more, or "auto", got ${String(threads)}`);
  validate(source);
  const graph = batch === undefined ? source : withBatch(source, batch);
  const endPoints = new Map(asked.map((name) => [name, resolveEndPoint(graph, name)]));
  const keep = new Set(endPoints.values());
  const threading: Threading = feed
    ? { lanes: 1, ...(threads !== 1 && { why: "rows that are fed are computed as they come, one or a few at a time" }) }
    : threadingOf(threads, () => macsOf(graph), rewritable);
  const lanes = given.lanes ?? threading.lanes;
  const optimized = optimize(graph, keep, lanes);
  const result = plan(optimized, keep, { memory, feed, chain: given.chain, lanes });
  checkPlan(result, optimized, keep);
  const { total } = result.memory;
  if (maxMemory !== undefined && !(total <= maxMemory)) {
    throw new MemoryError(`maxMemory: expected at least ${total} bytes, got ${maxMemory}`, total, maxMemory);
  }
  // Lanes that are given to one thread are followed by that one.
  return { optimized, plan: result, endPoints, threading: { ...threading, ...(threads !== 1 && { lanes }) } };
}

function macsOf(graph: Graph): number {
  const shapes = inferShapes(graph);
  return graph.nodes.reduce((sum, node) => sum + multiplyAdds(node, shapes), 0);
}

const MODES: readonly MemoryMode[] = ["fast", "balanced", "small"];

function resolveEndPoint(graph: Graph, name: string): string {
  const value = graph.endPoints.get(name) ?? name;
  if (graph.nodes.some((node) => node.name === value)) return value;
  const known = [...graph.endPoints.keys(), ...graph.nodes.map((node) => node.name)];
  throw new RangeError(`end point: expected one of ${[...new Set(known)].join(", ")}, got ${name}`);
}
