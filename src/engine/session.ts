/**
 * A plan loaded into one wasm instance with one memory. Running copies in, executes the step table, copies out; it allocates nothing in wasm.
 * @module
 */
import { MemoryError, ShapeError, StateError } from "../errors.ts";
import type { Constant, DType, Graph, Op, Quantisation, Shape } from "../graph/graph.ts";
import { sizeOf } from "../graph/references.ts";
import type { Packed } from "./kernels.ts";
import { LinearMemory } from "./memory.ts";
import type { MemoryUse, Plan, PlannedValue } from "./plan.ts";
import { type Kernel, STEP_BYTES, writeStep } from "./step.ts";
import type { Kernels, Variant } from "./variant.ts";

/** What a value looks like to the caller. */
export interface ValueInfo {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly quantisation?: Quantisation;
}

/** One value, or one for each input by its name. Row-major; lengths as the inputs' shapes say. */
export type RunInput = Float32Array | Readonly<Record<string, Float32Array>>;

/** What a run answers; all arrays are the caller's to keep. */
export interface RunResult {
  /** The first output. */
  readonly output: Float32Array;
  /** All outputs by name. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** The end points that were asked for when the session was made, by the names they were asked for. */
  readonly endPoints: Readonly<Record<string, Float32Array>>;
}

/** Time and work of one step. */
export interface ProfileRow {
  /** Node that the step computes. */
  readonly name: string;
  readonly op: Op;
  readonly kernel: Kernel;
  /** Shape of the node's value. */
  readonly shape: Shape;
  /** Multiply-adds. */
  readonly macs: number;
  /** Milliseconds of this one execution. */
  readonly ms: number;
}

/** What a session is made of. */
export interface SessionParts {
  /** The graph as it was given, before the passes. */
  readonly graph: Graph;
  /** The optimised graph that the plan was made of; its constants have data. */
  readonly optimised: Graph;
  readonly plan: Plan;
  readonly kernels: Kernels;
  /** Names asked for → names of values in the optimised graph. */
  readonly endPoints: ReadonlyMap<string, string>;
  readonly signal?: AbortSignal | undefined;
  readonly onPacked?: ((done: number, total: number) => void) | undefined;
}

/** A network that is ready to run. Sessions share nothing; dropping one frees all of it. */
export class Session {
  /** The graph that this session was built from. */
  readonly graph: Graph;
  /** What {@link run} takes. */
  readonly inputs: readonly ValueInfo[];
  /** What {@link run} answers. */
  readonly outputs: readonly ValueInfo[];
  /** The end points that {@link run} answers beside, by the names they were asked for. */
  readonly endPoints: readonly ValueInfo[];
  /** Bytes; fixed from the start. */
  readonly memory: MemoryUse;
  /** The build of the kernels that runs. */
  readonly variant: Variant;
  /** The compiled kernels, for whoever prepares this session's inputs with them. */
  readonly kernels: Kernels;
  #memory: LinearMemory | undefined;
  readonly #plan: Plan;
  readonly #endPointNames: ReadonlyMap<string, string>;

  private constructor(parts: SessionParts, memory: LinearMemory) {
    const { graph, optimised, plan, kernels, endPoints } = parts;
    this.graph = graph;
    this.inputs = optimised.inputs;
    this.outputs = graph.outputs.map((name) => info(name, plan.values.get(name)!));
    this.endPoints = [...endPoints].map(([name, value]) => info(name, plan.values.get(value)!));
    this.memory = plan.memory;
    this.variant = kernels.variant;
    this.kernels = kernels;
    this.#memory = memory;
    this.#plan = plan;
    this.#endPointNames = endPoints;
  }

  /**
   * Instantiates the kernels with exactly the plan's memory, writes the step table and packs the weights.
   * @throws {@link MemoryError} when the host refuses the memory
   */
  static async create(parts: SessionParts): Promise<Session> {
    const { plan, kernels, optimised, signal, onPacked } = parts;
    const memory = await LinearMemory.create(kernels.module, plan.memory.total);
    plan.steps.forEach(({ fields }, i) => {
      writeStep(memory.view, stepAddress(plan, i), fields);
    });
    plan.weights.forEach(({ packed, address }, i) => {
      signal?.throwIfAborted();
      pack(memory, packed, address, optimised, plan);
      onPacked?.(i + 1, plan.weights.length);
    });
    return new Session(parts, memory);
  }

