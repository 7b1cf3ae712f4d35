/**
 * `sepconv/worker`: the package's functions, done by a worker, so that the caller's thread stays free.
 * @module
 */
import { checkOptions, kindOf, tagOf } from "../arguments.ts";
import type { BuildOptions, OpenOptions } from "../engine/build.ts";
import type { Numbers, ProfileRow, RunInput, RunResult, ValueInfo } from "../engine/host/session.ts";
import type { Manifest } from "../engine/manifest.ts";
import type { MemoryUse } from "../engine/plan/plan.ts";
import type { Variant } from "../engine/variant.ts";
import { StateError } from "../errors.ts";
import type { ModelSource } from "../formats/common/source.ts";
import type { Graph } from "../graph/graph.ts";
import type { LoadOptions } from "../index.ts";
import type { Classification, ClassifyOptions } from "../vision/classify.ts";
import type { Detection, DetectOptions } from "../vision/detect.ts";
import type { EmbedOptions } from "../vision/embed.ts";
import type { PictureLike } from "../vision/given.ts";
import type { Pose, PoseOptions } from "../vision/pose.ts";
import type { Segmentation, SegmentOptions } from "../vision/segment.ts";
import { type FromWorker, heard, type Request, type Task } from "./messages.ts";
import { sendable } from "./subjects.ts";
import { startThread, type Thread } from "./thread.ts";

export {
  FormatError,
  LoadError,
  MemoryError,
  SepconvError,
  ShapeError,
  StateError,
  UnsupportedError,
} from "../errors.ts";
export { similar } from "../vision/similar.ts";

/** What every request to a worker takes. */
export interface WorkerOptions {
  /**
   * Gives the request up: its promise rejects at once with the signal's reason. One that waits is never begun, a model
   * is read no further; a run that has begun goes on to its end in the worker, and nobody hears of it.
   */
  readonly signal?: AbortSignal | undefined;
  /** Hands the arrays over that go in, instead of copying them: they are empty from then on. */
  readonly transfer?: boolean | undefined;
}

/** A request that was made. */
interface Waiting {
  readonly request: Request;
  readonly transfer: readonly Transferable[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly onProgress: ((progress: never) => void) | undefined;
  /** Nobody wants the answer any more. */
  givenUp?: true;
}

/** A worker with the sessions that were made in it. It does one thing after the other, in the order asked for. */
export class SepconvWorker {
  #thread: Promise<Thread> | undefined;
  readonly #queue: Waiting[] = [];
  #current: Waiting | undefined;
  #last = 0;
  #gone: string | undefined;

  /** Loads a model there: `load` of the package. */
  load(source: ModelSource, options: LoadOptions & WorkerOptions = {}): Promise<WorkerSession> {
    return this.#make("load", source, options);
  }

  /** Opens a saved session there: `open` of the package. */
  open(source: ModelSource, options: OpenOptions & WorkerOptions = {}): Promise<WorkerSession> {
    return this.#make("open", source, options);
  }

  /** Builds a graph there: `build` of the package. The graph is copied. */
  build(graph: Graph, options: BuildOptions & WorkerOptions = {}): Promise<WorkerSession> {
    return this.#make("build", graph, options);
  }

  /** Ends the worker. What was asked for and not answered rejects with a {@link StateError}. */
  terminate(): void {
    const thread = this.#thread;
    this.#end("terminate was called");
    thread?.then(
      (one) => one.stop(),
      () => {},
    );
  }

  /** Whether it is over: it died, or was terminated. */
  get ended(): boolean {
    return this.#gone !== undefined;
  }

  async #make(task: Task, subject: unknown, options: BuildOptions & WorkerOptions): Promise<WorkerSession> {
    const made = (await this.ask(task, undefined, subject, options)) as Made;
    return new WorkerSession(this, made);
  }

