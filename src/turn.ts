/**
 * Long work that gives way to the event loop, so that a page stays alive and a cancellation is heard.
 * @module
 */

/** Milliseconds that work may go on before others get their turn. */
const TURN = 30;

/** Audio worklets have no such clock, and nothing that gives way either. */
const now = () => globalThis.performance?.now() ?? 0;

/**
 * @returns a function to be awaited between pieces of work: it gives way where the turn has lasted, and throws the
 *   signal's reason once it is aborted
 */
export function turns(signal?: AbortSignal): () => Promise<void> {
  let began = now();
  return async () => {
    signal?.throwIfAborted();
    if (now() - began < TURN) return;
    await new Promise((resolve) => setTimeout(resolve));
    began = now();
    signal?.throwIfAborted();
  };
}
