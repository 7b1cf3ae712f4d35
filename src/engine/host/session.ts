/**
 * An image in one wasm instance with one memory. Running copies in, executes the schedule in one call, copies out; it
 * allocates nothing in wasm.
 * @module
 */
import { ShapeError, StateError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { initialize } from "../../graph/initialize.ts";
import { sizeOf } from "../../graph/references.ts";
import { packingOf, writeImage } from "../image.ts";
import type { Manifest, ManifestStep, ManifestValue } from "../manifest.ts";
import type { MemoryUse } from "../plan/plan.ts";
import { STEP_BYTES } from "../step.ts";
import type { Kernels, Variant } from "../variant.ts";
import type { Crew } from "./crew.ts";
import { Feed, type Wait } from "./feed.ts";
import type { LinearMemory } from "./memory.ts";
import { checkArray, infoOf, type Numbers, type RunResult, type ValueInfo, viewOf, wanted } from "./numbers.ts";
import type { Product, Products } from "./product.ts";
import type { Schedules } from "./schedules.ts";

export type { Numbers, RunResult, ValueInfo } from "./numbers.ts";

/** One value, or one for each input by its name. Row-major; types and lengths as the inputs say. */
export type RunInput = Numbers | Uint8ClampedArray | Readonly<Record<string, Numbers | Uint8ClampedArray>>;

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
  readonly schedules: Schedules;
  /** How this host multiplies 8-bit numbers, where the network does; the image in memory is ready for it. */
  readonly products: Products | undefined;
  /** The graph that the image was made of, and the seed of the weights that it lacks; one that was opened has none. */
  readonly graph?: Graph | undefined;
  readonly seed?: number | undefined;
  /** The threads that share the work; without, this one does all of it. */
  readonly crew?: Crew | undefined;
  /** Why there are fewer threads than were asked for. */
  readonly why?: string | undefined;
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
  /**
   * How matrices of 8-bit numbers are multiplied here, which depends on the host: see `docs/quantization.md`. It
   * decides the speed, never a bit. Undefined where the network has none.
   */
  readonly product: Product | undefined;
  /** The compiled kernels, for whoever prepares this session's inputs with them. */
  readonly kernels: Kernels;
  /** Threads that share the work of a run. */
  readonly threads: number;
  /** Why there are fewer of them than were asked for. */
  readonly fewerThreads: string | undefined;
  readonly #crew: Crew | undefined;
  /** A run goes on while this thread does something else. */
  #running = false;
  /** The end of a run that was given up. */
  #givenUp: Promise<void> | undefined;
  #memory: LinearMemory | undefined;
  /** The feed that goes on. */
  #feed: Feed | undefined;
  readonly #schedules: Schedules;
  readonly #products: Products | undefined;
  /** Where the schedule waits for rows; none where the input is whole. */
  readonly #waits: readonly Wait[];
  #graph: Graph | undefined;
  readonly #seed: number | undefined;

  /** Use `build`, `load` or `open`. */
  constructor({ manifest, memory, kernels, schedules, products, graph, seed, crew, why }: SessionParts) {
    this.manifest = manifest;
    this.inputs = manifest.inputs.map(infoOf);
    this.outputs = manifest.outputs.map(infoOf);
    this.endPoints = manifest.endPoints.map(infoOf);
    this.memory = manifest.memory;
    this.variant = kernels.variant;
    this.kernels = kernels;
    this.product = products?.product;
    this.#products = products;
    this.#memory = memory;
    this.threads = crew ? manifest.lanes.length : 1;
    this.fewerThreads = why;
    this.#crew = crew;
    crew?.endWith(this);
    this.#schedules = schedules;
    this.#waits = this.#schedules.order.flatMap(({ entry, index }) =>
      "feed" in entry ? [{ ...entry, at: index }] : [],
    );
    this.#graph = graph;
    this.#seed = seed;
  }

  /**
   * The graph that this session was built from, with the weights that it has: given, or drawn at random, once more then
   * and from the same seed.
   * @throws {@link StateError} for one that was opened from an image, which has no graph
   */
  get graph(): Graph {
    if (this.#graph === undefined) {
      throw new StateError(
        "session.graph: expected a session that was built, got one opened from an image, which has none",
      );
    }
    if ([...this.#graph.constants.values()].some(({ data }) => data === undefined)) {
      this.#graph = initialize(this.#graph, this.#seed);
    }
    return this.#graph;
  }

  /**
   * The session as one file: step records, schedule, packed weights, and what they mean. `open` makes the same session
   * of it, without a reader and without packing; `load` knows such a file too. It is for the builds whose weights are
   * packed alike: `simd` and `relaxed`, or `scalar`.
   * @throws {@link StateError} after `dispose`, and while `runAsync` goes on
   */
  save(): Uint8Array<ArrayBuffer> {
    const { stepsAt, arenaAt, recordAt } = this.manifest;
    const memory = this.#memoryInUse();
    this.#still();
    const copy = () => memory.bytes(stepsAt, arenaAt - stepsAt).slice();
    // Other hosts multiply in other ways.
    const bytes = this.#products?.packed(copy) ?? copy();
    // What a run has left there is of no use, and would make files of one session differ.
    const records = this.manifest.lanes.length * STEP_BYTES;
    if (recordAt > 0) bytes.fill(0, recordAt - stepsAt, recordAt - stepsAt + records);
    return writeImage({ manifest: this.manifest, packing: packingOf(this.variant), bytes });
  }

  /**
   * Computes the network once. Synchronous: it returns when the answer is there.
   * @throws {@link ShapeError} for a wrong length, `TypeError` for a wrong kind of array or a missing input, {@link
   *   StateError} after `dispose`, and while a feed goes on
   */
  run<T extends Numbers = Float32Array>(input: RunInput): RunResult<T> {
    if (this.#waits.length > 0) {
      this.#inUse();
      const [rows] = this.#check(input);
      const feed = this.feed<T>();
      feed.rows(rows!);
      return feed.done();
    }
    const memory = this.#write(input);
    this.#compute(memory);
    return this.#read<T>(memory);
  }

  /**
   * {@link run}, while this thread goes on: all lanes are other threads then. A session of one thread, and one whose
   * input is fed, computes it before it returns.
   * @param options `signal`: gives the run up; the promise rejects at once with the signal's reason, and the next
   *   `runAsync` waits for the threads to come to its end
   * @throws as {@link run}; a call while another goes on is a {@link StateError}
   */
  async runAsync<T extends Numbers = Float32Array>(
    input: RunInput,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RunResult<T>> {
    signal?.throwIfAborted();
    if (this.#crew === undefined) return this.run<T>(input);
    if (this.#givenUp) await this.#givenUp;
    const memory = this.#write(input);
    this.#running = true;
    const run = this.#crew.computeAsync().finally(() => {
      this.#running = false;
    });
    try {
      await (signal ? unlessAborted(run, signal) : run);
    } catch (error) {
      this.#givenUp = run.catch(() => {});
      throw error;
    } finally {
      // Disposed meanwhile: that is what there is to be said.
      this.#memoryInUse();
    }
    return this.#read<T>(memory);
  }

  /**
   * Begins a run whose input comes in row by row, for a session that was made with the option `feed`: the rows of a
   * camera are worked on as they come, and the whole picture never exists. One that goes on is over then.
   * @throws {@link StateError} for a session that was made without `feed`, and after `dispose`
   * @example
   * ```js
   * import { load } from "sepconv";
   *
   * const net = await load("model.tflite", { feed: true });
   * const feed = net.feed();
   * for (let y = 0; y < feed.height; y++) feed.rows(new Float32Array(feed.rowLength)); // a row of the camera
   * console.log(feed.done().output);
   * ```
   */
  feed<T extends Numbers = Float32Array>(): Feed<T> {
    this.#memoryInUse();
    if (this.#waits.length === 0) {
      throw new StateError("session.feed: expected a session made with the option feed, got one whose input is whole");
    }
    this.#feed = undefined;
    const feed: Feed = new Feed({
      ...{ manifest: this.manifest, waits: this.#waits, schedules: this.#schedules },
      memory: () => this.#memoryInUse(),
      isCurrent: (one) => one === this.#feed,
      end: () => {
        this.#feed = undefined;
      },
      result: () => this.#read(this.#memoryInUse()),
    });
    this.#feed = feed;
    return feed as unknown as Feed<T>;
  }

  /**
   * The memory of an input, to be written in place before each {@link compute}; by default the first one's. Taken once,
   * it serves for all runs, since it never moves; but write all of it each time: a run uses the bytes for other values
   * once the network has read the input.
   * @throws `RangeError` for a name that the network doesn't have, {@link StateError} after `dispose`, and where the
   *   input is fed row by row, so that there is no memory of all of it
   */
  input<T extends Numbers = Float32Array>(name: string = this.inputs[0]!.name): T {
    this.#whole("input");
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
   * @throws {@link StateError} after `dispose`, and where the input is fed row by row
   */
  compute(): void {
    this.#whole("compute");
    this.#compute(this.#inUse());
  }

  /**
   * Runs the network step by step, on this thread alone, and says how long each took; use several runs for figures that
   * mean something.
   */
  profile(input: RunInput): ProfileRow[] {
    const memory = this.#write(input);
    const [rows] = this.#check(input);
    const ms = new Float64Array(this.manifest.steps.length);
    for (const { entry, lane, index } of this.#schedules.order) {
      if ("feed" in entry) {
        const row = rows!.length / this.inputs[0]!.shape[1]!;
        const part = rows!.subarray(entry.r0 * row, entry.r1 * row);
        memory.bytes(entry.address, part.byteLength).set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
      }
      const start = performance.now();
      this.#schedules.part(memory, lane, index, index + 1);
      // Rows that move make room for those of the step that comes next.
      if ("step" in entry) ms[entry.step]! += performance.now() - start;
    }
    return this.manifest.steps.map((step, i) => ({ ...step, ms: ms[i]! }));
  }

  /** Lets go of the memory. Calling it again does nothing; running after it is a {@link StateError}. */
  dispose(): void {
    this.#crew?.stop();
    this.#memory = undefined;
    this.#feed = undefined;
  }

  /** {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #memoryInUse(): LinearMemory {
    if (this.#memory === undefined) throw new StateError("session: expected one in use, got one that was disposed");
    return this.#memory;
  }

  #compute(memory: LinearMemory): void {
    if (this.#crew) this.#crew.compute();
    else this.#schedules.compute(memory);
  }

  /** No other thread is at work. */
  #still(): void {
    if (this.#running) throw new StateError("session: expected the run that goes on to end first, got another");
  }

  /** The memory, free for a run. */
  #inUse(): LinearMemory {
    const memory = this.#memoryInUse();
    this.#still();
    if (this.#feed !== undefined) {
      throw new StateError(
        `session: expected the feed that goes on to be done or cancelled first, got ${this.#feed.received} of ${this.#feed.height} rows`,
      );
    }
    return memory;
  }

  /** An input that is fed exists nowhere as a whole. */
  #whole(what: string): void {
    if (this.#waits.length > 0) {
      throw new StateError(`session.${what}: expected a session whose input is whole, got one that is fed by rows`);
    }
  }

  #view<T extends Numbers>(kind: string, name: string, known: readonly ManifestValue[]): T {
    const memory = this.#memoryInUse();
    const value = known.find((candidate) => candidate.name === name);
    if (value === undefined) {
      throw new RangeError(`${kind}: expected one of ${known.map((one) => one.name).join(", ")}, got ${name}`);
    }
    return viewOf(memory, value) as T;
  }

  /** The numbers of each input. */
  #check(input: RunInput): Numbers[] {
    return this.inputs.map((info) => {
      const data =
        ArrayBuffer.isView(input) || Array.isArray(input)
          ? this.inputs.length === 1
            ? input
            : undefined
          : (input as Readonly<Record<string, Numbers>> | undefined)?.[info.name];
      return checkInput(info, data);
    });
  }

  #write(input: RunInput): LinearMemory {
    const memory = this.#inUse();
    const given = this.#check(input);
    this.manifest.inputs.forEach((value, i) => {
      if (!value.fed) viewOf(memory, value).set(given[i]!);
    });
    return memory;
  }

  #read<T extends Numbers>(memory: LinearMemory): RunResult<T> {
    const copies = (values: readonly ManifestValue[]) =>
      Object.fromEntries(values.map((value) => [value.name, viewOf(memory, value).slice() as T]));
    const outputs = copies(this.manifest.outputs);
    return { output: outputs[this.outputs[0]!.name]!, outputs, endPoints: copies(this.manifest.endPoints) };
  }
}

/** A promise that rejects with the signal's reason where that comes first. */
async function unlessAborted(run: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([run, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function checkInput(info: ValueInfo, given: unknown): Numbers {
  const data = checkArray(info, given);
  const size = sizeOf(info.shape);
  if (data.length !== size) {
    throw new ShapeError(`input ${info.name}: expected ${wanted(info)} (${size} values), got ${data.length} values`);
  }
  return data;
}
