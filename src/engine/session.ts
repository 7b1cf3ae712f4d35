/**
 * A plan loaded into one wasm instance with one memory. Running copies in, executes the step table, copies out; it allocates nothing in wasm.
 * @module
 */
import { kindOf, tagOf } from "../arguments.ts";
import { ShapeError, StateError } from "../errors.ts";
import type { DType, Graph, Op, Quantisation, Shape } from "../graph/graph.ts";
import { sizeOf } from "../graph/references.ts";
import { turns } from "../turn.ts";
import { LinearMemory } from "./memory.ts";
import { pack } from "./pack.ts";
import type { MemoryUse, Plan, PlannedValue } from "./plan.ts";
import { type Kernel, STEP_BYTES, writeStep } from "./step.ts";
import type { Kernels, Variant } from "./variant.ts";

/** What a value looks like to the caller. */
export interface ValueInfo {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** In 8 bits: what the numbers mean, scale·(q − zeroPoint). */
  readonly scale?: number;
  readonly zeroPoint?: number;
  readonly quantisation?: Quantisation;
}

/** The numbers of a value: a Float32Array, Int8Array or Uint8Array, as its dtype says. */
export type Numbers = Float32Array | Int8Array | Uint8Array;

/** One value, or one for each input by its name. Row-major; types and lengths as the inputs say. */
export type RunInput = Numbers | Uint8ClampedArray | Readonly<Record<string, Numbers | Uint8ClampedArray>>;

/** What a run answers; all arrays are the caller's to keep. `T`: their type, which for 8-bit networks is not Float32Array. */
export interface RunResult<T extends Numbers = Float32Array> {
  /** The first output. */
  readonly output: T;
  /** All outputs by name. */
  readonly outputs: Readonly<Record<string, T>>;
  /** The end points that were asked for when the session was made, by the names they were asked for. */
  readonly endPoints: Readonly<Record<string, T>>;
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
    this.inputs = optimised.inputs.map((input) => info(input.name, plan.values.get(input.name)!));
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
    const turn = turns(signal);
    for (const [i, { packed, address }] of plan.weights.entries()) {
      await turn();
      pack(memory, packed, address, optimised, { address: plan.arena, bytes: plan.memory.arena });
      onPacked?.(i + 1, plan.weights.length);
    }
    signal?.throwIfAborted();
    return new Session(parts, memory);
  }

  /**
   * Computes the network once. Synchronous: it returns when the answer is there.
   * @throws {@link ShapeError} for a wrong length, `TypeError` for a wrong kind of array or a missing input, {@link StateError} after `dispose`
   */
  run<T extends Numbers = Float32Array>(input: RunInput): RunResult<T> {
    const memory = this.#write(input);
    memory.exports.run(stepAddress(this.#plan, 0), 0, this.#plan.steps.length);
    return this.#read<T>(memory);
  }

  /**
   * The memory of an input, to be written in place before each {@link compute}; by default the first one's. Taken once, it serves for all runs, since it
   * never moves; but write all of it each time: a run uses the bytes for other values once the network has read the input.
   * @throws `RangeError` for a name that the network doesn't have, {@link StateError} after `dispose`
   */
  input<T extends Numbers = Float32Array>(name: string = this.inputs[0]!.name): T {
    return this.#view<T>("input", name, new Map(this.inputs.map((input) => [input.name, input.name])));
  }

  /**
   * The memory of an output or of an end point that was asked for, to be read after {@link compute}; by default the first output's. Taken once, it
   * serves for all runs; the next one overwrites what it holds.
   * @throws as {@link input}
   */
  output<T extends Numbers = Float32Array>(name: string = this.outputs[0]!.name): T {
    return this.#view<T>(
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

  #view<T extends Numbers>(kind: string, name: string, known: ReadonlyMap<string, string>): T {
    const memory = this.#inUse();
    const value = this.#plan.values.get(known.get(name) ?? "");
    if (value === undefined)
      throw new RangeError(`${kind}: expected one of ${[...known.keys()].join(", ")}, got ${name}`);
    return numbers(memory, value) as T;
  }

  #write(input: RunInput): LinearMemory {
    const memory = this.#inUse();
    const given = this.inputs.map((info) => {
      const data =
        ArrayBuffer.isView(input) || Array.isArray(input)
          ? this.inputs.length === 1
            ? input
            : undefined
          : (input as Readonly<Record<string, Numbers>> | undefined)?.[info.name];
      return checkInput(info, data);
    });
    this.inputs.forEach(({ name }, i) => {
      numbers(memory, this.#plan.values.get(name)!).set(given[i]!);
    });
    return memory;
  }

  #read<T extends Numbers>(memory: LinearMemory): RunResult<T> {
    const copy = (name: string) => numbers(memory, this.#plan.values.get(name)!).slice() as T;
    const outputs = Object.fromEntries(this.outputs.map(({ name }) => [name, copy(name)]));
    const endPoints = Object.fromEntries([...this.#endPointNames].map(([name, value]) => [name, copy(value)]));
    return { output: outputs[this.outputs[0]!.name]!, outputs, endPoints };
  }
}

function info(name: string, { shape, dtype, quantisation }: PlannedValue): ValueInfo {
  if (quantisation === undefined) return { name, shape, dtype };
  return { name, shape, dtype, quantisation, scale: quantisation.scales[0]!, zeroPoint: quantisation.zeroPoints[0]! };
}

/** A view of a value. */
function numbers(memory: LinearMemory, { address, shape, dtype }: PlannedValue): Numbers {
  const length = sizeOf(shape);
  if (dtype === "float32") return memory.floats(address, length);
  return dtype === "int8" ? new Int8Array(memory.buffer, address, length) : memory.bytes(address, length);
}

function stepAddress(plan: Plan, index: number): number {
  return plan.stepsAt + index * STEP_BYTES;
}

const ARRAYS = { float32: "Float32Array", int8: "Int8Array", uint8: "Uint8Array", int32: "Int32Array" } as const;

function checkInput({ name, shape, dtype }: ValueInfo, data: unknown): Numbers {
  const array = ARRAYS[dtype];
  const expected = `${array.startsWith("I") ? "an" : "a"} ${array} of shape [${shape.join(", ")}]`;
  const tag = tagOf(data);
  if (tag !== array && !(dtype === "uint8" && tag === "Uint8ClampedArray")) {
    throw new TypeError(`input ${name}: expected ${expected}, got ${kindOf(data)}`);
  }
  const { length } = data as Numbers;
  if (length !== sizeOf(shape)) {
    throw new ShapeError(`input ${name}: expected ${expected} (${sizeOf(shape)} values), got ${length} values`);
  }
  return data as Numbers;
}

/** Multiply-adds of a step. */
function macsOf(kernel: Kernel, f: Plan["steps"][number]["fields"]): number {
  const pixels = (f.rows ?? 0) * (f.outW ?? 0);
  const depthwise = pixels * (f.kH ?? 0) * (f.kW ?? 0) * (f.midC || f.outC || 0);
  switch (kernel) {
    case "conv_f32":
    case "conv_s8":
      return pixels * f.kH! * f.kW! * f.inC! * f.outC!;
    case "pwconv_f32":
    case "pwconv_s8":
      return f.rows! * f.inC! * f.outC!;
    case "dwconv3x3_f32":
    case "dwconv_f32":
    case "dwconv_s8":
      return depthwise;
    case "separable_f32":
    case "separable_s8":
      return depthwise + pixels * f.midC! * f.outC!;
    default:
      return 0;
  }
}
