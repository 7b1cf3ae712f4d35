/**
 * The worker's side: sessions, and what they are asked to do, one after the other.
 * @module
 */
import type { BuildOptions } from "../engine/build.ts";
import type { Numbers, Session } from "../engine/host/session.ts";
import { builtin } from "../host.ts";
import { build, classify, detect, embed, load, open, pose, segment } from "../index.ts";
import { buffersIn, type FromWorker, type Request, type ToWorker, told } from "./messages.ts";

/** The way to whoever started this worker. */
interface Port {
  send(message: FromWorker, transfer?: ArrayBuffer[]): void;
  listen(hear: (message: ToWorker) => void): void;
}

function port(): Port {
  const parent = builtin("node:worker_threads")?.parentPort;
  if (parent) {
    return {
      send: (message, transfer) => parent.postMessage(message, transfer),
      listen: (hear) => void parent.on("message", hear),
    };
  }
  const scope = globalThis as unknown as {
    postMessage(message: unknown, transfer: ArrayBuffer[]): void;
    onmessage: (event: { readonly data: ToWorker }) => void;
  };
  return {
    send: (message, transfer = []) => scope.postMessage(message, transfer),
    listen(hear) {
      scope.onmessage = ({ data }) => hear(data);
    },
  };
}

const sessions = new Map<number, Session>();
const running = new Map<number, AbortController>();

function made(id: number, session: Session): object {
  sessions.set(id, session);
  const { manifest, inputs, outputs, endPoints, memory, variant, threads, fewerThreads, product } = session;
  return { session: id, manifest, inputs, outputs, endPoints, memory, variant, threads, fewerThreads, product };
}

const TASKS = { classify, detect, embed, pose, segment } as const;

async function answer(request: Request, signal: AbortSignal, tell: (progress: unknown) => void): Promise<unknown> {
  const { id, task, subject, options = {}, progress = false } = request;
  const making = { ...options, signal, ...(progress && { onProgress: tell }) } as BuildOptions;
  switch (task) {
    case "load":
      return made(id, await load(subject as Parameters<typeof load>[0], making));
    case "open":
      return made(id, await open(subject as Parameters<typeof open>[0], making));
    case "build":
      return made(id, await build(subject as Parameters<typeof build>[0], making));
  }
  const session = sessions.get(request.session!)!;
  switch (task) {
    case "run":
      return session.run<Numbers>(subject as Parameters<Session["run"]>[0]);
    case "profile":
      return session.profile(subject as Parameters<Session["profile"]>[0]);
    case "save":
      return session.save();
    case "dispose":
      session.dispose();
      sessions.delete(request.session!);
      return undefined;
    default:
      return (TASKS[task] as (session: Session, subject: unknown, options: object) => unknown)(
        session,
        subject,
        options,
      );
  }
}

/** Makes sessions, whose tables stay here. */
const MAKING: readonly string[] = ["load", "open", "build"];

const { send, listen } = port();
listen(async (message) => {
  const { id } = message;
  if ("abort" in message) {
    running.get(id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const result = await answer(message, controller.signal, (progress) => send({ id, progress }));
    send({ id, result }, MAKING.includes(message.task) ? [] : buffersIn(result));
  } catch (error) {
    send({ id, error: told(error) });
  } finally {
    running.delete(id);
  }
});
send({ ready: true });
