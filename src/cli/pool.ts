/**
 * Pictures on all cores: a worker each, which takes the next picture when it is done with one.
 * @module
 */
import { availableParallelism } from "node:os";
import process from "node:process";
import { SepconvWorker, type WorkerSession } from "../worker/client.ts";
import type { Outcome } from "./images.ts";
import { message, printError } from "./output.ts";
import { underBar } from "./progress.ts";

/** Fewer pictures than that are done before the workers have begun. */
const WORTH = 8;

/** How many workers share so many pictures. */
export function workersFor(pictures: number, asked: number | undefined): number {
  return Math.min(pictures, asked ?? (pictures < WORTH ? 1 : availableParallelism()));
}

/**
 * What becomes of each picture, in their order. A worker that dies takes the picture with it that it was at, and no
 * other: another one goes on.
 * @param open makes a session in a worker
 * @param work is timed, reading and decoding with it
 */
export async function inPool<T extends object>(
  pictures: readonly string[],
  workers: number,
  { debug = false }: { readonly debug?: boolean },
  open: (worker: SepconvWorker) => Promise<WorkerSession>,
  work: (session: WorkerSession, picture: string) => Promise<T>,
): Promise<Outcome<T>[]> {
  const outcomes: Outcome<T>[] = new Array(pictures.length);
  const failures: unknown[] = new Array(pictures.length);
  let next = 0;
  let done = 0;
  await underBar(async (bar) => {
    const follow = async () => {
      let session: WorkerSession | undefined;
      try {
        for (let i = next++; i < pictures.length; i = next++) {
          const image = pictures[i]!;
          if (session === undefined || session.worker.ended) session = await open(new SepconvWorker());
          try {
            const start = performance.now();
            const answer = await work(session, image);
            const ms = Math.round((performance.now() - start) * 1000) / 1000;
            outcomes[i] = { image, ms, ...answer };
          } catch (error) {
            outcomes[i] = { image, error: message(error) };
            failures[i] = error;
          }
          bar.update(++done, pictures.length, image);
        }
      } finally {
        session?.worker.terminate();
      }
    };
    await Promise.all(Array.from({ length: workers }, follow));
  });
  for (const error of failures) if (error !== undefined) printError(error, debug);
  if (failures.some((error) => error !== undefined)) process.exitCode = 1;
  return outcomes;
}
