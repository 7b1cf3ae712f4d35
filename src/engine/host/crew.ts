/**
 * The threads of a session: a lane each, on one memory. Whoever calls is the first lane; for runs that do not block the
 * caller, another thread is.
 * @module
 */
import { LoadError, StateError } from "../../errors.ts";
import type { Kernels, Variant } from "../variant.ts";
import { CONTROL, controlWords, type Lane, type LaneParts, laneOf, STOPPED } from "./lane.ts";
import type { LinearMemory } from "./memory.ts";
import type { Schedules } from "./schedules.ts";
import { withSharedMemory } from "./shared-module.ts";
import { startThread, type Thread } from "./thread.ts";

/** What a thread does with its lane; sent as text, see {@link startThread}. */
const FOLLOW = `(parts, send) => {
  let lane;
  try {
    lane = (${laneOf})(parts);
    send("ready");
    lane.follow();
  } catch (error) {
    lane?.fail();
    send(String(error?.message ?? error));
  }
}`;

/** What the thread does that leads for a caller who does not wait: a run for each time that its word is raised. */
const LEAD = `(parts, send) => {
  const words = new Int32Array(parts.called);
  let lane;
  try {
    lane = (${laneOf})(parts);
    send("ready");
    for (let turn = 0; ; turn++) {
      // A wake-up may come late, when the run that it was for is over already.
      while (Atomics.load(words, 0) === turn) Atomics.wait(words, 0, turn);
      if (words[1] !== 0) return;
      send(lane.lead());
    }
  } catch (error) {
    lane?.fail();
    send(String(error?.message ?? error));
  }
}`;

/** What the lanes follow together, and what the first of them does alone. */
export type CrewSchedules = Pick<Schedules, "lanes"> & Partial<Pick<Schedules, "undivided">>;

/** The threads of a session, and the caller's own lane. */
export class Crew {
  readonly #words: Int32Array;
  readonly #parts: Omit<LaneParts, "lane">;
  readonly #own: Lane;
  readonly #begin: typeof startThread;
  #leader: Leader | undefined;
  /** What became of a thread that is gone. */
  #gone: string | undefined;

  private constructor(
    memory: LinearMemory,
    module: WebAssembly.Module,
    { lanes, undivided }: CrewSchedules,
    begin: typeof startThread,
  ) {
    this.#begin = begin;
    const control = new SharedArrayBuffer(4 * controlWords(lanes.length));
    this.#words = new Int32Array(control);
    this.#parts = { module, memory: memory.exports.memory, control, schedules: lanes, undivided };
    this.#own = laneOf({ ...this.#parts, lane: 0 });
  }

