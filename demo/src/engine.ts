/**
 * The worker of the page, and the sessions of one network in it: one for each build of the kernels that was asked for.
 * A worker that dies, or that answers nothing for too long, is replaced by another.
 */
import { SepconvWorker, StateError, UnsupportedError, type WorkerSession } from "sepconv/worker";
import type { Network } from "./networks.ts";

export type Variant = WorkerSession["variant"];
export const VARIANTS: readonly Variant[] = ["scalar", "simd", "relaxed"];

/**
 * Milliseconds within which a worker must answer about a picture; the largest network, scalar, on a phone, takes a few
 * seconds. A worker that a browser ends for want of memory says nothing. Models may take as long as they need.
 */
const PATIENCE = 15_000;
const SILENT = "it answered nothing";
/** So many workers may die within this time. */
const DEATHS = { most: 3, within: 60_000 };

/** An answer that nobody waits for any more: another network was opened meanwhile. */
export class Outdated extends Error {}

export class Engine {
  #worker = new SepconvWorker();
  #network: Network | undefined;
  /** The build that frames are asked of. */
  current: Variant | "best" = "best";
  #sessions = new Map<Variant | "best", Promise<WorkerSession>>();
  #opening = new AbortController();
  #deaths: number[] = [];
  readonly #died: (why: string, again: boolean) => void;

  /** @param died is told why a worker is over, and whether another was started */
  constructor(died: (why: string, again: boolean) => void) {
    this.#died = died;
  }

  get network(): Network | undefined {
    return this.#network;
  }

  /** Opens a network in place of the last one. */
  async open(network: Network): Promise<WorkerSession> {
    this.#opening.abort(new Outdated());
    this.#opening = new AbortController();
    const old = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#network = network;
    if (this.#worker.ended) this.#worker = new SepconvWorker();
    for (const session of old)
      session.then(
        (one) => one.dispose(),
        () => {},
      );
    return this.session();
  }

  /**
   * The network's session of one build; made when it is first asked for.
   * @throws UnsupportedError where this browser does not have the build
   */
  async session(variant: Variant | "best" = this.current): Promise<WorkerSession> {
    const network = this.#network;
    if (network === undefined) throw new Outdated();
    const { signal } = this.#opening;
    let made = this.#sessions.get(variant);
    if (made === undefined) {
      made = network.make(this.#worker, { signal, ...(variant !== "best" && { variant }) });
      this.#sessions.set(variant, made);
      const sessions = this.#sessions;
      made.then(
        (session) => {
          // The best one is one of the three.
          if (!sessions.has(session.variant)) sessions.set(session.variant, made!);
        },
        () => sessions.delete(variant),
      );
    }
    return this.#watched(made, signal, Number.POSITIVE_INFINITY);
  }

  /** What is asked of a session, with an eye on its worker. */
  async ask<T>(question: (session: WorkerSession) => Promise<T>, variant: Variant | "best" = this.current): Promise<T> {
    const { signal } = this.#opening;
    const session = await this.session(variant);
    return this.#watched(question(session), signal, PATIENCE);
  }

  async #watched<T>(asked: Promise<T>, signal: AbortSignal, patience: number): Promise<T> {
    const worker = this.#worker;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silent = new Promise<never>((_, reject) => {
      if (patience < Number.POSITIVE_INFINITY) timer = setTimeout(() => reject(new StateError(SILENT)), patience);
    });
    try {
      const answer = await Promise.race([asked, silent]);
      signal.throwIfAborted();
      return answer;
    } catch (error) {
      if (signal.aborted) throw new Outdated();
      const { message } = error as Error;
      if (error instanceof StateError && (message === SILENT || worker.ended)) {
        if (worker === this.#worker) this.#replace(worker, message);
        throw new Outdated();
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #replace(worker: SepconvWorker, why: string): void {
    worker.terminate();
    this.#sessions.clear();
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((then) => now - then < DEATHS.within), now];
    const again = this.#deaths.length < DEATHS.most;
    if (again) this.#worker = new SepconvWorker();
    this.#died(why, again);
  }
}

/** Whether an error says that this browser does not have a build of the kernels, which is no fault. */
export function lacksBuild(error: unknown): boolean {
  return error instanceof UnsupportedError && error.message.startsWith("variant:");
}
