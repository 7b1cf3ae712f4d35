/**
 * An image in one wasm instance with one memory. Running copies in, executes the schedule in one call, copies out; it
 * allocates nothing in wasm.
 * @module
 */
import { kindOf, tagOf } from "../../arguments.ts";
import { ShapeError, StateError } from "../../errors.ts";
import type { DType, Graph, Quantization, Shape } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import { packingOf, writeImage } from "../image.ts";
import type { Manifest, ManifestStep, ManifestValue } from "../manifest.ts";
import type { MemoryUse } from "../plan/plan.ts";
import { ENTRY_BYTES, readEntry } from "../plan/schedule.ts";
import { STEP_BYTES } from "../step.ts";
import type { Kernels, Variant } from "../variant.ts";
import type { LinearMemory } from "./memory.ts";

/** What a value looks like to the caller. */
export interface ValueInfo {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** In 8 bits: what the numbers mean, scale·(q − zeroPoint). */
  readonly scale?: number;
  readonly zeroPoint?: number;
  readonly quantization?: Quantization;
}

/** The numbers of a value: a Float32Array, Int32Array, Int8Array or Uint8Array, as its dtype says. */
export type Numbers = Float32Array | Int32Array | Int8Array | Uint8Array;

/** One value, or one for each input by its name. Row-major; types and lengths as the inputs say. */
export type RunInput = Numbers | Uint8ClampedArray | Readonly<Record<string, Numbers | Uint8ClampedArray>>;

/**
 * What a run answers; all arrays are the caller's to keep. `T`: their type, which for 8-bit networks is not
 * Float32Array.
 */
export interface RunResult<T extends Numbers = Float32Array> {
  /** The first output. */
  readonly output: T;
  /** All outputs by name. */
  readonly outputs: Readonly<Record<string, T>>;
  /** The end points that were asked for when the session was made, by the names they were asked for. */
  readonly endPoints: Readonly<Record<string, T>>;
}

/** Time and work of one step. */
export interface ProfileRow extends ManifestStep {
  /** Milliseconds of this one execution. */
  readonly ms: number;
}

/** What a session is made of. */
export interface SessionParts {
  readonly manifest: Manifest;
  /** An instance of the kernels in whose memory the image lies. */
  readonly memory: LinearMemory;
  readonly kernels: Kernels;
  /** The graph that the image was made of; one that was opened has none. */
  readonly graph?: Graph | undefined;
}

/**
 * A network that is ready to run: an image in one wasm instance. Sessions share nothing; dropping one frees all of it.
 */
export class Session {
  /** What goes in and comes out, and what it means. */
  readonly manifest: Manifest;
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
  readonly #graph: Graph | undefined;

  /** Use `build`, `load` or `open`. */
  constructor({ manifest, memory, kernels, graph }: SessionParts) {
    this.manifest = manifest;
    this.inputs = manifest.inputs.map(info);
    this.outputs = manifest.outputs.map(info);
    this.endPoints = manifest.endPoints.map(info);
    this.memory = manifest.memory;
    this.variant = kernels.variant;
    this.kernels = kernels;
    this.#memory = memory;
    this.#graph = graph;
  }

  /**
   * The graph that this session was built from.
   * @throws {@link StateError} for one that was opened from an image, which has no graph
   */
  get graph(): Graph {
    if (this.#graph === undefined) {
      throw new StateError(
        "session.graph: expected a session that was built, got one opened from an image, which has none",
      );
    }
    return this.#graph;
  }

  /**
   * The session as one file: step records, schedule, packed weights, and what they mean. `open` makes the same session
   * of it, without a reader and without packing; `load` knows such a file too. It is for the builds whose weights are
   * packed alike: `simd` and `relaxed`, or `scalar`.
   * @throws {@link StateError} after `dispose`
   */
  save(): Uint8Array<ArrayBuffer> {
    const { stepsAt, arenaAt } = this.manifest;
    const bytes = this.#inUse().bytes(stepsAt, arenaAt - stepsAt);
    return writeImage({ manifest: this.manifest, packing: packingOf(this.variant), bytes });
  }