  /**
   * Starts a thread for each lane but the first.
   * @param module the kernels that import their memory
   * @param begin starts a thread
   * @throws {@link LoadError} when a thread cannot be started
   */
  static async start(
    memory: LinearMemory,
    module: WebAssembly.Module,
    schedules: CrewSchedules,
    begin = startThread,
  ): Promise<Crew> {
    const crew = new Crew(memory, module, schedules, begin);
    try {
      await Promise.all(schedules.lanes.slice(1).map((_, i) => crew.#start(FOLLOW, i + 1)));
    } catch (error) {
      crew.stop();
      throw error;
    }
    return crew;
  }

  /**
   * Computes the network once; this thread is the first lane.
   * @throws {@link StateError} when a lane is gone
   */
  compute(): void {
    this.#whole();
    if (!this.#own.lead()) this.#whole();
  }

  /** The same, while this thread goes on with something else. */
  async computeAsync(): Promise<void> {
    this.#whole();
    this.#leader ??= new Leader((called, listen) => this.#start(LEAD, 0, { called }, listen));
    if (!(await this.#leader.run())) throw this.#broken();
  }

  /** Ends the threads once nobody holds `owner` any more. */
  endWith(owner: object): void {
    forgotten?.register(owner, this.#words);
  }

  /** Ends the threads. */
  stop(): void {
    this.#leader?.stop();
    release(this.#words);
  }

  /** Starts a thread; resolves when it is ready. `listen` hears what it says after that. */
  #start(body: string, lane: number, more: object = {}, listen?: (message: unknown) => void): Promise<Thread> {
    const name = `lane ${lane}`;
    return new Promise((resolve, reject) => {
      let ready = false;
      const gone = (why: string) => {
        if (!ready) reject(new LoadError(`threads: expected ${name} to start, got ${why}`));
        else if (this.#words[CONTROL.STATE] !== STOPPED) this.#lost(name, why);
      };
      const thread = this.#begin(
        body,
        { ...this.#parts, lane, ...more },
        {
          message: (message) => {
            if (message === "ready") {
              ready = true;
              thread.keepAlive(false);
              resolve(thread);
            } else if (typeof message === "string") gone(message);
            else listen?.(message);
          },
          gone,
        },
      );
    });
  }

  #lost(name: string, why: string): void {
    this.#gone ??= `${name} (${why})`;
    this.#own.fail();
    this.#leader?.giveUp();
  }

  #whole(): void {
    if (this.#gone !== undefined || Atomics.load(this.#words, CONTROL.STATE) !== 0) throw this.#broken();
  }

  #broken(): StateError {
    const lane = Atomics.load(this.#words, CONTROL.STATE) - 1;
    const which = this.#gone ?? (lane >= 0 ? `lane ${lane}` : "all of them");
    return new StateError(`session: expected its threads at work, got ${which} gone; dispose it, and make another`);
  }
}

/** The thread that leads runs for a caller who does not wait. */
class Leader {
  readonly #words = new Int32Array(new SharedArrayBuffer(8));
  readonly #thread: Promise<Thread>;
  #answer: ((whole: boolean) => void) | undefined;
  #over = false;

  constructor(start: (called: SharedArrayBuffer, listen: (message: unknown) => void) => Promise<Thread>) {
    const called = this.#words.buffer as SharedArrayBuffer;
    this.#thread = start(called, (message) => this.#answer?.(message === true));
  }

  /** Computes the network once; whether it came to its end. */
  async run(): Promise<boolean> {
    const thread = await this.#thread;
    if (this.#over) return false;
    thread.keepAlive(true);
    try {
      return await new Promise((resolve) => {
        this.#answer = resolve;
        Atomics.add(this.#words, 0, 1);
        Atomics.notify(this.#words, 0);
      });
    } finally {
      thread.keepAlive(false);
    }
  }

  /** Nobody will answer any more. */
  giveUp(): void {
    this.#over = true;
    this.#answer?.(false);
  }

  stop(): void {
    this.giveUp();
    this.#words[1] = 1;
    Atomics.add(this.#words, 0, 1);
    Atomics.notify(this.#words, 0);
  }
}

/**
 * The kernels with a memory that threads share; compiled once for the same bytes.
 * @param kernels with their bytes
 */
export function withSharing({ bytes, variant }: Kernels): Promise<WebAssembly.Module> {
  let module = shared.get(bytes!);
  if (module === undefined) {
    module = compileShared(bytes!, variant);
    shared.set(bytes!, module);
  }
  return module;
}

const shared = new WeakMap<Uint8Array, Promise<WebAssembly.Module>>();

async function compileShared(bytes: Uint8Array, variant: Variant): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(withSharedMemory(bytes));
  } catch (cause) {
    if (cause instanceof LoadError) throw cause;
    throw new LoadError(`threads: expected a host that accepts "${variant}" with shared memory, got ${cause}`, {
      cause,
    });
  }
}

/** Lets the lanes of these words end. */
function release(words: Int32Array): void {
  Atomics.store(words, CONTROL.STATE, STOPPED);
  for (let i = 0; i < words.length; i += 16) Atomics.notify(words, i);
}

/** Threads end with the session that nobody holds any more. */
const forgotten =
  typeof FinalizationRegistry === "function" ? new FinalizationRegistry<Int32Array>(release) : undefined;