  /** One request. */
  async ask(task: Task, session: number | undefined, subject: unknown, options: object): Promise<unknown> {
    checkOptions(task, options, Object.keys(options));
    const { signal, transfer = false, onProgress, ...rest } = options as WorkerOptions & BuildOptions;
    signal?.throwIfAborted();
    const refused = Object.entries(rest).find(([, value]) => typeof value === "function");
    if (refused) throw new TypeError(`${refused[0]}: expected what can be sent to a worker, got ${kindOf(refused[1])}`);
    const sending = sendable(task, subject, transfer);
    sending.catch(() => {});
    if (rest.wasm !== undefined) {
      const { value } = await sendable("option wasm", await rest.wasm, false);
      Object.assign(rest, { wasm: value });
    }
    const sent = await sending;
    signal?.throwIfAborted();
    const request = { id: ++this.#last, task, session, subject: sent.value, options: rest, progress: !!onProgress };
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { request, transfer: sent.transfer, resolve, reject, onProgress };
      if (signal) {
        const abort = () => {
          reject(signal.reason);
          waiting.givenUp = true;
          const at = this.#queue.indexOf(waiting);
          if (at >= 0) this.#queue.splice(at, 1);
          else if (this.#current === waiting) this.#send({ id: request.id, abort: true }, []);
        };
        signal.addEventListener("abort", abort, { once: true });
        const end = () => signal.removeEventListener("abort", abort);
        Object.assign(waiting, {
          resolve: (result: unknown) => [end(), resolve(result)],
          reject: (reason: unknown) => [end(), reject(reason)],
        });
      }
      this.#queue.push(waiting);
      this.#next();
    });
  }

  /** Sends the next request, once the last is answered. */
  #next(): void {
    if (this.#gone !== undefined) {
      for (const { reject } of this.#queue.splice(0)) reject(this.#over());
      return;
    }
    if (this.#current !== undefined) return;
    this.#current = this.#queue.shift();
    this.#thread?.then((thread) => thread.keepAlive(this.#current !== undefined));
    if (this.#current === undefined) return;
    this.#send(this.#current.request, this.#current.transfer);
  }

  #send(message: Request | { id: number; abort: true }, transfer: readonly Transferable[]): void {
    this.#thread ??= startThread({
      message: (message) => this.#hear(message),
      gone: (why) => this.#end(why),
    });
    this.#thread.then(
      (thread) => {
        try {
          thread.send(message, transfer);
        } catch (cause) {
          // What can't be copied: this request's fault alone.
          const failed = this.#current;
          this.#current = undefined;
          const { message: got } = cause as Error;
          failed?.reject(
            new TypeError(`${failed.request.task}: expected what can be sent to a worker, got ${got}`, { cause }),
          );
          this.#next();
        }
      },
      (error) => {
        this.#current?.reject(error);
        this.#current = undefined;
        this.#end(String((error as Error).message));
      },
    );
  }

  #hear(message: FromWorker): void {
    if ("ready" in message || message.id !== this.#current?.request.id) return;
    const { resolve, reject, onProgress, givenUp } = this.#current;
    if ("progress" in message) {
      if (!givenUp) onProgress?.(message.progress as never);
      return;
    }
    this.#current = undefined;
    if ("error" in message) reject(heard(message.error));
    else resolve(message.result);
    // A session that came to be all the same would never be disposed.
    const made = "result" in message && givenUp ? (message.result as Partial<Made> | undefined)?.session : undefined;
    if (made !== undefined) this.ask("dispose", made, undefined, {}).catch(() => {});
    this.#next();
  }

  #end(why: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = why;
    const lost = this.#current;
    this.#current = undefined;
    lost?.reject(this.#over());
    this.#next();
  }

  #over(): StateError {
    return new StateError(`worker: expected it at work, got its end (${this.#gone}); load the model anew`);
  }
}

/** What is known of a session that was made. */
interface Made {
  readonly session: number;
  readonly manifest: Manifest;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly endPoints: readonly ValueInfo[];
  readonly memory: MemoryUse;
  readonly variant: Variant;
  readonly threads: number;
  readonly fewerThreads: string | undefined;
  readonly product: string | undefined;
}

/** A network that is ready to run, in a worker. What it says of itself is what a session says. */
export class WorkerSession {
  /** The worker that it lives in. */
  readonly worker: SepconvWorker;
  readonly manifest: Manifest;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly endPoints: readonly ValueInfo[];
  /** Bytes. */
  readonly memory: MemoryUse;
  readonly variant: Variant;
  readonly threads: number;
  readonly fewerThreads: string | undefined;
  readonly product: string | undefined;
  readonly #id: number;
  #disposed = false;

  /** Use `load`, `open` or `build`. */
  constructor(worker: SepconvWorker, made: Made) {
    this.worker = worker;
    this.manifest = made.manifest;
    this.inputs = made.inputs;
    this.outputs = made.outputs;
    this.endPoints = made.endPoints;
    this.memory = made.memory;
    this.variant = made.variant;
    this.threads = made.threads;
    this.fewerThreads = made.fewerThreads;
    this.product = made.product;
    this.#id = made.session;
  }