  /**
   * Computes the network once. Synchronous: it returns when the answer is there.
   * @throws {@link ShapeError} for a wrong length, `TypeError` for a wrong kind of array or a missing input, {@link
   *   StateError} after `dispose`
   */
  run<T extends Numbers = Float32Array>(input: RunInput): RunResult<T> {
    const memory = this.#write(input);
    memory.exports.run_schedule(this.manifest.scheduleAt, 0, this.manifest.entries);
    return this.#read<T>(memory);
  }

  /**
   * The memory of an input, to be written in place before each {@link compute}; by default the first one's. Taken once,
   * it serves for all runs, since it never moves; but write all of it each time: a run uses the bytes for other values
   * once the network has read the input.
   * @throws `RangeError` for a name that the network doesn't have, {@link StateError} after `dispose`
   */
  input<T extends Numbers = Float32Array>(name: string = this.inputs[0]!.name): T {
    return this.#view<T>("input", name, this.manifest.inputs);
  }

  /**
   * The memory of an output or of an end point that was asked for, to be read after {@link compute}; by default the
   * first output's. Taken once, it serves for all runs; the next one overwrites what it holds.
   * @throws as {@link input}
   */
  output<T extends Numbers = Float32Array>(name: string = this.outputs[0]!.name): T {
    return this.#view<T>("output", name, [...this.manifest.outputs, ...this.manifest.endPoints]);
  }

  /**
   * Computes the network once on what the {@link input} views hold, into the {@link output} views: {@link run} without
   * copies and without garbage.
   * @throws {@link StateError} after `dispose`
   */
  compute(): void {
    this.#inUse().exports.run_schedule(this.manifest.scheduleAt, 0, this.manifest.entries);
  }

  /** Runs the network step by step and says how long each took; use several runs for figures that mean something. */
  profile(input: RunInput): ProfileRow[] {
    const memory = this.#write(input);
    const { stepsAt, scheduleAt, entries, steps } = this.manifest;
    const ms = new Float64Array(steps.length);
    for (let i = 0; i < entries; i++) {
      const { step } = readEntry(memory.view, scheduleAt + i * ENTRY_BYTES);
      const start = performance.now();
      memory.exports.run_schedule(scheduleAt, i, i + 1);
      ms[(step - stepsAt) / STEP_BYTES]! += performance.now() - start;
    }
    return steps.map((step, i) => ({ ...step, ms: ms[i]! }));
  }

  /** Lets go of the memory. Calling it again does nothing; running after it is a {@link StateError}. */
  dispose(): void {
    this.#memory = undefined;
  }

  /** {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #inUse(): LinearMemory {
    if (this.#memory === undefined) throw new StateError("session: expected one in use, got one that was disposed");
    return this.#memory;
  }

  #view<T extends Numbers>(kind: string, name: string, known: readonly ManifestValue[]): T {
    const memory = this.#inUse();
    const value = known.find((candidate) => candidate.name === name);
    if (value === undefined) {
      throw new RangeError(`${kind}: expected one of ${known.map((one) => one.name).join(", ")}, got ${name}`);
    }
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
    this.manifest.inputs.forEach((value, i) => {
      numbers(memory, value).set(given[i]!);
    });
    return memory;
  }

  #read<T extends Numbers>(memory: LinearMemory): RunResult<T> {
    const copies = (values: readonly ManifestValue[]) =>
      Object.fromEntries(values.map((value) => [value.name, numbers(memory, value).slice() as T]));
    const outputs = copies(this.manifest.outputs);
    return { output: outputs[this.outputs[0]!.name]!, outputs, endPoints: copies(this.manifest.endPoints) };
  }
}

function info({ name, shape, dtype, quantization }: ManifestValue): ValueInfo {
  if (quantization === undefined) return { name, shape, dtype };
  return { name, shape, dtype, quantization, scale: quantization.scales[0]!, zeroPoint: quantization.zeroPoints[0]! };
}

/** A view of a value. */
function numbers(memory: LinearMemory, { address, shape, dtype }: ManifestValue): Numbers {
  const length = sizeOf(shape);
  if (dtype === "float32") return memory.floats(address, length);
  if (dtype === "int32") return new Int32Array(memory.buffer, address, length);
  return dtype === "int8" ? new Int8Array(memory.buffer, address, length) : memory.bytes(address, length);
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