  /**
   * Computes the network once. Synchronous: it returns when the answer is there.
   * @throws {@link ShapeError} for a wrong length, `TypeError` for a wrong kind of array or a missing input, {@link StateError} after `dispose`
   */
  run(input: RunInput): RunResult {
    const memory = this.#write(input);
    memory.exports.run(stepAddress(this.#plan, 0), 0, this.#plan.steps.length);
    return this.#read(memory);
  }

  /**
   * The memory of an input, to be written in place before each {@link compute}; by default the first one's. Taken once, it serves for all runs, since it
   * never moves; but write all of it each time: a run uses the bytes for other values once the network has read the input.
   * @throws `RangeError` for a name that the network doesn't have, {@link StateError} after `dispose`
   */
  input(name: string = this.inputs[0]!.name): Float32Array {
    return this.#view("input", name, new Map(this.inputs.map((input) => [input.name, input.name])));
  }

  /**
   * The memory of an output or of an end point that was asked for, to be read after {@link compute}; by default the first output's. Taken once, it
   * serves for all runs; the next one overwrites what it holds.
   * @throws as {@link input}
   */
  output(name: string = this.outputs[0]!.name): Float32Array {
    return this.#view(
      "output",
      name,
      new Map([...this.outputs.map((o) => [o.name, o.name] as const), ...this.#endPointNames]),
    );
  }

  /**
   * Computes the network once on what the {@link input} views hold, into the {@link output} views: {@link run} without copies and without garbage.
   * @throws {@link StateError} after `dispose`
   */
  compute(): void {
    this.#inUse().exports.run(this.#plan.stepsAt, 0, this.#plan.steps.length);
  }

  /** Runs the network step by step and says how long each took; use several runs for figures that mean something. */
  profile(input: RunInput): ProfileRow[] {
    const memory = this.#write(input);
    return this.#plan.steps.map(({ node, kernel, fields }, i) => {
      const start = performance.now();
      memory.exports.run(stepAddress(this.#plan, 0), i, i + 1);
      const ms = performance.now() - start;
      return {
        name: node.name,
        op: node.op,
        kernel,
        shape: this.#plan.shapes.get(node.name)!,
        macs: macsOf(kernel, fields),
        ms,
      };
    });
  }

  /** Lets go of the memory. Calling it again does nothing; running after it is a {@link StateError}. */
  dispose(): void {
    this.#memory = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #inUse(): LinearMemory {
    if (this.#memory === undefined) throw new StateError("session: expected one in use, got one that was disposed");
    return this.#memory;
  }

  #view(kind: string, name: string, known: ReadonlyMap<string, string>): Float32Array {
    const memory = this.#inUse();
    const value = this.#plan.values.get(known.get(name) ?? "");
    if (value === undefined)
      throw new RangeError(`${kind}: expected one of ${[...known.keys()].join(", ")}, got ${name}`);
    return memory.floats(value.address, sizeOf(value.shape));
  }

  #write(input: RunInput): LinearMemory {
    const memory = this.#inUse();
    const given = this.inputs.map(({ name, shape }) => {
      const data = ArrayBuffer.isView(input) ? (this.inputs.length === 1 ? input : undefined) : input?.[name];
      return checkInput(name, shape, data);
    });
    this.inputs.forEach(({ name }, i) => {
      memory.floats(this.#plan.values.get(name)!.address, given[i]!.length).set(given[i]!);
    });
    return memory;
  }

  #read(memory: LinearMemory): RunResult {
    const copy = (name: string) => {
      const { address, shape } = this.#plan.values.get(name)!;
      return memory.floats(address, sizeOf(shape)).slice();
    };
    const outputs = Object.fromEntries(this.outputs.map(({ name }) => [name, copy(name)]));
    const endPoints = Object.fromEntries([...this.#endPointNames].map(([name, value]) => [name, copy(value)]));
    return { output: outputs[this.outputs[0]!.name]!, outputs, endPoints };
  }
}

function info(name: string, { shape }: PlannedValue): ValueInfo {
  return { name, shape, dtype: "float32" };
}

function stepAddress(plan: Plan, index: number): number {
  return plan.stepsAt + index * STEP_BYTES;
}

function checkInput(name: string, shape: Shape, data: unknown): Float32Array {
  const expected = `a Float32Array of shape [${shape.join(", ")}]`;
  if (!(data instanceof Float32Array)) {
    const got = data === undefined ? "nothing" : ((data as object)?.constructor?.name ?? String(data));
    throw new TypeError(`input ${name}: expected ${expected}, got ${got}`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(`input ${name}: expected ${expected} (${sizeOf(shape)} values), got ${data.length} values`);
  }
  return data;
}

/** Writes one set of weights as its kernel wants it; matrices go through the arena, which nothing uses yet, in as many rows as fit at a time. */
function pack(
  memory: LinearMemory,
  packed: Packed,
  address: number,
  graph: Graph,
  { arena, memory: { arena: room } }: Plan,
): void {
  if (packed.layout === "rows") {
    let at = address;
    for (const { constant, fill, length } of packed.parts) {
      if (constant === undefined) memory.floats(at, length).fill(fill);
      else memory.floats(at, length).set(floats(graph.constants.get(constant)!));
      at += 4 * length;
    }
    return;
  }
  const { k, n, weights, bias } = packed;
  const data = floats(graph.constants.get(weights)!);
  const most = Math.floor(room / (4 * n));
  for (let k0 = 0; k0 < k; k0 += most) {
    const k1 = Math.min(k, k0 + most);
    memory.floats(arena, (k1 - k0) * n).set(data.subarray(k0 * n, k1 * n));
    memory.exports.pwconv_f32_pack(address, arena, k, n, k0, k1);
  }
  if (bias !== undefined) memory.floats(arena, n).set(floats(graph.constants.get(bias)!));
  memory.exports.pwconv_f32_pack_bias(address, bias === undefined ? 0 : arena, k, n);
}

function floats({ name, data }: Constant): Float32Array {
  if (!(data instanceof Float32Array))
    throw new TypeError(`constant ${name}: expected a Float32Array of data, got ${data}`);
  return data;
}

/** Multiply-adds of a step. */
function macsOf(kernel: Kernel, f: Plan["steps"][number]["fields"]): number {
  const pixels = (f.rows ?? 0) * (f.outW ?? 0);
  const depthwise = pixels * (f.kH ?? 0) * (f.kW ?? 0) * (f.midC || f.outC || 0);
  switch (kernel) {
    case "conv_f32":
      return pixels * f.kH! * f.kW! * f.inC! * f.outC!;
    case "pwconv_f32":
      return f.rows! * f.inC! * f.outC!;
    case "dwconv3x3_f32":
    case "dwconv_f32":
      return depthwise;
    case "separable_f32":
      return depthwise + pixels * f.midC! * f.outC!;
    default:
      return 0;
  }
}