  /**
   * Computes the network once.
   * @throws what `run` of a session throws; StateError where the worker is gone
   */
  run<T extends Numbers = Float32Array>(input: RunInput, options: WorkerOptions = {}): Promise<RunResult<T>> {
    return this.ask("run", input, options) as Promise<RunResult<T>>;
  }

  /**
   * Runs the network step by step, and says how long each took, in the worker: what comes and goes is not counted.
   * @throws as {@link run}
   */
  profile(input: RunInput, options: WorkerOptions = {}): Promise<ProfileRow[]> {
    return this.ask("profile", input, options) as Promise<ProfileRow[]>;
  }

  /** The session as one file. */
  save(options: WorkerOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.ask("save", undefined, options) as Promise<Uint8Array<ArrayBuffer>>;
  }

  /** Lets go of its memory; the worker stays. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.worker.ask("dispose", this.#id, undefined, {}).catch(() => {});
  }

  /** A request about this session. */
  async ask(task: Task, subject: unknown, options: object): Promise<unknown> {
    if (this.#disposed) throw new StateError("session: expected one in use, got one that was disposed");
    return this.worker.ask(task, this.#id, subject, options);
  }
}

let shared: SepconvWorker | undefined;

/** The worker of those who ask for none: started when it is first needed, and anew where it died. */
function ownWorker(): SepconvWorker {
  if (shared === undefined || shared.ended) shared = new SepconvWorker();
  return shared;
}

/**
 * Loads a model in a worker: `load` of the package, whose options it takes. One worker serves all calls; `new
 * SepconvWorker()` is another one.
 * @throws what `load` throws; LoadError where the host starts no workers
 * @example
 * ```js
 * import { classify, load } from "sepconv/worker";
 *
 * const net = await load("model.tflite", { onProgress: ({ done, total }) => console.log(done, total) });
 * const { classes } = await classify(net, "cat.bmp", { signal: AbortSignal.timeout(5000) });
 * console.log(classes[0].index);
 * net.worker.terminate();
 * ```
 */
export function load(source: ModelSource, options: LoadOptions & WorkerOptions = {}): Promise<WorkerSession> {
  return ownWorker().load(source, options);
}

/** Opens a saved session in a worker: `open` of the package. */
export function open(source: ModelSource, options: OpenOptions & WorkerOptions = {}): Promise<WorkerSession> {
  return ownWorker().open(source, options);
}

/** Builds a graph in a worker: `build` of the package. */
export function build(graph: Graph, options: BuildOptions & WorkerOptions = {}): Promise<WorkerSession> {
  return ownWorker().build(graph, options);
}

/** One picture or many. */
interface OfPictures<Options, Answer> {
  (session: WorkerSession, picture: PictureLike, options?: Options & WorkerOptions): Promise<Answer>;
  (session: WorkerSession, pictures: readonly PictureLike[], options?: Options & WorkerOptions): Promise<Answer[]>;
}

function ofPictures<Options, Answer>(task: Task): OfPictures<Options, Answer> {
  const ask = async (
    session: WorkerSession,
    given: PictureLike | readonly PictureLike[],
    options: object = {},
  ): Promise<Answer | Answer[]> => {
    if (tagOf(given) !== "Array") return session.ask(task, given, options) as Promise<Answer>;
    const all: Answer[] = [];
    for (const picture of given as readonly PictureLike[]) {
      all.push((await session.ask(task, picture, options)) as Answer);
    }
    return all;
  };
  return ask as OfPictures<Options, Answer>;
}

/** `classify` of the package, in the session's worker. */
export const classify: OfPictures<ClassifyOptions, Classification> = ofPictures("classify");
/** `detect` of the package, in the session's worker. */
export const detect: OfPictures<DetectOptions, Detection[]> = ofPictures("detect");
/** `embed` of the package, in the session's worker. */
export const embed: OfPictures<EmbedOptions, Float32Array<ArrayBuffer>> = ofPictures("embed");
/** `pose` of the package, in the session's worker. */
export const pose: OfPictures<PoseOptions, Pose[]> = ofPictures("pose");
/** `segment` of the package, in the session's worker. */
export const segment: OfPictures<SegmentOptions, Segmentation> = ofPictures("segment");
