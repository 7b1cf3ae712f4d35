/**
 * How many threads a session gets of those that were asked for.
 * @module
 */
import { builtin } from "../../host.ts";
import { hasThreads } from "./thread.ts";

/** A number of threads, or as many as are worth it here. */
export type ThreadCount = number | "auto";

/** How many there are, and why not more, where more were asked for. */
export interface Threading {
  readonly lanes: number;
  readonly why?: string;
}

/** Multiply-adds that make a thread worth it: some tens of microseconds of work. */
const WORTH = 3e6;
/** More than these gained nothing where it was measured, and cost more in waiting. */
const MOST = 8;

/**
 * How many lanes a network gets.
 * @param macs multiply-adds of a run
 * @param rewritable whether the kernels' bytes are at hand, of which those that share a memory are made
 */
export function threadingOf(asked: ThreadCount, macs: () => number, rewritable: boolean): Threading {
  if (asked === 1) return { lanes: 1 };
  const why = refusal(rewritable);
  if (why !== undefined) return { lanes: 1, why };
  const cores = coresOfHost();
  if (asked === "auto") return { lanes: Math.max(1, Math.min(cores, MOST, Math.floor(macs() / WORTH))) };
  if (asked <= cores) return { lanes: asked };
  return { lanes: cores, why: `this host has ${cores} cores: more threads would only wait for each other` };
}

/** Threads that the host can run at the same time; 1 where it does not say. Node 20 has no `navigator`. */
export function coresOfHost(): number {
  const said = globalThis.navigator?.hardwareConcurrency;
  return Math.max(1, said ?? builtin("node:os")?.availableParallelism() ?? 1);
}

/** Why this host's threads cannot share a memory, if so. */
export function refusal(rewritable: boolean): string | undefined {
  if (!rewritable) return "the kernels came as a compiled module, which has a memory of its own: pass their bytes";
  if (typeof SharedArrayBuffer !== "function" || globalThis.crossOriginIsolated === false) {
    return "threads here share no memory: a page must be cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)";
  }
  if (!hasThreads()) return "this host starts no threads";
  return undefined;
}
