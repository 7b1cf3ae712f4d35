/**
 * Threads of the host, started from a text: no file has to be found, served or bundled.
 * @module
 */

import { builtin } from "../../host.ts";

/** A running thread. */
export interface Thread {
  /** Whether the process stays alive for its sake; where the host asks. */
  keepAlive(alive: boolean): void;
  /** Ends it, whatever it does. */
  stop(): void;
}

/** What a thread tells. */
export interface Listener {
  message(data: unknown): void;
  /** It is over, or could not begin. */
  gone(why: string): void;
}

/** Where there are Node's threads: in Node, Deno and Bun. */
const nodeThreads = () => builtin("node:worker_threads");

/** Browsers do not say more. */
const REFUSED = "a refusal of the host; a page's content security policy must allow worker-src blob:";

/** Whether this host starts threads at all. */
export function hasThreads(): boolean {
  return nodeThreads() !== undefined || typeof Worker === "function";
}

/**
 * Starts a thread.
 * @param body a function of one argument, as text, that refers to nothing outside of itself; its second argument sends
 *   a message
 * @param data its first argument; what can be sent to another thread
 */
export function startThread(body: string, data: unknown, listener: Listener): Thread {
  const threads = nodeThreads();
  if (threads) {
    const source =
      'const { workerData, parentPort } = globalThis.process.getBuiltinModule("node:worker_threads");' +
      `(${body})(workerData, (message) => parentPort.postMessage(message));`;
    const worker = new threads.Worker(source, { eval: true, workerData: data });
    worker.on("message", (message) => listener.message(message));
    worker.on("error", (error) => listener.gone((error as Error)?.message ?? String(error)));
    worker.on("exit", () => listener.gone("its end"));
    return {
      keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
      stop: () => void worker.terminate(),
    };
  }
  let worker: Worker;
  const source = `onmessage = ({ data }) => { (${body})(data, (message) => postMessage(message)); close(); };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    worker = new Worker(url);
  } catch (error) {
    listener.gone(`${(error as Error).message}: ${REFUSED}`);
    return { keepAlive: () => {}, stop: () => {} };
  }
  worker.onmessage = ({ data: message }) => {
    URL.revokeObjectURL(url);
    listener.message(message);
  };
  worker.onerror = (event) => listener.gone(event.message || REFUSED);
  worker.postMessage(data);
  return { keepAlive: () => {}, stop: () => worker.terminate() };
}
