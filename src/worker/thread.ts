/**
 * A worker of the host: Node's threads in Node, Deno and Bun, else a `Worker`.
 * @module
 */
import { LoadError } from "../errors.ts";
import { builtin } from "../host.ts";
import { workerCode } from "./code-file.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** A worker that runs. */
export interface Thread {
  send(message: ToWorker, transfer: readonly Transferable[]): void;
  /** Whether the process stays alive for its sake; where the host asks. */
  keepAlive(alive: boolean): void;
  stop(): void;
}

/** What is heard of one. */
export interface Listener {
  message(message: FromWorker): void;
  /** It is over, whatever it was at. */
  gone(why: string): void;
}

/** Browsers do not say more. */
const REFUSED = "a refusal of the host; a page's content security policy must allow worker-src blob:";

/** @throws LoadError where the host starts none */
export async function startThread(listener: Listener): Promise<Thread> {
  const code = await workerCode();
  const threads = builtin("node:worker_threads");
  if (threads) {
    // What the process itself was started with, such as --input-type, is not meant for this file.
    const worker =
      "url" in code
        ? new threads.Worker(code.url, { execArgv: [] })
        : new threads.Worker(code.text, { eval: true, execArgv: [] });
    worker.on("message", (message) => listener.message(message));
    worker.on("messageerror", (error) => listener.gone(String(error)));
    worker.on("error", (error) => listener.gone((error as Error)?.message ?? String(error)));
    worker.on("exit", (status) => listener.gone(`its end, status ${status}`));
    return {
      send: (message, transfer) => worker.postMessage(message, transfer as never),
      keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
      stop: () => void worker.terminate(),
    };
  }
  if (typeof Worker !== "function") throw new LoadError("worker: expected a host that starts workers, got one without");
  let url = "url" in code ? code.url.href : "";
  if ("text" in code) url = URL.createObjectURL(new Blob([code.text], { type: "text/javascript" }));
  let worker: Worker;
  try {
    worker = new Worker(url, "url" in code ? { type: "module" } : {});
  } catch (cause) {
    throw new LoadError(`worker: expected it to start, got ${(cause as Error).message}: ${REFUSED}`, { cause });
  }
  worker.onmessage = ({ data }) => {
    if ("text" in code && "ready" in data) URL.revokeObjectURL(url);
    listener.message(data);
  };
  worker.onerror = (event) => listener.gone(event.message || REFUSED);
  worker.onmessageerror = () => listener.gone("an answer that could not be read");
  return {
    send: (message, transfer) => worker.postMessage(message, [...transfer]),
    keepAlive: () => {},
    stop: () => worker.terminate(),
  };
}
